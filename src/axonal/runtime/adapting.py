"""Keep the codecs of a running pipeline suited to its links: measure them now and then, and choose again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from axonal.runtime.advise_auto import AutoCoder, AutoSettings

if TYPE_CHECKING:
    from axonal.runtime.pipeline import Pipeline

__all__ = ["Adapter"]

LEAST_BYTES, MOST_BYTES = 1 << 14, 1 << 20
"""Sizes of what is sent to measure a link."""

PROBE_MS = 20.0
"""How long that should take: long beside a round trip, short beside a run."""


class Adapter:
    """Measures the links of all ranks after every so many batches, and lets each rank choose the codecs it sends in.

    A message of known size goes to the next rank, which answers with a short one; the time of a short one both ways is
    taken off. All ranks do it in the same place of their schedule, so that nothing else is on the link.

    Args:
        pipeline: Of which this rank is a part.
        every: Batches between two measurements.
    """

    def __init__(self, pipeline: Pipeline, every: int = 8) -> None:
        self.pipeline, self.every = pipeline, every
        self.coder = AutoCoder(pipeline.lanes, settings=AutoSettings(patience=2))
        pipeline.lanes.watcher = self.coder.encoded
        self.probe_bytes = LEAST_BYTES  # receivers have room for that, whatever the model
        self.changes: list[tuple[int, str, str]] = []
        """Batch, what crosses, and the codec that was chosen then."""
        self._batches = 0

    def after_batch(self) -> None:
        """To be called by every rank after each batch."""
        self._batches += 1
        if self._batches % self.every and self._batches > 2:
            return
        self._measure()
        for name, codec in self.coder.step().items():
            self.changes.append((self._batches, name, codec))

    def _measure(self) -> None:
        """The links one after the other, each from its lower rank."""
        pipeline = self.pipeline
        for sender in range(pipeline.ranks - 1):
            if pipeline.rank == sender:
                short_ms = self._there_and_back(1)
                took_ms = self._there_and_back(self.probe_bytes)
                self.coder.crossed(self.probe_bytes, max(1e-3, took_ms - short_ms))
                self._resize(took_ms)
            elif pipeline.rank == sender + 1:
                self._answer()
                self._answer()

    def _there_and_back(self, size: int) -> float:
        group, peer = self.pipeline.group, self.pipeline.rank + 1
        started = time.perf_counter()
        announced = group.send([torch.tensor([size])], peer)
        sent = group.send([torch.zeros(size, dtype=torch.uint8)], peer)
        reply = torch.empty(1, dtype=torch.uint8)
        group.recv([reply], peer).wait()
        for work in (announced, sent):
            work.wait()
        return 1e3 * (time.perf_counter() - started)

    def _answer(self) -> None:
        group, peer = self.pipeline.group, self.pipeline.rank - 1
        size = torch.zeros(1, dtype=torch.int64)
        group.recv([size], peer).wait()
        group.recv([torch.empty(int(size), dtype=torch.uint8)], peer).wait()
        group.send([torch.zeros(1, dtype=torch.uint8)], peer).wait()

    def _resize(self, took_ms: float) -> None:
        """Let the next measurement take about as long as it should."""
        wanted = self.probe_bytes * PROBE_MS / max(took_ms, 1e-3)
        bound = min(MOST_BYTES, self.pipeline.group.raw_bytes)
        self.probe_bytes = int(min(bound, max(LEAST_BYTES, wanted)))
