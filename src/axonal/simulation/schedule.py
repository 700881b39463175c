"""When each layer computes and each tensor moves: one pass of list scheduling."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from axonal.hardware import Core, Noc, Router, System
from axonal.mapping import Placement, Tile
from axonal.report import Span
from axonal.simulation.topology import Segment
from axonal.simulation.transfers import Crossing, Transfer
from axonal.workload import Layer, Workload

__all__ = ["Schedule", "pace", "schedule", "tile_ns"]

_LONGEST_PACKET = 8
"""Flits, as the cycle-level engine cuts them."""

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

    Cores run their layers in the order of the workload; channels and links serve tensors in the order in which these
    are sent. Layers do not overlap within a tensor, time steps included: a consumer waits for all of it.
    """
    pending = tuple(pending)
    machine, order = _Machine(system=system), _Order.of(workload, placement, pending)
    layers = {layer.name: layer for layer in workload.layers}
    arrived = dict.fromkeys(layers, 0.0)
    sending: list[tuple[float, int]] = []
    runnable = deque(order.started())
    latency = 0.0
    while runnable or sending:
        if runnable:
            name = runnable.popleft()
            end = machine.compute(layers[name], placement, arrived[name])
            latency = max(latency, end)
            for number in order.leaving.get(name, ()):
                heappush(sending, (end, number))
            runnable += order.done(order.following.get(name, ()))
        else:
            # Whatever is still to be computed ends later, so nothing can be sent before this one any more.
            sent, number = heappop(sending)
            arrival = machine.carry(pending[number], sent)
            for target in pending[number].move.targets:
                arrived[target] = max(arrived[target], arrival)
            runnable += order.done(pending[number].move.targets)
    return Schedule(spans=tuple(machine.spans), latency_ns=latency)


def pace(router: Router, vcs: int) -> float:
    """Flits that packets of one tensor bring through a port in each cycle, at most 1.

    vcs * min(1 / switch cycles, buffer / loop, flits / (flits - 1 + routing and allocation cycles))

    A credit is back after `loop` cycles, at the port of a core after 4 and those of the switch; a virtual channel holds
    one packet at a time, and the next one starts with its route stage. Packets fill a buffer, but have 8 flits at most.
    """
    allocations = (router.vc_allocation_cycles, router.switch_allocation_cycles)
    stages = router.routing_cycles + (max(allocations) if router.speculative else sum(allocations))
    loop = router.traversal_cycles + router.credit_cycles + max(2 * router.link_cycles + 2, 4)
    flits = min(_LONGEST_PACKET, router.buffer_flits)
    each = min(1 / router.switch_allocation_cycles, router.buffer_flits / loop, flits / (flits - 1 + stages))
    return min(1.0, vcs * each)


@dataclass(frozen=True)
class _Order:
    """What waits for what.

    Args:
        missing: For each layer, the tensors and the earlier layers on its cores that it still waits for.
        leaving: For each layer, the numbers of the transfers that it sends.
        following: For each layer, the next ones on its cores.
    """

    missing: dict[str, int]
    leaving: Mapping[str, Sequence[int]]
    following: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, workload: Workload, placement: Placement, pending: Sequence[Transfer]) -> _Order:
        missing = {layer.name: 0 for layer in workload.layers}
        leaving: dict[str, list[int]] = {}
        for number, transfer in enumerate(pending):
            leaving.setdefault(transfer.move.edge.source, []).append(number)
            for target in transfer.move.targets:
                missing[target] += 1
        following: dict[str, list[str]] = {}
        last: dict[tuple[str, int], str] = {}
        for layer in workload.layers:
            cores = [(tile.chip, tile.core) for tile in placement.by_layer[layer.name]] if layer.operations else []
            for other in {last[core] for core in cores if core in last}:
                following.setdefault(other, []).append(layer.name)
                missing[layer.name] += 1
            last |= dict.fromkeys(cores, layer.name)
        return cls(missing, leaving, following)

    def started(self) -> list[str]:
        """Layers that wait for nothing."""
        return [name for name, count in self.missing.items() if not count]

    def done(self, names: Iterable[str]) -> list[str]:
        """Those of the layers that now wait for nothing more, after each has got one of the things it waited for."""
        found = []
        for name in names:
            self.missing[name] -= 1
            if not self.missing[name]:
                found.append(name)
        return found


@dataclass
class _Machine:
    """What is busy until when, while the schedule is made."""

    system: System
    cores: dict[tuple[str, int], float] = field(default_factory=dict)
    links: dict[Crossing, float] = field(default_factory=dict)
    channels: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)

    def compute(self, layer: Layer, placement: Placement, ready: float) -> float:
        """Run a layer: each tile when the inputs are there and its core is free; gives the end of the last one."""
        if not layer.operations:
            return ready
        end = ready
        for tile in placement.by_layer[layer.name]:
            start = max(ready, self.cores.get((tile.chip, tile.core), 0.0))
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
        share * bits / bandwidth from the moment the head is there, in whole flits; what comes later waits.
        """
        if not transfer.crossings and not transfer.segments[0].hops:
            return start
        first = self.system.by_name[transfer.segments[0].chip].noc
        head = tail = start + 2 / first.clock_ghz
        for index, segment in enumerate(transfer.segments):
            noc = self.system.by_name[segment.chip].noc
            cycle_ns, began = 1 / noc.clock_ghz, head
            head, tail = self._through(segment, head, tail, transfer.moved_bits / self.pace(noc), cycle_ns)
            last_link = 1 if index == len(transfer.crossings) else 0
            hops_ns = ((segment.hops + 1) * noc.hop_cycles - noc.router.link_cycles + last_link) * cycle_ns
            head, tail = head + hops_ns, tail + hops_ns
            self._note(_inside(transfer, segment, began, tail - began))
            for crossing in transfer.crossings[index : index + 1]:
                serial = transfer.whole_bits / crossing.link.bits_per_ns
                begin = max(head, self.links.get(crossing, 0.0))
                self.links[crossing] = begin + serial
                self._note(_across(transfer, crossing, begin, serial))
                # Rows share a link flit by flit: a head gets through at once, only its last bits wait.
                tail = max(tail, begin + serial) + crossing.link.latency_ns
                head += crossing.link.latency_ns
        return tail

    def pace(self, noc: Noc) -> float:
        """Bits that a channel carries in a ns for one tensor, as far as credits and virtual channels let it."""
        return noc.bits_per_ns * pace(noc.router, self.vcs_of(noc))

    def vcs_of(self, noc: Noc) -> int:
        """Virtual channels for the first phase of packets; several rows of dies keep the others apart."""
        rows = {chip.row for chip in self.system.chips}
        return noc.router.vcs if len(rows) == 1 else (noc.router.vcs + 1) // 2

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
