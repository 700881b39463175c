"""The codecs that send every element as a small integer, in units of its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from axonal.wire.bits import Bytes
from axonal.wire.codec import Floats
from axonal.wire.compiled import compiled
from axonal.wire.frame import HEADER_BITS, MAX_ELEMENTS, CorruptFrame, Kind, open_frame, seal
from axonal.wire.tensors import flat_floats, flat_target

__all__ = ["Int4Codec", "Int8Codec", "ScaledCodec", "check_finite"]

_UNIT_BYTES = 4
_SIZE = np.uint32(0x7FFFFFFF)
_INFINITE = np.uint32(0x7F800000)
_SMALLEST = np.float32(2.0**-126)
_ROUNDER = np.float32(1.5 * 2.0**23)
"""What leaves no bits of a smaller float for its fraction."""


@dataclass(frozen=True, kw_only=True)
class ScaledCodec:
    """q = round(v / u) with the unit u = max |v| / `most` of the row, ties to even; the receiver gets q u.

    A row whose unit is below 2**-126 is sent as zeros. The payload is the units of all rows as little-endian 32-bit
    floats, and then the integers of each row in two's complement, the rest of the last byte of a row being zeros.

    Args:
        channels: Elements of a row.
    """

    exact: ClassVar[bool] = False
    width: ClassVar[int]

    channels: int

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= MAX_ELEMENTS:
            raise ValueError(f"channels is {self.channels}, must be 1 to {MAX_ELEMENTS}: split the tensor")

    @property
    def most(self) -> int:
        """Largest magnitude of an integer."""
        return (1 << (self.width - 1)) - 1

    def capacity_bytes(self, elements: int) -> int:
        """Length of each frame of so many elements, in bytes."""
        return HEADER_BITS // 8 + -(-elements // self.channels) * (_UNIT_BYTES + self._row_bytes)

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`. ValueError where an element is not finite."""
        flat = flat_floats(values, self.channels)
        rows = len(values)
        payload = np.empty(rows * (_UNIT_BYTES + self._row_bytes), dtype=np.uint8)
        units = np.empty(rows, dtype=np.float32)
        codes = payload[rows * _UNIT_BYTES :].reshape(rows, self._row_bytes)
        shaped = flat.reshape(rows, self.channels)
        if not _scaled(shaped, shaped.view(np.uint32), _largest_unit(self.most), (self.width, self.most), units, codes):
            check_finite(flat)
        payload[: rows * _UNIT_BYTES] = units.astype("<f4", copy=False).view(np.uint8)
        return seal(Kind.SCALED, flat.size, payload)

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out, self.channels)
        rows = len(out)
        payload = open_frame(frame, Kind.SCALED, flat.size)
        if payload.size != rows * (_UNIT_BYTES + self._row_bytes):
            raise CorruptFrame(f"payload has {payload.size} bytes, must have {rows * (_UNIT_BYTES + self._row_bytes)}")
        units = np.frombuffer(payload[: rows * _UNIT_BYTES].tobytes(), dtype="<f4").astype(np.float32, copy=False)
        largest = _largest_unit(self.most)
        if not bool(np.all((units >= 0) & (units <= largest))):
            raise CorruptFrame(f"a row has a unit that is not within 0 to {largest}")
        codes = payload[rows * _UNIT_BYTES :].reshape(rows, self._row_bytes)
        if not _restored(codes, units, self.width, flat.reshape(rows, self.channels)):
            raise CorruptFrame(f"payload holds an integer below {-self.most}, or non-zero padding")

    @property
    def _row_bytes(self) -> int:
        return -(-self.channels * self.width // 8)


@dataclass(frozen=True, kw_only=True)
class Int8Codec(ScaledCodec):
    """8 bits an element, see `ScaledCodec`: an error of at most 1/254 of the largest of the row."""

    name: ClassVar[str] = "int8"
    number: ClassVar[int] = 19
    width: ClassVar[int] = 8


@dataclass(frozen=True, kw_only=True)
class Int4Codec(ScaledCodec):
    """4 bits an element, see `ScaledCodec`: an error of at most 1/14 of the largest of the row."""

    name: ClassVar[str] = "int4"
    number: ClassVar[int] = 20
    width: ClassVar[int] = 4


def check_finite(flat: Floats) -> None:
    """ValueError where an element is infinite or no number."""
    strange = np.flatnonzero(~np.isfinite(flat))
    if strange.size:
        raise ValueError(f"element {strange[0]} is {flat[strange[0]]}, must be finite: find out where it is from")


def _largest_unit(most: int) -> np.float32:
    """The largest unit of which `most` are finite."""
    largest: np.float32 = np.nextafter(np.float32(np.finfo(np.float32).max / most), np.float32(0))
    return largest


@compiled
def _scaled(
    values: Floats,
    patterns: npt.NDArray[np.uint32],
    largest: np.float32,
    kind: tuple[int, int],
    units: Floats,
    codes: npt.NDArray[np.uint8],
) -> bool:
    """Fills in the unit and the integers of each row: whether all elements are finite."""
    width, most = kind
    rounded = np.zeros(values.shape[1] + 1, dtype=np.uint8)
    as_bits = np.zeros(1, dtype=np.uint32)
    as_float = as_bits.view(np.float32)
    for row in range(len(values)):
        line, bits = values[row], patterns[row]
        # Patterns of finite floats ascend as their magnitudes do, and their maximum is a vector instruction.
        top = np.uint32(0)
        for column in range(bits.size):
            top = max(top, bits[column] & _SIZE)
        if top >= _INFINITE:
            return False
        as_bits[0] = top
        unit = min(as_float[0] / np.float32(most), largest)
        unit = unit if unit >= _SMALLEST else np.float32(0)
        inverse = np.float32(1) / unit if unit > 0 else np.float32(0)
        units[row] = unit
        target = codes[row] if width == 8 else rounded
        for column in range(line.size):
            target[column] = np.uint8(np.int32((line[column] * inverse + _ROUNDER) - _ROUNDER) & 255)
        if width == 4:
            packed = codes[row]
            for place in range(packed.size):
                packed[place] = (rounded[2 * place] & 15) | (rounded[2 * place + 1] & 15) << 4
    return True


@compiled
def _restored(codes: Bytes, units: Floats, width: int, values: Floats) -> bool:
    """Fills in the elements of all rows: whether their integers are within bounds and their padding is zeros."""
    wrong = np.uint32(0)
    for row in range(len(values)):
        unit, packed, line = units[row], codes[row], values[row]
        if width == 8:
            for column in range(line.size):
                code = (np.int32(packed[column]) ^ np.int32(128)) - np.int32(128)
                wrong |= np.uint32(code == np.int32(-128))
                line[column] = np.float32(code) * unit
        else:
            for place in range(line.size >> 1):
                both = np.int32(packed[place])
                low = ((both & np.int32(15)) ^ np.int32(8)) - np.int32(8)
                high = ((both >> np.int32(4)) ^ np.int32(8)) - np.int32(8)
                wrong |= np.uint32((low == np.int32(-8)) | (high == np.int32(-8)))
                line[2 * place] = np.float32(low) * unit
                line[2 * place + 1] = np.float32(high) * unit
            if line.size & 1:
                # The upper half of the last byte is padding.
                low = (np.int32(packed[packed.size - 1]) ^ np.int32(8)) - np.int32(8)
                wrong |= np.uint32((low < np.int32(-7)) | (low > np.int32(7)))
                line[line.size - 1] = np.float32(low) * unit
    return not wrong
