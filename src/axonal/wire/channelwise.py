"""The codec that knows each channel: how often it has an event, and which values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonal.wire.bits import Bytes, Words, as_bytes, as_words, blank
from axonal.wire.codec import Floats
from axonal.wire.fields import check_end
from axonal.wire.frame import CorruptFrame, Kind, open_frame, seal
from axonal.wire.levels import Alphabet, coded_levels, fill_levels
from axonal.wire.positions import put_positions, take_positions
from axonal.wire.presence import presence_of
from axonal.wire.symbols import Marked, SymbolCodec, is_plain
from axonal.wire.tensors import flat_target
from axonal.wire.turning import turned

__all__ = ["RangeCodec"]

_PACKED, _CODED = 0, 1
_BY_CHANNEL, _BY_ROW = 0, 2
_FEW_ROWS = 4096
"""Below it, what is said of each channel can cost more than it saves."""


@dataclass(frozen=True, kw_only=True)
class RangeCodec(SymbolCodec):
    """Gaps along each channel, at its own rate, then range-coded values (`positions`, `levels`); else a bitmap.

    The payload is one byte that says how the rest is sent, the positions of the events, padded to a byte with zero
    bits, and the values. The byte is 1 where values are coded, 0 where they have a fixed width, and 2 more where the
    positions are those of the whole tensor, row by row, as one channel: in a tensor of less than 4096 rows, where that
    is shorter.
    """

    name: ClassVar[str] = "range"
    number: ClassVar[int] = 6

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        found = self._mark(values)
        positions = self._positions(found)
        if positions is not None:
            order, places = positions
            way, coded = self._coded(found)
            if 1 + places.size + coded.size < self._plain_bytes(found.values.size, found.events):
                head = np.array([order | way], dtype=np.uint8)
                return seal(Kind.CHANNELWISE, found.values.size, np.concatenate((head, places, coded)))
        return self._plain(found)

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out)
        if is_plain(frame):
            self._fill_plain(frame, flat)
            return
        payload = open_frame(frame, Kind.CHANNELWISE, flat.size)
        if not payload.size or payload[0] > _BY_ROW + _CODED:
            raise CorruptFrame("payload does not say how it is sent")
        order, way = payload[0] & _BY_ROW, payload[0] & _CODED
        rows, channels = out.shape
        lines, length = (1, flat.size) if order == _BY_ROW else (channels, rows)
        places = blank(flat.size)
        used_bits = take_positions(as_words(payload[1:]), 8 * (payload.size - 1), length, lines, places)
        if used_bits < 0:
            raise CorruptFrame(f"positions lead beyond the payload or the {length} elements of a channel")
        presence = np.empty(-(-flat.size // 64), dtype=np.uint64)
        events = presence_of(places if lines == 1 else turned(places, channels, rows), flat.size, presence)
        rest = payload[1 + -(-used_bits // 8) :]
        if way == _CODED:
            fill_levels(rest, presence, self._alphabet(channels), flat)
            return
        check_end(rest, events * self.value_bits)
        self._fill(presence, (as_words(rest), 0), flat)

    def _alphabet(self, channels: int) -> Alphabet:
        return Alphabet(channels=channels, low=self.low, high=self.levels)

    def _positions(self, found: Marked) -> tuple[int, Bytes] | None:
        """The order of the positions of all events, and they; None when they alone take as long as a bitmap."""
        by_row = as_words(as_bytes(found.presence, found.values.size))
        most_bits = found.values.size + found.events * self.value_bits
        words, used = _placed(turned(by_row, found.rows, found.channels), found.rows, found.channels, most_bits)
        order = _BY_CHANNEL
        if found.rows < _FEW_ROWS:
            other, used_by_row = _placed(by_row, found.values.size, 1, most_bits)
            if used_by_row >= 0 and (used < 0 or used_by_row < used):
                words, used, order = other, used_by_row, _BY_ROW
        return None if used < 0 else (order, as_bytes(words, used))

    def _coded(self, found: Marked) -> tuple[int, Bytes]:
        """How the values are sent, and their bytes."""
        packed_bits = found.events * self.value_bits
        if packed_bits:
            coded = coded_levels(found.values, found.presence, found.events, self._alphabet(found.channels))
            if 8 * coded.size < packed_bits:
                return _CODED, coded
        return _PACKED, as_bytes(self._values(found), packed_bits)


def _placed(presence: Words, length: int, lines: int, most_bits: int) -> tuple[Words, int]:
    """The positions along lines of so many elements, and their bits; -1 when those are more than `most_bits`."""
    words = blank(most_bits)
    return words, put_positions(presence, length, lines, words, most_bits)
