from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_cases import quick
from wire_ranged_cases import KINDS, contexts, sparse

from axonal.wire import PRECISION_BITS, Contexts, Ranged, chosen_contexts, fitted

Symbols = npt.NDArray[np.int64]


def cost_bits(symbols: Symbols, where: Contexts, low: int, size: int) -> float:
    half = len(symbols) // 2 // where.positions * where.positions
    fmt = Ranged.of(fitted(symbols[:half], low, size, where), low, where)
    return fmt.cost_bits(symbols[half:])


def alone(channels: int, positions: int) -> Contexts:
    return Contexts(parents=((),) * channels, positions=positions)


@quick
@given(where=contexts(), inferences=st.integers(0, 4), kind=st.sampled_from([*KINDS]), prior=st.floats(1e-3, 10))
def test_any_symbols_make_a_sound_table(where: Contexts, inferences: int, kind: str, prior: float) -> None:
    low, size, values = KINDS[kind]
    symbols = sparse(np.random.default_rng(1), (inferences * where.positions, where.channels), 0.3, values)
    table = fitted(symbols, low, size, where, prior)
    assert table.shape == (where.channels * where.number, size)
    assert np.isfinite(Ranged.of(table, low, where).cost_bits(symbols))


def test_a_table_of_many_symbols_is_their_share() -> None:
    symbols = np.tile([[0, 1], [0, 0], [0, 0], [1, 0]], (5000, 1))
    table = fitted(symbols, 0, 2, alone(2, 4)) / 2**PRECISION_BITS
    np.testing.assert_allclose(table, 0.25 * np.array([[3, 1], [3, 1]]), atol=1e-3)


def test_a_context_that_never_occurred_has_the_table_of_its_channel() -> None:
    symbols = sparse(np.random.default_rng(2), (2000, 1), 0.2, [1])
    where = Contexts(parents=(((1, 0),),), positions=10)
    never, marginal = fitted(symbols, 0, 2, where)[2], fitted(symbols, 0, 2, alone(1, 10))[0]
    np.testing.assert_allclose(never.astype(int), marginal.astype(int), atol=2)


def test_a_channel_that_copies_another_costs_nearly_nothing() -> None:
    first = sparse(np.random.default_rng(3), (8000, 1), 0.2, [-1, 1])
    symbols = np.concatenate([first, first], axis=1)
    where = chosen_contexts(symbols, positions=50, parents=1)
    assert where.parents[1] == ((0, 0),)
    assert where.parents[0] == ((50, 0),)
    assert cost_bits(symbols, where, -1, 3) < 0.52 * cost_bits(symbols, alone(2, 50), -1, 3)


def test_a_delayed_copy_is_found_at_its_distance() -> None:
    symbols = sparse(np.random.default_rng(14), (8000, 6), 0.1, [1, 2, 3])
    symbols[3:, 2] = symbols[:-3, 5]
    where = chosen_contexts(symbols, positions=8000, parents=1, backs=(1, 2, 3))
    assert where.parents[2] == ((3, 5),)
    assert all(pairs == ((8000, 0),) for channel, pairs in enumerate(where.parents) if channel != 2)


def test_two_parents_find_what_only_both_together_say_more_about() -> None:
    symbols = sparse(np.random.default_rng(5), (8000, 8), 0.3, [1])
    symbols[:, 7] = symbols[:, 1] | symbols[:, 4]
    where = chosen_contexts(symbols, positions=40, parents=2)
    assert set(where.parents[7]) == {(0, 1), (0, 4)}
    assert cost_bits(symbols, where, 0, 2) < 0.93 * cost_bits(symbols, alone(8, 40), 0, 2)


def test_three_parents_cost_no_more_than_none_on_noise() -> None:
    symbols = sparse(np.random.default_rng(6), (4000, 24), 0.1, [-1, 1])
    where = chosen_contexts(symbols, positions=40, parents=3)
    assert cost_bits(symbols, where, -1, 3) < 1.01 * cost_bits(symbols, alone(24, 40), -1, 3)


@pytest.mark.parametrize("parents", [0, 1, 2, 3])
def test_a_lone_channel_without_a_past_has_silent_parents(parents: int) -> None:
    where = chosen_contexts(np.ones((20, 1), dtype=np.int8), positions=10, parents=parents, backs=())
    assert where == Contexts(parents=(((10, 0),) * parents,), positions=10)


def test_no_symbols_choose_silent_parents() -> None:
    assert chosen_contexts(np.zeros((0, 2), dtype=np.int8), 10, 1).parents == (((10, 0),),) * 2


def test_information_is_not_taken_across_the_start_of_an_inference() -> None:
    symbols = sparse(np.random.default_rng(7), (8000, 1), 0.3, [1])
    symbols[1::2] = symbols[:-1:2]
    assert chosen_contexts(symbols, positions=4, parents=1).parents == (((1, 0),),)
    assert chosen_contexts(symbols, positions=1, parents=1).parents == (((1, 0),),)
    assert chosen_contexts(np.roll(symbols, 1), positions=2, parents=1).parents == (((2, 0),),)


SOUND: dict[str, Any] = {"symbols": np.zeros((8, 2), dtype=int), "low": 0, "alphabet": 2, "contexts": alone(2, 4)}


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"prior": 0.0}, ValueError, "prior is 0.0, must be > 0"),
        ({"prior": float("nan")}, ValueError, "prior is nan, must be > 0"),
        ({"alphabet": 0}, ValueError, "alphabet is 0, must be 1 to 4096"),
        ({"alphabet": 4097}, ValueError, "alphabet is 4097, must be 1 to 4096"),
        ({"low": 1}, ValueError, "symbols are 0 to 0, must be 1 to 2: change low or alphabet"),
        ({"low": -2}, ValueError, "symbols are 0 to 0, must be -2 to -1"),
        ({"symbols": np.zeros((8, 2))}, TypeError, "float64, must be integers"),
        ({"symbols": np.zeros((8, 3), dtype=int)}, ValueError, "must have \\(N, 2\\)"),
    ],
)
def test_what_cannot_be_fitted_is_refused(changes: dict[str, Any], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        fitted(**{**SOUND, **changes})


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"parents": 4}, ValueError, "parents is 4, must be 0 to 3"),
        ({"parents": -1}, ValueError, "parents is -1, must be 0 to 3"),
        ({"backs": (1, 0)}, ValueError, r"backs is \(1, 0\), must be >= 1 each"),
        ({"positions": 0}, ValueError, "positions is 0, must be >= 1"),
        ({"positions": 3}, ValueError, "8 positions, must be a multiple of 3"),
        ({"symbols": np.zeros(8, dtype=int)}, ValueError, r"shape \(8,\), must have \(N, channels\)"),
        ({"symbols": np.zeros((8, 2))}, TypeError, "float64, must be integers"),
    ],
)
def test_contexts_that_cannot_be_chosen_are_refused(
    changes: dict[str, Any], error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        chosen_contexts(**{"symbols": np.zeros((8, 2), dtype=int), "positions": 4, "parents": 1, **changes})
