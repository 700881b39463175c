"""Entropy-coded formats and symbols to try them on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from axonal.wire import Contexts, Ranged, fitted, quantised

Symbols = npt.NDArray[np.int64]
Case = tuple[Ranged, Symbols]


@st.composite
def contexts(draw: st.DrawFn, channels: int | None = None, positions: int | None = None) -> Contexts:
    """Any parents of a few channels, those before the start of an inference among them."""
    channels = channels or draw(st.integers(1, 5))
    positions = positions or draw(st.integers(1, 6))
    order = draw(st.integers(0, 3))
    parents = []
    for channel in range(channels):
        earlier = st.tuples(st.integers(1, positions + 1), st.integers(0, channels - 1))
        same = st.tuples(st.just(0), st.integers(0, max(channel - 1, 0)))
        pair = st.one_of(earlier, same) if channel else earlier
        parents.append(tuple(draw(st.lists(pair, min_size=order, max_size=order))))
    return Contexts(parents=tuple(parents), positions=positions)


def random_table(rows: int, size: int, seed: int, skew: float = 6.0) -> npt.NDArray[np.uint16]:
    """Frequencies of which some are near 1 and some near all."""
    rng = np.random.default_rng(seed)
    return quantised(np.exp(skew * rng.standard_normal((rows, size))))


@st.composite
def cases(draw: st.DrawFn, most_inferences: int = 6) -> Case:
    """A format with random tables, and symbols that are drawn by them or from anywhere."""
    where = draw(contexts())
    size = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 9, 17, 100]))
    low = draw(st.sampled_from([0, -1, -(size // 2), -size, 3, -(2**31), 2**31 - size]))
    seed = draw(st.integers(0, 2**32 - 1))
    table = random_table(where.channels * where.number, size, seed)
    fmt = Ranged.of(table, low, where, draw(st.booleans()))
    rng = np.random.default_rng(seed)
    shape = (draw(st.integers(0, most_inferences)) * where.positions, where.channels)
    likely = np.argmax(table[where.number * np.arange(where.channels)], axis=1)
    codes = np.where(
        rng.random(shape) < draw(st.sampled_from([0.0, 0.5, 0.95, 1.0])), likely, rng.integers(0, size, shape)
    )
    return fmt, codes.astype(np.int64) + low


def sparse(rng: np.random.Generator, shape: tuple[int, ...], activity: float, values: list[int]) -> Symbols:
    """Independent symbols, mostly zero."""
    return np.where(rng.random(shape) < activity, rng.choice(values, shape), 0)


KINDS: dict[str, tuple[int, int, list[int]]] = {
    "binary": (0, 2, [1]),
    "ternary": (-1, 3, [-1, 1]),
    "graded": (0, 8, [1, 1, 1, 1, 2, 2, 3, 7]),
    "signed": (-8, 16, [-8, -2, -1, -1, 1, 1, 2, 7]),
    "wide": (-500, 1001, [-500, -20, -1, 1, 20, 499]),
    "widest": (-2048, 4096, [-2048, 2047, 1, -1]),
}
"""Smallest symbol, size of the alphabet and the values of events."""


def trained(kind: str, order: int, adaptive: bool, seed: int = 0, **changes: Any) -> Case:
    """A format that was fitted to its symbols, 4 channels of 5 % activity."""
    low, size, values = KINDS[kind]
    rng = np.random.default_rng(seed)
    symbols = sparse(rng, changes.get("shape", (640, 4)), changes.get("activity", 0.05), values)
    channels = symbols.shape[1]
    parents = [((1, c), (2, (c + 1) % channels), (0, c - 1) if c else (1, 0))[:order] for c in range(channels)]
    where = Contexts(parents=tuple(parents), positions=32)
    return Ranged.of(fitted(symbols, low, size, where), low, where, adaptive), symbols
