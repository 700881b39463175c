"""Where the events of each channel are, close to the least number of bits, in compiled loops.

The silent rows before an event follow, where events are independent, a geometric distribution, for which a Rice code is
within 3 % of the entropy: a gap g is sent as g >> k zeros, a one, and the low k bits of g (Golomb, 1966). A channel has
a k of its own, by the share of its events (Kiely, "Selecting the Golomb parameter in Rice coding", 2004). Where most
rows have an event, the gaps are those between silent ones. The gap behind the last event leads to the end of the
channel.

The stream starts with 4 bits for each channel: 0 to 9 is k, 10 to 14 is the k of `_FULL_SHIFTS` between silent rows,
15 a channel without events.
"""

from __future__ import annotations

import numpy as np

from axonal.wire.bits import Words, lowest_mask, number, ones, peek, put, trailing_zeros
from axonal.wire.compiled import compiled

__all__ = ["put_positions", "take_positions"]

_MODE_BITS = 4
_MOST_SHIFT = 9
_EMPTY = 15
_FULL_SHIFTS = (1, 2, 3, 4, 6)
_GOLDEN = 0.6180339887498949
"""With a share x of silence within 2**k rows, k is best from x + x**2 <= 1 on."""


@compiled
def _shift_of(mode: int) -> int:
    return _FULL_SHIFTS[mode - _MOST_SHIFT - 1] if mode > _MOST_SHIFT else mode


@compiled
def _mode(events: int, rows: int) -> int:
    if events == 0:
        return _EMPTY
    full = events > _GOLDEN * rows
    share = events / rows if full else 1 - events / rows
    shift = 0
    while share > _GOLDEN and shift < _MOST_SHIFT:
        share *= share
        shift += 1
    return _MOST_SHIFT + min(shift, len(_FULL_SHIFTS)) if full else shift


@compiled
def put_positions(columns: Words, rows: int, channels: int, words: Words, most_bits: int) -> int:
    """Ors the positions of the events of all channels into a stream: its bits; -1 when they are more than `most_bits`.

    Args:
        columns: Presence bits, channel by channel, spare words behind them.
        rows: Bits of a channel.
        channels: Number of channels.
        words: Zeros, `most_bits` and the spare words.
        most_bits: Most bits of the stream.
    """
    at = channels * _MODE_BITS
    if at >= most_bits:
        return -1
    for channel in range(channels):
        events = 0
        for row in range(0, rows, 64):
            events += ones(peek(columns, channel * rows + row) & lowest_mask(rows - row))
        mode = _mode(events, rows)
        put(words, channel * _MODE_BITS, np.uint64(mode))
        if mode == _EMPTY:
            continue
        shift = _shift_of(mode)
        mask = (1 << shift) - 1
        flip = ~np.uint64(0) if mode > _MOST_SHIFT else np.uint64(0)
        following = 0
        for row in range(0, rows, 64):
            word = (peek(columns, channel * rows + row) ^ flip) & lowest_mask(rows - row)
            while word:
                event = row + trailing_zeros(word)
                gap = event - following
                at += gap >> shift
                if at >= most_bits:
                    return -1
                put(words, at, np.uint64(1 | (gap & mask) << 1))
                at += shift + 1
                following = event + 1
                word &= word - np.uint64(1)
        if following < rows:
            gap = rows - following
            at += gap >> shift
            if at >= most_bits:
                return -1
            put(words, at, np.uint64(1 | (gap & mask) << 1))
            at += shift + 1
    return at if at <= most_bits else -1


@compiled
def take_positions(words: Words, most_bits: int, rows: int, channels: int, columns: Words) -> int:
    """Sets the presence bits of all channels from a stream: its bits; -1 where it is none of such a shape.

    Args:
        words: The stream, spare words behind it.
        most_bits: Bits of the stream, or more.
        rows: Bits of a channel.
        channels: Number of channels.
        columns: Zeros, to be filled, spare words behind them.
    """
    at = channels * _MODE_BITS
    if at > most_bits:
        return -1
    for channel in range(channels):
        mode = number(peek(words, channel * _MODE_BITS) & lowest_mask(_MODE_BITS))
        if mode == _EMPTY:
            continue
        at = _take_channel(words, (at, most_bits), _shift_of(mode), (channel * rows, rows), columns)
        if at < 0:
            return -1
        if mode > _MOST_SHIFT:
            _invert(columns, channel * rows, rows)
    return at


@compiled
def _take_channel(words: Words, bounds: tuple[int, int], shift: int, place: tuple[int, int], columns: Words) -> int:
    """Sets the presence bits of a channel: where its gaps end in the stream; -1 where they lead beyond either end."""
    at, most_bits = bounds
    first, rows = place
    mask = lowest_mask(shift)
    row = 0
    while row < rows:
        word = peek(words, at)
        while word == np.uint64(0):
            row += 64 << shift
            at += 64
            if at > most_bits or row > rows:
                return -1
            word = peek(words, at)
        zeros = trailing_zeros(word)
        at += zeros + 1
        if at > most_bits:
            return -1
        row += zeros << shift | number(peek(words, at) & mask)
        at += shift
        if at > most_bits or row > rows:
            return -1
        if row < rows:
            columns[(first + row) >> 6] |= np.uint64(1) << np.uint64((first + row) & 63)
            row += 1
    return at


@compiled
def _invert(words: Words, first: int, count: int) -> None:
    for start in range(0, count, 64):
        at = first + start
        mask = lowest_mask(count - start)
        words[at >> 6] ^= mask << np.uint64(at & 63)
        words[(at >> 6) + 1] ^= (mask >> np.uint64(1)) >> np.uint64(63 - (at & 63))
