"""Bits of a stream of 64-bit words, in compiled code; the order of bits is that of `fields`.

Two spare words end each stream, so that a field may be read or written across the last word without a question.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from axonal.wire.compiled import compiled

__all__ = [
    "WORD_BITS",
    "Bytes",
    "Words",
    "as_bytes",
    "as_words",
    "blank",
    "lowest_mask",
    "number",
    "ones",
    "peek",
    "put",
    "trailing_zeros",
]

WORD_BITS = 64
"""Bits of a word."""

Words = npt.NDArray[np.uint64]
"""A stream, least significant bit first."""

Bytes = npt.NDArray[np.uint8]

_SPARE_WORDS = 2


def blank(bits: int) -> Words:
    """A stream of so many zero bits, and the spare words behind them."""
    return np.zeros(-(-bits // WORD_BITS) + _SPARE_WORDS, dtype=np.uint64)


def as_words(stream: Bytes) -> Words:
    """A copy of bytes as a stream, zero bits and the spare words behind them."""
    words = np.empty(-(-stream.size // 8) + _SPARE_WORDS, dtype=np.uint64)
    words[stream.size // 8 :] = 0
    words.view(np.uint8)[: stream.size] = stream
    return words


def as_bytes(words: Words, bits: int) -> Bytes:
    """The first bits of a stream as bytes, without a copy."""
    return words.view(np.uint8)[: -(-bits // 8)]


def _trailing_zeros(_typing: Any, _word: Any) -> Any:
    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.false_bit)

    return types.int64(types.uint64), code


def _ones(_typing: Any, _word: Any) -> Any:
    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), code


def _number(_typing: Any, _word: Any) -> Any:
    def code(_context: Any, _builder: Any, _signature: Any, arguments: Any) -> Any:
        return arguments[0]

    return types.int64(types.uint64), code


trailing_zeros: Callable[[np.uint64], int] = cast("Any", intrinsic(_trailing_zeros))
"""Zeros below the lowest 1 of a word; 64 when there is none. For compiled code only."""

ones: Callable[[np.uint64], int] = cast("Any", intrinsic(_ones))
"""Ones of a word. For compiled code only."""

number: Callable[[np.uint64], int] = cast("Any", intrinsic(_number))
"""A word as a signed integer, because compiled code makes a float of the sum of both kinds. For compiled code only."""


@compiled
def lowest_mask(count: int) -> np.uint64:
    """A word whose lowest `count` bits, 0 to 64, are ones."""
    if count >= WORD_BITS:
        return ~np.uint64(0)
    return (np.uint64(1) << np.uint64(count)) - np.uint64(1)


@compiled
def peek(words: Words, at: int) -> np.uint64:
    """The 64 bits from bit `at` on, which lies before the spare words."""
    word, shift = at >> 6, np.uint64(at & 63)
    # Two shifts, because one by 64 is undefined.
    bits: np.uint64 = words[word] >> shift
    bits |= (words[word + 1] << np.uint64(1)) << (np.uint64(63) - shift)
    return bits


@compiled
def put(words: Words, at: int, code: np.uint64) -> None:
    """Ors a field into the bits from `at` on, which are zeros and lie before the spare words."""
    word, shift = at >> 6, np.uint64(at & 63)
    words[word] |= code << shift
    words[word + 1] |= (code >> np.uint64(1)) >> (np.uint64(63) - shift)
