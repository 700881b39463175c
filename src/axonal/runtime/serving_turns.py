"""Who may use what, and when: memory by the byte, the processor by the request, both first come, first served."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Budget", "ServeLimits", "Worker"]

T = TypeVar("T")
MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ServeLimits:
    """What a server grants at most.

    Args:
        clients: Connections that have shown the token.
        strangers: Connections that have not yet.
        request_bytes: Memory of one request: frames and tensors, in and out.
        memory_bytes: Memory of all requests in flight together; further ones wait unread.
        handshake_s: Seconds that a stranger has.
        message_s: Seconds from the first byte of a request to its last, and of a reply.
        idle_s: Seconds that a client may say nothing.
        stop_s: Seconds that requests in flight have when the server stops.
    """

    clients: int = 128
    strangers: int = 64
    request_bytes: int = 64 * MEBIBYTE
    memory_bytes: int = 256 * MEBIBYTE
    handshake_s: float = 5.0
    message_s: float = 30.0
    idle_s: float = 600.0
    stop_s: float = 10.0

    def __post_init__(self) -> None:
        for name in ("clients", "strangers", "request_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be at least 1")
        for name in ("handshake_s", "message_s", "idle_s", "stop_s"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)} s, must be above 0 and finite")
        if self.memory_bytes < self.request_bytes:
            raise ValueError(
                f"memory_bytes is {self.memory_bytes}, must be at least request_bytes, {self.request_bytes}: "
                "raise one or lower the other"
            )


class Budget:
    """Bytes that are lent and given back; who asked first is served first, so that big requests do not starve."""

    def __init__(self, total_bytes: int) -> None:
        self._free = total_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def lend(self, amount: int) -> AsyncIterator[None]:
        """Wait until so many bytes, at most the total, are free, and hold them."""
        await self._take(amount)
        try:
            yield
        finally:
            self._free += amount
            self._wake()

    async def _take(self, amount: int) -> None:
        if not self._waiting and amount <= self._free:
            self._free -= amount
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove((amount, turn))
            else:  # its turn came in the very moment in which it was cancelled
                self._free += amount
            self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            amount, turn = self._waiting[0]
            if turn.cancelled():  # takes itself out of the line, and wakes who is behind
                return
            self._waiting.popleft()
            self._free -= amount
            turn.set_result(None)


class Worker:
    """One thread that computes for everybody: a client with one request in flight waits for one of each other."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        # A daemon, so that a part that never returns cannot keep a stopped server alive.
        self._thread = threading.Thread(target=self._work, name="axonal-serving", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[], T]) -> T:
        """What a job returns or raises, when its turn has come."""
        done: Future[T] = Future()
        self._jobs.put((done, job))
        return await asyncio.wrap_future(done)

    def close(self, seconds: float) -> None:
        """No more jobs; wait for the running one so long."""
        self._jobs.put(None)
        self._thread.join(seconds)

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            done, job = item
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(job())
                except BaseException as error:
                    done.set_exception(error)
            del done, job, item  # or a request would stay in memory until the next one
