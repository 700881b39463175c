"""Models of one operator each with its multiply-accumulates by hand, and the reference networks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from axonal.models import cnn, mlp, rwkv
from axonal.tracing import trace
from axonal.workload import Workload

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other


class Apply(nn.Module):
    """A function of the input and one learned matrix."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], *shape: int) -> None:
        super().__init__()
        self.function, self.matrix = function, nn.Parameter(torch.randn(shape or (1,)))

    def forward(self, value: Tensor) -> Tensor:
        return self.function(value, self.matrix)


class First(nn.Module):
    """The first result of a module that has several."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, value: Tensor) -> Tensor:
        result: Tensor = self.inner(value)[0]
        return result


class SelfAttention(nn.Module):
    def __init__(self, *, need_weights: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.need_weights = need_weights

    def forward(self, value: Tensor) -> Tensor:
        result: Tensor = self.attention(value, value, value, need_weights=self.need_weights)[0]
        return result


class CellLoop(nn.Module):
    """A recurrent cell in a Python loop over time, and a read-out of the last state."""

    def __init__(self, cell: nn.GRUCell | nn.LSTMCell, inputs: int = 5) -> None:
        super().__init__()
        self.before, self.cell, self.head = nn.Linear(inputs, 5), cell, nn.Linear(6, 3)

    def forward(self, value: Tensor) -> Tensor:
        hidden: Tensor | tuple[Tensor, Tensor] | None = None
        for step in self.before(value).unbind(1):
            hidden = self.cell(step, hidden)
        result: Tensor = self.head(hidden[0] if isinstance(hidden, tuple) else hidden)
        return result


def attend(value: Tensor, matrix: Tensor) -> Tensor:
    heads = (value @ matrix).unflatten(-1, (2, -1)).transpose(1, 2)
    return functional.scaled_dot_product_attention(heads, heads, heads, is_causal=True)


OPERATORS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "linear": (lambda: nn.Linear(5, 7), (5,), 35),
    "linear over tokens": (lambda: nn.Linear(5, 7, bias=False), (4, 5), 4 * 35),
    "conv1d": (lambda: nn.Conv1d(3, 5, 4), (3, 10), 7 * 5 * 3 * 4),
    "conv2d": (lambda: nn.Conv2d(4, 6, 3, padding=1), (4, 8, 8), 64 * 6 * 4 * 9),
    "conv2d, same padding": (lambda: nn.Conv2d(4, 6, 3, padding="same"), (4, 8, 8), 64 * 6 * 4 * 9),
    "conv2d, groups and stride": (
        lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
        (4, 8, 8),
        16 * 6 * 2 * 9,
    ),
    "conv2d, depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4, bias=False), (4, 8, 8), 36 * 4 * 9),
    "conv2d, dilation": (lambda: nn.Conv2d(2, 3, 3, dilation=2), (2, 8, 8), 16 * 3 * 2 * 9),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), (2, 4, 4, 4), 27 * 3 * 2 * 8),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(3, 5, 4), (3, 6), 6 * 3 * 5 * 4),
    "conv_transpose2d": (
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        (4, 5, 5),
        25 * 4 * 3 * 9,
    ),
    "matmul": (lambda: Apply(lambda x, _: x @ x.mT), (4, 5), 4 * 4 * 5),
    "matmul with weights": (lambda: Apply(lambda x, w: x @ w, 5, 3), (4, 5), 4 * 5 * 3),
    "bmm": (lambda: Apply(lambda x, _: torch.bmm(x.mT, x)), (4, 5), 5 * 4 * 5),
    "addmm": (lambda: Apply(lambda x, w: torch.addmm(w[0], x, w), 5, 5), (5,), 25),
    "baddbmm": (lambda: Apply(lambda x, _: torch.baddbmm(x, x, x)), (4, 4), 64),
    "einsum": (lambda: Apply(lambda x, w: torch.einsum("bij,kj->bik", x, w), 3, 5), (4, 5), 4 * 5 * 3),
    "einsum, implicit": (lambda: Apply(lambda x, w: torch.einsum("zyx,xw", x, w), 5, 3), (4, 5), 4 * 5 * 3),
    "einsum, ellipsis": (lambda: Apply(lambda x, w: torch.einsum("...i,ij->...j", x, w), 5, 3), (2, 4, 5), 8 * 5 * 3),
    "einsum, three": (
        lambda: Apply(lambda x, w: torch.einsum("bij,jk,kl->bil", x, w, w), 5, 5),
        (4, 5),
        2 * (4 * 5 * 5),
    ),
    "einsum, outer": (lambda: Apply(lambda x, w: torch.einsum("bi,j->bij", x, w), 3), (5,), 0),
    "einsum, summed first": (lambda: Apply(lambda x, w: torch.einsum("bai,ij->bj", x, w), 5, 3), (4, 5), 5 * 3),
    "attention": (lambda: SelfAttention(need_weights=False), (5, 8), 5 * 8 * 32 + 2 * 5 * 5 * 8),
    "attention with weights": (lambda: SelfAttention(need_weights=True), (5, 8), 5 * 8 * 32 + 2 * 5 * 5 * 8),
    "scaled dot product": (lambda: Apply(attend, 6, 6), (5, 6), 5 * 6 * 6 + 2 * 5 * 5 * 6),
    "gru cell": (lambda: CellLoop(nn.GRUCell(5, 6)), (4, 5), 4 * (25 + 3 * 6 * (5 + 6)) + 18),
    "lstm cell": (lambda: CellLoop(nn.LSTMCell(5, 6)), (4, 5), 4 * (25 + 4 * 6 * (5 + 6)) + 18),
    "gru": (lambda: First(nn.GRU(5, 6, batch_first=True)), (4, 5), 4 * 3 * 6 * (5 + 6)),
    "gru, deep": (
        lambda: First(nn.GRU(5, 6, num_layers=2, bidirectional=True, batch_first=True)),
        (4, 5),
        4 * 2 * 3 * 6 * ((5 + 6) + (12 + 6)),
    ),
    "lstm": (lambda: First(nn.LSTM(5, 6, batch_first=True)), (4, 5), 4 * 4 * 6 * (5 + 6)),
    "rnn": (lambda: First(nn.RNN(5, 6, batch_first=True)), (4, 5), 4 * 6 * (5 + 6)),
}
"""By name: the module, the shape of one input, and its multiply-accumulates for one inference."""


REFERENCES: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "mlp": lambda: (mlp.Mlp(9, 6, 3), torch.rand(4, 1, 3, 3)),
    "mlp spiking": lambda: (mlp.Mlp(9, 6, 3, time_steps=3), torch.rand(4, 1, 3, 3) * 9),
    "cnn": lambda: (cnn.Cnn(1, 8, 3, width=2), torch.rand(4, 1, 8, 8)),
    "cnn spiking": lambda: (cnn.Cnn(1, 8, 3, width=2, time_steps=3), torch.rand(4, 1, 8, 8) * 9),
    "rwkv": lambda: (rwkv.Rwkv(8, 1, 2, 16), torch.randint(0, 16, (4, 6))),
    "rwkv spiking": lambda: (rwkv.Rwkv(8, 1, 2, 16, spiking=True), torch.randint(0, 16, (4, 6))),
}
"""The reference networks, small, with an example batch."""


def lively(model: nn.Module) -> nn.Module:
    """Lower thresholds, so that deep neurons of an untrained network fire too."""
    for name, parameter in model.named_parameters():
        if name.endswith("log_threshold"):
            nn.init.constant_(parameter, -3.0)
    return model


@cache
def traced(name: str) -> tuple[nn.Module, Tensor, Workload]:
    """A reference network, an example and its workload; not to be changed."""
    torch.manual_seed(1)
    model, example = REFERENCES[name]()
    return lively(model), example, trace(model, example)


def counted_by_torch(model: nn.Module, example: Tensor) -> int:
    """Multiply-accumulates that torch's own counter sees for one inference.

    In double precision, for which there is no fused recurrent layer that it would miss.
    """
    counter, twin = FlopCounterMode(display=False), copy.deepcopy(model).double().eval()
    one = example[:1].double() if example.is_floating_point() else example[:1]
    with sdpa_kernel(SDPBackend.MATH), counter:
        twin(one)
    return counter.get_total_flops() // 2


def normal(*shape: int) -> Tensor:
    """Normal values, the same for the same shape."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))
