"""The envelope of messages: what was sealed is read, and whatever else arrives is refused by name."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from axonal.runtime.crossing import Crossing
from axonal.runtime.group import PackedGroup
from axonal.runtime.lanes import Lanes
from axonal.wire import CorruptFrame
from axonal.wire.frame import MAX_ELEMENTS
from axonal.wire.message import MESSAGE_BYTES, VERSION, Message, MessageKind, layout_hash

BATCH = 3
SYMBOLS = ("bitmap", "address", "gap", "bitmap_zstd", "range", "dense")
CROSSINGS = (
    Crossing(name="spikes", shape=(5, 16), levels=2, signed=True, codecs=SYMBOLS),
    Crossing(name="tokens", shape=(9,), levels=2**16 - 1, codecs=("dense",)),
    Crossing(name="values", shape=(4, 4), codecs=("fp32", "fp16", "bf16", "int8", "int4", "top_k")),
)
MUTATIONS = 20_000

messages = st.builds(
    Message,
    kind=st.sampled_from(MessageKind),
    codec=st.integers(0, 255),
    flags=st.integers(0, 255),
    session=st.integers(0, 2**64 - 1),
    step=st.integers(0, 2**32 - 1),
    micro_batch=st.integers(0, 2**16 - 1),
    boundary=st.integers(0, 2**16 - 1),
    elements=st.integers(0, MAX_ELEMENTS),
    layout=st.integers(0, 2**64 - 1),
)


@given(message=messages, payload=st.binary(max_size=64))
def test_what_was_sealed_is_read(message: Message, payload: bytes) -> None:
    sealed = message.seal(payload)
    read = Message.read(sealed[:MESSAGE_BYTES], limit_bytes=64)
    assert read == replace(message, payload_bytes=len(payload), payload_crc=zlib.crc32(payload))
    read.check(sealed[MESSAGE_BYTES:])


@given(message=messages, payload=st.binary(max_size=64))
def test_every_bit_of_a_header_counts(message: Message, payload: bytes) -> None:
    header = message.header(payload)
    for bit in range(8 * MESSAGE_BYTES):
        with pytest.raises(CorruptFrame):
            Message.read(_flipped(header, bit), limit_bytes=2**32)


@given(payload=st.binary(min_size=1, max_size=64), data=st.data())
def test_every_bit_of_a_payload_counts(payload: bytes, data: st.DataObject) -> None:
    read = Message.read(Message(kind=MessageKind.FORWARD).header(payload), limit_bytes=64)
    with pytest.raises(CorruptFrame, match="CRC-32"):
        read.check(_flipped(payload, data.draw(st.integers(0, 8 * len(payload) - 1))))
    with pytest.raises(CorruptFrame, match="header announced"):
        read.check(payload[:-1])


@pytest.mark.parametrize("size", [0, 1, MESSAGE_BYTES - 1, MESSAGE_BYTES + 1])
def test_a_header_has_its_length(size: int) -> None:
    with pytest.raises(CorruptFrame, match=str(MESSAGE_BYTES)):
        Message.read(bytes(size), limit_bytes=64)


def test_a_payload_that_has_no_room_is_refused_before_anything_is_made_for_it() -> None:
    sealed = _sealed_fields({"payload_bytes": 2**32 - 1})
    with pytest.raises(CorruptFrame, match="4294967295 bytes, must be at most 1000"):
        Message.read(sealed[:MESSAGE_BYTES], limit_bytes=1000)
    with pytest.raises(CorruptFrame, match="elements, must be at most"):
        Message.read(_sealed_fields({"elements": MAX_ELEMENTS + 1}), limit_bytes=1000)


def test_another_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(CorruptFrame, match=f"version {VERSION + 1}, must be {VERSION}: use one release"):
        Message.read(_sealed_fields({"version": VERSION + 1}), limit_bytes=1000)


@pytest.mark.parametrize("field", ["kind", "codec", "flags", "session", "step", "micro_batch", "boundary", "layout"])
def test_a_field_that_does_not_fit_its_bits_is_refused(field: str) -> None:
    values: dict[str, Any] = {"kind": MessageKind.FORWARD, field: 2**64}
    with pytest.raises(ValueError, match=f"{field} is 18446744073709551616, must be 0 to 2"):
        Message(**values)


def test_tensors_arrive_as_they_were_sent_in_every_codec_that_keeps_them() -> None:
    source = torch.Generator().manual_seed(0)
    line = Line()
    for number, crossing in enumerate(CROSSINGS):
        for name in crossing.codecs:
            line.lanes.choose(crossing.name, name)
            tensor = _drawn(crossing, source)
            arrived = line.crossed(tensor, number)
            if crossing.levels or name == "fp32":
                assert torch.equal(arrived, tensor), (crossing.name, name)
    for raw in (torch.arange(7), torch.tensor([[True, False]]), torch.rand(3)):
        assert torch.equal(line.crossed(raw, None), raw)
    assert line.lanes.counts.bytes_sent == line.lanes.counts.bytes_received


def test_mutated_messages_are_refused_and_never_become_another_tensor() -> None:
    draw, source = random.Random(1), torch.Generator().manual_seed(1)  # noqa: S311 - no secret
    cases = [(number, name) for number, crossing in enumerate(CROSSINGS) for name in crossing.codecs]
    cases += [(None, name) for name in ("int8", "fp16", "fp32")]
    refused, kept = 0, []
    for case in range(MUTATIONS):
        if case % 5000 == 0:
            kept = [_kept(number, name, source) for number, name in cases]
        line, tensor, sent = kept[case % len(kept)]
        mutated = _mutated(sent, draw)
        if mutated == sent:
            continue
        with pytest.raises(CorruptFrame):
            line.unpacked(mutated, tensor)
        refused += 1
    assert refused > 0.99 * MUTATIONS


def test_a_message_that_did_not_come_is_no_tensor_of_zeros() -> None:
    line = Line()
    with pytest.raises(CorruptFrame, match="must start with"):
        line.unpacked(b"", torch.zeros(BATCH, 5, 16))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("step", 1, "message of rank 1 has step 1, must be 0"),
        ("session", 8, "has session 8, must be 7"),
        ("layout", 1, "has layout 1, must be"),
        ("elements", 239, "has elements 239, must be 240"),
        ("boundary", 3, "crossing 3, must be below 3"),
        ("codec", 200, "codec 200, must be one of"),
        ("codec", 12, "codec 12, must be one of"),
    ],
)
def test_a_whole_message_of_something_else_is_refused_with_what_it_is(field: str, value: int, text: str) -> None:
    line = Line()
    tensor = _drawn(CROSSINGS[0], torch.Generator().manual_seed(2))
    line.send(tensor, 0)
    kept = line.sent.pop()
    with pytest.raises(CorruptFrame, match=text):
        line.unpacked(_sealed_fields({field: value}, kept), tensor)


def test_messages_in_the_wrong_order_are_refused() -> None:
    line = Line()
    source = torch.Generator().manual_seed(3)
    first, second = (_drawn(CROSSINGS[0], source) for _ in range(2))
    line.send(first, 0)
    line.send(second, 0)
    line.sent.reverse()
    with pytest.raises(CorruptFrame, match="has step 1, must be 0"):
        line.receive(first)


def test_a_frame_of_a_codec_that_is_not_allowed_there_is_refused() -> None:
    line = Line()
    line.send(_drawn(CROSSINGS[2], torch.Generator().manual_seed(4)), 2)
    sent = _sealed_fields({"boundary": 0, "elements": 240}, line.sent.pop())
    with pytest.raises(CorruptFrame, match="must be one of"):
        line.unpacked(sent, torch.zeros(BATCH, 5, 16))


class _Quiet:
    def check(self) -> None:
        """Nothing has gone wrong."""


class _Wire:
    """A group that moves bytes from a list to buffers."""

    def __init__(self, sent: list[bytes]) -> None:
        self.sent = sent

    def send(self, tensors: list[Tensor], *_: int) -> _Wire:
        self.sent.append(tensors[0].numpy().tobytes())
        return self

    def recv(self, tensors: list[Tensor], *_: int) -> _Wire:
        arrived = self.sent.pop(0)
        tensors[0][MESSAGE_BYTES:] = 0xA5  # what was in memory before; it may be anything
        if arrived:
            tensors[0][: len(arrived)] = torch.frombuffer(bytearray(arrived), dtype=torch.uint8)
        return self

    def wait(self) -> bool:
        return True


@dataclass
class Line:
    """Two groups of one process, the bytes between them in a list."""

    gradient: str = "int8"
    sent: list[bytes] = field(default_factory=list)
    ranks: int = 0

    def __post_init__(self) -> None:
        self.lanes = Lanes(CROSSINGS, gradient=self.gradient)
        self.sender, self.receiver = self._group(), self._group()

    def _group(self) -> PackedGroup:
        group = PackedGroup(_Wire(self.sent), 0, 2)
        monitor: Any = _Quiet()
        most = max(BATCH * crossing.elements for crossing in CROSSINGS)
        group.configure(self.lanes, monitor, session=7, layout=layout_hash("a test"), most_elements=most)
        return group

    def send(self, tensor: Tensor, number: int | None) -> None:
        if number is not None:
            self.sender.announce(tensor, number)
        self.sender.send([tensor], 0)

    def receive(self, like: Tensor, src: int = 0) -> Tensor:
        out = torch.full_like(like, 77 if like.dtype != torch.bool else 1)
        self.receiver.recv([out], src).wait()
        return out

    def crossed(self, tensor: Tensor, number: int | None) -> Tensor:
        self.send(tensor, number)
        return self.receive(tensor)

    def unpacked(self, data: bytes, like: Tensor) -> Tensor:
        """What a receiver makes of bytes that are the first from somewhere."""
        self.sent[:] = [data]
        self.ranks += 1
        return self.receive(like, self.ranks)


def _drawn(crossing: Crossing, source: torch.Generator) -> Tensor:
    shape = (BATCH, *crossing.shape)
    if not crossing.levels:
        return torch.randn(shape, generator=source)
    low = -crossing.levels if crossing.signed else 0
    values = torch.randint(low, crossing.levels + 1, shape, generator=source)
    return (values * (torch.rand(shape, generator=source) < 0.3)).float()


def _kept(number: int | None, name: str, source: torch.Generator) -> tuple[Line, Tensor, bytes]:
    """A line, a tensor, and the message that it crosses in; a gradient where there is no number."""
    line = Line(gradient=name if number is None else "int8")
    crossing = CROSSINGS[2 if number is None else number]
    if number is not None:
        line.lanes.choose(crossing.name, name)
    tensor = _drawn(crossing, source)
    line.send(tensor, number)
    return line, tensor, line.sent.pop()


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _mutated(data: bytes, draw: random.Random) -> bytes:
    """What a line, a disk or a wrong program makes of a message."""
    changed = bytearray(data)
    place = draw.randrange(len(data))
    match draw.randrange(6):
        case 0:
            return _flipped(data, draw.randrange(8 * len(data)))
        case 1:
            for _ in range(draw.randint(2, 8)):
                changed[draw.randrange(len(data))] = draw.randrange(256)
        case 2:  # the rest never came
            return data[:place]
        case 3:  # a piece of it twice, the end lost
            changed = changed[:place] + changed[max(0, place - draw.randint(1, 40)) :]
            return bytes(changed[: len(data)])
        case 4:
            del changed[place : place + draw.randint(1, 40)]
        case _:
            changed[place:] = bytes(len(data) - place)
    return bytes(changed)


_FIELDS = ("magic", "version", "kind", "codec", "flags", "session", "step", "micro_batch", "boundary")
_FIELDS += ("elements", "payload_bytes", "layout", "payload_crc")
_LAYOUT = struct.Struct("<4sBBBBQIHHIIQI")


def _sealed_fields(values: dict[str, int], message: bytes | None = None) -> bytes:
    """A message with other fields and the right checksum: what a wrong program sends, not a bad line."""
    message = message or Message(kind=MessageKind.FORWARD).seal(b"")
    fields = dict(zip(_FIELDS, _LAYOUT.unpack(message[: _LAYOUT.size]), strict=True)) | values
    head = _LAYOUT.pack(*fields.values())
    return head + struct.pack("<I", zlib.crc32(head)) + message[MESSAGE_BYTES:]
