"""Surrogate gradients: what stands in for the derivative of a threshold crossing.

Each is a small frozen object. It gives the derivative of the number of crossed
thresholds with respect to `ratio`, the membrane in units of its threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["ATan", "Noise", "StraightThrough", "Surrogate", "Triangle", "by_name", "name_of", "unit_step"]


class Surrogate(Protocol):
    """The derivative of a neuron's output with respect to its membrane in thresholds."""

    @property
    def width(self) -> float:
        """The one parameter of the shape."""
        ...

    def derivative(self, ratio: Tensor, levels: int, signed: bool) -> Tensor:
        """Derivative at `ratio` (any shape) for a neuron of `levels` levels, on both sides of zero if `signed`."""
        ...


def _distance(ratio: Tensor, levels: int, signed: bool) -> Tensor:
    """Distance from the nearest threshold crossing, in thresholds."""
    magnitude = ratio.abs() if signed else ratio
    return magnitude - magnitude.round().clamp(1, levels)


def _require_width(width: float) -> None:
    if not 0 < width < math.inf:
        raise ValueError(f"width is {width}, must be > 0 and finite")


@dataclass(frozen=True)
class ATan:
    """d = (w / 2) / (1 + (pi w x / 2)^2), x the distance from the nearest crossing (Fang et al. 2021)."""

    width: float = 2.0

    def __post_init__(self) -> None:
        _require_width(self.width)

    def derivative(self, ratio: Tensor, levels: int, signed: bool) -> Tensor:
        """Derivative at `ratio`."""
        scaled = math.pi * self.width / 2 * _distance(ratio, levels, signed)
        return (self.width / 2) / (1 + scaled * scaled)


@dataclass(frozen=True)
class Triangle:
    """d = max(0, 1 - |x| / w) / w, x the distance from the nearest crossing (Esser et al. 2016)."""

    width: float = 1.0

    def __post_init__(self) -> None:
        _require_width(self.width)

    def derivative(self, ratio: Tensor, levels: int, signed: bool) -> Tensor:
        """Derivative at `ratio`."""
        return (1 - _distance(ratio, levels, signed).abs() / self.width).clamp(min=0) / self.width


@dataclass(frozen=True)
class StraightThrough:
    """d = 1 until `width` thresholds beyond the last level, 0 after it (Bengio et al. 2013).

    The silent zone passes the gradient too, so that a neuron can come back from it.
    """

    width: float = 1.0

    def __post_init__(self) -> None:
        _require_width(self.width)

    def derivative(self, ratio: Tensor, levels: int, signed: bool) -> Tensor:
        """Derivative at `ratio`."""
        magnitude = ratio.abs() if signed else torch.where(ratio < 0, levels - ratio, ratio)
        return (magnitude < levels + self.width).to(ratio.dtype)


@dataclass(frozen=True)
class Noise:
    """Uniform noise of `width` thresholds in place of crossings while training (Balle et al. 2017).

    It has the exact gradient of the noisy value; it is no derivative of a crossing, so `fire` does not take it.
    """

    width: float = 1.0

    def __post_init__(self) -> None:
        _require_width(self.width)

    def added(self, ratio: Tensor) -> Tensor:
        """`ratio` plus noise, same shape."""
        return ratio + self.width * (torch.rand_like(ratio) - 0.5)


_KINDS: dict[str, type[ATan] | type[Triangle] | type[StraightThrough]] = {
    kind.__name__: kind for kind in (ATan, Triangle, StraightThrough)
}


def by_name(name: str, width: float) -> Surrogate:
    """The surrogate that a custom operator's arguments describe (operators take no objects)."""
    return _KINDS[name](width)


def name_of(surrogate: Surrogate) -> str:
    """The name by which `by_name` finds the surrogate's kind; ValueError when it does not know it."""
    name = type(surrogate).__name__
    if _KINDS.get(name) is not type(surrogate):
        raise ValueError(f"surrogate {surrogate!r} is none of {', '.join(sorted(_KINDS))}: use one of these")
    return name


def unit_step(ratio: Tensor, levels: int, signed: bool) -> Tensor:
    """Number of thresholds crossed, at most `levels`, negative crossings only when `signed`."""
    return torch.trunc(ratio).clamp(-levels if signed else 0, levels)
