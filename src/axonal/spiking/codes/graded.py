"""Graded events: threshold crossings that carry a few-bit value."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from axonal.kernels import Noise, StraightThrough, Surrogate, fire
from axonal.spiking.codes.code import OneStep, SymbolClass, require_bits

__all__ = ["Composed", "Graded", "require_crossings", "ternary"]


@dataclass(frozen=True)
class Graded(OneStep):
    """A threshold crossing that carries a few-bit value: one step, 2^value_bits levels.

    s = number of thresholds crossed, signed. The silent zone is twice a level
    wide, as in the dead-zone quantisers of transform coding.

    Args:
        value_bits: Bits of an event's value, sign included; 0 is a binary spike.
        signed: Whether negative crossings fire.
        surrogate: Gradient of a crossing; with `Noise()` training adds noise in place of crossings.
    """

    value_bits: int = 2
    signed: bool = True
    surrogate: Surrogate | Noise = field(default_factory=StraightThrough)

    def __post_init__(self) -> None:
        require_bits("value_bits", self.value_bits, int(self.signed), 8, f" for signed={self.signed}")

    @property
    def symbols(self) -> SymbolClass:
        """Events."""
        return "event"

    @property
    def levels(self) -> int:
        """All 2^value_bits codes of an event are used: zero is its absence."""
        return 1 << (self.value_bits - self.signed)

    @property
    def slope(self) -> Surrogate:
        """Gradient of a crossing where one happens."""
        return StraightThrough() if isinstance(self.surrogate, Noise) else self.surrogate

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Symbols, shape of `current` (`batch ... neuron`)."""
        steps = current.unsqueeze(0)
        return fire(steps, leak, threshold, levels=self.levels, signed=self.signed, surrogate=self.slope).squeeze(0)

    def relaxed(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """The symbols, or with `Noise()` the ratio in its dead zone plus uniform noise of one level."""
        if not isinstance(self.surrogate, Noise):
            return self.encode(current, threshold, leak)
        ratio = current / threshold
        # Beyond the first threshold, a symbol stands for the middle of its level: half a level is taken off.
        inside = ratio.abs() < 1
        shrunk = torch.where(inside, ratio * 0.5, ratio - 0.5 * ratio.sign())
        low = -self.levels if self.signed else 0
        return self.surrogate.added(shrunk).clamp(low, self.levels)


@dataclass(frozen=True)
class Composed(OneStep):
    """A code of graded events that says of some of them when they are sent; their looks are those of the inner code."""

    inner: Graded = field(default_factory=Graded)

    @property
    def symbols(self) -> SymbolClass:
        """Events."""
        return self.inner.symbols

    @property
    def levels(self) -> int:
        """Those of the inner code."""
        return self.inner.levels

    @property
    def value_bits(self) -> int:
        """Those of the inner code."""
        return self.inner.value_bits

    @property
    def signed(self) -> bool:
        """As the inner code."""
        return self.inner.signed


def ternary(surrogate: Surrogate | Noise | None = None) -> Graded:
    """Events of plus and minus one."""
    return Graded(1, surrogate=surrogate or StraightThrough())


def require_crossings(inner: Graded) -> None:
    """ValueError where the inner code of a composed one is trained with noise, which only a code alone can be."""
    if isinstance(inner.surrogate, Noise):
        raise ValueError(f"surrogate is {inner.surrogate}, must be a slope inside another code: use StraightThrough()")
