from __future__ import annotations

import math
from dataclasses import replace

import pytest
import simulation_walk
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation_cases import QUICK, Case, by_hand, cases, crossed, edge, grid, run

from axonal import wire
from axonal.simulation import simulate
from axonal.workload import Layer, Traffic, Workload


@settings(deadline=None)
@given(cases() | crossed())
def test_loads_are_those_of_walking_every_route_hop_by_hop(case: Case) -> None:
    found = {
        (load.name if load.kind == "d2d" else load.chip, load.source, load.target): load.bits
        for load in run(case).links
    }
    expected = simulation_walk.loads(case)
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected)


@QUICK
@given(cases())
def test_link_bits_are_wire_bits_times_links_on_the_way(case: Case) -> None:
    report = run(case)
    moved = [(item.packed_bits * item.link_hops, item.packetised_bits * item.link_hops) for item in report.boundaries]
    assert report.link_bits_packed == sum(packed for packed, _ in moved)
    assert report.link_bits_packetised == sum(packetised for _, packetised in moved)
    assert report.link_bits_packed == pytest.approx(sum(load.bits for load in report.links if load.kind == "d2d"))


@QUICK
@given(cases())
def test_boundaries_are_those_of_the_partition_in_the_cheapest_format(case: Case) -> None:
    parts = case.placement.partition
    report = run(case)
    assert len(report.boundaries) == len(parts.boundaries)
    for item, crossing in zip(report.boundaries, parts.boundaries, strict=True):
        fmt = wire.cheapest(crossing)
        assert (item.source, item.target) == (crossing.source, crossing.target)
        assert (item.source_chip, item.target_chip) == (parts.chip_of(item.source), parts.chip_of(item.target))
        assert (item.format, item.packed_bits) == (str(fmt), wire.bits(fmt, crossing))
        assert item.packetised_bits == wire.packetised_bits(crossing, case.system.packet_header_bits)
        assert (item.elements, item.events) == (crossing.elements, crossing.events)


@QUICK
@given(case=cases(), more=st.integers(1, 32))
def test_more_activity_never_costs_fewer_bits(case: Case, more: int) -> None:
    def livelier(item: Traffic) -> Traffic:
        return item if item.symbols == "dense" else replace(item, events=min(item.elements, item.events + more))

    busier = replace(case.workload, traffic=tuple(livelier(item) for item in case.workload.traffic))
    quiet, busy = run(case), run(replace(case, workload=busier))
    assert busy.link_bits_packed >= quiet.link_bits_packed
    assert busy.link_bits_packetised >= quiet.link_bits_packetised
    assert all(b.bits >= q.bits * (1 - 1e-9) for q, b in zip(quiet.links, busy.links, strict=True))


@QUICK
@given(cases())
def test_one_die_moves_nothing_over_links(case: Case) -> None:
    system = grid(1, 1, mesh=(3, 2))
    tiles = [(layer.name, "c0", index % 6, 1.0) for index, layer in enumerate(case.workload.layers)]
    report = simulate(case.workload, by_hand(case.workload, tiles), system)
    assert (report.link_bits_packed, report.link_bits_packetised, report.boundaries) == (0, 0, ())
    assert {load.kind for load in report.links} <= {"noc"}
    assert report.energy is not None
    assert report.energy.d2d_pj == 0


def fork(*tensors: str) -> Workload:
    """`a` feeds `b` and `c`."""
    layers = [Layer(name=name, kind="linear", macs=8, neurons=8) for name in "abc"]
    traffic = [edge("a", target, tensor=tensor) for target, tensor in zip("bc", tensors, strict=True)]
    return Workload(name="fork", layers=tuple(layers), traffic=tuple(traffic))


def test_tensor_for_two_layers_of_one_die_crosses_the_link_once() -> None:
    tiles = [("a", "c0", 0, 1.0), ("b", "c1", 0, 1.0), ("c", "c1", 1, 1.0)]
    same, other = fork("t", "t"), fork("t", "u")
    once = simulate(same, by_hand(same, tiles), grid(2, 1))
    twice = simulate(other, by_hand(other, tiles), grid(2, 1))
    assert len(once.boundaries) == 1
    assert twice.link_bits_packed == 2 * once.link_bits_packed


def test_tensor_for_two_dies_is_sent_to_each_of_them() -> None:
    workload = fork("t", "t")
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c1", 0, 1.0), ("c", "c2", 0, 1.0)])
    report = simulate(workload, placement, grid(3, 1))
    assert [(item.target_chip, item.link_hops) for item in report.boundaries] == [("c1", 1), ("c2", 2)]
    assert report.link_bits_packed == 3 * report.boundaries[0].packed_bits


def test_multicast_counts_a_shared_channel_once() -> None:
    workload = fork("t", "t")
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c0", 2, 1.0), ("c", "c0", 3, 1.0)])
    report = simulate(workload, placement, grid(1, 1, mesh=(4, 1)))
    assert [load.bits for load in report.links] == [64 * 8.0] * 3


def test_dense_tensor_between_dies_takes_its_header_along_in_whole_flits() -> None:
    workload = fork("t", "t")
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c1", 0, 1.0), ("c", "c1", 1, 1.0)])
    loads = {load.kind: load.bits for load in simulate(workload, placement, grid(2, 1)).links}
    assert loads["noc"] == 32 * math.ceil((64 * 8 + wire.HEADER_BITS) / 32)
    assert loads["d2d"] == 64 * 8 + wire.HEADER_BITS
