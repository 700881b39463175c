"""`probe`: what a conversation over loopback finds, and how each way in which it can go wrong ends."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from axonal.runtime.errors import PeerLost, PeerTimeout, Refused
from axonal.runtime.probe_link import LOOPBACK, LinkProbe, listen, loopback, measure_link, serve_link
from axonal.runtime.probe_machine import CodecSpeed, Machine, codec_speeds, drawn, macs_per_ns, median_ns, one_thread
from axonal.runtime.probing import Probe
from axonal.wire import CODECS

LINK = LinkProbe(
    peer="edge:7700",
    loopback=False,
    rate_bits_per_ns=0.02,
    back_bits_per_ns=0.01,
    round_trip_ns=4e6,
    round_trip_p95_ns=5e6,
    pings=20,
    megabytes=2.5,
)
MACHINE = Machine(
    name="Linux x86_64",
    cores=4,
    threads=4,
    python="3.11.7",
    torch="2.13.0",
    axonal="0.1.0",
    date="2026-01-02T03:04:05+00:00",
)
SPEED = CodecSpeed(
    codec="gap",
    activity=0.05,
    elements=1024,
    frame_bytes=60,
    encode_ns_per_element=0.5,
    decode_ns_per_element=0.25,
)
PROBE = Probe(link=LINK, machine=MACHINE, macs_per_ns=16.0, macs_per_ns_all=40.0, codecs=(SPEED,))


@contextmanager
def listening(turns: int = 1, timeout_s: float = 20.0) -> Iterator[tuple[str, list[str]]]:
    """The address of a listener, and how its conversations ended."""
    ends: list[str] = []
    with closing(listen("127.0.0.1:0")) as door:
        thread = threading.Thread(
            target=serve_link,
            args=(door,),
            kwargs={"turns": turns, "timeout_s": timeout_s, "heard": lambda _, end: ends.append(end)},
            daemon=True,
        )
        thread.start()
        yield f"127.0.0.1:{door.getsockname()[1]}", ends
        thread.join(timeout=20.0)
        assert not thread.is_alive()


@contextmanager
def stranger(says: bytes) -> Iterator[str]:
    """The address of something that answers whatever comes with the same bytes, and then says no more."""
    done = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as door:

        def talk() -> None:
            line, _ = door.accept()
            with closing(line):
                line.recv(8)
                line.sendall(says)
                done.wait(20.0)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield f"127.0.0.1:{door.getsockname()[1]}"
        done.set()
        thread.join(timeout=20.0)


def test_a_process_measures_the_link_to_itself() -> None:
    found = loopback(seconds=0.1)
    assert found.loopback
    assert found.peer == LOOPBACK
    assert 0.001 < found.rate_bits_per_ns < 1e4
    assert 0.001 < found.back_bits_per_ns < 1e4
    assert 100 < found.round_trip_ns <= found.round_trip_p95_ns < 5e9


def test_a_listener_serves_one_caller_after_the_other() -> None:
    with listening(turns=2) as (address, ends):
        for _ in range(2):
            found = measure_link(address, seconds=0.05)
            assert (found.peer, found.loopback) == (address, False)
    assert ends == ["served", "served"]


def test_nobody_there_is_named() -> None:
    with closing(listen("127.0.0.1:0")) as door:
        address = f"127.0.0.1:{door.getsockname()[1]}"
    with pytest.raises(PeerLost, match="axonal probe --listen"):
        measure_link(address, timeout_s=5.0)


def test_a_peer_that_says_nothing_ends_in_bounded_time() -> None:
    started = time.monotonic()
    with stranger(b"") as address, pytest.raises(PeerTimeout, match="--timeout"):
        measure_link(address, timeout_s=0.3)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("says", "reason"), [(b"HTTP/1.1", "hello"), (b"AXPB\x02P\x00\x00", "version"), (b"AXPB\x01V\x00\x00", "version")]
)
def test_another_program_or_release_is_refused_by_name(says: bytes, reason: str) -> None:
    with stranger(says) as address, pytest.raises(Refused) as fault:
        measure_link(address, timeout_s=5.0)
    assert fault.value.reason == reason


def test_a_peer_that_hangs_up_is_named() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as door:

        def hang_up() -> None:
            door.accept()[0].close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with pytest.raises(PeerLost):
            measure_link(f"127.0.0.1:{door.getsockname()[1]}", timeout_s=5.0)
        thread.join(timeout=20.0)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"AXPB\x09P\x00\x00", b"AXPB\x01Z\x00\x00", bytes(8)])
def test_a_listener_hangs_up_on_strangers_and_goes_on(said: bytes) -> None:
    with listening(turns=2) as (address, ends):
        host, port = address.split(":")
        with closing(socket.create_connection((host, int(port)), timeout=10.0)) as line:
            line.sendall(said)
            assert line.recv(8)[:4] == b"AXPB"
        measure_link(address, seconds=0.02)
    assert "version" in ends[0]
    assert ends[1] == "served"


def test_a_listener_cuts_off_who_says_nothing() -> None:
    with listening(timeout_s=0.2) as (address, ends):
        host, port = address.split(":")
        with closing(socket.create_connection((host, int(port)), timeout=10.0)) as line:
            assert line.recv(1) == b""
    assert ends == ["cut off after 0.2 s"]


@pytest.mark.parametrize(("name", "value"), [("seconds", 0.0), ("timeout_s", -1.0), ("seconds", float("nan"))])
def test_times_have_to_be_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        measure_link("127.0.0.1:1", **{name: value})


def test_a_probe_survives_json() -> None:
    assert Probe.from_json(PROBE.to_json()) == PROBE


def test_the_slower_direction_is_the_rate() -> None:
    assert PROBE.rate_bits_per_ns == 0.01
    assert PROBE.round_trip_ns == 4e6
    assert PROBE.at(3.0).rate_bits_per_ns == 3.0
    assert "supposed" in PROBE.at(3.0).link.peer


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.pop("link"), "probe lacks link"),
        (lambda d: d["link"].pop("peer"), "link lacks peer"),
        (lambda d: d["link"].update(colour=1), "link has colour"),
        (lambda d: d["machine"].update(cores="many"), "machine.cores is 'many', must be of type int"),
        (lambda d: d.update(macs_per_ns=True), "macs_per_ns is True, must be a number"),
        (lambda d: d.update(macs_per_ns=0), "macs_per_ns is 0.0, must be finite and > 0"),
        (lambda d: d["link"].update(rate_bits_per_ns=-1), "rate_bits_per_ns is -1.0"),
        (lambda d: d["codecs"][0].pop("codec"), r"codecs\[0\] lacks codec"),
        (lambda d: d.update(codecs={}), "codecs is {}, must be a list"),
        (lambda d: d.update(link=[]), r"link is \[\], must be an object"),
        (lambda d: d.update(schema="axonal-probe-9"), "axonal-probe-1"),
    ],
)
def test_a_wrong_file_is_explained(change, complaint: str) -> None:  # noqa: ANN001
    data = json.loads(PROBE.to_json())
    change(data)
    with pytest.raises(ValueError, match=complaint):
        Probe.from_json(json.dumps(data))


def test_a_file_that_is_no_json_is_explained() -> None:
    for text in ("", "[1]", "nothing"):
        with pytest.raises(ValueError, match="not a probe"):
            Probe.from_json(text)


def test_a_median_leaves_out_the_first_call() -> None:
    moments = iter([0, 5, 10, 17, 20, 26])
    calls: list[int] = []
    assert median_ns(lambda: calls.append(1), times=3, clock=lambda: next(moments)) == 6
    assert len(calls) == 4


def test_threads_are_as_before_after_measuring() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    assert macs_per_ns(1) > 0
    assert torch.get_num_threads() == before


def test_drawn_spikes_have_the_activity_and_uneven_channels() -> None:
    spikes = drawn(0.05)
    assert spikes.mean() == pytest.approx(0.05, rel=0.1)
    assert spikes.mean(axis=0).std() > 0.02
    assert np.array_equal(spikes, drawn(0.05))


def test_each_codec_is_measured_where_it_is_used() -> None:
    found = codec_speeds(("bitmap", "range", "int8"), (0.02, 0.2))
    assert [(item.codec, item.activity) for item in found] == [
        ("bitmap", 0.02),
        ("bitmap", 0.2),
        ("range", 0.02),
        ("range", 0.2),
        ("int8", 1.0),
    ]
    assert found[2].frame_bytes < found[0].frame_bytes < found[4].frame_bytes
    assert all(item.encode_ns_per_element > 0 and item.decode_ns_per_element > 0 for item in found)
    assert {"bitmap", "range", "int8"} <= set(CODECS)


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="round_trip_ns is 0"):
        replace(LINK, round_trip_ns=0.0)
