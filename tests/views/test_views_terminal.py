"""The terminal shows the same comparison, within its width."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from axonal.views import print_result, table
from axonal.views.comparison import comparison


def printed(shown: Any, width: int) -> str:
    console = Console(width=width, record=True, file=None, force_terminal=False, color_system=None, quiet=False)
    with console.capture() as capture:
        if isinstance(shown, dict):
            print_result(shown, console)
        else:
            console.print(shown)
    return capture.get()


@pytest.mark.parametrize("width", [80, 100])
def test_table_contains_every_variant_and_every_number(result: dict[str, Any], width: int) -> None:
    text = printed(table(result), width)
    compared = comparison(result)
    for column in compared.columns:
        assert column.name in text
    for row in compared.rows:
        for cell in row.cells:
            assert cell.text in text


@pytest.mark.parametrize("width", [80, 100])
def test_no_number_is_cut_and_no_line_is_wrapped(result: dict[str, Any], width: int) -> None:
    lines = printed(table(result), width).splitlines()
    assert not [line for line in lines if "…" in line]
    assert max(map(len, lines)) <= width
    assert len(lines) == 3 + len(comparison(result).rows) + 1


def test_printed_result_has_verdict_ratios_and_constants(result: dict[str, Any]) -> None:
    text = printed(result, 100)
    assert "PAYS" in text
    assert "DOES NOT PAY" not in text
    for constant in result["dominant_constants"]:
        assert constant["key"] in text
    for note in result["notes"]:
        assert note in text


def test_verdict_against_the_hybrid_is_said_plainly(result: dict[str, Any]) -> None:
    result["verdict"] = {"pays": False, "sentence": "It costs more."}
    assert "DOES NOT PAY It costs more." in printed(result, 100)


def test_brackets_in_the_result_are_no_markup(result: dict[str, Any]) -> None:
    result["verdict"]["sentence"] = "[red]not[/red] a [link=x]style"
    result["notes"] = ["[/]"]
    text = printed(result, 100)
    assert "[red]not[/red] a [link=x]style" in text
    assert "- [/]" in text


def test_table_of_a_subset_of_variants_shows_those(result: dict[str, Any]) -> None:
    result["variants"] = {"ann": result["variants"]["ann"]}
    result["ratios"] = {}
    text = printed(result, 80)
    assert "ANN" in text
    assert "Low-rank" not in text
