"""The network under load in closed form: `predict` a point, `predict_many` of them, the makespan of a `burst`.

The latency of a packet is that of an empty network (`lonely`, exact) and its mean waits (`contention`, a fixed point):

- **source**: Bernoulli packets of P flits that leave a core one after the other, W = r (P^2 - P) / 2 (1 - r P).
- **output**: the packets of a stream of rate r, of sources of rates r_s, that wait to be in one line with service S are
  L(r, S) = r U + S (r^2 - sum r_s^2) / 2, with U = (r (S^2 - S) + S^2 (r^2 - sum r_s^2)) / 2 (1 - r S) (Bernoulli
  arrivals, discrete time). A stream that one link has put in line stays so: those that wait for an output are
  L(all) - sum over inputs L(input), as in a tree of queues with equal service (Shalmon and Kaplan, 1984). With several
  virtual channels packets share the wires flit by flit, and each is late by twice that; tails catch up by what heads
  need for routing and allocation, once the two part. With one, the next packet begins when the tail has left.
- **input**: a packet waits for those before it in its virtual channel, which are served in the time of all stages,
  flits and waits for the output; of those that go the same way the wait for the output is counted already.
- **credits**: B flits of buffer and a loop of C cycles make a packet late by at most C - B behind one that has gone
  before it as closely as it can, or by what a full buffer beyond lets it wait.
- **lane**: as an output of service P cycles_per_flit, less what its streams have waited for before.

Nothing is fitted: `experiments/noc_analytical` measures how far this is from the cycle-level engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.contention import solve
from axonal.simulation.network.fabric import Fabric
from axonal.simulation.network.flows import Flows, Paths
from axonal.simulation.network.latency import mean_wait, saturation, wait_of_turns
from axonal.simulation.network.lonely import Alone, alone
from axonal.simulation.network.offered import Offered, demand_of
from axonal.simulation.network.routes import Routing
from axonal.simulation.network.waits import Waits

__all__ = ["Burst", "Points", "Prediction", "burst", "predict", "predict_many"]

F64 = NDArray[np.float64]

TRUSTED = 0.85
"""Share of the predicted saturation load up to which a prediction is valid."""
SATURATED = 3.0
"""Saturation is where the mean latency is so many times that of the empty network."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What is expected of a network under load.

    Args:
        packet_latency_cycles: Mean over packets, from creation to the ejection of the tail; infinite beyond saturation.
        network_latency_cycles: The same from the injection of the head.
        flow_latency_cycles: Mean packet latency of each flow.
        channel_flits_per_cycle: Load of each output, shape `(routers, ports)`; the last port is the ejection.
        channel_wait_cycles: Mean wait of a packet for each output, behind it and in the buffer before it.
        saturation_scale: Factor of all rates at which the network saturates.
        valid: Whether the prediction is within its range.
        reason: Why it is not.
    """

    packet_latency_cycles: float
    network_latency_cycles: float
    flow_latency_cycles: F64 = field(repr=False)
    channel_flits_per_cycle: F64 = field(repr=False)
    channel_wait_cycles: F64 = field(repr=False)
    saturation_scale: float
    valid: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Points:
    """Predictions of many design points; arrays with one entry for each.

    Args:
        packet_latency_cycles: Mean over packets, from creation to the ejection of the tail.
        network_latency_cycles: The same from the injection of the head.
        saturation_scale: Factor of all rates of the point at which the network saturates.
        valid: Whether the prediction is within its range.
    """

    packet_latency_cycles: F64
    network_latency_cycles: F64
    saturation_scale: F64
    valid: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Burst:
    """How long a network takes for packets that are all there at the start.

    Args:
        makespan_cycles: From the first injection to the last ejection.
        work_cycles: Least time of the busiest core, buffer (for its credits), channel or lane.
        busiest: Which of these it is.
        valid: Whether the prediction is within its range.
        reason: Why it is not.
    """

    makespan_cycles: float
    work_cycles: float
    busiest: Literal["core", "buffer", "channel", "lane"]
    valid: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class _Network:
    """Flows on a fabric, with what does not depend on a scale of the flows."""

    fabric: Fabric
    flows: Flows
    paths: Paths
    alone: Alone
    demand: Offered
    empty_cycles: float
    fault: str

    @classmethod
    def of(cls, fabric: Fabric, flows: Flows) -> _Network:
        paths = Paths.of(fabric, flows)
        lonely = alone(fabric, flows, paths)
        rates = flows.packets_per_cycle
        total = float(rates.sum())
        return cls(
            fabric=fabric,
            flows=flows,
            paths=paths,
            alone=lonely,
            demand=demand_of(fabric.machine, flows, paths, lonely),
            empty_cycles=float((lonely.cycles * rates).sum()) / total if total else 0.0,
            fault=_fault(fabric),
        )

    def saturation_scale(self) -> float:
        """Factor of all rates at which the mean latency is three times that of the empty network."""
        if not self.flows.packets_per_cycle.any():
            return float("inf")
        return float(saturation(self.demand, (SATURATED - 1) * self.empty_cycles, Waits.none(self.demand)))


def _fault(fabric: Fabric) -> str:
    """What of a fabric the equations do not cover."""
    machine = fabric.machine
    if machine.routing in (Routing.WEST_FIRST, Routing.O1TURN):
        name = Routing(machine.routing).name.lower()
        return f"routing is {name}, which spreads packets over several ways: take xy or yx, or simulate cycles"
    if machine.wraps:
        return "the grid is a torus, whose virtual channels are split in two: take a mesh, or simulate cycles"
    if machine.period.max() > 1:
        return f"a router has a clock of {machine.period.max()} ticks, must be 1: simulate cycles"
    return ""


def _load_fault(scale: float) -> str:
    if scale * TRUSTED >= 1:
        return ""
    return f"the load is {1 / scale:.2f} of that of saturation, must be <= {TRUSTED}: lower it, or simulate cycles"


def predict(fabric: Fabric, flows: Flows) -> Prediction:
    """Latencies and loads of flows on a fabric.

    Raises:
        ValueError: A flow starts or ends outside of the fabric.
    """
    network = _Network.of(fabric, flows)
    demand, paths = network.demand, network.paths
    waits = Waits.none(demand)
    solve(demand, 1.0, waits)
    packet, net = _latencies(network, waits)
    step = wait_of_turns(demand, waits)
    summed = np.concatenate([[0.0], np.cumsum(step[paths.turn])])
    at_source = waits.source[flows.source]
    shape = (fabric.machine.routers, fabric.machine.ports)
    wait = np.bincount(paths.exit, demand.rate * step, minlength=demand.out_rate.size)
    scale = network.saturation_scale()
    reason = network.fault or _load_fault(scale)
    return Prediction(
        packet_latency_cycles=packet,
        network_latency_cycles=net,
        flow_latency_cycles=network.alone.cycles + at_source + summed[paths.start[1:]] - summed[paths.start[:-1]],
        channel_flits_per_cycle=(demand.out_rate * demand.out_flits).reshape(shape),
        channel_wait_cycles=np.divide(
            wait, demand.out_rate, out=np.zeros_like(wait), where=demand.out_rate > 0
        ).reshape(shape),
        saturation_scale=scale,
        valid=not reason,
        reason=reason,
    )


def _latencies(network: _Network, waits: Waits) -> tuple[float, float]:
    """Mean packet and network latency."""
    demand = network.demand
    packet = network.empty_cycles + float(mean_wait(demand, waits))
    total = max(float(demand.source_rate.sum()), 1e-300)
    return packet, packet - float((demand.source_rate * waits.source).sum()) / total


def predict_many(
    fabrics: Fabric | Sequence[Fabric], flows: Flows | Sequence[Flows], scales: float | Sequence[float] | F64 = 1.0
) -> Points:
    """Latencies of many design points: each a fabric, flows, and a factor of their rates.

    What is given once counts for all points; sequences have one entry for each. Points that share a fabric and flows
    share all that does not depend on the factor, so that a sweep over loads costs one fixed point a load.

    Raises:
        ValueError: Sequences have different lengths, or a flow starts or ends outside of its fabric.
    """
    factors = np.atleast_1d(np.asarray(scales, np.float64))
    nets = [fabrics] if isinstance(fabrics, Fabric) else list(fabrics)
    loads = [flows] if isinstance(flows, Flows) else list(flows)
    sizes = {len(nets), len(loads), len(factors)} - {1}
    if len(sizes) > 1:
        raise ValueError(f"fabrics, flows and scales have {sorted(sizes)} entries: give one, or one for each point")
    count = max(sizes, default=1)
    factors = np.broadcast_to(factors, count)
    places: dict[tuple[int, int], list[int]] = {}
    for point in range(count):
        key = (id(nets[point % len(nets)]), id(loads[point % len(loads)]))
        places.setdefault(key, []).append(point)
    packet, net, limit, valid = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count, bool)
    for points in places.values():
        network = _Network.of(nets[points[0] % len(nets)], loads[points[0] % len(loads)])
        most = network.saturation_scale()
        for point in points:
            waits = Waits.none(network.demand)
            solve(network.demand, float(factors[point]), waits)
            packet[point], net[point] = _latencies(network, waits)
            limit[point] = most / factors[point] if factors[point] else np.inf
            valid[point] = not network.fault and limit[point] * TRUSTED >= 1
    return Points(packet_latency_cycles=packet, network_latency_cycles=net, saturation_scale=limit, valid=valid)


def burst(fabric: Fabric, flows: Flows, packets: NDArray[np.integer] | Sequence[int]) -> Burst:
    """Makespan of so many packets of each flow, all there at the start; the rates of the flows do not count.

    The network drains them at the load at which it saturates, and the last one takes the latency of the empty network.

    Raises:
        ValueError: There is not one number of packets for each flow, or a flow lies outside of the fabric.
    """
    counts = np.asarray(packets, np.float64)
    if counts.shape != flows.source.shape:
        raise ValueError(f"packets has shape {counts.shape}, must be {flows.source.shape}: give a number for each flow")
    network = _Network.of(
        fabric,
        Flows(source=flows.source, target=flows.target, packets_per_cycle=counts, flits=flows.flits),
    )
    demand = network.demand
    works: dict[Literal["core", "buffer", "channel", "lane"], float] = {
        "lane": float((demand.lane_rate * demand.lane_work).max(initial=0.0)),
        "channel": float((demand.out_rate * demand.out_flits).max(initial=0.0)),
        "buffer": float(
            max((demand.out_rate * demand.quick).max(initial=0.0), (demand.in_rate * demand.in_quick).max(initial=0.0))
            / demand.vcs
        ),
        "core": float((demand.source_rate * demand.source_flits).max(initial=0.0)),
    }
    busiest = max(works, key=lambda name: works[name])
    work = works[busiest]
    drained = 1 / network.saturation_scale()
    return Burst(
        makespan_cycles=max(work, drained) + network.empty_cycles,
        work_cycles=work,
        busiest=busiest,
        valid=not network.fault,
        reason=network.fault,
    )
