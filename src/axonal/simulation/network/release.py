"""Tasks: when they run, and the packets that they release; compiled."""

from __future__ import annotations

from axonal.simulation.network.arrays import Load, State, Work
from axonal.simulation.network.compiled import inlined

__all__ = ["count_down", "run_cores"]


@inlined
def count_down(load: Load, state: State, work: Work, message: int, tick: int, top: int) -> int:
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
def _enqueue(load: Load, state: State, first: int, last: int) -> None:
    """Put a chain of packets into the queue of its source, behind all that are created no later."""
    router, created = load.source[first], state.created[first]
    head = state.queue[router]
    if head < 0:
        state.queue[router] = first
        state.queue_end[router] = last
        state.after[last] = -1
        return
    before, behind = -1, head
    if state.created[state.queue_end[router]] <= created:
        before, behind = state.queue_end[router], -1
    elif state.queue_vc[router] >= 0:  # it is being sent: nothing goes before it
        before, behind = head, state.after[head]
    while behind >= 0 and state.created[behind] <= created:
        before, behind = behind, state.after[behind]
    state.after[last] = behind
    if before < 0:
        state.queue[router] = first
    else:
        state.after[before] = first
    if behind < 0:
        state.queue_end[router] = last


@inlined
def _release(load: Load, state: State, work: Work, task: int, top: int) -> int:
    """Queue the packets of a task that has a time, and deliver what needs none. Gives the stack's new height."""
    end, ticks = state.task_end[task], load.task_ticks[task]
    packet, last = load.task_first[task], load.task_last[task]
    if packet >= 0:
        first = packet
        while True:
            if load.task_streams[task] == 1:
                state.created[packet] = state.task_start[task] + int(load.share[packet] * ticks)
            else:
                state.created[packet] = end
            if packet == last:
                break
            packet = state.after[packet]
        _enqueue(load, state, first, last)
    for index in range(load.out_start[task], load.out_start[task + 1]):
        message = load.out_message[index]
        if state.message_start[message] < 0 or end < state.message_start[message]:
            state.message_start[message] = end
        top = count_down(load, state, work, message, end, top)
    return top


@inlined
def run_cores(load: Load, state: State, work: Work, top: int) -> None:
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
