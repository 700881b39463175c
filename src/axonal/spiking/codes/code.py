"""The seam `Code`, and what most codes share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, Protocol

from torch import Tensor

__all__ = ["Binary", "Code", "OneStep", "Plain", "SymbolClass", "require_bits"]

SymbolClass = Literal["dense", "event"]


class Code(Protocol):
    """What a boundary needs to know of its code."""

    @property
    def symbols(self) -> SymbolClass:
        """`event` when silent neurons cost nothing on the wire."""
        ...

    @property
    def levels(self) -> int:
        """Largest magnitude of a symbol; 0 where symbols are no whole numbers."""
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

    @property
    def leaky(self) -> bool:
        """Whether the leak is used, so that it is worth a parameter."""
        ...

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Symbols of shape `batch ... neuron`, or `batch time ... neuron` when `time_steps > 1`."""
        ...

    def relaxed(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """What stands for the symbols while training; the symbols themselves, but for codes trained with noise."""
        ...

    def amplitudes(self, symbols: Tensor, leak: Tensor | None) -> Tensor:
        """What the receiver's weights read, in thresholds, shape of `symbols`; `leak` where the code is leaky."""
        ...

    def weights(self) -> tuple[float, ...]:
        """Weight of each time step in the value that the receiver adds up; `(1.0,)` for one step."""
        ...


class Plain(ABC):
    """A code that is trained as it is sent, and whose symbols the receiver's weights read as they are."""

    @property
    def leaky(self) -> bool:
        """Nothing leaks."""
        return False

    @abstractmethod
    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Each code has its own."""

    def relaxed(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """The symbols: what crosses is what is trained."""
        return self.encode(current, threshold, leak)

    def amplitudes(self, symbols: Tensor, leak: Tensor | None) -> Tensor:
        """The symbols."""
        del leak
        return symbols


class OneStep(Plain):
    """A plain code of one step."""

    @property
    def time_steps(self) -> int:
        """One."""
        return 1

    def weights(self) -> tuple[float, ...]:
        """One step, weight one."""
        return (1.0,)


class Binary:
    """What codes share whose events are one and carry nothing but their place and step."""

    @property
    def symbols(self) -> SymbolClass:
        """Events."""
        return "event"

    @property
    def levels(self) -> int:
        """An event is one."""
        return 1

    @property
    def value_bits(self) -> int:
        """An event carries nothing but its place."""
        return 0

    @property
    def signed(self) -> bool:
        """An event is one."""
        return False


def require_bits(name: str, value: int, low: int, high: int, why: str = "") -> None:
    """ValueError unless `value` is within its bounds."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, must be {low} to {high}{why}")
