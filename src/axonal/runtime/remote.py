"""Call a part of a model that another machine serves."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from dataclasses import dataclass, replace
from types import TracebackType

from torch import Tensor

from axonal.runtime.crossing import Agreement, CodecOf, Crossing
from axonal.runtime.errors import PeerLost, PeerTimeout, Refused, Untrusted
from axonal.runtime.handshake import (
    PROTOCOL,
    Challenge,
    Hello,
    check_welcome,
    first_header,
    new_nonce,
    read_challenge,
)
from axonal.runtime.lanes import codec_for
from axonal.runtime.remote_end import End, Frame, ends
from axonal.runtime.remote_line import RemoteLine
from axonal.runtime.tls import Credentials, parse_address
from axonal.wire import CorruptFrame, Message, MessageKind

__all__ = ["RemoteCounts", "RemotePart"]

TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class RemoteCounts:
    """What calls have cost so far; TLS and TCP add their own bytes below these.

    Args:
        calls: Calls that were answered.
        connections: Connections that were made.
        sent_bytes: Bytes of messages to the server: frames, headers and handshakes.
        received_bytes: Bytes of messages from the server.
        sent_frame_bytes: Bytes of the frames of inputs alone.
        received_frame_bytes: Bytes of the frames of outputs alone.
        encode_ms: Time of encoding inputs.
        wait_ms: Time from the first byte of a request to the last of its reply.
        decode_ms: Time of decoding outputs.
    """

    calls: int = 0
    connections: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    sent_frame_bytes: int = 0
    received_frame_bytes: int = 0
    encode_ms: float = 0.0
    wait_ms: float = 0.0
    decode_ms: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Link:
    line: RemoteLine
    session: int


class RemotePart:
    """A function of tensors whose work another machine does; calls from several threads wait for each other.

    It connects with the first call, and again after a connection was lost; a call that failed is not repeated.

    Args:
        address: `host:port` of the server.
        agreement: Layout and crossings of the part, as the server has them.
        credentials: Token and trusted certificate.
        codec_of: Makes the codecs that the crossings allow.
        codec: Name of the codec wherever a crossing allows it; the default of each crossing where not.
        timeout_s: Seconds that a call may take, connecting included.

    Raises:
        ValueError: One of them is wrong.
    """

    def __init__(
        self,
        address: str,
        *,
        agreement: Agreement,
        credentials: Credentials,
        codec_of: CodecOf = codec_for,
        codec: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        parse_address(address, insecure=credentials.insecure)
        if not 0 < timeout_s < float("inf"):
            raise ValueError(f"timeout_s is {timeout_s} s, must be above 0 and finite")
        crossings = (*agreement.inputs, *agreement.outputs)
        if codec is not None and all(codec not in crossing.codecs for crossing in crossings):
            allowed = sorted({name for crossing in crossings for name in crossing.codecs})
            raise ValueError(f"codec is {codec!r}, no crossing allows it: choose one of {', '.join(allowed)}")
        self._address, self._credentials, self._timeout_s = address, credentials, timeout_s
        self._number = agreement.number
        self._inputs, self._outputs = ends(agreement.inputs, codec_of), ends(agreement.outputs, codec_of)
        self._input_codecs = tuple(_chosen(crossing, codec) for crossing in agreement.inputs)
        self._output_codecs = tuple(_chosen(crossing, codec) for crossing in agreement.outputs)
        self._link: _Link | None = None
        self._counts = RemoteCounts()
        self._turn = threading.Lock()

    @property
    def counts(self) -> RemoteCounts:
        """What the calls so far have cost."""
        return self._counts

    def __enter__(self) -> RemotePart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call makes another."""
        with self._turn:
            self._drop()

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The outputs of the part for inputs, each `(batch, *shape)`.

        Raises:
            ValueError: Tensors are none that the part takes; nothing was sent.
            PeerLost: The server cannot be reached, or went away.
            PeerTimeout: The server did not answer in time.
            Untrusted: TLS failed.
            Refused: The server said no; see `Refused.reason`.
            CorruptFrame: What came back is no reply.
        """
        with self._turn:
            return self._call(tensors)

    def _call(self, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        deadline = time.monotonic() + self._timeout_s
        began = time.perf_counter()
        batch = self._batch(tensors)
        triples = zip(self._inputs, tensors, self._input_codecs, strict=True)
        frames = [end.pack(tensor, batch, codec) for end, tensor, codec in triples]
        encoded = time.perf_counter()
        link = self._connected(deadline)
        connected = time.perf_counter()
        before = link.line.sent_bytes, link.line.received_bytes
        answers = self._exchange(link, frames, batch)
        answered = time.perf_counter()
        try:
            found = tuple(end.unpack(frame, batch) for end, frame in zip(self._outputs, answers, strict=True))
        except ValueError as error:
            self._drop()
            raise CorruptFrame(f"the reply of {self._address} holds what cannot cross: {error}") from error
        counts = self._counts
        self._counts = replace(
            counts,
            calls=counts.calls + 1,
            sent_bytes=counts.sent_bytes + link.line.sent_bytes - before[0],
            received_bytes=counts.received_bytes + link.line.received_bytes - before[1],
            sent_frame_bytes=counts.sent_frame_bytes + sum(len(frame.payload) for frame in frames),
            received_frame_bytes=counts.received_frame_bytes + sum(len(frame.payload) for frame in answers),
            encode_ms=counts.encode_ms + 1e3 * (encoded - began),
            wait_ms=counts.wait_ms + 1e3 * (answered - connected),
            decode_ms=counts.decode_ms + 1e3 * (time.perf_counter() - answered),
        )
        return found

    def _batch(self, tensors: tuple[Tensor, ...]) -> int:
        if len(tensors) != len(self._inputs):
            names = ", ".join(end.crossing.name for end in self._inputs)
            raise ValueError(f"{len(tensors)} tensors are given, must be {len(self._inputs)}: {names}")
        shape = tensors[0].shape
        if not shape or shape[0] < 1:
            raise ValueError(f"{self._inputs[0].crossing.name} has shape {tuple(shape)}, must have a batch axis first")
        return shape[0]

    def _exchange(self, link: _Link, frames: list[Frame], batch: int) -> list[Frame]:
        step = self._counts.calls % (1 << 32)
        try:
            self._ask(link, frames, step, batch)
            return [self._answer(link, step, index, batch) for index in range(len(self._outputs))]
        except Refused as refused:
            # Only what was wrong with this one request leaves the stream of messages whole.
            if refused.reason not in ("request", "part"):
                self._drop()
            raise
        except BaseException:
            self._drop()
            raise

    def _ask(self, link: _Link, frames: list[Frame], step: int, batch: int) -> None:
        try:
            for index, frame in enumerate(frames):
                header = Message(
                    kind=MessageKind.REQUEST,
                    codec=frame.codec,
                    session=link.session,
                    step=step,
                    boundary=index,
                    elements=frame.elements,
                    layout=self._number,
                )
                link.line.send(header.header(frame.payload), frame.payload)
        except PeerLost:
            # A server that refuses closes while the request is still on its way: its reason may have come.
            with contextlib.suppress(PeerLost, PeerTimeout, Untrusted, CorruptFrame):
                self._answer(link, step, 0, batch)
            raise

    def _answer(self, link: _Link, step: int, index: int, batch: int) -> Frame:
        end: End = self._outputs[index]
        limit = end.capacity_bytes(batch * end.crossing.elements)
        header = Message.read(link.line.header(), limit_bytes=max(limit, 4096))
        if header.kind == MessageKind.REFUSAL:
            link.line.payload(header)  # raises what it says
        found = (header.kind, header.session, header.step, header.boundary, header.layout)
        if found != (MessageKind.REPLY, link.session, step, index, self._number):
            raise CorruptFrame(f"message {index} of {self._address} is no reply to request {step}: connect again")
        end.check(header, batch)
        return Frame(codec=header.codec, elements=header.elements, payload=link.line.payload(header))

    def _connected(self, deadline: float) -> _Link:
        if self._link is not None and self._link.line.stale:
            self._drop()
        if self._link is not None:
            self._link.line.deadline = deadline
            return self._link
        line = RemoteLine(self._address, self._credentials, deadline)
        try:
            self._link = self._greeted(line)
        except BaseException:
            line.close()
            raise
        counts = self._counts
        self._counts = replace(
            counts,
            connections=counts.connections + 1,
            sent_bytes=counts.sent_bytes + line.sent_bytes,
            received_bytes=counts.received_bytes + line.received_bytes,
        )
        return self._link

    def _greeted(self, line: RemoteLine) -> _Link:
        header = first_header(line.header())
        nonce = read_challenge(line.payload(header))
        seen = line.certificate
        mine = Challenge(
            secret=self._credentials.secret,
            server=nonce,
            client=new_nonce(),
            fingerprint=hashlib.sha256(seen).digest() if seen else b"",
        )
        hello = Hello(
            version=PROTOCOL,
            nonce=mine.client,
            proof=mine.proof("client"),
            layout=self._number,
            inputs=self._input_codecs,
            outputs=self._output_codecs,
        )
        line.send(hello.seal())
        header = first_header(line.header())
        payload = line.payload(header)
        if header.kind != MessageKind.WELCOME:
            raise CorruptFrame(f"{self._address} answers a hello with kind {header.kind}: is it axonal that listens?")
        check_welcome(mine, payload)
        return _Link(line=line, session=header.session)

    def _drop(self) -> None:
        if self._link is not None:
            self._link.line.close()
            self._link = None


def _chosen(crossing: Crossing, codec: str | None) -> str:
    return codec if codec is not None and codec in crossing.codecs else crossing.codecs[0]
