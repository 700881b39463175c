"""The codec of dense integers: every element is sent, in as many bits as its levels need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from axonal.wire.bits import Bytes
from axonal.wire.codec import Floats
from axonal.wire.compiled import compiled
from axonal.wire.fields import check_end
from axonal.wire.frame import HEADER_BITS, Kind, open_frame, seal
from axonal.wire.symbols import MAX_LEVELS, first_stranger
from axonal.wire.tensors import flat_floats, flat_target

__all__ = ["DenseCodec"]

_LANES = 8
_PIECE = 1024


@dataclass(frozen=True, kw_only=True)
class DenseCodec:
    """The frames of `Dense`, from floats; all integers of the width may cross, so -128 where `levels` is 127.

    Args:
        levels: Largest magnitude, 1 to `MAX_LEVELS`.
        signed: Whether elements are in two's complement.
    """

    name: ClassVar[str] = "dense"
    number: ClassVar[int] = 3
    exact: ClassVar[bool] = True

    levels: int
    signed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= MAX_LEVELS:
            raise ValueError(f"levels is {self.levels}, must be 1 to {MAX_LEVELS}: quantise the symbols")

    @property
    def element_bits(self) -> int:
        """Bits of an element, 1 to 8."""
        return self.levels.bit_length() + self.signed

    @property
    def low(self) -> int:
        """Smallest integer that can cross."""
        return -(1 << (self.element_bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer that can cross."""
        return (1 << (self.element_bits - self.signed)) - 1

    def capacity_bytes(self, elements: int) -> int:
        """Length of each frame of so many elements, in bytes."""
        return HEADER_BITS // 8 + -(-elements * self.element_bits // 8)

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor; see `Codec.encode`."""
        flat = flat_floats(values)
        # Room for a whole block behind the last element.
        stream = np.zeros(-(-flat.size // _LANES) * self.element_bits, dtype=np.uint8)
        if not _packed(flat, np.float32(self.low), np.float32(self.high), self.element_bits, stream):
            raise ValueError(first_stranger(flat, self.low, self.high))
        return seal(Kind.DENSE, flat.size, stream[: -(-flat.size * self.element_bits // 8)])

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        flat = flat_target(out)
        payload = open_frame(frame, Kind.DENSE, flat.size)
        check_end(payload, flat.size * self.element_bits)
        _unpacked(payload, self.element_bits, self.signed, flat)


@compiled
def _packed(values: Floats, low: np.float32, high: np.float32, width: int, stream: Bytes) -> bool:
    """Fills in the low bits of each element, eight at a time: whether all are whole numbers in bounds."""
    wrong = np.uint32(0)
    mask = np.uint64((1 << width) - 1)
    codes = np.zeros(_PIECE, dtype=np.uint8)
    for first in range(0, values.size, _PIECE):
        piece = values[first : first + _PIECE]
        for index in range(piece.size):
            value = piece[index]
            near = value if (value >= low) & (value <= high) else np.float32(0)
            wrong |= np.uint32(np.float32(np.int32(near)) != value)
            codes[index] = np.uint8(np.int32(near) & 255)
        codes[piece.size :] = 0
        start = first // _LANES * width
        target = stream[start : start + _PIECE // _LANES * width]
        if width == 8:
            target[:] = codes[: target.size]
        else:
            _join(codes, width, mask, target)
    return not wrong


@compiled
def _join(codes: Bytes, width: int, mask: np.uint64, target: Bytes) -> None:
    for block in range(target.size // width):
        lanes = codes[block * _LANES : block * _LANES + _LANES]
        word = np.uint64(0)
        for lane in range(_LANES):
            word |= (np.uint64(lanes[lane]) & mask) << np.uint64(lane * width)
        piece = target[block * width : block * width + width]
        for byte in range(piece.size):
            piece[byte] = (word >> np.uint64(8 * byte)) & np.uint64(255)


@compiled
def _unpacked(payload: Bytes, width: int, signed: bool, values: Floats) -> None:
    mask, sign = np.int32((1 << width) - 1), np.int32(1 << (width - 1) if signed else 0)
    if width == 8:
        for index in range(values.size):
            values[index] = np.float32((np.int32(payload[index]) ^ sign) - sign)
        return
    for block in range(-(-values.size // _LANES)):
        stream = payload[block * width : block * width + width]
        piece = values[block * _LANES : block * _LANES + _LANES]
        word = np.uint64(0)
        for byte in range(stream.size):
            word |= np.uint64(stream[byte]) << np.uint64(8 * byte)
        for lane in range(piece.size):
            code = np.int32(word >> np.uint64(lane * width)) & mask
            piece[lane] = np.float32((code ^ sign) - sign)
