"""What a model is trained on and judged by: batches, loss, quality."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from axonal.data import Dataset, Split, random_windows, windows
from axonal.spiking import Sent, boundaries_of, choose, evaluating, observed
from axonal.training.settings import TrainingSettings

__all__ = ["Judge", "Quality", "batch_at", "distance", "evaluate", "evaluate_rates", "examples", "loss_of", "metric"]


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


def distance(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence in nats from the teacher's answers (Hinton et al. 2015, temperature 1)."""
    mine, theirs = (value.flatten(0, -2).log_softmax(-1) for value in (logits.float(), wanted.float()))
    return functional.kl_div(mine, theirs, log_target=True, reduction="batchmean")


class Judge:
    """Adds up quality over batches of a split, in order.

    Args:
        dataset: Says which figure judges.
        targets: Classes, or next symbols, of the whole split.
    """

    def __init__(self, dataset: Dataset, targets: Tensor) -> None:
        self.dataset, self.targets = dataset, targets
        self.seen, self.total = 0, 0.0

    def __call__(self, logits: Tensor) -> None:
        """Judge the answers to the next examples."""
        wanted = self.targets[self.seen : self.seen + len(logits)]
        self.seen += len(logits)
        if self.dataset.task == "classification":
            self.total += int((logits.argmax(-1) == wanted).sum())
        else:
            self.total += float(loss_of(logits, wanted)) / math.log(2) / self.dataset.bytes_per_symbol * len(wanted)

    @property
    def value(self) -> float:
        """Accuracy in [0, 1], or bits per byte, so far."""
        return self.total / self.seen


@dataclass(kw_only=True)
class _Tally:
    """Sums over the batches of one evaluation."""

    bits: float = 0.0
    elements: int = 0
    events: int = 0
    symbols: int = 0
    heard: list[int] = field(default_factory=list)

    def add(self, sent: Sequence[Sent], examples: int) -> None:
        """Add what the encoders sent for a batch of so many examples."""
        self.heard = self.heard or [0] * len(sent)
        for number, item in enumerate(sent):
            events = item.events
            self.heard[number] += events
            self.bits += float(item.bits()) * examples
            self.elements += item.elements * examples
            self.events += events
            self.symbols += item.symbols.numel()


def evaluate_rates(model: nn.Module, dataset: Dataset, inputs: Tensor, targets: Tensor) -> tuple[Quality, ...]:
    """As `evaluate`, at each of the rates that the boundaries offer; the model is left at the first of them."""
    found = []
    for rate in range(max((boundary.rates for boundary in boundaries_of(model)), default=1)):
        choose(model, rate)
        found.append(evaluate(model, dataset, inputs, targets))
    choose(model, 0)
    return tuple(found)


@torch.no_grad()
def evaluate(model: nn.Module, dataset: Dataset, inputs: Tensor, targets: Tensor, batch: int = 128) -> Quality:
    """Quality of a model on examples.

    Args:
        model: The model; the training mode of each of its modules is left as it was.
        dataset: Says which figure judges it.
        inputs: Examples, batch axis first.
        targets: Their classes, or next bytes.
        batch: Examples at a time.
    """
    tally, judge = _Tally(), Judge(dataset, targets)
    with evaluating(model), observed(model) as sent:
        for some in torch.split(inputs, batch):
            sent.clear()
            judge(model(some))
            tally.add(sent, len(some))
    return Quality(
        value=judge.value,
        link_bits_per_element=tally.bits / tally.elements if tally.elements else 0.0,
        activity=tally.events / tally.symbols if tally.symbols else 0.0,
        silent=tuple(number for number, events in enumerate(tally.heard) if not events),
    )
