"""Codes with a memory: they send what has changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from axonal.kernels import fire
from axonal.spiking.codes.graded import Composed, require_crossings

__all__ = ["SigmaDelta", "integrated"]


@dataclass(frozen=True)
class SigmaDelta(Composed):
    """Events that correct the receiver's memory of the token, or frame, before.

    The receiver holds y[t] = leak y[t-1] + s[t] (in thresholds); the sender fires what is missing,
    s[t] = step(x[t] - leak y[t-1]), so that errors never add up. The axis before the neurons is time.

    Args:
        inner: Levels, signs and gradient of an event.
    """

    def __post_init__(self) -> None:
        require_crossings(self.inner)

    @property
    def leaky(self) -> bool:
        """The receiver's memory leaks."""
        return True

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Symbols, shape of `current` (`batch ... time neuron`).

        Raises:
            ValueError: There is no time axis.
        """
        if current.dim() < 3:
            raise ValueError(f"a stream needs axes batch, time, neuron, not {current.dim()} axes: use another code")
        steps = current.movedim(-2, 0)
        change = steps - leak * torch.cat([torch.zeros_like(steps[:1]), steps[:-1]])
        # What was not sent stays in the membrane; it leaks as the receiver's memory does: this is x - leak y exactly.
        symbols = fire(change, leak, threshold, levels=self.levels, signed=self.signed, surrogate=self.inner.slope)
        return symbols.movedim(0, -2)

    def amplitudes(self, symbols: Tensor, leak: Tensor | None) -> Tensor:
        """The receiver's memory after each step."""
        return symbols if leak is None else integrated(symbols, leak)


def integrated(symbols: Tensor, leak: Tensor) -> Tensor:
    """y[t] = leak y[t-1] + s[t] along the axis before the last.

    Args:
        symbols: s, shape `batch ... time neuron`.
        leak: Shape `neuron`, or 1.
    """
    length = symbols.shape[-2]
    position = torch.arange(length, device=symbols.device)
    distance = (position[:, None] - position[None, :]).clamp(min=0)
    past = (position[:, None] >= position[None, :]).to(symbols.dtype)
    kernel = leak.clamp(min=1e-6)[:, None, None] ** distance * past
    if len(leak) == 1:
        return torch.matmul(kernel[0], symbols)
    return torch.einsum("nts,...sn->...tn", kernel, symbols)
