"""The compiled cycle-level engine: `advance` moves a fabric on in time.

One tick is: credits, arrivals, injection, then each router's decisions on what was there at the start of the tick, then
its updates. Routers touch each other only through events that are at least a tick away, so their order is free.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

from axonal.simulation.network.arrays import INSIDE, LEFT, NOW, PENDING, STILL, Load, Machine, State, Work
from axonal.simulation.network.compiled import compiled, inlined
from axonal.simulation.network.events import arrivals, credits_back
from axonal.simulation.network.movement import inject
from axonal.simulation.network.release import run_cores
from axonal.simulation.network.stages import step

__all__ = ["BLOCKED", "DONE", "PAUSED", "advance", "begin"]

DONE, PAUSED, BLOCKED = range(3)
FAR = 1 << 62
PATIENCE = 1 << 16
"""Ticks without a move, with flits inside, after which the network counts as deadlocked."""


@inlined
def _next_creation(state: State) -> int:
    """When the next packet comes into being at the front of a source queue."""
    soonest = FAR
    for router in range(state.queue.size):
        packet = state.queue[router]
        if packet >= 0:
            soonest = min(soonest, state.created[packet])
    return soonest


@inlined
def _tick(machine: Machine, load: Load, state: State, work: Work, tick: int) -> int:
    """All that happens in a tick. Gives the number of flits and heads that got on."""
    credits_back(machine, state, tick)
    arrivals(machine, load, state, tick)
    moved = inject(machine, load, state, tick)
    for router in range(machine.routers):
        if state.awake[router] and state.working[router] > 0:
            period = machine.period[router]
            if period == 1 or tick % period == 0:
                moved += step(machine, load, state, work, router, tick)
    return moved


@inlined
def _advance(machine: Machine, load: Load, state: State, work: Work, until: int) -> int:
    clock = state.clock
    tick = clock[NOW]
    while tick < until and clock[LEFT] > 0:
        moved = _tick(machine, load, state, work, tick)
        tick += 1
        if clock[PENDING] > 0 or moved > 0:
            clock[STILL] = 0
        elif clock[INSIDE] > 0:
            clock[STILL] += 1
        else:
            tick = max(tick, min(_next_creation(state), until))
        if clock[STILL] > PATIENCE or tick >= FAR:
            clock[NOW] = tick
            return BLOCKED
    clock[NOW] = tick
    return DONE if clock[LEFT] == 0 else PAUSED


def _version() -> int:
    """A number of the sources of everything compiled, for the compiler's cache looks at the calling file only."""
    parts = ("allocation", "arrays", "compiled", "events", "kernel", "movement", "release", "routes", "stages")
    return crc32(b"".join(Path(__file__).with_name(f"{part}.py").read_bytes() for part in parts))


def _entries(version: int) -> tuple[Callable[..., int], Callable[..., None]]:
    """The compiled doors; a free variable is part of the key under which they are cached."""

    def advance(machine: Machine, load: Load, state: State, work: Work, until: int) -> int:
        """Run until a tick (exclusive), or until every packet has arrived.

        Returns:
            `DONE` when all packets have arrived, `PAUSED` at `until`, `BLOCKED` when flits stand still for good.
        """
        return _advance(machine, load, state, work, until) if version >= 0 else BLOCKED

    def begin(load: Load, state: State, work: Work) -> None:
        """Start the tasks that wait for nothing."""
        for core in range(load.core_start.size - 1 if version >= 0 else 0):
            work.stack[0] = core
            run_cores(load, state, work, 1)

    return compiled(advance), compiled(begin)


advance, begin = _entries(_version())
