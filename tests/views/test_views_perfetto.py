"""The trace holds every span once, in time, on the thread of its resource."""

from __future__ import annotations

import json
from typing import Any

import pytest

from axonal.views import perfetto


def complete(trace: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in trace["traceEvents"] if event["ph"] == "X"]


def names(trace: dict[str, Any], kind: str) -> dict[tuple[int, int], str]:
    events = [event for event in trace["traceEvents"] if event["name"] == kind]
    return {(event["pid"], event["tid"]): event["args"]["name"] for event in events}


@pytest.mark.parametrize("variant", ["hybrid", "ann", "snn"])
def test_trace_has_one_complete_event_for_each_span(result: dict[str, Any], variant: str) -> None:
    spans = result["variants"][variant]["timeline"]
    events = complete(perfetto(result, variant))
    found = sorted((event["name"], event["ts"] * 1000, event["dur"] * 1000) for event in events)
    wanted = sorted((span["name"], span["start_ns"], span["duration_ns"]) for span in spans)
    assert len(found) == len(wanted) >= 20
    for one, other in zip(found, wanted, strict=True):
        assert one[0] == other[0]
        assert one[1:] == pytest.approx(other[1:])


def test_events_are_sorted_and_end_within_the_latency(result: dict[str, Any]) -> None:
    events = complete(perfetto(result))
    starts = [event["ts"] for event in events]
    latency_us = result["variants"]["hybrid"]["latency_ns"] / 1000
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert max(event["ts"] + event["dur"] for event in events) <= latency_us * (1 + 1e-12)


def test_processes_are_chips_and_links_and_threads_are_resources(result: dict[str, Any]) -> None:
    trace = perfetto(result)
    processes = {pid: name for (pid, _), name in names(trace, "process_name").items()}
    threads = names(trace, "thread_name")
    assert list(processes.values()) == ["c0", "c1", "c2", "c3", "die-to-die links"]
    for event in complete(trace):
        resource = event["args"]["resource"]
        assert threads[event["pid"], event["tid"]] == resource
        expected = "die-to-die links" if event["cat"] == "d2d" else resource.split()[0]
        assert processes[event["pid"]] == expected


def test_cores_are_ordered_by_number_not_by_letter(result: dict[str, Any]) -> None:
    result["variants"]["hybrid"]["timeline"] = [
        {"name": "n", "resource": f"c0 core {n}", "kind": "compute", "chip": "c0", "start_ns": 0.0, "duration_ns": 1.0}
        for n in (10, 9, 2)
    ]
    threads = names(perfetto(result), "thread_name")
    assert [threads[key] for key in sorted(threads)] == ["c0 core 2", "c0 core 9", "c0 core 10"]


def test_overlapping_spans_of_a_resource_get_threads_of_their_own(result: dict[str, Any]) -> None:
    span = {"name": "n", "resource": "c0->c1", "kind": "d2d", "chip": "c0", "duration_ns": 5.0}
    result["variants"]["hybrid"]["timeline"] = [span | {"start_ns": start} for start in (0.0, 3.0, 5.0)]
    events = complete(perfetto(result))
    assert [event["tid"] for event in events] == [1, 2, 1]


def test_trace_is_plain_json_in_the_format_of_the_viewer(result: dict[str, Any]) -> None:
    trace = perfetto(result)
    assert json.loads(json.dumps(trace, allow_nan=False)) == trace
    assert trace["displayTimeUnit"] == "ns"


def test_unknown_variant_is_refused_by_name(result: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"variant is 'rnn', must be one of .*hybrid"):
        perfetto(result, "rnn")
