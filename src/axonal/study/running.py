"""What `axonal run` does in each process: the model, its stages, training and answers, and the figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from axonal.mapping import place
from axonal.runtime.host import host_system
from axonal.runtime.outcomes import Outcome
from axonal.runtime.pipeline import PipelineSettings
from axonal.runtime.probing import Probe
from axonal.runtime.running import Learning, RunSettings, work
from axonal.runtime.stages import Stage
from axonal.simulation import simulate
from axonal.study.executing import Execution, Prepared, prepared
from axonal.study.watching import Watcher
from axonal.study.workers import one_thread
from axonal.tracing import trace
from axonal.training import TrainingSettings, loss_of

__all__ = ["Plan", "execute"]

AUTO = "auto"
"""The codec that is chosen while running."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run.

    Args:
        execution: Which model, cut into how many stages.
        ranks: Processes.
        codec: How tensors cross: a name, `auto`, or `None` for what the simulator would choose.
        gradient: How gradients cross.
        schedule: Of the pipeline.
        micro_batch: Examples of a message.
        micro_batches: Messages of a batch.
        examples: Test examples.
        train: Steps of distributed training.
        learning_rate: Peak of its schedule.
        checkpoint: Folder of its checkpoints.
        every: Steps between them.
        timeout_s: Longest wait for a peer that is alive.
        probe: What `axonal probe` found of the link and the machines, for the simulator; usual figures when `None`.
    """

    execution: Execution
    ranks: int
    codec: str | None = None
    gradient: str = "int8"
    schedule: str = "1f1b"
    micro_batch: int = 8
    micro_batches: int = 4
    examples: int = 256
    train: int = 0
    learning_rate: float = 1e-3
    checkpoint: Path | None = None
    every: int = 50
    timeout_s: float = 60.0
    probe: Path | None = None

    @property
    def measured(self) -> Probe | None:
        """The probe; ValueError or OSError where its file holds none."""
        return Probe.from_json(self.probe.read_text(encoding="utf-8")) if self.probe is not None else None

    def __post_init__(self) -> None:
        for name in ("ranks", "micro_batch", "micro_batches", "examples", "every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be >= 1")
        if self.train < 0:
            raise ValueError(f"train is {self.train} steps, must be >= 0")
        if self.examples < self.micro_batch:
            raise ValueError(f"examples is {self.examples}, must be >= micro_batch, {self.micro_batch}")
        if self.execution.stages % self.ranks:
            raise ValueError(
                f"{self.execution.stages} stages on {self.ranks} ranks: stages must be a multiple of ranks"
            )
        if self.checkpoint is not None and not self.train:
            raise ValueError("checkpoint is given, but nothing is trained: add --train STEPS")
        self.pipeline({})
        _ = self.measured

    def pipeline(self, codecs: dict[str, str]) -> PipelineSettings:
        """The settings of the pipeline, checked."""
        return PipelineSettings(
            schedule=self.schedule,
            micro_batches=self.micro_batches,
            codecs=codecs,
            gradient=self.gradient,
            auto=self.codec == AUTO,
            timeout_s=self.timeout_s,
        )


def execute(
    plan: Plan, watcher: Watcher | None = None, watch: Callable[[int, float], None] | None = None
) -> dict[str, Any] | None:
    """Do this rank's part of a run.

    Returns:
        The figures of the whole run on the last rank, which knows the answers; `None` elsewhere.
    """
    ready = prepared(plan.execution, watcher)
    stages = ready.stages(plan.micro_batch)
    settings = RunSettings(
        ranks=plan.ranks,
        micro_batch=plan.micro_batch,
        pipeline=plan.pipeline(_codecs(plan, stages)),
        learning=_learning(plan, ready, watch),
    )
    inputs = ready.inputs[: plan.examples]
    outcome = work(stages, inputs, settings, ready.dense_shapes)
    if outcome.answers is None:
        return None
    return {
        "model": plan.execution.model,
        "variant": plan.execution.variant,
        "examples": len(inputs),
        "metric": ready.metric,
        "quality": ready.quality(outcome.answers),
        **outcome.to_json(),
        "simulated": _simulated(plan, ready, outcome),
        "losses": list(outcome.losses),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "plan": {key: value for key, value in asdict(plan).items() if isinstance(value, str | int | float)},
    }


def _simulated(plan: Plan, ready: Prepared, outcome: Outcome) -> dict[str, float | None]:
    """What the simulator says of one inference on hosts like these, and its ratio to what was measured.

    Bits differ by what a message of several inferences saves in headers; `predicted_bytes_forward` allows for that.
    """
    system = host_system(plan.execution.stages, plan.measured)
    with one_thread():
        workload = trace(ready.model, ready.inputs[: plan.micro_batch])
        placement = place(workload, ready.partition.extended(workload), system)
        predicted = simulate(workload, placement, system)
    measured = outcome.report
    each_ns = measured.latency_ns / plan.micro_batch
    return {
        "latency_ns": predicted.latency_ns,
        "measured_latency_ns": each_ns,
        "latency_ratio": predicted.latency_ns / each_ns if each_ns else None,
        "link_bits": predicted.link_bits_packed,
        "link_bits_ratio": predicted.against(measured).link_bits_ratio,
    }


def _codecs(plan: Plan, stages: tuple[Stage, ...]) -> dict[str, str]:
    """The codec by name for each tensor that it can carry; tokens beside symbols keep theirs."""
    if plan.codec in (None, AUTO):
        return {}
    crossings = {item.name: item for stage in stages[:-1] for item in stage.outputs}
    fitting = {name: plan.codec or "" for name, item in crossings.items() if plan.codec in item.codecs}
    if not fitting:
        allowed = sorted({codec for item in crossings.values() for codec in item.codecs})
        raise ValueError(f"codec {plan.codec!r} carries nothing that crosses here: use one of {', '.join(allowed)}")
    return fitting


def _learning(plan: Plan, ready: Prepared, watch: Callable[[int, float], None] | None) -> Learning | None:
    if not plan.train:
        return None
    batch = plan.micro_batch * plan.micro_batches
    return Learning(
        settings=TrainingSettings(
            steps=plan.train, batch=batch, learning_rate=plan.learning_rate, window=ready.settings.window
        ),
        batches=ready.batches(batch),
        loss=loss_of,
        folder=plan.checkpoint,
        every=plan.every,
        watch=watch,
    )
