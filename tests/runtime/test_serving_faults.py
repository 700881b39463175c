"""Servers that are killed, stopped, cut off, or asked to end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving_parts import TOY, call, example, same
from torch import Tensor

from axonal.runtime.errors import PeerLost, PeerTimeout

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def _server(seconds: float) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves, and its address; a request takes so long."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests" / "runtime")])
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("serving_alone.py"), str(seconds)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _later(process: subprocess.Popen[str], number: signal.Signals) -> threading.Thread:
    """Send a signal as soon as the server works at a request."""

    def send() -> None:
        assert _line(process) == "working"
        process.send_signal(number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_a_server_that_is_killed_in_the_middle_of_a_request_is_lost_at_once() -> None:
    with _server(30) as (process, address), call(address) as remote:
        thread = _later(process, signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(PeerLost, match="call again"):
            remote(*example(1))
        assert time.monotonic() - began < 5
        thread.join()
        process.wait()
        with pytest.raises(PeerLost, match="see whether it runs"):
            remote(*example(1))


def test_a_server_that_is_stopped_times_out_and_answers_again_when_it_goes_on() -> None:
    with _server(0) as (process, address), call(address, timeout_s=0.5) as remote:
        remote(*example(1))
        process.send_signal(signal.SIGSTOP)
        for _ in range(2):  # with the old connection, and with one that only the kernel accepts
            began = time.monotonic()
            with pytest.raises(PeerTimeout, match="raise timeout_s"):
                remote(*example(1))
            assert time.monotonic() - began < 1.5
        process.send_signal(signal.SIGCONT)
        with call(address) as patient:
            assert same(patient(*example(1)), TOY(*example(1)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_asked_to_end_finishes_what_is_in_flight(number: signal.Signals) -> None:
    with _server(0.5) as (process, address), call(address) as remote, call(address) as idle:
        thread = _later(process, number)
        assert same(remote(*example(2)), TOY(*example(2)))
        thread.join()
        assert process.wait(10) == 0
        assert _line(process) == "ended after 1"
        with pytest.raises(PeerLost):
            idle(*example(1))


def test_a_server_that_says_nothing_times_out() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        call(f"127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.2) as remote,
        pytest.raises(PeerTimeout),
    ):
        remote(*example(1))


def test_a_connection_that_is_cut_in_the_middle_of_a_reply_is_lost() -> None:
    with _server(0) as (_, address), _cable(address, cut_after=700) as cable, call(cable) as remote:
        found: tuple[Tensor, ...] = remote(*example(1))
        assert same(found, TOY(*example(1)))
        with pytest.raises(PeerLost):
            remote(*example(50))


@contextmanager
def _cable(address: str, *, cut_after: int) -> Iterator[str]:
    """What stands between both ends, and is cut after so many bytes of the server."""
    host, _, port = address.rpartition(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def carry() -> None:
            client, _ = listener.accept()
            with client, socket.create_connection((host, int(port))) as server:
                up = threading.Thread(target=_pump, args=(client, server, 1 << 30))
                up.start()
                _pump(server, client, cut_after)
                client.shutdown(socket.SHUT_RDWR)
                up.join()

        thread = threading.Thread(target=carry)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _pump(source: socket.socket, drain: socket.socket, most: int) -> None:
    try:
        while most > 0 and (data := source.recv(min(most, 4096))):
            drain.sendall(data)
            most -= len(data)
    except OSError:
        return
