"""Many equal chips in a grid, and links between all neighbours, written in one word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

__all__ = ["LARGEST_SYSTEM", "grid_of", "grid_places", "neighbours"]

LARGEST_SYSTEM = 1024
"""Chips of a system."""

_GRID = re.compile(r"([0-9]{1,4}) ?x ?([0-9]{1,4})")


def grid_of(text: object) -> tuple[int, int]:
    """Columns and rows of `8x8`; ValueError unless that makes 1 to `LARGEST_SYSTEM` chips."""
    match = _GRID.fullmatch(text) if isinstance(text, str) else None
    columns, rows = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= columns * rows <= LARGEST_SYSTEM:
        raise ValueError(f"must be columns x rows of chips, 1 to {LARGEST_SYSTEM} altogether, for example `4x4`")
    return columns, rows


def grid_places(columns: int, rows: int) -> dict[str, tuple[int, int]]:
    """Names and places `(column, row)` of the chips of a grid: c0, c1, ... row by row.

    Example:
        >>> grid_places(2, 2)
        {'c0': (0, 0), 'c1': (1, 0), 'c2': (0, 1), 'c3': (1, 1)}
    """
    return {f"c{row * columns + column}": (column, row) for row in range(rows) for column in range(columns)}


def neighbours(places: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """Pairs of chips that stand side by side or one above the other, in the order of the chips."""
    names = {place: name for name, place in places.items()}
    for name, (column, row) in places.items():
        for place in ((column + 1, row), (column, row + 1)):
            if place in names:
                yield name, names[place]
