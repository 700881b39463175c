"""Serve a part of a model over TCP, with TLS and a token: many clients, bounded memory, one computing thread.

Each connection is a task that reads a request, waits for its memory and its turn, and writes the reply; it does not
read the next request before. So nobody can queue more than one request for each connection, and what a server cannot
take yet waits in the buffers of those who send it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from axonal.runtime.crossing import CodecOf, Part
from axonal.runtime.errors import PeerTimeout, Refused
from axonal.runtime.handshake import Challenge, Hello, challenge, check_hello, first_header, refusal, welcome
from axonal.runtime.lanes import codec_for
from axonal.runtime.remote_end import Frame
from axonal.runtime.serving_desk import Desk, Request
from axonal.runtime.serving_line import Line, open_line
from axonal.runtime.serving_turns import Budget, ServeLimits, Worker
from axonal.runtime.tls import Credentials, fingerprint, parse_address, server_context
from axonal.wire import CorruptFrame, Message, MessageKind

__all__ = ["PartServer", "ServeCounts", "serve", "serving"]

BACKLOG = 256
ANY_BYTES = (1 << 32) - 1
"""A header alone may announce anything: the desk says no before there is memory for it."""
SMALL_BYTES = 1 << 14
"""Up to here, a copy is cheaper than a packet of its own for the header."""
PATIENCE_S = 0.5
"""Seconds that a stranger has while others wait to be let in."""
START_S = 10.0

_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class ServeCounts:
    """What a server has done so far; bytes are added when a connection ends.

    Args:
        strangers: Connections that came.
        clients: Connections that showed the token and agreed.
        requests: Requests that were answered.
        refusals: Requests and connections that were refused.
        received_bytes: Bytes of the messages of clients.
        sent_bytes: Bytes of the messages to clients.
    """

    strangers: int = 0
    clients: int = 0
    requests: int = 0
    refusals: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0


class PartServer:
    """A part that listens; `run` it in an event loop, or use `serve` or `serving`.

    Args:
        part: What is served; it is called in one thread, in inference mode.
        listen: `host:port`; port 0 lets the system choose.
        credentials: Token, certificate and key.
        limits: What is granted at most.
        codec_of: Makes the codecs that the part's crossings allow.

    Raises:
        ValueError: One of them is wrong.
        OSError: The address cannot be listened on, or a file cannot be read.
    """

    def __init__(
        self, part: Part, *, listen: str, credentials: Credentials, limits: ServeLimits, codec_of: CodecOf
    ) -> None:
        self.counts = ServeCounts()
        self._limits = limits
        self._credentials = credentials
        self._context = server_context(credentials)
        self._fingerprint = fingerprint(credentials)
        self._desk = Desk(part, codec_of, limits.request_bytes)
        host, port = parse_address(listen, insecure=credentials.insecure)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._listener.setblocking(False)
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{shown}:{self._listener.getsockname()[1]}"
        self._strangers: dict[asyncio.Task[None], float] = {}
        self._clients: dict[asyncio.Task[None], Line] = {}
        self._stopping = False

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop; then finish the requests in flight, for `stop_s` at most."""
        self._budget, self._worker = Budget(self._limits.memory_bytes), Worker()
        self._left = asyncio.Event()
        accepting, stopped = asyncio.create_task(self._accept()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({accepting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if accepting.done():
                accepting.result()
        finally:
            accepting.cancel()
            stopped.cancel()
            self._listener.close()
            await self._finish()

    async def _finish(self) -> None:
        self._stopping = True
        await asyncio.sleep(0)  # a connection that was accepted just now takes charge of its socket
        idle = [task for task, line in self._clients.items() if line.idle]
        busy = {task for task, line in self._clients.items() if not line.idle}
        gone = [*idle, *self._strangers]
        for task in gone:
            task.cancel()
        if busy:
            _, late = await asyncio.wait(busy, timeout=self._limits.stop_s)
            for task in late:
                task.cancel()
            gone.extend(late)
        await asyncio.gather(*gone, return_exceptions=True)
        self._worker.close(self._limits.stop_s)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._room_for_a_stranger()
            try:
                accepted, _ = await loop.sock_accept(self._listener)
            except OSError as error:  # out of files, or the other end has gone already
                _log.warning("a connection cannot be accepted: %s", error)
                await asyncio.sleep(PATIENCE_S)
                continue
            accepted.setblocking(False)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(self._meet(accepted))
            self.counts.strangers += 1
            self._strangers[task] = time.monotonic()
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._strangers.pop(task, None)
        self._clients.pop(task, None)
        self._left.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a connection failed", exc_info=error)

    async def _room_for_a_stranger(self) -> None:
        """Wait for room; who has used up the patience of those who wait is sent away for them, the oldest first."""
        while len(self._strangers) >= self._limits.strangers:
            self._left.clear()
            oldest = next(iter(self._strangers))
            patience = self._strangers[oldest] + PATIENCE_S - time.monotonic()
            if patience <= 0:
                oldest.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(patience, PATIENCE_S / 10)):
                    await self._left.wait()

    async def _meet(self, accepted: socket.socket) -> None:
        try:
            line = await open_line(accepted, self._context, self._limits.handshake_s)
        except OSError as error:
            _log.debug("a stranger does not speak TLS: %s", error)
            accepted.close()
            return
        try:
            refused = await self._talked(line)
            if refused is not None:
                self.counts.refusals += 1
                _log.debug("%s", refused)
                await line.part_with(refusal(refused))
        finally:
            line.abort()
            self.counts.received_bytes += line.received_bytes
            self.counts.sent_bytes += line.sent_bytes

    async def _talked(self, line: Line) -> Refused | None:
        """Why a connection ends, if it is for the client to know.

        It is said after the exception is gone, whose traceback holds the request, for which no memory is lent any more.
        """
        try:
            await self._talk(line)
        except Refused as refused:
            return Refused(refused.reason, refused.text)
        except CorruptFrame as error:
            return Refused("corrupt", str(error))
        except TimeoutError:
            return Refused("slow", "nothing came or went for too long: connect again")
        except (EOFError, OSError) as error:
            _log.debug("a connection ended: %s", error)
        return None

    async def _talk(self, line: Line) -> None:
        async with asyncio.timeout(self._limits.handshake_s):
            hello, session = await self._greet(line)
        while not self._stopping:
            begun = await line.first(self._limits.idle_s)
            await self._serve(line, begun, hello, session)

    async def _greet(self, line: Line) -> tuple[Hello, int]:
        words, nonce = challenge()
        await line.send([words], self._limits.handshake_s)
        header = first_header(await line.header())
        if header.kind != MessageKind.HELLO:
            raise Refused("hello", f"the first message is of kind {header.kind}, must be a hello: use RemotePart")
        hello = Hello.read(await line.payload(header))
        mine = Challenge(
            secret=self._credentials.secret, server=nonce, client=hello.nonce, fingerprint=self._fingerprint
        )
        check_hello(hello, mine, self._desk.agreement)
        if len(self._clients) >= self._limits.clients:
            raise Refused("busy", f"{self._limits.clients} clients are connected already: try again later")
        session = secrets.randbits(64)
        # No await between the check of `busy` and here, or more could slip in.
        self._admit(line)
        await line.send([welcome(mine, session)], self._limits.handshake_s)
        return hello, session

    def _admit(self, line: Line) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._strangers.pop(task, None)
            self._clients[task] = line
        self.counts.clients += 1
        self._left.set()

    async def _serve(self, line: Line, begun: bytearray, hello: Hello, session: int) -> None:
        async with asyncio.timeout(self._limits.message_s):
            raw = await line.header(begun)
        first = Message.read(raw, limit_bytes=ANY_BYTES)
        if first.session != session:
            raise CorruptFrame("message is of another session: send what belongs to this connection")
        batch = self._desk.batch(first)
        self._desk.check(first, 0, batch, first)
        async with self._budget.lend(self._desk.cost_bytes(batch)):
            async with asyncio.timeout(self._limits.message_s):
                frames = await self._rest(line, first, batch)
            request = Request(step=first.step, batch=batch, frames=frames, codecs=hello.outputs)
            try:
                answers = await self._worker.run(lambda: self._desk.answer(request))
            except Refused as refused:
                if refused.reason == "part":
                    _log.warning("request %d: %s", first.step, refused, exc_info=refused)
                self.counts.refusals += 1
                await line.send([refusal(refused, session=session, step=first.step)], self._limits.message_s)
                return
            await line.send(self._reply(answers, first), self._limits.message_s)
        self.counts.requests += 1

    async def _rest(self, line: Line, first: Message, batch: int) -> tuple[Frame, ...]:
        frames = []
        header = first
        for index in range(self._desk.tensors):
            if index:
                header = Message.read(await line.header(), limit_bytes=ANY_BYTES)
                self._desk.check(header, index, batch, first)
            payload = await line.payload(header)
            frames.append(Frame(codec=header.codec, elements=header.elements, payload=payload))
        return tuple(frames)

    def _reply(self, answers: list[Frame], first: Message) -> Iterator[bytes | bytearray]:
        for index, answer in enumerate(answers):
            header = Message(
                kind=MessageKind.REPLY,
                codec=answer.codec,
                session=first.session,
                step=first.step,
                boundary=index,
                elements=answer.elements,
                layout=self._desk.agreement.number,
            )
            if len(answer.payload) <= SMALL_BYTES:
                yield header.seal(answer.payload)
            else:
                yield header.header(answer.payload)
                yield answer.payload


def serve(
    part: Part,
    *,
    listen: str,
    credentials: Credentials,
    limits: ServeLimits | None = None,
    codec_of: CodecOf = codec_for,
    ready: Callable[[str], None] | None = None,
) -> ServeCounts:
    """Serve a part until Ctrl-C or SIGTERM, then finish what is in flight; of the main thread, see `PartServer`.

    Args:
        part: What is served.
        listen: `host:port`; port 0 lets the system choose.
        credentials: Token, certificate and key.
        limits: What is granted at most.
        codec_of: Makes the codecs that the part's crossings allow.
        ready: Called with the address as soon as clients can connect.

    Raises:
        ValueError: One of them is wrong.
        OSError: The address cannot be listened on, or a file cannot be read.
    """
    server = PartServer(part, listen=listen, credentials=credentials, limits=limits or ServeLimits(), codec_of=codec_of)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        if ready is not None:
            ready(server.address)
        await server.run(stop)

    asyncio.run(run())
    return server.counts


@contextmanager
def serving(
    part: Part,
    *,
    listen: str = "127.0.0.1:0",
    credentials: Credentials,
    limits: ServeLimits | None = None,
    codec_of: CodecOf = codec_for,
) -> Iterator[PartServer]:
    """Serve a part from a thread of this process while the block runs; see `PartServer`.

    Raises:
        ValueError: One of the arguments is wrong.
        OSError: The address cannot be listened on, or a file cannot be read.
        PeerTimeout: The server does not stop.
    """
    limits = limits or ServeLimits()
    server = PartServer(part, listen=listen, credentials=credentials, limits=limits, codec_of=codec_of)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.run(stop)), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(2 * limits.stop_s + START_S)
        if thread.is_alive():
            raise PeerTimeout("the server does not stop: is its part stuck?")
        loop.close()
