"""Flits that move: into the network, through a switch, out of it; compiled."""

from __future__ import annotations

from axonal.simulation.network.arrays import INSIDE, LEFT, SHIFT, WATCHED, Load, Machine, State, Work
from axonal.simulation.network.compiled import inlined
from axonal.simulation.network.events import aligned, event
from axonal.simulation.network.release import count_down, run_cores

__all__ = ["inject", "send"]


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
def inject(machine: Machine, load: Load, state: State, tick: int) -> int:
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
        event(state, 0, tick + 2 * period, channel, packet)
        moved += 1
        state.queue_sent[router] += 1
        if state.queue_sent[router] == load.flits[packet]:
            state.taken[router, vc] = 0
            state.queue_vc[router] = -1
            state.queue_sent[router] = 0
            state.queue[router] = state.after[packet]
    return moved


@inlined
def _note(state: State, link: int, tick: int) -> None:
    """Count a flit in the load over time; when time outgrows the table, its intervals are merged two by two."""
    clock, profile = state.clock, state.profile
    while tick >> clock[SHIFT] >= profile.shape[0]:
        half = profile.shape[0] // 2
        for index in range(half):
            for place in range(profile.shape[1]):
                profile[index, place] = profile[2 * index, place] + profile[2 * index + 1, place]
        profile[half:] = 0
        clock[SHIFT] += 1
    profile[tick >> clock[SHIFT], link] += 1


@inlined
def _cross(machine: Machine, load: Load, state: State, packet: int, lane: int, tick: int) -> int:
    """The tick at which a flit starts over a lane that it reaches at a tick."""
    free = state.lane_free[lane]
    state.lane_free[lane] = max(free, float(tick)) + machine.lane_service[lane]
    starts = max(tick, int(free + 1e-9))
    message = load.message[packet]
    if state.clock[WATCHED] == 1 and message >= 0:
        if state.crossed[message, lane, 0] < 0:
            state.crossed[message, lane, 0] = starts
        state.crossed[message, lane, 1] = starts
    return starts


@inlined
def _drain(  # noqa: PLR0913, PLR0917 - compiled
    machine: Machine, load: Load, state: State, router: int, channel: int, packet: int, tick: int
) -> bool:
    """Free the places of flits that have gone every way they must. Says whether these were all of the packet."""
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
    depth = machine.base[channel + 1] - machine.base[channel]
    while state.gone[channel] < gone:
        state.gone[channel] += 1
        state.held[channel] -= 1
        state.clock[INSIDE] -= 1
        state.front[channel] = state.front[channel] + 1 if state.front[channel] + 1 < depth else 0
        if entry == ports - 1:
            event(state, 1, tick + 2 * period, -(router * vcs + vc) - 1, -1)
        else:
            feeder, port = machine.before[router, entry], machine.exit[router, entry]
            delay = machine.link_ticks[feeder, port] + period + machine.stages[feeder, 4]
            event(state, 1, tick + delay, (feeder * ports + port) * vcs + vc, -1)
    if gone == load.flits[packet]:
        state.gone[channel] = 0
        state.branches[channel] = 0
        return True
    return False


@inlined
def send(  # noqa: PLR0913, PLR0917 - compiled
    machine: Machine, load: Load, state: State, work: Work, router: int, unit: int, tick: int
) -> bool:
    """One flit of a unit goes through the switch. Says whether its packet has left the input virtual channel."""
    ports, vcs = machine.ports, machine.vcs
    size = ports * vcs
    local = unit - router * size * ports
    channel, out = router * size + machine.channel_of[local], machine.output_of[local]
    period = machine.period[router]
    link = router * ports + out
    clock = state.clock
    packet = state.buffer[machine.base[channel] + state.front[channel]]
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
    if out == ports - 1:
        arrives = leaves + 2 * period
        event(state, 1, arrives + 2 * period + machine.stages[router, 4], over, -1)
        if tail:
            state.copies[packet] -= 1
            state.arrived[packet] = max(state.arrived[packet], arrives)
            clock[LEFT] -= 1
            message = load.message[packet]
            if message >= 0:
                top = count_down(load, state, work, message, arrives, 0)
                run_cores(load, state, work, top)
    else:
        lane = machine.lane[router, out]
        if lane >= 0:
            leaves = _cross(machine, load, state, packet, lane, leaves)
        if clock[WATCHED] == 1:
            _note(state, link, leaves)
        beyond = machine.neighbour[router, out]
        entry = (beyond * ports + machine.entry[router, out]) * vcs + state.out_vc[unit]
        arrives = leaves + machine.link_ticks[router, out] + period
        if lane >= 0 or machine.period[beyond] != period:
            # However fast lane and sender are, an input takes one flit in each of its cycles.
            arrives = max(aligned(arrives, machine.period[beyond]), state.last[link] + machine.period[beyond])
            state.last[link] = arrives
        if index == 0 and machine.routing == 4 and machine.turns[router, out] == 1:
            state.phase_of[packet] = 1
        event(state, 0, arrives, entry, packet)
    return _drain(machine, load, state, router, channel, packet, tick)
