"""Numbers keep their value when they are dressed for people."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonal.views.comparison import Comparison, Row, comparison
from axonal.views.numbers import BIT, NARROW_SPACE, NS, PJ, PREFIXES, QualityScale, compact, is_number, significant

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
FACTORS = {prefix: 10.0**power for power, prefix in PREFIXES.items()}


def parsed(text: str) -> float:
    text = text.replace(NARROW_SPACE, "").replace("\u2212", "-").replace("\u00d710", "e").translate(SUPERSCRIPTS)
    return float(text)


@given(st.floats(min_value=-1e15, max_value=1e15).filter(lambda value: abs(value) > 1e-15))
def test_three_digits_are_within_half_of_the_last_one(value: float) -> None:
    assert parsed(significant(value)) == pytest.approx(value, rel=0.5001e-2)


@given(st.floats(min_value=1e-3, max_value=9.99e5))
def test_every_number_shows_three_significant_digits(value: float) -> None:
    digits = re.sub(r"\D", "", significant(value)).lstrip("0")
    assert len(digits.rstrip("0")) <= 3 <= max(len(digits), 3)
    assert len(digits) >= 3


@given(st.floats(min_value=1e-6, max_value=1e9), st.sampled_from([NS, PJ, BIT]))
def test_prefix_leaves_one_to_three_digits_before_the_point(value: float, unit: Any) -> None:
    text, name = unit.text(value).split(" ")
    factor = FACTORS[name.removesuffix(unit.symbol)]
    assert parsed(text) * factor == pytest.approx(value * 10.0**unit.exponent, rel=0.51e-2)
    assert 1 <= parsed(text) < 1000


@given(st.lists(st.floats(min_value=1e-3, max_value=1e9), min_size=1, max_size=6))
def test_values_of_a_group_share_one_unit_and_keep_their_order(values: list[float]) -> None:
    scale = PJ.scale(values)
    shown = [parsed(scale.text(value)) for value in values]
    assert sorted(shown) == [parsed(scale.text(value)) for value in sorted(values)]


def test_missing_values_do_not_choose_the_prefix() -> None:
    assert PJ.scale([None, math.nan, 0.0, 5e4]) == PJ.scale([5e4])  # type: ignore[list-item]


@pytest.mark.parametrize("value", [None, True, "1", math.nan, math.inf])
def test_what_json_has_no_number_for_is_none(value: Any) -> None:
    assert not is_number(value)


@given(st.integers(min_value=0, max_value=10**9))
def test_ticks_are_exact(value: int) -> None:
    value = int(float(f"{value:.4g}"))
    text = compact(float(value))
    prefix = text.lstrip("0123456789.")
    assert float(text.removesuffix(prefix)) * FACTORS[prefix] == pytest.approx(value)


def test_accuracy_is_shown_in_percent_and_bits_per_byte_with_three_decimals() -> None:
    assert QualityScale.of("accuracy").with_unit(0.9812) == "98.1 %"
    assert QualityScale.of("accuracy").delta_with_unit(-0.004) == "\u22120.4 points"
    assert QualityScale.of("bits_per_byte").with_unit(1.23456) == "1.235"


def test_components_and_total_of_the_energy_share_a_unit(result: dict[str, Any]) -> None:
    rows = [row for row in comparison(result).rows if row.part or row.title.startswith("Energy")]
    assert len(rows) == 6
    assert len({row.unit for row in rows}) == 1


def winners(compared: Comparison, row: Row) -> list[str]:
    return [column.key for column, cell in zip(compared.columns, row.cells, strict=True) if cell.best]


def test_best_is_the_lowest_cost_and_the_highest_quality(result: dict[str, Any]) -> None:
    compared = comparison(result)
    best = {row.title: winners(compared, row) for row in compared.rows}
    everyone = result["variants"]
    assert best["Accuracy"] == [max(everyone, key=lambda name: everyone[name]["quality"]["value"])]
    assert best["Latency"] == [min(everyone, key=lambda name: everyone[name]["latency_ns"])]
    assert best["Throughput"] == [max(everyone, key=lambda name: everyone[name]["throughput_per_s"])]
    assert best["Activity"] == []


def test_lower_is_better_where_the_measure_says_so(result: dict[str, Any]) -> None:
    for variant in result["variants"].values():
        variant["quality"] |= {"metric": "bits_per_byte", "higher_is_better": False}
    compared = comparison(result)
    everyone = result["variants"]
    assert winners(compared, compared.rows[0]) == [min(everyone, key=lambda name: everyone[name]["quality"]["value"])]


def test_nothing_is_best_where_all_are_equal(result: dict[str, Any]) -> None:
    for variant in result["variants"].values():
        variant["latency_ns"] = 500.0
    row = next(row for row in comparison(result).rows if row.title == "Latency")
    assert not any(cell.best for cell in row.cells)
