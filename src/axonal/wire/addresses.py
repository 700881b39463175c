"""The codec of address events: each event as its address in the group of elements that a row is, and its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonal.wire.bits import Words, as_bytes, as_words, blank, lowest_mask, number, peek, put, trailing_zeros
from axonal.wire.codec import Floats
from axonal.wire.compiled import compiled
from axonal.wire.fields import check_end
from axonal.wire.frame import HEADER_BITS, MAX_ELEMENTS, CorruptFrame, Kind, open_frame, seal
from axonal.wire.presence import put_values
from axonal.wire.symbols import SymbolCodec
from axonal.wire.tensors import flat_target

__all__ = ["AddressCodec"]


@dataclass(frozen=True, kw_only=True)
class AddressCodec(SymbolCodec):
    """The frames of `AddressEvent`, from floats, each row being a group.

    Args:
        levels: Largest magnitude, 1 to `MAX_LEVELS`.
        signed: Whether symbols may be negative.
        channels: Elements of a row.
    """

    name: ClassVar[str] = "address"
    number: ClassVar[int] = 2

    channels: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.channels <= MAX_ELEMENTS:
            raise ValueError(f"channels is {self.channels}, must be 1 to {MAX_ELEMENTS}: split the tensor")

    @property
    def count_bits(self) -> int:
        """Bits that say how many events a row has."""
        return self.channels.bit_length()

    @property
    def address_bits(self) -> int:
        """Bits that say which element of a row an event is."""
        return (self.channels - 1).bit_length()

    def capacity_bytes(self, elements: int) -> int:
        """Longest frame of so many elements, in bytes: that where all are events."""
        return HEADER_BITS // 8 + -(-self._bits(-(-elements // self.channels), elements) // 8)

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        found = self._mark(values, self.channels)
        bits = self._bits(found.rows, found.events)
        words = blank(bits)
        counts_end = found.rows * self.count_bits
        _put_addresses(found.presence, (found.rows, self.channels), (self.count_bits, self.address_bits), words)
        if self.value_bits:
            first = counts_end + found.events * self.address_bits
            put_values(found.values, found.presence, self.value_bits, words, first)
        return seal(Kind.ADDRESS_EVENT, found.values.size, as_bytes(words, bits))

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out, self.channels)
        rows = len(out)
        payload = open_frame(frame, Kind.ADDRESS_EVENT, flat.size)
        if 8 * payload.size < rows * self.count_bits:
            raise CorruptFrame(f"payload has {payload.size} bytes, needs at least {-(-rows * self.count_bits // 8)}")
        words = as_words(payload)
        events = _counted(words, rows, self.count_bits, self.channels)
        if events < 0:
            raise CorruptFrame(f"a row declares more events than its {self.channels} elements")
        check_end(payload, self._bits(rows, events))
        presence = np.zeros(-(-flat.size // 64) + 2, dtype=np.uint64)
        if not _take_addresses(words, (rows, self.channels), (self.count_bits, self.address_bits), presence):
            raise CorruptFrame(f"addresses of a row are not ascending, or not below {self.channels}")
        first = rows * self.count_bits + events * self.address_bits
        self._fill(presence[: -(-flat.size // 64)], (words, first), flat)

    def _bits(self, rows: int, events: int) -> int:
        return rows * self.count_bits + events * (self.address_bits + self.value_bits)


@compiled
def _put_addresses(presence: Words, shape: tuple[int, int], widths: tuple[int, int], words: Words) -> None:
    """Ors the counts of all rows, and then the addresses of all events, into a stream from its start on."""
    rows, channels = shape
    count_bits, address_bits = widths
    at = rows * count_bits
    row, start, found = 0, 0, 0
    for block in range(presence.size):
        word = presence[block]
        while word:
            index = block * 64 + trailing_zeros(word)
            while index >= start + channels:
                put(words, row * count_bits, np.uint64(found))
                row += 1
                start += channels
                found = 0
            put(words, at, np.uint64(index - start))
            at += address_bits
            found += 1
            word &= word - np.uint64(1)
    if found:
        put(words, row * count_bits, np.uint64(found))


@compiled
def _counted(words: Words, rows: int, count_bits: int, channels: int) -> int:
    """Events that all rows declare; -1 when one declares more than it has elements."""
    mask = lowest_mask(count_bits)
    events = 0
    for row in range(rows):
        count = number(peek(words, row * count_bits) & mask)
        if count > channels:
            return -1
        events += count
    return events


@compiled
def _take_addresses(words: Words, shape: tuple[int, int], widths: tuple[int, int], presence: Words) -> bool:
    """Sets the presence bits of all events: whether their addresses are ascending and within the row."""
    rows, channels = shape
    count_bits, address_bits = widths
    counts, addresses = lowest_mask(count_bits), lowest_mask(address_bits)
    at = rows * count_bits
    for row in range(rows):
        last = -1
        for _ in range(number(peek(words, row * count_bits) & counts)):
            address = number(peek(words, at) & addresses)
            if address <= last or address >= channels:
                return False
            last = address
            put(presence, row * channels + address, np.uint64(1))
            at += address_bits
    return True
