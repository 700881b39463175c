"""Progress bars of a comparison."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from axonal.training import Point

__all__ = ["Bars", "bars"]

KEPT_BARS = 8
"""Finished bars that stay in sight."""


def bars(console: Console, *, transient: bool = False) -> Progress:
    """Bars with a note beside each; none where nobody watches.

    Args:
        console: Where they are drawn.
        transient: Whether they go when the work is done.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=transient,
        disable=not console.is_terminal,
    )


class Bars:
    """A `Watcher` that draws one bar for each training run, and plain lines where nobody watches."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.tasks: dict[str, TaskID] = {}
        self.progress = bars(console)

    def __enter__(self) -> Bars:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def begin(self, title: str, steps: int) -> None:
        """A training run, or another long task, begins."""
        self._forget_finished()
        self.tasks[title] = self.progress.add_task(escape(title), total=steps, note="")
        if not self.console.is_terminal:
            self.console.print(escape(title), highlight=False)

    def step(self, title: str, step: int, point: Point | None) -> None:
        """A step is done, perhaps with a new evaluation."""
        task = self.tasks.get(title)
        if task is None:
            return
        self.progress.update(task, completed=step)
        if point is not None:
            bits = f", {point.link_bits_per_element:.2f} bit/element" if point.link_bits_per_element else ""
            self.progress.update(task, note=f"validation {point.validation:.3f}{bits}")

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.console.print(f"[yellow]note:[/] {escape(text)}", highlight=False, soft_wrap=True)

    def _forget_finished(self) -> None:
        """Many runs would fill the screen: bars of those that are done make room."""
        finished = [task.id for task in self.progress.tasks if task.finished]
        for task in finished[:-KEPT_BARS]:
            self.progress.remove_task(task)
        # Another process may still tell of a run whose bar is gone.
        self.tasks = {title: task for title, task in self.tasks.items() if task in self.progress.task_ids}
