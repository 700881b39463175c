"""Flows summed up by the turns and channels they take, with what each of these needs: `Offered`."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.arrays import Machine
from axonal.simulation.network.flows import Flows, Paths
from axonal.simulation.network.lonely import Alone
from axonal.simulation.network.totals import totals_of

__all__ = ["Offered", "demand_of"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Offered(NamedTuple):
    """Flows summed up, at a scale of 1; rates are packets a tick, times ticks.

    The square of a rate, summed over the sources of a stream, says how much of it is in order already: packets of one
    source do not meet each other.
    """

    vcs: int
    entry: I64  # (turns,) input channel
    exit: I64  # (turns,) output channel
    first: I64  # (channels + 1,) first turn of each output channel
    rate: F64  # (turns,)
    flits: F64  # (turns,) mean length
    squares: F64  # (turns,) mean square of the length
    lasts: F64  # (turns,) mean time that a packet alone takes to leave
    late_rate: F64  # (turns,) of packets that have been on a slow lane
    late_work: F64  # (turns,) mean time that one of them occupied the slowest of its lanes
    sources: F64  # (turns,) sum of the squares of the rates of its sources
    share: F64  # (turns,) of the packets of the input, how many take the turn
    visible: F64  # (turns,) share of a stretched packet's delay that its tail does not make up for further on
    out_rate: F64  # (channels,) of outputs
    out_flits: F64
    out_squares: F64
    out_sources: F64
    alike: F64  # (channels,) chance that two packets of an output get the same virtual channel
    beyond: I64  # (channels,) input that an output leads to, -1 for an ejection
    lane: I64  # (channels,) lane of an output, -1 without
    depth: F64  # (channels,) buffer behind an output
    loop: F64  # (channels,) from the grant of a body flit to the return of its credit, alone
    stages: F64  # (channels,) that a head passes before the switch, in the router of the channel
    later: F64  # (channels,) the same in the router that an output leads to
    turn_around: F64  # (channels,) from one packet to the next in a virtual channel of an output
    quick: F64  # (channels,) the same when flits come as fast as credits let them
    spread: F64  # (channels,) mean square of it by its square
    dense: F64  # (channels,) share of the cycles in which a packet passes that its flits take
    in_rate: F64  # (channels,) of inputs
    in_sources: F64
    in_service: F64  # (channels,) time that a packet alone is in front of an input
    in_quick: F64  # (channels,) the same when flits come as fast as credits let them
    feeder: I64  # (channels,) output that feeds an input, -1 for an injection
    lane_service: F64  # (lanes,) ticks a flit
    lane_rate: F64  # (lanes,)
    lane_work: F64  # (lanes,) ticks a packet, mean
    lane_squares: F64  # (lanes,)
    lane_sources: F64  # (lanes,)
    source_rate: F64  # (routers,)
    source_flits: F64  # (routers,)
    source_squares: F64  # (routers,)
    source_lasts: F64  # (routers,) that a packet alone takes to leave its core
    source_depth: F64  # (routers,)
    batch: float


def demand_of(machine: Machine, flows: Flows, paths: Paths, alone: Alone) -> Offered:
    """Sum up flows."""
    ports, channels = machine.ports, machine.routers * machine.ports
    router = np.arange(channels) // ports
    stages = machine.stages[:, 0] + np.where(machine.speculative == 1, 0, machine.stages[:, 1])
    head = stages[router].astype(float)
    allocation = np.where(machine.speculative == 1, 0, machine.stages[:, 1])[router]
    lane = np.where(machine.neighbour < 0, -1, machine.lane).reshape(-1).astype(np.int64)
    service = np.where(lane >= 0, machine.lane_service[lane], 0.0)
    totals = totals_of(flows, paths, alone, head, service)
    rate, sources = totals.rate, totals.sources
    flits, squares, lasts = (_ratio(values, rate) for values in (totals.flits, totals.squares, totals.lasts))
    share = _ratio(rate, totals.in_rate[paths.entry])
    of_outputs = partial(_sums, paths.exit, size=channels)
    of_inputs = partial(_sums, paths.entry, size=channels)
    out_rate = of_outputs(rate)
    out_flits = _ratio(of_outputs(rate * flits), out_rate)
    beyond, depth, loop, later = _loops(machine, stages)
    quick = out_flits * np.maximum(1, loop / depth) + allocation
    holds = lasts + allocation[paths.exit]
    turn_around = _ratio(of_outputs(rate * holds), out_rate)
    spare = np.maximum(0, turn_around - quick)[paths.exit]
    in_service = _ratio(of_inputs(rate * (head[paths.exit] + lasts)), totals.in_rate)
    apart = np.maximum(0, holds - quick[paths.exit])
    return Offered(
        vcs=machine.vcs,
        entry=paths.entry,
        exit=paths.exit,
        first=np.searchsorted(paths.exit, np.arange(channels + 1)),
        rate=rate,
        flits=flits,
        squares=squares,
        lasts=lasts,
        late_rate=totals.late_rate,
        late_work=_ratio(totals.late_work, totals.late_rate),
        sources=sources,
        share=share,
        visible=_ratio(totals.visible, rate),
        out_rate=out_rate,
        out_flits=out_flits,
        out_squares=_ratio(of_outputs(rate * squares), out_rate),
        out_sources=of_outputs(sources),
        alike=_alike(machine, paths, rate, share),
        beyond=beyond,
        lane=lane,
        depth=depth,
        loop=loop,
        stages=head,
        later=later,
        turn_around=turn_around,
        quick=quick,
        spread=_ratio(_ratio(of_outputs(rate * holds**2), out_rate), turn_around**2),
        dense=_ratio(of_outputs(rate * flits / np.maximum(flits + apart, 1)), out_rate),
        in_rate=totals.in_rate,
        in_sources=totals.in_sources,
        in_service=in_service,
        in_quick=in_service - _ratio(of_inputs(rate * spare), totals.in_rate),
        feeder=np.where(machine.before < 0, -1, machine.before * ports + machine.exit).reshape(-1).astype(np.int64),
        **_of_lanes(machine, lane[paths.exit], (rate, flits, squares, sources)),
        **_of_cores(machine, flows, alone),
    )


def _of_lanes(machine: Machine, lane: I64, turns: tuple[F64, F64, F64, F64]) -> dict[str, Any]:
    """Fields of the lanes; `lane` is that of each turn, -1 without."""
    rate, flits, squares, sources = (values[lane >= 0] for values in turns)
    index, lanes = lane[lane >= 0], len(machine.lane_service)
    service = machine.lane_service[index]
    total = _sums(index, rate, lanes)
    return {
        "lane_service": machine.lane_service,
        "lane_rate": total,
        "lane_work": _ratio(_sums(index, rate * flits * service, lanes), total),
        "lane_squares": _ratio(_sums(index, rate * squares * service**2, lanes), total),
        "lane_sources": _sums(index, sources, lanes),
    }


def _of_cores(machine: Machine, flows: Flows, alone: Alone) -> dict[str, Any]:
    """Fields of the cores that send."""
    rates, routers = flows.packets_per_cycle, machine.routers
    total = _sums(flows.source, rates, routers)
    return {
        "source_rate": total,
        "source_flits": _ratio(_sums(flows.source, rates * flows.flits, routers), total),
        "source_squares": _ratio(_sums(flows.source, rates * flows.flits**2.0, routers), total),
        "source_lasts": _ratio(_sums(flows.source, rates * alone.source_cycles, routers), total),
        "source_depth": machine.depth[:, -1].astype(float),
        "batch": flows.batch_packets,
    }


def _sums(index: I64, values: NDArray[np.number], size: int) -> F64:
    """Values summed up by an index."""
    return np.asarray(np.bincount(index, values, minlength=size), np.float64)


def _ratio(values: F64, weights: F64) -> F64:
    """Means from sums; 0 where nothing was summed."""
    return np.divide(values, weights, out=np.zeros_like(values, np.float64), where=weights > 0)


def _loops(machine: Machine, stages: I64) -> tuple[I64, F64, F64, F64]:
    """Of each output: the input it leads to, the depth of the buffer there, a credit's loop, a head's stages there.

    A flit that wins the switch at s can be sent on at s + traversal + link + 1; its credit is back after the link and
    another cycle. The core gives credits back two cycles after a flit has arrived there, and that takes two.
    """
    ports = machine.ports
    joined = machine.neighbour >= 0
    beyond = np.where(joined, machine.neighbour * ports + machine.entry, -1).reshape(-1).astype(np.int64)
    period = machine.period[:, None]
    away = np.where(joined, 2 * machine.link_ticks + period + machine.period[machine.neighbour], 4 * period)
    loop = machine.stages[:, 3:4] + machine.stages[:, 4:5] + away
    far = np.where(joined, machine.depth[machine.neighbour, machine.entry], machine.depth[:, -1:])
    later = np.where(joined, stages[machine.neighbour], 0)
    return beyond, far.reshape(-1).astype(float), loop.reshape(-1).astype(float), later.reshape(-1).astype(float)


def _alike(machine: Machine, paths: Paths, rate: F64, share: F64) -> F64:
    """Chance that two packets that leave by an output are given the same of its virtual channels.

    The allocator's pointer of an input moves on by one behind a packet that goes the same way, and back to the first
    virtual channel behind one that went another way: channel k has the chance (1 - q) q^k, q being the share of the
    turn, wrapped around at V.
    """
    channels, vcs = machine.routers * machine.ports, machine.vcs
    q = np.minimum(share, 1 - 1e-9)[:, None]
    chances = (1 - q) * q ** np.arange(vcs) / (1 - q**vcs) * rate[:, None]
    mean = np.stack([np.bincount(paths.exit, chances[:, vc], minlength=channels) for vc in range(vcs)])
    total = mean.sum(0)
    alike = np.ones(channels)
    alike[total > 0] = ((mean[:, total > 0] / total[total > 0]) ** 2).sum(0)
    return alike
