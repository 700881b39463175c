"""The codec that knows each channel: how often it has an event, and which values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonal.wire.bits import Bytes, as_bytes, as_words, blank
from axonal.wire.codec import Floats
from axonal.wire.fields import check_end
from axonal.wire.frame import CorruptFrame, Kind, open_frame, seal
from axonal.wire.levels import Alphabet, coded_levels, fill_levels
from axonal.wire.positions import put_positions, take_positions
from axonal.wire.presence import presence_of, spread
from axonal.wire.symbols import Marked, SymbolCodec, is_plain
from axonal.wire.tensors import flat_target
from axonal.wire.turning import turned

__all__ = ["RangeCodec"]

_PACKED, _CODED = 0, 1


@dataclass(frozen=True, kw_only=True)
class RangeCodec(SymbolCodec):
    """Gaps along each channel, at its own rate, then range-coded values (`positions`, `levels`); else a bitmap.

    The payload is one byte that says how the values are sent (0 in fixed width, 1 coded), the positions of the events,
    padded to a byte with zero bits, and the values.
    """

    name: ClassVar[str] = "range"
    number: ClassVar[int] = 6

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        found = self._mark(values)
        positions = self._positions(found)
        if positions is not None:
            way, coded = self._coded(found)
            if 1 + positions.size + coded.size < self._plain_bytes(found.values.size, found.events):
                head = np.array([way], dtype=np.uint8)
                return seal(Kind.CHANNELWISE, found.values.size, np.concatenate((head, positions, coded)))
        return self._plain(found)

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out)
        if is_plain(frame):
            self._fill_plain(frame, flat)
            return
        payload = open_frame(frame, Kind.CHANNELWISE, flat.size)
        if not payload.size or payload[0] > _CODED:
            raise CorruptFrame("payload does not say how its values are sent")
        rows, channels = out.shape
        columns = blank(flat.size)
        used_bits = take_positions(as_words(payload[1:]), 8 * (payload.size - 1), rows, channels, columns)
        if used_bits < 0:
            raise CorruptFrame(f"positions lead beyond the payload or the {rows} rows of a channel")
        presence = np.empty(-(-flat.size // 64), dtype=np.uint64)
        events = presence_of(turned(columns, channels, rows), flat.size, presence)
        spread(presence, flat)
        rest = payload[1 + -(-used_bits // 8) :]
        if payload[0] == _CODED:
            fill_levels(rest, presence, self._alphabet(channels), flat)
            return
        check_end(rest, events * self.value_bits)
        if self.value_bits:
            self._fill(presence, (as_words(rest), 0), flat)

    def _alphabet(self, channels: int) -> Alphabet:
        return Alphabet(channels=channels, low=self.low, high=self.levels)

    def _positions(self, found: Marked) -> Bytes | None:
        """The positions of all events; None when they alone take as long as a bitmap."""
        elements = found.values.size
        columns = turned(as_words(as_bytes(found.presence, elements)), found.rows, found.channels)
        most_bits = elements + found.events * self.value_bits
        words = blank(most_bits)
        used = put_positions(columns, found.rows, found.channels, words, most_bits)
        return None if used < 0 else as_bytes(words, used)

    def _coded(self, found: Marked) -> tuple[int, Bytes]:
        """How the values are sent, and their bytes."""
        packed_bits = found.events * self.value_bits
        if packed_bits:
            coded = coded_levels(found.values, found.presence, found.events, self._alphabet(found.channels))
            if 8 * coded.size < packed_bits:
                return _CODED, coded
        return _PACKED, as_bytes(self._values(found), packed_bits)
