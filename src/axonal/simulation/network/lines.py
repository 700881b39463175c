"""Formulas of queues: how many packets wait to be in one line, and how long for one of several servers; compiled."""

from __future__ import annotations

import numpy as np

from axonal.simulation.network.compiled import inlined
from axonal.simulation.network.offered import Offered

__all__ = ["FULL", "before", "line", "room", "wait_for_servers"]

FULL = 0.995
"""Utilisation at which waits are cut off, for they have no bound at 1."""


@inlined
def room(full: float) -> float:
    """What is left of a resource."""
    return max(1.0 - full, 1.0 - FULL)


@inlined
def line(rate: float, work: float, squares: float, sources: float, full: float) -> float:
    """Mean number of packets that wait where a stream of several sources stands in one line."""
    others = max(0.0, rate * rate - sources)
    backlog = (rate * (squares - work) + work * work * others) / 2 / room(full)
    return rate * backlog + work * others / 2


@inlined
def before(demand: Offered, turn: int, scale: float) -> float:
    """Packets that have waited to be in one line in front of a turn: each source's, and those behind a slow lane."""
    one, late = demand.rate[turn] * scale, demand.late_rate[turn] * scale
    sources = demand.sources[turn] * scale * scale
    waiting = line(one, demand.flits[turn], demand.squares[turn], sources, one * demand.flits[turn])
    if late > 0:
        work = demand.late_work[turn]
        waiting = max(waiting, line(late, work, work * work, sources * (late / one) ** 2, late * work))
    return waiting


@inlined
def wait_for_servers(rate: float, time: float, servers: int) -> float:
    """Mean wait for one of several servers, for equal times of service (Sakasegawa 1977)."""
    full = min(rate * time / servers, FULL)
    return float(0.5 * time * full ** (np.sqrt(2.0 * (servers + 1)) - 1) / (servers * room(full)))
