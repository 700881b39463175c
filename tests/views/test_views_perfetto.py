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


def counters(trace: dict[str, Any]) -> dict[tuple[int, str], list[dict[str, Any]]]:
    found: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for event in trace["traceEvents"]:
        if event["ph"] == "C":
            found.setdefault((event["pid"], event["name"]), []).append(event)
    return found


def test_stalls_are_a_category_of_their_own_and_every_one_is_there(cycle_level: dict[str, Any]) -> None:
    waits = [span for span in cycle_level["variants"]["hybrid"]["timeline"] if span["kind"] == "wait"]
    found = [event for event in complete(perfetto(cycle_level)) if event["cat"] == "wait"]
    assert len(found) == len(waits) > 0
    assert sorted(event["name"] for event in found) == sorted(span["name"] for span in waits)


def test_no_two_events_of_a_thread_overlap_and_work_keeps_its_lanes(cycle_level: dict[str, Any]) -> None:
    variant = cycle_level["variants"]["hybrid"]
    busy = next(span for span in variant["timeline"] if span["kind"] == "compute")
    variant["timeline"] += [busy | {"kind": "wait", "name": f"for {n}"} for n in range(2)]
    trace = perfetto(cycle_level)
    threads = names(trace, "thread_name")
    latest: dict[tuple[int, int], float] = {}
    for event in complete(trace):
        key = (event["pid"], event["tid"])
        assert latest.get(key, 0.0) <= event["ts"] + 1e-12
        latest[key] = event["ts"] + event["dur"]
        if event["cat"] != "wait":
            assert threads[key] == event["args"]["resource"]
    assert {f"{busy['resource']} waits", f"{busy['resource']} waits (2)"} <= set(threads.values())


def test_wait_in_a_gap_is_on_the_thread_of_what_waits(cycle_level: dict[str, Any]) -> None:
    work = {"name": "n", "resource": "c0 core 1", "kind": "compute", "chip": "c0", "duration_ns": 5.0}
    spans = [work | {"start_ns": start} for start in (0.0, 20.0)]
    wait = work | {"name": "for the link", "kind": "wait", "start_ns": 5.0, "duration_ns": 15.0}
    cycle_level["variants"]["hybrid"]["timeline"] = [*spans, wait]
    assert [event["tid"] for event in complete(perfetto(cycle_level))] == [1, 1, 1]


def test_each_link_has_a_counter_in_its_process(cycle_level: dict[str, Any]) -> None:
    trace = perfetto(cycle_level)
    processes = {pid: name for (pid, _), name in names(trace, "process_name").items()}
    found = {name: processes[pid] for pid, name in counters(trace)}
    links = cycle_level["variants"]["hybrid"]["links"]
    for link in links:
        if link["kind"] == "d2d":
            assert found[f"{link['name']} utilization, %"] == "die-to-die links"
    busiest = max((link for link in links if link["kind"] == "noc"), key=lambda link: link["busy_ns"])
    assert found[f"{busiest['name']} utilization, %"] == busiest["chip"]


def test_counter_holds_the_share_of_its_interval_in_percent_and_ends_at_zero(cycle_level: dict[str, Any]) -> None:
    variant = cycle_level["variants"]["hybrid"]
    link = next(link for link in variant["links"] if link["kind"] == "d2d")
    link["utilization"] = [0.0, 0.5, 0.5, 1.0]
    variant["interval_ns"] = 10.0
    variant["timeline"] = []
    (events,) = (found for (_, name), found in counters(perfetto(cycle_level)).items() if name.startswith(link["name"]))
    values = [(round(event["ts"] * 1000, 6), event["args"]["percent"]) for event in events]
    assert values == [(0.0, 0.0), (10.0, 50.0), (30.0, 100.0), (40.0, 0.0)]


def test_trace_of_an_older_result_has_no_counters(result: dict[str, Any]) -> None:
    assert counters(perfetto(result)) == {}
