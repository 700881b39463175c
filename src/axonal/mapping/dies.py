"""Dies as a graph: shortest paths over the links, and the path along which a network is laid."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from axonal.hardware import Chip, System

__all__ = ["DiePaths", "chain", "die_paths"]

DiePaths = Mapping[tuple[str, str], tuple[str, ...]]
"""Dies from one to the other, both ends included."""

_Neighbours = Mapping[str, tuple[str, ...]]

_EXACT_SEARCH_CHIPS = 12
"""Up to here a search for a path through all dies is instant even when there is none."""


def die_paths(system: System) -> DiePaths:
    """Shortest path over the links between each two connected dies.

    Breadth first; among equally short paths the one that moves along a row of dies first wins, as packets do in a grid
    of dies, then the one over the links that stand first in the system.
    """
    at = {chip.name: chip.row for chip in system.chips}
    ends = [(link.a, link.b) for link in system.links]
    along_rows_first = sorted(ends, key=lambda pair: at[pair[0]] != at[pair[1]])
    return _paths(tuple(at), tuple(along_rows_first))


@lru_cache(maxsize=64)
def _paths(names: tuple[str, ...], links: tuple[tuple[str, str], ...]) -> DiePaths:
    neighbours = _neighbours(names, links)
    return {(start, end): path for start in names for end, path in _paths_from(start, neighbours).items()}


def _paths_from(start: str, neighbours: _Neighbours) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {start: (start,)}
    pending = deque([start])
    while pending:
        name = pending.popleft()
        for other in neighbours[name]:
            if other not in found:
                found[other] = (*found[name], other)
                pending.append(other)
    return found


def _neighbours(names: Sequence[str], links: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {name: {} for name in names}
    for a, b in links:
        found[a][b] = found[b][a] = None
    return {name: tuple(others) for name, others in found.items()}


def chain(system: System) -> tuple[str, ...]:
    """The dies in the order in which the network is laid over them, from the first die on.

    A path over links through all dies that can be reached: a snake through the package
    if its steps are links, else the first one that an exact search of a small system
    finds. Where there is none (a star), depth-first order, whose steps may take several links.
    """
    links = tuple((link.a, link.b) for link in system.links)
    names = tuple(chip.name for chip in system.chips)
    neighbours = _neighbours(names, links)
    reachable = set(_paths_from(names[0], neighbours))
    for snake in _snakes([chip for chip in system.chips if chip.name in reachable]):
        if snake[0] == names[0] and all(b in neighbours[a] for a, b in pairwise(snake)):
            return snake
    exact = _through_all((names[0],), neighbours, len(reachable)) if len(reachable) <= _EXACT_SEARCH_CHIPS else None
    return exact or _depth_first(names[0], neighbours)


def _snakes(chips: Sequence[Chip]) -> list[tuple[str, ...]]:
    """Boustrophedon orders of the package, by rows and by columns, from either side."""
    by_rows = [(chip.row, chip.column, chip.name) for chip in chips]
    by_columns = [(chip.column, chip.row, chip.name) for chip in chips]
    return [
        _boustrophedon(items, down, right) for items in (by_rows, by_columns) for down in (1, -1) for right in (1, -1)
    ]


def _boustrophedon(items: Sequence[tuple[int, int, str]], down: int, right: int) -> tuple[str, ...]:
    lanes = sorted({lane for lane, _, _ in items}, reverse=down < 0)
    order: list[str] = []
    for index, lane in enumerate(lanes):
        members = sorted((step, name) for where, step, name in items if where == lane)
        order += [name for _, name in (members if (index % 2 == 0) == (right > 0) else reversed(members))]
    return tuple(order)


def _through_all(path: tuple[str, ...], neighbours: _Neighbours, length: int) -> tuple[str, ...] | None:
    if len(path) == length:
        return path
    for other in neighbours[path[-1]]:
        if other not in path and (found := _through_all((*path, other), neighbours, length)):
            return found
    return None


def _depth_first(start: str, neighbours: _Neighbours) -> tuple[str, ...]:
    order: dict[str, None] = {}
    stack = [start]
    while stack:
        name = stack.pop()
        if name not in order:
            order[name] = None
            stack += [other for other in reversed(neighbours[name]) if other not in order]
    return tuple(order)
