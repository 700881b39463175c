"""Geometry of one die: router numbers, distances, the snake, and the gateways to neighbouring dies.

Router `row * columns + column` sits at core of the same number; rows grow downwards.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from axonal.hardware import Chip, Noc

__all__ = ["distances", "entrance", "exit_", "gateway", "position", "snake"]


def position(noc: Noc, router: int) -> tuple[int, int]:
    """`(column, row)` of a router."""
    return router % noc.columns, router // noc.columns


def entrance(noc: Noc) -> int:
    """Router where input comes into the package: the middle of the west side."""
    return (noc.rows // 2) * noc.columns


def exit_(noc: Noc) -> int:
    """Router where output leaves the package: the middle of the east side."""
    return (noc.rows // 2) * noc.columns + noc.columns - 1


def gateway(chip: Chip, neighbour: Chip) -> int:
    """Router of `chip` at which its link to `neighbour` starts.

    It is the middle of the side that faces the neighbour: east or west when the package
    positions differ at least as much in the column as in the row, else south or north.
    """
    noc = chip.noc
    columns, rows = neighbour.column - chip.column, neighbour.row - chip.row
    if abs(columns) >= abs(rows):
        return exit_(noc) if columns >= 0 else entrance(noc)
    return noc.columns // 2 + ((noc.rows - 1) * noc.columns if rows > 0 else 0)


def snake(noc: Noc) -> tuple[int, ...]:
    """All routers, rows alternately eastwards and westwards, so that each step is one hop."""
    rows = (range(row * noc.columns, (row + 1) * noc.columns) for row in range(noc.rows))
    return tuple(router for index, row in enumerate(rows) for router in (row if index % 2 == 0 else reversed(row)))


@lru_cache(maxsize=64)
def distances(columns: int, rows: int) -> NDArray[np.float64]:
    """Hops between each two routers, shape `(routers, routers)`; not to be written to."""
    row, column = np.divmod(np.arange(columns * rows), columns)
    hops = np.abs(row[:, None] - row) + np.abs(column[:, None] - column)
    result: NDArray[np.float64] = hops.astype(np.float64)
    result.setflags(write=False)
    return result
