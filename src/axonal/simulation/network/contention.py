"""What packets wait for on average, channel by channel; compiled. The equations are in `queueing`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.compiled import compiled, inlined
from axonal.simulation.network.demand import Demand

__all__ = ["Waits", "mean_wait", "saturation", "solve", "wait_of_turns"]

F64 = NDArray[np.float64]

SWEEPS = 60
"""Most rounds of the fixed point; it mostly takes six to fifteen."""
FOREVER = 1e6
"""Ticks; longer waits are no waits but a network that does not keep up."""
BISECTIONS = 9
"""Halvings of the range of the saturation load."""
FULL = 0.995
"""Utilisation at which waits are cut off, for they have no bound at 1."""


class Waits(NamedTuple):
    """Ticks of waiting, what `solve` finds."""

    turn: F64  # (turns,) for the output, head
    stretch: F64  # (turns,) of the tail behind its head, for sharing the output
    queue: F64  # (channels,) for packets before it in the virtual channel of the input
    credit: F64  # (channels,) for credits of the output
    lane: F64  # (channels,) behind the switch, for the lane
    source: F64  # (routers,)
    busy: F64  # (channels,) utilisation of the virtual channels of an input
    service: F64  # (channels,) of a packet in front of an input
    quick: F64  # (channels,) the same behind another packet, whose wait lets flits that are far apart close up
    delay: F64  # (channels,) the part of it that an empty network does not have
    block: F64  # (channels,) the part of that which keeps packets that go another way from passing
    order: F64  # (channels,) packets that have waited to be in one line behind an output
    lanes: F64  # (2, lanes) of a packet; share of pairs of packets that come by the same turn
    sums: F64  # (5, channels) scratch

    @classmethod
    def none(cls, demand: Demand) -> Waits:
        """No waits, from which the fixed point starts."""
        turns, channels = len(demand.entry), len(demand.out_rate)
        return cls(
            turn=np.zeros(turns),
            stretch=np.zeros(turns),
            queue=np.zeros(channels),
            credit=np.zeros(channels),
            lane=np.zeros(channels),
            source=np.zeros(len(demand.source_rate)),
            busy=np.zeros(channels),
            service=demand.in_service.copy(),
            quick=demand.in_quick.copy(),
            delay=np.zeros(channels),
            block=np.zeros(channels),
            order=np.zeros(channels),
            lanes=np.zeros((2, len(demand.lane_service))),
            sums=np.zeros((5, channels)),
        )


@inlined
def _room(full: float) -> float:
    """What is left of a resource."""
    return max(1.0 - full, 1.0 - 0.995)


@inlined
def _line(rate: float, work: float, squares: float, sources: float, full: float) -> float:
    """Mean number of packets that wait where a stream of several sources stands in one line."""
    others = max(0.0, rate * rate - sources)
    backlog = (rate * (squares - work) + work * work * others) / 2 / _room(full)
    return rate * backlog + work * others / 2


@inlined
def _before(demand: Demand, turn: int, scale: float) -> float:
    """Packets that have waited to be in one line in front of a turn: each source's, and those behind a slow lane."""
    one, late = demand.rate[turn] * scale, demand.late_rate[turn] * scale
    sources = demand.sources[turn] * scale * scale
    line = _line(one, demand.flits[turn], demand.squares[turn], sources, one * demand.flits[turn])
    if late > 0:
        work = demand.late_work[turn]
        line = max(line, _line(late, work, work * work, sources * (late / one) ** 2, late * work))
    return line


@inlined
def _follows(demand: Demand, out: int, scale: float, late: float, back: float) -> float:
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
def _credit(demand: Demand, waits: Waits, out: int, scale: float, behind: float) -> float:
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
    return loss + stays * max(0.0, 1 - depth / length)


@inlined
def _lanes(demand: Demand, waits: Waits, scale: float) -> None:
    """Mean wait for each lane, of what its streams have not waited for already in front of the switch."""
    squares = scale * scale
    waits.lanes[:] = 0.0
    before, own = waits.lanes[0], waits.lanes[1]
    for turn in range(demand.entry.size):
        lane = demand.lane[demand.exit[turn]]
        if lane >= 0:
            one = demand.rate[turn] * scale
            before[lane] += _before(demand, turn, scale)
            own[lane] += one * one
    for lane in range(demand.lane_rate.size):
        rate = demand.lane_rate[lane] * scale
        if rate > 0:
            sources = demand.lane_sources[lane] * squares
            work = demand.lane_work[lane]
            line = _line(rate, work, demand.lane_squares[lane], sources, rate * work)
            before[lane] = max(0.0, line - before[lane]) / rate
            own[lane] /= rate * rate


@inlined
def _lane(demand: Demand, waits: Waits, out: int) -> float:
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
    return waits.lanes[0, lane] * (1 + mixed)


@inlined
def _servers(rate: float, time: float, servers: int) -> float:
    """Mean wait for one of several servers, for equal times of service (Sakasegawa 1977)."""
    full = min(rate * time / servers, 0.995)
    return 0.5 * time * full ** (np.sqrt(2.0 * (servers + 1)) - 1) / (servers * _room(full))


@inlined
def _output(demand: Demand, waits: Waits, out: int, scale: float, hold: float, step: float) -> float:
    """Waits for one output, for its virtual channels and its wires; the change."""
    vcs = demand.vcs
    start, end = demand.first[out], demand.first[out + 1]
    rate, length = demand.out_rate[out] * scale, demand.out_flits[out]
    squares = scale * scale
    served = hold if vcs == 1 else length
    busy = served - max(0.0, demand.turn_around[out] - demand.quick[out]) if vcs == 1 else length
    spread = demand.spread[out] if vcs == 1 else demand.out_squares[out] / (length * length)
    line = _line(rate, served, served * served * spread, demand.out_sources[out] * squares, rate * busy)
    before, own = 0.0, 0.0
    for turn in range(start, end):
        one = demand.rate[turn] * scale
        own += one * one
        if vcs == 1:
            gap = waits.service[demand.entry[turn]]
            quick = waits.quick[demand.entry[turn]]
            before += _line(one, gap, gap * gap * spread, demand.sources[turn] * squares, one * quick)
        else:
            before += _before(demand, turn, scale)
    # Flits that are far apart let others pass between them.
    dense = demand.dense[out] * demand.dense[out]
    dense += (1 - dense) * min(1.0, rate * length)
    mean = dense * max(0.0, line - before) / rate
    waits.order[out] = max(line, before)
    if vcs == 1:
        half = served * served * spread / 2
        below, residual = 0.0, 0.0
        for turn in range(start, end):
            one = demand.rate[turn] * scale
            residual += one * (rate - one) * half / (1 + one * busy)
            below += one / (1 + one * busy)
        ahead = residual / _room(min(FULL, busy * below))
        mean = 0.0
        for turn in range(start, end):
            one = demand.rate[turn] * scale
            mean += one / rate * ((rate - one) * half + busy * ahead) / (1 + one * busy)
    # Those of a small stream meet more of the others.
    others = 1 - own / (rate * rate)
    vc_wait, shared = 0.0, 0.0
    if vcs > 1:
        vc_wait = others * max(0.0, _servers(rate, hold, vcs) - _servers(rate, length, vcs))
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
def _outputs(demand: Demand, waits: Waits, scale: float, step: float) -> float:
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
def _inputs(demand: Demand, waits: Waits, scale: float, step: float) -> float:
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
            line = _line(rate, mean, base * base + 2 * base * extra + second, sources, busy)
            before = _line(rate, gap, gap * gap, sources, rate * gap) if feeder < 0 else waits.order[feeder]
            queue = max(0.0, line - before) / rate
        else:
            per_vc = rate / vcs if feeder < 0 else rate * demand.alike[feeder]
            over = max(0.0, base - gap)
            busy = per_vc * quick
            queue = per_vc * (over * (over + 1) + extra * (2 * over + 1) + second) / 2 / _room(busy)
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
def solve(demand: Demand, scale: float, waits: Waits) -> int:
    """Find the waits at a scale of the flows; the number of rounds it took."""
    _lanes(demand, waits, scale)
    rounds = 0
    for _ in range(SWEEPS):
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
            waits.source[router] = wait / _room(rate * length * longer)
    return rounds


@inlined
def _wait_of_turn(demand: Demand, waits: Waits, turn: int) -> float:
    """What a packet of a turn is late by, when it arrives, for what it meets there."""
    out = demand.exit[turn]
    credit, length = waits.credit[out], demand.out_flits[out]
    back = max(1.0, np.ceil((demand.depth[out] + 1) / length) - 1)
    if back * length < demand.depth[out]:
        credit *= demand.visible[turn]  # Only tails wait for credits.
    one = waits.queue[demand.entry[turn]] + waits.turn[turn] + waits.stretch[turn] * demand.visible[turn]
    return one + waits.lane[out] + credit


@compiled
def _waits_of_turns(demand: Demand, waits: Waits, values: F64) -> None:
    for turn in range(demand.entry.size):
        values[turn] = _wait_of_turn(demand, waits, turn) if demand.rate[turn] > 0 else 0.0


def wait_of_turns(demand: Demand, waits: Waits) -> F64:
    """What a packet of each turn is late by, when it arrives, for what it meets there."""
    values = np.zeros(len(demand.entry))
    _waits_of_turns(demand, waits, values)
    return values


@compiled
def mean_wait(demand: Demand, waits: Waits) -> float:
    """What the waits add to the latency of a packet, averaged over packets; infinite when there is no end of them."""
    total, packets = 0.0, 0.0
    for router in range(demand.source_rate.size):
        total += demand.source_rate[router] * waits.source[router]
        packets += demand.source_rate[router]
    for turn in range(demand.entry.size):
        if demand.rate[turn] > 0:
            total += demand.rate[turn] * _wait_of_turn(demand, waits, turn)
    mean = total / max(packets, 1e-300)
    return mean if mean < FOREVER else np.inf


@compiled
def saturation(demand: Demand, wait: float, waits: Waits) -> float:
    """The scale of the flows at which the mean wait is as long as given."""
    most = 0.0
    for router in range(demand.source_rate.size):
        most = max(most, demand.source_rate[router] * demand.source_flits[router])
    for out in range(demand.out_rate.size):
        most = max(most, demand.out_rate[out] * demand.out_flits[out])
    for lane in range(demand.lane_rate.size):
        most = max(most, demand.lane_rate[lane] * demand.lane_work[lane])
    low, high = 0.0, 1 / most
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        _clear(demand, waits)
        solve(demand, middle, waits)
        if mean_wait(demand, waits) < wait:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@inlined
def _clear(demand: Demand, waits: Waits) -> None:
    waits.turn[:] = 0.0
    waits.stretch[:] = 0.0
    waits.queue[:] = 0.0
    waits.credit[:] = 0.0
    waits.busy[:] = 0.0
    waits.service[:] = demand.in_service
    waits.quick[:] = demand.in_quick
    waits.delay[:] = 0.0
