"""How long a packet takes that is alone in the network, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.arrays import Machine
from axonal.simulation.network.compiled import compiled, inlined
from axonal.simulation.network.fabric import Fabric
from axonal.simulation.network.flows import Flows, Paths

__all__ = ["Alone", "alone"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Alone:
    """Packets alone in an empty network.

    Args:
        cycles: Of each flow, from the creation of a packet to the ejection of its tail.
        lasts_cycles: Of each step of each flow, from the grant of its head to that of its tail, both included.
        source_cycles: Of each flow, the same for the core that sends it.
    """

    cycles: F64
    lasts_cycles: F64
    source_cycles: F64


def alone(fabric: Fabric, flows: Flows, paths: Paths) -> Alone:
    """How a packet of each flow passes an empty network.

    Flit k leaves router h at the latest of: its arrival (for a head, and the stages before the switch), the cycle
    after flit k - 1, and the return of the credit of flit k - B, B being the depth of the buffer beyond. A head pays
    for routing and VC allocation at every router and a body flit does not, so behind a slow link the tail catches up.
    """
    result = Alone(
        cycles=np.zeros(len(flows)), lasts_cycles=np.zeros(len(paths.turn)), source_cycles=np.zeros(len(flows))
    )
    if len(flows):
        longest, most = int(paths.hops.max()), int(flows.flits.max())
        sends, free = np.zeros((longest + 1, most), np.int64), np.zeros(longest)
        machine = fabric.machine
        plain = machine.period.max() == 1 and machine.stages[:, 2].max() == 1
        shallow = int(machine.depth.min()) if plain else 0
        outputs = (result.cycles, result.lasts_cycles, result.source_cycles)
        _alone(machine, flows.flits, paths.start, paths.exit[paths.turn], (sends, free, shallow), outputs)
    return result


@compiled
def _up(tick: int, period: int) -> int:
    """The next clock edge."""
    if period == 1:
        return tick
    return (tick + period - 1) // period * period


@inlined
def _straight(machine: Machine, exits: I64, first: int, last: int) -> int:
    """Latency of a head, or -1 where there is a lane that may hold flits back."""
    ports = machine.ports
    cycles = 2
    for step in range(first, last):
        router, out = exits[step] // ports, exits[step] % ports
        cycles += machine.stages[router, 0] + machine.stages[router, 3]
        if machine.speculative[router] == 0:
            cycles += machine.stages[router, 1]
        if out == ports - 1:
            return int(cycles) + 2
        lane = machine.lane[router, out]
        if lane >= 0 and machine.lane_service[lane] > 1:
            return -1
        cycles += machine.link_ticks[router, out] + 1
    return int(cycles)


@inlined
def _credit_back(machine: Machine, link: int, granted: int, beyond: int) -> int:
    """When the credit of a flit is back that was granted at an output, and at the next router beyond it."""
    router, out = link // machine.ports, link % machine.ports
    period = machine.period[router]
    if out == machine.ports - 1:
        back = granted + machine.stages[router, 3] + 4 * period + machine.stages[router, 4]
    else:
        back = beyond + machine.link_ticks[router, out] + machine.stages[router, 4]
        back += machine.period[machine.neighbour[router, out]]
    return _up(back, period)


@inlined
def _room(machine: Machine, link: int) -> int:
    """Depth of the buffer behind an output."""
    router, out = link // machine.ports, link % machine.ports
    if out == machine.ports - 1:
        return int(machine.depth[router, out])
    return int(machine.depth[machine.neighbour[router, out], machine.entry[router, out]])


@inlined
def _granted(machine: Machine, link: int, sends: I64, hop: int, flit: int, at: int) -> int:
    """When a flit that is there at a time is granted an output; `sends` has the grants so far."""
    router = link // machine.ports
    period = machine.period[router]
    at = _up(at, period)
    if flit == 0:
        at += machine.stages[router, 0]
        if machine.speculative[router] == 0:
            at += machine.stages[router, 1]
    else:
        at = max(at, sends[hop + 1, flit - 1] + period)
    room = _room(machine, link)
    if flit >= room:
        beyond = 0 if link % machine.ports == machine.ports - 1 else sends[hop + 2, flit - room]
        at = max(at, _credit_back(machine, link, sends[hop + 1, flit - room], beyond))
    return int(at + machine.stages[router, 2] - period)


@inlined
def _arrives(machine: Machine, link: int, free: F64, hop: int, at: int) -> int:
    """When a flit that was granted an output at a time is at the end of its link."""
    router, out = link // machine.ports, link % machine.ports
    period = machine.period[router]
    at += machine.stages[router, 3]
    if out == machine.ports - 1:
        return int(at + 2 * period)
    lane = machine.lane[router, out]
    if lane >= 0:
        before = free[hop]
        free[hop] = max(before, float(at)) + machine.lane_service[lane]
        at = max(at, int(before + 1e-9))
    return int(at + machine.link_ticks[router, out] + period)


@inlined
def _injected(machine: Machine, router: int, sends: I64, flit: int) -> int:
    """When the core sends a flit."""
    if flit == 0:
        return 0
    period = machine.period[router]
    room = machine.depth[router, machine.ports - 1]
    at = sends[0, flit - 1] + period
    return int(max(at, sends[1, flit - room] + 2 * period) if flit >= room else at)


@compiled
def _alone(
    machine: Machine, flits: I64, start: I64, exits: I64, scratch: tuple[I64, F64, int], outputs: tuple[F64, F64, F64]
) -> None:
    """Row 0 of `sends` is the source, row h + 1 the router h of the path."""
    sends, free, shallow = scratch
    cycles, lasts, source = outputs
    for flow in range(flits.size):
        first, last = start[flow], start[flow + 1]
        head = _straight(machine, exits, first, last) if flits[flow] <= shallow else -1
        if head > 0:
            # Nothing holds a flit back: all follow each other.
            cycles[flow] = head + flits[flow] - 1
            source[flow] = flits[flow]
            for step in range(first, last):
                lasts[step] = flits[flow]
            continue
        for hop in range(last - first):
            free[hop] = 0.0
        at = 0
        router = exits[first] // machine.ports
        for flit in range(flits[flow]):
            at = _injected(machine, router, sends, flit)
            sends[0, flit] = at
            at += 2 * machine.period[router]
            for hop in range(last - first):
                at = _granted(machine, exits[first + hop], sends, hop, flit, at)
                sends[hop + 1, flit] = at
                at = _arrives(machine, exits[first + hop], free, hop, at)
        cycles[flow] = at
        tail = flits[flow] - 1
        source[flow] = sends[0, tail] - sends[0, 0] + 1
        for hop in range(last - first):
            lasts[first + hop] = sends[hop + 1, tail] - sends[hop + 1, 0] + 1
