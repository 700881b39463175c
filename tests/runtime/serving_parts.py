"""A part to serve, codecs that need nothing, credentials, and a client that says what it wants byte by byte."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from axonal.runtime.crossing import Agreement, Crossing, Part
from axonal.runtime.errors import Refused
from axonal.runtime.handshake import PROTOCOL, Challenge, Hello, new_nonce, read_challenge, read_refusal
from axonal.runtime.remote import RemotePart
from axonal.runtime.serving import PartServer, serving
from axonal.runtime.serving_turns import ServeLimits
from axonal.runtime.tls import Credentials, new_certificate
from axonal.wire import MESSAGE_BYTES, CorruptFrame, Message, MessageKind
from axonal.wire.codec import Floats

TOKEN = "a token of tests, known to all"  # noqa: S105 - no secret
INSECURE = Credentials(token=TOKEN, insecure=True)
STRANGER = Credentials(token="another token, unknown to all", insecure=True)  # noqa: S106 - no secret

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@dataclass(frozen=True, kw_only=True)
class Plain:
    """Values as they are, or as halves."""

    name: str = "plain32"
    number: int = 250
    dtype: str = "<f4"
    exact: bool = True

    def capacity_bytes(self, elements: int) -> int:
        return elements * np.dtype(self.dtype).itemsize

    def encode(self, values: Floats) -> bytes:
        return values.astype(self.dtype).tobytes()

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        if len(frame) != self.capacity_bytes(out.size):
            raise CorruptFrame(f"frame has {len(frame)} bytes, must have {self.capacity_bytes(out.size)}")
        out[...] = np.frombuffer(frame, dtype=self.dtype).reshape(out.shape)


def plain_codec(name: str, crossing: Crossing) -> Plain:
    del crossing
    return {"plain32": Plain(), "plain16": Plain(name="plain16", number=251, dtype="<f2", exact=False)}[name]


X = Crossing(name="x", shape=(4, 8), codecs=("plain32", "plain16"))
TOKENS = Crossing(name="tokens", shape=(4,), levels=9, codecs=("plain32",))
Y = Crossing(name="y", shape=(16,), codecs=("plain32",))
SUM = Crossing(name="sum", shape=(), codecs=("plain32",))


@dataclass(frozen=True, kw_only=True)
class Toy:
    """Two inputs, two outputs, and fixed weights."""

    layout: str = "toy, cut in the middle"
    inputs: tuple[Crossing, ...] = (X, TOKENS)
    outputs: tuple[Crossing, ...] = (Y, SUM)
    # Powers of two and few bits: sums are exact in any order, with any number of threads.
    weight: Tensor = field(
        default_factory=lambda: torch.randint(-2, 3, (32, 16), generator=torch.Generator().manual_seed(0)).float()
    )

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        x, tokens = tensors
        return torch.tanh(x.flatten(1) @ self.weight) + tokens.sum(1, keepdim=True), x.sum((1, 2))


TOY = Toy()
AGREED = Agreement.of(TOY)


def example(batch: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Inputs of the toy."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, 10, (batch, 4), generator=generator).float()
    return torch.randint(-8, 9, (batch, 4, 8), generator=generator) / 64, tokens


def same(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> bool:
    """Whether all bits are."""
    return len(found) == len(wanted) and all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


def served(
    part: Part = TOY, *, credentials: Credentials = INSECURE, limits: ServeLimits | None = None
) -> AbstractContextManager[PartServer]:
    """A server of this process."""
    return serving(part, credentials=credentials, limits=limits, codec_of=plain_codec)


def call(
    address: str,
    *,
    agreement: Agreement = AGREED,
    credentials: Credentials = INSECURE,
    codec: str | None = None,
    timeout_s: float = 20.0,
) -> RemotePart:
    """A client of the toy."""
    return RemotePart(
        address,
        agreement=agreement,
        credentials=credentials,
        codec_of=plain_codec,
        codec=codec,
        timeout_s=timeout_s,
    )


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """Credentials of a server of this machine; clients leave the key alone."""
    certificate, key = new_certificate(tmp_path_factory.mktemp("certified"), ["127.0.0.1", "localhost"])
    return Credentials(token=TOKEN, certificate=certificate, key=key)


def resident_bytes(process: int | None = None) -> int:
    """Memory of a process that is in use."""
    pages = Path(f"/proc/{process or os.getpid()}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Raw:
    """A client that may do anything."""

    def __init__(self, address: str, *, context: ssl.SSLContext | None = None, seconds: float = 10.0) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname=host)
        self.session = 0

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def bytes_of(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self.socket.recv(size - len(found))
            if not piece:
                raise EOFError
            found += piece
        return found

    def message(self) -> tuple[Message, bytes]:
        """The next message, whatever it is."""
        header = Message.read(self.bytes_of(MESSAGE_BYTES), limit_bytes=1 << 26)
        return header, self.bytes_of(header.payload_bytes)

    def refusal(self) -> Refused:
        """The next message, which must be one."""
        header, payload = self.message()
        assert header.kind == MessageKind.REFUSAL, header
        return read_refusal(payload)

    def hello(self, token: str = TOKEN, **changed: object) -> Hello:
        """What an honest client would say, but for what is changed."""
        nonce = read_challenge(self.message()[1])
        mine = Challenge(secret=token.encode(), server=nonce, client=new_nonce(), fingerprint=b"")
        honest = Hello(
            version=PROTOCOL,
            nonce=mine.client,
            proof=mine.proof("client"),
            layout=AGREED.number,
            inputs=tuple(c.codecs[0] for c in AGREED.inputs),
            outputs=tuple(c.codecs[0] for c in AGREED.outputs),
        )
        return replace(honest, **changed)

    def enter(self) -> Raw:
        """Shake hands."""
        self.send(self.hello().seal())
        header, _ = self.message()
        assert header.kind == MessageKind.WELCOME
        self.session = header.session
        return self


def request(session: int, tensors: Sequence[Tensor], **changed: int) -> list[bytes]:
    """The messages of an honest request to the toy, but for what is changed in each header."""
    messages = []
    for index, tensor in enumerate(tensors):
        header = Message(
            kind=MessageKind.REQUEST,
            codec=250,
            session=session,
            boundary=index,
            elements=tensor.numel(),
            layout=AGREED.number,
        )
        messages.append(replace(header, **changed).seal(tensor.numpy().tobytes()))
    return messages
