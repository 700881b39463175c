"""When each layer computes and each tensor moves: one pass of list scheduling."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from axonal.hardware import Core, System
from axonal.mapping import Placement, Tile
from axonal.report import Span
from axonal.simulation.topology import Segment
from axonal.simulation.transfers import Crossing, Transfer
from axonal.workload import Layer, Workload

__all__ = ["Schedule", "schedule", "tile_ns"]

_ROUNDING = 1 - 1e-12
"""Keeps the share of a layer that is a whole number of cycles from taking one more."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The timeline of one inference and its end."""

    spans: tuple[Span, ...]
    latency_ns: float


def tile_ns(operations: float, core: Core) -> float:
    """Time of a tile: ceil(operations / lanes) / clock."""
    return math.ceil(operations * _ROUNDING / core.lanes) / core.clock_ghz


def schedule(workload: Workload, placement: Placement, system: System, pending: Iterable[Transfer]) -> Schedule:
    """Let each layer run when its inputs have arrived and its cores are free, and send what it produces at its end.

    Cores and links serve in the order of the workload's layers, not of arrival: schedules of such machines are
    static, and every time is then a maximum of sums, so that no faster part can ever make the whole slower.
    Layers do not overlap within a tensor, time steps included: a consumer waits for all of it.
    """
    leaving: dict[str, list[Transfer]] = {}
    for transfer in pending:
        leaving.setdefault(transfer.move.edge.source, []).append(transfer)
    machine = _Machine(system=system)
    arrived: dict[str, float] = {}
    latency = 0.0
    for layer in workload.layers:
        end = machine.compute(layer, placement, arrived.get(layer.name, 0.0))
        latency = max(latency, end)
        for transfer in leaving.get(layer.name, ()):
            arrival = machine.carry(transfer, end)
            for target in transfer.move.targets:
                arrived[target] = max(arrived.get(target, 0.0), arrival)
    return Schedule(spans=tuple(machine.spans), latency_ns=latency)


@dataclass
class _Machine:
    """What is busy until when, while the schedule is made."""

    system: System
    cores: dict[tuple[str, int], float] = field(default_factory=dict)
    links: dict[Crossing, float] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)

    def compute(self, layer: Layer, placement: Placement, ready: float) -> float:
        """Run a layer; all its tiles start together, each core is free again when its own tile ends."""
        if not layer.operations:
            return ready
        tiles = placement.by_layer[layer.name]
        start = max(ready, *(self.cores.get((tile.chip, tile.core), 0.0) for tile in tiles))
        end = start
        for tile in tiles:
            duration = tile_ns(layer.operations * tile.share, self.system.by_name[tile.chip].core)
            self.cores[tile.chip, tile.core] = start + duration
            end = max(end, start + duration)
            self._note(_computing(layer, tile, start, duration))
        return end

    def carry(self, transfer: Transfer, start: float) -> float:
        """Move a tensor cut-through and return when its last bit is there.

        arrival = start + sum(head latencies) + sum(waits for links) + max(serialisations)

        On a die the head latency is hops * hop_cycles / clock, over the longest way of a piece, and the serialisation
        that of the channel that carries most of the tensor, share * bits / bandwidth. A link serves one tensor at a
        time, for bits / bandwidth from the moment its first bit is there; its latency adds to the head's.
        Contention inside a mesh does not delay; it shows in the throughput.
        """
        head, slowest = start, 0.0
        for index, segment in enumerate(transfer.segments):
            noc = self.system.by_name[segment.chip].noc
            latency = segment.hops * noc.hop_cycles / noc.clock_ghz
            serial = transfer.noc_bits * segment.widest / noc.bits_per_ns
            self._note(_inside(transfer, segment, head, latency + serial))
            head, slowest = head + latency, max(slowest, serial)
            for crossing in transfer.crossings[index : index + 1]:
                serial = transfer.link_bits / crossing.link.bits_per_ns
                head = max(head, self.links.get(crossing, 0.0))
                self.links[crossing] = head + serial
                self._note(_across(transfer, crossing, head, serial))
                head, slowest = head + crossing.link.latency_ns, max(slowest, serial)
        return head + slowest

    def _note(self, span: Span) -> None:
        if span.duration_ns > 0:
            self.spans.append(span)


def _computing(layer: Layer, tile: Tile, start_ns: float, duration_ns: float) -> Span:
    resource = f"{tile.chip} core {tile.core}"
    return Span(
        name=layer.name, resource=resource, kind="compute", chip=tile.chip, start_ns=start_ns, duration_ns=duration_ns
    )


def _inside(transfer: Transfer, segment: Segment, start_ns: float, duration_ns: float) -> Span:
    name, chip = transfer.move.label, segment.chip
    return Span(name=name, resource=f"{chip} noc", kind="noc", chip=chip, start_ns=start_ns, duration_ns=duration_ns)


def _across(transfer: Transfer, crossing: Crossing, start_ns: float, duration_ns: float) -> Span:
    name, chip = transfer.move.label, crossing.source
    return Span(name=name, resource=crossing.name, kind="d2d", chip=chip, start_ns=start_ns, duration_ns=duration_ns)
