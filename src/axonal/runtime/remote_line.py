"""One connection of a client: blocking, but never beyond its deadline; every failure has a name."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from axonal.runtime.errors import PeerLost, PeerTimeout, Untrusted
from axonal.runtime.handshake import HELLO_BYTES, read_refusal
from axonal.runtime.tls import Credentials, client_context, parse_address
from axonal.wire import MESSAGE_BYTES, CorruptFrame, Message, MessageKind

__all__ = ["RemoteLine"]

PIECE_BYTES = 1 << 16


class RemoteLine:
    """A connection to a server, after TLS.

    Args:
        address: `host:port`.
        credentials: What the client trusts.
        deadline: Time of `time.monotonic` by which it must be there; `deadline` is moved by each call.

    Raises:
        PeerLost: Nobody listens there.
        PeerTimeout: Nobody answers there in time.
        Untrusted: TLS fails.
    """

    def __init__(self, address: str, credentials: Credentials, deadline: float) -> None:
        host, port = parse_address(address, insecure=credentials.insecure)
        context = client_context(credentials)
        self._address, self.deadline = address, deadline
        self.sent_bytes = self.received_bytes = 0
        with self._named():
            self._socket = socket.create_connection((host, port), timeout=self._left())
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                with self._named():
                    self._socket.settimeout(self._left())
                    self._socket = context.wrap_socket(self._socket, server_hostname=credentials.server_name or host)
        except BaseException:
            self._socket.close()
            raise

    @property
    def certificate(self) -> bytes:
        """The server's, in DER; empty without TLS."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return b""
        return self._socket.getpeercert(binary_form=True) or b""

    @property
    def stale(self) -> bool:
        """Whether the server has closed it, or said something that nobody asked for."""
        if self._socket.fileno() < 0:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return bool(selector.select(0))

    def send(self, *buffers: bytes | bytearray) -> None:
        """Send all bytes of buffers, small ones together."""
        if sum(map(len, buffers)) <= PIECE_BYTES:
            buffers = (b"".join(buffers),)
        with self._named():
            for buffer in buffers:
                view = memoryview(buffer)
                while view:
                    self._socket.settimeout(self._left())
                    view = view[self._socket.send(view[:PIECE_BYTES]) :]
                self.sent_bytes += len(buffer)

    def header(self) -> bytearray:
        """The bytes of the next header."""
        return self._receive(MESSAGE_BYTES)

    def payload(self, header: Message) -> bytearray:
        """The payload that a header announced.

        Raises:
            Refused: It is a refusal.
            CorruptFrame: It is not what was announced.
        """
        if header.kind == MessageKind.REFUSAL and header.payload_bytes > HELLO_BYTES:
            raise CorruptFrame(f"a refusal announces {header.payload_bytes} bytes, must be at most {HELLO_BYTES}")
        found = self._receive(header.payload_bytes)
        header.check(found)
        if header.kind == MessageKind.REFUSAL:
            raise read_refusal(found)
        return found

    def close(self) -> None:
        """Close at once."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _receive(self, size: int) -> bytearray:
        found = bytearray()
        with self._named():
            while len(found) < size:
                self._socket.settimeout(self._left())
                piece = self._socket.recv(min(size - len(found), PIECE_BYTES))
                if not piece:
                    raise PeerLost(f"{self._address} closed the connection: see its log, then call again")
                found += piece
        self.received_bytes += size
        return found

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise PeerTimeout(
                f"{self._address} did not answer in time: see whether it runs, or raise timeout_s"
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise Untrusted(
                f"{self._address} shows a certificate that does not verify ({error.verify_message}): "
                "give the server's own certificate, and connect to a host name that is in it"
            ) from error
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise PeerLost(f"{self._address} closed the connection: see its log, then call again") from error
        except ssl.SSLError as error:
            raise Untrusted(
                f"TLS with {self._address} failed ({error.reason}): serve and call both with or both without TLS, "
                "and let nothing in between change bytes"
            ) from error
        except OSError as error:
            raise PeerLost(
                f"{self._address} is lost ({error.strerror or error}): see whether it runs, then call again"
            ) from error
