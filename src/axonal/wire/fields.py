"""Sections of fixed-width fields, laid end to end in a stream of bits.

Bit `i` of a stream is bit `i % 8` of byte `i // 8`, least significant first, and
a field sends its least significant bit first. A section of 8-, 16- or 32-bit
fields is therefore the memory of a little-endian array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from axonal.wire.frame import CorruptFrame

__all__ = ["Codes", "check_end", "container", "join", "read"]

Codes = npt.NDArray[np.unsignedinteger[Any]]
"""Unsigned fields, in the smallest type that holds their width."""

_Bytes = npt.NDArray[np.uint8]

_LANES = 8
"""Fields of a block: eight fields of w bits are w whole bytes, whatever w is."""


def container(width: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The smallest little-endian unsigned type that holds `width` bits, 0 to 32."""
    return np.dtype("<u1" if width <= 8 else "<u2" if width <= 16 else "<u4")


def _whole_bytes(bits: int) -> int:
    return -(-bits // 8)


def join(sections: Sequence[tuple[Codes, int]]) -> _Bytes:
    """The stream of all sections, each given as its fields and their width in bits; zero bits pad the last byte."""
    total_bits = sum(codes.size * width for codes, width in sections)
    stream = np.zeros(_whole_bytes(total_bits) + 1, dtype=np.uint8)
    at = 0
    for codes, width in sections:
        part = _packed(codes, width)
        first, shift = divmod(at, 8)
        if shift:
            stream[first : first + part.size] |= part << shift
            stream[first + 1 : first + 1 + part.size] |= part >> (8 - shift)
        else:
            stream[first : first + part.size] = part
        at += codes.size * width
    return stream[: _whole_bytes(total_bits)]


def read(stream: _Bytes, at: int, count: int, width: int) -> Codes:
    """The `count` fields of `width` bits that start at bit `at`; CorruptFrame when the stream ends before."""
    end = at + count * width
    if end > 8 * stream.size:
        raise CorruptFrame(f"payload has {stream.size} bytes, needs at least {_whole_bytes(end)}")
    first, shift = divmod(at, 8)
    part = stream[first : _whole_bytes(end)]
    if shift and part.size:
        lower: _Bytes = np.right_shift(part, shift, dtype=np.uint8)
        lower[:-1] |= part[1:] << (8 - shift)
        part = lower
    return _unpacked(part, count, width)


def check_end(stream: _Bytes, end: int) -> None:
    """CorruptFrame unless the stream ends at bit `end`, padded to a byte with zero bits."""
    if stream.size != _whole_bytes(end):
        raise CorruptFrame(f"payload has {stream.size} bytes, must have {_whole_bytes(end)}")
    if end % 8 and stream[-1] >> (end % 8):
        raise CorruptFrame(f"payload has non-zero padding after its {end} bits")


def _packed(codes: Codes, width: int) -> _Bytes:
    if width == 0 or codes.size == 0:
        return np.zeros(0, dtype=np.uint8)
    if width == 1:
        return np.packbits(codes & 1, bitorder="little")
    if width == 8 * container(width).itemsize:
        return codes.astype(container(width), copy=False).view(np.uint8)
    return _packed_blocks(codes, width)


def _unpacked(part: _Bytes, count: int, width: int) -> Codes:
    if width == 0 or count == 0:
        return np.zeros(count, dtype=container(width))
    if width == 1:
        return np.unpackbits(part, count=count, bitorder="little")
    if width == 8 * container(width).itemsize:
        return part[: count * width // 8].view(container(width))
    return _unpacked_blocks(part, count, width)


def _packed_blocks(codes: Codes, width: int) -> _Bytes:
    blocks = -(-codes.size // _LANES)
    lanes = np.zeros((blocks, _LANES), dtype=container(width))
    lanes.ravel()[: codes.size] = codes & (2**width - 1)
    packed = np.zeros((width, blocks), dtype=np.uint8)
    for lane in range(_LANES):
        first, shift = divmod(lane * width, 8)
        word = lanes[:, lane].astype(np.uint64) << shift
        for byte in range(_whole_bytes(shift + width)):
            packed[first + byte] |= (word >> (8 * byte)).astype(np.uint8)
    return packed.T.ravel()[: _whole_bytes(codes.size * width)]


def _unpacked_blocks(part: _Bytes, count: int, width: int) -> Codes:
    blocks = -(-count // _LANES)
    padded = np.zeros(blocks * width, dtype=np.uint8)
    padded[: part.size] = part[: padded.size]
    packed = padded.reshape(blocks, width)
    codes = np.empty((blocks, _LANES), dtype=container(width))
    for lane in range(_LANES):
        first, shift = divmod(lane * width, 8)
        word = np.zeros(blocks, dtype=np.uint64)
        for byte in range(_whole_bytes(shift + width)):
            word |= packed[:, first + byte].astype(np.uint64) << (8 * byte)
        codes[:, lane] = (word >> shift) & (2**width - 1)
    return codes.ravel()[:count]
