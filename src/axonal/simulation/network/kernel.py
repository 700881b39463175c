"""The compiled cycle-level engine: `advance` moves a fabric on in time.

One tick is: credits, arrivals, injection, then each router's decisions on what was there at the start of the tick, then
its updates. Routers touch each other only through events that are at least a tick away, so their order is free.
"""

from __future__ import annotations

from axonal.simulation.network.arrays import Load, Machine, State, Work
from axonal.simulation.network.compiled import compiled, inlined
from axonal.simulation.network.routes import next_hop

__all__ = ["BLOCKED", "CLOCK", "DONE", "advance", "begin"]

NOW, INSIDE, PENDING, FREE_EVENT, LEFT, STILL, SHIFT, BLAMES, PROFILES, FLIT_HOPS, PORTS_AT = range(11)
CLOCK = 11
"""Scalars: the tick; flits in buffers; events on their way; first unused event; packet copies that are still to
arrive; ticks without any move; log2 of the profile's interval in ticks; whether blame and profile are kept."""

IDLE, ROUTING, ASKING, ALLOCATING, ACTIVE, SWITCHING = range(6)
"""Stages of a unit: nothing, route stage, asks for a virtual channel, the same in a longer allocation, has one, in a
longer switch allocation."""

DONE, PAUSED, BLOCKED = range(3)
FAR = 1 << 62
PATIENCE = 1 << 16
"""Ticks without a move, with flits inside, after which the network counts as deadlocked."""


@inlined
def _aligned(tick: int, period: int) -> int:
    """The next clock edge that is not before the tick."""
    if period == 1:
        return tick
    rest = tick % period
    return tick if rest == 0 else tick + period - rest


@inlined
def _event(state: State, wheel: int, tick: int, where: int, packet: int) -> None:
    """Let something happen at a tick: wheel 0 is an arrival at an input virtual channel, wheel 1 a credit."""
    clock = state.clock
    event = clock[3]
    clock[3] = state.event_next[event]
    clock[2] += 1
    slot = tick & (state.wheel_flit.size - 1)
    state.event_where[event] = where
    state.event_packet[event] = packet
    if wheel == 0:
        state.event_next[event] = state.wheel_flit[slot]
        state.wheel_flit[slot] = event
    else:
        state.event_next[event] = state.wheel_credit[slot]
        state.wheel_credit[slot] = event


@inlined
def _credits(machine: Machine, state: State, tick: int) -> None:
    slot = tick & (state.wheel_credit.size - 1)
    event = state.wheel_credit[slot]
    state.wheel_credit[slot] = -1
    per_router = machine.ports * machine.vcs
    clock = state.clock
    while event >= 0:
        where = state.event_where[event]
        if where >= 0:
            state.credit[where] += 1
            state.awake[where // per_router] = 1
        else:
            state.room[(-where - 1) // machine.vcs, (-where - 1) % machine.vcs] += 1
        following = state.event_next[event]
        state.event_next[event] = clock[3]
        clock[3] = event
        clock[2] -= 1
        event = following


@inlined
def _range(low: int, high: int) -> int:
    """The set of virtual channels `low <= v < high`."""
    return (1 << high) - (1 << low)


@inlined
def _first(machine: Machine, chosen: int, pointer: int) -> int:
    """The first member of a set of ports that is not before the pointer, else the first of all."""
    beyond = chosen >> pointer
    if beyond != 0:
        return pointer + machine.first_of[beyond]
    return machine.first_of[chosen]


@inlined
def _tree_place(load: Load, tree: int, router: int) -> int:
    """Where the router stands in the list of a tree."""
    low, high = load.tree_start[tree], load.tree_start[tree + 1]
    while low < high:
        middle = (low + high) // 2
        if load.tree_router[middle] < router:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _wait(machine: Machine, state: State, router: int, unit: int) -> None:
    """Put a unit on the router's list."""
    size = machine.ports * machine.vcs * machine.ports
    state.work[router * size + state.working[router]] = unit
    state.working[router] += 1


@inlined
def _route(machine: Machine, load: Load, state: State, router: int, channel: int) -> None:
    """The head in front of an input virtual channel knows where to go: its units ask for virtual channels."""
    ports = machine.ports
    packet = state.buffer[channel, state.front[channel]]
    if load.target[packet] >= 0:
        out, low, high = next_hop(machine, load, state, router, packet)
        unit = channel * ports + out
        state.branches[channel] = 1 << out
        state.stage[unit] = 2
        state.sent[unit] = 0
        state.may[unit] = _range(low, high)
        _wait(machine, state, router, unit)
        return
    place = _tree_place(load, -1 - load.target[packet], router)
    outputs = load.tree_outputs[place]
    state.branches[channel] = outputs
    for out in range(ports):
        if outputs >> out & 1:
            unit = channel * ports + out
            state.stage[unit] = 2
            state.sent[unit] = 0
            state.may[unit] = load.tree_may[place] if out < ports - 1 else _range(0, machine.vcs)
            _wait(machine, state, router, unit)


@inlined
def _begin_head(machine: Machine, load: Load, state: State, router: int, channel: int, tick: int) -> None:
    """A head is in front from this tick on: route it, at once with look-ahead."""
    routing = machine.stages[router, 0]
    if routing == 0:
        _route(machine, load, state, router, channel)
        return
    unit = channel * machine.ports
    state.stage[unit] = 1
    state.ready[unit] = tick + routing - machine.period[router]
    _wait(machine, state, router, unit)


@inlined
def _arrivals(machine: Machine, load: Load, state: State, tick: int) -> None:
    slot = tick & (state.wheel_flit.size - 1)
    event = state.wheel_flit[slot]
    if event < 0:
        return
    state.wheel_flit[slot] = -1
    clock = state.clock
    depth = state.buffer.shape[1]
    per_router = machine.ports * machine.vcs
    while event >= 0:
        channel = state.event_where[event]
        place = state.front[channel] + state.count[channel]
        if place >= depth:
            place -= depth
        state.buffer[channel, place] = state.event_packet[event]
        state.count[channel] += 1
        clock[1] += 1
        router = channel // per_router
        state.awake[router] = 1
        if state.count[channel] == 1 and state.branches[channel] == 0:
            _begin_head(machine, load, state, router, channel, tick)
        following = state.event_next[event]
        state.event_next[event] = clock[3]
        clock[3] = event
        clock[2] -= 1
        event = following


@inlined
def _channels_at_source(machine: Machine, load: Load, packet: int) -> tuple[int, int]:
    """Virtual channels of the injection port that a packet may take."""
    if machine.routing == 3:
        half = machine.vcs // 2
        if load.flavour[packet] == 1:
            return half, machine.vcs
        return 0, half
    return 0, machine.split


@inlined
def _inject(machine: Machine, load: Load, state: State, tick: int) -> int:
    """Each core sends at most one flit; a packet keeps its virtual channel, chosen round robin."""
    moved = 0
    ports, vcs = machine.ports, machine.vcs
    for router in range(machine.routers):
        packet = state.queue[router]
        if packet < 0 or state.created[packet] > tick:
            continue
        period = machine.period[router]
        if period > 1 and tick % period != 0:
            continue
        vc = state.queue_vc[router]
        if vc < 0:
            low, high = _channels_at_source(machine, load, packet)
            last = state.queue_last[router]
            for step in range(1, high - low + 1):
                candidate = low if last < low or last >= high else low + (last - low + step) % (high - low)
                if state.taken[router, candidate] == 0 and state.room[router, candidate] > 0:
                    vc = candidate
                    break
            if vc < 0:
                continue
            state.queue_vc[router] = vc
            state.queue_last[router] = vc
            state.taken[router, vc] = 1
            state.injected[packet] = tick
        elif state.room[router, vc] <= 0:
            continue
        state.room[router, vc] -= 1
        channel = (router * ports + ports - 1) * vcs + vc
        _event(state, 0, tick + 2 * period, channel, packet)
        moved += 1
        state.queue_sent[router] += 1
        if state.queue_sent[router] == load.flits[packet]:
            state.taken[router, vc] = 0
            state.queue_vc[router] = -1
            state.queue_sent[router] = 0
            state.queue[router] = state.after[packet]
    return moved


@inlined
def _count_down(load: Load, state: State, work: Work, message: int, tick: int, top: int) -> int:
    """A part of a message is there: the end of a task that sends it, or a copy of a packet.

    With the last one, cores that wait for it go on the stack; gives the stack's new height.
    """
    state.message_end[message] = max(state.message_end[message], tick)
    state.message_left[message] -= 1
    if state.message_left[message] > 0:
        return top
    for index in range(load.in_start[message], load.in_start[message + 1]):
        task = load.in_task[index]
        state.task_left[task] -= 1
        state.task_ready[task] = max(state.task_ready[task], state.message_end[message])
        if state.task_left[task] == 0:
            work.stack[top] = load.task_core[task]
            top += 1
    return top


@inlined
def _release(load: Load, state: State, work: Work, task: int, top: int) -> int:
    """Queue the packets of a task that has a time, and deliver what needs none. Gives the stack's new height."""
    end, ticks = state.task_end[task], load.task_ticks[task]
    packet, last = load.task_first[task], load.task_last[task]
    if packet >= 0:
        router = load.source[packet]
        if state.queue[router] < 0:
            state.queue[router] = packet
        else:
            state.after[state.queue_end[router]] = packet
        state.queue_end[router] = last
        while True:
            if load.task_streams[task] == 1:
                state.created[packet] = state.task_start[task] + int(load.share[packet] * ticks)
            else:
                state.created[packet] = end
            if packet == last:
                break
            packet = state.after[packet]
        state.after[last] = -1
    for index in range(load.out_start[task], load.out_start[task + 1]):
        message = load.out_message[index]
        if state.message_start[message] < 0 or end < state.message_start[message]:
            state.message_start[message] = end
        top = _count_down(load, state, work, message, end, top)
    return top


@inlined
def _run_cores(load: Load, state: State, work: Work, top: int) -> None:
    """Start what the cores on the stack can start, in the order of each core's list, and all that follows at once."""
    while top > 0:
        top -= 1
        core = work.stack[top]
        while load.core_start[core] + state.core_next[core] < load.core_start[core + 1]:
            task = load.core_task[load.core_start[core] + state.core_next[core]]
            if state.task_left[task] > 0:
                break
            state.core_next[core] += 1
            start = max(state.task_ready[task], state.core_free[core])
            end = start + load.task_ticks[task]
            state.task_start[task] = start
            state.task_end[task] = end
            state.core_free[core] = end
            top = _release(load, state, work, task, top)


@compiled
def begin(load: Load, state: State, work: Work) -> None:
    """Start the tasks that wait for nothing."""
    for core in range(load.core_start.size - 1):
        work.stack[0] = core
        _run_cores(load, state, work, 1)


@inlined
def _send(machine: Machine, load: Load, state: State, work: Work, router: int, unit: int, tick: int) -> None:
    """One flit of a unit goes through the switch."""
    ports, vcs = machine.ports, machine.vcs
    size = ports * vcs
    local = unit - router * size * ports
    channel, out = router * size + machine.channel_of[local], machine.output_of[local]
    period = machine.period[router]
    link = router * ports + out
    clock = state.clock
    packet = state.buffer[channel, state.front[channel]]
    index = state.sent[unit]
    tail = index + 1 == load.flits[packet]
    over = link * vcs + state.out_vc[unit]
    state.sent[unit] = index + 1
    state.credit[over] -= 1
    state.flits[link] += 1
    if index == 0:
        state.hops[packet] += 1
    if tail:
        state.free[link] |= 1 << state.out_vc[unit]
    leaves = tick + machine.stages[router, 3]
    if clock[8] == 1:
        _note(state, link, tick)
    if out == ports - 1:
        arrives = leaves + 2 * period
        _event(state, 1, arrives + 2 * period + machine.stages[router, 4], over, -1)
        if tail:
            state.copies[packet] -= 1
            state.arrived[packet] = max(state.arrived[packet], arrives)
            clock[4] -= 1
            message = load.message[packet]
            if message >= 0:
                top = _count_down(load, state, work, message, arrives, 0)
                _run_cores(load, state, work, top)
    else:
        lane = machine.lane[router, out]
        if lane >= 0:
            free = state.lane_free[lane]
            state.lane_free[lane] = max(free, float(leaves)) + machine.lane_service[lane]
            leaves = max(leaves, int(free + 1e-9))
        beyond = machine.neighbour[router, out]
        entry = (beyond * ports + machine.entry[router, out]) * vcs + state.out_vc[unit]
        arrives = leaves + machine.link_ticks[router, out] + period
        if lane >= 0 or machine.period[beyond] != period:
            # However fast lane and sender are, an input takes one flit in each of its cycles.
            arrives = max(_aligned(arrives, machine.period[beyond]), state.last[link] + machine.period[beyond])
            state.last[link] = arrives
        if index == 0 and machine.routing == 4 and machine.turns[router, out] == 1:
            state.phase_of[packet] = 1
        _event(state, 0, arrives, entry, packet)
    _drain(machine, load, state, router, channel, packet, tick)


@inlined
def _drain(machine: Machine, load: Load, state: State, router: int, channel: int, packet: int, tick: int) -> None:
    """Free the places of flits that have gone every way they must, and let the next packet begin."""
    ports, vcs = machine.ports, machine.vcs
    branches = state.branches[channel]
    gone = load.flits[packet]
    if branches & (branches - 1) == 0:
        gone = state.gone[channel] + 1
    else:
        for out in range(ports):
            if branches >> out & 1:
                gone = min(gone, state.sent[channel * ports + out])
    local = channel - router * ports * vcs
    entry, vc = machine.port_of[local], machine.vc_of[local]
    period = machine.period[router]
    depth = state.buffer.shape[1]
    while state.gone[channel] < gone:
        state.gone[channel] += 1
        state.count[channel] -= 1
        state.clock[1] -= 1
        state.front[channel] = state.front[channel] + 1 if state.front[channel] + 1 < depth else 0
        if entry == ports - 1:
            _event(state, 1, tick + 2 * period, -(router * vcs + vc) - 1, -1)
        else:
            feeder, port = machine.before[router, entry], machine.exit[router, entry]
            delay = machine.link_ticks[feeder, port] + period + machine.stages[feeder, 4]
            _event(state, 1, tick + delay, (feeder * ports + port) * vcs + vc, -1)
    if gone == load.flits[packet]:
        state.gone[channel] = 0
        state.branches[channel] = 0
        if state.count[channel] > 0:
            _begin_head(machine, load, state, router, channel, tick + period)


@inlined
def _note(state: State, link: int, tick: int) -> None:
    """Count a flit in the load over time; when time outgrows the table, its intervals are merged two by two."""
    clock, profile = state.clock, state.profile
    while tick >> clock[6] >= profile.shape[0]:
        half = profile.shape[0] // 2
        for index in range(half):
            for place in range(profile.shape[1]):
                profile[index, place] = profile[2 * index, place] + profile[2 * index + 1, place]
        profile[half:] = 0
        clock[6] += 1
    profile[tick >> clock[6], link] += 1


@inlined
def _allocate_channels(machine: Machine, state: State, work: Work, router: int, fresh: int) -> None:
    """One iteration of iSLIP between the units that ask and the output virtual channels that are free.

    Leaves in `out_vc` what a unit got, -1 without.
    """
    ports, vcs = machine.ports, machine.vcs
    size = ports * vcs
    base = router * size
    touched = 0
    for number in range(fresh):
        unit = work.fresh[number]
        state.out_vc[unit] = -1
        own, out = machine.channel_of[unit - base * ports], machine.output_of[unit - base * ports]
        may = state.may[unit] & state.free[router * ports + out]
        over = out * vcs
        while may != 0:
            if may & 1:
                key = own - state.grant_vc[base + over]
                if key < 0:
                    key += size
                if work.asker[over] < 0:
                    work.touched[touched] = over
                    touched += 1
                    work.best[over] = key
                    work.asker[over] = unit
                elif key < work.best[over]:
                    work.best[over] = key
                    work.asker[over] = unit
            may >>= 1
            over += 1
    offered = 0
    for number in range(touched):
        over = work.touched[number]
        unit = work.asker[over]
        work.asker[over] = -1
        own = machine.channel_of[unit - base * ports]
        key = over - state.accept_vc[base + own]
        if key < 0:
            key += size
        if work.chosen[own] < 0:
            work.offered[offered] = own
            offered += 1
            work.choice[own] = FAR
        if key < work.choice[own]:
            work.choice[own] = key
            work.chosen[own] = over
            work.unit_of[own] = unit
    for number in range(offered):
        own = work.offered[number]
        over = work.chosen[own]
        work.chosen[own] = -1
        state.out_vc[work.unit_of[own]] = machine.vc_of[over]
        state.grant_vc[base + over] = own + 1 if own + 1 < size else 0
        state.accept_vc[base + own] = over + 1 if over + 1 < size else 0


@inlined
def _allocate_switch(machine: Machine, state: State, work: Work, router: int, bids: int) -> int:
    """One iteration of iSLIP between the inputs and the outputs of the switch; winners go to the front of `bids`.

    Of the virtual channels of an input that ask for one output, those that are sure of theirs come before those that
    speculate, then round robin. An input accepts one output, and with it others that the same flit must take, too.
    """
    ports, vcs = machine.ports, machine.vcs
    base = router * ports
    first_unit = base * vcs * ports
    outputs = 0
    for number in range(bids):
        unit = work.bids[number]
        own, out = machine.channel_of[unit - first_unit], machine.output_of[unit - first_unit]
        entry = machine.port_of[own]
        key = machine.vc_of[own] - state.turn_vc[base + entry]
        if key < 0:
            key += vcs
        if state.stage[unit] == 2:
            key += vcs
        place = entry * ports + out
        if outputs >> out & 1 == 0:
            outputs |= 1 << out
            work.asked[out] = 0
        if work.asked[out] >> entry & 1 == 0:
            work.asked[out] |= 1 << entry
            work.wish[place] = unit
            work.wish_key[place] = key
        elif key < work.wish_key[place]:
            work.wish[place] = unit
            work.wish_key[place] = key
    inputs = 0
    while outputs != 0:
        out = machine.first_of[outputs]
        outputs &= outputs - 1
        entry = _first(machine, work.asked[out], state.grant_port[base + out])
        if inputs >> entry & 1 == 0:
            inputs |= 1 << entry
            work.offers[entry] = 0
        work.offers[entry] |= 1 << out
    winners = 0
    while inputs != 0:
        entry = machine.first_of[inputs]
        inputs &= inputs - 1
        offers = work.offers[entry]
        out = _first(machine, offers, state.accept_port[base + entry])
        unit = work.wish[entry * ports + out]
        own = machine.channel_of[unit - first_unit]
        vc = machine.vc_of[own]
        state.turn_vc[base + entry] = vc + 1 if vc + 1 < vcs else 0
        state.accept_port[base + entry] = out + 1 if out + 1 < ports else 0
        state.grant_port[base + out] = entry + 1 if entry + 1 < ports else 0
        work.bids[winners] = unit
        winners += 1
        others = offers & state.branches[base * vcs + own] & ~(1 << out)
        while others != 0:
            out = machine.first_of[others]
            others &= others - 1
            other = work.wish[entry * ports + out]
            if machine.channel_of[other - first_unit] == own and state.sent[other] == state.sent[unit]:
                state.grant_port[base + out] = entry + 1 if entry + 1 < ports else 0
                work.bids[winners] = other
                winners += 1
    return winners


@inlined
def _may_speculate(machine: Machine, state: State, router: int, unit: int) -> bool:
    """Whether the output has a free virtual channel with a credit that the unit may take."""
    ports, vcs = machine.ports, machine.vcs
    link = router * ports + machine.output_of[unit - router * ports * vcs * ports]
    may = state.may[unit] & state.free[link]
    over = link * vcs
    while may != 0:
        if may & 1 and state.credit[over] > 0:
            return True
        may >>= 1
        over += 1
    return False


@inlined
def _blame(machine: Machine, load: Load, state: State, unit: int, ticks: int) -> None:
    """Somebody stands in front of an output for a cycle."""
    channel = unit // machine.ports
    link = channel // (machine.ports * machine.vcs) * machine.ports + unit % machine.ports
    state.stalled[link] += ticks
    message = load.message[state.buffer[channel, state.front[channel]]]
    if message >= 0:
        state.blame[message, link] += ticks


@inlined
def _step(machine: Machine, load: Load, state: State, work: Work, router: int, tick: int) -> int:
    """One cycle of a router. Gives the number of flits that moved and heads that advanced."""
    ports, vcs = machine.ports, machine.vcs
    period = machine.period[router]
    longer_vc = machine.stages[router, 1] > period
    longer_switch = machine.stages[router, 2] > period
    speculative = machine.speculative[router] == 1
    offset = router * ports * vcs * ports
    first_channel = router * ports * vcs
    waiting = state.working[router]
    fresh, bids, routed, moved, timed = 0, 0, 0, 0, 0
    for number in range(waiting):
        unit = state.work[offset + number]
        stage = state.stage[unit]
        if stage == 4:
            channel = first_channel + machine.channel_of[unit - offset]
            if state.sent[unit] - state.gone[channel] < state.count[channel]:
                if longer_switch:
                    state.stage[unit] = 5
                    state.ready[unit] = tick + machine.stages[router, 2] - period
                    state.may[unit] = 0
                over = first_channel + machine.output_of[unit - offset] * vcs + state.out_vc[unit]
                if state.credit[over] > 0:
                    work.bids[bids] = unit
                    bids += 1
        elif stage == 2:
            work.fresh[fresh] = unit
            fresh += 1
            if speculative and _may_speculate(machine, state, router, unit):
                work.bids[bids] = unit
                bids += 1
        else:
            timed += 1
            if stage == 1 and state.ready[unit] <= tick:
                work.routed[routed] = unit
                routed += 1
    watched = state.clock[7] == 1
    if watched:
        for number in range(waiting):
            unit = state.work[offset + number]
            stage = state.stage[unit]
            if stage == 2 or (stage == 4 and state.sent[unit] - state.gone[unit // ports] < state.count[unit // ports]):
                _blame(machine, load, state, unit, period)
    if fresh > 0:
        _allocate_channels(machine, state, work, router, fresh)
    if bids > 0:
        bids = _allocate_switch(machine, state, work, router, bids)
    awake = bids + timed > 0 or longer_switch or watched
    # Updates, from here on: nothing above sees them before the next cycle.
    for number in range(fresh):
        unit = work.fresh[number]
        if longer_vc:
            state.stage[unit] = 3
            state.ready[unit] = tick + machine.stages[router, 1] - period
            moved += 1
        elif state.out_vc[unit] >= 0:
            state.stage[unit] = 4
            state.free[router * ports + machine.output_of[unit - offset]] &= ~(1 << state.out_vc[unit])
            moved += 1
    if longer_vc or longer_switch:
        moved += _end_long_stages(machine, state, router, waiting, tick)
        if longer_switch:
            for number in range(bids):
                state.may[work.bids[number]] = 1
            bids = _granted(machine, state, work, router, waiting, tick)
    for number in range(bids):
        unit = work.bids[number]
        if state.stage[unit] != 4:
            continue  # it speculated and got no virtual channel
        over = first_channel + machine.output_of[unit - offset] * vcs + state.out_vc[unit]
        if state.credit[over] <= 0:
            continue
        if watched:
            _blame(machine, load, state, unit, -period)
        moved += 1
        # The unit leaves the list before a next packet of its channel may use it again.
        channel = first_channel + machine.channel_of[unit - offset]
        if state.sent[unit] + 1 == load.flits[state.buffer[channel, state.front[channel]]]:
            _forget(machine, state, router, unit)
        _send(machine, load, state, work, router, unit, tick)
    for number in range(routed):
        unit = work.routed[number]
        _forget(machine, state, router, unit)
        _route(machine, load, state, router, unit // ports)
        moved += 1
    # Where nothing moves and no time runs, the next cycle is like this one until something arrives.
    state.awake[router] = awake or moved > 0
    return moved


@inlined
def _forget(machine: Machine, state: State, router: int, unit: int) -> None:
    """Take a unit off the router's list; the last one takes its place."""
    offset = router * machine.ports * machine.vcs * machine.ports
    last = state.working[router] - 1
    place = offset
    while state.work[place] != unit:
        place += 1
    state.work[place] = state.work[offset + last]
    state.working[router] = last
    state.stage[unit] = 0


@inlined
def _end_long_stages(machine: Machine, state: State, router: int, waiting: int, tick: int) -> int:
    """Virtual channel allocations that take several cycles end here, if the channel is still free."""
    ports, vcs = machine.ports, machine.vcs
    offset = router * ports * vcs * ports
    moved = 0
    for number in range(waiting):
        unit = state.work[offset + number]
        if state.stage[unit] == 3 and state.ready[unit] <= tick:
            link, vc = router * ports + unit % ports, state.out_vc[unit]
            if vc >= 0 and state.free[link] >> vc & 1:
                state.free[link] &= ~(1 << vc)
                state.stage[unit] = 4
                moved += 1
            else:
                state.stage[unit] = 2
    return moved


@inlined
def _granted(machine: Machine, state: State, work: Work, router: int, waiting: int, tick: int) -> int:
    """Units whose switch allocation of several cycles ends now with a grant go to the front of `bids`."""
    ports, vcs = machine.ports, machine.vcs
    offset = router * ports * vcs * ports
    winners = 0
    for number in range(waiting):
        unit = state.work[offset + number]
        if state.stage[unit] == 5 and state.ready[unit] <= tick:
            state.stage[unit] = 4
            if state.may[unit] == 1:
                work.bids[winners] = unit
                winners += 1
    return winners


@inlined
def _next_creation(state: State) -> int:
    """When the next packet comes into being at the front of a source queue."""
    soonest = FAR
    for router in range(state.queue.size):
        packet = state.queue[router]
        if packet >= 0:
            soonest = min(soonest, state.created[packet])
    return soonest


@compiled
def advance(machine: Machine, load: Load, state: State, work: Work, until: int) -> int:
    """Run until a tick (exclusive), or until every packet has arrived.

    Returns:
        `DONE` when all packets have arrived, `PAUSED` at `until`, `BLOCKED` when flits stand still for good.
    """
    clock = state.clock
    tick = clock[0]
    while tick < until and clock[4] > 0:
        _credits(machine, state, tick)
        _arrivals(machine, load, state, tick)
        moved = _inject(machine, load, state, tick)
        for router in range(machine.routers):
            if state.awake[router] and state.working[router] > 0:
                period = machine.period[router]
                if period == 1 or tick % period == 0:
                    moved += _step(machine, load, state, work, router, tick)
        tick += 1
        if clock[2] == 0 and moved == 0:
            if clock[1] > 0:
                clock[5] += 1
                if clock[5] > PATIENCE:
                    clock[0] = tick
                    return BLOCKED
            else:
                soonest = _next_creation(state)
                if soonest == FAR and clock[4] > 0:
                    clock[0] = tick
                    return BLOCKED
                tick = max(tick, min(soonest, until))
        else:
            clock[5] = 0
    clock[0] = tick
    return DONE if clock[4] == 0 else PAUSED
