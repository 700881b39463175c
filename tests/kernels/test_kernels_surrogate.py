from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from kernels_unrolled import SURROGATES, quick

from axonal.kernels import ATan, StraightThrough, Surrogate, Triangle

RATIOS = torch.linspace(-8, 8, 3201, dtype=torch.float64)


@given(
    kind=st.sampled_from([ATan, Triangle, StraightThrough]),
    width=st.floats(0.1, 10),
    levels=st.integers(1, 8),
    signed=st.booleans(),
)
@quick
def test_derivative_is_never_negative_and_somewhere_positive(
    kind: type[ATan], width: float, levels: int, signed: bool
) -> None:
    slope = kind(width).derivative(RATIOS, levels, signed)
    assert float(slope.min()) >= 0
    assert float(slope[RATIOS.isclose(torch.tensor(1.0, dtype=torch.float64))].min()) > 0


@pytest.mark.parametrize(
    "surrogate", [ATan(), ATan(0.5), ATan(6.0), Triangle(), Triangle(0.3), Triangle(2.5)], ids=repr
)
def test_derivative_integrates_to_one_over_a_single_crossing(surrogate: Surrogate) -> None:
    ratios = torch.linspace(-2000, 2000, 4_000_001, dtype=torch.float64)
    area = torch.trapezoid(surrogate.derivative(ratios, 1, False), ratios)
    assert float(area) == pytest.approx(1, abs=2e-3)


def test_straight_through_is_one_up_to_its_width_beyond_the_last_level() -> None:
    slope = StraightThrough(0.5).derivative(torch.tensor([-0.6, -0.4, 0.0, 3.0, 3.4, 3.6]), 3, False)
    assert slope.tolist() == [0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_unsigned_neurons_get_no_bump_at_negative_ratios(surrogate: Surrogate) -> None:
    below = RATIOS[RATIOS <= 1]
    slope = surrogate.derivative(below, 3, False)
    assert bool((slope.diff() >= -1e-12).all())
    assert bool((slope[below <= -1] < slope[-1]).all())


@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_signed_neurons_are_symmetric(surrogate: Surrogate) -> None:
    slope = surrogate.derivative(RATIOS, 3, True)
    torch.testing.assert_close(slope, slope.flip(0))


@pytest.mark.parametrize("surrogate", [ATan(), Triangle()], ids=repr)
def test_each_level_has_a_peak_at_its_crossing(surrogate: Surrogate) -> None:
    crossings = surrogate.derivative(torch.arange(1.0, 5.0), 4, False)
    between = surrogate.derivative(torch.arange(1.5, 5.0), 4, False)
    assert torch.equal(crossings, crossings[0].expand(4))
    assert float(between.max()) < float(crossings[0])


@pytest.mark.parametrize("kind", [ATan, Triangle, StraightThrough])
@pytest.mark.parametrize("width", [0.0, -1.0, math.nan, math.inf])
def test_a_width_that_is_no_width_is_refused(kind: type[ATan], width: float) -> None:
    with pytest.raises(ValueError, match=r"width is .* must be > 0 and finite"):
        kind(width)
