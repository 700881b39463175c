"""What a server does with a request once it holds it: no sockets here, so that every answer can be tested as a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from axonal.runtime.crossing import Agreement, CodecOf, Part
from axonal.runtime.errors import Refused
from axonal.runtime.remote_end import Frame, ends
from axonal.wire import MAX_ELEMENTS, CorruptFrame, Message, MessageKind

__all__ = ["Desk", "Request"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A whole request.

    Args:
        step: Its number, which the reply repeats.
        batch: Examples in it.
        frames: Its tensors, in order.
        codecs: Names of the codecs in which the client wants the outputs.
    """

    step: int
    batch: int
    frames: tuple[Frame, ...]
    codecs: tuple[str, ...]


class Desk:
    """Checks requests to a part before they cost memory, and answers them.

    Args:
        part: What is served.
        codec_of: Makes the codecs that its crossings allow.
        request_bytes: Memory of one request at most.
    """

    def __init__(self, part: Part, codec_of: CodecOf, request_bytes: int) -> None:
        self.agreement = Agreement.of(part)
        self._part = part
        self._inputs = ends(self.agreement.inputs, codec_of)
        self._outputs = ends(self.agreement.outputs, codec_of)
        self._request_bytes = request_bytes
        self._widest = max(end.crossing.elements for end in (*self._inputs, *self._outputs))
        if self.cost_bytes(1) > request_bytes:
            raise ValueError(f"request_bytes is {request_bytes}, one example needs {self.cost_bytes(1)}: raise it")

    @property
    def tensors(self) -> int:
        """Tensors, and so messages, of a request."""
        return len(self._inputs)

    def cost_bytes(self, batch: int) -> int:
        """Memory that a request of so many examples takes at most, beside what the part itself needs."""
        return sum(end.cost_bytes(batch) for end in (*self._inputs, *self._outputs))

    def batch(self, header: Message) -> int:
        """How many examples the first message of a request announces.

        Raises:
            Refused: So many need more memory than one request may have, or fit into no frame.
            CorruptFrame: There are no whole examples.
        """
        end = self._inputs[0]
        try:
            batch = end.crossing.batch_of(header.elements)
        except ValueError as error:
            raise CorruptFrame(str(error)) from error
        cost, most = self.cost_bytes(batch), MAX_ELEMENTS // self._widest
        if batch > most:
            raise Refused(
                "size", f"{batch} examples do not fit into one frame, must be at most {most}: send less at once"
            )
        if cost > self._request_bytes:
            raise Refused(
                "size",
                f"{batch} examples need {cost} bytes, a request may have {self._request_bytes}: send smaller batches",
            )
        return batch

    def check(self, header: Message, index: int, batch: int, first: Message) -> None:
        """CorruptFrame unless a header can be that of a tensor of the request that a first header began."""
        found = (header.kind, header.session, header.step, header.boundary, header.layout)
        wanted = (MessageKind.REQUEST, first.session, first.step, index, self.agreement.number)
        if found != wanted:
            raise CorruptFrame(
                f"message is {_named(found)}, must be {_named(wanted)}: send each tensor of a request, in order"
            )
        self._inputs[index].check(header, batch)

    def answer(self, request: Request) -> list[Frame]:
        """The outputs of the part.

        Raises:
            Refused: `request`, where the tensors are none that the part takes, or `part`, where it failed.
        """
        inputs = self._unpacked(request)
        try:
            with torch.inference_mode():
                outputs = self._part(*inputs)
            return self._packed(outputs, request)
        except Exception as error:
            # Whatever a model raises ends here: the next client must not pay for this one.
            raise Refused("part", f"the part failed ({type(error).__name__}: {error}): see the server's log") from error

    def _unpacked(self, request: Request) -> list[Tensor]:
        pairs = zip(self._inputs, request.frames, strict=True)
        try:
            return [end.unpack(frame, request.batch) for end, frame in pairs]
        except ValueError as error:
            raise Refused("request", str(error)) from error
        except Exception as error:
            raise Refused("request", f"a frame cannot be read ({type(error).__name__})") from error

    def _packed(self, outputs: Sequence[Tensor], request: Request) -> list[Frame]:
        if len(outputs) != len(self._outputs):
            raise ValueError(f"it returned {len(outputs)} tensors, must return {len(self._outputs)}")
        triples = zip(self._outputs, outputs, request.codecs, strict=True)
        return [end.pack(tensor, request.batch, codec) for end, tensor, codec in triples]


def _named(key: tuple[int, ...]) -> str:
    kind, _, step, boundary, layout = key
    return f"of kind {kind}, request {step}, tensor {boundary}, layout {layout:016x}"
