"""What crosses between two parts of a model, and what both ends must agree on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from axonal.wire import MAX_ELEMENTS, layout_hash
from axonal.wire.codec import Codec, Floats

__all__ = ["Agreement", "CodecOf", "Crossing", "Part", "row_of"]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """One tensor that crosses, 32-bit floats in the order of memory.

    Args:
        name: What it is, for people.
        shape: Of one example, without the batch axis.
        levels: Largest magnitude of the whole numbers that cross; 0 where values are no whole numbers.
        signed: Whether whole numbers may be negative.
        codecs: Names of the codecs that are allowed, the default first.
        dense_elements: Elements of one example that would cross without a boundary; its own where that is `None`.

    Example:
        >>> Crossing(name="h", shape=(4, 16), codecs=("fp16",)).elements
        64
    """

    name: str
    shape: tuple[int, ...]
    levels: int = 0
    signed: bool = False
    codecs: tuple[str, ...]
    dense_elements: int | None = None

    def __post_init__(self) -> None:
        if any(size < 1 for size in self.shape) or self.elements > MAX_ELEMENTS:
            raise ValueError(
                f"shape of {self.name} is {self.shape}, must be sizes from 1 with a product of at most {MAX_ELEMENTS}: "
                "cut the model where less crosses"
            )
        if self.levels < 0:
            raise ValueError(f"levels of {self.name} is {self.levels}, must be at least 0: 0 is no whole numbers")
        if not self.codecs:
            raise ValueError(f"codecs of {self.name} is empty, must name at least one codec, the default first")

    @property
    def elements(self) -> int:
        """Elements of one example."""
        return math.prod(self.shape)

    @property
    def replaced(self) -> int:
        """Elements of one example that would cross without a boundary."""
        return self.elements if self.dense_elements is None else self.dense_elements

    @property
    def channels(self) -> int:
        """Elements of a row: the last axis of symbols, what shares a scale of values (`row_of`)."""
        if self.levels:
            return self.shape[-1] if self.shape else 1
        return row_of(self.shape)

    def floats(self, tensor: Tensor, batch: int) -> Floats:
        """A tensor of so many examples as codecs take it, `(rows, channels)`.

        Raises:
            ValueError: It has another shape, or holds values that do not cross.
        """
        if tuple(tensor.shape) != (batch, *self.shape):
            raise ValueError(
                f"{self.name} has shape {tuple(tensor.shape)}, must be {(batch, *self.shape)}: batch axis first"
            )
        values: Floats = tensor.detach().to("cpu", torch.float32).contiguous().numpy().reshape(-1, self.channels)
        self.check(values)
        return values

    def tensor(self, values: Floats, batch: int) -> Tensor:
        """The tensor of so many examples, `(batch, *shape)`, that a codec has filled in.

        Raises:
            ValueError: It holds values that do not cross.
        """
        self.check(values)
        return torch.from_numpy(values).reshape(batch, *self.shape)

    def check(self, values: Floats) -> None:
        """ValueError unless all values may cross: finite, and whole and in range where there are levels."""
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"{self.name} holds a value that is infinite or no number, all must be finite")
        if not self.levels:
            return
        # Two's complement, of which all is sent, reaches one further below zero.
        least = -(self.levels + (self.codecs == ("dense",))) if self.signed else 0
        if low < least or high > self.levels:
            raise ValueError(f"{self.name} holds {low:g} to {high:g}, must be within {least} to {self.levels}")
        if not np.array_equal(values, np.rint(values)):
            raise ValueError(f"{self.name} holds fractions, must be whole numbers: send symbols, not values")

    def batch_of(self, elements: int) -> int:
        """How many examples have so many elements.

        Raises:
            ValueError: None, or a part of one.
        """
        if elements < 1 or elements % self.elements:
            raise ValueError(
                f"{self.name} has {elements} elements, must be a multiple of {self.elements}, those of one example"
            )
        return elements // self.elements


def row_of(shape: tuple[int, ...]) -> int:
    """Elements of values that share a scale: those of the fewest last axes that have 16 together.

    The few pixels of a line would pay more for their scale than for themselves.

    Args:
        shape: Of one example, without the batch axis.

    Example:
        >>> row_of((128, 96)), row_of((32, 4, 4)), row_of((10,))
        (96, 16, 10)
    """
    row = 1
    for size in reversed(shape):
        if row >= _LEAST_ROW:
            break
        row *= size
    return row


_LEAST_ROW = 16

CodecOf = Callable[[str, Crossing], Codec]
"""Makes the codec of a name for a crossing; ValueError for a name that it does not know."""


@runtime_checkable
class Part(Protocol):
    """A part of a model that can be served: a function of tensors, the batch axis first."""

    @property
    def layout(self) -> str:
        """What both ends must agree on (partition, weights), as text."""
        ...

    @property
    def inputs(self) -> tuple[Crossing, ...]:
        """What a request must bring, in order."""
        ...

    @property
    def outputs(self) -> tuple[Crossing, ...]:
        """What a reply brings, in order."""
        ...

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The outputs for inputs, each `(batch, *shape)`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What both ends of a connection must agree on; which codecs are allowed may differ, and is settled by name.

    Args:
        layout: Text of the partition.
        inputs: What a request must bring, in order.
        outputs: What a reply brings, in order.
    """

    layout: str
    inputs: tuple[Crossing, ...]
    outputs: tuple[Crossing, ...]

    def __post_init__(self) -> None:
        for field, crossings in (("inputs", self.inputs), ("outputs", self.outputs)):
            if not 1 <= len(crossings) <= 1 << 8:
                raise ValueError(f"{field} has {len(crossings)} crossings, must have 1 to 256: cut elsewhere")

    @classmethod
    def of(cls, part: Part) -> Agreement:
        """What a part asks of those who call it."""
        return cls(layout=part.layout, inputs=tuple(part.inputs), outputs=tuple(part.outputs))

    @property
    def number(self) -> int:
        """64 bits that stand for layout, shapes, levels and signs."""
        lines = [self.layout, *_lines("input", self.inputs), *_lines("output", self.outputs)]
        return layout_hash("\n".join(lines))


def _lines(side: str, crossings: Iterable[Crossing]) -> list[str]:
    return [f"{side} {c.name} {c.shape} levels {c.levels} signed {c.signed}" for c in crossings]
