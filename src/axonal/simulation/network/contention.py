"""What packets wait for on average, channel by channel, as a fixed point; compiled. The equations are in `queueing`."""

from __future__ import annotations

import numpy as np

from axonal.simulation.network.compiled import compiled, inlined
from axonal.simulation.network.lines import FULL, before, line, room, wait_for_servers
from axonal.simulation.network.offered import Offered
from axonal.simulation.network.waits import Waits

__all__ = ["FOREVER", "solve"]

SWEEPS = 60
"""Most rounds of the fixed point; it mostly takes two, with one virtual channel fifteen."""
FOREVER = 1e6
"""Ticks; longer waits are no waits but a network that does not keep up."""


@inlined
def _follows(demand: Offered, out: int, scale: float, late: float, back: float) -> float:
    """Mean wait for credits that packets before it have not given back yet.

    A packet is late by at most `late`, when `back` packets have gone before it as closely as they can.
    """
    rate = demand.out_rate[out] * scale
    per_vc = rate * (demand.alike[out] if demand.vcs > 1 else 1.0)
    loss = late / (back + 1)
    for number in range(int(back)):
        loss *= min(1.0, per_vc * late) / (number + 1)
    if back == 1:
        own = 0.0
        for turn in range(demand.first[out], demand.first[out + 1]):
            own += (demand.rate[turn] * scale) ** 2
        others = 1 - own / (rate * rate)
        held = min(1.0, rate * demand.turn_around[out] / demand.vcs * others)
        loss += (late - loss) * held**demand.vcs
    return loss


@inlined
def _credit(demand: Offered, waits: Waits, out: int, scale: float, behind: float) -> float:
    """How long a packet holds its output for want of credits; sets the part that adds to its latency."""
    depth, length = demand.depth[out], demand.out_flits[out]
    inside = demand.beyond[out]
    stays, queue, busy, front = 0.0, 0.0, 0.0, 0.0
    if inside >= 0:
        stays, queue, busy, front = waits.delay[inside], waits.queue[inside], waits.busy[inside], waits.service[inside]
    fit = max(1.0, depth / length)
    back = max(1.0, np.ceil((depth + 1) / length) - 1)
    away = demand.loop[out] + demand.later[out] * min(1.0, depth / length) + behind + stays
    late = max(0.0, away - depth - back * (demand.turn_around[out] - length))
    loss = _follows(demand, out, scale, late, back)
    waits.credit[out] = loss
    if queue > 0 and busy > 0 and back > 1:
        loss += queue * np.exp(-(fit - 1) * front * busy / queue)
    return float(loss + stays * max(0.0, 1 - depth / length))


@inlined
def _lanes(demand: Offered, waits: Waits, scale: float) -> None:
    """Mean wait for each lane, of what its streams have not waited for already in front of the switch."""
    squares = scale * scale
    waits.lanes[:] = 0.0
    earlier, own = waits.lanes[0], waits.lanes[1]
    for turn in range(demand.entry.size):
        lane = demand.lane[demand.exit[turn]]
        if lane >= 0:
            one = demand.rate[turn] * scale
            earlier[lane] += before(demand, turn, scale)
            own[lane] += one * one
    for lane in range(demand.lane_rate.size):
        rate = demand.lane_rate[lane] * scale
        if rate > 0:
            sources = demand.lane_sources[lane] * squares
            work = demand.lane_work[lane]
            waiting = line(rate, work, demand.lane_squares[lane], sources, rate * work)
            earlier[lane] = max(0.0, waiting - earlier[lane]) / rate
            own[lane] /= rate * rate


@inlined
def _lane(demand: Offered, waits: Waits, out: int) -> float:
    """Mean wait of a tail for the lane of an output.

    Flits of several packets mix where these cross the switch together, or wait for credits: both are late.
    """
    lane = demand.lane[out]
    if lane < 0:
        return 0.0
    mixed = 0.0
    if demand.vcs > 1:
        mixed = (1 - waits.lanes[1, lane]) / max(1.0, demand.lane_service[lane])
        mixed = max(mixed, 1 - demand.depth[out] / demand.out_flits[out])
    return float(waits.lanes[0, lane] * (1 + mixed))


@inlined
def _output(demand: Offered, waits: Waits, out: int, scale: float, hold: float, step: float) -> float:
    """Waits for one output, for its virtual channels and its wires; the change."""
    vcs = demand.vcs
    start, end = demand.first[out], demand.first[out + 1]
    rate, length = demand.out_rate[out] * scale, demand.out_flits[out]
    squares = scale * scale
    served = hold if vcs == 1 else length
    busy = served - max(0.0, demand.turn_around[out] - demand.quick[out]) if vcs == 1 else length
    spread = demand.spread[out] if vcs == 1 else demand.out_squares[out] / (length * length)
    waiting = line(rate, served, served * served * spread, demand.out_sources[out] * squares, rate * busy)
    earlier, own = 0.0, 0.0
    for turn in range(start, end):
        one = demand.rate[turn] * scale
        own += one * one
        if vcs == 1:
            gap = waits.service[demand.entry[turn]]
            quick = waits.quick[demand.entry[turn]]
            earlier += line(one, gap, gap * gap * spread, demand.sources[turn] * squares, one * quick)
        else:
            earlier += before(demand, turn, scale)
    # Flits that are far apart let others pass between them.
    dense = demand.dense[out] * demand.dense[out]
    dense += (1 - dense) * min(1.0, rate * length)
    mean = dense * max(0.0, waiting - earlier) / rate
    waits.order[out] = max(waiting, earlier)
    if vcs == 1:
        half = served * served * spread / 2
        below, residual = 0.0, 0.0
        for turn in range(start, end):
            one = demand.rate[turn] * scale
            residual += one * (rate - one) * half / (1 + one * busy)
            below += one / (1 + one * busy)
        ahead = residual / room(min(FULL, busy * below))
        mean = 0.0
        for turn in range(start, end):
            one = demand.rate[turn] * scale
            mean += one / rate * ((rate - one) * half + busy * ahead) / (1 + one * busy)
    # Those of a small stream meet more of the others.
    others = 1 - own / (rate * rate)
    vc_wait, shared = 0.0, 0.0
    if vcs > 1:
        vc_wait = others * max(0.0, wait_for_servers(rate, hold, vcs) - wait_for_servers(rate, length, vcs))
        # Packets that share the output stretch each other; those without a virtual channel wait for their turn.
        shared = 1 - min(1.0, rate * length) ** (vcs - 1)
    change = 0.0
    for turn in range(start, end):
        one = demand.rate[turn] * scale
        wait = mean * (1 - one / rate) / max(others, 1e-9)
        parts = shared * (1 - 1 / demand.flits[turn])
        stretch = wait * parts * 2
        wait = wait * (1 - parts) + vc_wait
        change = max(change, abs(wait - waits.turn[turn]))
        waits.turn[turn] = waits.turn[turn] + step * (wait - waits.turn[turn])
        waits.stretch[turn] = waits.stretch[turn] + step * (stretch - waits.stretch[turn])
    return change


@inlined
def _outputs(demand: Offered, waits: Waits, scale: float, step: float) -> float:
    """One round over the outputs; the change."""
    change = 0.0
    waits.sums[:] = 0.0
    services, spreads, bases, gaps, spares = waits.sums[0], waits.sums[1], waits.sums[2], waits.sums[3], waits.sums[4]
    for out in range(demand.out_rate.size - 1, -1, -1):
        rate = demand.out_rate[out] * scale
        if rate <= 0:
            continue
        start, end = demand.first[out], demand.first[out + 1]
        behind = _lane(demand, waits, out)
        credit = _credit(demand, waits, out, scale, behind)
        hold = demand.turn_around[out] + credit
        change = max(change, _output(demand, waits, out, scale, hold, step))
        crossing = 0.0
        served = hold if demand.vcs == 1 else demand.out_flits[out]
        for turn in range(start, end):
            one, inside = demand.rate[turn] * scale, demand.entry[turn]
            crossing += one / rate * (waits.turn[turn] + waits.stretch[turn])
            base = demand.stages[out] + demand.lasts[turn]
            extra = waits.turn[turn] + waits.stretch[turn] + credit
            part = one if demand.vcs == 1 else one * (1 - demand.share[turn])
            services[inside] += one * (base + extra)
            bases[inside] += one * base
            spares[inside] += one * max(0.0, demand.turn_around[out] - demand.quick[out])
            gaps[inside] += part * extra
            spreads[inside] += part * extra * (0.67 * served + 2 * extra)
        waits.lane[out] = max(0.0, behind - crossing)
    return change


@inlined
def _inputs(demand: Offered, waits: Waits, scale: float, step: float) -> float:
    """One round over the inputs; the change."""
    change = 0.0
    vcs = demand.vcs
    services, spreads, bases, parts, spares = waits.sums[0], waits.sums[1], waits.sums[2], waits.sums[3], waits.sums[4]
    ports = demand.in_rate.size // demand.source_rate.size
    for inside in range(demand.in_rate.size):
        rate = demand.in_rate[inside] * scale
        if rate <= 0:
            continue
        mean, base = services[inside] / rate, bases[inside] / rate
        extra, second = parts[inside] / rate, spreads[inside] / rate
        quick = mean - spares[inside] / rate
        feeder, router = demand.feeder[inside], inside // ports
        gap = demand.source_flits[router] if feeder < 0 else demand.turn_around[feeder]
        if vcs == 1:
            sources = demand.in_sources[inside] * scale * scale
            busy = rate * quick
            waiting = line(rate, mean, base * base + 2 * base * extra + second, sources, busy)
            earlier = line(rate, gap, gap * gap, sources, rate * gap) if feeder < 0 else waits.order[feeder]
            queue = max(0.0, waiting - earlier) / rate
        else:
            per_vc = rate / vcs if feeder < 0 else rate * demand.alike[feeder]
            over = max(0.0, base - gap)
            busy = per_vc * quick
            queue = per_vc * (over * (over + 1) + extra * (2 * over + 1) + second) / 2 / room(busy)
            if feeder < 0:
                queue *= min(1.0, rate * mean) ** (vcs - 1)
        change = max(change, abs(queue - waits.queue[inside]))
        waits.queue[inside] = waits.queue[inside] + step * (queue - waits.queue[inside])
        waits.busy[inside] = busy
        waits.service[inside] = mean
        waits.quick[inside] = quick
        waits.delay[inside] = mean - base
        waits.block[inside] = extra
    return change


@compiled
def solve(demand: Offered, scale: float, waits: Waits, sweeps: int = SWEEPS) -> int:
    """Find the waits at a scale of the flows, in so many rounds at most; the number of rounds it took."""
    _lanes(demand, waits, scale)
    rounds = 0
    for _ in range(sweeps):
        # With several virtual channels little feeds on itself, and two rounds do; else half steps do not swing.
        step = 1.0 if demand.vcs > 1 and rounds < 3 else 0.5
        rounds += 1
        change = _outputs(demand, waits, scale, step)
        change = max(change, _inputs(demand, waits, scale, step))
        if change < 1e-3 or not change < FOREVER:
            break
    ports = demand.in_rate.size // demand.source_rate.size
    for router in range(demand.source_rate.size):
        rate, length = demand.source_rate[router] * scale, demand.source_flits[router]
        if rate > 0:
            inside = router * ports + ports - 1
            blocked = waits.block[inside] * max(0.0, 1 - demand.source_depth[router] / length)
            longer = (demand.source_lasts[router] + blocked) / length
            more = length * (demand.batch - 1) / 2
            wait = rate * (demand.source_squares[router] * longer * longer - length * longer) / 2 + more
            waits.source[router] = wait / room(rate * length * longer)
    return rounds
