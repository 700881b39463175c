"""The names of `result.json` that others rely on, and what holds between its numbers."""

from __future__ import annotations

import json
import math
from statistics import fmean, pstdev
from typing import Any

import pytest
from study_runs import ENERGY_PARTS, Run, base_run, two_seeds

from axonal.study import VARIANTS

FIGURES = (
    "activity",
    "bits_per_boundary_element",
    "link_bits_packed",
    "link_bits_packetised",
    "latency_ns",
    "throughput_per_s",
)
RATIOS = {
    "latency": "latency_ns",
    "throughput": "throughput_per_s",
    "link_bits_packed": "link_bits_packed",
    "link_bits_packetised": "link_bits_packetised",
}
EVERY = tuple(VARIANTS)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return base_run(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return two_seeds(tmp_path_factory.getbasetemp())


def test_the_parts_of_a_result_have_their_stable_names(base: Run) -> None:
    assert {"schema_version", "workload", "system", "seeds", "variants", "ratios", "verdict"} <= base.result.keys()
    assert tuple(base.result["variants"]) == ("ann", "snn", "hybrid", "low_rank", "one_bit")
    assert base.result["ratios"].keys() == {"hybrid_over_ann", "hybrid_over_snn"}
    assert base.result["seeds"] == [0]
    assert base.result["workload"]["data"] == "digits"
    assert base.result["system"]["name"] == "quad_chiplet"


@pytest.mark.parametrize("variant", EVERY)
def test_figures_of_a_variant_are_finite_numbers_under_their_stable_names(base: Run, variant: str) -> None:
    found = base.result["variants"][variant]
    numbers = [found[name] for name in FIGURES]
    numbers += [found["quality"][name] for name in ("value", "spread")]
    numbers += [found["energy_pj"][name] for name in ("total", *ENERGY_PARTS)]
    assert all(math.isfinite(number) and number >= 0 for number in numbers)
    assert found["quality"]["metric"] == "accuracy"
    assert found["latency_ns"] > 0
    assert found["throughput_per_s"] > 0


@pytest.mark.parametrize("variant", EVERY)
def test_activity_is_a_share(base: Run, variant: str) -> None:
    found = base.result["variants"][variant]
    assert 0 <= found["activity"] <= 1
    assert all(0 <= item["events"] <= item["elements"] for item in found["boundaries"])


def test_a_result_is_json_and_comes_back_equal(base: Run) -> None:
    assert json.loads(json.dumps(base.result, allow_nan=False)) == base.result


@pytest.mark.parametrize("variant", ["ann", "hybrid"])
def test_quality_is_mean_and_spread_of_the_seeds(seeds: Run, variant: str) -> None:
    quality = seeds.result["variants"][variant]["quality"]
    assert quality["per_seed"] == [measured.quality for _, measured in seeds.of(variant)]
    assert quality["value"] == fmean(quality["per_seed"])
    assert quality["spread"] == pstdev(quality["per_seed"])
    assert all(0 <= value <= 1 for value in quality["per_seed"])


@pytest.mark.parametrize("variant", ["ann", "hybrid"])
def test_costs_are_means_of_the_reports_of_the_seeds(seeds: Run, variant: str) -> None:
    found = seeds.result["variants"][variant]
    reports = [measured.report for _, measured in seeds.of(variant)]
    assert len(reports) == 2
    for name in ("latency_ns", "throughput_per_s", "link_bits_packed", "link_bits_packetised"):
        assert found[name] == fmean(getattr(report, name) for report in reports)
    energies = [report.energy for report in reports if report.energy]
    assert found["energy_pj"]["total"] == pytest.approx(fmean(item.total_pj for item in energies), rel=1e-12)


@pytest.mark.parametrize("other", ["ann", "snn"])
def test_ratios_divide_the_figures_of_the_variants(base: Run, other: str) -> None:
    mine, theirs = base.result["variants"]["hybrid"], base.result["variants"][other]
    ratios = base.result["ratios"][f"hybrid_over_{other}"]
    assert ratios.keys() == {*RATIOS, "energy"}
    for name, figure in RATIOS.items():
        assert ratios[name] == _quotient(mine[figure], theirs[figure])
    assert ratios["energy"] == mine["energy_pj"]["total"] / theirs["energy_pj"]["total"]


def _quotient(mine: float, theirs: float) -> float | None:
    """Nothing can be said against a network that sends no packet at all, as this hardly trained SNN may."""
    return mine / theirs if theirs else None


@pytest.mark.parametrize("variant", ["ann", "hybrid", "low_rank", "one_bit"])
def test_bits_per_boundary_element_refer_to_the_elements_of_the_dense_network(base: Run, variant: str) -> None:
    found, elements = base.result["variants"][variant], base.result["workload"]["boundary_elements"]
    assert found["bits_per_boundary_element"] == pytest.approx(found["link_bits_packed"] / elements, rel=1e-12)


def test_dense_eight_bit_boundaries_cost_eight_bits_an_element_and_their_headers(base: Run) -> None:
    ann, elements = base.result["variants"]["ann"], base.result["workload"]["boundary_elements"]
    headers = 64 * sum(item["link_hops"] for item in ann["boundaries"])
    assert ann["link_bits_packed"] == 8 * elements + headers


def test_repeated_presentations_do_not_count_as_boundary_elements(base: Run) -> None:
    snn = base.result["variants"]["snn"]
    elements = sum(item["elements"] * item["link_hops"] for item in snn["boundaries"])
    assert snn["bits_per_boundary_element"] == pytest.approx(snn["link_bits_packed"] / (elements / 4), rel=1e-12)


@pytest.mark.parametrize("variant", ["ann", "hybrid"])
def test_every_seed_tells_how_its_training_went(seeds: Run, variant: str) -> None:
    runs: list[dict[str, Any]] = seeds.result["variants"][variant]["training"]
    assert [run["seed"] for run in runs] == seeds.result["seeds"] == [1, 0]
    for run in runs:
        assert run["curve"][-1]["step"] == run["steps"]
        assert run["seconds"] > 0


def test_all_variants_were_trained_for_the_same_number_of_steps(base: Run) -> None:
    steps = [title for title, _ in base.watcher.steps]
    taken = {name: steps.count(f"{name} · seed 0") for name in ("dense", *EVERY)}
    assert taken.pop("snn") == 4
    dense = taken.pop("dense")
    assert {dense + rest for rest in taken.values()} == {4}


def test_the_command_of_a_result_asks_for_the_same(base: Run) -> None:
    assert base.result["command"] == ("axonal compare digits --system quad_chiplet --network mlp --seeds 0 --steps 2,2")
