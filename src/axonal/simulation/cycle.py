"""The cycle-level engine: every flit of a placed workload, through every router."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from axonal.hardware import System
from axonal.mapping import Placement
from axonal.report import Report
from axonal.simulation.boundaries import boundary_bits
from axonal.simulation.counts import Counts
from axonal.simulation.demand import Demand, Shape, demand
from axonal.simulation.energy import energy, profiles
from axonal.simulation.network.package import Package, package
from axonal.simulation.network.running import Run
from axonal.simulation.observed import busiest, link_loads, spans, waits
from axonal.simulation.replay import Replay
from axonal.simulation.transfers import transfers
from axonal.workload import Workload

__all__ = ["CycleLevel"]


@dataclass(frozen=True, kw_only=True)
class CycleLevel:
    """Simulates flits, routers, credits and links cycle by cycle, and cores task by task.

    Args:
        packet_flits: Longest packet; shorter where the buffers are.
        inferences: Inferences that follow each other closely, for the throughput; the first of them fill the
            pipeline and do not count.
        streams: Whether packets leave while their layer computes; otherwise all of them leave at its end.
        symbols: Recorded symbols of one inference by tensor, to be replayed; the mean events where it is empty.
    """

    packet_flits: int = 8
    inferences: int = 6
    streams: bool = False
    symbols: Mapping[str, NDArray[np.generic]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for name, least in (("packet_flits", 1), ("inferences", 3)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}, must be >= {least}")

    def run(self, workload: Workload, placement: Placement, system: System) -> Report:
        """Cost of one inference on an idle machine, and the throughput when inferences follow each other.

        Raises:
            ValueError: Nothing is computed or moved, or the system has no network that the engine can simulate.
            Deadlock: Flits stand still for good.
        """
        net = package(system)
        pending = transfers(workload, placement, system)
        replay = Replay(symbols=self.symbols) if self.symbols else None

        def asked(inferences: int) -> Demand:
            longest = min(self.packet_flits, int(net.fabric.machine.depth.min()))
            shape = Shape(packet_flits=longest, inferences=inferences, streams=self.streams)
            return demand(workload, placement, net, pending, shape, replay)

        single = asked(1)
        run = Run(net.fabric, single.packets, single.tasks, watched=True)
        run.advance()
        latency_ns = int(run.state.task_end.max()) * net.fabric.tick_ns
        loads = link_loads(net, run)
        timeline = spans(workload, net, single, run)
        boundaries = boundary_bits(pending, system.packet_header_bits)
        counts = _counts(net, run, latency_ns)
        return Report(
            latency_ns=latency_ns,
            throughput_per_s=self._throughput(net, asked(self.inferences)),
            link_bits_packed=sum(item.packed_bits * item.link_hops for item in boundaries),
            link_bits_packetised=sum(item.packetised_bits * item.link_hops for item in boundaries),
            energy=energy(workload, placement, system, counts, pending),
            boundaries=boundaries,
            links=loads,
            timeline=timeline,
            bottleneck=busiest(timeline, loads),
            engine="cycle-level",
            interval_ns=run.interval_ticks * net.fabric.tick_ns,
            waits=waits(net, single, run, timeline),
            profiles=profiles(workload, placement, system, counts, pending),
        )

    def _throughput(self, net: Package, several: Demand) -> float:
        """1e9 / mean time between the ends of inferences, once the pipeline is full, in inferences a second."""
        run = Run(net.fabric, several.packets, several.tasks)
        run.advance()
        ends = run.state.task_end.reshape(self.inferences, -1).max(axis=1)
        first = min(2, self.inferences - 2)
        interval_ns = float(ends[-1] - ends[first]) / (self.inferences - 1 - first) * net.fabric.tick_ns
        if interval_ns <= 0:
            raise ValueError("an inference takes 0 ns, must be > 0: the workload computes and moves nothing")
        return 1e9 / interval_ns


def _counts(net: Package, run: Run, latency_ns: float) -> Counts:
    """Whole flits over each channel and link, and packets of each die."""
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
        packets=_by_chip(net, run.packets.source),
        link_bits=links,
        latency_ns=latency_ns,
    )


def _by_chip(net: Package, routers: NDArray[np.int64]) -> dict[str, float]:
    counts = np.bincount(routers, minlength=net.fabric.routers)
    found = {chip.name: 0.0 for chip in net.system.chips}
    for router, count in enumerate(counts):
        found[net.core_of[router][0]] += float(count)
    return found
