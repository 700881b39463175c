"""When each layer computes and each tensor moves: one pass of list scheduling."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
    channels: dict[str, NDArray[np.float64]] = field(default_factory=dict)
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

        arrival = start + 2 cycles + sum(head latencies) + sum(waits) + largest serialisation

        The head takes `hop_cycles` at each router of the longest way, the one of its target included, and the latency
        of each link. Channels, the ports of cores and links serve one tensor after the other, each for
        share * bits / bandwidth from the moment the head is there; what comes later waits.
        """
        if not transfer.crossings and not transfer.segments[0].hops:
            return start
        bits = transfer.link_bits if transfer.crossings else transfer.noc_bits
        first = self.system.by_name[transfer.segments[0].chip].noc
        head = tail = start + 2 / first.clock_ghz
        for index, segment in enumerate(transfer.segments):
            noc = self.system.by_name[segment.chip].noc
            cycle_ns, began = 1 / noc.clock_ghz, head
            head, tail = self._through(segment, head, tail, bits / noc.bits_per_ns, cycle_ns)
            last_link = 1 if index == len(transfer.crossings) else 0
            hops_ns = ((segment.hops + 1) * noc.hop_cycles - noc.router.link_cycles + last_link) * cycle_ns
            head, tail = head + hops_ns, tail + hops_ns
            self._note(_inside(transfer, segment, began, tail - began))
            for crossing in transfer.crossings[index : index + 1]:
                serial = transfer.link_bits / crossing.link.bits_per_ns
                head = max(head, self.links.get(crossing, 0.0))
                self.links[crossing] = head + serial
                self._note(_across(transfer, crossing, head, serial))
                tail = max(tail, head + serial) + crossing.link.latency_ns
                head += crossing.link.latency_ns
        return tail

    def _through(
        self, segment: Segment, head: float, tail: float, serial_ns: float, cycle_ns: float
    ) -> tuple[float, float]:
        """Times of head and tail behind the busiest channel of a die, routers not included."""
        chip = self.system.by_name[segment.chip]
        free = self.channels.setdefault(segment.chip, np.zeros(6 * chip.cores))
        if not segment.places.size:
            return head, tail
        begin = np.maximum(free[segment.places], head)
        free[segment.places] = end = begin + segment.parts * serial_ns
        return float(begin.max()), max(tail, float(end.max()) - cycle_ns)

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
