"""The timeline of one inference as a trace that ui.perfetto.dev opens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from axonal.views.counters import Counter, counters
from axonal.views.intervals import STALLS, Interval, lanes_with_waits
from axonal.views.variants import chosen

__all__ = ["perfetto"]

LINKS = "die-to-die links"
NS_PER_US = 1000.0

Event = dict[str, Any]
Thread = tuple[str, str, int]
"""Process, resource, and lane."""


def perfetto(result: Mapping[str, Any], variant: str = "hybrid") -> dict[str, Any]:
    """Trace of a variant: a process for each chip with a thread for each core, one more for the die-to-die links.

    Waits are of the category `wait`, on the thread of what waits as far as it does nothing else at the time. Where
    loads over time were counted, each link and the busiest channels have a counter in percent.

    Args:
        result: The result of a comparison.
        variant: Name of the variant.

    Returns:
        The trace as a JSON document; times in it are in microseconds, as the format asks.

    Raises:
        ValueError: The result has no such variant.
    """
    shown = chosen(result, variant)
    spans = list(shown.data.get("timeline") or ())
    threads = _threads(spans)
    chips = [str(chip["name"]) for chip in (result.get("system") or {}).get("chips") or ()]
    counted = counters(shown)
    processes = {process for process, _, _ in threads} | {_process(link) for link, _ in counted}
    used = sorted(processes, key=lambda name: _order(name, chips))
    pids = {process: number for number, process in enumerate(used, start=1)}
    tids = _thread_numbers(threads)
    complete = [_complete(span, pids[thread[0]], tids[thread]) for span, thread in zip(spans, threads, strict=True)]
    return {
        "displayTimeUnit": "ns",
        "otherData": {"variant": variant, "label": shown.label, "latency_ns": shown.data.get("latency_ns")},
        "traceEvents": [
            *_names(pids, tids),
            *sorted(complete, key=lambda event: (event["ts"], event["pid"], event["tid"])),
            *(event for counter in counted for event in _counter(counter, pids[_process(counter[0])])),
        ],
    }


def _order(process: str, chips: Sequence[str]) -> tuple[int, str]:
    if process == LINKS:
        return len(chips) + 1, process
    return (chips.index(process) if process in chips else len(chips)), process


def _process(item: Mapping[str, Any]) -> str:
    return LINKS if item["kind"] == "d2d" else str(item["chip"])


def _threads(spans: Sequence[Mapping[str, Any]]) -> list[Thread]:
    """Process, resource and lane of each span: spans of a resource that overlap must not share a thread."""
    links = {str(span["resource"]) for span in spans if span["kind"] == "d2d"}
    where = [(LINKS if str(span["resource"]) in links else str(span["chip"]), str(span["resource"])) for span in spans]
    members: dict[tuple[str, str], list[int]] = {}
    for index, found in enumerate(where):
        members.setdefault(found, []).append(index)
    lane_of: dict[int, int] = {}
    for indices in members.values():
        lane_of |= dict(zip(indices, lanes_with_waits([_interval(spans[i]) for i in indices]), strict=True))
    return [(process, resource, lane_of[index]) for index, (process, resource) in enumerate(where)]


def _interval(span: Mapping[str, Any]) -> Interval:
    start = float(span["start_ns"])
    return Interval(
        name=str(span["name"]), kind=str(span["kind"]), start_ns=start, end_ns=start + float(span["duration_ns"])
    )


def _natural(thread: Thread) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", thread[1])
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts] + [(thread[2], "")]


def _thread_numbers(threads: Iterable[Thread]) -> dict[Thread, int]:
    """Numbers from 1 in each process, core 10 after core 9."""
    numbers: dict[Thread, int] = {}
    count: dict[str, int] = {}
    for thread in sorted(set(threads), key=lambda thread: (thread[0], _natural(thread))):
        count[thread[0]] = numbers[thread] = count.get(thread[0], 0) + 1
    return numbers


def _complete(span: Mapping[str, Any], pid: int, tid: int) -> Event:
    return {
        "name": str(span["name"]),
        "cat": str(span["kind"]),
        "ph": "X",
        "ts": float(span["start_ns"]) / NS_PER_US,
        "dur": float(span["duration_ns"]) / NS_PER_US,
        "pid": pid,
        "tid": tid,
        "args": {"start_ns": span["start_ns"], "duration_ns": span["duration_ns"], "resource": str(span["resource"])},
    }


def _thread_name(resource: str, lane: int) -> str:
    if lane >= STALLS:
        return f"{resource} waits" + (f" ({lane - STALLS + 1})" if lane > STALLS else "")
    return f"{resource} ({lane + 1})" if lane else resource


def _counter(counter: Counter, pid: int) -> list[Event]:
    """A value holds until the next one. The name tells the counters of a process apart."""
    link, steps = counter
    name = f"{link['name']} utilization, %"
    return [
        {"name": name, "cat": "utilization", "ph": "C", "ts": ns / NS_PER_US, "pid": pid, "args": {"percent": value}}
        for ns, value in steps
    ]


def _names(pids: Mapping[str, int], tids: Mapping[Thread, int]) -> list[Event]:
    def meta(kind: str, pid: int, tid: int, **args: Any) -> Event:
        return {"name": kind, "ph": "M", "pid": pid, "tid": tid, "args": args}

    events = [meta("process_name", pid, 0, name=process) for process, pid in pids.items()]
    events += [meta("process_sort_index", pid, 0, sort_index=pid) for pid in pids.values()]
    for (process, resource, lane), tid in tids.items():
        name = _thread_name(resource, lane)
        events.append(meta("thread_name", pids[process], tid, name=name))
        events.append(meta("thread_sort_index", pids[process], tid, sort_index=tid))
    return events
