"""The entropy-coded format once more, one symbol at a time: slow, and written from its description alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from axonal.wire import Ranged

TOTAL = 2**14
LOWEST = 2**15
RANGED, ADAPTIVE, UNRANGED = 5, 6, 7


def envelope(kind: int, elements: int, payload: bytes) -> bytes:
    """A frame with a correct checksum around any payload."""
    head = bytes([16 + kind]) + elements.to_bytes(3, "little")
    return head + zlib.crc32(head + payload).to_bytes(4, "little") + payload


class Model:
    """The tables of a format while symbols of one frame go by."""

    def __init__(self, fmt: Ranged) -> None:
        self.fmt = fmt
        self.size = fmt.alphabet_size
        rows = fmt.table.tolist()
        # A level is the start of a symbol beyond the 1 that each symbol before owns, in units of 2**-16.
        self.levels = [[(sum(row[:code]) - code) << 16 for code in range(self.size + 1)] for row in rows]
        self.visits = [0] * len(rows)
        self.seen: list[int] = []

    def row(self) -> int:
        """The table of the next symbol."""
        channels = self.fmt.channels
        place, channel = divmod(len(self.seen), channels)
        first = place - place % self.fmt.contexts.positions
        context = 0
        for slot, (back, parent) in enumerate(self.fmt.contexts.parents[channel]):
            value = self.seen[(place - back) * channels + parent] if place - back >= first else 0
            context += 3**slot * (0 if value == 0 else 1 if value > 0 else 2)
        return channel * self.fmt.contexts.number + context

    def starts(self) -> list[int]:
        """Where the interval of each symbol starts, and the total."""
        return [(level >> 16) + code for code, level in enumerate(self.levels[self.row()])]

    def take(self, code: int) -> None:
        """Goes on to the next symbol."""
        if self.fmt.adaptive:
            row = self.row()
            shift = 7 + (self.visits[row] >= 256) + (self.visits[row] >= 512)
            self.visits[row] += 1
            highest = (TOTAL - self.size) << 16
            self.levels[row] = [
                level - (level >> shift) if place <= code else level + ((highest - level) >> shift)
                for place, level in enumerate(self.levels[row])
            ]
        self.seen.append(code + self.fmt.low)


def intervals(fmt: Ranged, symbols: list[int]) -> Iterator[tuple[int, int]]:
    """Start and frequency of each symbol."""
    model = Model(fmt)
    for symbol in symbols:
        starts = model.starts()
        code = symbol - fmt.low
        yield starts[code], starts[code + 1] - starts[code]
        model.take(code)


def fixed_width(fmt: Ranged, symbols: list[int]) -> bytes:
    """All symbols at the same width, the first in the lowest bits."""
    width = (fmt.alphabet_size - 1).bit_length()
    stream = sum((symbol - fmt.low) << (width * place) for place, symbol in enumerate(symbols))
    return stream.to_bytes(-(-width * len(symbols) // 8), "little")


def coded(fmt: Ranged, symbols: list[int]) -> bytes:
    """The payload of an entropy-coded frame, however long."""
    state, words = LOWEST, []
    for start, frequency in reversed(list(intervals(fmt, symbols))):
        if state >= frequency * 2**17:
            words.append(state % 2**16)
            state //= 2**16
        state = state // frequency * TOTAL + start + state % frequency
    head = state.to_bytes(3 if state < 2**24 else 4, "little")
    return head + b"".join(word.to_bytes(2, "little") for word in reversed(words))


def pack(fmt: Ranged, symbols: list[int]) -> bytes:
    """The frame of a list of integers."""
    payload, plain = coded(fmt, symbols), fixed_width(fmt, symbols)
    if len(payload) < len(plain):
        return envelope(ADAPTIVE if fmt.adaptive else RANGED, len(symbols), payload)
    return envelope(UNRANGED, len(symbols), plain)


def unpack(fmt: Ranged, frame: bytes, elements: int) -> list[int]:
    """The integers of a sound frame."""
    payload = frame[8:]
    if frame[0] == 16 + UNRANGED:
        width = (fmt.alphabet_size - 1).bit_length()
        stream = int.from_bytes(payload, "little")
        return [(stream >> (width * place)) % 2**width + fmt.low for place in range(elements)]
    head = 3 if len(payload) % 2 else 4
    state = int.from_bytes(payload[:head], "little")
    words = [int.from_bytes(payload[at : at + 2], "little") for at in range(head, len(payload), 2)]
    model = Model(fmt)
    for _ in range(elements):
        starts = model.starts()
        slot = state % TOTAL
        code = max(code for code in range(fmt.alphabet_size) if starts[code] <= slot)
        state = (starts[code + 1] - starts[code]) * (state // TOTAL) + slot - starts[code]
        if state < LOWEST:
            state = state * 2**16 + words.pop(0)
        model.take(code)
    assert (state, words) == (LOWEST, [])
    return model.seen
