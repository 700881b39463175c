"""Spans of time on a resource: merged where they are one piece of work, packed into lanes where they overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Interval", "lanes", "merged"]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Something that happens for a while.

    Args:
        name: What.
        kind: `compute`, `noc` or `d2d`.
        start_ns: Begin.
        end_ns: End, not before the begin.
        count: How many spans it was merged from.
    """

    name: str
    kind: str
    start_ns: float
    end_ns: float
    count: int = 1


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals of equal name and kind that touch or overlap as one, by start.

    Example:
        >>> two = [Interval(name="a", kind="compute", start_ns=s, end_ns=s + 2) for s in (0, 1)]
        >>> [(one.start_ns, one.end_ns, one.count) for one in merged(two)]
        [(0, 3, 2)]
    """
    done: list[Interval] = []
    latest: dict[tuple[str, str], int] = {}
    for interval in sorted(intervals, key=lambda one: one.start_ns):
        index = latest.get((interval.name, interval.kind))
        if index is not None and interval.start_ns <= done[index].end_ns + 1e-9:
            before = done[index]
            done[index] = Interval(
                name=before.name,
                kind=before.kind,
                start_ns=before.start_ns,
                end_ns=max(before.end_ns, interval.end_ns),
                count=before.count + interval.count,
            )
        else:
            latest[interval.name, interval.kind] = len(done)
            done.append(interval)
    return done


def lanes(intervals: Sequence[Interval]) -> list[int]:
    """Lane of each interval: the first one that is free, so that no two of a lane overlap.

    Example:
        >>> lanes([Interval(name="a", kind="d2d", start_ns=s, end_ns=s + 2) for s in (0, 1, 2)])
        [0, 1, 0]
    """
    free_from: list[float] = []
    lane_of = [0] * len(intervals)
    for index in sorted(range(len(intervals)), key=lambda index: intervals[index].start_ns):
        start = intervals[index].start_ns
        lane = next((lane for lane, end in enumerate(free_from) if end <= start + 1e-9), len(free_from))
        if lane == len(free_from):
            free_from.append(0.0)
        free_from[lane] = intervals[index].end_ns
        lane_of[index] = lane
    return lane_of
