"""What a model is trained on and judged by: batches, loss, quality."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from axonal.data import Dataset, Split, random_windows, windows
from axonal.spiking import observed
from axonal.training.settings import TrainingSettings

__all__ = ["Quality", "batch_at", "evaluate", "examples", "loss_of", "metric"]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Quality on a split.

    Args:
        value: Accuracy in [0, 1], or bits per byte.
        link_bits_per_element: Bits per boundary element; 0 without boundaries.
        activity: Mean share of non-zero symbols, boundaries weighted by their symbols; 0 without boundaries.
        silent: Numbers of boundaries that sent nothing at all.
    """

    value: float
    link_bits_per_element: float
    activity: float
    silent: tuple[int, ...]


def metric(task: str) -> tuple[str, bool]:
    """Name of the quality figure and whether higher is better."""
    return ("accuracy", True) if task == "classification" else ("bits_per_byte", False)


def batch_at(dataset: Dataset, settings: TrainingSettings, step: int) -> tuple[Tensor, Tensor]:
    """The batch of a step: a function of the seed and the step, so that a resumed run sees the same."""
    generator = torch.Generator()
    if dataset.task == "language":
        generator.manual_seed(settings.seed * 1_000_003 + step)
        return random_windows(dataset.train.inputs, settings.window, settings.batch, generator)
    count = len(dataset.train)
    each = max(1, count // settings.batch)
    generator.manual_seed(settings.seed * 1_000_003 + step // each)
    rows = torch.randperm(count, generator=generator)[(step % each) * settings.batch :][: settings.batch]
    return dataset.train.inputs[rows], dataset.train.targets[rows]


def examples(dataset: Dataset, split: Split, window: int, limit: int | None = None) -> tuple[Tensor, Tensor]:
    """Inputs and targets of a split, at most `limit`, evenly spread when there are more."""
    inputs, targets = windows(split.inputs, window) if dataset.task == "language" else (split.inputs, split.targets)
    if limit is not None and len(inputs) > limit:
        rows = torch.linspace(0, len(inputs) - 1, limit).long()
        inputs, targets = inputs[rows], targets[rows]
    return inputs, targets


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy in nats, over classes or over the bytes of windows."""
    return functional.cross_entropy(logits.flatten(0, -2), targets.flatten())


@torch.no_grad()
def evaluate(model: nn.Module, dataset: Dataset, inputs: Tensor, targets: Tensor, batch: int = 128) -> Quality:
    """Quality of a model on examples.

    Args:
        model: The model; its training mode is left as it was.
        dataset: Says which figure judges it.
        inputs: Examples, batch axis first.
        targets: Their classes, or next bytes.
        batch: Examples at a time.
    """
    training = model.training
    model.eval()
    total, bits, elements, events, symbols, count = 0.0, 0.0, 0.0, 0.0, 0.0, 0
    loud: set[int] = set()
    boundaries = 0
    with observed(model) as sent:
        for some, wanted in zip(inputs.split(batch), targets.split(batch), strict=True):
            sent.clear()
            logits = model(some)
            hit = (logits.argmax(-1) == wanted).float().mean() if dataset.task == "classification" else None
            total += float(hit if hit is not None else loss_of(logits, wanted) / math.log(2)) * len(some)
            count += len(some)
            boundaries = len(sent)
            for number, item in enumerate(sent):
                nonzero = int(torch.count_nonzero(item.symbols))
                loud |= {number} if nonzero else set()
                bits, elements = bits + float(item.bits()) * len(some), elements + item.elements * len(some)
                events, symbols = events + nonzero, symbols + item.symbols.numel()
    model.train(training)
    return Quality(
        value=total / count,
        link_bits_per_element=bits / elements if elements else 0.0,
        activity=events / symbols if symbols else 0.0,
        silent=tuple(number for number in range(boundaries) if number not in loud),
    )
