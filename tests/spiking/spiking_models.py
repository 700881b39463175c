"""Tiny models that boundaries are put into, and their traces."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, fx, nn

from axonal.models import cnn, mlp, rwkv
from axonal.spiking import Boundary, Code, calibrate, insert_boundaries
from axonal.tracing import trace
from axonal.workload import Traffic, Workload

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other


class Residual(nn.Module):
    """Two branches around a stream that several layers read, and a dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.left, self.right = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.norm, self.drop, self.head = nn.LayerNorm(8), nn.Dropout(0.5), nn.Linear(8, 3)

    def forward(self, value: Tensor) -> Tensor:
        stream = self.first(value)
        stream = stream + self.left(stream).tanh()
        stream = stream + self.drop(self.right(self.norm(stream)).relu())
        result: Tensor = self.head(stream)
        return result


class Attention(nn.Module):
    """A transformer block over `batch token feature`."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm, self.after = nn.LayerNorm(8), nn.Linear(8, 4)

    def forward(self, value: Tensor) -> Tensor:
        mixed, _ = self.attention(value, value, value, need_weights=False)
        result: Tensor = self.after(self.norm(value + mixed))
        return result


MODELS: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "mlp": lambda: (mlp.Mlp(9, 6, 3), torch.rand(4, 1, 3, 3)),
    "cnn": lambda: (cnn.Cnn(1, 8, 3, width=2), torch.rand(4, 1, 8, 8)),
    "residual": lambda: (Residual(), torch.randn(4, 6)),
    "attention": lambda: (Attention(), torch.randn(4, 5, 8)),
}


@cache
def traced(name: str) -> tuple[nn.Module, Tensor, Workload]:
    """The model of that name, an example and its workload; not to be changed."""
    torch.manual_seed(1)
    model, example = MODELS[name]()
    return model, example, trace(model, example)


def inner_edges(workload: Workload) -> list[Traffic]:
    """Edges that neither leave the input nor reach the output."""
    return [
        edge
        for edge in workload.traffic
        if workload.layer(edge.source).kind != "input" and workload.layer(edge.target).kind != "output"
    ]


def hybrid(name: str, code: Code, *, neurons: float) -> tuple[nn.Module, Tensor, fx.GraphModule]:
    """The model with a calibrated boundary on every inner edge."""
    model, example, workload = traced(name)
    made = insert_boundaries(
        model,
        example,
        inner_edges(workload),
        lambda features, axis: Boundary(features, round(neurons * features), code, axis),
    )
    calibrate(made, example)
    return model, example, made


@cache
def language_model() -> tuple[nn.Module, Tensor, Traffic]:
    """A small model of tokens, some windows, and the stream between its two blocks; not to be changed."""
    torch.manual_seed(2)
    model, tokens = rwkv.Rwkv(8, 2, 2, 16), torch.randint(0, 16, (12, 9))
    workload = trace(model, tokens)
    streams = [edge for edge in inner_edges(workload) if edge.source.startswith("blocks.0") and edge.shape == (9, 8)]
    return model, tokens, streams[-1]
