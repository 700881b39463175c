"""A multilayer perceptron of five blocks, dense or spiking."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from axonal.models.layers import Repeat, activation

__all__ = ["Mlp", "small"]


class Block(nn.Module):
    """Linear map and activation."""

    def __init__(self, inputs: int, outputs: int, *, spiking: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.activation = activation(outputs, spiking=spiking, channel_axis=-1)

    def forward(self, value: Tensor) -> Tensor:
        """`batch feature`, or `batch time feature` when spiking."""
        result: Tensor = self.activation(self.linear(value))
        return result


class Mlp(nn.Module):
    """Five equal hidden layers and a linear read-out.

    Args:
        inputs: Elements of the input.
        hidden: Neurons of each hidden layer.
        classes: Classes to tell apart.
        time_steps: 0 for the dense network, else steps of the spiking one.
    """

    def __init__(self, inputs: int, hidden: int, classes: int, time_steps: int = 0) -> None:
        super().__init__()
        spiking = time_steps > 0
        self.repeat = Repeat(time_steps) if spiking else nn.Identity()
        widths = [inputs] + [hidden] * 5
        self.blocks = nn.Sequential(*(Block(a, b, spiking=spiking) for a, b in pairwise(widths)))
        self.head = nn.Linear(hidden, classes)
        self.time_steps = time_steps

    def forward(self, image: Tensor) -> Tensor:
        """Logits `batch class` of inputs `batch ...`."""
        logits: Tensor = self.head(self.blocks(self.repeat(image.flatten(1))))
        return logits.mean(dim=1) if self.time_steps else logits


def small(image: tuple[int, int, int] = (1, 8, 8), classes: int = 10, *, spiking: bool = False) -> tuple[Mlp, Tensor]:
    """A perceptron of 256 neurons a layer and an example batch.

    Args:
        image: Shape of the input.
        classes: Classes to tell apart.
        spiking: Leaky integrate-and-fire neurons everywhere, four time steps.
    """
    return Mlp(math.prod(image), 256, classes, time_steps=4 if spiking else 0), torch.zeros(2, *image)
