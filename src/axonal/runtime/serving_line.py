"""One connection of a server: whole messages, each by its deadline, no more in memory than was read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterable

from axonal.wire import MESSAGE_BYTES, Message

__all__ = ["Line", "open_line"]

PIECE_BYTES = 1 << 16
LINGER_S = 1.0


class Line:
    """Reads and writes the bytes of messages; what it raises is `EOFError`, `OSError` or `TimeoutError`.

    Args:
        reader: Of the connection.
        writer: Of the connection.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.idle = True
        self.received_bytes = self.sent_bytes = 0

    async def first(self, seconds: float) -> bytearray:
        """The first byte of a message, for which the other end may take its time."""
        self.idle = True
        async with asyncio.timeout(seconds):
            byte = await self._fill(bytearray(), 1)
        self.idle = False
        return byte

    async def header(self, begun: bytearray | None = None) -> bytearray:
        """The header of a message, of which some bytes may have been read."""
        return await self._fill(bytearray() if begun is None else begun, MESSAGE_BYTES)

    async def payload(self, header: Message) -> bytearray:
        """The payload that a header announced; CorruptFrame unless it is that."""
        found = await self._fill(bytearray(), header.payload_bytes)
        header.check(found)
        return found

    async def send(self, buffers: Iterable[bytes | bytearray], seconds: float) -> None:
        """Send buffers, piece by piece: a slow reader holds them, but no second copy."""
        async with asyncio.timeout(seconds):
            for buffer in buffers:
                view = memoryview(buffer)
                for start in range(0, len(view), PIECE_BYTES):
                    self._writer.write(view[start : start + PIECE_BYTES])
                    await self._writer.drain()
                self.sent_bytes += len(view)

    async def part_with(self, message: bytes) -> None:
        """Send last words and close; what still comes is thrown away, or the other end would lose them to a reset."""
        with contextlib.suppress(OSError, TimeoutError):
            await self.send([message], LINGER_S)
            async with asyncio.timeout(LINGER_S):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(PIECE_BYTES):
                    pass
            self._writer.close()
            async with asyncio.timeout(LINGER_S):
                await self._writer.wait_closed()

    def abort(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    async def _fill(self, found: bytearray, size: int) -> bytearray:
        while len(found) < size:
            piece = await self._reader.read(min(size - len(found), PIECE_BYTES))
            if not piece:
                raise EOFError("the client closed the connection")
            found += piece
            self.received_bytes += len(piece)
        return found


async def open_line(accepted: socket.socket, context: ssl.SSLContext | None, seconds: float) -> Line:
    """The line of a connection that was accepted, after TLS.

    Raises:
        OSError: TLS failed, or did not come to an end in so many seconds.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=PIECE_BYTES // 2)
    protocol = asyncio.StreamReaderProtocol(reader)
    timeouts = {"ssl_handshake_timeout": seconds, "ssl_shutdown_timeout": LINGER_S} if context else {}
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=context, **timeouts)
    transport.set_write_buffer_limits(high=1, low=0)  # TLS would pause for ever with 0
    return Line(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
