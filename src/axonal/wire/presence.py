"""From the floats of a tensor to its presence bits and the values of its events, and back, in compiled loops.

A presence is a stream of one bit for each element (`bits.Words`), without spare words and with zeros behind its end.
Values have the codes of `alphabet.Levels`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from axonal.wire.bits import Words, lowest_mask, number, ones, peek, put, trailing_zeros
from axonal.wire.compiled import compiled

__all__ = ["counted", "marked", "presence_of", "put_values", "spread", "spread_word", "take_values"]

_Flat = npt.NDArray[np.float32]


@compiled
def marked(values: _Flat, low: np.float32, high: np.float32, presence: Words) -> int:
    """Fills in a bit for each element that is not zero: how many there are; -1 when one is no whole number in bounds.

    Written so that it becomes vector instructions: no early end, and a conversion only of what is in bounds.
    """
    wrong = np.uint32(0)
    events = 0
    whole = values.size >> 6
    for block in range(whole):
        piece = values[block * 64 : block * 64 + 64]
        word = np.uint64(0)
        for lane in range(64):
            value = piece[lane]
            near = value if (value >= low) & (value <= high) else np.float32(0)
            wrong |= np.uint32(np.float32(np.int32(near)) != value)
            word |= np.uint64(value != np.float32(0)) << np.uint64(lane)
        presence[block] = word
        events += ones(word)
    if values.size & 63:
        word = np.uint64(0)
        for index in range(whole * 64, values.size):
            value = values[index]
            near = value if (value >= low) & (value <= high) else np.float32(0)
            wrong |= np.uint32(np.float32(np.int32(near)) != value)
            word |= np.uint64(value != np.float32(0)) << np.uint64(index & 63)
        presence[whole] = word
        events += ones(word)
    return -1 if wrong else events


@compiled
def presence_of(words: Words, elements: int, presence: Words) -> int:
    """Copies the first bits of a stream: how many are ones."""
    events = 0
    for block in range(presence.size):
        presence[block] = words[block] & lowest_mask(elements - block * 64)
        events += ones(presence[block])
    return events


@compiled
def counted(words: Words, start: int, end: int) -> int:
    """Ones among the bits from `start` to `end` of a stream."""
    found = 0
    for at in range(start, end, 64):
        found += ones(peek(words, at) & lowest_mask(end - at))
    return found


@compiled
def spread_word(word: np.uint64, piece: _Flat) -> None:
    """Fills in 1 where a word has a one and 0 elsewhere."""
    for lane in range(piece.size):
        piece[lane] = np.float32(np.int32((word >> np.uint64(lane)) & np.uint64(1)))


@compiled
def spread(presence: Words, values: _Flat) -> None:
    """Fills in 1 where there is an event and 0 elsewhere."""
    for block in range(presence.size):
        spread_word(presence[block], values[block * 64 : block * 64 + 64])


@compiled
def put_values(values: _Flat, presence: Words, width: int, words: Words, at: int) -> None:
    """Ors the codes of all events into a stream from bit `at` on, `width` bits each."""
    mask = lowest_mask(width)
    for block in range(presence.size):
        word = presence[block]
        while word:
            value = int(values[block * 64 + trailing_zeros(word)])
            put(words, at, np.uint64(value - (value > 0)) & mask)
            at += width
            word &= word - np.uint64(1)


@compiled
def take_values(  # noqa: PLR0913, PLR0917 - a compiled loop takes no objects
    words: Words, at: int, presence: Words, width: int, signed: bool, levels: int, values: _Flat
) -> bool:
    """Fills in zeros, and the values of all events from their codes in a stream: whether all are within the levels."""
    mask = lowest_mask(width)
    sign = 1 << (width - 1) if signed else 0
    wrong = False
    for block in range(presence.size):
        word = presence[block]
        # Piece by piece, while it is near: a pass over the whole tensor would come back to memory.
        spread_word(word, values[block * 64 : block * 64 + 64])
        while word:
            code = number(peek(words, at) & mask)
            code = (code ^ sign) - sign
            value = code + (code >= 0)
            wrong |= (value > levels) | (value < -levels)
            values[block * 64 + trailing_zeros(word)] = np.float32(value)
            at += width
            word &= word - np.uint64(1)
    return not wrong
