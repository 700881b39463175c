"""Codes: how values become the symbols that cross a die boundary.

A code is a small frozen object. It says what its symbols look like on the wire
and turns a current into symbols; the parameters (threshold, leak) are handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch
from torch import Tensor

from axonal.kernels import ATan, StraightThrough, Surrogate, fire, quantize

__all__ = ["Code", "Graded", "Integer", "Rate"]


class Code(Protocol):
    """What a boundary needs to know of its code."""

    @property
    def symbols(self) -> Literal["dense", "event"]:
        """`event` when silent neurons cost nothing on the wire."""
        ...

    @property
    def levels(self) -> int:
        """Largest magnitude of a symbol."""
        ...

    @property
    def value_bits(self) -> int:
        """Bits that a symbol carries beside its address (event) or altogether (dense)."""
        ...

    @property
    def signed(self) -> bool:
        """Whether symbols may be negative."""
        ...

    @property
    def time_steps(self) -> int:
        """Steps sent for one value."""
        ...

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Symbols of shape `batch ... neuron`, or `batch time ... neuron` when `time_steps > 1`."""
        ...


@dataclass(frozen=True)
class Graded:
    """A threshold crossing that carries a few-bit value: one step, 2^value_bits levels.

    s = number of thresholds crossed, signed. The silent zone is twice a level
    wide, as in the dead-zone quantisers of transform coding.

    Args:
        value_bits: Bits of an event's value, sign included; 0 is a binary spike.
        signed: Whether negative crossings fire.
        surrogate: Gradient of a crossing.
    """

    value_bits: int = 2
    signed: bool = True
    surrogate: Surrogate = field(default_factory=StraightThrough)

    def __post_init__(self) -> None:
        low = int(self.signed)
        if not low <= self.value_bits <= 8:
            raise ValueError(f"value_bits is {self.value_bits}, must be {low} to 8 for signed={self.signed}")

    @property
    def symbols(self) -> Literal["dense", "event"]:
        """Events."""
        return "event"

    @property
    def levels(self) -> int:
        """All 2^value_bits codes of an event are used: zero is its absence."""
        return 1 << (self.value_bits - self.signed)

    @property
    def time_steps(self) -> int:
        """One."""
        return 1

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Symbols, shape of `current` (`batch ... neuron`)."""
        steps = current.unsqueeze(0)
        return fire(steps, leak, threshold, levels=self.levels, signed=self.signed, surrogate=self.surrogate).squeeze(0)


@dataclass(frozen=True)
class Rate:
    """Plain leaky integrate-and-fire spikes over `time_steps` steps of the same current."""

    time_steps: int = 4
    surrogate: Surrogate = field(default_factory=ATan)

    def __post_init__(self) -> None:
        if not 1 <= self.time_steps <= 64:
            raise ValueError(f"time_steps is {self.time_steps}, must be 1 to 64")

    @property
    def symbols(self) -> Literal["dense", "event"]:
        """Events."""
        return "event"

    @property
    def levels(self) -> int:
        """A spike is 0 or 1."""
        return 1

    @property
    def value_bits(self) -> int:
        """A spike carries nothing but its address."""
        return 0

    @property
    def signed(self) -> bool:
        """Spikes are 0 or 1."""
        return False

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Spikes, shape `batch time ... neuron`, or `batch ... neuron` for one step."""
        steps = current.unsqueeze(0).expand(self.time_steps, *current.shape)
        spikes = fire(steps, leak, threshold, levels=1, signed=False, surrogate=self.surrogate)
        return torch.movedim(spikes, 0, 1) if self.time_steps > 1 else spikes.squeeze(0)


@dataclass(frozen=True)
class Integer:
    """Dense control: every neuron sends a `value_bits`-bit integer."""

    value_bits: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.value_bits <= 16:
            raise ValueError(f"value_bits is {self.value_bits}, must be 1 to 16")

    @property
    def symbols(self) -> Literal["dense", "event"]:
        """Dense."""
        return "dense"

    @property
    def levels(self) -> int:
        """Largest magnitude."""
        return 1 << (self.value_bits - 1)

    @property
    def signed(self) -> bool:
        """Two's complement, but for a single bit."""
        return self.value_bits > 1

    @property
    def time_steps(self) -> int:
        """One."""
        return 1

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Integers, shape of `current`; `threshold` is the step of the quantiser."""
        del leak
        return quantize(current, threshold, bits=self.value_bits)
