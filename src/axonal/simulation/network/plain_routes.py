"""The routing functions of the plain twin."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from axonal.simulation.network.fabric import Fabric
from axonal.simulation.network.plain_router import Packet, Router
from axonal.simulation.network.routes import EAST, NORTH, SOUTH, WEST, Routing

__all__ = ["Way", "Ways", "lower", "upper", "ways_of"]

Way = tuple[int, Sequence[int]]
"""An output, and its virtual channels that may be taken."""

Ways = Callable[[Router, Packet], list[Way]]


def lower(vcs: int) -> range:
    """The lower half of the virtual channels."""
    return range(vcs // 2)


def upper(vcs: int) -> range:
    """The upper half."""
    return range(vcs // 2, vcs)


def ways_of(fabric: Fabric) -> Ways:
    """The routing function of a fabric; multicasts follow their trees under all of them."""
    routing = Routing(fabric.machine.routing)
    plain: Ways
    match routing:
        case Routing.XY | Routing.YX:
            plain = _dimension_order(fabric, x_first=routing == Routing.XY)
        case Routing.O1TURN:
            plain = _one_turn(fabric)
        case Routing.WEST_FIRST:
            plain = _west_first(fabric)
        case Routing.TABLE:
            plain = _by_table(fabric)
    every = range(fabric.machine.vcs)
    # A tree goes along x first and never around a ring: it takes the channels of packets that do so.
    for_trees = upper(len(every)) if fabric.machine.wraps else lower(len(every)) if routing == Routing.O1TURN else every

    def ways(router: Router, packet: Packet) -> list[Way]:
        if packet.tree is not None:
            return [(port, for_trees) for port in packet.tree[router.number]]
        if router.number == packet.target:
            return [(fabric.machine.ports - 1, every)]
        return plain(router, packet)

    return ways


def _position(fabric: Fabric, router: int) -> tuple[int, int]:
    return int(fabric.machine.column[router]), int(fabric.machine.row[router])


def _dimension_order(fabric: Fabric, *, x_first: bool) -> Ways:
    """All of the way along one dimension, then along the other."""
    machine = fabric.machine

    def ways(router: Router, packet: Packet) -> list[Way]:
        (x, y), (to_x, to_y) = _position(fabric, router.number), _position(fabric, packet.target)
        if x != to_x and (x_first or y == to_y):
            return [_along(machine.columns, x, to_x, (EAST, WEST), machine.vcs, wraps=bool(machine.wraps))]
        return [_along(machine.rows, y, to_y, (SOUTH, NORTH), machine.vcs, wraps=bool(machine.wraps))]

    return ways


def _along(size: int, at: int, to: int, outputs: tuple[int, int], vcs: int, *, wraps: bool) -> Way:
    """Next step along a line or ring; who has yet to cross from one end of a ring to the other takes the lower half."""
    up, down = outputs
    if not wraps:
        return (up if to > at else down), range(vcs)
    distance_up, distance_down = (to - at) % size, (at - to) % size
    if distance_up <= distance_down:
        return up, lower(vcs) if at + distance_up >= size else upper(vcs)
    return down, lower(vcs) if at - distance_down < 0 else upper(vcs)


def _one_turn(fabric: Fabric) -> Ways:
    """O1TURN: each packet has its order of dimensions, and each order its half of the virtual channels."""
    orders = [_dimension_order(fabric, x_first=True), _dimension_order(fabric, x_first=False)]
    halves = [lower(fabric.machine.vcs), upper(fabric.machine.vcs)]

    def ways(router: Router, packet: Packet) -> list[Way]:
        return [(port, halves[packet.flavour]) for port, _ in orders[packet.flavour](router, packet)]

    return ways


def _west_first(fabric: Fabric) -> Ways:
    """West while that is needed; then whichever minimal output has more credits, east when they are equal."""
    every = range(fabric.machine.vcs)

    def credit(router: Router, port: int) -> int:
        return sum(channel.credit for channel in router.outputs[port].channels)

    def ways(router: Router, packet: Packet) -> list[Way]:
        (x, y), (to_x, to_y) = _position(fabric, router.number), _position(fabric, packet.target)
        if to_x < x:
            return [(WEST, every)]
        minimal = [EAST] * (to_x > x) + [SOUTH] * (to_y > y) + [NORTH] * (to_y < y)
        return [(max(minimal, key=lambda port: credit(router, port)), every)]

    return ways


def _by_table(fabric: Fabric) -> Ways:
    """As the table says for the packet's phase."""
    machine = fabric.machine

    def ways(router: Router, packet: Packet) -> list[Way]:
        return [(int(machine.table[int(packet.descends), router.number, packet.target]), range(machine.vcs))]

    return ways
