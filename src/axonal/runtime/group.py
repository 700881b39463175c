"""A process group that packs what stages send: `torch.distributed` sees tensors, the network sees frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import dataclass
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import Store

from axonal.runtime.crossing import row_of
from axonal.runtime.errors import PeerLost
from axonal.runtime.lanes import Lanes
from axonal.runtime.monitor import Monitor
from axonal.wire import MAX_ELEMENTS, CorruptFrame
from axonal.wire.frame import HEADER_BITS
from axonal.wire.message import MESSAGE_BYTES, Message, MessageKind

__all__ = ["BACKEND", "PackedGroup", "packed_group"]

BACKEND = "axonal"
"""Name of the backend, as `torch.distributed.new_group` takes it."""

_POLL_S = 0.2
"""How often a wait looks whether the peer is still there."""

_SLACK_BYTES = 1 << 17
"""Room in a buffer beyond the largest tensor of a boundary: the engine's own tensors, and what measures a link."""


@dataclass(frozen=True, kw_only=True)
class _Setup:
    """What a group needs to know of a run.

    Args:
        lanes: How tensors cross.
        monitor: Who is alive.
        session: Number of the run.
        layout: Hash of what all ranks agreed on.
        capacity_bytes: Longest message.
    """

    lanes: Lanes
    monitor: Monitor
    session: int
    layout: int
    capacity_bytes: int


@dataclass(frozen=True, kw_only=True)
class _Awaited:
    """A message that is to come.

    Args:
        src: Rank that sends it.
        order: How many came from there before it.
        buffer: Where its bytes go.
        out: The tensor that it fills.
    """

    src: int
    order: int
    buffer: Tensor
    out: Tensor


class PackedGroup(dist.ProcessGroup):
    """Sends each announced tensor as a frame in its codec, each other float tensor as a gradient, all else raw.

    Only sends and receives are packed; collectives go to the group inside, which moves the bytes.

    Args:
        inner: The group that moves bytes.
        rank: Rank in it.
        size: Ranks of it.
    """

    def __init__(self, inner: Any, rank: int, size: int) -> None:
        super().__init__(rank, size)  # type: ignore[call-arg]
        self.inner = inner
        self._setup: _Setup | None = None
        self._announced: dict[int, int] = {}
        self._sent: dict[int, int] = {}
        self._expected: dict[int, int] = {}
        self._waiter = _Waiter()

    def configure(self, lanes: Lanes, monitor: Monitor, *, session: int, layout: int, most_elements: int) -> None:
        """Say what crosses, before anything does.

        Args:
            lanes: How tensors cross.
            monitor: Who is alive.
            session: Number of the run.
            layout: Hash of what all ranks agreed on.
            most_elements: Elements of the largest tensor that crosses.

        Raises:
            ValueError: A frame cannot carry so many elements.
        """
        if most_elements > MAX_ELEMENTS:
            raise ValueError(
                f"a micro-batch sends {most_elements} elements, must be at most {MAX_ELEMENTS}: use more micro-batches"
            )
        # No codec makes a frame longer than 32-bit floats with a scale for each row, of at least one element.
        capacity = MESSAGE_BYTES + HEADER_BITS // 8 + 8 * most_elements + _SLACK_BYTES
        self._setup = _Setup(lanes=lanes, monitor=monitor, session=session, layout=layout, capacity_bytes=capacity)

    @property
    def setup(self) -> _Setup:
        """What `configure` was told."""
        if self._setup is None:
            raise RuntimeError("the packed group has not been configured: make a Pipeline of it")
        return self._setup

    @property
    def raw_bytes(self) -> int:
        """Bytes of the largest tensor that is no boundary's."""
        return self.setup.capacity_bytes - MESSAGE_BYTES

    def announce(self, tensor: Tensor, number: int) -> None:
        """Say that a tensor, wherever it is sent next, is the crossing of that number."""
        self._announced[tensor.data_ptr()] = number

    def send(self, tensors: list[Tensor], dst: int, tag: int = 0) -> dist.Work:
        """Pack and send one tensor."""
        setup = self.setup
        setup.monitor.check()
        message, payload = self._packed(tensors[0])
        order = self._sent.get(dst, 0)
        self._sent[dst] = order + 1
        sealed = Message(
            kind=message.kind,
            codec=message.codec,
            boundary=message.boundary,
            elements=message.elements,
            session=setup.session,
            layout=setup.layout,
            step=order % (1 << 32),
        ).seal(payload)
        if len(sealed) > setup.capacity_bytes:
            raise ValueError(
                f"a tensor of {tensors[0].numel()} elements makes a message of {len(sealed)} bytes, must be at most "
                f"{setup.capacity_bytes}: receivers have no room for more"
            )
        counts = setup.lanes.counts
        if message.kind == MessageKind.RAW:
            counts.bytes_raw += len(sealed)
        else:
            counts.bytes_headers += MESSAGE_BYTES
        buffer = torch.frombuffer(bytearray(sealed), dtype=torch.uint8)
        return _Sent(self, self._moved(lambda: self.inner.send([buffer], dst, tag), dst), dst, buffer)

    def recv(self, tensors: list[Tensor], src: int, tag: int = 0) -> dist.Work:
        """Receive a message and unpack it into the tensor, when it is waited for."""
        order = self._expected.get(src, 0)
        self._expected[src] = order + 1
        buffer = torch.empty(self.setup.capacity_bytes, dtype=torch.uint8)
        # The sender sends what it needs; a header that is all zero says that nothing came.
        buffer[:MESSAGE_BYTES] = 0
        work = self._moved(lambda: self.inner.recv([buffer], src, tag), src)
        return _Received(self, work, _Awaited(src=src, order=order, buffer=buffer, out=tensors[0]))

    def summed(self, tensor: Tensor) -> None:
        """Put the sum over all ranks in place of a tensor; faults as those of `await_work`."""
        work = self._moved(lambda: dist.all_reduce(tensor, async_op=True), None)
        self.await_work(work, None, "a sum with")

    def await_work(self, work: dist.Work, peer: int | None, what: str) -> None:
        """Wait for bytes to move, for as long as the peer is alive.

        Raises:
            PeerLost: It is not, or the connection broke.
            PeerTimeout: It is, but nothing came in time.
        """
        monitor = self.setup.monitor
        started = time.monotonic()
        clock = time.perf_counter()
        future = self._waiter.submit(work)
        while True:
            try:
                future.result(timeout=_POLL_S)
                break
            except StillRunning:
                monitor.check()
                monitor.expired(started, f"{what} {_named(peer)}")
            except RuntimeError as error:
                raise self._lost(error, peer) from error
        self.setup.lanes.counts.wait_ms += 1e3 * (time.perf_counter() - clock)

    def unpack(self, awaited: _Awaited) -> None:
        """Check a message and fill the tensor that waits for it.

        Raises:
            CorruptFrame: It is not what has to come next from that rank.
        """
        setup, out, src = self.setup, awaited.out, awaited.src
        data = memoryview(awaited.buffer.numpy())  # type: ignore[arg-type]
        message = Message.read(data[:MESSAGE_BYTES], limit_bytes=setup.capacity_bytes - MESSAGE_BYTES)
        payload = data[MESSAGE_BYTES : MESSAGE_BYTES + message.payload_bytes]
        message.check(payload)
        wanted = {
            "session": setup.session,
            "layout": setup.layout,
            "step": awaited.order % (1 << 32),
            "elements": out.numel(),
        }
        for name, value in wanted.items():
            if getattr(message, name) != value:
                raise CorruptFrame(f"message of rank {src} has {name} {getattr(message, name)}, must be {value}")
        setup.lanes.counts.bytes_received += MESSAGE_BYTES + message.payload_bytes
        if message.kind == MessageKind.RAW:
            self._raw(payload, out)
            return
        number = message.boundary if message.kind == MessageKind.FORWARD else None
        if number is not None and number >= len(setup.lanes.crossings):
            raise CorruptFrame(f"message is of crossing {number}, must be below {len(setup.lanes.crossings)}")
        row = row_of(tuple(out.shape[1:])) if number is None else setup.lanes.crossings[number].channels
        values = np.empty((out.numel() // row, row), dtype=np.float32)
        setup.lanes.decode(number, message.codec, payload, values)
        with torch.no_grad():
            out.copy_(torch.from_numpy(values).view(out.shape))

    def allreduce(self, tensors: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """As the group inside does it."""
        return self.inner.allreduce(tensors, *args, **kwargs)

    def broadcast(self, tensors: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """As the group inside does it."""
        return self.inner.broadcast(tensors, *args, **kwargs)

    def barrier(self, *args: Any, **kwargs: Any) -> Any:
        """As the group inside does it."""
        return self.inner.barrier(*args, **kwargs)

    def getBackendName(self) -> str:  # noqa: N802 - the library's name
        """The name that it was registered by."""
        return BACKEND

    def _packed(self, tensor: Tensor) -> tuple[Message, bytes]:
        number = self._announced.pop(tensor.data_ptr(), None)
        lanes = self.setup.lanes
        if number is None and (tensor.dtype != torch.float32 or tensor.dim() < 2):
            raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
            return Message(kind=MessageKind.RAW, elements=tensor.numel()), raw
        row = row_of(tuple(tensor.shape[1:])) if number is None else lanes.crossings[number].channels
        values = tensor.detach().to("cpu", torch.float32).contiguous().numpy().reshape(-1, row)
        if number is None:
            used, frame = lanes.encoded_gradient(values)
            return Message(kind=MessageKind.BACKWARD, codec=used.number, elements=values.size), frame
        used, frame = lanes.encoded(number, values)
        return (
            Message(kind=MessageKind.FORWARD, codec=used.number, boundary=number, elements=values.size),
            frame,
        )

    def _raw(self, payload: memoryview, out: Tensor) -> None:
        if len(payload) != out.numel() * out.element_size():
            raise CorruptFrame(f"raw tensor has {len(payload)} bytes, must have {out.numel() * out.element_size()}")
        with torch.no_grad():
            out.copy_(torch.frombuffer(bytearray(payload), dtype=out.dtype).view(out.shape))

    def _moved(self, start: Callable[[], Any], peer: int | None) -> Any:
        try:
            return start()
        except RuntimeError as error:
            raise self._lost(error, peer) from error

    def _lost(self, error: Exception, peer: int | None) -> PeerLost:
        """The fault that a broken connection stands for; what the peer itself said of it comes first."""
        monitor = self.setup.monitor
        monitor.settle()
        monitor.check()
        return PeerLost(
            f"the connection to {_named(peer)} broke ({' '.join(str(error).split())[:160]}): "
            "it was killed or cut off; start again to resume from the last checkpoint"
        )


def _named(peer: int | None) -> str:
    return "another rank" if peer is None else f"rank {peer}"


class _Sent(dist.Work):
    """A message on its way out."""

    def __init__(self, group: PackedGroup, work: dist.Work, peer: int, buffer: Tensor) -> None:
        super().__init__()
        self.group, self.work, self.peer, self.buffer = group, work, peer, buffer
        self.done = False

    def wait(self, timeout: timedelta = timedelta(0)) -> bool:
        """Until the message is out."""
        del timeout  # the run's own holds
        if not self.done:
            self.group.await_work(self.work, self.peer, "room to send to")
            self.done = True
        return True


class _Received(dist.Work):
    """A message on its way in."""

    def __init__(self, group: PackedGroup, work: dist.Work, awaited: _Awaited) -> None:
        super().__init__()
        self.group, self.work, self.awaited = group, work, awaited
        self.done = False

    def wait(self, timeout: timedelta = timedelta(0)) -> bool:
        """Until the message is here and unpacked."""
        del timeout  # the run's own holds
        if not self.done:
            self.group.await_work(self.work, self.awaited.src, "a message of")
            self.group.unpack(self.awaited)
            self.done = True
        return True


class _Waiter:
    """Waits for works in a thread that ends with the process, even where a work never ends."""

    def __init__(self) -> None:
        self._works: SimpleQueue[tuple[dist.Work, Future[None]]] = SimpleQueue()
        threading.Thread(target=self._run, name="axonal-wait", daemon=True).start()

    def submit(self, work: dist.Work) -> Future[None]:
        """What is done when the work is."""
        future: Future[None] = Future()
        self._works.put((work, future))
        return future

    def _run(self) -> None:
        while True:
            work, future = self._works.get()
            try:
                work.wait()
            except RuntimeError as error:
                future.set_exception(error)
            else:
                future.set_result(None)


def packed_group(timeout_s: float) -> PackedGroup:
    """A packed group of all ranks, around gloo; the default group has to be there."""
    if BACKEND.upper() not in dir(dist.Backend):
        dist.Backend.register_backend(BACKEND, _made, devices=["cpu"])
    group = dist.new_group(backend=BACKEND, timeout=timedelta(seconds=timeout_s))
    if not isinstance(group, PackedGroup):
        raise TypeError(f"torch.distributed made {type(group).__name__} of backend {BACKEND!r}, must be PackedGroup")
    return group


def _made(store: Store, rank: int, size: int, timeout: timedelta) -> PackedGroup:
    return PackedGroup(dist.ProcessGroupGloo(store, rank, size, timeout), rank, size)
