from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import wire_ranged_plain as slow
from hypothesis import given
from hypothesis import strategies as st
from wire_cases import quick
from wire_ranged_cases import contexts

from axonal.wire import PRECISION_BITS, Contexts, Ranged, quantised

TOTAL = 2**PRECISION_BITS


@st.composite
def shares(draw: st.DrawFn, most: int = 40) -> npt.NDArray[np.float64]:
    """Rows with zeros, ties, tiny and huge numbers."""
    tables, size = draw(st.integers(1, 4)), draw(st.integers(1, most))
    value = st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1), st.sampled_from([5e-324, 1e-9, 1e300]))
    found = np.array(draw(st.lists(value, min_size=tables * size, max_size=tables * size))).reshape(tables, size)
    found[~found.any(axis=1)] = 1
    return found


@quick
@given(shares())
def test_frequencies_are_positive_and_of_the_right_sum(probabilities: npt.NDArray[np.float64]) -> None:
    found = quantised(probabilities)
    assert found.dtype == np.uint16
    assert found.shape == probabilities.shape
    assert found.min() >= 1
    assert (found.sum(axis=1, dtype=np.int64) == TOTAL).all()


@quick
@given(shares())
def test_a_likelier_symbol_never_has_a_lower_frequency(probabilities: npt.NDArray[np.float64]) -> None:
    for share, frequency in zip(probabilities, quantised(probabilities).astype(int), strict=True):
        order = np.argsort(share, kind="stable")
        rising = np.diff(share[order]) > 0
        assert (np.diff(frequency[order])[rising] >= 0).all()


@quick
@given(shares(most=12))
def test_no_unit_can_be_moved_to_save_a_thousandth_of_a_bit(probabilities: npt.NDArray[np.float64]) -> None:
    scaled = probabilities / probabilities.max(axis=1, keepdims=True)
    share = scaled / scaled.sum(axis=1, keepdims=True)
    frequency = quantised(probabilities).astype(np.float64)
    gain = (share * np.log2((frequency + 1) / frequency)).max(axis=1)
    with np.errstate(divide="ignore"):
        costs = np.where(frequency > 1, share * np.log2(frequency / np.maximum(frequency - 1, 1)), np.inf)
    assert (gain - costs.min(axis=1) < 1e-6).all()


def test_integers_of_the_right_sum_stay_what_they_are() -> None:
    exact = np.array([[1, 383, 16000], [16382, 1, 1], [5462, 5461, 5461]])
    np.testing.assert_array_equal(quantised(exact / TOTAL), exact)
    np.testing.assert_array_equal(quantised(exact * 1e-200), exact)


def test_the_largest_alphabet_fits_and_ties_go_to_the_first() -> None:
    assert set(quantised(np.ones((2, 2**12))).ravel()) == {4}
    assert quantised(np.ones((1, 3))).tolist() == [[5462, 5461, 5461]]
    assert quantised(np.ones((1, 1))).tolist() == [[TOTAL]]
    lone = np.eye(1, 2**12)
    assert quantised(lone)[0].tolist() == [TOTAL - 4095, *[1] * 4095]


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        (np.array([[0.5, np.nan]]), r"probabilities\[0, 1\] is nan, must be finite and >= 0"),
        (np.array([[0.5, 0.5], [np.inf, 0]]), r"probabilities\[1, 0\] is inf, must be finite"),
        (np.array([[0.5, -0.1]]), r"probabilities\[0, 1\] is -0.1, must be finite and >= 0"),
        (np.array([[1.0, 1.0], [0, 0]]), r"probabilities\[1\] sum to 0.*add a prior"),
        (np.ones((1, 2**12 + 1)), "alphabet of 1 to 4096: clip the symbols"),
        (np.ones((2, 0)), "alphabet of 1 to 4096"),
        (np.ones(4), r"shape \(4,\), must be \(tables, alphabet\)"),
    ],
)
def test_probabilities_that_are_none_are_refused(probabilities: npt.NDArray[np.float64], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        quantised(probabilities)


@quick
@given(where=contexts(), inferences=st.integers(0, 4), seed=st.integers(0, 99))
def test_rows_are_those_of_a_plain_walk(where: Contexts, inferences: int, seed: int) -> None:
    shape = (inferences * where.positions, where.channels)
    symbols = np.random.default_rng(seed).integers(-1, 2, shape)
    table = np.full((where.channels * where.number, 4), TOTAL // 4)
    model = slow.Model(Ranged.of(table, -2, where))
    walked = []
    for symbol in symbols.ravel().tolist():
        walked.append(model.row())
        model.take(symbol + 2)
    assert where.rows(symbols).ravel().tolist() == walked


def test_an_inference_starts_without_a_past() -> None:
    where = Contexts(parents=(((2, 0),),), positions=3)
    assert where.rows(np.ones((9, 1), dtype=int)).ravel().tolist() == [0, 0, 1] * 3


def test_a_parent_as_far_back_as_an_inference_is_long_always_reads_as_zero() -> None:
    where = Contexts(parents=(((3, 0),), ((9, 1),)), positions=3)
    assert where.rows(np.ones((9, 2), dtype=int)).tolist() == [[0, 3]] * 9


@pytest.mark.parametrize(
    ("parents", "positions", "reason"),
    [
        ((((0, 0),),), 4, r"parents\[0\] has channel 0, must be 0 to -1 at 0 positions back"),
        ((((1, 0),), ((0, 1),)), 4, r"parents\[1\] has channel 1, must be 0 to 0 at 0 positions back"),
        ((((1, 1),),), 4, r"parents\[0\] has channel 1, must be 0 to 0 at 1 positions back"),
        ((((-1, 0),),), 4, r"parents\[0\] looks back -1 positions, must be >= 0"),
        (((), ((1, 0),)), 4, r"parents\[1\] has 1 pairs, .* has 0: fill up with \(4, 0\)"),
        ((((1, 0),) * 4,), 4, r"parents\[0\] has 4 pairs, must have 0 to 3"),
        (((),), 0, "positions is 0, must be >= 1"),
        ((), 4, "parents has 0 channels"),
    ],
)
def test_parents_that_no_receiver_knows_are_refused(
    parents: tuple[tuple[tuple[int, int], ...], ...], positions: int, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Contexts(parents=parents, positions=positions)


def test_symbols_of_another_shape_have_no_rows() -> None:
    where = Contexts(parents=(((1, 0),), ((1, 0),)), positions=3)
    with pytest.raises(ValueError, match=r"shape \(3, 3\), must have \(N, 2\)"):
        where.rows(np.zeros((3, 3), dtype=int))
    with pytest.raises(ValueError, match="4 positions, must be a multiple of 3: pad the inference"):
        where.rows(np.zeros((4, 2), dtype=int))
