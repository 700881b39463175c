"""Sums over flows, by the turns that they take; compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.compiled import compiled
from axonal.simulation.network.flows import Flows, Paths
from axonal.simulation.network.lonely import Alone

__all__ = ["Totals", "totals_of"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Totals(NamedTuple):
    """Sums by turn, `(turns,)`, and by input channel, `(channels,)`, weighted by the rates of flows."""

    rate: F64
    flits: F64
    squares: F64  # of lengths
    lasts: F64  # time that a packet alone takes to leave
    visible: F64  # share of a stretched packet's delay that its tail does not make up for further on
    late_rate: F64  # of packets that have been on a slow lane
    late_work: F64  # their time on the slowest one
    sources: F64  # squares of the rates of single sources
    in_rate: F64
    in_sources: F64


def totals_of(flows: Flows, paths: Paths, alone: Alone, head: F64, service: F64) -> Totals:
    """Sum up flows.

    Args:
        flows: What is summed.
        paths: Their turns.
        alone: How long packets take to leave a router in an empty network.
        head: Stages that only heads need, by output channel.
        service: Ticks that a flit occupies the lane of an output channel, 0 without.
    """
    turns, channels = len(paths.entry), len(head)
    sums = Totals(*(np.zeros(size) for size in (turns,) * 8 + (channels,) * 2))
    order = np.argsort(flows.source, kind="stable")
    rate, flits = flows.packets_per_cycle, flows.flits
    ways = (paths.start, paths.turn, paths.entry)
    _rates(order, flows.source, rate, ways, (np.zeros(turns), np.zeros(channels)), sums)
    share = np.divide(sums.rate, sums.in_rate[paths.entry], out=np.zeros(turns), where=sums.rate > 0)
    _means(ways, rate, flits, alone.lasts_cycles, (head[paths.exit], service[paths.exit], share), sums)
    return sums


@compiled
def _rates(
    order: I64, source: I64, rate: F64, ways: tuple[I64, I64, I64], scratch: tuple[F64, F64], sums: Totals
) -> None:
    """Rates, and the squares of the rates of each source, one source after the other."""
    start, turn, entry = ways
    of_turn, of_input = scratch
    first = 0
    for place in range(order.size):
        flow = order[place]
        for step in range(start[flow], start[flow + 1]):
            of_turn[turn[step]] += rate[flow]
            of_input[entry[turn[step]]] += rate[flow]
        if place + 1 < order.size and source[order[place + 1]] == source[flow]:
            continue
        for other in range(first, place + 1):
            for step in range(start[order[other]], start[order[other] + 1]):
                one = turn[step]
                inside = entry[one]
                sums.rate[one] += of_turn[one]
                sums.sources[one] += of_turn[one] ** 2
                sums.in_rate[inside] += of_input[inside]
                sums.in_sources[inside] += of_input[inside] ** 2
                of_turn[one] = 0.0
                of_input[inside] = 0.0
        first = place + 1


@compiled
def _means(
    ways: tuple[I64, I64, I64], rate: F64, flits: I64, lasts: F64, at: tuple[F64, F64, F64], sums: Totals
) -> None:
    """What packets are like at each turn.

    Two packets that share an output in turns fall apart into single flits. Once they part, the tail of each comes
    closer to its head again by the stages that only heads need, at each router. They go on together with the chance
    that a packet of the channel takes the same turn. A tail that is late by up to P flits, equally likely, has
    (1 - m / P)^2 of that left after it has made up for m cycles.
    """
    start, turn, _ = ways
    head, service, share = at
    for flow in range(rate.size):
        slowest = 1.0
        long = float(flits[flow])
        for step in range(start[flow], start[flow + 1]):
            one = turn[step]
            sums.flits[one] += rate[flow] * long
            sums.squares[one] += rate[flow] * long * long
            sums.lasts[one] += rate[flow] * lasts[step]
            if slowest > 1:
                sums.late_rate[one] += rate[flow]
                sums.late_work[one] += rate[flow] * long * slowest
            slowest = max(slowest, service[one])
        left, made_up = 1.0, 0.0
        for step in range(start[flow + 1] - 1, start[flow] - 1, -1):
            one = turn[step]
            sums.visible[one] += rate[flow] * left
            made_up += head[one]
            apart = max(0.0, 1 - made_up / long)
            left = share[one] * left + (1 - share[one]) * apart * apart
