"""The tables of an entropy-coded format: integer frequencies, and which neighbours of a symbol choose its table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CLASSES", "MAX_ALPHABET", "MAX_PARENTS", "PRECISION_BITS", "Contexts", "classes", "delayed", "quantised"]

PRECISION_BITS = 14
"""The frequencies of a table sum to 2 to this power."""

MAX_ALPHABET = 2**12
"""Most symbols of a table."""

MAX_PARENTS = 3
"""Most neighbours that choose the table of a symbol."""

CLASSES = 3
"""Classes of a neighbour: zero, positive, negative."""

_TOTAL = 1 << PRECISION_BITS
_HALVINGS = 80


def quantised(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16]:
    """Integer frequencies of each table, `(tables, alphabet)`, all >= 1, each row summing to `2**PRECISION_BITS`.

    Webster's apportionment: f = max(1, round(p / d)) with the one divisor d of a row that makes the sum right. As
    log(1 + 1 / f) is nearly 1 / (f + 1 / 2), no unit could move to another symbol and save bits. It uses nothing
    but additions, divisions and comparisons of 64-bit floats, and so gives every machine the same integers.

    Args:
        probabilities: One row a table, `(tables, alphabet)`, of any positive sum. A zero gets the frequency 1.

    Raises:
        ValueError: A row holds NaN, infinity, a negative number or only zeros, or the alphabet is empty or too large.

    Example:
        >>> quantised(np.array([[0.75, 0.25, 0.0]])).tolist()
        [[12287, 4096, 1]]
    """
    shares = np.asarray(probabilities, dtype=np.float64)
    _check_probabilities(shares)
    shares = shares / shares.max(axis=1, keepdims=True)
    size = shares.shape[1]
    low, high = np.full(len(shares), 0.5 / _TOTAL), np.full(len(shares), size / (_TOTAL - size))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        fits = _rounded(shares, middle).sum(axis=1) <= _TOTAL
        high, low = np.where(fits, middle, high), np.where(fits, low, middle)
    found = _rounded(shares, high)
    # Symbols that would all be rounded up by the next smaller divisor: the first of them are.
    order = np.argsort(-shares / (found + 0.5), axis=1, kind="stable")
    more = np.arange(size) < (_TOTAL - found.sum(axis=1))[:, None]
    np.put_along_axis(found, order, np.take_along_axis(found, order, axis=1) + more, axis=1)
    return found.astype(np.uint16)


def _check_probabilities(shares: npt.NDArray[np.float64]) -> None:
    if shares.ndim != 2 or not 1 <= shares.shape[1] <= MAX_ALPHABET:
        raise ValueError(
            f"probabilities have the shape {shares.shape}, must be (tables, alphabet) with an alphabet of 1 to "
            f"{MAX_ALPHABET}: clip the symbols"
        )
    wrong = ~np.isfinite(shares) | (shares < 0)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(f"probabilities[{row}, {column}] is {shares[row, column]}, must be finite and >= 0")
    empty = np.flatnonzero(~shares.any(axis=1))
    if empty.size:
        raise ValueError(f"probabilities[{empty[0]}] sum to 0, must sum to more: add a prior")


def _rounded(shares: npt.NDArray[np.float64], divisors: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.maximum(1, np.floor(shares / divisors[:, None] + 0.5)).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """Which causal neighbours choose the table of a symbol.

    A parent is a pair `(back, channel)`: the symbol of that channel `back` positions earlier, `back` 0 being the same
    position. It counts as 0 when it is zero, 1 when positive and 2 when negative, and the context of a symbol is
    sum_i class(parent_i) 3**i. A parent before the start of the inference reads as zero, so that `(positions, 0)` is
    one that says nothing.

    Args:
        parents: Those of each channel, the same number (0 to 3) for all.
        positions: Positions of an inference, at each of which a symbol of every channel is sent.

    Example:
        >>> contexts = Contexts(parents=(((1, 0),), ((0, 0),)), positions=3)
        >>> contexts.rows(np.array([[0, 1], [-1, 0], [1, 1]])).tolist()
        [[0, 3], [0, 5], [2, 4]]
    """

    parents: tuple[tuple[tuple[int, int], ...], ...]
    positions: int

    def __post_init__(self) -> None:
        if self.positions < 1:
            raise ValueError(f"positions is {self.positions}, must be >= 1")
        if not self.parents:
            raise ValueError("parents has 0 channels, must have at least 1")
        for channel, pairs in enumerate(self.parents):
            if len(pairs) != self.order or len(pairs) > MAX_PARENTS:
                raise ValueError(
                    f"parents[{channel}] has {len(pairs)} pairs, must have 0 to {MAX_PARENTS}, "
                    f"as many as parents[0], which has {self.order}: fill up with ({self.positions}, 0)"
                )
            for back, parent in pairs:
                self._check_parent(channel, back, parent)

    def _check_parent(self, channel: int, back: int, parent: int) -> None:
        if back < 0:
            raise ValueError(f"parents[{channel}] looks back {back} positions, must be >= 0")
        bound = self.channels if back else channel
        if not 0 <= parent < bound:
            raise ValueError(
                f"parents[{channel}] has channel {parent}, must be 0 to {bound - 1} at {back} positions back: look "
                f"further back or at another channel"
            )

    @property
    def channels(self) -> int:
        """Symbols of a position."""
        return len(self.parents)

    @property
    def order(self) -> int:
        """Parents of each channel."""
        return len(self.parents[0])

    @property
    def number(self) -> int:
        """Contexts, and thus tables, of each channel: 3**order."""
        number: int = CLASSES**self.order
        return number

    @cached_property
    def backs(self) -> npt.NDArray[np.int64]:
        """Positions that each parent lies back, at most those of an inference, `(channels, order)`."""
        return np.minimum(self._pairs[:, :, 0], self.positions)

    @cached_property
    def origins(self) -> npt.NDArray[np.int64]:
        """Channel of each parent, `(channels, order)`."""
        return self._pairs[:, :, 1]

    @property
    def _pairs(self) -> npt.NDArray[np.int64]:
        return np.array(self.parents, dtype=np.int64).reshape(self.channels, self.order, 2)

    def rows(self, symbols: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The table of each symbol, channel * number + context, `(N, channels)`.

        Args:
            symbols: `(N, channels)`, N a multiple of `positions`.

        Raises:
            ValueError: The shape is another.
        """
        if symbols.ndim != 2 or symbols.shape[1] != self.channels:
            raise ValueError(f"symbols have the shape {symbols.shape}, must have (N, {self.channels})")
        found = classes(symbols)
        rows = np.tile(self.number * np.arange(self.channels), (len(symbols), 1))
        for slot in range(self.order):
            for back in np.unique(self.backs[:, slot]):
                mine = np.flatnonzero(self.backs[:, slot] == back)
                earlier = delayed(found[:, self.origins[mine, slot]], self.positions, int(back))
                rows[:, mine] += CLASSES**slot * earlier
        return rows


def classes(symbols: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """0 for zero, 1 for positive, 2 for negative."""
    return (symbols > 0).astype(np.int8) + 2 * (symbols < 0).astype(np.int8)


def delayed(values: npt.NDArray[np.int8], positions: int, back: int) -> npt.NDArray[np.int8]:
    """The values `back` positions earlier in the same inference, zero before its start; `(N, ...)`.

    Raises:
        ValueError: N is not a multiple of `positions`.
    """
    if len(values) % positions:
        raise ValueError(f"symbols have {len(values)} positions, must be a multiple of {positions}: pad the inference")
    inferences = values.reshape(-1, positions, *values.shape[1:])
    earlier = np.zeros_like(inferences)
    if back < positions:
        earlier[:, back:] = inferences[:, : positions - back]
    return earlier.reshape(values.shape)
