"""The way of a packet from one router to one or several: `way`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from axonal.simulation.network.package import Package
from axonal.simulation.network.packets import Tree
from axonal.simulation.network.routes import EAST, NORTH, SOUTH, WEST, Routing
from axonal.simulation.portals import crosses_rows, portal_column

__all__ = ["way"]

_Step = tuple[int, int, int]
"""A router, an output of it, and the set of virtual channels that may be taken there."""


def way(package: Package, source: int, targets: tuple[int, ...]) -> tuple[Tree | int, ...]:
    """How to reach routers: one multicast tree where the network allows it, else targets one by one.

    In one die, the tree is the union of the dimension-order routes. From die to die it crosses each link once: along
    the row, down one column, and where it leaves the row of dies, it fans out column first, in virtual channels of
    their own. Two orders of two phases each, and no way back from the second: no circle of packets can form.
    Where tables route, it is the union of the ways along the spanning tree.

    Args:
        package: The network.
        source: Router that sends.
        targets: Routers that receive, without the source, ascending.
    """
    return _way(package, source, targets)


@lru_cache(maxsize=1 << 16)
def _way(package: Package, source: int, targets: tuple[int, ...]) -> tuple[Tree | int, ...]:
    machine = package.fabric.machine
    if package.climb is not None:
        if len(targets) == 1:
            return targets
        return (_tree(package, (step for target in targets for step in _climbing(package, source, target)), targets),)
    (here, core), there = package.core_of[source], package.core_of[targets[0]][0]
    chips = package.system.by_name
    if crosses_rows(chips[here], chips[there]):
        column = portal_column(chips[here], core, chips[there]) + package.first[there] % machine.columns
        steps = (step for target in targets for step in _between_rows(package, source, target, column))
        return (_tree(package, steps, targets),)
    if len(targets) == 1 or machine.wraps:
        return targets
    channels = _channels(package)
    x_first = machine.routing != Routing.YX
    steps = (step for target in targets for step in _ordered(package, source, target, channels, x_first))
    return (_tree(package, steps, targets),)


def _channels(package: Package) -> int:
    """Virtual channels of the first phase; with O1TURN those of packets that take x first."""
    machine = package.fabric.machine
    count = machine.vcs // 2 if machine.routing == Routing.O1TURN else machine.split
    return (1 << count) - 1


def _tree(package: Package, steps: Iterator[_Step], targets: tuple[int, ...]) -> Tree:
    outputs: dict[int, int] = {}
    channels: dict[int, int] = {}
    for router, output, allowed in steps:
        outputs[router] = outputs.get(router, 0) | 1 << output
        channels[router] = allowed
    home = package.fabric.machine.ports - 1
    for target in targets:
        outputs[target] = outputs.get(target, 0) | 1 << home
        channels.setdefault(target, 1)
    routers = sorted(outputs)
    return Tree(
        routers=tuple(routers),
        outputs=tuple(outputs[router] for router in routers),
        channels=tuple(channels[router] for router in routers),
        copies=len(targets),
    )


def _along_row(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Routers and outputs on the way to another column."""
    step = 1 if end > start else -1
    for router in range(start, end, step):
        yield router, EAST if step > 0 else WEST


def _along_column(start: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    """Routers and outputs on the way to another row."""
    step = width if end > start else -width
    for router in range(start, end, step):
        yield router, SOUTH if step > 0 else NORTH


def _ordered(package: Package, source: int, target: int, channels: int, x_first: bool) -> Iterator[_Step]:
    width = package.fabric.machine.columns
    if x_first:
        corner = source - source % width + target % width
        legs = chain(_along_row(source, corner), _along_column(corner, target, width))
    else:
        corner = target - target % width + source % width
        legs = chain(_along_column(source, corner, width), _along_row(corner, target))
    for router, output in legs:
        yield router, output, channels


def _between_rows(package: Package, source: int, target: int, column: int) -> Iterator[_Step]:
    """Along the row to a column, down or up it, and from the second row of dies on in the second phase."""
    machine = package.fabric.machine
    width = machine.columns
    first, second = (1 << package.split) - 1, (1 << machine.vcs) - (1 << package.split)
    corner = source - source % width + column
    turn = target - target % width + column
    for router, output in _along_row(source, corner):
        yield router, output, first
    row = package.die_row[source]
    for router, output in _along_column(corner, turn, width):
        yield router, output, first if package.die_row[router] == row else second
    for router, output in _along_row(turn, target):
        yield router, output, second


def _climbing(package: Package, source: int, target: int) -> Iterator[_Step]:
    """Up the spanning tree from the source to where the way to the target branches off, then down."""
    climb, everything = package.climb, (1 << package.fabric.machine.vcs) - 1
    assert climb is not None
    up, down = source, target
    descent: list[_Step] = []
    while up != down:
        if climb.level[up] >= climb.level[down]:
            yield up, int(climb.to_parent[up]), everything
            up = int(climb.parent[up])
        else:
            descent.append((int(climb.parent[down]), int(climb.from_parent[down]), everything))
            down = int(climb.parent[down])
    yield from descent
