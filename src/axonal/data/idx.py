"""The IDX format of the MNIST family: a magic number, the sizes, then unsigned bytes."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["parse"]

_UNSIGNED_BYTES = 0x08


def parse(raw: bytes, axes: int, path: Path) -> NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes.

    Args:
        raw: Content of the file, decompressed.
        axes: Number of axes it must have: 3 for images, 1 for labels.
        path: The file, for messages.

    Raises:
        ValueError: When the magic number is another one or the sizes do not match the length.
    """
    header_bytes = 4 + 4 * axes
    if len(raw) < header_bytes:
        raise ValueError(
            f"{path}: expected an IDX header of {header_bytes} bytes, found {len(raw)} bytes: download it again"
        )
    magic, *shape = struct.unpack_from(f">{1 + axes}I", raw)
    expected = _UNSIGNED_BYTES << 8 | axes
    if magic != expected:
        raise ValueError(
            f"{path}: expected IDX magic 0x{expected:08x} (unsigned bytes, axes: {axes}), found 0x{magic:08x}: "
            "download it again, and unpack it if it is packed"
        )
    body_bytes = len(raw) - header_bytes
    if body_bytes != math.prod(shape):
        raise ValueError(
            f"{path}: expected {math.prod(shape):,} bytes after the header, which says {'x'.join(map(str, shape))}, "
            f"found {body_bytes:,}: download it again"
        )
    return np.frombuffer(raw, np.uint8, offset=header_bytes).reshape(shape)
