"""The arithmetic of the entropy-coded format: asymmetric numeral systems (rANS) in compiled integer loops.

A symbol owns an interval of the numbers below M = 2**PRECISION_BITS, as long as its frequency f, from c on. The
sender folds it into its state x, the receiver takes it out again:

    x' = floor(x / f) M + c + (x mod f);      x = f floor(x' / M) + (x' mod M) - c,  c <= x' mod M < c + f

States stay within 2**15 and 2**31; the sender moves the low 16 bits out before they would grow beyond. It works from
the last symbol to the first, so that the receiver, which needs the neighbours of a symbol to know its table, can work
from the first to the last (Duda, 2009; Giesen, "Interleaved entropy coders", 2014).

All numbers are 64-bit integers: the frames are the same on each machine.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from axonal.wire.compiled import compiled
from axonal.wire.tables import PRECISION_BITS

__all__ = [
    "ADAPTATION_SHIFT",
    "ADAPTATION_VISITS",
    "FRACTION_BITS",
    "FREQUENCY_MASK",
    "HIGHEST_STATE",
    "LOWEST_STATE",
    "Geometry",
    "adaptive_decoded",
    "adaptive_intervals",
    "divisors",
    "encoded",
    "static_decoded",
    "static_intervals",
]

LOWEST_STATE = 1 << 15
"""State before the first and after the last symbol."""

HIGHEST_STATE = (1 << 31) - 1

ADAPTATION_SHIFT = 7
"""A table moves 2**-shift of the way to the symbol just coded; the shift grows by 1 at each of the visits below."""

ADAPTATION_VISITS = (256, 512)
"""Symbols that a table has coded when it becomes slower, as an average over all of them would."""

FRACTION_BITS = 16
"""Of a level, see `_adapt`."""

FREQUENCY_MASK = (1 << (PRECISION_BITS + 1)) - 1
"""Of an interval, which is start << (PRECISION_BITS + 1) | frequency."""

_TOTAL = 1 << PRECISION_BITS
_SLOT_MASK = _TOTAL - 1

_Bytes = npt.NDArray[np.uint8]
_Words = npt.NDArray[np.uint16]
_Intervals = npt.NDArray[np.uint32]
_Symbols = npt.NDArray[np.int32]
_Ints = npt.NDArray[np.int64]


class Geometry(NamedTuple):
    """What the loops must know of the symbols and their contexts."""

    channels: int
    positions: int
    order: int
    """Parents of each channel."""
    number: int
    """Contexts of each channel."""
    margin: int
    """Classes, all zero, that lie before the first symbol of an inference."""
    low: int
    """Smallest symbol."""
    size: int
    """Symbols of the alphabet."""


@cache
def divisors() -> _Ints:
    """For each d up to M, multiplier << 6 | shift with floor(x / d) = x multiplier >> shift for all x < 2**31.

    With 2**(s - 1) < d <= 2**s and m = floor(2**(31 + s) / d) + 1, m exceeds 2**(31 + s) / d by at most 1, so that
    x m / 2**(31 + s) exceeds x / d by less than 2**-s <= 1 / d; and x m stays below 2**63.
    """
    d = np.arange(1, _TOTAL + 1)
    shifts = 31 + np.frexp(d - 1)[1].astype(np.int64)
    made = np.zeros(_TOTAL + 1, dtype=np.int64)
    made[1:] = (((np.int64(1) << shifts) // d + 1) << 6) | shifts
    return made


@compiled
def _row(geometry: Geometry, lags: _Ints, classes: _Bytes, channel: int, at: int) -> int:
    """The table of the symbol whose class lies at `at`."""
    context, weight = 0, 1
    for slot in range(channel * geometry.order, (channel + 1) * geometry.order):
        context += weight * classes[at - lags[slot]]
        weight *= 3
    return channel * geometry.number + context


@compiled
def static_intervals(
    geometry: Geometry,
    lags: _Ints,
    starts: _Words,
    symbols: _Symbols,
    classes: _Bytes,
    intervals: _Intervals,
) -> None:
    """Fills in the interval of each symbol.

    Args:
        geometry: Of the symbols.
        lags: How far before a symbol each parent lies, `(channels * order,)`.
        starts: Where the interval of each symbol starts, and M, `(rows * (size + 1),)`.
        symbols: In C order, `(N * channels,)`.
        classes: Zeros, `(margin + positions * channels,)`.
        intervals: To be filled, `(N * channels,)`.
    """
    at = geometry.margin
    channel = 0
    for index in range(symbols.size):
        if channel == geometry.channels:
            channel = 0
            if at == classes.size:
                at = geometry.margin
        symbol = symbols[index]
        row = _row(geometry, lags, classes, channel, at)
        cell = row * (geometry.size + 1) + symbol - geometry.low
        start = int(starts[cell])
        intervals[index] = start << (PRECISION_BITS + 1) | (int(starts[cell + 1]) - start)
        classes[at] = (symbol > 0) + 2 * (symbol < 0)
        at += 1
        channel += 1


@compiled
def _start(levels: _Ints, first: int, code: int) -> int:
    return (int(levels[first + code]) >> FRACTION_BITS) + code


@compiled
def _adapt(geometry: Geometry, levels: _Ints, visits: _Ints, row: int, code: int) -> None:
    """Moves a table towards a symbol: its levels up to that of the symbol go down, the others up.

    A level is a start without the 1 that each symbol before it owns for good, in units of 2**-16. Levels stay
    ascending, as both moves keep the order, and the outermost stay where they are.
    """
    shift = ADAPTATION_SHIFT + (visits[row] >= ADAPTATION_VISITS[0]) + (visits[row] >= ADAPTATION_VISITS[1])
    visits[row] += 1
    first = row * (geometry.size + 1)
    highest = (_TOTAL - geometry.size) << FRACTION_BITS
    for below in range(first + 1, first + code + 1):
        levels[below] -= levels[below] >> shift
    for above in range(first + code + 1, first + geometry.size):
        levels[above] += (highest - levels[above]) >> shift


@compiled
def adaptive_intervals(  # noqa: PLR0913, PLR0917 - a compiled loop takes no objects
    geometry: Geometry,
    lags: _Ints,
    levels: _Ints,
    visits: _Ints,
    symbols: _Symbols,
    classes: _Bytes,
    intervals: _Intervals,
) -> None:
    """As `static_intervals`, from levels that move with each symbol.

    Args:
        geometry: Of the symbols.
        lags: As for `static_intervals`.
        levels: Of each row, see `_adapt`, `(rows * (size + 1),)`.
        visits: Symbols that each row has coded, `(rows,)`.
        symbols: As for `static_intervals`.
        classes: As for `static_intervals`.
        intervals: To be filled.
    """
    at = geometry.margin
    channel = 0
    for index in range(symbols.size):
        if channel == geometry.channels:
            channel = 0
            if at == classes.size:
                at = geometry.margin
        symbol = symbols[index]
        row = _row(geometry, lags, classes, channel, at)
        first = row * (geometry.size + 1)
        code = symbol - geometry.low
        start = _start(levels, first, code)
        intervals[index] = start << (PRECISION_BITS + 1) | (_start(levels, first, code + 1) - start)
        _adapt(geometry, levels, visits, row, code)
        classes[at] = (symbol > 0) + 2 * (symbol < 0)
        at += 1
        channel += 1


@compiled
def encoded(intervals: _Intervals, divisors: _Ints, words: _Words) -> tuple[int, int]:
    """Fills words from the end with what the state gives off: the first that is filled, -1 without room; the state."""
    state = LOWEST_STATE
    free = words.size
    for index in range(intervals.size - 1, -1, -1):
        interval = int(intervals[index])
        frequency = interval & FREQUENCY_MASK
        if state >= frequency << 17:
            if free == 0:
                return -1, state
            free -= 1
            words[free] = state & 0xFFFF
            state >>= 16
        divisor = divisors[frequency]
        quotient = (state * (divisor >> 6)) >> (divisor & 63)
        state += quotient * (_TOTAL - frequency) + (interval >> (PRECISION_BITS + 1))
    return free, state


@compiled
def _code_in_starts(starts: _Words, first: int, size: int, slot: int) -> int:
    """The symbol whose interval holds a slot, by halving."""
    low, high = 0, size
    while high - low > 1:
        middle = (low + high) >> 1
        if starts[first + middle] <= slot:
            low = middle
        else:
            high = middle
    return low


@compiled
def _code_in_levels(levels: _Ints, first: int, size: int, slot: int) -> int:
    low, high = 0, size
    while high - low > 1:
        middle = (low + high) >> 1
        if _start(levels, first, middle) <= slot:
            low = middle
        else:
            high = middle
    return low


@compiled
def static_decoded(  # noqa: PLR0913, PLR0917 - a compiled loop takes no objects
    geometry: Geometry,
    lags: _Ints,
    starts: _Words,
    symbols: _Symbols,
    classes: _Bytes,
    words: _Words,
    state: int,
) -> tuple[int, int]:
    """Fills in the symbols that a state and words stand for: words used, -1 when they run out; the last state."""
    at = geometry.margin
    channel = 0
    used = 0
    zero = min(max(-geometry.low, 0), geometry.size - 1)
    for index in range(symbols.size):
        if channel == geometry.channels:
            channel = 0
            if at == classes.size:
                at = geometry.margin
        first = _row(geometry, lags, classes, channel, at) * (geometry.size + 1)
        slot = state & _SLOT_MASK
        code = zero
        start, end = int(starts[first + zero]), int(starts[first + zero + 1])
        if slot < start or slot >= end:
            code = _code_in_starts(starts, first, geometry.size, slot)
            start, end = int(starts[first + code]), int(starts[first + code + 1])
        state = (end - start) * (state >> PRECISION_BITS) + slot - start
        if state < LOWEST_STATE:
            if used == words.size:
                return -1, state
            state = state << 16 | int(words[used])
            used += 1
        symbol = code + geometry.low
        symbols[index] = symbol
        classes[at] = (symbol > 0) + 2 * (symbol < 0)
        at += 1
        channel += 1
    return used, state


@compiled
def adaptive_decoded(  # noqa: PLR0913, PLR0917 - a compiled loop takes no objects
    geometry: Geometry,
    lags: _Ints,
    levels: _Ints,
    visits: _Ints,
    symbols: _Symbols,
    classes: _Bytes,
    words: _Words,
    state: int,
) -> tuple[int, int]:
    """As `static_decoded`, from levels that move with each symbol."""
    at = geometry.margin
    channel = 0
    used = 0
    zero = min(max(-geometry.low, 0), geometry.size - 1)
    for index in range(symbols.size):
        if channel == geometry.channels:
            channel = 0
            if at == classes.size:
                at = geometry.margin
        row = _row(geometry, lags, classes, channel, at)
        first = row * (geometry.size + 1)
        slot = state & _SLOT_MASK
        code = zero
        start, end = _start(levels, first, zero), _start(levels, first, zero + 1)
        if slot < start or slot >= end:
            code = _code_in_levels(levels, first, geometry.size, slot)
            start, end = _start(levels, first, code), _start(levels, first, code + 1)
        state = (end - start) * (state >> PRECISION_BITS) + slot - start
        if state < LOWEST_STATE:
            if used == words.size:
                return -1, state
            state = state << 16 | int(words[used])
            used += 1
        _adapt(geometry, levels, visits, row, code)
        symbol = code + geometry.low
        symbols[index] = symbol
        classes[at] = (symbol > 0) + 2 * (symbol < 0)
        at += 1
        channel += 1
    return used, state
