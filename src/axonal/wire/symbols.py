"""What the exact codecs of symbols share: levels and sign, presence bits, and the bitmap that most fall back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from axonal.wire.bits import Bytes, Words, as_bytes, as_words, blank
from axonal.wire.codec import Floats
from axonal.wire.fields import check_end
from axonal.wire.frame import HEADER_BITS, CorruptFrame, Kind, open_frame, seal
from axonal.wire.presence import marked, presence_of, put_values, spread, take_values
from axonal.wire.tensors import flat_floats, flat_target

__all__ = ["MAX_LEVELS", "BitmapCodec", "Marked", "SymbolCodec", "first_stranger", "is_plain"]

MAX_LEVELS = 127
"""Largest magnitude of a symbol."""


class Marked(NamedTuple):
    """A tensor whose events are found."""

    rows: int
    channels: int
    values: Floats
    """Flat."""
    presence: Words
    events: int


@dataclass(frozen=True, kw_only=True)
class SymbolCodec:
    """Whole numbers `-levels .. levels`, or `0 .. levels`, exactly; -0.0 comes back as 0.0.

    Args:
        levels: Largest magnitude, 1 to `MAX_LEVELS`.
        signed: Whether symbols may be negative.
    """

    exact: ClassVar[bool] = True

    levels: int
    signed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= MAX_LEVELS:
            raise ValueError(f"levels is {self.levels}, must be 1 to {MAX_LEVELS}: quantise the symbols")

    @property
    def value_bits(self) -> int:
        """Bits of the value of an event, sign included; 0 where every event is 1."""
        return (self.levels - 1).bit_length() + self.signed

    @property
    def low(self) -> int:
        """Smallest symbol."""
        return -self.levels if self.signed else 0

    def capacity_bytes(self, elements: int) -> int:
        """Longest frame of so many elements, in bytes: that of a bitmap where all are events."""
        return HEADER_BITS // 8 + self._plain_bytes(elements, elements)

    def _mark(self, tensor: Floats, channels: int = 0) -> Marked:
        """The events of a tensor; ValueError where one is no symbol."""
        flat = flat_floats(tensor, channels)
        presence = np.empty(-(-flat.size // 64), dtype=np.uint64)
        events = marked(flat, np.float32(self.low), np.float32(self.levels), presence)
        if events < 0:
            raise ValueError(first_stranger(flat, self.low, self.levels))
        rows, channels = tensor.shape
        return Marked(rows, channels, flat, presence, events)

    def _plain_bytes(self, elements: int, events: int) -> int:
        return -(-(elements + events * self.value_bits) // 8)

    def _values(self, found: Marked) -> Words:
        """The codes of all events, as a stream."""
        words = blank(found.events * self.value_bits)
        if self.value_bits:
            put_values(found.values, found.presence, self.value_bits, words, 0)
        return words

    def _bitmap(self, found: Marked, presence: Words) -> Bytes:
        """The payload of a bitmap: any order of its presence bits, and the values in the order of the tensor."""
        elements, bits = found.values.size, found.events * self.value_bits
        if not bits:
            return as_bytes(presence, elements)
        words = blank(elements + bits)
        words[: presence.size] = presence
        put_values(found.values, found.presence, self.value_bits, words, elements)
        return as_bytes(words, elements + bits)

    def _plain(self, found: Marked) -> bytes:
        """The frame of a bitmap."""
        return seal(Kind.BITMAP, found.values.size, self._bitmap(found, found.presence))

    def _opened(self, payload: Bytes, elements: int) -> tuple[Words, Words, int]:
        """The payload of a bitmap as a stream, its presence, and its events."""
        if 8 * payload.size < elements:
            raise CorruptFrame(f"payload has {payload.size} bytes, needs at least {-(-elements // 8)}")
        words = as_words(payload)
        presence = np.empty(-(-elements // 64), dtype=np.uint64)
        events = presence_of(words, elements, presence)
        check_end(payload, elements + events * self.value_bits)
        return words, presence, events

    def _fill(self, presence: Words, values: tuple[Words, int], flat: Floats) -> None:
        """Fills a tensor from its presence and a stream of values from some bit on."""
        if not self.value_bits:
            spread(presence, flat)
        elif not take_values(*values, presence, self.value_bits, self.signed, self.levels, flat):
            raise CorruptFrame(f"payload holds a value beyond {self.levels}")

    def _fill_plain(self, frame: bytes | memoryview, flat: Floats) -> None:
        """Fills a tensor from the frame of a bitmap."""
        words, presence, _ = self._opened(open_frame(frame, Kind.BITMAP, flat.size), flat.size)
        self._fill(presence, (words, flat.size), flat)


@dataclass(frozen=True, kw_only=True)
class BitmapCodec(SymbolCodec):
    """The frames of `Bitmap`, from floats.

    Example:
        >>> spikes = np.zeros((4, 16), dtype=np.float32)
        >>> spikes[2, 7] = 1
        >>> codec = BitmapCodec(levels=1)
        >>> frame, received = codec.encode(spikes), np.empty_like(spikes)
        >>> codec.decode(frame, received)
        >>> len(frame), bool((received == spikes).all())
        (16, True)
    """

    name: ClassVar[str] = "bitmap"
    number: ClassVar[int] = 1

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        return self._plain(self._mark(values))

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        self._fill_plain(frame, flat_target(out))


def first_stranger(flat: Floats, low: int, high: int) -> str:
    """What is wrong with the first float that is no whole number in bounds."""
    at = int(np.flatnonzero(~((flat >= low) & (flat <= high) & (flat == np.trunc(flat))))[0])
    return f"element {at} is {flat[at]:g}, must be a whole number {low} to {high}: quantise it, or raise the levels"


def is_plain(frame: bytes | memoryview) -> bool:
    """Whether a frame says that it is a bitmap."""
    return len(frame) > 0 and frame[0] % 16 == Kind.BITMAP
