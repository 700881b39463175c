"""What a set of points says: who is dominated, bits at equal quality, and their ratios."""

from __future__ import annotations

import math
from typing import Any

import pytest
from front_points import point
from hypothesis import given
from hypothesis import strategies as st

from axonal.study.front import bits_at, front, summary

Row = dict[str, Any]

COSTS, LOSSES = st.floats(0.01, 20), st.floats(-0.05, 0.4)


@st.composite
def rows(draw: st.DrawFn, most: int = 6) -> list[Row]:
    """Entries of one code, any loss at any cost."""
    costs = draw(st.lists(COSTS, min_size=1, max_size=most, unique=True))
    return [{"bits": bits, "packets": 2 * bits, "loss": draw(LOSSES)} for bits in costs]


@st.composite
def points(draw: st.DrawFn) -> list[Row]:
    """Points of some codes and targets, some of them equally good."""
    few = st.sampled_from([0.1, 0.2, 0.5, 1.0, 2.0])
    places = draw(st.lists(st.tuples(st.sampled_from("abc"), few), min_size=1, max_size=8, unique=True))
    return [
        point(code, draw(few), draw(st.sampled_from([0.6, 0.8, 0.85, 0.9])), target=target) for code, target in places
    ]


@given(points())
def test_an_entry_is_dominated_when_another_is_no_worse_in_both_and_better_in_one(given_: list[Row]) -> None:
    found = front(given_)
    assert len(found) == len(given_)
    for row in found:
        better = [
            other
            for other in found
            if other["bits"] <= row["bits"]
            and other["quality"] >= row["quality"]
            and (other["bits"], other["quality"]) != (row["bits"], row["quality"])
        ]
        assert row["dominated"] == bool(better)
    assert [row["bits"] for row in found] == sorted(row["bits"] for row in found)
    assert any(not row["dominated"] for row in found)


@given(points(), st.randoms())
def test_the_order_of_points_does_not_matter(given_: list[Row], random: Any) -> None:
    turned = list(given_)
    random.shuffle(turned)

    def by_place(found: list[Row]) -> list[Row]:
        return sorted(found, key=lambda row: (row["code"], row["target"]))

    assert by_place(front(turned)) == by_place(front(given_))


def test_seeds_of_a_target_are_one_entry_with_mean_and_spread() -> None:
    seeds = [point("graded", bits, quality, target=0.2, seed=seed) for seed, (bits, quality) in enumerate(
        [(0.1, 0.8), (0.2, 0.9), (0.3, 0.85)]
    )]  # fmt: skip
    (row,) = front(seeds)
    assert (row["seeds"], row["code"], row["target"]) == (3, "graded", 0.2)
    assert row["bits"] == pytest.approx(0.2)
    assert row["quality"] == pytest.approx(0.85)
    assert row["loss"] == pytest.approx(0.05)
    assert row["bits_spread"] == pytest.approx(math.sqrt(2 / 3) * 0.1)


def test_fewer_bits_of_a_byte_are_no_loss() -> None:
    (row,) = front([point("graded", 0.2, 1.9, quality_metric="bits_per_byte", dense_quality=2.0)])
    assert row["loss"] == pytest.approx(-0.1)


def test_the_way_is_the_one_that_takes_less_energy() -> None:
    charges = {"energy_pj_coded": 5.0, "latency_ns_coded": 100.0, "energy_pj_packets": 3.0, "latency_ns_packets": 7.0}
    (row,) = front([point("graded", 0.2, 0.9, **charges)])
    assert (row["way"], row["energy_pj"], row["latency_ns"]) == ("packets", 3.0, 7.0)
    (row,) = front([point("graded", 0.2, 0.9, **charges | {"energy_pj_coded": 1.0})])
    assert (row["way"], row["energy_pj"], row["latency_ns"]) == ("coded", 1.0, 100.0)


def test_the_error_of_the_estimate_is_the_worst_of_the_seeds() -> None:
    seeds = [point("graded", 1.0, 0.9, seed=n, estimated_bits_per_element=x) for n, x in enumerate((1.0, 0.8, 1.25))]
    assert front(seeds)[0]["estimate_error"] == pytest.approx(0.25)


@given(rows(), LOSSES, LOSSES)
def test_who_may_lose_more_needs_no_more_bits(given_: list[Row], one: float, other: float) -> None:
    strict, lax = bits_at(given_, min(one, other)), bits_at(given_, max(one, other))
    assert strict is None or (lax is not None and lax <= strict * (1 + 1e-9))


@given(rows(), LOSSES)
def test_bits_at_a_loss_lie_within_what_was_measured_and_are_none_when_it_is_never_reached(
    given_: list[Row], loss: float
) -> None:
    found = bits_at(given_, loss)
    reaching = [row["bits"] for row in given_ if row["loss"] <= loss]
    assert (found is None) == (not reaching)
    if found is not None:
        assert min(row["bits"] for row in given_) * (1 - 1e-9) <= found <= min(reaching) * (1 + 1e-9)
    packets = bits_at(given_, loss, "packets")
    assert packets is None or (found is not None and packets == pytest.approx(2 * found))


def test_between_two_targets_the_loss_is_linear_in_the_logarithm_of_the_bits() -> None:
    given_ = [{"bits": 1.0, "loss": 0.01}, {"bits": 0.25, "loss": 0.03}]
    assert bits_at(given_, 0.02) == pytest.approx(0.5)
    assert bits_at(given_, 0.03) == pytest.approx(0.25)
    assert bits_at(given_, 0.01) == pytest.approx(1.0)
    assert bits_at(given_, 1.0) == pytest.approx(0.25), "nothing is assumed beyond the cheapest"
    assert bits_at(given_, 0.009) is None


def test_a_summary_compares_the_best_of_each_kind_at_equal_quality() -> None:
    found = summary(
        [
            point("graded", 0.1, 0.9),
            point("ternary", 0.2, 0.9),
            point("few_spikes", 0.01, 0.1),
            point("int2", 1.5, 0.9),
            point("int4", 0.5, 0.9),
            point("bottleneck", 0.15, 0.9),
            point("bottleneck_noise", 0.3, 0.9),
        ]
    )
    assert found["spikes"] == {"code": "graded", "bits": 0.1}
    assert found["controls"] == {"code": "int4", "bits": 0.5}
    assert found["bottleneck"] == {"code": "bottleneck", "bits": 0.15}
    assert found["int8_over_spikes"] == pytest.approx(80)
    assert found["controls_over_spikes"] == pytest.approx(5)
    assert found["bottleneck_over_spikes"] == pytest.approx(1.5)
    assert found["loss"] == 0.005
    assert found["by_code"]["few_spikes"] is None


def test_a_summary_without_a_kind_has_no_ratio() -> None:
    found = summary([point("graded", 0.1, 0.9)])
    assert (found["controls"], found["bottleneck"]) == (None, None)
    assert (found["controls_over_spikes"], found["bottleneck_over_spikes"]) == (None, None)
    lossy = summary([point("graded", 0.1, 0.5), point("int4", 1.0, 0.9)])
    assert (lossy["spikes"], lossy["int8_over_spikes"], lossy["controls_over_spikes"]) == (None, None, None)
    assert summary([point("graded", 0.1, 0.5)], loss=0.5)["spikes"] == {"code": "graded", "bits": 0.1}


def test_no_points_say_nothing() -> None:
    assert front([]) == []
    with pytest.raises(ValueError, match="there are no points to compare: run some codes"):
        summary([])
