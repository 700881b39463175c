"""What packets wait for on average, channel by channel; compiled. The equations are in `queueing`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.arrays import Machine
from axonal.simulation.network.compiled import compiled, inlined
from axonal.simulation.network.flows import Flows, Paths

__all__ = ["Demand", "Waits", "demand_of", "mean_wait", "solve"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SWEEPS = 60
"""Most rounds of the fixed point; it mostly takes six to fifteen."""
FOREVER = 1e6
"""Ticks; longer waits are no waits but a network that does not keep up."""
FULL = 0.995
"""Utilisation at which waits are cut off, for they have no bound at 1."""


class Demand(NamedTuple):
    """Flows summed up by turn, at a scale of 1."""

    entry: I64  # (turns,) input channel
    exit: I64  # (turns,) output channel
    first: I64  # (channels + 1,) first turn of each output channel
    rate: F64  # (turns,) packets a tick
    flits: F64  # (turns,) mean length
    squares: F64  # (turns,) mean square of the length
    visible: F64  # (turns,) share of a stretched packet's delay that its tail does not make up for further on
    share: F64  # (turns,) of the packets of the input, how many take the turn
    alike: F64  # (channels,) chance that two packets of an input channel are in the same virtual channel
    source_rate: F64  # (routers,) packets a tick
    source_flits: F64  # (routers,)
    source_squares: F64  # (routers,)
    batch: float


class Waits(NamedTuple):
    """Ticks of waiting, what `solve` finds."""

    turn: F64  # (turns,) for the output, head
    stretch: F64  # (turns,) of the tail behind its head, for sharing the output
    queue: F64  # (channels,) for packets before it in the virtual channel of the input
    credit: F64  # (channels,) for credits of the output
    lane: F64  # (channels,) behind the switch, for the lane
    source: F64  # (routers,)
    busy: F64  # (channels,) utilisation of the virtual channels of an input
    held: F64  # (channels,) utilisation of an output
    service: F64  # (channels,) of a packet in front of an input
    delay: F64  # (channels,) the part of it that an empty network does not have
    open: F64  # (channels,) 1 where heads wait for credits, 0 where only tails do
    stall: F64  # (channels,) ticks that a packet alone stands still for credits
    sums: F64  # (5, channels) scratch
    lane_sums: F64  # (2, lanes) scratch

    @classmethod
    def none(cls, machine: Machine, turns: int) -> Waits:
        """No waits, from which the fixed point starts."""
        channels = machine.routers * machine.ports
        return cls(
            turn=np.zeros(turns),
            stretch=np.zeros(turns),
            queue=np.zeros(channels),
            credit=np.zeros(channels),
            lane=np.zeros(channels),
            source=np.zeros(machine.routers),
            busy=np.zeros(channels),
            held=np.zeros(channels),
            service=np.zeros(channels),
            delay=np.zeros(channels),
            open=np.zeros(channels),
            stall=np.zeros(channels),
            sums=np.zeros((5, channels)),
            lane_sums=np.zeros((2, len(machine.lane_service))),
        )


def demand_of(machine: Machine, flows: Flows, paths: Paths) -> Demand:
    """Sum up flows by turn."""
    turns, channels = len(paths.entry), machine.routers * machine.ports
    hops = paths.hops
    rate_of_step = np.repeat(flows.packets_per_cycle, hops)
    flits_of_step = np.repeat(flows.flits, hops).astype(float)

    def per_turn(values: F64) -> F64:
        return np.bincount(paths.turn, values, minlength=turns)

    rate = per_turn(rate_of_step)
    safe = np.maximum(rate, 1e-300)
    flits, squares = per_turn(rate_of_step * flits_of_step) / safe, per_turn(rate_of_step * flits_of_step**2) / safe
    total = np.bincount(paths.entry, rate, minlength=channels)
    share = rate / np.maximum(total[paths.entry], 1e-300)
    router = paths.exit // machine.ports
    head = machine.stages[router, 0] + np.where(machine.speculative[router] == 1, 0, machine.stages[router, 1])
    visible = np.zeros(turns)
    _visible(paths.start, paths.turn, flows.packets_per_cycle, flows.flits, head.astype(float), share, visible)
    visible /= safe
    source = np.bincount(flows.source, flows.packets_per_cycle, minlength=machine.routers)
    safe_source = np.maximum(source, 1e-300)

    def per_source(values: F64) -> F64:
        return np.bincount(flows.source, flows.packets_per_cycle * values, minlength=machine.routers) / safe_source

    return Demand(
        entry=paths.entry,
        exit=paths.exit,
        first=np.searchsorted(paths.exit, np.arange(channels + 1)),
        rate=rate,
        flits=flits,
        squares=squares,
        visible=visible,
        share=share,
        alike=_alike(machine, paths, rate, share),
        source_rate=source,
        source_flits=per_source(flows.flits.astype(float)),
        source_squares=per_source(flows.flits.astype(float) ** 2),
        batch=flows.batch_packets,
    )


@compiled
def _visible(start: I64, turn: I64, rate: F64, flits: I64, head: F64, share: F64, visible: F64) -> None:
    """Sum up, by turn, how much of the delay of a stretched packet's tail is left when it arrives.

    Two packets that share an output in turns fall apart into single flits. Once they part, the tail of each comes
    closer to its head again by the stages that only heads need, at each router. They go on together with the chance
    that a packet of the channel takes the same turn. A tail that is late by up to P flits, equally likely, has
    (1 - m / P)^2 of that left after it has made up for m cycles.
    """
    for flow in range(rate.size):
        left = 1.0
        made_up = 0.0
        for step in range(start[flow + 1] - 1, start[flow] - 1, -1):
            one = turn[step]
            visible[one] += rate[flow] * left
            made_up += head[one]
            alone = max(0.0, 1 - made_up / flits[flow])
            left = share[one] * left + (1 - share[one]) * alone * alone


def _alike(machine: Machine, paths: Paths, rate: F64, share: F64) -> F64:
    """Chance that two packets that leave by an output are given the same of its virtual channels.

    The allocator's pointer of an input moves on by one behind a packet that goes the same way, and back to the first
    virtual channel behind one that went another way: channel k has the chance (1 - q) q^k, q being the share of the
    turn, wrapped around at V.
    """
    channels, vcs = machine.routers * machine.ports, machine.vcs
    q = np.minimum(share, 1 - 1e-9)[:, None]
    chances = (1 - q) * q ** np.arange(vcs) / (1 - q**vcs)
    out = np.bincount(paths.exit, rate, minlength=channels)
    mean = np.zeros((channels, vcs))
    np.add.at(mean, paths.exit, chances * rate[:, None])
    mean /= np.maximum(out, 1e-300)[:, None]
    alike = np.ones(channels)
    used = out > 0
    alike[used] = (mean[used] ** 2).sum(1)
    return alike


@inlined
def _beyond(full: float) -> float:
    """The room that is left of a resource."""
    return max(1.0 - full, 1.0 - FULL)


@compiled
def solve(machine: Machine, demand: Demand, scale: float, waits: Waits) -> int:
    """Find the waits at a scale of the flows; the number of rounds it took."""
    ports, vcs = machine.ports, machine.vcs
    channels = machine.routers * ports
    turns = demand.entry.size
    sums, lane_sums = waits.sums, waits.lane_sums
    inflow, service_sum, service_square, base_sum, gap_sum = sums[0], sums[1], sums[2], sums[3], sums[4]
    lane_load, lane_square = lane_sums[0], lane_sums[1]
    inflow[:] = 0.0
    lane_sums[:] = 0.0
    for turn in range(turns):
        rate = demand.rate[turn] * scale
        inflow[demand.entry[turn]] += rate
        out = demand.exit[turn]
        lane = machine.lane[out // ports, out % ports]
        if lane >= 0 and out % ports != ports - 1:
            service = machine.lane_service[lane]
            lane_load[lane] += rate * demand.flits[turn] * service
            lane_square[lane] += rate * demand.squares[turn] * service * service
    rounds = 0
    for sweep in range(SWEEPS):
        rounds = sweep + 1
        change = 0.0
        service_sum[:] = 0.0
        service_square[:] = 0.0
        base_sum[:] = 0.0
        gap_sum[:] = 0.0
        for out in range(channels - 1, -1, -1):
            start, end = demand.first[out], demand.first[out + 1]
            if start == end:
                continue
            router, port = out // ports, out % ports
            period = float(machine.period[router])
            head = float(machine.stages[router, 0])
            allocation = 0.0 if machine.speculative[router] == 1 else float(machine.stages[router, 1])
            switch = float(machine.stages[router, 2]) / period
            rate, load, square, own, length = 0.0, 0.0, 0.0, 0.0, 0.0
            for turn in range(start, end):
                one = demand.rate[turn] * scale
                rate += one
                load += one * demand.flits[turn]
                square += one * demand.squares[turn]
                own += one * one
            if rate <= 0:
                continue
            length = load / rate
            # The loop of a credit, and what flits find beyond.
            lane = -1
            if port == ports - 1:
                depth = float(machine.depth[router, port])
                loop = float(machine.stages[router, 3]) + 4 * period + machine.stages[router, 4]
                queue, front, stays, beyond_busy, first = 0.0, 0.0, 0.0, 0.0, 0.0
            else:
                beyond, entry = machine.neighbour[router, port], machine.entry[router, port]
                lane = machine.lane[router, port]
                depth = float(machine.depth[beyond, entry])
                link = float(machine.link_ticks[router, port])
                loop = float(machine.stages[router, 3]) + 2 * link + period + machine.period[beyond]
                loop += machine.stages[router, 4]
                inside = beyond * ports + entry
                queue, beyond_busy = waits.queue[inside], waits.busy[inside]
                first = float(machine.stages[beyond, 0])
                first += 0.0 if machine.speculative[beyond] == 1 else float(machine.stages[beyond, 1])
                front = waits.service[inside]
                stays = waits.delay[inside]
            behind = 0.0
            spread = 0.0
            if lane >= 0:
                flit_service = machine.lane_service[lane]
                total = lane_square[lane] / 2
                selfish, same = 0.0, 0.0
                for turn in range(start, end):
                    one = demand.rate[turn] * scale
                    long = demand.flits[turn] * flit_service
                    serial = min(long, demand.flits[turn])
                    selfish += one * one * (long * long - (long - serial) * (long - serial)) / 2
                    same += one * one * long * long / 2
                behind = max(0.0, total - selfish / rate) / _beyond(lane_load[lane])
                if vcs > 1:
                    # Flits of several packets mix where these cross the switch together, or wait for credits.
                    mixed = max(0.0, total - same / rate) / _beyond(lane_load[lane]) / max(1.0, flit_service)
                    behind = min(2 * behind, behind * (1 + max(0.0, 1 - depth / length)) + mixed)
                spread = flit_service
            # Credits: of the loop itself, and of a queue beyond that has filled the buffer.
            blocks = np.floor((length - 1) / depth)
            stall = 0.0
            if blocks > 0:
                stall = max(0.0, loop + first - depth) + (blocks - 1) * max(0.0, loop - depth)
            turn_around = length * switch + allocation + stall
            fit = max(1.0, depth / length)
            back = max(1.0, np.ceil((depth + 1) / length) - 1)
            residence = loop + first * min(1.0, depth / length) + behind + stays
            per_vc = rate * (demand.alike[out] if vcs > 1 else 1.0)
            late = max(0.0, residence - depth - back * (turn_around - length))
            loss = late / (back + 1)
            for number in range(int(back)):
                loss *= min(1.0, per_vc * late) / (number + 1)
            if back == 1:
                others = 1 - own / (rate * rate)
                follows = min(1.0, rate * turn_around / vcs * others) ** vcs
                loss += (late - loss) * follows
            credit = loss
            if queue > 0 and beyond_busy > 0 and back > 1:
                slack = (fit - 1) * front
                credit += queue * np.exp(-slack * beyond_busy / queue)
            if length > depth:
                credit += stays * (1 - depth / length)
            # The output: its virtual channels, then its wires.
            hold = turn_around + credit
            if vcs == 1:
                served = hold
                half = served * served * (square / rate) / (length * length) / 2
                below = 0.0
                residual = 0.0
                for turn in range(start, end):
                    one = demand.rate[turn] * scale
                    slow = 1 + one * served
                    seen = (rate - one) * half
                    residual += one * seen / slow
                    below += one / slow
                ahead = residual / _beyond(min(FULL, served * below))
                for turn in range(start, end):
                    one = demand.rate[turn] * scale
                    wait = ((rate - one) * half + served * ahead) / (1 + one * served)
                    change = max(change, abs(wait - waits.turn[turn]))
                    waits.turn[turn] = 0.5 * (wait + waits.turn[turn])
                    waits.stretch[turn] = 0.0
                waits.held[out] = rate * served
            else:
                served = length
                half = square / rate / 2
                below, residual = 0.0, 0.0
                for turn in range(start, end):
                    one = demand.rate[turn] * scale
                    slow = 1 + one * served / vcs
                    residual += one * (rate - one) * half / slow
                    below += one / slow
                ahead = residual / _beyond(min(FULL, served * below))
                taken = min(FULL, rate * hold / vcs)
                others = 1 - own / (rate * rate)
                vc_wait = 0.5 * others * hold * taken ** (np.sqrt(2.0 * (vcs + 1)) - 1) / (vcs * _beyond(taken))
                # Packets that share the output stretch each other; those without a virtual channel wait for their turn.
                shared = 1 - min(1.0, load) ** (vcs - 1)
                for turn in range(start, end):
                    one = demand.rate[turn] * scale
                    wait = ((rate - one) * half + served * ahead) / (1 + one * served / vcs)
                    longer = demand.flits[turn]
                    stretch = wait * shared * 2 * (1 - 1 / longer)
                    wait = wait * (1 - shared * (1 - 1 / longer)) + vc_wait
                    change = max(change, abs(wait - waits.turn[turn]))
                    waits.turn[turn] = 0.5 * (wait + waits.turn[turn])
                    waits.stretch[turn] = 0.5 * (stretch + waits.stretch[turn])
                waits.held[out] = max(load, rate * turn_around / vcs)
            if lane >= 0:
                waits.held[out] = max(waits.held[out], lane_load[lane])
            waits.credit[out] = loss
            waits.open[out] = 1.0 if back * length >= depth else 0.0
            waits.stall[out] = stall
            crossing = 0.0
            for turn in range(start, end):
                one = demand.rate[turn] * scale
                crossing += one / rate * (waits.turn[turn] + waits.stretch[turn])
            waits.lane[out] = max(0.0, behind - crossing) if spread > 0 else 0.0
            for turn in range(start, end):
                one = demand.rate[turn] * scale
                inside = demand.entry[turn]
                base = head + allocation + demand.flits[turn] * switch + stall
                extra = waits.turn[turn] + waits.stretch[turn] + credit
                service_sum[inside] += one * (base + extra)
                base_sum[inside] += one * base
                gap_sum[inside] += one * turn_around
                service_square[inside] += one * extra * (0.67 * served + 2 * extra)
        for inside in range(channels):
            rate = inflow[inside]
            if rate <= 0:
                continue
            router, port = inside // ports, inside % ports
            mean, base = service_sum[inside] / rate, base_sum[inside] / rate
            second = service_square[inside] / rate
            gap = gap_sum[inside] / rate
            if port == ports - 1:
                per_vc = rate / vcs
                gap = demand.source_flits[router]
            else:
                per_vc = rate * (demand.alike[machine.before[router, port] * ports + machine.exit[router, port]])
            busy = per_vc * mean
            over = max(0.0, base - gap)
            extra = mean - base
            queue = per_vc * (over * (over + 1) + extra * (2 * over + 1) + second) / 2 / _beyond(busy)
            if port == ports - 1 and vcs > 1:
                queue *= min(1.0, rate * mean) ** (vcs - 1)
            change = max(change, abs(queue - waits.queue[inside]))
            waits.queue[inside] = 0.5 * (queue + waits.queue[inside])
            waits.busy[inside] = busy
            waits.service[inside] = mean
            waits.delay[inside] = extra
        if change < 1e-3 or not change < FOREVER:
            break
    for router in range(machine.routers):
        rate, length = demand.source_rate[router] * scale, demand.source_flits[router]
        if rate > 0:
            inside = router * ports + ports - 1
            depth, period = float(machine.depth[router, ports - 1]), float(machine.period[router])
            head = float(machine.stages[router, 0])
            head += 0.0 if machine.speculative[router] == 1 else float(machine.stages[router, 1])
            blocks, stall = np.floor((length - 1) / depth), 0.0
            if blocks > 0:
                stall = max(0.0, 4 * period + head - depth) + (blocks - 1) * max(0.0, 4 * period - depth)
            stall = max(stall, waits.service[inside] - waits.delay[inside] - head - length)
            stall += waits.delay[inside] * max(0.0, 1 - depth / length)
            longer = 1 + stall / length
            more = length * (demand.batch - 1) / 2
            wait = rate * (demand.source_squares[router] * longer * longer - length * longer) / 2 + more
            waits.source[router] = wait / _beyond(rate * length * longer)
    return rounds


@compiled
def mean_wait(machine: Machine, demand: Demand, waits: Waits) -> float:
    """What the waits add to the latency of a packet, averaged over packets."""
    ports = machine.ports
    total, packets = 0.0, 0.0
    for router in range(machine.routers):
        total += demand.source_rate[router] * waits.source[router]
        packets += demand.source_rate[router]
    for turn in range(demand.entry.size):
        out = demand.exit[turn]
        one = waits.queue[demand.entry[turn]] + waits.turn[turn] + waits.stretch[turn] * demand.visible[turn]
        total += demand.rate[turn] * (one + waits.lane[out] + waits.credit[out] * max(waits.open[out], demand.visible[turn]))
    mean = total / max(packets, 1e-300)
    return mean if mean < FOREVER else np.inf
