from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation_cases import QUICK, Case, by_hand, cases, critical_path_ns, edge, grid, run

from axonal import wire
from axonal.hardware import System
from axonal.mapping import partition, place
from axonal.report import Report, Span
from axonal.simulation import simulate
from axonal.workload import Layer, Workload


def ends(report: Report, name: str) -> float:
    return max(span.start_ns + span.duration_ns for span in report.timeline if span.name == name)


@QUICK
@given(cases())
def test_latency_is_at_least_the_critical_path_of_the_computation(case: Case) -> None:
    assert run(case).latency_ns >= critical_path_ns(case) * (1 - 1e-9)


@QUICK
@given(cases())
def test_no_layer_starts_before_its_producers_end(case: Case) -> None:
    spans: dict[str, list[Span]] = {}
    for span in run(case).timeline:
        if span.kind == "compute":
            spans.setdefault(span.name, []).append(span)
    for item in case.workload.traffic:
        for before in spans.get(item.source, []):
            assert all(after.start_ns >= before.start_ns + before.duration_ns for after in spans.get(item.target, []))


@QUICK
@given(cases())
def test_core_and_link_serve_one_at_a_time(case: Case) -> None:
    by_resource: dict[str, list[tuple[float, float]]] = {}
    for span in run(case).timeline:
        if span.kind != "noc":
            by_resource.setdefault(span.resource, []).append((span.start_ns, span.start_ns + span.duration_ns))
    for intervals in by_resource.values():
        intervals.sort()
        for (_, end), (start, _) in itertools.pairwise(intervals):
            assert start >= end * (1 - 1e-12)


@QUICK
@given(cases())
def test_latency_is_the_end_of_the_last_computation_or_arrival(case: Case) -> None:
    report = run(case)
    assert report.latency_ns >= max(span.start_ns + span.duration_ns for span in report.timeline) * (1 - 1e-12)


@QUICK
@given(cases())
def test_throughput_is_that_of_the_busiest_resource(case: Case) -> None:
    report = run(case)
    busy = {load.name: load.busy_ns for load in report.links}
    for span in report.timeline:
        if span.kind == "compute":
            busy[span.resource] = busy.get(span.resource, 0.0) + span.duration_ns
    assert report.throughput_per_s * max(busy.values()) == pytest.approx(1e9)
    assert busy[report.bottleneck] == max(busy.values())


def lanes(system: System, factor: int) -> System:
    chips = (replace(item, core=replace(item.core, lanes=factor * item.core.lanes)) for item in system.chips)
    return replace(system, chips=tuple(chips))


def bandwidth(system: System, factor: int) -> System:
    links = tuple(replace(item, bits_per_ns=factor * item.bits_per_ns) for item in system.links)
    chips = (replace(item, noc=replace(item.noc, flit_bits=factor * item.noc.flit_bits)) for item in system.chips)
    return replace(system, links=links, chips=tuple(chips))


@pytest.mark.parametrize("faster", [lanes, bandwidth])
@QUICK
@given(case=cases(), factor=st.integers(2, 5))
def test_more_of_a_resource_never_lets_fewer_inferences_through(
    faster: Callable[[System, int], System], case: Case, factor: int
) -> None:
    before, after = run(case), run(replace(case, system=faster(case.system, factor)))
    assert after.throughput_per_s >= before.throughput_per_s * (1 - 1e-12)


@pytest.mark.parametrize("faster", [lanes, bandwidth])
@QUICK
@given(case=cases(), factor=st.integers(2, 5))
def test_more_of_a_resource_is_never_slower_where_one_layer_follows_another(
    faster: Callable[[System, int], System], case: Case, factor: int
) -> None:
    names = [layer.name for layer in case.workload.layers]
    chain = tuple(edge(a, b, elements=32) for a, b in itertools.pairwise(names))
    case = replace(case, workload=replace(case.workload, traffic=chain))
    before, after = run(case), run(replace(case, system=faster(case.system, factor)))
    assert after.latency_ns <= before.latency_ns * (1 + 1e-12)


def test_faster_cores_can_send_something_else_first_and_make_the_whole_slower() -> None:
    """Channels serve in order of arrival, and such schedules have anomalies (Graham, 1969)."""
    system = grid(1, 1, mesh=(6, 1))
    work = {"a": 400.0, "b": 200.0, "c": 4.0, "d": 40.0, "e": 4.0}
    layers = (Layer(name="in", kind="input"),)
    layers += tuple(Layer(name=name, kind="linear", macs=macs, neurons=8) for name, macs in work.items())
    # `a` sends much that is not urgent; `b`, once its input is there, a little for which a long way waits.
    sizes = {("in", "b"): 220, ("a", "c"): 1600, ("b", "d"): 4, ("d", "e"): 3000}
    traffic = tuple(edge(source, target, elements=size) for (source, target), size in sizes.items())
    workload = Workload(name="w", layers=layers, traffic=traffic)
    placement = by_hand(
        workload, [(name, "c0", core, 1.0) for core, name in enumerate(["in", "b", "a", "c", "d", "e"])]
    )
    case = Case(workload=workload, placement=placement, system=system)
    assert run(replace(case, system=lanes(system, 2))).latency_ns > run(case).latency_ns


def pair(**each: float) -> Workload:
    layers = tuple(Layer(name=name, kind="linear", neurons=8, **each) for name in "ab")  # type: ignore[arg-type]
    return Workload(name="pair", layers=layers, traffic=(edge("a", "b", elements=64),))


def test_timeline_inside_a_die_is_as_worked_out_by_hand() -> None:
    workload = pair(macs=41)
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c0", 5, 1.0)])
    report = simulate(workload, placement, grid(1, 1, mesh=(3, 2)))
    compute_ns = math.ceil(41 / 4) / 0.5
    # Two cycles of injection, four routers, the switch to the core, and the flits behind the first.
    move_ns = 2 + (3 + 1) * 2 + 1 + (64 * 8 / 32 - 1)
    assert report.latency_ns == pytest.approx(2 * compute_ns + move_ns)
    assert [(span.kind, span.resource) for span in report.timeline] == [
        ("compute", "c0 core 0"),
        ("noc", "c0 noc"),
        ("compute", "c0 core 5"),
    ]


def test_segments_of_a_way_over_a_link_overlap() -> None:
    workload = pair(macs=4)
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c1", 1, 1.0)])
    report = simulate(workload, placement, grid(2, 1, mesh=(2, 1)))
    bits = 64 * 8 + wire.HEADER_BITS
    # Injection, two routers on each die, the link's latency, and the switch to the core beside the slowest channel.
    assert report.latency_ns == pytest.approx(2 * 2 + 2 + 2 * 2 + 5 + 2 * 2 + 1 + max(bits / 8, 64 * 8 / 32 - 1))
    assert report.bottleneck == "c0->c1"


def test_second_tensor_waits_until_the_link_is_free() -> None:
    layers = tuple(Layer(name=name, kind="linear", macs=4, neurons=8) for name in "abcd")
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "c"), edge("b", "d")))
    tiles = [("a", "c0", 0, 1.0), ("b", "c0", 1, 1.0), ("c", "c1", 0, 1.0), ("d", "c1", 1, 1.0)]
    report = simulate(workload, by_hand(workload, tiles), grid(2, 1, mesh=(2, 1)))
    first, second = sorted((span for span in report.timeline if span.kind == "d2d"), key=lambda span: span.start_ns)
    assert second.start_ns == first.start_ns + first.duration_ns


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ((0, 2), (1, 5), "c0 (1,0)->(2,0)"),
        ((1, 4), (3, 4), "core 4"),
        ((0, 1), (1, 0), ""),
        ((0, 2), (3, 5), ""),
    ],
)
def test_tensors_wait_for_each_other_only_where_they_share_a_channel_or_port(
    first: tuple[int, int], second: tuple[int, int], shared: str
) -> None:
    layers = tuple(Layer(name=name, kind="linear", macs=4, neurons=8) for name in "abcd")
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "c"), edge("b", "d")))
    cores = {"a": first[0], "b": second[0], "c": first[1], "d": second[1]}
    placement = by_hand(workload, [(name, "c0", core, 1.0) for name, core in cores.items()])
    system, alone = grid(1, 1, mesh=(3, 3)), replace(workload, traffic=workload.traffic[1:])
    waited = ends(simulate(workload, placement, system), "b -> d") - ends(simulate(alone, placement, system), "b -> d")
    assert waited == (64 * 8 / 32 if shared else 0)


def test_tensors_of_one_core_leave_it_one_after_the_other() -> None:
    layers = tuple(Layer(name=name, kind="linear", macs=4, neurons=8) for name in "abc")
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "b", tensor="t"), edge("a", "c", tensor="u")))
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c0", 1, 1.0), ("c", "c0", 2, 1.0)])
    report = simulate(workload, placement, grid(1, 1))
    assert ends(report, "a -> c") - ends(report, "a -> b") == 64 * 8 / 32


def test_layers_on_one_core_run_one_after_the_other() -> None:
    workload = replace(pair(macs=8), traffic=())
    report = simulate(workload, by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c0", 0, 1.0)]), grid(1, 1))
    assert report.latency_ns == 2 * 2 / 0.5
    apart = simulate(workload, by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c0", 1, 1.0)]), grid(1, 1))
    assert apart.latency_ns == 2 / 0.5


def test_layer_split_into_tiles_takes_as_long_as_its_largest() -> None:
    workload = replace(pair(macs=80), traffic=())
    tiles = [("a", "c0", 0, 0.75), ("a", "c0", 1, 0.25), ("b", "c0", 2, 1.0)]
    report = simulate(workload, by_hand(workload, tiles), grid(1, 1))
    assert ends(report, "a") == 15 / 0.5
    assert ends(report, "b") == 20 / 0.5


def test_share_that_is_a_whole_number_of_cycles_takes_none_more_by_rounding() -> None:
    workload = replace(pair(macs=40), traffic=())
    tiles = [("a", "c0", 0, 0.1 + 0.2), ("a", "c0", 1, 0.7), ("b", "c0", 3, 1.0)]
    report = simulate(workload, by_hand(workload, tiles), grid(1, 1))
    assert [span.duration_ns for span in report.timeline if span.resource == "c0 core 0"] == [3 / 0.5]


@pytest.mark.parametrize("scattered", [False, True])
def test_sixty_layers_on_four_dies_of_64_cores_are_simulated_in_milliseconds(scattered: bool) -> None:
    system = grid(2, 2, mesh=(8, 8))
    layers = tuple(Layer(name=f"l{n}", kind="linear", macs=1e6, neurons=512, weights=1000) for n in range(60))
    steps = [(n, n + 1) for n in range(59)] + [(n, n + 2) for n in range(58)]
    traffic = tuple(edge(f"l{a}", f"l{b}", elements=512, scattered=scattered) for a, b in steps)
    workload = Workload(name="w", layers=layers, traffic=traffic)
    placement = place(workload, partition(workload, system), system)
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        simulate(workload, placement, system)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.03
