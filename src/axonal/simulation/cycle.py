"""The cycle-level engine: every flit of a placed workload, through every router."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from axonal.hardware import System
from axonal.mapping import Placement
from axonal.report import Report
from axonal.simulation.counts import Counts, packets_by_chip
from axonal.simulation.demand import Demand, Shape, demand
from axonal.simulation.energy import energy, profiles
from axonal.simulation.network.package import Package, package
from axonal.simulation.network.running import Run
from axonal.simulation.observed import link_loads, port_busy_ns, spans, waits
from axonal.simulation.plan import Plan, depths, planned, readers
from axonal.simulation.replay import Replay
from axonal.simulation.results import boundary_bits, busiest
from axonal.simulation.transfers import transfers
from axonal.workload import Workload

__all__ = ["CycleLevel"]


_MOST_INFERENCES = 64
"""However deep the pipeline is."""

_MOST_FLIT_HOPS = 20_000_000
"""Of all inferences together, unless more are asked for: some seconds."""

_BOUND = 0.9
"""A resource that works at least for this share of the time bounds the throughput."""


@dataclass(frozen=True, kw_only=True)
class CycleLevel:
    """Simulates flits, routers, credits and links cycle by cycle, and cores task by task.

    Args:
        packet_flits: Longest packet; shorter where the buffers are.
        inferences: Inferences that follow each other closely, for the throughput, at least; the first half fills the
            pipeline, and a deep one takes more of them.
        streams: Whether packets leave while their layer computes; otherwise all of them leave at its end.
        symbols: Recorded symbols of one inference by tensor, to be replayed; the mean events where it is empty.
    """

    packet_flits: int = 8
    inferences: int = 12
    streams: bool = False
    symbols: Mapping[str, NDArray[np.generic]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for name, least in (("packet_flits", 1), ("inferences", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}, must be >= {least}")

    def run(self, workload: Workload, placement: Placement, system: System) -> Report:
        """Cost of one inference on an idle machine, and the throughput when inferences follow each other.

        Raises:
            ValueError: Nothing is computed or moved, or the system has no network that the engine can simulate.
            Deadlock: Flits stand still for good.
        """
        net = package(system)
        replay = Replay(symbols=self.symbols) if self.symbols else None
        workload = replay.applied(workload) if replay else workload
        pending = transfers(workload, placement, system)

        def asked(inferences: int, plan: Plan | None = None) -> Demand:
            longest = min(self.packet_flits, int(net.fabric.machine.depth.min()))
            shape = Shape(packet_flits=longest, inferences=inferences, streams=self.streams, plan=plan)
            return demand(workload, placement, net, pending, shape, replay)

        single = asked(1)
        run = Run(net.fabric, single.packets, single.tasks, watched=True)
        run.advance()
        latency_ns = int(run.state.task_end.max()) * net.fabric.tick_ns
        loads = link_loads(net, run)
        timeline = spans(workload, net, single, run)
        boundaries = boundary_bits(pending, system.packet_header_bits)
        counts = _counts(net, run, packets_by_chip(pending, placement), latency_ns)
        bottleneck, busy_ns = busiest(timeline, port_busy_ns(net, run), loads)
        layers = [tile.layer for tile in single.tiles]
        plan = planned(pending, layers, run.state.task_start, run.state.task_end, busy_ns / net.fabric.tick_ns)
        filling = 1 + max(depths(readers(pending), dict.fromkeys(layers)).values(), default=0)
        count = self._count(filling, run.flit_hops)
        interval_ns = max(busy_ns, _interval_ns(net, lambda inferences: asked(inferences, plan), count))
        return Report(
            latency_ns=latency_ns,
            throughput_per_s=1e9 / interval_ns,
            link_bits_packed=sum(item.packed_bits * item.link_hops for item in boundaries),
            link_bits_packetised=sum(item.packetised_bits * item.link_hops for item in boundaries),
            energy=energy(workload, placement, system, counts, pending),
            boundaries=boundaries,
            links=loads,
            timeline=timeline,
            bottleneck=bottleneck,
            engine="cycle-level",
            interval_ns=run.interval_ticks * net.fabric.tick_ns,
            waits=waits(net, single, run, timeline),
            profiles=profiles(workload, placement, system, counts, pending),
            notes=_unbound(bottleneck, busy_ns / interval_ns, count, filling),
        )

    def _count(self, filling: int, flit_hops: int) -> int:
        """Inferences to be simulated: enough to fill the pipeline, as long as that takes no more than some seconds."""
        affordable = min(filling, _MOST_INFERENCES, _MOST_FLIT_HOPS // max(1, flit_hops))
        return max(self.inferences, affordable)


def _unbound(busiest_name: str, share: float, count: int, filling: int) -> tuple[str, ...]:
    """Notes where no resource bounds the throughput, and where it may not be the one of a long run."""
    if share >= _BOUND:
        return ()
    notes = [
        f"no single resource bounds the throughput: {busiest_name}, the busiest, works {100 * share:.0f} % of the "
        "time; the rest is contention between inferences, and how far layers may run ahead of their readers"
    ]
    if count < filling:
        notes.append(
            f"the throughput is that of {count} inferences, fewer than the {filling} that fill the pipeline: "
            f"CycleLevel(inferences={filling}) takes longer and may find more"
        )
    return tuple(notes)


def _interval_ns(net: Package, asked: Callable[[int], Demand], count: int) -> float:
    """Time that each further inference adds once the pipeline is full: (end of all - end of half of them) / rest."""
    half, ends = count // 2, []
    for inferences in (half, count):
        several = asked(inferences)
        run = Run(net.fabric, several.packets, several.tasks)
        run.advance()
        ends.append(int(run.state.task_end.max()) * net.fabric.tick_ns)
    return (ends[1] - ends[0]) / (count - half)


def _counts(net: Package, run: Run, packets: Mapping[str, float], latency_ns: float) -> Counts:
    """Whole flits over each channel and link."""
    system, ports = net.system, net.fabric.machine.ports
    flit_bits = system.chips[0].noc.flit_bits
    hops = {chip.name: 0.0 for chip in system.chips}
    links = {link.name: 0.0 for link in system.links}
    for link in net.fabric.links:
        bits = float(run.state.flits[link.router * ports + link.port] * flit_bits)
        if link.kind == "noc":
            hops[net.core_of[link.router][0]] += bits
        else:
            lane = net.fabric.machine.lane[link.router, link.port]
            links[net.lanes[lane][0].name] += bits
    return Counts(
        router_bits=hops,
        wire_bits=hops,
        packets=packets,
        link_bits=links,
        latency_ns=latency_ns,
    )
