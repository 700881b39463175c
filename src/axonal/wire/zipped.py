"""The codec of a bitmap that zstd makes shorter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import zstandard

from axonal.wire.bits import Bytes, Words, as_bytes, as_words
from axonal.wire.codec import Floats
from axonal.wire.frame import CorruptFrame, Kind, open_frame, seal
from axonal.wire.presence import presence_of
from axonal.wire.symbols import Marked, SymbolCodec, is_plain
from axonal.wire.tensors import flat_target
from axonal.wire.turning import turned

__all__ = ["ZippedCodec"]

_LEVEL = 1
_BY_ROW, _BY_CHANNEL = 0, 1
_SAMPLES = 8
_SAMPLE_BYTES = 8192


@dataclass(frozen=True, kw_only=True)
class ZippedCodec(SymbolCodec):
    """A bitmap, its bits row by row or channel by channel, through zstd at level 1; a bitmap where that is no shorter.

    The payload is one byte that says the order of the presence bits (0 by row, 1 by channel), and the payload of the
    bitmap, its values behind the presence bits in the order of the tensor, compressed.
    """

    name: ClassVar[str] = "bitmap_zstd"
    number: ClassVar[int] = 5

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        found = self._mark(values)
        elements = found.values.size
        order, compressed = _shorter(self._by_row(found), self._by_channel(found))
        if 1 + len(compressed) >= self._plain_bytes(elements, found.events):
            return self._plain(found)
        return seal(Kind.ZIPPED, elements, np.frombuffer(bytes([order]) + compressed, dtype=np.uint8))

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out)
        if is_plain(frame):
            self._fill_plain(frame, flat)
            return
        payload = open_frame(frame, Kind.ZIPPED, flat.size)
        if not payload.size or payload[0] > _BY_CHANNEL:
            raise CorruptFrame("payload does not say the order of its bits")
        bitmap = _unzipped(payload[1:], self._plain_bytes(flat.size, flat.size))
        words, presence, _ = self._opened(bitmap, flat.size)
        if payload[0] == _BY_CHANNEL:
            rows, channels = out.shape
            presence_of(turned(words, channels, rows), flat.size, presence)
        self._fill(presence, (words, flat.size), flat)

    def _by_row(self, found: Marked) -> Bytes:
        return self._bitmap(found, found.presence)

    def _by_channel(self, found: Marked) -> Bytes:
        elements = found.values.size
        columns: Words = turned(as_words(as_bytes(found.presence, elements)), found.rows, found.channels)
        return self._bitmap(found, columns[: found.presence.size])


def _zipped(stream: Bytes) -> bytes:
    # A compressor is no thread's but the one that made it; making one is cheap.
    made: bytes = zstandard.ZstdCompressor(level=_LEVEL).compress(stream.data)
    return made


def _shorter(by_row: Bytes, by_channel: Bytes) -> tuple[int, bytes]:
    """The order of the shorter stream and the stream compressed; large ones are compared by samples."""
    streams = (by_row, by_channel)
    if by_row.size <= 2 * _SAMPLES * _SAMPLE_BYTES:
        both = [_zipped(stream) for stream in streams]
        order = int(len(both[_BY_CHANNEL]) < len(both[_BY_ROW]))
        return order, both[order]
    lengths = [len(_zipped(_sample(stream))) for stream in streams]
    order = int(lengths[_BY_CHANNEL] < lengths[_BY_ROW])
    return order, _zipped(streams[order])


def _sample(stream: Bytes) -> Bytes:
    starts = np.linspace(0, stream.size - _SAMPLE_BYTES, _SAMPLES, dtype=np.int64)
    return np.concatenate([stream[start : start + _SAMPLE_BYTES] for start in starts])


def _unzipped(compressed: Bytes, most_bytes: int) -> Bytes:
    """The stream; CorruptFrame where it is none, or declares more than a tensor can have before memory is taken."""
    try:
        declared = zstandard.frame_content_size(compressed.data)
        if not 0 <= declared <= most_bytes:
            raise CorruptFrame(f"payload declares {declared} bytes, must be 0 to {most_bytes}")
        stream = zstandard.ZstdDecompressor().decompress(compressed.data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CorruptFrame(f"payload is no zstd frame: {error}") from error
    return np.frombuffer(stream, dtype=np.uint8)
