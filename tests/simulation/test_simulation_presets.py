from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from simulation_cases import edge

from axonal.hardware import load, presets, with_profile
from axonal.mapping import partition, place
from axonal.report import Report
from axonal.simulation import simulate
from axonal.workload import Layer, Workload

EVERY = pytest.mark.parametrize("name", presets())


def mixed(layers: int = 12) -> Workload:
    """Linear and spiking layers in turn, from an input to an output, large enough to fill two small dies."""
    middle = [
        Layer(name=f"l{n}", kind="linear", macs=40_000, weights=40_000, neurons=200)
        if n % 2
        else Layer(name=f"l{n}", kind="spike", accumulates=20_000, elementwise_ops=400, state_bits=3200, neurons=200)
        for n in range(layers)
    ]
    chain = (Layer(name="in", kind="input"), *middle, Layer(name="out", kind="output"))
    traffic = tuple(
        edge(a.name, b.name, elements=200, events=30 if a.kind == "spike" else None) for a, b in pairwise(chain)
    )
    return Workload(name="mixed", layers=chain, traffic=traffic)


def run(name: str) -> Report:
    system, workload = load(name), mixed()
    return simulate(workload, place(workload, partition(workload, system), system), system)


@EVERY
def test_a_small_network_runs_on_every_preset(name: str) -> None:
    report = run(name)
    assert report.energy is not None
    assert report.energy.total_pj > 0
    assert report.latency_ns > 0
    # Two virtual channels of eight flits do not cover the ten cycles of a hop: the engine says so.
    assert report.valid == (name != "loihi_like")


@EVERY
def test_every_preset_shows_how_far_sources_disagree(name: str) -> None:
    report = run(name)
    assert [profile.name for profile in report.profiles] == [profile.name for profile in load(name).profiles]
    assert report.profiles
    for profile in report.profiles:
        assert profile.energy != report.energy


def test_a_profile_of_a_report_is_the_energy_of_the_system_with_that_profile() -> None:
    system, workload = load("quad_chiplet"), mixed()
    placement = place(workload, partition(workload, system), system)
    report = simulate(workload, placement, system)
    for profile in report.profiles:
        alone = simulate(workload, placement, with_profile(system, profile.name))
        assert alone.energy is not None
        assert asdict(alone.energy) == asdict(profile.energy)
        assert replace(alone, energy=report.energy, profiles=report.profiles) == report


def test_events_dominate_a_loihi_like_machine() -> None:
    energy = run("loihi_like").energy
    assert energy is not None
    assert energy.memory_pj == 0
    assert energy.compute_pj > energy.noc_pj > 0
