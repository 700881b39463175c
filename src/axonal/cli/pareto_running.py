"""A front from the command line: code after code, each kept as soon as it is finished."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from axonal.cli.progress import Bars
from axonal.study.front import (
    FAMILIES,
    FrontRequest,
    front,
    merged,
    pareto,
    read_points,
    summary,
    write_points,
)
from axonal.study.front.results import place
from axonal.views import print_front, write_front

__all__ = ["Kept", "run"]

Points = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is on disk of the front of a dataset.

    Args:
        data: Name of the dataset.
        folder: Where points, picture and page are.
    """

    data: str
    folder: Path

    @property
    def path(self) -> Path:
        """The list of points."""
        return self.folder / f"{self.data}.json"

    @property
    def picture(self) -> Path:
        """The charts."""
        return self.path.with_suffix(".svg")

    @property
    def page(self) -> Path:
        """Charts and table."""
        return self.path.with_suffix(".html")

    def points(self) -> Points:
        """The points that are there.

        Raises:
            ValueError: The file is no list of points.
        """
        return read_points(self.path)

    def add(self, new: Points) -> Path | None:
        """Add points, and draw what there is by now.

        Returns:
            Where points are that do not compare with the new ones; `None` where all do.

        Raises:
            OSError: The folder cannot be written.
        """
        old = self.points()
        found = merged(old, new)
        places = {place(point) for point in found}
        lost = [point for point in old if place(point) not in places]
        aside = self.path.with_suffix(".before.json") if lost else None
        if aside is not None:
            write_points(old, aside)
        write_points(found, self.path)
        self.draw()
        return aside

    def draw(self) -> None:
        """Draw picture and page from the points on disk.

        Raises:
            ValueError: There is no point.
            OSError: The folder cannot be written.
        """
        write_front(*self._said(), self.folder, self.path.stem)

    def show(self, console: Console) -> None:
        """Print the table and what it comes to."""
        print_front(*self._said(), console)

    def _said(self) -> tuple[Points, list[dict[str, Any]], dict[str, Any]]:
        points = self.points()
        if not points:
            raise ValueError(f"{self.path} has 0 points, must be at least 1: run `axonal pareto {self.data}` first")
        return points, [_heeded(row) for row in front(points)], summary(points)


def run(request: FrontRequest, kept: Kept, console: Console) -> None:
    """Train each code with all its seeds and keep it before the next.

    Raises:
        KeyboardInterrupt: Someone stopped it; says what is kept.
    """
    kept.points()  # a file that is no list of points is found before any training
    done = 0
    try:
        with Bars(console) as bars:
            for code in request.codes:
                aside = kept.add(pareto(replace(request, codes=(code,)), bars))
                done += 1
                if aside is not None:
                    bars.say(f"points of another dense network, network or system were moved to {aside}")
    except KeyboardInterrupt as stop:
        where = f" and in {kept.path}" if done else ""
        raise KeyboardInterrupt(
            f"stopped: {done} of {len(request.codes)} codes are finished{where}; "
            "run the same command again to go on from there"
        ) from stop
    except Exception:
        if done:
            console.print(
                f"[yellow]note:[/] {done} of {len(request.codes)} codes are finished and in {escape(str(kept.path))}",
                highlight=False,
                soft_wrap=True,
            )
        raise


def _heeded(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose target is named only where the code heeds it."""
    known = FAMILIES.get(row["code"])
    return {**row, "target": None} if known is not None and known.sweep == "fixed" else row
