"""Codes that choose which neurons speak: the largest few, or groups together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from axonal.kernels import quantize
from axonal.spiking.codes.code import OneStep, SymbolClass, require_bits
from axonal.spiking.codes.graded import Composed, require_crossings

__all__ = ["Burst", "TopK"]


@dataclass(frozen=True)
class TopK(OneStep):
    """Dense control: the `k` largest of the neurons of a position, quantised; the others are silent.

    Args:
        k: Neurons that may speak at each position.
        value_bits: Bits of a value, sign included.
    """

    k: int
    value_bits: int = 4

    def __post_init__(self) -> None:
        require_bits("value_bits", self.value_bits, 2, 8)
        if self.k < 1:
            raise ValueError(f"k is {self.k}, must be >= 1")

    @property
    def symbols(self) -> SymbolClass:
        """Events."""
        return "event"

    @property
    def levels(self) -> int:
        """Zero is the absence of an event, so that all codes serve the others."""
        return 1 << (self.value_bits - 1)

    @property
    def signed(self) -> bool:
        """Values have signs."""
        return True

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Symbols, shape of `current`."""
        del leak
        if self.k >= current.shape[-1]:
            return quantize(current, threshold, bits=self.value_bits)
        kept = torch.zeros_like(current).scatter(-1, current.abs().topk(self.k, dim=-1).indices, 1.0)
        return quantize(current, threshold, bits=self.value_bits) * kept


@dataclass(frozen=True)
class Burst(Composed):
    """Neurons that fire in groups: a group is silent unless its currents together reach the threshold.

    A group of g neurons speaks when the mean square of its ratios to the thresholds is at least one; then each of
    them sends what the inner code makes of it. One address serves the whole group.

    Args:
        inner: Code of the neurons of a group that speaks.
        group: Neighbouring neurons that fire together, g; the last group may be smaller.
    """

    group: int = 4

    def __post_init__(self) -> None:
        if self.group < 2:
            raise ValueError(f"group is {self.group}, must be >= 2: a group of one is the inner code")
        require_crossings(self.inner)

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Symbols, shape of `current`; the gradient passes as if every group spoke."""
        symbols = self.inner.encode(current, threshold, leak)
        neurons = current.shape[-1]
        energy = (current / threshold).detach().square()
        # Ones fill up the last group: they leave the mean of the others on its side of one.
        padded = torch.nn.functional.pad(energy, (0, -neurons % self.group), value=1.0)
        speaks = padded.view(*padded.shape[:-1], -1, self.group).mean(-1) >= 1
        mask = speaks.repeat_interleave(self.group, dim=-1)[..., :neurons]
        sent: Tensor = symbols + (symbols * mask - symbols).detach()
        return sent
