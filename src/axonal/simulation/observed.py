"""What a cycle-level run has shown, in the terms of a report: loads, timeline, and who waited for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from axonal.mapping.mesh import position
from axonal.report import LinkLoad, Span, Wait
from axonal.simulation.demand import Demand
from axonal.simulation.loads import INTO, OUT_OF, channel_name
from axonal.simulation.network.fabric import FabricLink
from axonal.simulation.network.package import Package
from axonal.simulation.network.running import Run
from axonal.workload import Workload

__all__ = ["link_loads", "port_busy_ns", "spans", "waits"]

_Kind = Literal["compute", "noc", "d2d", "wait"]

_MOST_WAITS = 200
"""Longest waits that a report keeps."""


def link_loads(net: Package, run: Run) -> tuple[LinkLoad, ...]:
    """Load of each channel and link that was used, over time and in all."""
    ports = net.fabric.machine.ports
    intervals = -(-run.now // run.interval_ticks)
    inside: list[LinkLoad] = []
    lanes: dict[int, list[int]] = {}
    for link in net.fabric.links:
        place = link.router * ports + link.port
        if not run.state.flits[place]:
            continue
        if link.kind == "noc":
            period = int(net.fabric.machine.period[link.router])
            inside.append(_load(net, run, link, [place], period, intervals))
        else:
            lanes.setdefault(int(net.fabric.machine.lane[link.router, link.port]), []).append(place)
    first = {int(net.fabric.machine.lane[link.router, link.port]): link for link in net.fabric.links}
    across = [
        _load(net, run, first[lane], places, float(net.fabric.machine.lane_service[lane]), intervals)
        for lane, places in sorted(lanes.items())
    ]
    return (*inside, *across)


def _load(net: Package, run: Run, link: FabricLink, places: list[int], ticks: float, intervals: int) -> LinkLoad:
    """The load of the outputs that make up a channel or a link, each flit of which takes so many ticks."""
    chips, tick_ns = net.system.by_name, net.fabric.tick_ns
    (here, core), (there, other) = net.core_of[link.router], net.core_of[link.beyond]
    flits = int(run.state.flits[places].sum())
    starts = run.state.profile[:intervals, places].sum(axis=1)
    a, b = chips[here], chips[there]
    if link.kind == "noc":
        source, target = position(a.noc, core), position(a.noc, other)
    else:
        source, target = (a.column, a.row), (b.column, b.row)
    return LinkLoad(
        name=_name(net, link),
        kind=link.kind,
        chip=here,
        source=source,
        target=target,
        bits=float(flits * a.noc.flit_bits),
        busy_ns=flits * ticks * tick_ns,
        waited_ns=float(run.state.stalled[places].sum()) * tick_ns,
        utilization=_occupied(starts, ticks, run.interval_ticks),
    )


def _occupied(starts: NDArray[np.int32], ticks: float, interval: int) -> tuple[float, ...]:
    """Share of each interval that is taken up by flits, each from its start on for so many ticks."""
    found, left = [], 0.0
    for count in starts.tolist():
        left += count * ticks
        found.append(min(left, interval) / interval)
        left -= min(left, interval)
    while left > 1e-9:
        found.append(min(left, interval) / interval)
        left -= min(left, interval)
    return tuple(found)


def _name(net: Package, link: FabricLink) -> str:
    (here, core), (there, other) = net.core_of[link.router], net.core_of[link.beyond]
    if link.kind == "d2d":
        return f"{here}->{there}"
    noc = net.system.by_name[here].noc
    return channel_name(here, position(noc, core), position(noc, other))


def spans(workload: Workload, net: Package, single: Demand, run: Run) -> tuple[Span, ...]:
    """When each tile computes or stands idle for a tensor that is on its way, and when each tensor moves."""
    return (*_computing(workload, net, single, run), *_moving(net, single, run))


def _computing(workload: Workload, net: Package, single: Demand, run: Run) -> Iterable[Span]:
    state, tick_ns = run.state, net.fabric.tick_ns
    inputs: dict[str, list[int]] = {}
    for number, transfer in enumerate(single.transfers):
        for layer in transfer.move.targets:
            inputs.setdefault(layer, []).append(number)
    free: dict[int, int] = {}
    computes = {layer.name for layer in workload.layers if layer.operations}
    for index, tile in enumerate(single.tiles):
        if tile.layer not in computes:
            continue
        core = int(single.tasks.core[index])
        start, end = int(state.task_start[index]), int(state.task_end[index])
        resource = f"{tile.chip} core {tile.core}"
        last = max(inputs.get(tile.layer, ()), key=lambda number: state.message_end[number], default=None)
        if last is not None:
            since = max(free.get(core, 0), int(state.message_start[last]))
            if since < start:
                label = f"{tile.layer} waits for {single.transfers[last].move.label}"
                yield _span(label, resource, "wait", tile.chip, (since * tick_ns, start * tick_ns))
        if start < end:
            yield _span(tile.layer, resource, "compute", tile.chip, (start * tick_ns, end * tick_ns))
        free[core] = end


def _moving(net: Package, single: Demand, run: Run) -> Iterable[Span]:
    state, tick_ns = run.state, net.fabric.tick_ns
    sent = np.unique(single.tasks.message)
    for number in sent[sent >= 0]:
        transfer = single.transfers[number]
        start, end = int(state.message_start[number]), int(state.message_end[number])
        label, chip = transfer.move.label, transfer.move.source_chip
        if not transfer.crossings:
            yield _span(label, f"{chip} noc", "noc", chip, (start * tick_ns, end * tick_ns))
        for lane in np.flatnonzero(state.crossed[number, :, 0] >= 0):
            (link, sender), service = net.lanes[lane], float(net.fabric.machine.lane_service[lane])
            first, last = state.crossed[number, lane].tolist()
            name = f"{sender}->{link.b if sender == link.a else link.a}"
            yield _span(label, name, "d2d", sender, (first * tick_ns, (last + service) * tick_ns))


def _span(name: str, resource: str, kind: _Kind, chip: str, ns: tuple[float, float]) -> Span:
    return Span(name=name, resource=resource, kind=kind, chip=chip, start_ns=ns[0], duration_ns=ns[1] - ns[0])


def waits(net: Package, single: Demand, run: Run, timeline: Sequence[Span]) -> tuple[Wait, ...]:
    """Layers that waited for tensors, and tensors that stood in front of channels and links; longest first.

    A layer's wait is that of its tile that waited longest; that of a tensor is summed over its packets.
    """
    found: dict[tuple[str, str], float] = {}
    for span in timeline:
        if span.kind == "wait":
            layer, _, tensor = span.name.partition(" waits for ")
            key = (f"layer {layer}", f"tensor {tensor}")
            found[key] = max(found.get(key, 0.0), span.duration_ns)
    for label, holder, ticks in _blamed(net, single, run.state.blame):
        key = (f"tensor {label}", holder)
        found[key] = found.get(key, 0.0) + ticks * net.fabric.tick_ns
    longest = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_WAITS]
    return tuple(Wait(waiter=waiter, holder=holder, duration_ns=ns) for (waiter, holder), ns in longest)


def _blamed(net: Package, single: Demand, blame: NDArray[np.int32]) -> Iterable[tuple[str, str, int]]:
    ports = net.fabric.machine.ports
    names = {link.router * ports + link.port: _name(net, link) for link in net.fabric.links}
    messages, places = np.nonzero(blame > 0)
    for message, place in zip(messages, places, strict=True):
        chip, core = net.core_of[place // ports]
        holder = names.get(int(place), f"{INTO} {chip} core {core}")
        yield single.transfers[message].move.label, holder, int(blame[message, place])


def port_busy_ns(net: Package, run: Run) -> dict[str, float]:
    """For how long the ports between cores and their routers are busy, by name; each passes a flit in a cycle."""
    ports, packets = net.fabric.machine.ports, run.packets
    injected = np.bincount(packets.source, weights=packets.flits, minlength=net.fabric.routers)
    ejected = run.state.flits[ports - 1 :: ports]
    cycle_ns = net.fabric.machine.period * net.fabric.tick_ns
    return {
        f"{way} {chip} core {core}": float(flits[router] * cycle_ns[router])
        for way, flits in ((INTO, ejected), (OUT_OF, injected))
        for router, (chip, core) in enumerate(net.core_of)
        if flits[router]
    }
