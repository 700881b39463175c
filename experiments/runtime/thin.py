"""A network that computes little for what it sends: one convolution, a cut, one convolution with stride, a read-out."""

from __future__ import annotations

from torch import Tensor, nn

from axonal.data import Dataset
from axonal.models.layers import Repeat, activation, over_time

WIDTH = 16
"""Channels of both layers."""


class Block(nn.Module):
    """Convolution, normalisation, activation."""

    def __init__(self, inputs: int, stride: int, *, spiking: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, WIDTH, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.activation = activation(WIDTH, spiking=spiking, channel_axis=2)

    def forward(self, value: Tensor) -> Tensor:
        result: Tensor = self.activation(over_time(lambda flat: self.norm(self.convolution(flat)), value, dims=4))
        return result


class Thin(nn.Module):
    """A full-resolution layer, then one of a quarter of its size: 45 multiplications for an element between them."""

    def __init__(self, image: tuple[int, ...], classes: int, *, spiking: bool) -> None:
        super().__init__()
        channels, size = image[0], image[1]
        self.repeat = Repeat(4) if spiking else nn.Identity()
        self.blocks = nn.Sequential(Block(channels, 1, spiking=spiking), Block(WIDTH, 2, spiking=spiking))
        self.head = nn.Linear(WIDTH * (size // 2) ** 2, classes)
        self.spiking = spiking

    def forward(self, image: Tensor) -> Tensor:
        """Logits `batch class` of images `batch channel height width`."""
        logits: Tensor = self.head(self.blocks(self.repeat(image)).flatten(-3))
        return logits.mean(dim=1) if self.spiking else logits


def thin(dataset: Dataset, spiking: bool) -> nn.Module:
    """The network for a dataset of images; see `Network.build`."""
    return Thin(tuple(dataset.train.inputs.shape[1:]), dataset.classes, spiking=spiking)
