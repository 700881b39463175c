"""The training loop: one path for dense, spiking and hybrid models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from axonal.data import Dataset
from axonal.spiking import TrafficObjective, boundaries_of, choose, evaluating, observed
from axonal.training.progress import Learner, Point, Progress, excesses
from axonal.training.settings import TrainingSettings
from axonal.training.tasks import Quality, batch_at, distance, evaluate_rates, examples, loss_of, metric

__all__ = ["CLIP_NORM", "Trained", "Watch", "parameter_groups", "train"]

CLIP_NORM = 1.0
"""Largest norm of the gradient of a step."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How a run went; the model holds the best weights.

    Args:
        curve: Evaluations in order.
        best: The evaluation whose weights were kept.
        steps: Steps taken.
        seconds: Time spent training, pauses excluded.
        stopped_early: Whether patience ended it.
        warnings: What a person should know (a silent boundary, a missed target, a rescue).
        traffic_weight: Weight of the traffic at the end; where the next run with a lower target may start.
    """

    curve: tuple[Point, ...]
    best: Point
    steps: int
    seconds: float
    stopped_early: bool
    warnings: tuple[str, ...] = ()
    traffic_weight: float = 0.02


Watch = Callable[[int, int, Point | None], None]
"""Called after each step with `(step, steps, newest evaluation)`."""


def train(
    model: nn.Module,
    dataset: Dataset,
    settings: TrainingSettings,
    *,
    teacher: nn.Module | None = None,
    checkpoint: Path | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Train a model; it ends up with the weights that did best on the validation split.

    With a traffic target, only evaluations that meet it compete, as long as one does.

    Args:
        model: Any model of the dataset's task, with or without boundaries.
        dataset: What to train on.
        settings: How.
        teacher: Model whose answers the loss holds this one to, where `settings.distillation` says so.
        checkpoint: File to resume from and to write at each evaluation.
        watch: Told of each step.

    Raises:
        ValueError: When loss or gradient is not finite, the checkpoint is corrupt or of another run, or there is no
            teacher to learn from.
        OSError: When the checkpoint cannot be written.
    """
    if settings.distillation and teacher is None:
        raise ValueError(f"distillation is {settings.distillation}, but there is no teacher: pass one")
    learner = Learner(
        model=model,
        teacher=teacher if settings.distillation else None,
        optimizer=torch.optim.AdamW(
            parameter_groups(model.parameters(), settings.weight_decay), lr=settings.learning_rate
        ),
        objectives=_objectives(model, settings),
    )
    resumes = checkpoint is not None and checkpoint.exists()
    progress = Progress.resumed(checkpoint, learner) if checkpoint is not None and resumes else Progress()
    inputs, targets = examples(dataset, dataset.validation, settings.window, settings.validation_examples)
    model.train()
    while progress.step < settings.steps and progress.since_best < settings.patience:
        started = time.perf_counter()
        progress.loss_sum += _step(learner, dataset, settings, progress.step)
        progress.step += 1
        point = None
        if progress.step % settings.evaluate_every == 0 or progress.step == settings.steps:
            found = evaluate_rates(model, dataset, inputs, targets)
            point = progress.note(found, settings, model, higher=metric(dataset.task)[1])
        progress.seconds += time.perf_counter() - started
        if point is not None and checkpoint is not None:
            progress.save(checkpoint, learner)
        if watch is not None:
            watch(progress.step, settings.steps, point)
    return _finished(progress, learner, settings, evaluate_best=lambda: evaluate_rates(model, dataset, inputs, targets))


def _finished(
    progress: Progress, learner: Learner, settings: TrainingSettings, evaluate_best: Callable[[], Sequence[Quality]]
) -> Trained:
    """The result, once the model holds the best weights."""
    if progress.best is None:
        raise ValueError("training made no evaluation")
    learner.model.load_state_dict(progress.weights)
    return Trained(
        curve=tuple(progress.curve),
        best=progress.best,
        steps=progress.step,
        seconds=progress.seconds,
        stopped_early=progress.step < settings.steps,
        warnings=(*learner.rescue.notes, *_warnings(evaluate_best(), settings)),
        traffic_weight=learner.objectives[-1].weight if learner.objectives else settings.traffic_weight,
    )


def parameter_groups(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases, thresholds and leaks do not."""
    trainable = [p for p in parameters if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.dim() <= 1], "weight_decay": 0.0},
    ]


def _objectives(model: nn.Module, settings: TrainingSettings) -> tuple[TrafficObjective, ...]:
    boundaries = boundaries_of(model)
    if settings.targets and not boundaries:
        raise ValueError(f"traffic_target is {settings.targets[0]}, but the model has no boundaries: insert some")
    if settings.targets and any(boundary.rates != len(settings.targets) for boundary in boundaries):
        raise ValueError(
            f"traffic_targets are {len(settings.targets)}, but the boundaries offer "
            f"{[boundary.rates for boundary in boundaries]} rates: give one for each"
        )
    # The aim is a little under the target, so that the evaluations that count can meet it.
    return tuple(
        TrafficObjective(
            target_bits=0.97 * target,
            warmup_steps=2 * settings.steps // (5 * len(settings.targets)),
            rate=settings.traffic_rate,
            high=settings.traffic_limit,
            weight=settings.traffic_weight,
        )
        for target in settings.targets
    )


def _step(learner: Learner, dataset: Dataset, settings: TrainingSettings, step: int) -> float:
    """One step of the optimiser; the loss without the traffic's penalty."""
    for group in learner.optimizer.param_groups:
        group["lr"] = settings.rate_at(step)
    inputs, targets = batch_at(dataset, settings, step)
    # Dropout draws from the global generator: seeding it for each step makes a resumed run equal to an unbroken one.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed * 1_000_003 + step)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.bfloat16):
            loss, total = _losses(learner, inputs, targets, settings, step)
    _require_finite("loss", total, settings, step)
    learner.optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(learner.model.parameters(), CLIP_NORM)
    _require_finite("gradient", norm, settings, step)
    learner.optimizer.step()
    return float(loss.detach())


def _losses(
    learner: Learner, inputs: Tensor, targets: Tensor, settings: TrainingSettings, step: int
) -> tuple[Tensor, Tensor]:
    """The loss of the task, and with the penalty on the traffic; the rates take turns."""
    if len(learner.objectives) > 1:
        choose(learner.model, step % len(learner.objectives))
    with observed(learner.model) as sent:
        logits = learner.model(inputs)
    loss = loss_of(logits, targets)
    if learner.teacher is not None:
        with torch.no_grad(), evaluating(learner.teacher):
            wanted = learner.teacher(inputs)
        loss = torch.lerp(loss, distance(logits, wanted), settings.distillation)
    if sent:
        learner.rescue.watch(sent, step)
    if not learner.objectives:
        return loss, loss
    bits = torch.stack([item.bits() for item in sent]).sum() / sum(item.elements for item in sent)
    return loss, loss + learner.objectives[step % len(learner.objectives)].penalty(bits)


def _require_finite(name: str, value: Tensor, settings: TrainingSettings, step: int) -> None:
    if not torch.isfinite(value):
        rate = f"lower learning_rate (now {settings.learning_rate})"
        raise ValueError(f"the {name} became {float(value.detach())} at step {step}: {rate}")


def _warnings(found: Sequence[Quality], settings: TrainingSettings) -> tuple[str, ...]:
    silent = sorted({number for quality in found for number in quality.silent})
    said = [f"boundary {number} sends nothing: raise traffic_target" for number in silent]
    for quality, target, over in zip(found, settings.targets, excesses(found, settings), strict=False):
        if over:
            bits = quality.link_bits_per_element
            said.append(f"traffic is {bits:.3f} bits per boundary element, target {target}: train longer")
    return tuple(said)
