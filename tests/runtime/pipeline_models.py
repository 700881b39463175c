"""Small models, cut where `host_system` cuts them, with boundaries of every kind on what crosses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import torch
from torch import Tensor, nn

from axonal.mapping import Partition, partition
from axonal.models import cnn, rwkv
from axonal.runtime.host import host_system
from axonal.runtime.stages import Stage, split
from axonal.spiking import Boundary, Code, FewSpikes, Float, Graded, Integer, Rate, SigmaDelta, calibrate, ternary
from axonal.spiking import insert_boundaries as insert
from axonal.tracing import trace
from axonal.workload import Workload

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other

SYMBOLS = 24
"""Alphabet of the language model."""

EXAMPLES = 24


class Skips(nn.Module):
    """Each layer reads all before it, so that tensors cross several links."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(12 * number, 12) for number in range(1, 6))
        self.head = nn.Linear(12 * 6, 10)

    def forward(self, value: Tensor) -> Tensor:
        seen = [value]
        for layer in self.layers:
            seen.append(layer(torch.cat(seen, -1)).tanh())
        result: Tensor = self.head(torch.cat(seen, -1))
        return result


class Tied(nn.Module):
    """One layer that is used twice, at both ends."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.first, self.second = nn.Linear(12, 12), nn.Linear(12, 12), nn.Linear(12, 12)

    def forward(self, value: Tensor) -> Tensor:
        result: Tensor = self.twice(self.second(self.first(self.twice(value).tanh()).tanh()).tanh())
        return result


def _images() -> Tensor:
    return torch.rand(EXAMPLES, 1, 8, 8)


def _rows() -> Tensor:
    return torch.randn(EXAMPLES, 12)


_NETWORKS: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "cnn": lambda: (cnn.Cnn(1, 8, 10, width=4).eval(), _images()),
    "spiking_cnn": lambda: (cnn.Cnn(1, 8, 10, width=4, time_steps=2).eval(), _images()),
    "rwkv": lambda: (rwkv.Rwkv(16, 2, 2, SYMBOLS).eval(), torch.randint(0, SYMBOLS, (EXAMPLES, 9))),
    "skips": lambda: (Skips(), _rows()),
    "tied": lambda: (Tied(), _rows()),
}

CODES: dict[str, Code] = {
    "ternary": ternary(),
    "graded": Graded(2),
    "unsigned": Graded(0, signed=False),
    "leaky": Rate(4),
    "steps": FewSpikes(3),
    "differences": SigmaDelta(Graded(2)),
    "integers": Integer(4),
    "values": Float(),
}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A model, how it is cut, and what it is given."""

    model: nn.Module
    workload: Workload
    partition: Partition
    inputs: Tensor

    @cached_property
    def _stages(self) -> tuple[Stage, ...]:
        return split(self.model, self.inputs[:4], self.partition)

    def stages(self) -> tuple[Stage, ...]:
        """The pieces, which fit any batch; not to be changed."""
        return self._stages

    @property
    def whole(self) -> nn.Module:
        """The model in one process, as a graph without dropout and with stored statistics."""
        return self.model.eval()


@cache
def cut(network: str, stages: int, code: str = "", *, patch: int = 1, tokens: bool = False) -> Piece:
    """A model, dense or with boundaries of a code; not to be changed."""
    torch.manual_seed(3)
    model, inputs = _NETWORKS[network]()
    workload = trace(model, inputs[:4])
    parts = partition(workload, host_system(stages))
    if code:

        def boundary(features: int, axis: int) -> Boundary:
            size = patch if axis == 1 else 1
            neurons = max(2, math.ceil(0.75 * features * size**2))
            return Boundary(features, neurons, CODES[code], axis, patch=size, tokens=SYMBOLS if tokens else 0)

        hybrid = insert(model, inputs[:4], parts.boundaries, boundary)
        calibrate(hybrid, inputs)
        model = hybrid
    return Piece(model=model.eval(), workload=workload, partition=parts, inputs=inputs)
