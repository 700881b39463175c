"""Several loads on one network: a `sweep`, and the `saturation` load."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from axonal.simulation.network.points import Point

__all__ = ["loads", "saturation", "sweep"]

LOW_LOAD = 0.005
FACTOR = 3.0
"""A network is saturated where packets take this many times as long as at the low load."""
PRECISION = 0.01

Measure = Callable[[float], Point]
"""A point at a load in flits per node and cycle."""


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
    yield from map(measure, rates)


def saturation(
    measure: Measure, *, precision: float = PRECISION, watch: Callable[[Point], None] = lambda _: None
) -> float | None:
    """Load at which packet latency is three times that at a load of 0.005, by bisection.

    Args:
        measure: What gives a point at a load.
        precision: Largest remaining interval, as a share of the load.
        watch: Called with each point on the way.

    Returns:
        The load; none when even at 1, all that a node can send, latency stays below.
    """
    found = measure(LOW_LOAD)
    watch(found)
    bound = FACTOR * found.packet_latency_cycles

    def beyond(rate: float) -> bool:
        point = measure(rate)
        watch(point)
        return point.packet_latency_cycles >= bound

    if not beyond(1.0):
        return None
    low, high = LOW_LOAD, 1.0
    while high - low > precision * high:
        middle = (low + high) / 2
        if beyond(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2
