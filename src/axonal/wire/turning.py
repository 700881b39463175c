"""A matrix of bits turned on its side, so that the bits of a channel come to lie side by side."""

from __future__ import annotations

import numpy as np

from axonal.wire.bits import WORD_BITS, Words, blank, lowest_mask, peek, put
from axonal.wire.compiled import compiled

__all__ = ["turned"]

_SIDE = WORD_BITS


def turned(words: Words, rows: int, columns: int) -> Words:
    """The stream of the transpose: bit `column * rows + row` is bit `row * columns + column` of a stream.

    Args:
        words: The stream, spare words behind it.
        rows: Rows of the matrix.
        columns: Columns of the matrix.

    Returns:
        A stream with spare words behind it.
    """
    result = blank(rows * columns)
    _turn(words, rows, columns, result)
    return result


@compiled
def _turn(words: Words, rows: int, columns: int, result: Words) -> None:
    block = np.empty(_SIDE, dtype=np.uint64)
    for row in range(0, rows, _SIDE):
        high = min(_SIDE, rows - row)
        for column in range(0, columns, _SIDE):
            wide = min(_SIDE, columns - column)
            mask = lowest_mask(wide)
            for line in range(high):
                block[line] = peek(words, (row + line) * columns + column) & mask
            block[high:] = np.uint64(0)
            _turn_block(block)
            for line in range(wide):
                put(result, (column + line) * rows + row, block[line])


@compiled
def _turn_block(block: Words) -> None:
    """Transposes 64 words in place: quarters change places, then the quarters of each quarter (Warren, 2012, 7-3)."""
    width = 32
    mask = np.uint64(0x00000000FFFFFFFF)
    while width:
        shift = np.uint64(width)
        for first in range(0, _SIDE, 2 * width):
            for line in range(first, first + width):
                moved = ((block[line] >> shift) ^ block[line + width]) & mask
                block[line] ^= moved << shift
                block[line + width] ^= moved
        width >>= 1
        mask ^= mask << np.uint64(width)
