"""What `axonal call` does with a remote part, and how it shows what it found."""

from __future__ import annotations

import time
from collections.abc import Iterable
from statistics import median
from typing import Any, Protocol

import numpy as np
from rich.table import Table
from torch import Tensor

from axonal.runtime.remote import RemoteCounts, RemotePart

__all__ = ["Trial", "called", "called_view"]


class Trial(Protocol):
    """Test examples of a model whose last part is elsewhere."""

    @property
    def metric(self) -> str:
        """What `quality` says, for people."""
        ...

    def batches(self) -> Iterable[Tensor]:
        """Inputs of the model, `(batch, ...)`."""
        ...

    def local(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """What the parts here make of them, for the one elsewhere."""
        ...

    def quality(self, outputs: list[tuple[Tensor, ...]]) -> float:
        """How good the answers to all batches are."""
        ...


def called(trial: Trial, remote: RemotePart) -> dict[str, Any]:
    """Quality, bytes and latency of a trial; the first call, which connects and compiles codecs, is timed apart."""
    outputs, local_ms, remote_ms, examples = [], [], [], 0
    cold = remote.counts
    for inputs in trial.batches():
        began = time.perf_counter()
        crossing = trial.local(inputs)
        computed = time.perf_counter()
        outputs.append(remote(*crossing))
        local_ms.append(1e3 * (computed - began))
        remote_ms.append(1e3 * (time.perf_counter() - computed))
        examples += len(inputs)
        if len(outputs) == 1:
            cold = remote.counts
    if not outputs:
        raise ValueError("the trial has no examples: raise --examples")
    counts = remote.counts
    return {
        "metric": trial.metric,
        "quality": trial.quality(outputs),
        "examples": examples,
        "calls": counts.calls,
        "sent_bytes": counts.sent_bytes,
        "received_bytes": counts.received_bytes,
        "sent_frame_bytes_per_example": counts.sent_frame_bytes / examples,
        "received_frame_bytes_per_example": counts.received_frame_bytes / examples,
        "first_remote_ms": remote_ms[0],
        **_times(local_ms[1:] or local_ms, remote_ms[1:] or remote_ms, counts, cold),
    }


def _times(local_ms: list[float], remote_ms: list[float], counts: RemoteCounts, cold: RemoteCounts) -> dict[str, float]:
    """Of the calls after the first; of the first where it is the only one."""
    before = cold if counts.calls > cold.calls else RemoteCounts()
    calls = counts.calls - before.calls
    return {
        "local_ms": median(local_ms),
        "remote_ms": median(remote_ms),
        "remote_ms_p95": float(np.quantile(remote_ms, 0.95)),
        "encode_ms": (counts.encode_ms - before.encode_ms) / calls,
        "wait_ms": (counts.wait_ms - before.wait_ms) / calls,
        "decode_ms": (counts.decode_ms - before.decode_ms) / calls,
    }


def called_view(found: dict[str, Any]) -> Table:
    """The answer of `called` for people."""
    table = Table(show_header=False)
    table.add_row(found["metric"], f"{found['quality']:.4g} on {found['examples']} examples in {found['calls']} calls")
    table.add_row(
        "frames",
        f"{found['sent_frame_bytes_per_example']:,.1f} bytes sent and "
        f"{found['received_frame_bytes_per_example']:,.1f} received for each example",
    )
    table.add_row("in all", f"{found['sent_bytes']:,} bytes sent and {found['received_bytes']:,} received below TLS")
    table.add_row(
        "a call",
        f"{found['local_ms']:.2f} ms here, {found['remote_ms']:.2f} ms there and back "
        f"(95 %: {found['remote_ms_p95']:.2f} ms, the first: {found['first_remote_ms']:.2f} ms)",
    )
    table.add_row(
        "of it, mean",
        f"encode {found['encode_ms']:.2f} ms, wait {found['wait_ms']:.2f} ms, decode {found['decode_ms']:.2f} ms",
    )
    return table
