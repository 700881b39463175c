"""The envelope of what processes send each other: a 48-byte header in front of a payload.

```
byte  0-3    magic "AXON"
byte  4      version
byte  5      kind of the message
byte  6      number of the codec of the payload
byte  7      flags, by kind
byte  8-15   session: every run or connection has its own
byte 16-19   step
byte 20-21   micro-batch
byte 22-23   boundary
byte 24-27   elements of the tensor
byte 28-31   bytes of the payload
byte 32-39   layout: what both ends agreed on (partition, shapes), hashed
byte 40-43   CRC-32 of the payload
byte 44-47   CRC-32 of bytes 0-43
```

All numbers are little-endian. The payload of a tensor is a frame of a packet format, whose size the simulator predicts;
the header is what a transport adds. Nothing of a message is ever unpickled.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from axonal.wire.frame import MAX_ELEMENTS, CorruptFrame

__all__ = ["MESSAGE_BYTES", "VERSION", "Message", "MessageKind", "layout_hash"]

MESSAGE_BYTES = 48
"""Bytes of the header of a message."""

VERSION = 1
"""Version of the header and of the packet formats behind it."""

Buffer = bytes | bytearray | memoryview
"""Contiguous bytes."""

_MAGIC = b"AXON"
_FIELDS = struct.Struct("<4sBBBBQIHHIIQI")
_CRC = struct.Struct("<I")
_BOUNDS = {
    "kind": 8,
    "codec": 8,
    "flags": 8,
    "session": 64,
    "step": 32,
    "micro_batch": 16,
    "boundary": 16,
    "payload_bytes": 32,
    "layout": 64,
}


class MessageKind(IntEnum):
    """What a message is."""

    FORWARD = 1
    BACKWARD = 2
    RAW = 3
    HELLO = 4
    WELCOME = 5
    REQUEST = 6
    REPLY = 7
    REFUSAL = 8


@dataclass(frozen=True, kw_only=True)
class Message:
    """The header of a message.

    Args:
        kind: What it is, of `MessageKind`.
        codec: Number of the codec of the payload; 0 where there is none.
        flags: By kind.
        session: Run or connection.
        step: Step of a training, number of a request.
        micro_batch: Micro-batch of the step.
        boundary: Which boundary the tensor crosses.
        elements: Elements of the tensor.
        payload_bytes: Bytes that follow the header.
        layout: What both ends agreed on; see `layout_hash`.

    Example:
        >>> sent = Message(kind=MessageKind.FORWARD, elements=3).seal(b"abc")
        >>> Message.read(sent[:MESSAGE_BYTES], limit_bytes=10).payload_bytes
        3
    """

    kind: int
    codec: int = 0
    flags: int = 0
    session: int = 0
    step: int = 0
    micro_batch: int = 0
    boundary: int = 0
    elements: int = 0
    payload_bytes: int = 0
    layout: int = 0
    payload_crc: int = 0

    def __post_init__(self) -> None:
        for name, bits in _BOUNDS.items():
            if not 0 <= getattr(self, name) < 1 << bits:
                raise ValueError(f"{name} is {getattr(self, name)}, must be 0 to 2**{bits} - 1")
        if not 0 <= self.elements <= MAX_ELEMENTS:
            raise ValueError(f"elements is {self.elements}, must be 0 to {MAX_ELEMENTS}: send smaller micro-batches")

    def header(self, payload: Buffer) -> bytes:
        """The 48 bytes in front of a payload, whose length and checksum they hold."""
        view = memoryview(payload).cast("B")
        head = _FIELDS.pack(
            _MAGIC,
            VERSION,
            self.kind,
            self.codec,
            self.flags,
            self.session,
            self.step,
            self.micro_batch,
            self.boundary,
            self.elements,
            len(view),
            self.layout,
            zlib.crc32(view),
        )
        return head + _CRC.pack(zlib.crc32(head))

    def seal(self, payload: Buffer) -> bytes:
        """Header and payload."""
        return b"".join((self.header(payload), memoryview(payload).cast("B")))

    @classmethod
    def read(cls, header: Buffer, *, limit_bytes: int) -> Message:
        """The header that 48 bytes hold.

        Args:
            header: The bytes.
            limit_bytes: Longest payload that the receiver has room for.

        Raises:
            CorruptFrame: They are no header, are of another version, or announce a longer payload.
        """
        view = memoryview(header).cast("B")
        if len(view) != MESSAGE_BYTES:
            raise CorruptFrame(f"message header has {len(view)} bytes, must have {MESSAGE_BYTES}")
        magic, version, *rest, payload_crc = _FIELDS.unpack(view[: _FIELDS.size])
        if magic != _MAGIC:
            raise CorruptFrame(f"message starts with {magic!r}, must start with {_MAGIC!r}")
        if _CRC.unpack(view[_FIELDS.size :])[0] != zlib.crc32(view[: _FIELDS.size]):
            raise CorruptFrame("message header does not match its CRC-32")
        if version != VERSION:
            raise CorruptFrame(f"message has version {version}, must be {VERSION}: use one release of Axonal")
        kind, codec, flags, session, step, micro_batch, boundary, elements, payload_bytes, layout = rest
        if payload_bytes > limit_bytes:
            raise CorruptFrame(f"message announces {payload_bytes} bytes, must be at most {limit_bytes}")
        if elements > MAX_ELEMENTS:
            raise CorruptFrame(f"message announces {elements} elements, must be at most {MAX_ELEMENTS}")
        return cls(
            kind=kind,
            codec=codec,
            flags=flags,
            session=session,
            step=step,
            micro_batch=micro_batch,
            boundary=boundary,
            elements=elements,
            payload_bytes=payload_bytes,
            layout=layout,
            payload_crc=payload_crc,
        )

    def check(self, payload: Buffer) -> None:
        """CorruptFrame unless these are the bytes that the header announced."""
        view = memoryview(payload).cast("B")
        if len(view) != self.payload_bytes:
            raise CorruptFrame(f"payload has {len(view)} bytes, its header announced {self.payload_bytes}")
        if zlib.crc32(view) != self.payload_crc:
            raise CorruptFrame("payload does not match the CRC-32 of its header")


def layout_hash(text: str) -> int:
    """64 bits that stand for a description on which both ends have to agree (FNV-1a)."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value
