from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from simulation_cases import QUICK, Case, Change, by_hand, cases, costs, each_chip, each_table, edge, grid, run

from axonal.hardware import Chip, Constant, Profile, System
from axonal.simulation.counts import Counts, counted
from axonal.simulation.energy import energy
from axonal.simulation.transfers import transfers
from axonal.workload import Layer, Workload


def wired(system: System) -> System:
    return each_chip(lambda item: replace(item, noc=replace(item.noc, wire_energy_pj_per_bit=0.02)))(system)


def leaking(system: System) -> System:
    def leaky(item: Chip) -> Chip:
        return replace(item, noc=replace(item.noc, router=replace(item.noc.router, leakage_mw=0.5)))

    return each_chip(leaky)(system)


def serialised(system: System) -> System:
    return replace(system, links=tuple(replace(item, serialiser_pj_per_bit=0.25) for item in system.links))


def spiking() -> Case:
    """Eight neurons on one die emit 5 events in two steps, which two layers on another die read."""
    layers = (
        Layer(name="a", kind="spike", accumulates=40, state_bits=16, neurons=8, time_steps=2),
        Layer(name="b", kind="linear", accumulates=30, weights=64, neurons=8, time_steps=2),
        Layer(name="c", kind="linear", macs=30, weights=64, neurons=8),
    )
    traffic = (
        edge("a", "b", elements=16, events=5),
        edge("a", "c", elements=16, events=5),
        edge("b", "c", elements=16),
    )
    workload = Workload(name="w", layers=layers, traffic=traffic)
    tiles = [("a", "c0", 0, 0.5), ("a", "c0", 3, 0.5), ("b", "c1", 0, 0.5), ("b", "c1", 1, 0.5), ("c", "c1", 3, 1.0)]
    return Case(workload=workload, placement=by_hand(workload, tiles), system=grid(2, 1))


@QUICK
@given(cases())
def test_the_counts_are_the_bits_of_the_channels_and_links(case: Case) -> None:
    report = run(case)
    counts = counted(transfers(case.workload, case.placement, case.system), case.placement, report.latency_ns)
    inside = sum(load.bits for load in report.links if load.kind == "noc")
    across = sum(load.bits for load in report.links if load.kind == "d2d")
    assert sum(counts.router_bits.values()) == pytest.approx(inside)
    assert counts.wire_bits == counts.router_bits
    assert sum(counts.link_bits.values()) == pytest.approx(across)
    assert set(counts.link_bits) <= {link.name for link in case.system.links}


@QUICK
@given(cases())
def test_router_and_wire_cost_together_what_a_hop_does(case: Case) -> None:
    plain = costs(run(case)).noc_pj
    assert costs(run(replace(case, system=wired(case.system)))).noc_pj == pytest.approx(plain * 0.07 / 0.05)


@QUICK
@given(cases())
def test_routers_leak_for_as_long_as_the_inference_takes(case: Case) -> None:
    before, after = run(case), run(replace(case, system=leaking(case.system)))
    routers = sum(item.cores for item in case.system.chips)
    assert costs(after).static_pj - costs(before).static_pj == pytest.approx(0.5 * routers * before.latency_ns)


@QUICK
@given(cases())
def test_a_serialiser_is_paid_for_each_bit_on_a_link(case: Case) -> None:
    before, after = costs(run(case)), costs(run(replace(case, system=serialised(case.system))))
    assert after.d2d_pj == pytest.approx(before.d2d_pj * 1.25)
    assert replace(after, d2d_pj=before.d2d_pj) == before


@pytest.mark.parametrize(
    ("change", "component", "more_pj"),
    [
        # 8 neurons in 2 steps keep a state; the layers without a state have no neurons to update.
        (each_table(lambda table: replace(table, neuron_update_pj=3.0)), "compute_pj", 8 * 2 * 3.0),
        # The events are emitted once, though two layers read them; the dense tensor has none.
        (each_table(lambda table: replace(table, spike_pj=7.0)), "compute_pj", 5 * 7.0),
        # Each event is a packet; the dense tensor of b is one packet from each of its two tiles.
        (each_table(lambda table: replace(table, packet_pj=11.0)), "noc_pj", (5 + 2) * 11.0),
    ],
)
def test_neurons_events_and_packets_are_charged_once_each(change: Change, component: str, more_pj: float) -> None:
    case = spiking()
    before, after = costs(run(case)), costs(run(replace(case, system=change(case.system))))
    assert getattr(after, component) - getattr(before, component) == pytest.approx(more_pj)
    assert replace(after, **{component: getattr(before, component)}) == before


def test_what_stays_in_its_core_is_no_packet() -> None:
    workload = Workload(
        name="w",
        layers=(Layer(name="a", kind="input"), Layer(name="b", kind="linear", macs=9)),
        traffic=(edge("a", "b"),),
    )
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c0", 0, 1.0)])
    counts = counted(transfers(workload, placement, grid(1, 1)), placement, 1.0)
    assert counts.packets == {"c0": 0.0}


def test_counts_of_any_engine_are_priced_by_the_system() -> None:
    case = spiking()
    counts = Counts(
        router_bits={"c0": 100.0, "c1": 10.0},
        wire_bits={"c0": 90.0},
        packets={"c1": 4.0},
        link_bits={"c0-c1": 64.0},
        latency_ns=20.0,
    )
    system = wired(case.system)
    pending = transfers(case.workload, case.placement, system)
    found = energy(case.workload, case.placement, system, counts, pending)
    assert found.noc_pj == pytest.approx(110 * 0.05 + 90 * 0.02)
    assert found.d2d_pj == pytest.approx(64.0)
    assert found.static_pj == pytest.approx((8 * 0.1 + 1.0) * 20)


def test_a_report_holds_the_energy_at_each_profile_beside_its_own() -> None:
    case = spiking()
    system = replace(
        case.system,
        links=tuple(replace(item, kind="wire") for item in case.system.links),
        profiles=(
            Profile(
                name="dear",
                values=(("links.wire.energy", 10.0),),
                constants=(Constant(key="links.wire.energy", text="10 pJ/bit", source="assumed"),),
            ),
        ),
    )
    report = run(replace(case, system=system))
    (profile,) = report.profiles
    assert profile.name == "dear"
    assert profile.energy.d2d_pj == pytest.approx(10 * costs(report).d2d_pj)
    assert replace(profile.energy, d2d_pj=costs(report).d2d_pj) == costs(report)
    assert replace(report, profiles=()) == run(case)


def test_the_analytical_engine_says_where_it_leaves_the_machine() -> None:
    case = spiking()
    ring = each_chip(lambda item: replace(item, noc=replace(item.noc, topology="torus", routing="yx")))(case.system)
    assert run(case).notes == ()
    torus, routing, gateways = run(replace(case, system=ring)).notes
    assert "torus" in torus
    assert "row first" in routing
    assert "gateway" in gateways
    narrow = replace(case.system, links=tuple(replace(item, ports=1) for item in case.system.links))
    assert run(replace(case, system=narrow)).notes == (gateways,)
