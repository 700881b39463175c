"""One cycle of a router: decisions on what is there, then what follows from them; compiled."""

from __future__ import annotations

from axonal.simulation.network.allocation import allocate_channels, allocate_switch, may_speculate
from axonal.simulation.network.arrays import (
    ACTIVE,
    ALLOCATING,
    ASKING,
    ROUTING,
    SWITCHING,
    WATCHED,
    Load,
    Machine,
    State,
    Work,
)
from axonal.simulation.network.compiled import inlined
from axonal.simulation.network.events import begin_head, forget, route
from axonal.simulation.network.movement import send

__all__ = ["step"]


@inlined
def _blame(machine: Machine, load: Load, state: State, unit: int, ticks: int) -> None:
    """Somebody stands in front of an output for a cycle."""
    channel = unit // machine.ports
    link = channel // (machine.ports * machine.vcs) * machine.ports + unit % machine.ports
    state.stalled[link] += ticks
    message = load.message[state.buffer[machine.base[channel] + state.front[channel]]]
    if message >= 0:
        state.blame[message, link] += ticks


@inlined
def _end_long_stages(machine: Machine, state: State, router: int, waiting: int, tick: int) -> int:
    """Virtual channel allocations that take several cycles end here, if the channel is still free."""
    ports, vcs = machine.ports, machine.vcs
    offset = router * ports * vcs * ports
    moved = 0
    for number in range(waiting):
        unit = state.work[offset + number]
        if state.stage[unit] == ALLOCATING and state.ready[unit] <= tick:
            link, vc = router * ports + unit % ports, state.out_vc[unit]
            if vc >= 0 and state.free[link] >> vc & 1:
                state.free[link] &= ~(1 << vc)
                state.stage[unit] = ACTIVE
                moved += 1
            else:
                state.stage[unit] = ASKING
    return moved


@inlined
def _granted(machine: Machine, state: State, work: Work, router: int, waiting: int, tick: int) -> int:
    """Units whose switch allocation of several cycles ends now with a grant go to the front of `bids`."""
    ports, vcs = machine.ports, machine.vcs
    offset = router * ports * vcs * ports
    winners = 0
    for number in range(waiting):
        unit = state.work[offset + number]
        if state.stage[unit] == SWITCHING and state.ready[unit] <= tick:
            state.stage[unit] = ACTIVE
            if state.may[unit] > 0:
                place = winners  # in the order of the grants, for outputs may share a lane
                while place > 0 and state.may[work.bids[place - 1]] > state.may[unit]:
                    work.bids[place] = work.bids[place - 1]
                    place -= 1
                work.bids[place] = unit
                winners += 1
    return winners


@inlined
def _flit_waits(machine: Machine, state: State, unit: int) -> bool:
    """Whether a flit is there that has not yet gone the way of the unit."""
    channel = unit // machine.ports
    return bool(state.sent[unit] - state.gone[channel] < state.held[channel])


@inlined
def _blame_all(machine: Machine, load: Load, state: State, router: int, waiting: int, ticks: int) -> None:
    """Count a cycle of standing for everybody in front of an output; who moves after all is taken off again."""
    offset = router * machine.ports * machine.vcs * machine.ports
    for number in range(waiting):
        unit = state.work[offset + number]
        stage = state.stage[unit]
        if stage == ASKING or (stage == ACTIVE and _flit_waits(machine, state, unit)):
            _blame(machine, load, state, unit, ticks)


@inlined
def _gather(machine: Machine, state: State, work: Work, router: int, tick: int) -> tuple[int, int, int, int]:
    """Who asks for what: numbers of units in `fresh`, `bids` and `routed`, and of those for whom time runs."""
    ports, vcs = machine.ports, machine.vcs
    offset, first_channel = router * ports * vcs * ports, router * ports * vcs
    speculative = machine.speculative[router] == 1
    longer_switch = machine.stages[router, 2] - machine.period[router]
    fresh, bids, routed, timed = 0, 0, 0, 0
    for number in range(state.working[router]):
        unit = state.work[offset + number]
        stage = state.stage[unit]
        if stage == ACTIVE:
            channel = first_channel + machine.channel_of[unit - offset]
            if state.sent[unit] - state.gone[channel] < state.held[channel]:
                if longer_switch > 0:
                    state.stage[unit] = SWITCHING
                    state.ready[unit] = tick + longer_switch
                    state.may[unit] = 0
                over = first_channel + machine.output_of[unit - offset] * vcs + state.out_vc[unit]
                if state.credit[over] > 0:
                    work.bids[bids] = unit
                    bids += 1
        elif stage == ASKING:
            work.fresh[fresh] = unit
            fresh += 1
            if speculative and may_speculate(machine, state, router, unit):
                work.bids[bids] = unit
                bids += 1
        else:
            timed += 1
            if stage == ROUTING and state.ready[unit] <= tick:
                work.routed[routed] = unit
                routed += 1
    return fresh, bids, routed, timed


@inlined
def _take_channels(machine: Machine, state: State, work: Work, router: int, fresh: int, tick: int) -> int:
    """What the allocation of virtual channels gave becomes true, or waits for the end of a longer one."""
    ports = machine.ports
    offset = router * ports * machine.vcs * ports
    longer = machine.stages[router, 1] - machine.period[router]
    moved = 0
    for number in range(fresh):
        unit = work.fresh[number]
        if longer > 0:
            state.stage[unit] = ALLOCATING
            state.ready[unit] = tick + longer
            moved += 1
        elif state.out_vc[unit] >= 0:
            state.stage[unit] = ACTIVE
            state.free[router * ports + machine.output_of[unit - offset]] &= ~(1 << state.out_vc[unit])
            moved += 1
    return moved


@inlined
def _move(  # noqa: PLR0913, PLR0917 - compiled
    machine: Machine, load: Load, state: State, work: Work, router: int, bids: int, tick: int
) -> int:
    """Who was granted the switch sends a flit, unless he speculated in vain or has no credit."""
    ports, vcs = machine.ports, machine.vcs
    offset, first_channel = router * ports * vcs * ports, router * ports * vcs
    moved, heads = 0, 0
    for number in range(bids):
        unit = work.bids[number]
        if state.stage[unit] != ACTIVE:
            continue
        over = first_channel + machine.output_of[unit - offset] * vcs + state.out_vc[unit]
        if state.credit[over] <= 0:
            continue
        moved += 1
        if state.clock[WATCHED] == 1:
            _blame(machine, load, state, unit, -machine.period[router])
        channel = first_channel + machine.channel_of[unit - offset]
        # The unit leaves the list before a next packet of its channel may use it again.
        if state.sent[unit] + 1 == load.flits[state.buffer[machine.base[channel] + state.front[channel]]]:
            forget(machine, state, router, unit)
        if send(machine, load, state, work, router, unit, tick) and state.held[channel] > 0:
            work.heads[heads] = channel
            heads += 1
    for number in range(heads):  # not before: adaptive routes look at credits that the flits above take
        begin_head(machine, load, state, router, work.heads[number], tick + machine.period[router])
    return moved


@inlined
def step(machine: Machine, load: Load, state: State, work: Work, router: int, tick: int) -> int:
    """One cycle of a router. Gives the number of flits and heads that got on."""
    waiting = state.working[router]
    period = machine.period[router]
    longer_vc = machine.stages[router, 1] > period
    longer_switch = machine.stages[router, 2] > period
    watched = state.clock[WATCHED] == 1
    if watched:
        _blame_all(machine, load, state, router, waiting, period)
    fresh, bids, routed, timed = _gather(machine, state, work, router, tick)
    if fresh > 0:
        allocate_channels(machine, state, work, router, fresh)
    if bids > 0:
        bids = allocate_switch(machine, state, work, router, bids)
    awake = bids + timed > 0 or longer_switch or watched
    # Updates, from here on: nothing above sees them before the next cycle.
    moved = _take_channels(machine, state, work, router, fresh, tick)
    if longer_vc or longer_switch:
        moved += _end_long_stages(machine, state, router, waiting, tick)
    if longer_switch:
        for number in range(bids):
            state.may[work.bids[number]] = 1 + number
        bids = _granted(machine, state, work, router, waiting, tick)
    for number in range(routed):
        unit = work.routed[number]
        forget(machine, state, router, unit)
        route(machine, load, state, router, unit // machine.ports)
        moved += 1
    moved += _move(machine, load, state, work, router, bids, tick)
    # Where nothing moves and no time runs, the next cycle is like this one until something arrives.
    state.awake[router] = awake or moved > 0
    return moved
