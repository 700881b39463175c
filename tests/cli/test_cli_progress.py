"""Progress: bars for people who watch, plain lines for log files, and no fault when there are many of them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from axonal.cli.progress import Bars
from axonal.training import Point

POINT = Point(step=3, train_loss=0.5, validation=0.25, link_bits_per_element=1.5)


def bars(terminal: bool) -> tuple[Bars, io.StringIO]:
    text = io.StringIO()
    return Bars(Console(file=text, force_terminal=terminal, width=60)), text


@pytest.mark.parametrize("terminal", [True, False])
def test_many_runs_that_end_in_any_order_make_no_fault(terminal: bool) -> None:
    watcher, text = bars(terminal)
    titles = [f"run {number}" for number in range(30)]
    with watcher:
        for title in titles:
            watcher.begin(title, 3)
        for title in reversed(titles):
            watcher.step(title, 3, POINT)
        watcher.begin("one more", 3)
        for title in titles:
            watcher.step(title, 3, None)
        watcher.step("one more", 2, None)
        watcher.step("never begun", 2, None)
    assert "one more" in text.getvalue()


def test_a_log_file_gets_one_line_for_each_run_and_long_notes_unbroken() -> None:
    watcher, text = bars(terminal=False)
    note = "traffic is " + "very " * 30 + "[high]"
    with watcher:
        watcher.begin("ann [seed 0]", 3)
        watcher.step("ann [seed 0]", 1, None)
        watcher.step("ann [seed 0]", 2, POINT)
        watcher.say(note)
    assert text.getvalue().splitlines() == ["ann [seed 0]", f"note: {note}"]


def test_a_terminal_is_shown_the_newest_evaluation() -> None:
    watcher, text = bars(terminal=True)
    with watcher:
        watcher.begin("ann", 5)
        watcher.step("ann", 3, POINT)
    assert "0.250" in text.getvalue()
