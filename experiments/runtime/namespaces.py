"""Two hosts on one machine: network namespaces joined by a pair of virtual interfaces with a shaped rate."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

INTERFACE = "axonal0"
"""Name of the interface in both namespaces."""
ADDRESSES = ("10.77.0.1", "10.77.0.2")
"""Address of each side."""
HEADER_BYTES = 66
"""Ethernet, IPv4 and TCP with timestamps: what a packet carries beside its payload."""
BURST_MS = 1.0
"""Time at full rate that may pass at once: short beside a message, long beside the kernel's timers."""
LEAST_BURST_BYTES = 4096
"""A packet has to fit into a burst; what the kernel has bundled is taken apart again."""
QUEUE_BYTES = 4 << 20
"""What waits for the link before packets are dropped: more than TCP keeps on its way."""

_COUNTED = ("tx_bytes", "tx_packets", "rx_bytes", "rx_packets")


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What an interface has counted since it was made."""

    tx_bytes: int
    tx_packets: int
    rx_bytes: int
    rx_packets: int

    def since(self, before: Counters) -> Counters:
        return Counters(**{name: getattr(self, name) - getattr(before, name) for name in _COUNTED})

    @property
    def sent(self) -> int:
        """Payload that left: a bundle of packets counts its headers once, so that this holds for bundles too."""
        return self.tx_bytes - HEADER_BYTES * self.tx_packets


def why_not() -> str | None:
    """Why there can be no namespaces here; `None` where there can."""
    if missing := [tool for tool in ("ip", "tc") if shutil.which(tool) is None]:
        return f"{' and '.join(missing)} of iproute2 is missing"
    if os.geteuid() != 0:
        return "namespaces need root"
    try:
        with Pair() as pair:
            pair.shape(100.0)
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd)}: {error.stderr.strip()}"
    return None


def here() -> Counters:
    """What the interface of the namespace that this process is in has counted."""
    folder = Path("/sys/class/net") / INTERFACE / "statistics"
    return Counters(**{name: int((folder / name).read_text()) for name in _COUNTED})


def shaping(rate_mbit: float) -> list[str]:
    """The command that shapes what leaves a namespace, to be run in it."""
    burst = max(LEAST_BURST_BYTES, round(rate_mbit * 1e6 / 8 * BURST_MS / 1e3))
    words = f"tc qdisc replace dev {INTERFACE} root tbf rate {rate_mbit:g}mbit burst {burst} limit {QUEUE_BYTES}"
    return words.split()


class Pair:
    """Two namespaces with a link between them, gone when the context ends, with all that runs in them.

    Args:
        rate_mbit: Rate of each direction; without limit when `None`.
    """

    def __init__(self, rate_mbit: float | None = None) -> None:
        self.rate_mbit = rate_mbit
        self.names = tuple(f"axonal-{os.getpid()}-{side}" for side in range(2))
        self._processes: list[subprocess.Popen[str]] = []
        self._terminated: object = None

    def __enter__(self) -> Pair:
        # Killed politely, it still has to take its namespaces with it.
        with suppress(ValueError):  # not in the main thread
            self._terminated = signal.signal(signal.SIGTERM, _interrupted)
        try:
            self._made()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _made(self) -> None:
        for name in self.names:
            _run("ip", "netns", "add", name)
        first, second = self.names
        _run(*f"ip link add {INTERFACE} netns {first} type veth peer name {INTERFACE} netns {second}".split())
        for name, address in zip(self.names, ADDRESSES, strict=True):
            _run("ip", "-n", name, "link", "set", INTERFACE, "addrgenmode", "none")  # IPv6 would talk to itself
            _run("ip", "-n", name, "addr", "add", f"{address}/30", "dev", INTERFACE)
            _run("ip", "-n", name, "link", "set", INTERFACE, "up")
            _run("ip", "-n", name, "link", "set", "lo", "up")
        if self.rate_mbit is not None:
            self.shape(self.rate_mbit)

    def shape(self, rate_mbit: float) -> None:
        """Give both directions a rate."""
        for side in range(2):
            _run(*self._inside(side), *shaping(rate_mbit))

    def counters(self, side: int) -> Counters:
        """What the interface of a side has counted."""
        folder = f"/sys/class/net/{INTERFACE}/statistics"
        told = _run(*self._inside(side), "cat", *(f"{folder}/{name}" for name in _COUNTED))
        return Counters(**dict(zip(_COUNTED, map(int, told.split()), strict=True)))

    def start(
        self, side: int, words: Sequence[str], environment: Mapping[str, str] | None = None, **options: object
    ) -> subprocess.Popen[str]:
        """Start a program on a side; gloo is told which interface to use."""
        surroundings = {**os.environ, "GLOO_SOCKET_IFNAME": INTERFACE, **(environment or {})}
        process = subprocess.Popen(  # type: ignore[call-overload]
            [*self._inside(side), *words], env=surroundings, text=True, process_group=0, **options
        )
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End what runs there, and take both namespaces away."""
        for process in self._processes:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._processes.clear()
        for name in self.names:
            with suppress(subprocess.CalledProcessError):  # it was never made
                for pid in _run("ip", "netns", "pids", name).split():
                    with suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)  # what a launcher has started in a session of its own
                _run("ip", "netns", "del", name)
        if self._terminated is not None:
            signal.signal(signal.SIGTERM, self._terminated)  # type: ignore[arg-type]
            self._terminated = None

    def _inside(self, side: int) -> list[str]:
        return ["ip", "netns", "exec", self.names[side]]


def torchrun(side: int, port: int, words: Sequence[str], python: str) -> list[str]:
    """The command that starts the one rank of a side, as on two hosts."""
    where = ["--nnodes", "2", "--node-rank", str(side), "--nproc-per-node", "1"]
    where += ["--master-addr", ADDRESSES[0], "--master-port", str(port)]
    return [python, "-m", "torch.distributed.run", *where, *words]


def _interrupted(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
