"""Pieces that several networks use."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from axonal.spiking import LIF

__all__ = ["Repeat", "activation", "over_time"]


class Repeat(nn.Module):
    """Present the same input at each time step: `batch ...` to `batch time ...` (direct coding)."""

    def __init__(self, time_steps: int) -> None:
        super().__init__()
        self.time_steps = time_steps

    def forward(self, value: Tensor) -> Tensor:
        """A view with a time axis."""
        return value.unsqueeze(1).expand(-1, self.time_steps, *value.shape[1:])


def activation(channels: int, *, spiking: bool, channel_axis: int) -> nn.Module:
    """LIF neurons over time axis 1, or ReLU."""
    return LIF(channels, time_axis=1, channel_axis=channel_axis) if spiking else nn.ReLU()


def over_time(function: Callable[[Tensor], Tensor], value: Tensor, dims: int) -> Tensor:
    """Apply a function of `dims` axes at each time step when the value has one axis more."""
    if value.dim() == dims:
        return function(value)
    return torch.unflatten(function(value.flatten(0, 1)), 0, value.shape[:2])
