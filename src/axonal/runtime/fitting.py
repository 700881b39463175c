"""Train a pipeline: the optimiser, schedule and clipping of `axonal.train`, over ranks, with checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from axonal.runtime.pipeline import Pipeline
from axonal.runtime.snapshots import restore, snapshot
from axonal.training import CLIP_NORM, TrainingSettings, parameter_groups

__all__ = ["Fitted", "fit"]

Batches = Callable[[int], tuple[Tensor, Tensor]]
"""Inputs and targets of a step; a function of the step alone, so that a resumed run sees the same."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """How training went.

    Args:
        losses: Mean loss of each step that this run did, on the last rank; elsewhere empty.
        first_step: Steps that a checkpoint had done before.
        seconds: Time of the steps of this run.
    """

    losses: tuple[float, ...]
    first_step: int
    seconds: float


def fit(
    pipeline: Pipeline,
    batches: Batches,
    settings: TrainingSettings,
    *,
    folder: Path | None = None,
    every: int = 50,
    watch: Callable[[int, float], None] | None = None,
) -> Fitted:
    """Train the stages of a pipeline; every rank calls it alike.

    Args:
        pipeline: Made with a loss.
        batches: Batches of `pipeline.batch` examples.
        settings: Steps, rate, decay.
        folder: Where checkpoints are; a run that finds some goes on from there.
        every: Steps between checkpoints.
        watch: Told each step and, on the last rank, its loss (elsewhere NaN).

    Raises:
        ValueError: Loss or gradient is not finite.
        OSError: A checkpoint cannot be written.
        RuntimeFault: A peer is lost, late, or has something else in mind.
    """
    if every < 1:
        raise ValueError(f"every is {every}, must be >= 1")
    parameters = pipeline.parameters()
    optimizer = torch.optim.AdamW(
        parameter_groups(parameters.values(), settings.weight_decay), lr=settings.learning_rate
    )
    done, facts = restore(folder, pipeline, optimizer) if folder is not None else (0, {})
    losses: list[float] = list(facts.get("losses", []))
    first, started = done, time.perf_counter()
    for step in range(done, settings.steps):
        loss = _step(pipeline, optimizer, batches, settings, step)
        losses.append(loss)
        if watch is not None:
            watch(step + 1, loss)
        if folder is not None and ((step + 1) % every == 0 or step + 1 == settings.steps):
            snapshot(folder, pipeline, optimizer, step + 1, _facts(pipeline, losses))
    kept = tuple(losses) if pipeline.last else ()
    return Fitted(losses=kept, first_step=first, seconds=time.perf_counter() - started)


def _facts(pipeline: Pipeline, losses: list[float]) -> dict[str, Any]:
    """The losses so far, which only the last rank knows."""
    return {"losses": losses if pipeline.last else []}


def _step(
    pipeline: Pipeline, optimizer: torch.optim.Optimizer, batches: Batches, settings: TrainingSettings, step: int
) -> float:
    """One step; its mean loss on the last rank, NaN elsewhere."""
    for group in optimizer.param_groups:
        group["lr"] = settings.rate_at(step)
    losses = pipeline.train_step(*batches(step))
    norm = pipeline.clip_gradients(CLIP_NORM)
    if not math.isfinite(norm):
        raise ValueError(
            f"the gradient became {float(norm)} at step {step}: lower learning_rate (now {settings.learning_rate})"
        )
    optimizer.step()
    return float(torch.stack(losses).mean()) if losses else math.nan
