"""One end of a crossing: its codecs made, and frames checked before they are believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from axonal.runtime.crossing import CodecOf, Crossing
from axonal.wire import CorruptFrame, Message
from axonal.wire.codec import Codec, Floats

__all__ = ["FLOAT_BYTES", "End", "Frame", "ends"]

FLOAT_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A tensor, packed.

    Args:
        codec: Number of the codec.
        elements: Elements of the tensor.
        payload: Its bytes.
    """

    codec: int
    elements: int
    payload: bytes | bytearray


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a crossing, and the codecs that are allowed on it, by name."""

    crossing: Crossing
    codecs: dict[str, Codec]

    def capacity_bytes(self, elements: int) -> int:
        """Longest frame of so many elements that an allowed codec makes, in bytes."""
        return max(codec.capacity_bytes(elements) for codec in self.codecs.values())

    def cost_bytes(self, batch: int) -> int:
        """Memory that a tensor of so many examples takes at most, frame and floats."""
        elements = batch * self.crossing.elements
        return self.capacity_bytes(elements) + FLOAT_BYTES * elements

    def pack(self, tensor: Tensor, batch: int, codec: str) -> Frame:
        """The frame of a tensor of so many examples.

        Raises:
            ValueError: The tensor has another shape or holds what does not cross.
        """
        chosen = self.codecs[codec]
        values = self.crossing.floats(tensor, batch)
        return Frame(codec=chosen.number, elements=values.size, payload=chosen.encode(values))

    def check(self, header: Message, batch: int) -> None:
        """CorruptFrame unless the header of a tensor of so many examples can be meant."""
        name = self.crossing.name
        if header.elements != batch * self.crossing.elements:
            raise CorruptFrame(f"{name} has {header.elements} elements, must have {batch * self.crossing.elements}")
        codec = self._numbered(header.codec)
        capacity = codec.capacity_bytes(header.elements)
        if header.payload_bytes > capacity:
            raise CorruptFrame(f"{name} announces {header.payload_bytes} bytes, {codec.name} needs at most {capacity}")

    def unpack(self, frame: Frame, batch: int) -> Tensor:
        """The tensor of so many examples in a frame.

        Raises:
            ValueError: The frame is corrupt, or holds values that do not cross.
        """
        values: Floats = np.empty((frame.elements // self.crossing.channels, self.crossing.channels), dtype=np.float32)
        self._numbered(frame.codec).decode(memoryview(frame.payload), values)
        return self.crossing.tensor(values, batch)

    def _numbered(self, number: int) -> Codec:
        for codec in self.codecs.values():
            if codec.number == number:
                return codec
        allowed = ", ".join(f"{codec.number} ({name})" for name, codec in self.codecs.items())
        raise CorruptFrame(f"{self.crossing.name} comes in codec {number}, must be one of {allowed}")


def ends(crossings: Iterable[Crossing], codec_of: CodecOf) -> tuple[End, ...]:
    """The ends of crossings, in order.

    Raises:
        ValueError: A crossing allows a codec that there is not.
    """
    return tuple(End(crossing=c, codecs={name: codec_of(name, c) for name in c.codecs}) for c in crossings)
