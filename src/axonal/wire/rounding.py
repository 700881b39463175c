"""The codecs that send every element as a float: all of its 32 bits, or half of them.

Both halves round to nearest, ties to even; what is beyond the largest finite number becomes infinite, and infinities
and NaNs stay what they are, as in IEEE 754 and in torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from axonal.wire.codec import Floats
from axonal.wire.compiled import compiled
from axonal.wire.frame import HEADER_BITS, CorruptFrame, Kind, open_frame, seal
from axonal.wire.tensors import flat_floats, flat_target

__all__ = ["Bfloat16Codec", "Float16Codec", "Float32Codec", "float16_of", "floats_of", "halves_in"]

_Halves = npt.NDArray[np.uint16]
_Patterns = npt.NDArray[np.int32]

# Signed, because compiled code widens what it adds of unsigned ones, and then has half the lanes.
_SIZE = np.int32(0x7FFFFFFF)
_INFINITE = np.int32(0x7F800000)
_REBASED = np.int32(0x38000000)
"""What the exponents of a float and of a half differ by."""
_HALF_SIGN = np.int32(0x8000)
_HALF_SIZE = np.int32(0x7FFF)
_HALF_INFINITE = np.int32(0x7C00)
_HALF_NAN = np.int32(0x7E00)
_HALF_OVERFLOW = np.int32(0x477FF000)
"""The smallest float that rounds to more than the largest half, 65504."""
_HALF_NORMAL = np.int32(0x38800000)
"""The smallest normal half, 2**-14, as a float."""
_HALF_LEAST = np.int32(0x400)
"""And as a half."""
_ROUNDER = np.float32(1.5 * 2.0**23)
"""What leaves no bits of a smaller float for its fraction."""
_HALF_UNIT = np.float32(2.0**-24)
"""The smallest half."""
_PIECE = 2048


def _payload(frame: bytes | memoryview, kind: Kind, elements: int, width: int) -> npt.NDArray[np.uint8]:
    payload = open_frame(frame, kind, elements)
    if payload.size != elements * width:
        raise CorruptFrame(f"payload has {payload.size} bytes, must have {elements * width}")
    return payload


@dataclass(frozen=True, kw_only=True)
class Float32Codec:
    """The floats as they are, little-endian."""

    name: ClassVar[str] = "fp32"
    number: ClassVar[int] = 16
    exact: ClassVar[bool] = True

    def capacity_bytes(self, elements: int) -> int:
        """Length of each frame of so many elements, in bytes."""
        return HEADER_BITS // 8 + 4 * elements

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        flat = flat_floats(values)
        return seal(Kind.FLOAT32, flat.size, flat.astype("<f4", copy=False).view(np.uint8))

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out)
        flat.view(np.uint8)[:] = _payload(frame, Kind.FLOAT32, flat.size, 4)


@dataclass(frozen=True, kw_only=True)
class Float16Codec:
    """Halves of IEEE 754, little-endian."""

    name: ClassVar[str] = "fp16"
    number: ClassVar[int] = 17
    exact: ClassVar[bool] = False

    def capacity_bytes(self, elements: int) -> int:
        """Length of each frame of so many elements, in bytes."""
        return HEADER_BITS // 8 + 2 * elements

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        flat = flat_floats(values)
        return seal(Kind.FLOAT16, flat.size, float16_of(flat).view(np.uint8))

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out)
        floats_of(halves_in(_payload(frame, Kind.FLOAT16, flat.size, 2)), flat)


@dataclass(frozen=True, kw_only=True)
class Bfloat16Codec:
    """The upper half of each float, rounded, little-endian."""

    name: ClassVar[str] = "bf16"
    number: ClassVar[int] = 18
    exact: ClassVar[bool] = False

    def capacity_bytes(self, elements: int) -> int:
        """Length of each frame of so many elements, in bytes."""
        return HEADER_BITS // 8 + 2 * elements

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        flat = flat_floats(values)
        halves = np.empty(flat.size, dtype=np.uint16)
        _round_upper(flat.view(np.int32), halves)
        return seal(Kind.BFLOAT16, flat.size, halves.view(np.uint8))

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out)
        _lift_upper(halves_in(_payload(frame, Kind.BFLOAT16, flat.size, 2)), flat.view(np.int32))


def float16_of(flat: Floats) -> _Halves:
    """The pattern of the nearest half of each float."""
    halves = np.empty(flat.size, dtype=np.uint16)
    _round_half(flat, flat.view(np.int32), halves)
    return halves


def floats_of(halves: _Halves, flat: Floats) -> None:
    """Fills in the floats of the patterns of halves."""
    _lift_half(halves, flat.view(np.int32), flat)


def halves_in(stream: npt.NDArray[np.uint8]) -> _Halves:
    """Bytes as little-endian 16-bit patterns."""
    halves = stream.view("<u2")
    return halves if halves.flags.aligned else halves.copy()


@compiled
def _round_half(values: Floats, patterns: _Patterns, halves: _Halves) -> None:
    """Rounds normal halves by adding to the pattern, and subnormal ones, multiples of 2**-24, as floats."""
    for index in range(values.size):
        pattern = patterns[index] & _SIZE
        odd = (pattern >> np.int32(13)) & np.int32(1)
        normal = np.int32(pattern - _REBASED + np.int32(0xFFF) + odd) >> np.int32(13)
        near = values[index] if pattern < _HALF_NORMAL else np.float32(0)
        scaled = np.abs(near) * np.float32(2.0**24)
        tiny = np.int32((scaled + _ROUNDER) - _ROUNDER)
        half = tiny if pattern < _HALF_NORMAL else normal
        half = _HALF_INFINITE if pattern >= _HALF_OVERFLOW else half
        half = _HALF_NAN if pattern > _INFINITE else half
        halves[index] = np.uint16(half | ((patterns[index] >> np.int32(16)) & _HALF_SIGN))


@compiled
def _lift_half(halves: _Halves, patterns: _Patterns, values: Floats) -> None:
    """In pieces and two loops each, because one that writes floats and patterns does not become vector instructions."""
    for first in range(0, halves.size, _PIECE):
        piece = halves[first : first + _PIECE]
        floats = values[first : first + _PIECE]
        bits = patterns[first : first + _PIECE]
        for index in range(piece.size):
            floats[index] = np.float32(np.int32(piece[index]) & _HALF_SIZE) * _HALF_UNIT
        for index in range(piece.size):
            half = np.int32(piece[index])
            size = half & _HALF_SIZE
            widened = np.int32(size << np.int32(13))
            pattern = np.int32(widened + _REBASED)
            pattern = np.int32(widened | _INFINITE) if size >= _HALF_INFINITE else pattern
            pattern = bits[index] if size < _HALF_LEAST else pattern
            bits[index] = pattern | np.int32((half ^ size) << np.int32(16))


@compiled
def _round_upper(patterns: _Patterns, halves: _Halves) -> None:
    for index in range(patterns.size):
        pattern = patterns[index] & _SIZE
        odd = (pattern >> np.int32(16)) & np.int32(1)
        # Past infinity the sum wraps, but there only NaNs are, which stay such: a carry would make one a number.
        rounded = np.int32(pattern + np.int32(0x7FFF) + odd) >> np.int32(16)
        rounded = (pattern >> np.int32(16)) | np.int32(0x40) if pattern > _INFINITE else rounded
        halves[index] = np.uint16(rounded | ((patterns[index] >> np.int32(16)) & _HALF_SIGN))


@compiled
def _lift_upper(halves: _Halves, patterns: _Patterns) -> None:
    for index in range(halves.size):
        patterns[index] = np.int32(halves[index]) << np.int32(16)
