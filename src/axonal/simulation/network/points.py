"""What a measurement found: `Point`, with the load of every link as `LinkUse`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.fabric import Fabric
from axonal.simulation.network.packets import Ints
from axonal.simulation.network.running import Run

__all__ = ["LinkUse", "Point", "latencies", "link_uses"]


@dataclass(frozen=True, kw_only=True)
class LinkUse:
    """Load of one directed link.

    Args:
        source: Position (x, y) of the router that sends.
        target: Position of the router that receives.
        kind: `noc` inside a die, `d2d` between dies.
        flits_per_cycle: Flits that it carried in a cycle, on average.
        utilization: Share of the time in which it, or the lane that it shares, was busy.
    """

    source: tuple[int, int]
    target: tuple[int, int]
    kind: Literal["noc", "d2d"]
    flits_per_cycle: float
    utilization: float


@dataclass(frozen=True, kw_only=True)
class Point:
    """A network under one load.

    Args:
        offered_flits_per_node_cycle: What was asked of it; 1 for a burst, where each node sends as fast as it can.
        accepted_flits_per_node_cycle: What arrived during the measurement.
        packet_latency_cycles: From creation to the arrival of the tail, the wait at the source included; mean.
        packet_latency_p99_cycles: Of 99 of 100 packets it is not longer.
        packet_latency_max_cycles: The longest.
        network_latency_cycles: From the injection of the head to the arrival of the tail; mean.
        routers_traversed: Routers on the way, those of source and target included; mean.
        packets: How many packets these are.
        makespan_cycles: From the first injection until the last packet has arrived; of bursts and traces only.
        saturated: Whether the network did not keep up; latencies then say how long it was looked at.
        cycles: How many were simulated.
        cpu_s: Processor time that took, without compilation.
        links: Load of each link during the measurement.
    """

    offered_flits_per_node_cycle: float
    accepted_flits_per_node_cycle: float
    packet_latency_cycles: float
    packet_latency_p99_cycles: float
    packet_latency_max_cycles: int
    network_latency_cycles: float
    routers_traversed: float
    packets: int
    makespan_cycles: int | None = None
    saturated: bool = False
    cycles: int
    cpu_s: float
    links: tuple[LinkUse, ...] = ()

    def numbers(self) -> dict[str, Any]:
        """All but the links, as JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "links"}


def latencies(run: Run, chosen: NDArray[np.bool_]) -> dict[str, float | int]:
    """Latencies and routers of chosen packets; one that is still under way counts with the time it took so far.

    Where the network is so full that none of them entered it, what lies inside is told of those that did.

    Raises:
        ValueError: No packet is chosen.
    """
    if not chosen.any():
        raise ValueError("no packet was created while it was measured: raise the rate or measure more cycles")
    state, created = run.state, run.packets.created[chosen]
    end = np.where(state.arrived >= 0, state.arrived, run.now)
    entered = state.injected >= 0
    inside = chosen & entered if (chosen & entered).any() else entered
    there = inside & (state.arrived >= 0) if (inside & (state.arrived >= 0)).any() else inside
    latency = end[chosen] - created
    return {
        "packet_latency_cycles": float(latency.mean()),
        "packet_latency_p99_cycles": float(np.percentile(latency, 99)),
        "packet_latency_max_cycles": int(latency.max()),
        "network_latency_cycles": float((end - state.injected)[inside].mean()),
        "routers_traversed": float(state.hops[there].mean()),
        "packets": len(latency),
    }


def link_uses(fabric: Fabric, flits: Ints, cycles: int) -> tuple[LinkUse, ...]:
    """Load of each link that sent so many flits, by router and port, within some cycles."""
    machine = fabric.machine
    rate = flits.reshape(machine.routers, machine.ports) / max(cycles, 1)
    shared = machine.lane >= 0
    lane_rate = np.bincount(machine.lane[shared], weights=rate[shared], minlength=len(machine.lane_service))
    lane_busy = lane_rate * machine.lane_service

    def at(router: int) -> tuple[int, int]:
        return int(machine.column[router]), int(machine.row[router])

    def busy(router: int, port: int) -> float:
        lane = machine.lane[router, port]
        return float(max(rate[router, port], lane_busy[lane] if lane >= 0 else 0.0))

    return tuple(
        LinkUse(
            source=at(link.router),
            target=at(link.beyond),
            kind=link.kind,
            flits_per_cycle=float(rate[link.router, link.port]),
            utilization=busy(link.router, link.port),
        )
        for link in fabric.links
    )
