from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonal.hardware.limits import Limits
from axonal.hardware.quantity import (
    BANDWIDTH,
    COUNT,
    CYCLES,
    DIMENSIONS,
    ENERGY,
    ENERGY_PER_BIT,
    FREQUENCY,
    POWER,
    SIZE,
    TIME,
    Dimension,
    read,
)

fractions = st.sampled_from([dimension for dimension in DIMENSIONS if not dimension.whole])
dimensions = st.sampled_from(DIMENSIONS)
numbers = st.floats(min_value=1e-6, max_value=1e6)


@given(st.data(), fractions, numbers)
def test_a_number_survives_a_round_trip_through_any_unit(
    data: st.DataObject, dimension: Dimension, number: float
) -> None:
    unit, worth = data.draw(st.sampled_from(list(dimension.scale.items())))
    assert read(f"{number / worth!r} {unit}", dimension) == pytest.approx(number)


@given(st.integers(min_value=0, max_value=10**9), st.sampled_from(["bit", "kbit", "Mbit", "B", "KiB", "MiB"]))
def test_sizes_are_whole_bits_in_every_unit(number: int, unit: str) -> None:
    bits = read(f"{number} {unit}", SIZE)
    assert isinstance(bits, int)
    assert bits == number * {"bit": 1, "kbit": 1000, "Mbit": 10**6, "B": 8, "KiB": 8192, "MiB": 8 * 2**20}[unit]


@given(dimensions, st.integers(min_value=0, max_value=10**6))
def test_what_a_dimension_writes_it_reads(dimension: Dimension, number: int) -> None:
    assert read(dimension.write(number), dimension) == number


@pytest.mark.parametrize(
    ("text", "dimension", "number"),
    [
        ("18 fJ", ENERGY, 0.018),
        ("2nJ", ENERGY, 2000.0),
        ("-1.5e-3 pJ/bit", ENERGY_PER_BIT, -0.0015),
        ("+.5 us", TIME, 500.0),
        ("0.5 \u00b5s", TIME, 500.0),
        ("0.5 \u03bcs", TIME, 500.0),
        ("32 GB/s", BANDWIDTH, 256.0),
        ("1 Tb/s", BANDWIDTH, 1000.0),
        ("250 Mb/s", BANDWIDTH, 0.25),
        ("128 KiB", SIZE, 1048576),
        ("1.5 kbit", SIZE, 1500),
        ("400 MHz", FREQUENCY, 0.4),
        ("300 uW", POWER, 0.3),
        ("  1 cycle ", CYCLES, 1),
        ("64", COUNT, 64),
    ],
)
def test_quantities_are_read_in_the_unit_of_the_code(text: str, dimension: Dimension, number: float) -> None:
    assert read(text, dimension) == pytest.approx(number)


@given(dimensions.filter(lambda dimension: dimension is not COUNT), numbers)
def test_a_number_without_unit_is_refused_with_an_example(dimension: Dimension, number: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"needs a unit; write for example `{dimension.example}`")):
        read(str(number), dimension)


@given(dimensions, dimensions)
def test_a_unit_of_another_dimension_is_refused_and_named(wanted: Dimension, given_one: Dimension) -> None:
    if wanted is given_one or given_one is COUNT:
        return
    with pytest.raises(ValueError, match=f"expected {wanted.noun}, .* is a unit of {given_one.noun}$"):
        read(f"3 {given_one.unit}", wanted)


@given(dimensions, st.sampled_from(["nan", "inf", "-inf", "NaN", ".inf", "1e999", "-1e999"]))
def test_numbers_that_are_not_finite_are_refused(dimension: Dimension, text: str) -> None:
    with pytest.raises(ValueError, match=r"^(expected|must be a finite number)"):
        read(f"{text} {dimension.unit}".strip(), dimension)


@pytest.mark.parametrize("text", ["", "pJ", "1,5 pJ", "1 2 pJ", "0x8 pJ", "1_000 pJ", "1e3e3 pJ", "1 pJ!", "\u0663 pJ"])
def test_text_that_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected an energy, for example `0\.018 pJ`$"):
        read(text, ENERGY)


@given(st.text(max_size=12), dimensions)
def test_any_text_is_read_or_refused_with_a_value_error(text: str, dimension: Dimension) -> None:
    try:
        number = read(text, dimension)
    except ValueError:
        return
    assert read(dimension.write(number), dimension) == pytest.approx(number)


@pytest.mark.parametrize(("text", "near"), [("1 GHZ", "GHz"), ("1 MHZ", "MHz"), ("1 Ghz", "GHz")])
def test_a_misspelt_unit_is_answered_with_the_near_one(text: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean '{near}'"):
        read(text, FREQUENCY)


@pytest.mark.parametrize(("text", "dimension"), [("0.5 bit", SIZE), ("2.5 cycles", CYCLES), ("1.5", COUNT)])
def test_parts_of_a_bit_a_cycle_or_a_lane_are_refused(text: str, dimension: Dimension) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        read(text, dimension)


@given(st.integers(min_value=-10, max_value=110))
def test_limits_hold_exactly_at_their_ends(number: int) -> None:
    limits = Limits(dimension=FREQUENCY, low=0, high=100, above=True)
    if 0 < number <= 100:
        assert limits.read(f"{number} GHz") == number
    else:
        with pytest.raises(ValueError, match="must be > 0 GHz" if number <= 0 else "must be <= 100 GHz"):
            limits.read(f"{number} GHz")
