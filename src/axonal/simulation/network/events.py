"""Events that are on their way, and heads that come to the front of a buffer; compiled."""

from __future__ import annotations

from axonal.simulation.network.arrays import ASKING, FREE_EVENT, IDLE, INSIDE, PENDING, ROUTING, Load, Machine, State
from axonal.simulation.network.compiled import inlined
from axonal.simulation.network.routes import next_hop

__all__ = ["aligned", "arrivals", "begin_head", "credits_back", "event", "forget", "route"]


@inlined
def aligned(tick: int, period: int) -> int:
    """The next clock edge that is not before the tick."""
    if period == 1:
        return tick
    rest = tick % period
    return tick if rest == 0 else tick + period - rest


@inlined
def event(state: State, wheel: int, tick: int, where: int, packet: int) -> None:
    """Let something happen at a tick: wheel 0 is an arrival at an input virtual channel, wheel 1 a credit."""
    clock = state.clock
    number = clock[FREE_EVENT]
    clock[FREE_EVENT] = state.event_next[number]
    clock[PENDING] += 1
    slot = tick & (state.wheel_flit.size - 1)
    state.event_where[number] = where
    state.event_packet[number] = packet
    if wheel == 0:
        state.event_next[number] = state.wheel_flit[slot]
        state.wheel_flit[slot] = number
    else:
        state.event_next[number] = state.wheel_credit[slot]
        state.wheel_credit[slot] = number


@inlined
def credits_back(machine: Machine, state: State, tick: int) -> None:
    """Hand out the credits that are due."""
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
        state.event_next[event] = clock[FREE_EVENT]
        clock[FREE_EVENT] = event
        clock[PENDING] -= 1
        event = following


@inlined
def _range(low: int, high: int) -> int:
    """The set of virtual channels `low <= v < high`."""
    return (1 << high) - (1 << low)


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
    return int(low)


@inlined
def _wait(machine: Machine, state: State, router: int, unit: int) -> None:
    """Put a unit on the router's list."""
    size = machine.ports * machine.vcs * machine.ports
    state.work[router * size + state.working[router]] = unit
    state.working[router] += 1


@inlined
def forget(machine: Machine, state: State, router: int, unit: int) -> None:
    """Take a unit off the router's list; the last one takes its place."""
    offset = router * machine.ports * machine.vcs * machine.ports
    last = state.working[router] - 1
    place = offset
    while state.work[place] != unit:
        place += 1
    state.work[place] = state.work[offset + last]
    state.working[router] = last
    state.stage[unit] = IDLE


@inlined
def route(machine: Machine, load: Load, state: State, router: int, channel: int) -> None:
    """The head in front of an input virtual channel knows where to go: its units ask for virtual channels."""
    ports = machine.ports
    packet = state.buffer[machine.base[channel] + state.front[channel]]
    if load.target[packet] >= 0:
        out, low, high = next_hop(machine, load, state, router, packet)
        unit = channel * ports + out
        state.branches[channel] = 1 << out
        state.stage[unit] = ASKING
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
            state.stage[unit] = ASKING
            state.sent[unit] = 0
            state.may[unit] = load.tree_may[place] if out < ports - 1 else _range(0, machine.vcs)
            _wait(machine, state, router, unit)


@inlined
def begin_head(machine: Machine, load: Load, state: State, router: int, channel: int, tick: int) -> None:
    """A head is in front from this tick on: route it, at once with look-ahead."""
    routing = machine.stages[router, 0]
    if routing == 0:
        route(machine, load, state, router, channel)
        return
    unit = channel * machine.ports
    state.stage[unit] = ROUTING
    state.ready[unit] = tick + routing - machine.period[router]
    _wait(machine, state, router, unit)


@inlined
def arrivals(machine: Machine, load: Load, state: State, tick: int) -> None:
    """Put the flits that are due into their buffers."""
    slot = tick & (state.wheel_flit.size - 1)
    event = state.wheel_flit[slot]
    if event < 0:
        return
    state.wheel_flit[slot] = -1
    clock = state.clock
    per_router = machine.ports * machine.vcs
    while event >= 0:
        channel = state.event_where[event]
        place = state.front[channel] + state.held[channel]
        depth = machine.base[channel + 1] - machine.base[channel]
        if place >= depth:
            place -= depth
        state.buffer[machine.base[channel] + place] = state.event_packet[event]
        state.held[channel] += 1
        clock[INSIDE] += 1
        router = channel // per_router
        state.awake[router] = 1
        if state.held[channel] == 1 and state.branches[channel] == 0:
            begin_head(machine, load, state, router, channel, tick)
        following = state.event_next[event]
        state.event_next[event] = clock[FREE_EVENT]
        clock[FREE_EVENT] = event
        clock[PENDING] -= 1
        event = following
