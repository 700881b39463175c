"""Datasets and models that are learned in a moment."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, fx, nn

from axonal.data import Dataset, Split
from axonal.spiking import Boundary, Code, Counted, Graded, boundaries_of, calibrate, insert_boundaries
from axonal.tracing import trace
from axonal.training import TrainingSettings
from axonal.workload import Traffic

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other


def images(count: int, seed: int) -> Split:
    """Images of 4x4 whose class is the brightest of three rows."""
    source = torch.Generator().manual_seed(seed)
    targets = torch.arange(count) % 3
    inputs = 0.6 * torch.rand(count, 1, 4, 4, generator=source)
    inputs[torch.arange(count), 0, targets] += 0.4
    return Split(inputs=inputs, targets=targets)


def text(count: int) -> Split:
    """Bytes that repeat."""
    return Split(inputs=(torch.arange(count) % 7).to(torch.uint8), targets=torch.empty(0, dtype=torch.int64))


def dataset(task: str = "classification", *, train: int = 90) -> Dataset:
    splits = [images(n, seed) if task == "classification" else text(n) for seed, n in enumerate((train, 45, 45))]
    return Dataset(
        name="tiny",
        task=task,  # type: ignore[arg-type]
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        classes=3 if task == "classification" else 256,
        digest="0",
        source="made here",
        inference="one image",
    )


def plain() -> nn.Module:
    """A network with everything that keeps a state: dropout draws, BatchNorm remembers."""
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 3)
    )


@cache
def _cut() -> tuple[nn.Module, Traffic]:
    torch.manual_seed(4)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 3))
    (edge,) = trace(model, images(4, 0).inputs).into("3")
    return model, edge


def hybrid(code: Code | None = None) -> fx.GraphModule:
    """A network with a boundary, of graded events unless told otherwise."""
    model, edge = _cut()
    torch.manual_seed(5)
    some = images(30, 9).inputs
    made = insert_boundaries(model, some, [edge], lambda n, axis: Boundary(n, 32, code or Graded(3), axis))
    calibrate(made, some)
    return made


def charged(rates: int = 1) -> fx.GraphModule:
    """The same, charged by what priors expect that learn while it is trained."""
    made = hybrid()
    (boundary,) = boundaries_of(made)
    if rates > 1:
        boundary.offer(rates)
    boundary.encoder.charge_by(*(Counted(32, -4, 4) for _ in range(rates)))
    return made


class Counting(nn.Module):
    """A language model that knows the previous byte only."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.table = nn.Embedding(256, 256)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.table(tokens)
        return logits


def settings(**changes: Any) -> TrainingSettings:
    usual: dict[str, Any] = {"steps": 24, "batch": 16, "evaluate_every": 6, "window": 8, "learning_rate": 0.02}
    return TrainingSettings(**(usual | changes))


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())
