"""Several loads on one network: a `sweep`, and the `saturation` load."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from axonal.simulation.network.points import Point

__all__ = ["loads", "saturation", "sweep"]

LOW_LOAD = 0.005

LEAST_LOAD = 1e-5
"""Down to which a load is looked for that the network keeps up with."""
FACTOR = 3.0
"""A network is saturated where packets take this many times as long as at the low load."""
PRECISION = 0.01


class Measure(Protocol):
    """What gives a point at a load."""

    def __call__(self, rate: float, enough_cycles: float = math.inf) -> Point:
        """A point at so many flits per node and cycle; it may be cut short once mean packet latency is enough."""


def loads(first: float, last: float, step: float) -> tuple[float, ...]:
    """Loads from the first to the last, which is included when a step falls on it.

    Example:
        >>> loads(0.1, 0.3, 0.1)
        (0.1, 0.2, 0.3)
    """
    count = int((last - first) / step + 1e-6) + 1
    return tuple(float(f"{first + index * step:.12g}") for index in range(count))


def sweep(measure: Measure, rates: Iterable[float]) -> Iterator[Point]:
    """A point at each load, one after the other, so that a caller can keep those that are there."""
    for rate in rates:
        yield measure(rate)


def saturation(
    measure: Measure, *, precision: float = PRECISION, watch: Callable[[Point], None] = lambda _: None
) -> float | None:
    """Load at which packet latency is three times that at a low one, 0.005 or less where that is too much already.

    Args:
        measure: What gives a point at a load.
        precision: Largest remaining interval, as a share of the load.
        watch: Called with each point on the way.

    Returns:
        The load; none when even at 1, all that a node can send, latency stays below.
    """
    low = LOW_LOAD
    found = measure(low)
    watch(found)
    while found.saturated and low > LEAST_LOAD:
        low /= 4
        found = measure(low)
        watch(found)
    bound = FACTOR * found.packet_latency_cycles

    def beyond(rate: float) -> bool:
        point = measure(rate, bound)
        watch(point)
        return point.packet_latency_cycles >= bound

    # Doubling from below reaches the interval without simulating loads far beyond saturation, which take longest.
    high = 2 * low
    while not beyond(high):
        if high == 1.0:
            return None
        low, high = high, min(2 * high, 1.0)
    while high - low > precision * high:
        middle = (low + high) / 2
        if beyond(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2
