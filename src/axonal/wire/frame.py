"""The envelope of every packet format: an 8-byte header and a payload.

```
byte 0      version (high nibble) and format kind (low nibble)
byte 1-3    number of elements, little-endian
byte 4-7    CRC-32 of bytes 0-3 and the payload, little-endian
byte 8-     payload, padded to a byte with zero bits
```

The parameters of a format (widths, group) are not sent: both ends agree on them
beforehand, as they agree on the shape of the tensor.
"""

from __future__ import annotations

import zlib
from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["HEADER_BITS", "MAX_ELEMENTS", "CorruptFrame", "Kind", "check_elements", "check_size", "open_frame", "seal"]

HEADER_BITS = 64
"""Bits of the header of a frame."""

MAX_ELEMENTS = 2**24 - 1
"""Most elements that the count in the header can say."""

_HEADER_BYTES = HEADER_BITS // 8
_CHECKED_BYTES = 4
_VERSION = 1


class CorruptFrame(ValueError):  # noqa: N818 - named for what arrived
    """Bytes that no sender of the agreed format and size can have packed."""


class Kind(IntEnum):
    """Which format a frame is in, as its first byte says."""

    DENSE = 1
    BITMAP = 2
    ADDRESS_EVENT = 3
    BURST = 4
    RANGED = 5
    ADAPTIVE = 6
    UNRANGED = 7
    GAPS = 8
    ZIPPED = 9
    CHANNELWISE = 10
    FLOAT32 = 11
    FLOAT16 = 12
    BFLOAT16 = 13
    SCALED = 14
    LARGEST = 15


def check_elements(elements: int) -> None:
    """ValueError unless a frame can carry that many elements."""
    if not 0 <= elements <= MAX_ELEMENTS:
        raise ValueError(f"elements is {elements}, a frame carries 0 to {MAX_ELEMENTS}: split the tensor")


def check_size(elements: int, events: float) -> None:
    """ValueError unless a frame can carry that many elements and so many of them can be non-zero."""
    check_elements(elements)
    if not 0 <= events <= elements:
        raise ValueError(f"events is {events}, must be 0 to {elements}, the number of elements")


def _checksum(head: bytes, payload: npt.NDArray[np.uint8]) -> bytes:
    return zlib.crc32(payload.data, zlib.crc32(head)).to_bytes(4, "little")


def seal(kind: Kind, elements: int, payload: npt.NDArray[np.uint8]) -> bytes:
    """The frame around a payload of contiguous bytes; ValueError beyond `MAX_ELEMENTS`."""
    check_elements(elements)
    head = bytes([_VERSION << 4 | kind]) + elements.to_bytes(3, "little")
    return b"".join((head, _checksum(head, payload), payload.data))


def open_frame(frame: bytes | memoryview, kind: Kind, elements: int) -> npt.NDArray[np.uint8]:
    """The payload of a frame, as a read-only view of its bytes.

    Args:
        frame: What `seal` made, or anything else.
        kind: Format that the receiver expects.
        elements: Number of elements that the receiver expects.

    Raises:
        CorruptFrame: The header or the checksum is not that of such a frame.
        ValueError: `elements` is more than a frame can carry.
    """
    check_elements(elements)
    if len(frame) < _HEADER_BYTES:
        raise CorruptFrame(f"frame has {len(frame)} bytes, its header alone has {_HEADER_BYTES}")
    version, found = divmod(frame[0], 16)
    if version != _VERSION:
        raise CorruptFrame(f"frame has version {version}, must be {_VERSION}")
    if found != kind:
        raise CorruptFrame(f"frame has format kind {found}, must be {kind.value}")
    declared = int.from_bytes(frame[1:_CHECKED_BYTES], "little")
    if declared != elements:
        raise CorruptFrame(f"frame declares {declared} elements, must be {elements}")
    payload = np.frombuffer(frame, dtype=np.uint8, offset=_HEADER_BYTES)
    payload.flags.writeable = False
    if _checksum(bytes(frame[:_CHECKED_BYTES]), payload) != frame[_CHECKED_BYTES:_HEADER_BYTES]:
        raise CorruptFrame("frame does not match its CRC-32")
    return payload
