"""The codec of gap bytes: how far it is from each event to the next, in bytes, and then the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonal.wire.bits import Bytes, Words, as_bytes, as_words, trailing_zeros
from axonal.wire.codec import Floats
from axonal.wire.compiled import compiled
from axonal.wire.fields import check_end
from axonal.wire.frame import CorruptFrame, Kind, open_frame, seal
from axonal.wire.symbols import SymbolCodec, is_plain
from axonal.wire.tensors import flat_target

__all__ = ["GapCodec"]

_COUNT_BYTES = 3
_MOST = 255


@dataclass(frozen=True, kw_only=True)
class GapCodec(SymbolCodec):
    """A byte for each event; a bitmap where that is no longer.

    The payload is the number of events in 3 bytes, little-endian, for each of them the silent elements before it (a
    byte of 255 says that there are as many and more), and then the values as in a bitmap.
    """

    name: ClassVar[str] = "gap"
    number: ClassVar[int] = 4

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        found = self._mark(values)
        size = found.values.size
        value_bytes = -(-found.events * self.value_bits // 8)
        payload = np.empty(self._plain_bytes(size, found.events), dtype=np.uint8)
        room_bytes = payload.size - 1 - value_bytes - _COUNT_BYTES
        used = -1
        if room_bytes >= 0:
            used = _put_gaps(found.presence, payload[_COUNT_BYTES : _COUNT_BYTES + room_bytes])
        if used < 0:
            return self._plain(found)
        payload[:_COUNT_BYTES] = np.frombuffer(found.events.to_bytes(_COUNT_BYTES, "little"), dtype=np.uint8)
        end = _COUNT_BYTES + used
        payload[end : end + value_bytes] = as_bytes(self._values(found), found.events * self.value_bits)
        return seal(Kind.GAPS, size, payload[: end + value_bytes])

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out)
        if is_plain(frame):
            self._fill_plain(frame, flat)
            return
        payload = open_frame(frame, Kind.GAPS, flat.size)
        events = int.from_bytes(payload[:_COUNT_BYTES].tobytes(), "little")
        presence = np.zeros(-(-flat.size // 64), dtype=np.uint64)
        used = _take_gaps(payload[_COUNT_BYTES:], events, flat.size, presence)
        if used < 0:
            raise CorruptFrame(f"gaps of {events} events lead beyond the payload or its {flat.size} elements")
        values = payload[_COUNT_BYTES + used :]
        check_end(values, events * self.value_bits)
        self._fill(presence, (as_words(values), 0), flat)


@compiled
def _put_gaps(presence: Words, room: Bytes) -> int:
    """Fills in the gaps before all events: bytes used; -1 without room."""
    at, following = 0, 0
    for block in range(presence.size):
        word = presence[block]
        while word:
            index = block * 64 + trailing_zeros(word)
            gap = index - following
            if at + gap // _MOST >= room.size:
                return -1
            while gap >= _MOST:
                room[at] = _MOST
                gap -= _MOST
                at += 1
            room[at] = gap
            at += 1
            following = index + 1
            word &= word - np.uint64(1)
    return at


@compiled
def _take_gaps(payload: Bytes, events: int, elements: int, presence: Words) -> int:
    """Sets the presence bits of all events: bytes used; -1 where they run out or lead too far."""
    at, index = 0, -1
    for _ in range(events):
        gap = _MOST
        index += 1
        while gap == _MOST:
            if at >= payload.size:
                return -1
            gap = int(payload[at])
            index += gap
            at += 1
        if index >= elements:
            return -1
        presence[index >> 6] |= np.uint64(1) << np.uint64(index & 63)
    return at
