"""What a run came to: counts of all ranks, times, and the measured `Report`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor

from axonal.report import BoundaryBits, Report
from axonal.runtime.lanes import Counts

__all__ = ["Outcome", "RankOutcome", "joined"]


@dataclass(frozen=True, kw_only=True)
class RankOutcome:
    """What one rank tells of a run.

    Args:
        counts: What it sent and received, of inference.
        training: The same, of training.
        elapsed_s: Time of its inference.
        latency_ms: Median time of a micro-batch that has the pipeline to itself, as the last rank sees it; 0 elsewhere.
        codecs: Codec at the end, of each tensor that it sends.
        changes: Batch, tensor and codec of each change while running.
    """

    counts: Counts
    training: Counts
    elapsed_s: float
    latency_ms: float
    codecs: dict[str, str] = field(default_factory=dict)
    changes: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def compute_ms(self) -> float:
        """Time of inference that was neither codec nor wait."""
        used = self.counts.encode_ms + self.counts.decode_ms + self.counts.wait_ms
        return max(0.0, 1e3 * self.elapsed_s - used)

    def to_json(self) -> str:
        """As JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RankOutcome:
        """What `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        counts, training = Counts(**data.pop("counts")), Counts(**data.pop("training"))
        return cls(counts=counts, training=training, **data)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A whole run.

    Args:
        stages: Pieces of the model.
        ranks: Processes.
        schedule: How they took turns.
        inferences: Examples that were answered, those that fill up the last batch included.
        micro_batch: Examples of a message.
        parts: What each rank tells.
        predicted_bytes_forward: What the simulator's packet formats say; `None` where they say nothing.
        baseline_bytes_forward: What the model without boundaries would have sent, by codec.
        answers: Logits; `None` where they were not kept.
        losses: Mean loss of each training step.
        first_step: Steps that a checkpoint had done before.
    """

    stages: int
    ranks: int
    schedule: str
    inferences: int
    micro_batch: int
    parts: tuple[RankOutcome, ...]
    predicted_bytes_forward: int | None
    baseline_bytes_forward: Mapping[str, int]
    answers: Tensor | None = field(default=None, repr=False)
    losses: tuple[float, ...] = ()
    first_step: int = 0

    @property
    def codecs(self) -> dict[str, str]:
        """Codec of each tensor that crosses, at the end."""
        return {name: codec for part in self.parts for name, codec in part.codecs.items()}

    @property
    def counts(self) -> Counts:
        """Sums over the ranks, of inference."""
        return joined([part.counts for part in self.parts])

    @property
    def training(self) -> Counts:
        """Sums over the ranks, of training."""
        return joined([part.training for part in self.parts])

    @property
    def elapsed_s(self) -> float:
        """Time of the slowest rank's inference."""
        return max(part.elapsed_s for part in self.parts)

    @property
    def report(self) -> Report:
        """The measured report, of one inference; energy is not measured."""
        counts, each = self.counts, max(1, self.inferences)
        latency_ns = 1e6 * max(part.latency_ms for part in self.parts)
        bits = 8 * counts.bytes_forward / each
        return Report(
            latency_ns=latency_ns,
            throughput_per_s=self.inferences / self.elapsed_s if self.elapsed_s else 0.0,
            link_bits_packed=bits,
            link_bits_packetised=bits,
            energy=None,
            boundaries=tuple(
                _boundary(name, totals, self.codecs.get(name, ""), each) for name, totals in counts.by_crossing.items()
            ),
            engine=f"measured: {self.ranks} processes",
            notes=(f"latency is that of a micro-batch of {self.micro_batch}",),
        )

    def to_json(self) -> dict[str, Any]:
        """Figures by stable names; bytes are those of frames, `bytes_headers` what messages add to them."""
        counts, training = self.counts, self.training
        return {
            "stages": self.stages,
            "ranks": self.ranks,
            "schedule": self.schedule,
            "micro_batch": self.micro_batch,
            "inferences": self.inferences,
            "frames": counts.frames,
            "bytes_forward": counts.bytes_forward,
            "bytes_backward": training.bytes_backward,
            "bytes_headers": counts.bytes_headers,
            "bytes_sent": counts.bytes_sent + training.bytes_sent,
            "bits_per_element": 8 * counts.bytes_forward / counts.elements if counts.elements else 0.0,
            "encode_ms": counts.encode_ms,
            "decode_ms": counts.decode_ms,
            "wait_ms": counts.wait_ms,
            "compute_ms": [part.compute_ms for part in self.parts],
            "predicted_bytes_forward": self.predicted_bytes_forward,
            "baseline_bytes_forward": dict(self.baseline_bytes_forward),
            "codecs": dict(self.codecs),
            "frames_by_codec": counts.codecs,
            "codec_changes": [change for part in self.parts for change in part.changes],
            "elapsed_s": self.elapsed_s,
            "throughput_per_s": self.inferences / self.elapsed_s if self.elapsed_s else 0.0,
            "latency_ms": max(part.latency_ms for part in self.parts),
            "training": {
                "steps": len(self.losses),
                "first_step": self.first_step,
                "loss": self.losses[-1] if self.losses else None,
                "frames": training.frames,
                "bytes_forward": training.bytes_forward,
                "bytes_backward": training.bytes_backward,
                "encode_ms": training.encode_ms,
                "decode_ms": training.decode_ms,
                "wait_ms": training.wait_ms,
            },
        }


def joined(parts: Sequence[Counts]) -> Counts:
    """The sum of the counts of several ranks."""
    total = Counts()
    for part in parts:
        for name in _SUMS:
            setattr(total, name, getattr(total, name) + getattr(part, name))
        for name, values in part.by_crossing.items():
            before = total.by_crossing.get(name, [0] * len(values))
            total.by_crossing[name] = [a + b for a, b in zip(before, values, strict=True)]
        for name, frames in part.codecs.items():
            total.codecs[name] = total.codecs.get(name, 0) + frames
    return total


_SUMS = (
    "frames",
    "bytes_forward",
    "bytes_backward",
    "bytes_headers",
    "bytes_raw",
    "bytes_received",
    "elements",
    "encode_ms",
    "decode_ms",
    "wait_ms",
)


def _boundary(name: str, totals: Sequence[int], codec: str, inferences: int) -> BoundaryBits:
    frames, size, elements = totals
    bits = 8 * size / inferences
    return BoundaryBits(
        source=name,
        target=name,
        source_chip="",
        target_chip="",
        link_hops=1,
        format=f"{codec}, {frames} frames",
        elements=elements // inferences,
        events=math.nan,
        packed_bits=bits,
        packetised_bits=bits,
    )
