"""Spans of time on a resource: merged where they are one piece of work, packed into lanes where they overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["STALLS", "Interval", "lanes", "lanes_with_waits", "merged", "united"]

STALLS = 1_000_000
"""Number of the first lane that holds waits alone."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Something that happens for a while.

    Args:
        name: What.
        kind: `compute`, `noc`, `d2d` or `wait`.
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


def united(intervals: Iterable[Interval]) -> list[Interval]:
    """The times at which at least one interval runs, each under the name of the longest that it is made of.

    Example:
        >>> two = [Interval(name=n, kind="wait", start_ns=s, end_ns=3) for n, s in (("a", 2), ("b", 0))]
        >>> [(one.name, one.start_ns, one.end_ns, one.count) for one in united(two)]
        [('b', 0, 3, 2)]
    """
    done: list[list[Interval]] = []
    end_ns = float("-inf")
    for interval in sorted(intervals, key=lambda one: one.start_ns):
        if done and interval.start_ns <= end_ns + 1e-9:
            done[-1].append(interval)
        else:
            done.append([interval])
            end_ns = float("-inf")
        end_ns = max(end_ns, interval.end_ns)
    return [
        Interval(
            name=max(parts, key=lambda one: one.end_ns - one.start_ns).name,
            kind=parts[0].kind,
            start_ns=parts[0].start_ns,
            end_ns=max(one.end_ns for one in parts),
            count=sum(one.count for one in parts),
        )
        for parts in done
    ]


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


def lanes_with_waits(intervals: Sequence[Interval]) -> list[int]:
    """Lanes of the work as if there were no waits; each wait in a gap of one of them, or from lane `STALLS` on.

    Example:
        >>> kinds = {"compute": (0, 2), "wait": (2, 5), "d2d": (6, 7)}
        >>> work = [Interval(name="a", kind=k, start_ns=s, end_ns=e) for k, (s, e) in kinds.items()]
        >>> lanes_with_waits([*work, Interval(name="b", kind="wait", start_ns=1, end_ns=4)])
        [0, 0, 0, 1000000]
    """
    work = [index for index, interval in enumerate(intervals) if interval.kind != "wait"]
    lane_of = dict(zip(work, lanes([intervals[index] for index in work]), strict=True))
    busy: dict[int, list[Interval]] = {}
    for index, lane in lane_of.items():
        busy.setdefault(lane, []).append(intervals[index])
    gaps = {lane: _Gaps(members) for lane, members in sorted(busy.items())}
    waits = [index for index, interval in enumerate(intervals) if interval.kind == "wait"]
    crowded = []
    for index in sorted(waits, key=lambda index: intervals[index].start_ns):
        lane = next((lane for lane, gap in gaps.items() if gap.takes(intervals[index])), -1)
        if lane < 0:
            crowded.append(index)
        else:
            lane_of[index] = lane
    own = lanes([intervals[index] for index in crowded])
    lane_of |= {index: STALLS + lane for index, lane in zip(crowded, own, strict=True)}
    return [lane_of[index] for index in range(len(intervals))]


class _Gaps:
    """What is free between the spans of a lane, asked for from left to right."""

    def __init__(self, work: Iterable[Interval]) -> None:
        self.work = sorted(work, key=lambda interval: interval.start_ns)
        self.next = 0
        self.free_from_ns = float("-inf")

    def takes(self, wait: Interval) -> bool:
        """Whether it fits between the work and the waits before it; if so, its time is taken."""
        while self.next < len(self.work) and self.work[self.next].start_ns < wait.start_ns - 1e-9:
            self.free_from_ns = max(self.free_from_ns, self.work[self.next].end_ns)
            self.next += 1
        follows_ns = self.work[self.next].start_ns if self.next < len(self.work) else float("inf")
        fits = self.free_from_ns <= wait.start_ns + 1e-9 and wait.end_ns <= follows_ns + 1e-9
        if fits:
            self.free_from_ns = max(self.free_from_ns, wait.end_ns)
        return fits
