"""The values of events by tables of their channels, close to the least number of bits: static rANS, see `rans`.

A table is sent as 4 bits for each value, which say how much rarer it is than the most frequent one, in steps of
2**0.75; that costs about 0.02 bits an event. A channel whose own table would not pay for itself shares that of all.

```
1 bit of each channel       whether it has a table of its own
4 bits of each value        of the shared table, and of each own one; the rest of the byte is zeros
4 bytes                     the state of the coder, little-endian
2 bytes each                its words, little-endian
```
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from axonal.wire import rans
from axonal.wire.bits import Bytes, Words, trailing_zeros
from axonal.wire.codec import Floats
from axonal.wire.compiled import compiled
from axonal.wire.frame import CorruptFrame
from axonal.wire.presence import spread_word
from axonal.wire.tables import PRECISION_BITS

__all__ = ["Alphabet", "coded_levels", "fill_levels"]

_TOTAL = 1 << PRECISION_BITS
_SLOT_MASK = _TOTAL - 1
_STATE_BYTES = 4
_STEP_BITS = 4
_ABSENT = 15
_WEIGHTS = np.array([*np.rint(4096 * 2.0 ** (-0.75 * np.arange(_ABSENT))), 0], dtype=np.int64)
_MIDDLES = np.rint(4096 * 2.0 ** (-0.75 * (np.arange(_ABSENT - 1) + 0.5))).astype(np.int64)
_SMALL_ALPHABET = 16

_Counts = npt.NDArray[np.int64]
_Steps = npt.NDArray[np.uint8]
_Starts = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


class Alphabet(NamedTuple):
    """Which values the events of a tensor have."""

    channels: int
    low: int
    """0 or -high."""
    high: int

    @property
    def size(self) -> int:
        """How many, zero being none of them."""
        return self.high - self.low


def coded_levels(values: Floats, presence: Words, events: int, alphabet: Alphabet) -> Bytes:
    """The values of all events, as bytes.

    Args:
        values: Flat tensor.
        presence: Its presence bits.
        events: How many are set.
        alphabet: What the values are.
    """
    cells = np.empty(events, dtype=np.uint32)
    _fill_cells(values, presence, alphabet, cells)
    counts = np.bincount(cells, minlength=alphabet.channels * alphabet.size).reshape(-1, alphabet.size)
    own, steps = _chosen(counts)
    starts = _starts(own, steps)
    frequencies = np.diff(starts, axis=1)
    intervals = (starts[:, :-1] << (PRECISION_BITS + 1) | frequencies).astype(np.uint32).ravel()[cells]
    # An event takes at most PRECISION_BITS, so less than a word each.
    words = np.empty(events, dtype=np.uint16)
    free, state = rans.encoded(intervals, rans.divisors(), words)
    head = _table_bytes(own, steps)
    tail = int(state).to_bytes(_STATE_BYTES, "little") + words[free:].astype("<u2", copy=False).tobytes()
    return np.concatenate((head, np.frombuffer(tail, dtype=np.uint8)))


def fill_levels(payload: Bytes, presence: Words, alphabet: Alphabet, values: Floats) -> None:
    """Fills in zeros, and the values of all events; CorruptFrame where the bytes are not theirs."""
    own, steps, at = _read_tables(payload, alphabet)
    state = int.from_bytes(payload[at : at + _STATE_BYTES].tobytes(), "little")
    if not rans.LOWEST_STATE <= state <= rans.HIGHEST_STATE:
        raise CorruptFrame(f"values start with state {state}, must be {rans.LOWEST_STATE} to {rans.HIGHEST_STATE}")
    rest = payload[at + _STATE_BYTES :]
    if rest.size % 2:
        raise CorruptFrame(f"values have {rest.size} bytes of words, must have an even number")
    words = np.frombuffer(rest.tobytes(), dtype="<u2").astype(np.uint16, copy=False)
    used, state = _take_levels(words, state, presence, alphabet, _starts(own, steps), values)
    if used != words.size or state != rans.LOWEST_STATE:
        raise CorruptFrame(f"values use {used} of {words.size} words and end in state {state}")


def _starts(own: _Flags, steps: _Steps) -> _Starts:
    """Where the interval of each value starts in the table of each channel, and the total, `(channels, size + 1)`."""
    tables = np.empty((len(steps), steps.shape[1] + 1), dtype=np.int64)
    _normalise(steps, tables)
    rows = np.where(own, np.cumsum(own), 0)
    return tables[rows]


def _chosen(counts: _Counts) -> tuple[_Flags, _Steps]:
    """Which channels have a table of their own, and the steps of the shared table and of those, in order."""
    size = counts.shape[1]
    every = np.concatenate((counts.sum(axis=0, keepdims=True), counts))
    steps = np.empty(every.shape, dtype=np.uint8)
    _measure(every, steps)
    tables = np.empty((len(steps), size + 1), dtype=np.int64)
    _normalise(steps, tables)
    costs_bits = PRECISION_BITS - np.log2(np.diff(tables, axis=1))
    saved_bits = np.einsum("cv,cv->c", counts, costs_bits[0] - costs_bits[1:])
    own = saved_bits > _STEP_BITS * size
    return own, np.ascontiguousarray(steps[np.concatenate(([True], own))])


def _table_bytes(own: _Flags, steps: _Steps) -> Bytes:
    flags = np.packbits(own, bitorder="little")
    flat = np.zeros(-(-steps.size // 2) * 2, dtype=np.uint8)
    flat[: steps.size] = steps.ravel()
    return np.concatenate((flags, flat[::2] | flat[1::2] << _STEP_BITS))


def _read_tables(payload: Bytes, alphabet: Alphabet) -> tuple[_Flags, _Steps, int]:
    """Flags and steps as `_chosen` gave them, and the byte behind them."""
    flag_bytes = -(-alphabet.channels // 8)
    own = np.unpackbits(payload[:flag_bytes], count=alphabet.channels, bitorder="little").view(np.bool_)
    tables = 1 + int(np.count_nonzero(own))
    end = flag_bytes + -(-tables * alphabet.size // 2)
    if payload.size < end + _STATE_BYTES:
        raise CorruptFrame(f"values have {payload.size} bytes, need at least {end + _STATE_BYTES}")
    packed = payload[flag_bytes:end]
    steps = np.stack((packed & _ABSENT, packed >> _STEP_BITS), axis=1).ravel()[: tables * alphabet.size]
    return own, np.ascontiguousarray(steps).reshape(tables, alphabet.size), end


@compiled
def _measure(counts: _Counts, steps: _Steps) -> None:
    """How much rarer each value of a table is than its most frequent one, in steps."""
    for row in range(len(counts)):
        most = counts[row].max()
        for value in range(counts.shape[1]):
            step = 0
            while step < _ABSENT - 1 and counts[row, value] << 12 < most * _MIDDLES[step]:
                step += 1
            steps[row, value] = step if counts[row, value] else _ABSENT


@compiled
def _normalise(steps: _Steps, starts: _Starts) -> None:
    """Makes intervals of steps: each of at least 1, what remains goes to the most frequent value."""
    size = steps.shape[1]
    for row in range(len(steps)):
        total, best = 0, 0
        for value in range(size):
            total += _WEIGHTS[steps[row, value]]
            best = value if steps[row, value] < steps[row, best] else best
        used = 0
        for value in range(size):
            share = _WEIGHTS[steps[row, value]] * (_TOTAL - size) // total if total else 0
            used += 1 + share
        start = 0
        for value in range(size):
            starts[row, value] = start
            share = _WEIGHTS[steps[row, value]] * (_TOTAL - size) // total if total else 0
            start += 1 + share + (_TOTAL - used if value == best else 0)
        starts[row, size] = start


@compiled
def _fill_cells(values: Floats, presence: Words, alphabet: Alphabet, cells: npt.NDArray[np.uint32]) -> None:
    """Fills in where each event is counted, in the order of the tensor: channel * size + the place of its value."""
    start, event = 0, 0
    size = alphabet.high - alphabet.low
    for block in range(presence.size):
        word = presence[block]
        while word:
            index = block * 64 + trailing_zeros(word)
            while index >= start + alphabet.channels:
                start += alphabet.channels
            value = int(values[index])
            cells[event] = (index - start) * size + value - alphabet.low - (value > 0)
            event += 1
            word &= word - np.uint64(1)


@compiled
def _found(starts: _Starts, channel: int, size: int, slot: int) -> int:
    """The code whose interval holds a slot: without a branch for small alphabets, by halving for large ones."""
    if size <= _SMALL_ALPHABET:
        code = 0
        for after in range(1, size):
            code += starts[channel, after] <= slot
        return code
    low, high = 0, size
    while high - low > 1:
        middle = (low + high) >> 1
        if starts[channel, middle] <= slot:
            low = middle
        else:
            high = middle
    return low


@compiled
def _take_levels(
    words: npt.NDArray[np.uint16], state: int, presence: Words, alphabet: Alphabet, starts: _Starts, values: Floats
) -> tuple[int, int]:
    """Fills in zeros, and the values of all events: words used, -1 when they run out; the last state."""
    start, used = 0, 0
    size = alphabet.high - alphabet.low
    for block in range(presence.size):
        word = presence[block]
        spread_word(word, values[block * 64 : block * 64 + 64])
        while word:
            index = block * 64 + trailing_zeros(word)
            while index >= start + alphabet.channels:
                start += alphabet.channels
            channel, slot = index - start, state & _SLOT_MASK
            code = _found(starts, channel, size, slot)
            first = starts[channel, code]
            state = (starts[channel, code + 1] - first) * (state >> PRECISION_BITS) + slot - first
            if state < rans.LOWEST_STATE:
                if used == words.size:
                    return -1, state
                state = state << 16 | int(words[used])
                used += 1
            value = code + alphabet.low
            values[index] = np.float32(value + (value >= 0))
            word &= word - np.uint64(1)
    return used, state
