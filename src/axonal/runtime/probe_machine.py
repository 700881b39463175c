"""What this machine computes and packs in a nanosecond, and what it is."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import torch

from axonal.wire import CODECS, codec
from axonal.wire.codec import Codec, Floats

__all__ = [
    "CodecSpeed",
    "Machine",
    "codec_speeds",
    "drawn",
    "machine",
    "macs_per_ns",
    "median_ns",
    "one_thread",
    "processor_clock",
]

ACTIVITIES = (0.02, 0.05, 0.2)
"""Shares of non-zero elements at which codecs of symbols are measured."""

_ROWS, _CHANNELS = 1024, 256
_SIDE = 512
_FLOATS_FROM = CODECS.index("fp32")

Clock = Callable[[], int]
"""Nanoseconds from some moment on, as `time.perf_counter_ns` gives them."""


@dataclass(frozen=True, kw_only=True)
class CodecSpeed:
    """What a codec did with one tensor.

    Args:
        codec: Its name.
        activity: Share of non-zero elements.
        elements: Elements of the tensor.
        frame_bytes: Length of its frame.
        encode_ns_per_element: Median time to make it.
        decode_ns_per_element: Median time to read it.
    """

    codec: str
    activity: float
    elements: int
    frame_bytes: int
    encode_ns_per_element: float
    decode_ns_per_element: float


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What was measured on.

    Args:
        name: System and processor, for people.
        cores: Cores that this process may use.
        threads: Threads that torch uses when nobody says otherwise.
        python: Version.
        torch: Version.
        axonal: Version.
        date: When, UTC, to the second.
    """

    name: str
    cores: int
    threads: int
    python: str
    torch: str
    axonal: str
    date: str


def processor_clock() -> Clock:
    """Nanoseconds in which this thread had a processor: others on the machine do not disturb it.

    The clock on the wall where the system counts processor time too coarsely.
    """
    fine = time.get_clock_info("thread_time").resolution < 1e-6
    return time.thread_time_ns if fine else time.perf_counter_ns


def machine() -> Machine:
    """This machine, now."""
    return Machine(
        name=f"{platform.system()} {platform.machine()}",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        python=platform.python_version(),
        torch=torch.__version__,
        axonal=version("axonal"),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


@contextmanager
def one_thread(threads: int = 1) -> Iterator[None]:
    """So many threads in torch for a while: a rank that shares a machine gets about one."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def median_ns(act: Callable[[], object], *, times: int = 7, clock: Clock = time.perf_counter_ns) -> float:
    """Median time of an act, a first one left out: it compiles, and asks the system for memory."""
    act()
    taken = []
    for _ in range(times):
        started = clock()
        act()
        taken.append(clock() - started)
    return max(1.0, float(statistics.median(taken)))


def macs_per_ns(threads: int, clock: Clock = time.perf_counter_ns) -> float:
    """Multiply-accumulates a nanosecond of a product of 32-bit matrices of 512 x 512."""
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(_SIDE, _SIDE, generator=generator) for _ in range(2))
    with one_thread(threads), torch.no_grad():
        return _SIDE**3 / median_ns(lambda: left @ right, times=15, clock=clock)


def drawn(activity: float, rows: int = _ROWS, channels: int = _CHANNELS) -> Floats:
    """Spikes whose channels fire at uneven rates, as those of trained encoders do; the same at each call."""
    generator = np.random.default_rng(7)
    shares = generator.gamma(0.7, size=channels)
    rates = np.clip(shares * activity / shares.mean(), 0, 1)
    spikes: Floats = (generator.random((rows, channels)) < rates).astype(np.float32)
    return spikes


def codec_speeds(
    names: Sequence[str] = CODECS, activities: Sequence[float] = ACTIVITIES, clock: Clock = time.perf_counter_ns
) -> tuple[CodecSpeed, ...]:
    """Speed of each codec: those of symbols at each activity on drawn spikes, those of floats on normal values."""
    normal = np.random.default_rng(7).standard_normal((_ROWS, _CHANNELS)).astype(np.float32)
    spikes = {activity: drawn(activity) for activity in activities}
    found = []
    for name in names:
        made = codec(name, levels=1, signed=False, channels=_CHANNELS)
        tensors = {1.0: normal} if name in CODECS[_FLOATS_FROM:] else spikes
        found += [_speed(made, activity, values, clock) for activity, values in tensors.items()]
    return tuple(found)


def _speed(made: Codec, activity: float, values: Floats, clock: Clock) -> CodecSpeed:
    frame, out = made.encode(values), np.empty_like(values)
    return CodecSpeed(
        codec=made.name,
        activity=activity,
        elements=values.size,
        frame_bytes=len(frame),
        encode_ns_per_element=median_ns(lambda: made.encode(values), clock=clock) / values.size,
        decode_ns_per_element=median_ns(lambda: made.decode(frame, out), clock=clock) / values.size,
    )
