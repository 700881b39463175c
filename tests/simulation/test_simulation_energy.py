from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation_cases import QUICK, Case, Change, by_hand, cases, costs, each_chip, each_table, edge, grid, run

from axonal.hardware import Chip, EnergyTable, System
from axonal.simulation import simulate
from axonal.simulation.energy import weight_read_bits
from axonal.workload import Layer, Workload


def link_energy(system: System) -> System:
    links = tuple(replace(item, energy_pj_per_bit=4 * item.energy_pj_per_bit) for item in system.links)
    return replace(system, links=links)


def all_static(system: System) -> System:
    system = each_chip(lambda item: replace(item, core=replace(item.core, leakage_mw=4 * item.core.leakage_mw)))(system)
    return replace(system, links=tuple(replace(item, idle_mw=4 * item.idle_mw) for item in system.links))


def hop_energy(item: Chip) -> Chip:
    return replace(item, noc=replace(item.noc, router_energy_pj_per_bit=4 * item.noc.router_energy_pj_per_bit))


def operations(table: EnergyTable) -> EnergyTable:
    return replace(
        table,
        mac_pj=4 * table.mac_pj,
        accumulate_pj=4 * table.accumulate_pj,
        elementwise_pj=4 * table.elementwise_pj,
    )


def memory(table: EnergyTable) -> EnergyTable:
    return replace(
        table,
        sram_read_pj_per_bit=4 * table.sram_read_pj_per_bit,
        sram_write_pj_per_bit=4 * table.sram_write_pj_per_bit,
    )


@pytest.mark.parametrize(
    ("component", "change"),
    [
        ("d2d_pj", link_energy),
        ("static_pj", all_static),
        ("noc_pj", each_chip(hop_energy)),
        ("compute_pj", each_table(operations)),
        ("memory_pj", each_table(memory)),
    ],
)
@settings(deadline=None, max_examples=20)
@given(case=cases())
def test_a_constant_scales_its_own_component_exactly_and_leaves_all_else(
    component: str, change: Change, case: Case
) -> None:
    before, after = run(case), run(replace(case, system=change(case.system)))
    assert asdict(costs(after)) == {**asdict(costs(before)), component: 4 * getattr(costs(before), component)}
    assert replace(after, energy=None) == replace(before, energy=None)


@QUICK
@given(cases())
def test_total_is_the_sum_of_the_components_and_none_is_negative(case: Case) -> None:
    energy = costs(run(case))
    assert sum(asdict(energy).values()) == energy.total_pj
    assert min(asdict(energy).values()) >= 0


@QUICK
@given(cases())
def test_energy_of_the_network_is_bits_on_each_channel_times_that_of_a_hop(case: Case) -> None:
    report = run(case)
    inside = sum(load.bits for load in report.links if load.kind == "noc")
    assert costs(report).noc_pj == pytest.approx(inside * 0.05)
    assert costs(report).d2d_pj == pytest.approx(report.link_bits_packed * 1.0)


@QUICK
@given(cases())
def test_static_energy_is_power_of_all_cores_and_links_times_latency(case: Case) -> None:
    report = run(case)
    power_mw = 0.1 * sum(item.cores for item in case.system.chips) + 1.0 * len(case.system.links)
    assert costs(report).static_pj == pytest.approx(power_mw * report.latency_ns)


def test_energy_of_a_small_network_is_as_worked_out_by_hand() -> None:
    layers = (
        Layer(name="a", kind="linear", macs=100, weights=50, neurons=8, time_steps=2, elementwise_ops=10),
        Layer(name="b", kind="spike", accumulates=40, state_bits=16, neurons=8, time_steps=2),
    )
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "b", elements=16),))
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c0", 1, 0.5), ("b", "c0", 3, 0.5)])
    energy = costs(simulate(workload, placement, grid(1, 1)))
    assert energy.compute_pj == pytest.approx(100 * 0.2 + 10 * 0.1 + 40 * 0.05)
    weights, state, tensor = 50 * 8 * 2, 16 * 2, 16 * 8
    assert energy.memory_pj == pytest.approx((weights + state + 2 * tensor) * 0.02 + (state + tensor) * 0.03)
    assert energy.noc_pj == pytest.approx(2 * tensor * 0.05)


@given(macs=st.integers(0, 10_000), weights=st.integers(0, 2000), steps=st.integers(1, 5))
def test_event_driven_layer_reads_only_the_rows_of_its_events(macs: int, weights: int, steps: int) -> None:
    layer = Layer(name="l", kind="linear", accumulates=macs, weights=weights, time_steps=steps, weight_element_bits=4)
    assert weight_read_bits(layer) == 4 * min(macs, weights * steps)


def test_embedding_reads_the_rows_it_looks_up() -> None:
    assert weight_read_bits(Layer(name="e", kind="embedding", weights=50_000, neurons=64, time_steps=3)) == 64 * 3 * 8


def test_layer_without_weights_reads_none() -> None:
    assert weight_read_bits(Layer(name="m", kind="matmul", macs=1000)) == 0
