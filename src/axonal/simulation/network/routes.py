"""Which output, and which of its virtual channels, a packet may take next; compiled."""

from __future__ import annotations

from enum import IntEnum

from axonal.simulation.network.arrays import Load, Machine, State
from axonal.simulation.network.compiled import inlined

__all__ = ["EAST", "NORTH", "SOUTH", "WEST", "Routing", "next_hop"]

EAST, WEST, SOUTH, NORTH = 0, 1, 2, 3
"""Ports of a grid: towards larger x, smaller x, larger y, smaller y; the port after them leads to the core."""


class Routing(IntEnum):
    """Names of the routing functions; all are minimal and free of deadlock.

    XY: dimension order, x first. YX: y first. WEST_FIRST: first all of the way west, then whichever of the other
    minimal outputs has more credits. O1TURN: each packet takes x or y first, by a coin, each in half of the virtual
    channels (Seo et al., ISCA 2005). TABLE: up, then down a spanning tree's order (Schroeder et al., 1991), for
    packages that are no grid.
    """

    XY = 0
    YX = 1
    WEST_FIRST = 2
    O1TURN = 3
    TABLE = 4


@inlined
def _steps(at: int, to: int, wraps: bool, size: int) -> int:
    """Signed steps along one dimension, the shorter way around where the grid wraps (towards larger when equal)."""
    steps = to - at
    if wraps:
        if steps < 0:
            steps += size
        if 2 * steps > size:
            steps -= size
    return steps


@inlined
def _dimension(machine: Machine, at: int, to: int, size: int, port: int) -> tuple[int, int, int]:
    """Port (`port` or the one after it), and on a torus the half of the virtual channels for one dimension.

    Dateline: the lower half while the wrap-around link is still ahead, the upper half after it or without it.
    """
    wraps = machine.wraps == 1
    steps = _steps(at, to, wraps, size)
    out = port if steps > 0 else port + 1
    if not wraps:
        return out, 0, machine.split
    ahead = to < at if steps > 0 else to > at
    half = machine.vcs // 2
    if ahead:
        return out, 0, half
    return out, half, machine.vcs


@inlined
def _ordered(machine: Machine, router: int, target: int, x_first: bool) -> tuple[int, int, int]:
    """Dimension order."""
    dx = machine.column[target] - machine.column[router]
    dy = machine.row[target] - machine.row[router]
    if dx != 0 and (x_first or dy == 0):
        return _dimension(machine, machine.column[router], machine.column[target], machine.columns, 0)
    if dy != 0:
        return _dimension(machine, machine.row[router], machine.row[target], machine.rows, 2)
    return machine.ports - 1, 0, machine.vcs


@inlined
def _west_first(machine: Machine, state: State, router: int, target: int) -> int:
    dx = machine.column[target] - machine.column[router]
    dy = machine.row[target] - machine.row[router]
    if dx < 0:
        return 1
    if dx == 0 and dy == 0:
        return machine.ports - 1
    vertical = 2 if dy > 0 else 3
    if dy == 0:
        return 0
    if dx == 0:
        return vertical
    first = (router * machine.ports + 0) * machine.vcs
    second = (router * machine.ports + vertical) * machine.vcs
    more = 0
    for vc in range(machine.vcs):
        more += state.credit[second + vc] - state.credit[first + vc]
    return vertical if more > 0 else 0


@inlined
def next_hop(  # noqa: PLR0911
    machine: Machine, load: Load, state: State, router: int, packet: int
) -> tuple[int, int, int]:
    """Output, and the virtual channels `low <= v < high` of it, for a packet that is no multicast."""
    target = load.target[packet]
    if machine.routing == 4:
        if router == target:
            return machine.ports - 1, 0, machine.vcs
        return machine.table[state.phase_of[packet], router, target], 0, machine.vcs
    if machine.routing == 2:
        return _west_first(machine, state, router, target), 0, machine.split
    if machine.routing == 3:
        second = load.flavour[packet] == 1
        out, low, high = _ordered(machine, router, target, not second)
        if out == machine.ports - 1:
            return out, low, high
        half = machine.vcs // 2
        if second:
            return out, half, machine.vcs
        return out, 0, half
    return _ordered(machine, router, target, machine.routing == 0)
