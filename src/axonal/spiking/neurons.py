"""Neurons: the pure step, and modules that own the parameters and the time axis."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from axonal.kernels import ATan, Surrogate, fire

__all__ = ["IF", "LIF", "lif_step"]


def lif_step(
    current: Tensor, membrane: Tensor, leak: Tensor, threshold: Tensor, surrogate: Surrogate | None = None
) -> tuple[Tensor, Tensor]:
    """One step of a leaky integrate-and-fire neuron with a soft reset; leak 1 is the IF neuron.

    u = leak m + current;  s = [u >= threshold];  m' = u - threshold s.

    Args:
        current: Input of this step, any shape.
        membrane: State after the step before, same shape.
        leak: Share of the membrane that is kept, in [0, 1].
        threshold: Membrane at which a spike fires, > 0.
        surrogate: Gradient of the crossing, `ATan()` by default.

    Returns:
        Spikes (0 or 1) and the new membrane.
    """
    potential = leak * membrane + current
    surrogate = surrogate or ATan()
    spikes = fire(
        potential.unsqueeze(0), torch.zeros_like(leak), threshold, levels=1, signed=False, surrogate=surrogate
    ).squeeze(0)
    return spikes, potential - threshold * spikes.detach()


class LIF(nn.Module):
    """Leaky integrate-and-fire neurons with a learnable threshold and leak for each channel.

    Args:
        channels: Neurons, or channels that share a threshold and a leak.
        time_axis: Axis of the input that is time.
        channel_axis: Axis of the input that holds the channels.
        leak: Initial leak, in (0, 1).
        threshold: Initial threshold, > 0.
        surrogate: Gradient of a crossing, `ATan()` by default.
    """

    def __init__(
        self,
        channels: int,
        *,
        time_axis: int = 1,
        channel_axis: int = -1,
        leak: float = 0.5,
        threshold: float = 1.0,
        surrogate: Surrogate | None = None,
    ) -> None:
        super().__init__()
        if not 0 < leak < 1:
            raise ValueError(f"leak is {leak}, must be inside (0, 1)")
        if threshold <= 0:
            raise ValueError(f"threshold is {threshold}, must be > 0")
        self.time_axis, self.channel_axis = time_axis, channel_axis
        self.surrogate = surrogate or ATan()
        self.leak_logit = nn.Parameter(torch.full((channels,), math.log(leak / (1 - leak))))
        self.log_threshold = nn.Parameter(torch.full((channels,), math.log(threshold)))

    def leak(self) -> Tensor:
        """Leak of each channel, in (0, 1)."""
        return self.leak_logit.sigmoid()

    def forward(self, current: Tensor) -> Tensor:
        """Spikes, shape of `current`."""
        if current.dtype != self.log_threshold.dtype:
            # Products in half precision are compared with thresholds in full: spikes add up over many steps.
            current = current.to(self.log_threshold.dtype)
        steps = torch.movedim(current, self.time_axis, 0)
        axis, time_axis = self.channel_axis % current.dim(), self.time_axis % current.dim()
        axis -= axis > time_axis  # position within one step
        shape = [1] * (steps.dim() - 1)
        shape[axis] = -1
        leak, threshold = self.leak().view(shape), self.log_threshold.exp().view(shape)
        spikes = fire(steps, leak, threshold, levels=1, signed=False, surrogate=self.surrogate)
        return torch.movedim(spikes, 0, self.time_axis)


class IF(LIF):
    """Integrate-and-fire neurons: nothing leaks; the arguments are those of `LIF` without `leak`."""

    def __init__(self, channels: int, **settings: Any) -> None:
        super().__init__(channels, **settings)
        self.leak_logit.requires_grad_(False)

    def leak(self) -> Tensor:
        """One for each channel."""
        return torch.ones_like(self.leak_logit)
