"""A small residual convolutional network of five blocks, dense or spiking."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from axonal.models.layers import Repeat, activation, over_time

__all__ = ["Cnn", "small"]


class Block(nn.Module):
    """Convolution, normalisation, (shortcut,) activation; the input passes by when the shape allows it."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, spiking: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.activation = activation(outputs, spiking=spiking, channel_axis=2)
        self.shortcut = inputs == outputs and stride == 1

    def forward(self, value: Tensor) -> Tensor:
        """`batch channel height width`, or `batch time channel height width` when spiking."""
        current = over_time(lambda flat: self.norm(self.convolution(flat)), value, dims=4)
        result: Tensor = self.activation(current + value if self.shortcut else current)
        return result


class Cnn(nn.Module):
    """Five blocks that halve the image twice, then a linear read-out.

    Args:
        channels: Channels of the image.
        size: Height and width of the image, a multiple of 4.
        classes: Classes to tell apart.
        width: Channels of the first block.
        time_steps: 0 for the dense network, else steps of the spiking one.
    """

    def __init__(self, channels: int, size: int, classes: int, width: int = 16, time_steps: int = 0) -> None:
        super().__init__()
        spiking = time_steps > 0
        self.repeat = Repeat(time_steps) if spiking else nn.Identity()
        plan = [(channels, width, 1), (width, 2 * width, 2), (2 * width, 2 * width, 1)]
        plan += [(2 * width, 4 * width, 2), (4 * width, 4 * width, 1)]
        self.blocks = nn.Sequential(*(Block(*step, spiking=spiking) for step in plan))
        self.head = nn.Linear(4 * width * (size // 4) ** 2, classes)
        self.time_steps = time_steps

    def forward(self, image: Tensor) -> Tensor:
        """Logits `batch class` of images `batch channel height width`."""
        value = self.blocks(self.repeat(image))
        logits: Tensor = self.head(value.flatten(-3))
        return logits.mean(dim=1) if self.time_steps else logits


def small(image: tuple[int, int, int] = (1, 8, 8), classes: int = 10, *, spiking: bool = False) -> tuple[Cnn, Tensor]:
    """The network of `axonal compare digits` and an example batch.

    Args:
        image: Channels, height and width; height equals width and is a multiple of 4.
        classes: Classes to tell apart.
        spiking: Leaky integrate-and-fire neurons everywhere, four time steps.

    Raises:
        ValueError: When the image cannot be halved twice.
    """
    channels, height, width = image
    if height != width or height % 4:
        raise ValueError(f"image is {height}x{width}: height must equal width and be a multiple of 4")
    return Cnn(channels, height, classes, time_steps=4 if spiking else 0), torch.zeros(2, *image)
