"""Tables and contexts from symbols that were seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from axonal.wire.alphabet import check_integers
from axonal.wire.compiled import compiled
from axonal.wire.tables import CLASSES, MAX_ALPHABET, MAX_PARENTS, Contexts, classes, delayed, quantised

__all__ = ["chosen_contexts", "fitted"]

_STRENGTH = 8.0
"""Symbols of the whole channel that the table of a context is thought to have seen beside its own."""

_CLIP = 2
"""Target symbols are told apart up to this magnitude when contexts are chosen."""


def fitted(
    symbols: npt.NDArray[Any], low: int, alphabet: int, contexts: Contexts, prior: float = 0.5
) -> npt.NDArray[np.uint16]:
    """Frequencies for `Ranged`, `(channels * contexts.number, alphabet)`.

    p(s | channel, context) = (n(s, context) + strength q(s)) / (n(context) + strength), where
    q(s) = (n(s) + prior) / (n + prior alphabet) is the share of a symbol in its channel and strength is 8.

    Args:
        symbols: Integers `(N, channels)`, N a multiple of `contexts.positions`.
        low: The smallest symbol.
        alphabet: Number of symbols.
        contexts: Which table a symbol counts for.
        prior: Times that each symbol is thought to have been seen in each channel beforehand, > 0.

    Raises:
        TypeError: Symbols are no integers.
        ValueError: A symbol is outside the alphabet, the shape is wrong, or the prior is not positive.
    """
    if not (prior > 0 and np.isfinite(prior)):
        raise ValueError(f"prior is {prior}, must be > 0 and finite")
    if not 1 <= alphabet <= MAX_ALPHABET:
        raise ValueError(f"alphabet is {alphabet}, must be 1 to {MAX_ALPHABET}: clip the symbols")
    check_integers(symbols)
    cells = contexts.rows(symbols) * alphabet + (symbols.astype(np.int64) - low)
    if symbols.size and not low <= int(symbols.min()) <= int(symbols.max()) < low + alphabet:
        raise ValueError(
            f"symbols are {symbols.min()} to {symbols.max()}, must be {low} to {low + alphabet - 1}: change low or "
            f"alphabet"
        )
    shape = (contexts.channels, contexts.number, alphabet)
    counts = np.bincount(cells.ravel(), minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)
    own = counts.sum(axis=1, keepdims=True) + prior
    shares = own / own.sum(axis=2, keepdims=True)
    smooth = (counts + _STRENGTH * shares) / (counts.sum(axis=2, keepdims=True) + _STRENGTH)
    return quantised(smooth.reshape(-1, alphabet))


def chosen_contexts(symbols: npt.NDArray[Any], positions: int, parents: int, backs: tuple[int, ...] = (1,)) -> Contexts:
    """The parents that say most about each channel, chosen one after the other.

    Each next parent y of a channel x is the one that adds most to what is known beside the parents z chosen before:
    N I(x; y | z) - sum_z (|x| - 1) (|y| - 1) log2(N) / 2 - log2(M), the empirical conditional mutual information
    less what it takes to learn the larger table and to name one of M candidates, all in bits (Rissanen, 1978).
    Magnitudes of x above 2 count as 2. Where none gains, the parent is `(positions, 0)`, which always reads as zero.

    Args:
        symbols: Integers `(N, channels)`, N a multiple of `positions`. All pairs of channels are related at each,
            so that some 20,000 positions are better than millions.
        positions: Positions of an inference.
        parents: Parents of each channel, 0 to 3.
        backs: How many positions back a parent may lie, each >= 1; an earlier channel of the same position always may.

    Raises:
        TypeError: Symbols are no integers.
        ValueError: The shape is wrong, or a number is out of its range.
    """
    check_integers(symbols)
    if not 0 <= parents <= MAX_PARENTS:
        raise ValueError(f"parents is {parents}, must be 0 to {MAX_PARENTS}")
    if any(back < 1 for back in backs):
        raise ValueError(f"backs is {backs}, must be >= 1 each: the same position is always looked at")
    if symbols.ndim != 2 or symbols.shape[1] == 0:
        raise ValueError(f"symbols have the shape {symbols.shape}, must have (N, channels)")
    candidates = _Candidates(symbols, positions, (0, *sorted(set(backs))))
    targets = np.clip(symbols, -_CLIP, _CLIP).astype(np.int8)
    chosen = (_greedy(candidates, target, channel, parents) for channel, target in enumerate(targets.T))
    return Contexts(parents=tuple(chosen), positions=positions)


class _Candidates:
    """All neighbours of a symbol, and their events, those of a position together."""

    def __init__(self, symbols: npt.NDArray[Any], positions: int, backs: tuple[int, ...]) -> None:
        if positions < 1:
            raise ValueError(f"positions is {positions}, must be >= 1")
        found = classes(symbols)
        self.channels = symbols.shape[1]
        self.backs = backs
        self.silent = (positions, 0)
        self.values = np.concatenate([delayed(found, positions, back) for back in backs], axis=1)
        place, column = np.nonzero(self.values)
        self._columns = ((self.values[place, column] - 1).astype(np.int64) * self.values.shape[1] + column).astype(
            np.int32
        )
        self._ends = np.cumsum(np.bincount(place, minlength=len(self.values)))

    def pair(self, column: int) -> tuple[int, int]:
        """Positions back and channel of a column."""
        back, channel = divmod(column, self.channels)
        return self.backs[back], channel

    def joint(self, cells: npt.NDArray[np.int64], number: int) -> npt.NDArray[np.float64]:
        """How often each of the numbered cells meets each class of each candidate, `(number, CLASSES, columns)`."""
        columns = self.values.shape[1]
        counts = np.zeros((number, CLASSES, columns), dtype=np.int64)
        met = np.zeros((number, (CLASSES - 1) * columns), dtype=np.int64)
        _count(cells, self._ends, self._columns, met)
        counts[:, 1:] = met.reshape(number, CLASSES - 1, columns)
        counts[:, 0] = np.bincount(cells, minlength=number)[:, None] - counts[:, 1:].sum(axis=1)
        return counts.astype(np.float64)


@compiled
def _count(
    cells: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
) -> None:
    """Counts the events of each position in the row of its cell."""
    event = 0
    for place in range(cells.size):
        row = counts[cells[place]]
        while event < ends[place]:
            row[columns[event]] += 1
            event += 1


def _greedy(
    candidates: _Candidates, target: npt.NDArray[np.int8], channel: int, parents: int
) -> tuple[tuple[int, int], ...]:
    levels, codes = np.unique(target, return_inverse=True)
    known = np.zeros(len(target), dtype=np.int64)
    groups = 1
    chosen: list[tuple[int, int]] = []
    for _ in range(parents):
        counts = candidates.joint(known * levels.size + codes, groups * levels.size)
        gain = _gains(counts.reshape(groups, levels.size, *counts.shape[1:]))
        # Of the same position only the channels before are known to the receiver.
        gain[channel : candidates.channels] = -np.inf
        best = int(np.argmax(gain))
        if not gain[best] > 0:
            break
        chosen.append(candidates.pair(best))
        known = known * CLASSES + candidates.values[:, best]
        groups *= CLASSES
    return (*chosen, *[candidates.silent] * (parents - len(chosen)))


def _gains(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Bits that each candidate saves beyond what its table costs, from `(groups, levels, CLASSES, columns)`."""
    by_level, by_class = counts.sum(axis=2), counts.sum(axis=1)
    total = by_class.sum(axis=1)
    information = (
        _entropy_sum(counts, (0, 1, 2))
        + _entropy_sum(total, 0)
        - _entropy_sum(by_level, (0, 1))
        - _entropy_sum(by_class, (0, 1))
    )
    freedom = ((by_level > 0).sum(axis=1) - 1).clip(0) * ((by_class > 0).sum(axis=1) - 1).clip(0)
    observed = float(total[:, 0].sum())
    learning = freedom.sum(axis=0) * np.log2(max(observed, 2)) / 2 + np.log2(total.shape[-1])
    gains: npt.NDArray[np.float64] = information - learning
    return gains


def _entropy_sum(counts: npt.NDArray[np.float64], axis: int | tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Sum of n log2 n."""
    summed: npt.NDArray[np.float64] = (counts * np.log2(np.maximum(counts, 1))).sum(axis=axis)
    return summed
