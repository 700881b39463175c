"""Sweeps and elasticities of a real pair: they agree with what simulating again says."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from study_runs import Run, base_run

from axonal.hardware import System, load
from axonal.simulation import simulate
from axonal.study.judge import dominant_constants, sweeps
from axonal.study.measure import Measured

PRESETS = ("quad_chiplet", "quad_serdes")
COSTS = ("energy", "leakage", "idle_power")
"""Ends of the names of constants that energy is linear in."""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return base_run(tmp_path_factory.getbasetemp())


def pair(base: Run) -> tuple[Measured, Measured]:
    ann, hybrid = (base.of(name)[0][1] for name in ("ann", "hybrid"))
    return ann, hybrid


def simulated(base: Run, system: System) -> tuple[float, float]:
    """Ratios hybrid / ANN of energy and latency."""
    ann, hybrid = (simulate(item.workload, item.placement, system) for item in pair(base))
    assert ann.energy is not None
    assert hybrid.energy is not None
    return hybrid.energy.total_pj / ann.energy.total_pj, hybrid.latency_ns / ann.latency_ns


def with_links(system: System, **changes: float) -> System:
    return replace(system, links=tuple(replace(link, **changes) for link in system.links))  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=PRESETS)
def swept(base: Run, request: pytest.FixtureRequest) -> tuple[System, dict[str, Any]]:
    system = load(request.param)
    return system, sweeps(*pair(base), system)


def test_dearer_links_favour_whoever_sends_fewer_bits(base: Run, swept: tuple[System, dict[str, Any]]) -> None:
    ann, hybrid = pair(base)
    assert hybrid.report.link_bits_packed < ann.report.link_bits_packed
    assert all(later < earlier for earlier, later in pairwise(swept[1]["energy_ratio"]))


def test_slower_links_favour_whoever_sends_fewer_bits(swept: tuple[System, dict[str, Any]]) -> None:
    ratios = swept[1]["latency_ratio"]
    assert ratios[0] < ratios[-1]
    assert ratios[0] < 1


@pytest.mark.parametrize(
    ("xs", "field", "ratios", "index"),
    [
        ("link_energy_pj_per_bit", "energy_pj_per_bit", "energy_ratio", 0),
        ("link_bits_per_ns", "bits_per_ns", "latency_ratio", 1),
    ],
)
def test_a_point_of_a_sweep_is_a_simulation_on_that_system(
    base: Run, swept: tuple[System, dict[str, Any]], xs: str, field: str, ratios: str, index: int
) -> None:
    system, found = swept
    assert len(found[xs]) == len(found[ratios]) > 10
    for x, expected in list(zip(found[xs], found[ratios], strict=True))[::5]:
        assert simulated(base, with_links(system, **{field: x}))[index] == expected


def test_at_the_crossings_the_two_are_equal(base: Run, swept: tuple[System, dict[str, Any]]) -> None:
    system, found = swept
    energy, bandwidth = found["pays_above_pj_per_bit"], found["pays_below_bits_per_ns"]
    assert energy is not None
    assert bandwidth is not None
    assert simulated(base, with_links(system, energy_pj_per_bit=energy))[0] == pytest.approx(1, abs=0.02)
    assert simulated(base, with_links(system, bits_per_ns=bandwidth))[1] == pytest.approx(1, abs=0.05)
    assert simulated(base, with_links(system, energy_pj_per_bit=2 * energy))[0] < 1
    assert simulated(base, with_links(system, energy_pj_per_bit=energy / 2))[0] > 1
    assert simulated(base, with_links(system, bits_per_ns=bandwidth / 2))[1] < 1
    assert simulated(base, with_links(system, bits_per_ns=2 * bandwidth))[1] > 1


def test_a_pair_of_equals_never_crosses(base: Run) -> None:
    ann, _ = pair(base)
    found = sweeps(ann, ann, load("quad_chiplet"))
    assert set(found["energy_ratio"]) == set(found["latency_ratio"]) == {1.0}
    assert found["pays_above_pj_per_bit"] is None
    assert found["pays_below_bits_per_ns"] is None


POWERS = st.floats(0.01, 100)


@settings(max_examples=5, deadline=None)
@given(link=POWERS, leakage=POWERS, mac=POWERS, idle=POWERS)
def test_energy_is_linear_in_its_constants_so_that_their_elasticities_sum_to_one(
    base: Run, link: float, leakage: float, mac: float, idle: float
) -> None:
    changes = {
        "links.ucie.energy": f"{link} pJ/bit",
        "links.ucie.idle_power": f"{idle} mW",
        "dies.compute.core.leakage": f"{leakage}mW",
        "dies.compute.core.mac_energy": f"{mac} pJ",
    }
    rows = dominant_constants(*pair(base), load("quad_chiplet", changes))
    costs = [row for row in rows if row["key"].endswith(COSTS)]
    # Constants that matter less than one part in two thousand are left out, and the step is finite.
    assert math.fsum(row["energy_elasticity"] for row in costs) == pytest.approx(1, abs=0.03)
    assert all(row["energy_elasticity"] >= 0 and row["latency_elasticity"] == 0 for row in costs)


@pytest.mark.parametrize("preset", PRESETS)
def test_constants_stand_in_the_order_of_what_they_matter(base: Run, preset: str) -> None:
    rows = dominant_constants(*pair(base), load(preset))
    weights = [max(abs(row["energy_elasticity"]), abs(row["latency_elasticity"])) for row in rows]
    assert weights == sorted(weights, reverse=True)
    assert {row["key"] for row in rows} <= {constant.key for constant in load(preset).constants}


def test_constants_that_are_whole_numbers_count_although_a_little_more_of_them_rounds_to_nothing(base: Run) -> None:
    system = load("quad_chiplet", {"dies.compute.noc.hop_latency": "5 cycles"})
    rows = {row["key"]: row for row in dominant_constants(*pair(base), system)}
    assert rows["dies.compute.noc.hop_latency"]["latency_elasticity"] > 0.1
    assert rows["dies.compute.core.lanes"]["latency_elasticity"] < 0


def test_a_tenth_more_of_the_clock_changes_latency_by_as_much_as_its_elasticity_says(base: Run) -> None:
    key = "dies.compute.noc.clock"
    rows = {row["key"]: row for row in dominant_constants(*pair(base), load("quad_chiplet"))}
    _, hybrid = pair(base)
    slow, fast = (
        simulate(hybrid.workload, hybrid.placement, load("quad_chiplet", {key: text})) for text in ("1 GHz", "1.1 GHz")
    )
    expected = 1.1 ** rows[key]["latency_elasticity"]
    assert fast.latency_ns / slow.latency_ns == pytest.approx(expected, rel=0.01)


def test_a_system_whose_energies_are_all_nothing_can_be_judged(base: Run) -> None:
    system = load("quad_chiplet")
    free = {
        constant.key: f"0 {constant.text.split()[1]}" for constant in system.constants if constant.key.endswith(COSTS)
    }
    rows = dominant_constants(*pair(base), load("quad_chiplet", free))
    assert rows
    assert all(row["energy_elasticity"] == 0 for row in rows)
