"""A hundred clients at once, many of them bad."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from serving_parts import (
    AGREED,
    INSECURE,
    STRANGER,
    TOKEN,
    TOY,
    Raw,
    Toy,
    Y,
    call,
    certified,  # noqa: F401 - a fixture
    example,
    needs_openssl,
    request,
    resident_bytes,
    same,
    served,
)
from torch import Tensor

from axonal.runtime.crossing import Agreement
from axonal.runtime.errors import Refused
from axonal.runtime.handshake import HELLO_BYTES
from axonal.runtime.serving import PATIENCE_S
from axonal.runtime.serving_turns import ServeLimits
from axonal.runtime.tls import Credentials, client_context
from axonal.wire import Message, MessageKind

LIMITS = ServeLimits(request_bytes=1 << 20, memory_bytes=4 << 20, handshake_s=1.0, message_s=1.0, stop_s=2.0)

Bad = Callable[[str], None]


def garbage(address: str) -> None:
    with Raw(address) as raw:
        raw.send(np.random.default_rng(1).bytes(200_000))


def silent(address: str) -> None:
    with Raw(address) as raw:
        while raw.socket.recv(1000):
            pass


def half_closed(address: str) -> None:
    with Raw(address) as raw:
        raw.enter()
        raw.send(request(raw.session, example(1))[0][:100])
        raw.socket.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            raw.bytes_of(1)


def oversized(address: str) -> None:
    with Raw(address) as raw:
        raw.enter()
        huge = Message(
            kind=MessageKind.REQUEST, session=raw.session, elements=32 << 18, layout=AGREED.number, codec=250
        )
        raw.send(huge.seal(b"x" * 100_000))
        assert raw.refusal().reason == "size"


def wrong_checksum(address: str) -> None:
    with Raw(address) as raw:
        raw.enter()
        words = bytearray(request(raw.session, example(1))[0])
        words[-1] ^= 1
        raw.send(words)
        assert raw.refusal().reason == "corrupt"


def without_token(address: str) -> None:
    with Raw(address) as raw:
        words = raw.hello(STRANGER.token).seal()
        raw.send(words + b"".join(request(0, example(1))))
        assert raw.refusal().reason == "token"


def talkative(address: str) -> None:
    with Raw(address) as raw:
        raw.send(replace(raw.message()[0], layout=1).seal(b"x" * (HELLO_BYTES + 1)))
        assert raw.refusal().reason == "corrupt"


def slow_writer(address: str) -> None:
    with Raw(address) as raw:
        raw.enter()
        for byte in b"".join(request(raw.session, example(1))):
            raw.send(bytes([byte]))
            time.sleep(0.02)


def slow_reader(address: str) -> None:
    with Raw(address) as raw:
        raw.enter()
        raw.send(b"".join(request(raw.session, example(100))))
        for _ in range(100):
            raw.socket.recv(10)
            time.sleep(0.02)


def other_session(address: str) -> None:
    with Raw(address) as raw:
        raw.enter()
        raw.send(b"".join(request(raw.session ^ 1, example(1))))
        assert raw.refusal().reason == "corrupt"


BAD: tuple[Bad, ...] = (
    garbage,
    silent,
    half_closed,
    oversized,
    wrong_checksum,
    without_token,
    talkative,
    slow_writer,
    slow_reader,
    other_session,
)


def _crowd(address: str, credentials: Credentials, good: int, bad: tuple[Bad, ...], copies: int) -> list[object]:
    """Everything that went wrong while so many good and bad clients were there at once."""
    wrong: list[object] = []

    def well(seed: int) -> None:
        batch = 1 + seed % 7
        with call(address, credentials=credentials) as remote:
            for turn in range(3):
                inputs = example(batch, seed + turn)
                if not same(remote(*inputs), TOY(*inputs)):
                    wrong.append((seed, turn))

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            wrong.append(error)

    def badly(job: Bad) -> None:
        # Who is thrown out while it still talks may see a reset: that is its own affair.
        with contextlib.suppress(OSError, EOFError):
            job(address)

    jobs = [lambda seed=seed: well(seed) for seed in range(good)]
    jobs += [lambda job=job: badly(job) for job in bad * copies]
    threads = [
        threading.Thread(target=guarded, args=(jobs[n],)) for n in np.random.default_rng(0).permutation(len(jobs))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_of_a_hundred_clients_at_once_the_good_ones_get_exact_answers() -> None:
    with served(limits=LIMITS) as server:
        assert _crowd(server.address, INSECURE, 60, BAD, 4) == []
    # Slow readers of what fits into the buffers of the system are answered as well.
    assert 180 <= server.counts.requests <= 184


@needs_openssl
def test_of_a_hundred_clients_at_once_the_good_ones_get_exact_answers_over_tls(
    certified: Credentials,  # noqa: F811
) -> None:
    client = Credentials(token=TOKEN, certificate=certified.certificate)
    bad = (garbage, silent)
    with served(credentials=certified, limits=LIMITS) as server:
        assert _crowd(server.address, client, 80, bad, 10) == []
    assert server.counts.requests == 240


def test_strangers_that_flood_neither_are_served_nor_keep_others_out() -> None:
    limits = replace(LIMITS, strangers=8, handshake_s=60.0)
    with served(limits=limits) as server, contextlib.ExitStack() as flood:
        for _ in range(16):
            flood.enter_context(Raw(server.address))
        began = time.monotonic()
        with call(server.address) as remote:
            assert same(remote(*example(1)), TOY(*example(1)))
        assert time.monotonic() - began < 10 * PATIENCE_S
        assert len(server._strangers) <= limits.strangers
    assert server.counts.clients == server.counts.requests == 1


def test_a_stranger_that_does_not_shake_hands_is_sent_away() -> None:
    limits = replace(LIMITS, handshake_s=0.1)
    with served(limits=limits) as server, Raw(server.address) as raw:
        raw.message()
        assert raw.refusal().reason == "slow"


class Wide(Toy):
    """Answers much to little."""

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        batch = len(tensors[0])
        return torch.ones(batch, *self.outputs[0].shape), torch.ones(batch)


WIDE = Wide(outputs=(replace(Y, shape=(1 << 20,)), TOY.outputs[1]))


def _greedy(address: str) -> Raw:
    """Asks for 16 MB, and does not read."""
    raw = Raw(address)
    nonce_and_proof = raw.hello(layout=Agreement.of(WIDE).number)
    raw.send(nonce_and_proof.seal())
    raw.session = raw.message()[0].session
    raw.send(b"".join(request(raw.session, example(4), layout=Agreement.of(WIDE).number)))
    return raw


def test_memory_is_bounded_whatever_clients_ask_for() -> None:
    # Fifty clients want 16 MB of answers each (32 MB with their frames) and read nothing of it.
    limits = ServeLimits(request_bytes=40 << 20, memory_bytes=80 << 20, message_s=0.3, stop_s=1.0)
    with served(WIDE, limits=limits) as server:
        before = peak = resident_bytes()
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                stack.enter_context(_greedy(server.address))
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                peak = max(peak, resident_bytes())
                time.sleep(0.01)
    # Together they asked for 1.6 GB. What Python and torch give back, malloc keeps for a while: hence the factor.
    assert peak - before < 3 * limits.memory_bytes


def test_answers_that_fit_into_no_frame_are_refused_before_they_are_made() -> None:
    limits = ServeLimits(request_bytes=1 << 30, memory_bytes=1 << 30)
    with served(WIDE, limits=limits) as server, call(server.address, agreement=Agreement.of(WIDE)) as remote:
        with pytest.raises(Refused, match="must be at most 15: send less at once"):
            remote(*example(16))
        assert remote(*example(1))[0].shape == (1, 1 << 20)


def test_requests_beyond_the_memory_wait_and_are_answered_in_turn() -> None:
    limits = ServeLimits(request_bytes=3000, memory_bytes=3000)
    with served(limits=limits) as server:
        assert _crowd(server.address, INSECURE, 20, (), 0) == []
    assert server.counts.requests == 60


def test_a_client_that_has_much_to_do_does_not_keep_others_waiting() -> None:
    class Slow(Toy):
        def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            time.sleep(0.02)
            return TOY(*tensors)

    busy = threading.Event()
    with served(Slow()) as server:

        def hurry() -> None:
            with call(server.address) as remote:
                while not busy.is_set():
                    remote(*example(1))

        threads = [threading.Thread(target=hurry) for _ in range(4)]
        for thread in threads:
            thread.start()
        with call(server.address) as remote:
            remote(*example(1))
            began = time.monotonic()
            for _ in range(5):
                remote(*example(1))
            took_s = time.monotonic() - began
        busy.set()
        for thread in threads:
            thread.join()
    # Each call waits for at most one of each of the four others: 0.5 s, and as much again for a busy machine.
    assert took_s < 2 * 5 * 5 * 0.02


def test_thousands_of_mutated_messages_are_refused_and_the_server_lives() -> None:
    chance = np.random.default_rng(0)
    inputs = example(1)
    with served() as server:
        raw = Raw(server.address).enter()
        for _ in range(2000):
            words = bytearray(b"".join(request(raw.session, inputs)))
            where = int(chance.integers(len(words)))
            words[where] ^= 1 << int(chance.integers(8))
            raw.send(words)
            assert raw.refusal().reason in ("corrupt", "size")
            raw.socket.close()
            raw = Raw(server.address).enter()
        raw.send(b"".join(request(raw.session, inputs)))
        assert raw.message()[1] == TOY(*inputs)[0].numpy().tobytes()
        raw.socket.close()
    assert (server.counts.requests, server.counts.refusals) == (1, 2000)


@needs_openssl
def test_a_proof_does_not_hold_where_the_client_sees_another_certificate(
    certified: Credentials,  # noqa: F811
) -> None:
    # `Raw` proves as if it saw no certificate: so would one do whose connection somebody in between has taken apart.
    context = client_context(Credentials(token=TOKEN, certificate=certified.certificate))
    with served(credentials=certified, limits=LIMITS) as server, Raw(server.address, context=context) as raw:
        raw.send(raw.hello().seal())
        assert raw.refusal().reason == "token"
    assert server.counts.clients == 0


def test_headers_that_lie_with_right_checksums_are_refused_and_the_server_lives() -> None:
    chance = np.random.default_rng(1)
    inputs = example(1)
    bounds = {"kind": 256, "codec": 256, "step": 1 << 32, "boundary": 4, "elements": 1 << 24, "layout": 1 << 63}
    with served(limits=replace(LIMITS, request_bytes=1 << 16)) as server:
        for _ in range(300):
            with Raw(server.address) as raw:
                raw.enter()
                name = str(chance.choice(list(bounds)))
                lie = {name: int(chance.integers(bounds[name]))}
                raw.send(request(raw.session, inputs, **lie)[0] + b"".join(request(raw.session, inputs)))
                assert raw.refusal().reason in ("corrupt", "size")
        with call(server.address) as remote:
            assert same(remote(*inputs), TOY(*inputs))
    assert server.counts.requests == 1
