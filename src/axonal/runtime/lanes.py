"""How each tensor crosses at present, and what has crossed so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from axonal.runtime.crossing import Crossing
from axonal.wire import MAX_LEVELS, AddressEvent, Bitmap, CorruptFrame, Dense, Format, codec
from axonal.wire.codec import Codec, Floats
from axonal.wire.frame import HEADER_BITS

__all__ = ["FORMATS", "GRADIENT_CODECS", "Counts", "Lanes", "Whole", "codec_for", "format_of"]

GRADIENT_CODECS = ("int8", "fp16", "fp32")
"""What gradients may cross in, the default first: 8 bits with a scale for each row kept the loss where it was tried."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """Whole numbers beyond a byte (tokens), each at the same width.

    Args:
        bits: Width, 1 to 24.
    """

    bits: int

    @property
    def name(self) -> str:
        """Stable name."""
        return "dense"

    @property
    def number(self) -> int:
        """What stands for it in a message: that of dense symbols."""
        return codec("dense", levels=1, signed=False, channels=1).number

    @property
    def exact(self) -> bool:
        """Whole numbers come back as they were."""
        return True

    def capacity_bytes(self, elements: int) -> int:
        """Longest frame of so many elements."""
        return HEADER_BITS // 8 + -(-elements * self.bits // 8)

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor of whole numbers; see `Codec.encode`."""
        return Dense(element_bits=self.bits).pack(values.astype(np.int64))

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame; see `Codec.decode`."""
        out.reshape(-1)[:] = Dense(element_bits=self.bits).unpack(bytes(frame), out.size)


FORMATS = ("bitmap", "address", "dense")
"""Codecs whose frames are those of a packet format of the simulator."""


def format_of(name: str, crossing: Crossing) -> Format | None:
    """The simulator's packet format of a codec for symbols; `None` where there is none."""
    if not crossing.levels or name not in FORMATS:
        return None
    if name == "dense":
        return Dense(element_bits=crossing.levels.bit_length() + crossing.signed, signed=crossing.signed)
    value_bits = (crossing.levels - 1).bit_length() + crossing.signed
    if name == "bitmap":
        return Bitmap(value_bits=value_bits, signed=crossing.signed)
    return AddressEvent(group=crossing.channels, value_bits=value_bits, signed=crossing.signed)


@cache
def _of_gradients(channels: int) -> Mapping[str, Codec]:
    """Codecs of gradients with rows of so many channels, by name."""
    return {name: codec(name, levels=1, signed=True, channels=channels) for name in GRADIENT_CODECS}


def codec_for(name: str, crossing: Crossing) -> Codec:
    """The codec of a name for what crosses; ValueError where it is not allowed there."""
    if name not in crossing.codecs:
        raise ValueError(f"codec {name!r} does not carry {crossing.name}: use one of {', '.join(crossing.codecs)}")
    if crossing.levels > MAX_LEVELS:
        return Whole(bits=crossing.levels.bit_length())
    return codec(name, levels=max(1, crossing.levels), signed=crossing.signed, channels=crossing.channels)


@dataclass(kw_only=True)
class Counts:
    """What one rank has sent and received.

    Args:
        frames: Messages sent that carry a tensor of a boundary or its gradient.
        bytes_forward: Frames of boundaries that were sent, without the headers of messages.
        bytes_backward: Frames of gradients that were sent, without the headers.
        bytes_headers: Headers of those messages.
        bytes_raw: All else that was sent through the group, headers included.
        bytes_received: All that was received, headers included.
        elements: Elements of the tensors of boundaries, as the model without boundaries would send them.
        encode_ms: Time to make frames.
        decode_ms: Time to read frames.
        wait_ms: Time in which nothing could be done but wait for a peer.
        by_crossing: Frames, bytes and elements by name of what crosses.
        codecs: Frames by codec.
    """

    frames: int = 0
    bytes_forward: int = 0
    bytes_backward: int = 0
    bytes_headers: int = 0
    bytes_raw: int = 0
    bytes_received: int = 0
    elements: int = 0
    encode_ms: float = 0.0
    decode_ms: float = 0.0
    wait_ms: float = 0.0
    by_crossing: dict[str, list[int]] = field(default_factory=dict)
    codecs: dict[str, int] = field(default_factory=dict)

    @property
    def bytes_sent(self) -> int:
        """All that left this rank through the group."""
        return self.bytes_forward + self.bytes_backward + self.bytes_headers + self.bytes_raw


class Lanes:
    """For each tensor that crosses, the codec in use; and the counts of this rank.

    Args:
        crossings: All that crosses anywhere, in the order that all ranks agreed on.
        codecs: Codec by name of what crosses; the default of each where none is named.
        gradient: Codec of gradients.
    """

    def __init__(
        self, crossings: Sequence[Crossing], codecs: Mapping[str, str] | None = None, gradient: str = "int8"
    ) -> None:
        if gradient not in GRADIENT_CODECS:
            raise ValueError(f"gradient is {gradient!r}, must be one of {', '.join(GRADIENT_CODECS)}")
        self.crossings = tuple(crossings)
        self.numbers = {crossing.name: number for number, crossing in enumerate(self.crossings)}
        self.gradient = gradient
        self.watcher: Callable[[int, Floats, int, float], None] | None = None
        """Told of each frame: number of the crossing, tensor, length of the frame in bytes, time to make it in ms."""
        self.counts = Counts()
        self._chosen = [codec_for((codecs or {}).get(c.name, c.codecs[0]), c) for c in self.crossings]
        allowed = [[codec_for(name, crossing) for name in crossing.codecs] for crossing in self.crossings]
        self._allowed = [{item.number: item for item in items} for items in allowed]

    def warm(self) -> None:
        """Compile or load the loops of the codecs in use before anything is timed."""
        kept, self.counts = self.counts, Counts()
        for number, crossing in enumerate(self.crossings):
            values = np.zeros((crossing.elements // crossing.channels, crossing.channels), dtype=np.float32)
            used, frame = self.encoded(number, values)
            used.decode(frame, np.empty_like(values))
            used, frame = self.encoded_gradient(values)
            used.decode(frame, np.empty_like(values))
        self.counts = kept

    def choose(self, name: str, codec_name: str) -> None:
        """From now on, send what is called `name` by another codec; frames say theirs, so receivers follow."""
        number = self.numbers[name]
        self._chosen[number] = codec_for(codec_name, self.crossings[number])

    def chosen(self, name: str) -> str:
        """Name of the codec in use."""
        return self._chosen[self.numbers[name]].name

    def encoded(self, number: int, values: Floats) -> tuple[Codec, bytes]:
        """The codec and the frame of what crosses, counted."""
        used = self._chosen[number]
        started = time.perf_counter()
        frame = used.encode(values)
        took_ms = self._count(used, started)
        self.counts.bytes_forward += len(frame)
        if self.watcher is not None:
            self.watcher(number, values, len(frame), took_ms)
        crossing = self.crossings[number]
        replaced = crossing.replaced * (values.size // crossing.elements)
        self.counts.elements += replaced
        totals = self.counts.by_crossing.setdefault(crossing.name, [0, 0, 0])
        for place, more in enumerate((1, len(frame), replaced)):
            totals[place] += more
        return used, frame

    def encoded_gradient(self, values: Floats) -> tuple[Codec, bytes]:
        """The codec and the frame of a gradient, counted."""
        used = _of_gradients(values.shape[-1])[self.gradient]
        started = time.perf_counter()
        frame = used.encode(values)
        self._count(used, started)
        self.counts.bytes_backward += len(frame)
        return used, frame

    def decode(self, number: int | None, codec_number: int, frame: memoryview, out: Floats) -> None:
        """Fill a tensor (a gradient where `number` is `None`) from a frame, whatever allowed codec it is in.

        Raises:
            CorruptFrame: The frame is none of such a tensor, or in a codec that is not allowed there.
        """
        started = time.perf_counter()
        if number is None:
            allowed = {item.number: item for item in _of_gradients(out.shape[-1]).values()}
        else:
            allowed = self._allowed[number]
        if codec_number not in allowed:
            names = ", ".join(f"{key} ({item.name})" for key, item in allowed.items())
            raise CorruptFrame(f"message has codec {codec_number}, must be one of {names}")
        allowed[codec_number].decode(frame, out)
        self.counts.decode_ms += 1e3 * (time.perf_counter() - started)

    def _count(self, used: Codec, started: float) -> float:
        took_ms = 1e3 * (time.perf_counter() - started)
        self.counts.encode_ms += took_ms
        self.counts.frames += 1
        self.counts.codecs[used.name] = self.counts.codecs.get(used.name, 0) + 1
        return took_ms
