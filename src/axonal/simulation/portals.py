"""Where a tensor passes from die to die: the routers of facing sides that a link joins.

Where dies and links form one large mesh, every router of a side is attached to the link, and each part of a tensor
crosses where it is: along its own row to the east or west, and to the north or south in the column that has the same
place in the target's die as its core has in its own. Elsewhere all of it passes one gateway of each side.
"""

from __future__ import annotations

from functools import lru_cache

from axonal.hardware import Chip, Link, System

__all__ = ["crosses_rows", "portal", "portal_column", "regular"]


@lru_cache(maxsize=64)
def regular(system: System) -> bool:
    """Whether dies and links make one large mesh with x-first routing."""
    if len(system.chips) == 1:
        return system.chips[0].noc.topology == "mesh"
    at = {(chip.column, chip.row): chip for chip in system.chips}
    columns, rows = (sorted({place[axis] for place in at}) for axis in (0, 1))
    if columns != list(range(len(columns))) or rows != list(range(len(rows))) or len(at) != len(columns) * len(rows):
        return False
    plain = all(chip.noc.topology == "mesh" and chip.noc.routing == "xy" for chip in system.chips)
    widths = all(len({at[x, y].noc.columns for y in rows}) == 1 for x in columns)
    heights = all(len({at[x, y].noc.rows for x in columns}) == 1 for y in rows)
    pairs = {frozenset((at[x, y].name, at[x + 1, y].name)) for x in columns[:-1] for y in rows}
    pairs |= {frozenset((at[x, y].name, at[x, y + 1].name)) for x in columns for y in rows[:-1]}
    joined = {frozenset((link.a, link.b)) for link in system.links}
    return plain and widths and heights and pairs == joined and all(_whole_side(system, link) for link in system.links)


def _whole_side(system: System, link: Link) -> bool:
    a, b = system.by_name[link.a], system.by_name[link.b]
    side = a.noc.rows if a.row == b.row else a.noc.columns
    return link.ports is None or link.ports >= side


def crosses_rows(source: Chip, target: Chip) -> bool:
    """Whether the way from one die to the other leaves its row of dies."""
    return source.row != target.row


def portal_column(source: Chip, core: int, target: Chip) -> int:
    """Column, in the die of the target, in which what comes from a core passes between rows of dies.

    Example:
        >>> from axonal.hardware import load
        >>> chips = load("quad_chiplet").chips
        >>> portal_column(chips[0], 13, chips[3])
        5
    """
    return core % source.noc.columns * target.noc.columns // source.noc.columns


def portal(chip: Chip, router: int, column: int, neighbour: Chip) -> int:
    """Router of a die at which something leaves for a neighbouring die.

    Args:
        chip: The die.
        router: Where it is, for the row of a link to the east or west.
        column: Column in which it passes between rows of dies.
        neighbour: The next die.
    """
    columns = chip.noc.columns
    if chip.row == neighbour.row:
        return router - router % columns + (columns - 1 if neighbour.column > chip.column else 0)
    return column + ((chip.noc.rows - 1) * columns if neighbour.row > chip.row else 0)
