"""The training loop: one path for dense, spiking and hybrid models."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from axonal.data import Dataset
from axonal.spiking import TrafficObjective, boundaries_of, observed
from axonal.training.checkpoints import load_checkpoint, save_checkpoint
from axonal.training.settings import TrainingSettings
from axonal.training.tasks import Quality, batch_at, evaluate, examples, loss_of, metric

__all__ = ["Point", "Trained", "train"]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One evaluation during training."""

    step: int
    train_loss: float
    validation: float
    link_bits_per_element: float


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How a run went; the model holds the best weights.

    Args:
        curve: Evaluations in order.
        best: The evaluation whose weights were kept.
        steps: Steps taken.
        seconds: Time spent training, pauses excluded.
        stopped_early: Whether patience ended it.
        warnings: What a person should know (a silent boundary, a missed target).
    """

    curve: tuple[Point, ...]
    best: Point
    steps: int
    seconds: float
    stopped_early: bool
    warnings: tuple[str, ...] = ()


Watch = Callable[[int, int, Point | None], None]
"""Called after each step with `(step, steps, newest evaluation)`."""


@dataclass(kw_only=True)
class _Run:
    """Everything that a resumed run needs beside weights and optimiser state."""

    step: int = 0
    seconds: float = 0.0
    curve: list[Point] = field(default_factory=list)
    best: Point | None = None
    loss_sum: float = 0.0
    since_best: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


def train(
    model: nn.Module,
    dataset: Dataset,
    settings: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Train a model; it ends up with the weights that did best on the validation split.

    With a traffic target, only evaluations that meet it compete, as long as one does.

    Args:
        model: Any model of the dataset's task, with or without boundaries.
        dataset: What to train on.
        settings: How.
        checkpoint: File to resume from and to write at each evaluation.
        watch: Told of each step.

    Raises:
        ValueError: When the loss is not finite, or the checkpoint is corrupt or of another model.
    """
    optimizer = torch.optim.AdamW(_groups(model, settings.weight_decay), lr=settings.learning_rate)
    objective = _objective(model, settings)
    run = _Run()
    if checkpoint is not None and checkpoint.exists():
        _resume(checkpoint, model, optimizer, objective, run)
    inputs, targets = examples(dataset, dataset.validation, settings.window, settings.validation_examples)
    model.train()
    while run.step < settings.steps and run.since_best < settings.patience:
        started = time.perf_counter()
        run.loss_sum += _step(model, dataset, settings, optimizer, objective, run.step)
        run.step += 1
        point = None
        if run.step % settings.evaluate_every == 0 or run.step == settings.steps:
            quality = evaluate(model, dataset, inputs, targets)
            point = _note(run, quality, settings, model, higher=metric(dataset.task)[1])
        run.seconds += time.perf_counter() - started
        if point is not None and checkpoint is not None:
            _save(checkpoint, model, optimizer, objective, run)
        if watch is not None:
            watch(run.step, settings.steps, point)
    if run.best is None:
        raise ValueError("training made no evaluation")
    model.load_state_dict(run.weights)
    quality = evaluate(model, dataset, inputs, targets)
    return Trained(
        curve=tuple(run.curve),
        best=run.best,
        steps=run.step,
        seconds=run.seconds,
        stopped_early=run.step < settings.steps,
        warnings=_warnings(quality, settings),
    )


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases, thresholds and leaks do not."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.dim() <= 1], "weight_decay": 0.0},
    ]


def _objective(model: nn.Module, settings: TrainingSettings) -> TrafficObjective | None:
    if settings.traffic_target is None:
        return None
    if not boundaries_of(model):
        raise ValueError(f"traffic_target is {settings.traffic_target}, but the model has no boundaries: insert some")
    # The aim is a little under the target, so that the evaluations that count can meet it.
    return TrafficObjective(target_bits=0.97 * settings.traffic_target, warmup_steps=settings.steps // 2)


def _rate(settings: TrainingSettings, step: int) -> float:
    warmup = max(1, settings.steps // 20)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, settings.steps - warmup)
    return settings.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))


def _step(
    model: nn.Module,
    dataset: Dataset,
    settings: TrainingSettings,
    optimizer: torch.optim.Optimizer,
    objective: TrafficObjective | None,
    step: int,
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = _rate(settings, step)
    inputs, targets = batch_at(dataset, settings, step)
    with observed(model) as sent:
        loss = loss_of(model(inputs), targets)
        total = loss
        if objective is not None:
            bits = torch.stack([item.bits() for item in sent]).sum() / sum(item.elements for item in sent)
            total = loss + objective.penalty(bits)
    if not torch.isfinite(total):
        raise ValueError(
            f"the loss became {float(total.detach())} at step {step}: lower learning_rate (now {settings.learning_rate})"
        )
    optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


def _note(run: _Run, quality: Quality, settings: TrainingSettings, model: nn.Module, *, higher: bool) -> Point:
    """Keep the evaluation, and the weights when they are the best so far."""
    previous = run.curve[-1].step if run.curve else 0
    point = Point(
        step=run.step,
        train_loss=run.loss_sum / (run.step - previous),
        validation=quality.value,
        link_bits_per_element=quality.link_bits_per_element,
    )
    run.curve.append(point)
    run.loss_sum = 0.0
    meets = _excess(point, settings) == 0
    better = run.best is None or _order(point, settings, higher) > _order(run.best, settings, higher)
    # The traffic target is still falling while it is not met: that is no lack of progress.
    run.since_best = 0 if better or not meets else run.since_best + 1
    if better:
        run.best = point
        run.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    return point


def _excess(point: Point, settings: TrainingSettings) -> float:
    """Bits per element above the target."""
    return 0.0 if settings.traffic_target is None else max(0.0, point.link_bits_per_element - settings.traffic_target)


def _order(point: Point, settings: TrainingSettings, higher: bool) -> tuple[float, float]:
    return -_excess(point, settings), point.validation if higher else -point.validation


def _warnings(quality: Quality, settings: TrainingSettings) -> tuple[str, ...]:
    found = [f"boundary {number} sends nothing: raise traffic_target" for number in quality.silent]
    target, bits = settings.traffic_target, quality.link_bits_per_element
    if target is not None and bits > target:
        found.append(f"traffic is {bits:.3f} bits per boundary element, target {target}: train longer")
    return tuple(found)


def _save(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, objective: TrafficObjective | None, run: _Run
) -> None:
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in run.weights.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": torch.as_tensor(value) for name, value in state.items()}
    facts = {
        "step": run.step,
        "seconds": run.seconds,
        "since_best": run.since_best,
        "curve": [asdict(point) for point in run.curve],
        "best": asdict(run.best) if run.best else None,
        "objective": asdict(objective) if objective else None,
    }
    save_checkpoint(path, {name: tensor.clone() for name, tensor in tensors.items()}, facts)


def _resume(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, objective: TrafficObjective | None, run: _Run
) -> None:
    tensors, facts = load_checkpoint(path)
    state: dict[int, dict[str, Tensor]] = {}
    try:
        model.load_state_dict({k.removeprefix("model/"): v for k, v in tensors.items() if k.startswith("model/")})
    except RuntimeError as error:
        raise ValueError(f"checkpoint {path} is of another model: delete it to train again") from error
    for key in (key for key in tensors if key.startswith("optimizer/")):
        _, index, name = key.split("/")
        state.setdefault(int(index), {})[name] = tensors[key]
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    run.weights = {k.removeprefix("best/"): v for k, v in tensors.items() if k.startswith("best/")}
    run.step, run.seconds, run.since_best = facts["step"], facts["seconds"], facts["since_best"]
    run.curve = [Point(**point) for point in facts["curve"]]
    run.best = Point(**facts["best"]) if facts["best"] else None
    if objective is not None:
        vars(objective).update(facts["objective"])
