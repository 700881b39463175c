"""What the waits of packets add to their latency, and where that ends; compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.compiled import compiled, inlined
from axonal.simulation.network.contention import FOREVER, solve
from axonal.simulation.network.offered import Offered
from axonal.simulation.network.waits import Waits

__all__ = ["mean_wait", "saturation", "wait_of_turns"]

F64 = NDArray[np.float64]

BISECTIONS = 9
"""Halvings of the range of the saturation load."""
ROUGH_SWEEPS = 15
"""Rounds that tell on which side of saturation a load is."""


@inlined
def _wait_of_turn(demand: Offered, waits: Waits, turn: int) -> float:
    """What a packet of a turn is late by, when it arrives, for what it meets there."""
    out = demand.exit[turn]
    credit, length = waits.credit[out], demand.out_flits[out]
    back = max(1.0, np.ceil((demand.depth[out] + 1) / length) - 1)
    if back * length < demand.depth[out]:
        credit *= demand.visible[turn]  # Only tails wait for credits.
    one = waits.queue[demand.entry[turn]] + waits.turn[turn] + waits.stretch[turn] * demand.visible[turn]
    return float(one + waits.lane[out] + credit)


@compiled
def _waits_of_turns(demand: Offered, waits: Waits, values: F64) -> None:
    for turn in range(demand.entry.size):
        values[turn] = _wait_of_turn(demand, waits, turn) if demand.rate[turn] > 0 else 0.0


def wait_of_turns(demand: Offered, waits: Waits) -> F64:
    """What a packet of each turn is late by, when it arrives, for what it meets there."""
    values = np.zeros(len(demand.entry))
    _waits_of_turns(demand, waits, values)
    return values


@compiled
def mean_wait(demand: Offered, waits: Waits) -> float:
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
def saturation(demand: Offered, wait: float, waits: Waits) -> float:
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
        solve(demand, middle, waits, ROUGH_SWEEPS)
        if mean_wait(demand, waits) < wait:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@inlined
def _clear(demand: Offered, waits: Waits) -> None:
    """No waits, from which the fixed point starts."""
    for turn in range(waits.turn.size):
        waits.turn[turn] = 0.0
        waits.stretch[turn] = 0.0
    for channel in range(waits.queue.size):
        waits.queue[channel] = 0.0
        waits.busy[channel] = 0.0
        waits.delay[channel] = 0.0
        waits.service[channel] = demand.in_service[channel]
        waits.quick[channel] = demand.in_quick[channel]
