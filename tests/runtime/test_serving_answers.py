from __future__ import annotations

import contextlib
import math
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from serving_parts import (
    AGREED,
    STRANGER,
    TOKEN,
    TOKENS,
    TOY,
    Raw,
    Toy,
    X,
    call,
    certified,  # noqa: F401 - a fixture
    example,
    needs_openssl,
    request,
    same,
    served,
)
from torch import Tensor

from axonal.runtime.errors import PeerLost, Refused, Untrusted
from axonal.runtime.handshake import Challenge, challenge, refusal, welcome
from axonal.runtime.serving_turns import ServeLimits
from axonal.runtime.tls import Credentials, new_certificate, new_token, parse_address, read_token
from axonal.wire import MESSAGE_BYTES, CorruptFrame, Message, MessageKind


@needs_openssl
def test_a_remote_part_answers_as_the_part_itself_over_tls(certified: Credentials) -> None:  # noqa: F811
    with served(credentials=certified) as server:
        client = Credentials(token=TOKEN, certificate=certified.certificate)
        with call(server.address, credentials=client) as remote:
            for batch in (1, 3, 200):
                assert same(remote(*example(batch)), TOY(*example(batch)))
            assert remote.counts.connections == 1
    assert server.counts.requests == 3


def test_counts_are_the_bytes_of_frames_headers_and_handshakes() -> None:
    with served() as server, call(server.address) as remote:
        remote(*example(5))
        before = remote.counts
        remote(*example(5))
        after = remote.counts
    assert after.sent_frame_bytes - before.sent_frame_bytes == 5 * 4 * (32 + 4)
    assert after.sent_bytes - before.sent_bytes == 5 * 4 * (32 + 4) + 2 * MESSAGE_BYTES
    assert after.received_frame_bytes - before.received_frame_bytes == 5 * 4 * (16 + 1)
    assert (server.counts.received_bytes, server.counts.sent_bytes) == (after.sent_bytes, after.received_bytes)
    assert min(after.encode_ms, after.wait_ms, after.decode_ms) > 0


def test_a_codec_is_used_wherever_a_crossing_allows_it() -> None:
    x, tokens = example(3)
    with served() as server:
        with call(server.address, codec="plain16") as remote:
            assert same(remote(x, tokens), TOY(x.half().float(), tokens))
            assert remote.counts.sent_frame_bytes == 3 * (2 * 32 + 4 * 4)
        with pytest.raises(ValueError, match="codec is 'morse', no crossing allows it: choose one of plain16, plain32"):
            call(server.address, codec="morse")


def test_a_connection_that_the_server_closed_is_made_again() -> None:
    with served(limits=ServeLimits(idle_s=0.1)) as server, call(server.address) as remote:
        remote(*example(1))
        assert remote._link is not None
        assert remote._link.line.header()[5] == MessageKind.REFUSAL
        assert same(remote(*example(2)), TOY(*example(2)))
        assert remote.counts.connections == 2


@pytest.mark.parametrize(
    ("token", "changed", "reason"),
    [
        (TOKEN, {"version": "0.9"}, "version"),
        (STRANGER.token, {}, "token"),
        (TOKEN, {"proof": ""}, "token"),
        (TOKEN, {"nonce": b""}, "token"),
        (TOKEN, {"layout": AGREED.number ^ 1}, "layout"),
        (TOKEN, {"inputs": ("morse", "plain32")}, "codec"),
        (TOKEN, {"outputs": ("plain32",)}, "codec"),
    ],
)
def test_a_client_that_differs_is_refused_by_name(token: str, changed: dict[str, object], reason: str) -> None:
    with served() as server, Raw(server.address) as raw:
        raw.send(raw.hello(token, **changed).seal())
        assert raw.refusal().reason == reason
        with pytest.raises(EOFError):
            raw.bytes_of(1)
    assert server.counts.clients == server.counts.requests == 0


def test_a_header_of_another_version_is_refused_by_name() -> None:
    with served() as server, Raw(server.address) as raw:
        words = bytearray(raw.hello().seal())
        words[4] = 77
        raw.send(words)
        assert "speaks version 77" in raw.refusal().text


@pytest.mark.parametrize("hello", [b"[" * 4000, b"{}", b"7", b"\xff", b'{"version": 1}'])
def test_a_hello_that_is_none_is_refused(hello: bytes) -> None:
    with served() as server, Raw(server.address) as raw:
        header, _ = raw.message()
        raw.send(header.seal(hello))
        assert raw.refusal().reason == "hello"


def test_remote_parts_raise_the_refusal_of_the_server() -> None:
    with served() as server:
        wrong = {
            "token": {"credentials": STRANGER},
            "layout": {"agreement": replace(AGREED, layout="toy, cut elsewhere")},
            "codec": {"agreement": replace(AGREED, inputs=(X, replace(TOKENS, codecs=("plain16",))))},
        }
        for reason, changed in wrong.items():
            with (
                call(server.address, **changed) as remote,
                pytest.raises(Refused, match=f"refused .{reason}") as refused,
            ):
                remote(*example(1))
            assert refused.value.reason == reason
    assert server.counts.requests == 0


def _impostor(listener: socket.socket, words: bytes) -> None:
    """Says what a server says before it knows a client, then something."""
    accepted, _ = listener.accept()
    with accepted:
        accepted.sendall(challenge()[0])
        accepted.recv(1 << 12)
        accepted.sendall(words)


STRANGE = Challenge(secret=b"something else", server=b"", client=b"", fingerprint=b"")


@pytest.mark.parametrize(
    ("words", "fault", "says"),
    [
        (welcome(STRANGE, 7), Refused, "the server does not know the token"),
        (welcome(STRANGE, 7)[:60], PeerLost, "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n" + b" " * 40, CorruptFrame, "must start with b'AXON'"),
        (Message(kind=MessageKind.WELCOME).seal(b"{}"), CorruptFrame, "welcome is none"),
        (Message(kind=MessageKind.REPLY).seal(b"{}"), CorruptFrame, "is it axonal that listens"),
        (Message(kind=MessageKind.REFUSAL).seal(b"[1]"), CorruptFrame, "holds no reason"),
        (refusal(Refused("busy", "\x1b[2J")), Refused, r"\(busy\): \?\[2J"),
    ],
)
def test_what_an_impostor_says_ends_in_a_named_exception(words: bytes, fault: type[Exception], says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_impostor, args=(listener, words))
        thread.start()
        with call(f"127.0.0.1:{listener.getsockname()[1]}") as remote, pytest.raises(fault, match=says):
            remote(*example(1))
        thread.join()


def test_what_is_wrong_with_one_request_leaves_the_connection_whole() -> None:
    with served() as server, Raw(server.address) as raw:
        raw.enter()
        x, tokens = example(2)
        for pair, words in (
            ((x * math.inf, tokens), "must be finite"),
            ((x * math.nan, tokens), "must be finite"),
            ((x, tokens * 0 + 0.5), "must be whole numbers"),
            ((x, tokens + 10), "must be within 0 to 9"),
        ):
            raw.send(b"".join(request(raw.session, pair)))
            refused = raw.refusal()
            assert (refused.reason, words in refused.text) == ("request", True)
        raw.send(b"".join(request(raw.session, (x, tokens))))
        assert raw.message()[1] == TOY(x, tokens)[0].numpy().tobytes()


def test_a_part_that_fails_does_so_for_one_request_alone() -> None:
    class Moody(Toy):
        def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            if len(tensors[0]) == 1:
                raise IndexError("one is too few")
            outputs = TOY(*tensors)
            return outputs[:1] if len(tensors[0]) == 2 else outputs

    with served(Moody()) as server, call(server.address) as remote:
        with pytest.raises(Refused, match="one is too few"):
            remote(*example(1))
        with pytest.raises(Refused, match="returned 1 tensors, must return 2"):
            remote(*example(2))
        assert same(remote(*example(3)), TOY(*example(3)))
        assert remote.counts.connections == 1


def test_a_request_beyond_its_share_is_refused_with_the_lever() -> None:
    limits = ServeLimits(request_bytes=10_000, memory_bytes=10_000)
    with served(limits=limits) as server, call(server.address) as remote:
        with pytest.raises(Refused, match="a request may have 10000: send smaller batches"):
            remote(*example(20_000))
        assert same(remote(*example(20)), TOY(*example(20)))


def test_more_clients_than_allowed_are_told_that_it_is_busy() -> None:
    with served(limits=ServeLimits(clients=1)) as server, call(server.address) as first, call(server.address) as second:
        first(*example(1))
        with pytest.raises(Refused, match="busy"):
            second(*example(1))
        first.close()
        for _ in range(100):
            with contextlib.suppress(Refused):
                assert same(second(*example(1)), TOY(*example(1)))
                return
        pytest.fail("the place is never free again")


def test_calls_from_several_threads_wait_for_each_other() -> None:
    found: dict[int, tuple[Tensor, ...]] = {}
    with served() as server, call(server.address) as remote:
        threads = [threading.Thread(target=lambda n=n: found.update({n: remote(*example(n))})) for n in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all(same(found[n], TOY(*example(n))) for n in range(1, 9))


def test_tensors_that_cannot_cross_are_refused_before_they_are_sent() -> None:
    with call("127.0.0.1:1") as remote:
        with pytest.raises(ValueError, match="1 tensors are given, must be 2: x, tokens"):
            remote(torch.ones(1, 4, 8))
        with pytest.raises(ValueError, match=r"tokens has shape \(2, 4\), must be \(1, 4\)"):
            remote(torch.ones(1, 4, 8), torch.ones(2, 4))
        with pytest.raises(PeerLost, match="see whether it runs"):
            remote(*example(1))


@needs_openssl
def test_a_certificate_of_somebody_else_is_not_trusted(certified: Credentials, tmp_path: Path) -> None:  # noqa: F811
    other, _ = new_certificate(tmp_path / "other", ["127.0.0.1"])
    elsewhere = new_certificate(tmp_path / "elsewhere", ["example.org"])
    with (
        served(credentials=certified) as server,
        call(server.address, credentials=Credentials(token=TOKEN, certificate=other)) as remote,
        pytest.raises(Untrusted, match="does not verify"),
    ):
        remote(*example(1))
    named = Credentials(token=TOKEN, certificate=elsewhere[0], key=elsewhere[1])
    with served(credentials=named) as server:
        for name in (None, "example.org"):
            client = Credentials(token=TOKEN, certificate=elsewhere[0], server_name=name)
            with call(server.address, credentials=client) as remote:
                if name is None:
                    with pytest.raises(Untrusted, match=r"127[.]0[.]0[.]1"):
                        remote(*example(1))
                else:
                    assert same(remote(*example(1)), TOY(*example(1)))


@needs_openssl
def test_with_and_without_tls_do_not_mix(certified: Credentials) -> None:  # noqa: F811
    client = Credentials(token=TOKEN, certificate=certified.certificate)
    with (
        served() as server,
        call(server.address, credentials=client) as remote,
        pytest.raises(Untrusted, match="both without TLS"),
    ):
        remote(*example(1))
    limits = ServeLimits(handshake_s=0.2)
    with (
        served(credentials=certified, limits=limits) as server,
        call(server.address) as remote,
        pytest.raises(PeerLost),
    ):
        remote(*example(1))
    assert server.counts.clients == 0


def test_credentials_keep_the_token_to_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = new_token()
    assert token not in repr(Credentials(token=token, insecure=True))
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    assert read_token(file) == token
    monkeypatch.setenv("AXONAL_TOKEN", token)
    assert read_token() == token
    monkeypatch.delenv("AXONAL_TOKEN")
    with pytest.raises(ValueError, match="AXONAL_TOKEN holds no token"):
        read_token()
    with pytest.raises(ValueError, match="token has 5 characters, must have at least 16") as short:
        Credentials(token=TOKEN[:5])
    assert TOKEN[:5] not in str(short.value).removeprefix("token")


@pytest.mark.parametrize("address", ["nowhere", ":7", "host:", "host:70000", "host:-1", "host:port"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"must be host:port"):
        parse_address(address, insecure=False)


def test_without_tls_nobody_leaves_the_machine() -> None:
    assert parse_address("[::1]:7", insecure=True) == ("::1", 7)
    for address in ("192.168.0.1:7", "example.org:7", "0.0.0.0:7"):
        with pytest.raises(ValueError, match="must be a loopback address"):
            call(address)


def test_a_server_without_a_certificate_or_with_a_wrong_one_does_not_start(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="a server needs both"),
        served(credentials=Credentials(token=TOKEN)),
    ):
        pass
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    with (
        pytest.raises(ValueError, match="must be a PEM certificate"),
        served(credentials=Credentials(token=TOKEN, certificate=junk, key=junk)),
    ):
        pass


def test_a_certificate_needs_openssl_and_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="hosts is"):
        new_certificate(tmp_path, [])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="openssl is missing: install it"):
        new_certificate(tmp_path, ["localhost"])
