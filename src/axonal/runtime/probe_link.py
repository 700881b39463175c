"""The rate and the round trip of a link, measured by a conversation over plain TCP in pieces of a fixed size.

A caller sends commands of 8 bytes: magic "AXPB", version, what is wanted, two zeros.

```
P   answer with the same 8 bytes
U   16 KiB follow, throw them away     u   1 MiB follows
D   send 16 KiB of zeros               d   send 1 MiB
```

Nothing announces a size, so a listener holds one piece in memory, whatever is sent. It reads no names, opens no files
and gives nothing but zeros; anybody who reaches its port may use up its link, so it listens only while a person probes.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

from axonal.runtime.errors import PeerLost, PeerTimeout, Refused, RuntimeFault
from axonal.runtime.tls import parse_address

__all__ = ["LinkProbe", "listen", "loopback", "measure_link", "serve_link"]

VERSION = 1
PIECE_BYTES = 1 << 14
LOOPBACK = "loopback, through a thread of one process"

_COMMAND_BYTES = 8
_MAGIC = b"AXPB"
_PING, _UP, _DOWN, _OTHER_VERSION = b"P", b"U", b"D", b"V"
_SMALL_IN_LARGE = 64
_LARGE_BYTES = _SMALL_IN_LARGE * PIECE_BYTES
_SIZES = {_UP: PIECE_BYTES, _DOWN: PIECE_BYTES, _UP.lower(): _LARGE_BYTES, _DOWN.lower(): _LARGE_BYTES}
_WARM_S = 0.05
"""A burst shorter than this may have been swallowed by buffers, so that it says nothing of the link."""

_AT_ONCE = 16
"""Pieces asked for before the first of them is read: with fewer, a long round trip would bound the rate."""

_LARGEST_PIECES = 1 << 21
"""32 GiB: where a caller is cut off, and where the doubling of bursts ends."""

_FEWEST_PINGS, _MOST_PINGS = 5, 100


@dataclass(frozen=True, kw_only=True)
class LinkProbe:
    """What a link does.

    Args:
        peer: Who was at the other end, for people.
        loopback: Whether it was this process itself, so that no network was measured.
        rate_bits_per_ns: Payload towards the peer over TCP (= Gb/s).
        back_bits_per_ns: Payload from the peer.
        round_trip_ns: Median time of 8 bytes there and back.
        round_trip_p95_ns: Time in which 95 % of them were back.
        pings: How many were sent.
        megabytes: Payload that the rates were measured with.
    """

    peer: str
    loopback: bool
    rate_bits_per_ns: float
    back_bits_per_ns: float
    round_trip_ns: float
    round_trip_p95_ns: float
    pings: int
    megabytes: float

    def __post_init__(self) -> None:
        for name in ("rate_bits_per_ns", "back_bits_per_ns", "round_trip_ns", "round_trip_p95_ns"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} is {value}, must be finite and > 0: probe the link again")


def loopback(*, seconds: float = 1.0, timeout_s: float = 30.0) -> LinkProbe:
    """The link of this process to itself: an upper bound of what two processes on this machine get.

    Args:
        seconds: How long to measure the rates.
        timeout_s: Longest time all together.
    """
    with closing(listen("127.0.0.1:0")) as door:
        address = f"127.0.0.1:{door.getsockname()[1]}"
        serving = threading.Thread(
            target=serve_link, args=(door,), kwargs={"turns": 1, "timeout_s": timeout_s}, daemon=True
        )
        serving.start()
        found = _measured(address, LOOPBACK, seconds, timeout_s)
        serving.join(timeout=1.0)
    return found


def measure_link(address: str, *, seconds: float = 1.0, timeout_s: float = 30.0) -> LinkProbe:
    """The link to a machine on which `axonal probe --listen` runs.

    Args:
        address: `host:port`.
        seconds: How long to measure the rates, both directions together.
        timeout_s: Longest time all together.

    Raises:
        PeerLost: Nobody listens there, or the other end went away.
        PeerTimeout: It took too long.
        Refused: Another release of Axonal, or something else, listens there.
        ValueError: `address` is none, or a time is not positive.
    """
    for name, value in (("seconds", seconds), ("timeout_s", timeout_s)):
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} is {value}, must be finite and > 0")
    return _measured(address, address, seconds, timeout_s)


def _measured(address: str, peer: str, seconds: float, timeout_s: float) -> LinkProbe:
    with _faults(address, timeout_s), closing(_Caller(address, timeout_s)) as caller:
        times_ns = caller.pings(seconds)
        trip_ns = statistics.median(times_ns)
        up, up_pieces = _rate(caller.burst_up, trip_ns, seconds / 2)
        down, down_pieces = _rate(caller.burst_down, trip_ns, seconds / 2)
    return LinkProbe(
        peer=peer,
        loopback=peer == LOOPBACK,
        rate_bits_per_ns=up,
        back_bits_per_ns=down,
        round_trip_ns=trip_ns,
        round_trip_p95_ns=sorted(times_ns)[int(0.95 * (len(times_ns) - 1))],
        pings=len(times_ns),
        megabytes=(up_pieces + down_pieces) * PIECE_BYTES / 1e6,
    )


def _rate(burst_ns: Callable[[int], float], trip_ns: float, seconds: float) -> tuple[float, int]:
    """Bits per ns, and the pieces of the burst that it was found with.

    Bursts double until one takes long enough to tell, which also empties the bucket of a shaper; the next one, of the
    length asked for, is what counts.
    """
    pieces = 1
    while True:
        took_ns = max(1.0, burst_ns(pieces) - trip_ns)
        if took_ns > 1e9 * min(_WARM_S, seconds) or pieces >= _LARGEST_PIECES:
            break
        pieces *= 2
    pieces = min(max(pieces, round(pieces * 1e9 * seconds / took_ns)), _LARGEST_PIECES // 2)
    took_ns = max(1.0, burst_ns(pieces) - trip_ns)
    return pieces * PIECE_BYTES * 8 / took_ns, pieces


class _Caller:
    """The asking end of a conversation."""

    def __init__(self, address: str, timeout_s: float) -> None:
        self._deadline = time.monotonic() + timeout_s
        host, port = parse_address(address, insecure=False)
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._room = memoryview(bytearray(_LARGE_BYTES))
        self._piece = {kind: memoryview(_command(kind) + bytes(_SIZES[kind])) for kind in (_UP, _UP.lower())}

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def pings(self, seconds: float) -> list[float]:
        """Times of round trips, in ns, the first one left out: it meets an end that is not awake yet."""
        self._ping_ns()
        found: list[float] = []
        until = time.monotonic() + seconds
        while len(found) < _FEWEST_PINGS or (len(found) < _MOST_PINGS and time.monotonic() < until):
            found.append(self._ping_ns())
        return found

    def burst_up(self, pieces: int) -> float:
        """Time to send so many pieces and to hear that all have arrived, in ns."""
        started = time.perf_counter_ns()
        for kind in _kinds(_UP, pieces):
            self._send(self._piece[kind])
        self._ping_ns()
        return float(time.perf_counter_ns() - started)

    def burst_down(self, pieces: int) -> float:
        """Time to ask for so many pieces and to have them, in ns."""
        started = time.perf_counter_ns()
        kinds = _kinds(_DOWN, pieces)
        asking = iter(kinds)
        self._send(b"".join(_command(kind) for kind in islice(asking, _AT_ONCE)))
        for kind in kinds:
            self._fill(self._room[: _SIZES[kind]])
            for further in islice(asking, 1):
                self._send(_command(further))
        return float(time.perf_counter_ns() - started)

    def _ping_ns(self) -> float:
        started = time.perf_counter_ns()
        self._send(_command(_PING))
        answer = self._room[:_COMMAND_BYTES]
        self._fill(answer)
        if answer != _command(_PING):
            raise _stranger(bytes(answer))
        return float(time.perf_counter_ns() - started)

    def _send(self, data: bytes | memoryview) -> None:
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def _fill(self, room: memoryview) -> None:
        _fill(self._socket, room, self._deadline)


def listen(address: str) -> socket.socket:
    """A socket that waits for callers; port 0 takes a free one.

    Raises:
        ValueError: `address` is none.
        OSError: It cannot be listened on.
    """
    host, port = parse_address(address, insecure=False)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1)


def serve_link(
    door: socket.socket,
    *,
    turns: int | None = None,
    timeout_s: float = 60.0,
    heard: Callable[[str, str], None] = lambda _peer, _end: None,
) -> None:
    """Answer one caller after the other; who comes while another is served waits.

    Args:
        door: Of `listen`.
        turns: How many callers; without end when not given.
        timeout_s: Longest conversation: then the caller is cut off and the next one served.
        heard: Told who called and how it ended, `served` or why not.
    """
    served = 0
    while turns is None or served < turns:
        try:
            line, (host, *_) = door.accept()
        except OSError:
            return  # the door was closed
        served += 1
        with closing(line):
            end = "served"
            try:
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _answer(line, time.monotonic() + timeout_s)
            except TimeoutError:
                end = f"cut off after {timeout_s:g} s"
            except (OSError, RuntimeFault) as error:
                end = str(error)
        heard(str(host), end)


def _answer(line: socket.socket, deadline: float) -> None:
    command, room, zeros = (
        memoryview(bytearray(_COMMAND_BYTES)),
        memoryview(bytearray(_LARGE_BYTES)),
        bytes(_LARGE_BYTES),
    )
    for _ in range(4 * _LARGEST_PIECES):
        if not _fill(line, command, deadline, may_end=True):
            return
        wanted = bytes(command[5:6])
        if command[:4] != _MAGIC or command[4] != VERSION or wanted not in (_PING, *_SIZES):
            line.settimeout(1.0)
            with suppress(OSError):
                line.sendall(_command(_OTHER_VERSION))
            raise Refused("version", f"what came is no command of version {VERSION}: install one release everywhere")
        if wanted in (_UP, _UP.lower()):
            _fill(line, room[: _SIZES[wanted]], deadline)
        else:
            line.settimeout(_left(deadline))
            line.sendall(_command(_PING) if wanted == _PING else memoryview(zeros)[: _SIZES[wanted]])
    raise PeerLost("a caller sent more than a probe does")


def _fill(line: socket.socket, room: memoryview, deadline: float, *, may_end: bool = False) -> bool:
    """Fill a buffer; false where the other end hung up in front of it, which only a listener may take for an end."""
    got = 0
    while got < len(room):
        line.settimeout(_left(deadline))
        count = line.recv_into(room[got:])
        if not count:
            if may_end and not got:
                return False
            raise PeerLost("the other end hung up in the middle of a probe: see its messages, then probe again")
        got += count
    return True


def _kinds(small: bytes, pieces: int) -> list[bytes]:
    """The commands for so many small pieces: large ones as far as they go."""
    large, rest = divmod(pieces, _SMALL_IN_LARGE)
    return [small.lower()] * large + [small] * rest


def _command(wanted: bytes) -> bytes:
    return _MAGIC + bytes([VERSION]) + wanted + b"\0\0"


def _stranger(answer: bytes) -> Refused:
    if answer[:4] == _MAGIC:
        return Refused(
            "version", f"the other end speaks version {answer[4]} of the probe, must be {VERSION}: install one release"
        )
    return Refused("hello", f"the answer starts with {answer[:4]!r}, must start with {_MAGIC!r}: is it `axonal probe`?")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@contextmanager
def _faults(address: str, timeout_s: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise PeerTimeout(
            f"the probe of {address} was not done within {timeout_s:g} s: is the other end busy with another caller, "
            "or the link slower than 100 kb/s? try again, or raise --timeout"
        ) from error
    except OSError as error:
        raise PeerLost(
            f"{address} cannot be probed ({error.strerror or error}): start `axonal probe --listen` there first"
        ) from error
