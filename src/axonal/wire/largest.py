"""The codec that sends only the largest elements of each row."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from axonal.wire.bits import Bytes, Words, as_bytes, as_words, blank, trailing_zeros
from axonal.wire.codec import Floats
from axonal.wire.compiled import compiled
from axonal.wire.fields import check_end
from axonal.wire.frame import HEADER_BITS, MAX_ELEMENTS, CorruptFrame, Kind, open_frame, seal
from axonal.wire.presence import presence_of
from axonal.wire.rounding import float16_of, floats_of, halves_in
from axonal.wire.scaling import check_finite
from axonal.wire.tensors import flat_floats, flat_target

__all__ = ["TopKCodec"]

_HALF_BYTES = 2
_ADDRESS_BYTES = 2
_SIZE = np.int32(0x7FFFFFFF)

_Places = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class TopKCodec:
    """The `kept` elements of each row that are farthest from zero, as halves; the others arrive as zeros.

    Of equally large ones the first are sent. The payload is the places of the elements, as presence bits or as 16-bit
    addresses within the row, whichever is shorter for such a tensor, and then their halves (see `Float16Codec`).

    Args:
        channels: Elements of a row.
        share: Which share of a row is sent, rounded up, above 0 and up to 1.
    """

    name: ClassVar[str] = "top_k"
    number: ClassVar[int] = 21
    exact: ClassVar[bool] = False

    channels: int
    share: float = 1 / 16

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= MAX_ELEMENTS:
            raise ValueError(f"channels is {self.channels}, must be 1 to {MAX_ELEMENTS}: split the tensor")
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}, must be above 0 and at most 1")

    @property
    def kept(self) -> int:
        """Elements of a row that are sent."""
        return ceil(Fraction(self.share).limit_denominator(MAX_ELEMENTS) * self.channels)

    def capacity_bytes(self, elements: int) -> int:
        """Length of each frame of so many elements, in bytes."""
        rows = -(-elements // self.channels)
        return HEADER_BITS // 8 + self._place_bytes(rows) + rows * self.kept * _HALF_BYTES

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`. ValueError where an element is not finite."""
        flat = flat_floats(values, self.channels)
        check_finite(flat)
        rows = len(values)
        places = np.empty(rows * self.kept, dtype=np.int32)
        sent = np.empty(rows * self.kept, dtype=np.float32)
        shaped = flat.reshape(rows, self.channels)
        _select(shaped, shaped.view(np.int32), self.kept, places, sent)
        stream = np.concatenate((self._packed(places, rows), float16_of(sent).view(np.uint8)))
        return seal(Kind.LARGEST, flat.size, stream)

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out, self.channels)
        rows = len(out)
        payload = open_frame(frame, Kind.LARGEST, flat.size)
        end = self._place_bytes(rows)
        check_end(payload, 8 * (end + rows * self.kept * _HALF_BYTES))
        places = self._places(payload[:end], rows)
        received = np.empty(places.size, dtype=np.float32)
        floats_of(halves_in(payload[end:]), received)
        if not _place(places, received, self.kept, out.reshape(rows, self.channels)):
            raise CorruptFrame(f"a row has not {self.kept} ascending places below {self.channels}, or holds a NaN")

    def _addressed(self, rows: int) -> bool:
        """Whether places are sent as addresses."""
        fits = self.channels <= 1 << (8 * _ADDRESS_BYTES)
        return fits and _ADDRESS_BYTES * rows * self.kept < -(-rows * self.channels // 8)

    def _place_bytes(self, rows: int) -> int:
        return _ADDRESS_BYTES * rows * self.kept if self._addressed(rows) else -(-rows * self.channels // 8)

    def _packed(self, places: _Places, rows: int) -> Bytes:
        if self._addressed(rows):
            return places.astype("<u2").view(np.uint8)
        words = blank(rows * self.channels)
        _set(places, self.kept, self.channels, words)
        return as_bytes(words, rows * self.channels)

    def _places(self, stream: Bytes, rows: int) -> _Places:
        """The places of all rows, whatever they are."""
        if self._addressed(rows):
            return halves_in(stream).astype(np.int32)
        elements = rows * self.channels
        check_end(stream, elements)
        presence = np.empty(-(-elements // 64), dtype=np.uint64)
        found = presence_of(as_words(stream), elements, presence)
        if found != rows * self.kept:
            raise CorruptFrame(f"payload has {found} places, must have {rows * self.kept}")
        places = np.empty(found, dtype=np.int32)
        if not _list(presence, self.kept, self.channels, places):
            raise CorruptFrame(f"a row has another number of places than {self.kept}")
        return places


@compiled
def _select(
    values: npt.NDArray[np.float32],
    patterns: npt.NDArray[np.int32],
    kept: int,
    places: _Places,
    sent: Floats,
) -> None:
    """Fills in the columns and the values of the elements that are farthest from zero, row by row.

    The magnitude of the last of them is found bit by bit, because counting is vector instructions and sorting is not.
    """
    at = 0
    sizes = np.full(-(-values.shape[1] // 64) * 64, np.int32(-1))
    for row in range(len(values)):
        bits = patterns[row]
        for column in range(bits.size):
            sizes[column] = bits[column] & _SIZE
        least = _nth(sizes, kept)
        above = np.int32(0)
        for column in range(sizes.size):
            above = np.int32(above + np.int32(sizes[column] > least))
        equal = kept - above
        for block in range(sizes.size // 64):
            piece = sizes[block * 64 : block * 64 + 64]
            word = np.uint64(0)
            for lane in range(64):
                word |= np.uint64(piece[lane] >= least) << np.uint64(lane)
            while word:
                column = block * 64 + trailing_zeros(word)
                word &= word - np.uint64(1)
                if sizes[column] == least:
                    equal -= 1
                    if equal < 0:
                        continue
                places[at] = column
                sent[at] = values[row, column]
                at += 1


@compiled
def _nth(sizes: npt.NDArray[np.int32], nth: int) -> np.int32:
    """The largest number that so many sizes reach."""
    least = np.int32(0)
    for bit in range(30, -1, -1):
        tried = np.int32(least | np.int32(1 << bit))
        reached = np.int32(0)
        for column in range(sizes.size):
            reached = np.int32(reached + np.int32(sizes[column] >= tried))
        if reached >= nth:
            least = tried
    return least


@compiled
def _set(places: _Places, kept: int, channels: int, words: Words) -> None:
    for index in range(places.size):
        bit = index // kept * channels + places[index]
        words[bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)


@compiled
def _list(presence: Words, kept: int, channels: int, places: _Places) -> bool:
    """Fills in the columns of all presence bits: whether each row has so many."""
    at, row, start = 0, 0, 0
    for block in range(presence.size):
        word = presence[block]
        while word:
            index = block * 64 + trailing_zeros(word)
            if at == (row + 1) * kept:
                row += 1
                start += channels
            if not start <= index < start + channels:
                return False
            places[at] = index - start
            at += 1
            word &= word - np.uint64(1)
    return True


@compiled
def _place(places: _Places, received: Floats, kept: int, values: npt.NDArray[np.float32]) -> bool:
    """Fills in the elements of all rows: whether their places ascend within the row, and none is a NaN."""
    at = 0
    for row in range(len(values)):
        line = values[row]
        line[:] = np.float32(0)
        last = -1
        for _ in range(kept):
            place, value = int(places[at]), received[at]
            if place <= last or place >= line.size or value != value:  # noqa: PLR0124 - a NaN is not itself
                return False
            line[place] = value
            last = place
            at += 1
    return True
