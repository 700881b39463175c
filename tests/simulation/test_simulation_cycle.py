"""The cycle-level engine behind the same door: equal to the analytical one without contention, else conserving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation_cases import Case, by_hand, cases, costs, critical_path_ns, crossed, edge, grid, scattering
from simulation_engines import FEW, QUICK, closed, cycle, noc, pair, shaped

from axonal.report import Report
from axonal.simulation import simulate
from axonal.simulation.cycle import CycleLevel
from axonal.simulation.demand import Shape, demand
from axonal.simulation.network.package import package
from axonal.simulation.network.running import Run
from axonal.simulation.transfers import transfers
from axonal.workload import Layer, Traffic, Workload

PIPELINES = pytest.mark.parametrize("hop", [1, 2, 3, 4, 5, 7])
SIZES = pytest.mark.parametrize(("elements", "flit"), [(1, 32), (4, 32), (37, 32), (64, 64), (300, 128)])


@PIPELINES
@SIZES
def test_both_engines_agree_to_the_cycle_on_a_tensor_alone_in_a_die(hop: int, elements: int, flit: int) -> None:
    case = pair(elements, shaped(grid(1, 1, mesh=(4, 3)), hop=hop, flit=flit), ("c0", 0), ("c0", 7))
    assert cycle(case).latency_ns == pytest.approx(closed(case).latency_ns)


@PIPELINES
@SIZES
@pytest.mark.parametrize(("bits_per_ns", "latency_ns"), [(1000.0, 0.0), (1000.0, 7.0), (64.0, 2.5), (8.0, 5.0)])
def test_both_engines_agree_on_a_tensor_alone_that_crosses_a_link(
    hop: int, elements: int, flit: int, bits_per_ns: float, latency_ns: float
) -> None:
    system = shaped(grid(2, 1, mesh=(4, 3)), hop=hop, flit=flit, bits_per_ns=bits_per_ns, latency_ns=latency_ns)
    case = pair(elements, system, ("c0", 0), ("c1", 7))
    router = system.chips[0].noc.router
    # The receiver takes flits at its clock edges. Only heads wait for routes and virtual channels: flits that a slow
    # link has drawn apart catch up with their head by those stages at each of the five routers behind it.
    stages = router.routing_cycles + (0 if router.speculative else router.vc_allocation_cycles)
    later = cycle(case).latency_ns - closed(case).latency_ns
    assert -(5 * stages if bits_per_ns < flit else 0) - 1e-6 <= later <= 2.0 + 1e-6


@pytest.mark.parametrize("tiles", [2, 3, 5])
def test_both_engines_agree_on_a_multicast_and_on_a_scattered_tensor(tiles: int) -> None:
    system = shaped(grid(1, 1, mesh=(4, 3)))
    for scattered in (False, True):
        case = pair(64, system, ("c0", 0), *(("c0", 2 * n + 1) for n in range(tiles)), scattered=scattered)
        # Of a multicast, a flit leaves its buffer when all branches have it, and these are not always served together;
        # of scattered pieces the one with the longest way need not be the last to leave.
        assert cycle(case).latency_ns == pytest.approx(closed(case).latency_ns, abs=2 * tiles)


@FEW
@given(cases() | crossed())
def test_latency_is_at_least_the_critical_path_of_the_computation(case: Case) -> None:
    report = cycle(case)
    assert report.latency_ns >= critical_path_ns(case) * (1 - 1e-9)
    assert report.latency_ns >= max(span.start_ns + span.duration_ns for span in report.timeline) * (1 - 1e-12)


@FEW
@given(cases() | crossed(), st.booleans())
def test_every_flit_that_is_sent_is_received_once_at_each_target(case: Case, streams: bool) -> None:
    pending = transfers(case.workload, case.placement, case.system)
    net = package(case.system)
    asked = demand(case.workload, case.placement, net, pending, Shape(packet_flits=8, streams=streams))
    run = Run(net.fabric, asked.packets, asked.tasks)
    assert run.advance()
    home = net.fabric.machine.ports - 1
    received = int(run.state.flits[home :: home + 1].sum())
    assert received == int((asked.packets.flits * asked.packets.copies()).sum())
    assert run.flits_inside == 0
    assert (run.state.task_end >= 0).all()


@FEW
@given(cases())
def test_links_carry_the_frames_in_whole_flits(case: Case) -> None:
    report = cycle(case)
    flit_bits = case.system.chips[0].noc.flit_bits
    expected: dict[str, tuple[float, int]] = {}
    for transfer in transfers(case.workload, case.placement, case.system):
        layers = (transfer.move.edge.source, *transfer.move.scattered)
        pieces = sum(len(case.placement.by_layer[layer]) for layer in layers)
        for crossing in transfer.crossings:
            bits, most = expected.get(crossing.name, (0.0, 0))
            expected[crossing.name] = bits + transfer.link_bits, most + pieces
    found = {load.name: load.bits for load in report.links if load.kind == "d2d"}
    assert found.keys() == expected.keys()
    for name, bits in found.items():
        least, pieces = expected[name]
        assert bits % flit_bits == 0
        assert least <= bits * (1 + 1e-9)
        assert bits < least + pieces * flit_bits
    assert (report.link_bits_packed, report.link_bits_packetised, report.boundaries) == (
        closed(case).link_bits_packed,
        closed(case).link_bits_packetised,
        closed(case).boundaries,
    )


@FEW
@given(cases())
def test_channels_of_the_meshes_carry_the_same_in_both_engines(case: Case) -> None:
    found, expected = (
        {load.name: load.bits for load in report.links if load.kind == "noc"} for report in (cycle(case), closed(case))
    )
    assert found == pytest.approx(expected)


@FEW
@given(cases())
def test_energies_of_both_engines_differ_only_by_whole_flits_and_time(case: Case) -> None:
    report, other = cycle(case), closed(case)
    found, expected = costs(report), costs(other)
    assert (found.compute_pj, found.memory_pj) == (expected.compute_pj, expected.memory_pj)
    assert found.noc_pj == pytest.approx(expected.noc_pj)
    assert found.d2d_pj == pytest.approx(sum(load.bits for load in report.links if load.kind == "d2d"))
    assert found.static_pj / report.latency_ns == pytest.approx(expected.static_pj / other.latency_ns)


@FEW
@given(cases())
def test_throughput_is_never_above_that_of_the_busiest_resource(case: Case) -> None:
    report = simulate(case.workload, case.placement, case.system, CycleLevel(inferences=4))
    busy = {load.name: load.busy_ns for load in report.links}
    for span in report.timeline:
        if span.kind == "compute":
            busy[span.resource] = busy.get(span.resource, 0.0) + span.duration_ns
    assert report.throughput_per_s * max(busy.values()) <= 1e9 * (1 + 1e-9)
    assert report.throughput_per_s <= closed(case).throughput_per_s * (1 + 1e-9)
    assert report.throughput_per_s * report.latency_ns >= 1e9 * 0.5


def test_a_chain_of_equal_stages_runs_as_a_pipeline_of_all_of_them() -> None:
    layers = tuple(Layer(name=f"l{n}", kind="linear", macs=400, neurons=8) for n in range(5))
    traffic = tuple(edge(f"l{n}", f"l{n + 1}", elements=750) for n in range(4))
    workload = Workload(name="chain", layers=layers, traffic=traffic)
    placement = by_hand(workload, [(f"l{n}", "c0", n, 1.0) for n in range(5)])
    case = Case(workload=workload, placement=placement, system=shaped(grid(1, 1, mesh=(5, 1))))
    report = cycle(case, CycleLevel())
    # Computing takes 200 ns and moving 188: with room for three inferences neither waits for the other.
    assert report.throughput_per_s == pytest.approx(1e9 / 200, rel=0.01)
    assert report.latency_ns > 5 * 200 + 4 * 188


def test_layers_that_share_a_core_take_turns_with_several_inferences() -> None:
    layers = tuple(Layer(name=name, kind="linear", macs=400, neurons=8) for name in "abc")
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "b"), edge("b", "c")))
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c0", 1, 1.0), ("c", "c0", 0, 1.0)])
    report = cycle(Case(workload=workload, placement=placement, system=shaped(grid(1, 1))), CycleLevel(inferences=24))
    # One inference after the other would take the core for 600 ns each.
    assert report.throughput_per_s == pytest.approx(1e9 / 400, rel=0.1)
    assert report.bottleneck == "c0 core 0"


@FEW
@given(cases(), st.booleans())
def test_same_input_gives_the_same_report(case: Case, streams: bool) -> None:
    engine = CycleLevel(inferences=2, streams=streams)
    first = cycle(case, engine)
    assert first == cycle(case, engine)
    assert Report.from_json(first.to_json()) == first
    assert first.engine == "cycle-level"


@FEW
@given(cases() | crossed())
def test_load_over_time_sums_to_the_time_that_a_channel_is_busy(case: Case) -> None:
    report = cycle(case)
    for load in report.links:
        assert all(0 <= share <= 1 for share in load.utilization)
        found = sum(load.utilization) * report.interval_ns
        # Shares are rounded to four digits; a link's flits count when they enter it, so that a short interval may be
        # full before they have left.
        slack = len(load.utilization) * report.interval_ns * 1e-4
        assert found <= load.busy_ns + slack
        if load.kind == "noc":
            assert found == pytest.approx(load.busy_ns, abs=slack)


@FEW
@given(cases() | crossed())
def test_waits_name_layers_tensors_and_resources_that_exist(case: Case) -> None:
    report = cycle(case)
    layers = {f"layer {layer.name}" for layer in case.workload.layers}
    tensors = {f"tensor {it.source} -> {it.target}" for it in case.workload.traffic}
    cores = {f"into {it.name} core {core}" for it in case.system.chips for core in range(it.cores)}
    holders = tensors | cores | {load.name for load in report.links}
    for wait in report.waits:
        assert wait.waiter in layers | tensors
        assert wait.holder in holders
        assert wait.duration_ns > 0
    durations = [wait.duration_ns for wait in report.waits]
    assert durations == sorted(durations, reverse=True)


def test_two_tensors_that_meet_at_a_core_wait_for_it() -> None:
    layers = tuple(Layer(name=name, kind="linear", macs=4, neurons=8) for name in "abc")
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "c", elements=200), edge("b", "c", elements=200)))
    placement = by_hand(workload, [("a", "c0", 1, 1.0), ("b", "c0", 3, 1.0), ("c", "c0", 4, 1.0)])
    case = Case(workload=workload, placement=placement, system=shaped(grid(1, 1, mesh=(3, 3))))
    report = cycle(case)
    # Behind the first flits in line, others wait for the channels.
    longest = [wait.holder for wait in report.waits if wait.waiter.startswith("tensor")]
    assert longest[:2] == ["into c0 core 4"] * 2
    assert report.bottleneck == "into c0 core 4"
    assert report.throughput_per_s == pytest.approx(1e9 / (2 * 200 * 8 / 32))


def stepped(activity: float = 0.25, steps: int = 4) -> Case:
    """A spiking layer of 64 neurons sends over four time steps."""
    layers = (
        Layer(name="a", kind="spike", accumulates=4096, state_bits=64, neurons=64, time_steps=steps),
        Layer(name="b", kind="linear", accumulates=64, neurons=8, time_steps=steps),
    )
    traffic = Traffic(
        source="a", target="b", tensors=("a",), shape=(steps, 64), group=64, symbols="event",
        events=activity * 64 * steps, time_steps=steps,
    )  # fmt: skip
    workload = Workload(name="w", layers=layers, traffic=(traffic,))
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c1", 3, 1.0)])
    return Case(workload=workload, placement=placement, system=shaped(grid(2, 1), bits_per_ns=1.0))


def test_time_steps_that_stream_hide_the_transfer_behind_the_computation() -> None:
    case = stepped()
    assert cycle(case, replace(QUICK, streams=True)).latency_ns < cycle(case).latency_ns


@FEW
@given(cases())
def test_streaming_delays_an_inference_at_most_by_the_packets_in_its_way(case: Case) -> None:
    # Not always faster: each time step ends in a flit that is part empty, and early packets of one tensor may stand in
    # the way of another's.
    whole, streamed = cycle(case), cycle(case, replace(QUICK, streams=True))
    busy_ns = sum(load.busy_ns for load in streamed.links) + 64 * len(case.workload.traffic)
    assert streamed.latency_ns <= whole.latency_ns + busy_ns


def test_replayed_symbols_move_as_many_bits_but_in_bursts() -> None:
    case = stepped()
    symbols = np.zeros((4, 64), np.int8)
    symbols[1] = 1
    engine = replace(QUICK, streams=True)
    even, uneven = cycle(case, engine), cycle(case, replace(engine, symbols={"a": symbols.reshape(-1)}))
    assert even.link_bits_packed == uneven.link_bits_packed
    bits = [next(load.bits for load in it.links if load.kind == "d2d") for it in (even, uneven)]
    assert abs(bits[0] - bits[1]) <= 4 * 32
    peaks = [max(load.utilization) for it in (even, uneven) for load in it.links if load.name == "c0 (0,0)->(1,0)"]
    assert peaks[1] > 2 * peaks[0]


def test_symbols_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="5 symbols are recorded, must be 256"):
        cycle(stepped(), replace(QUICK, symbols={"a": np.ones(5)}))


def test_a_die_of_half_the_clock_makes_what_it_passes_take_twice_the_cycles() -> None:
    slow = noc(shaped(grid(1, 1, mesh=(4, 3))), clock_ghz=0.5)
    case = pair(64, slow, ("c0", 0), ("c0", 7))
    fast = replace(case, system=shaped(grid(1, 1, mesh=(4, 3))))
    computing = 2 * 2 / 0.5
    assert cycle(case).latency_ns - computing == 2 * (cycle(fast).latency_ns - computing)


@FEW
@given(cases())
def test_all_scattered_or_none_both_run(case: Case) -> None:
    for scattered in (True, False):
        assert cycle(scattering(case, scattered)).latency_ns > 0
