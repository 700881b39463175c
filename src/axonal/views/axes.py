"""Scales and axes: from values to pixels, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from axonal.views.svg import Svg, group, label, line

__all__ = [
    "Axis",
    "Complement",
    "Frame",
    "Linear",
    "Logarithmic",
    "below",
    "horizontal_axis",
    "round_ticks",
    "vertical_axis",
]

Points = list[tuple[float, float]]


class Axis(Protocol):
    """From a value to a pixel."""

    def __call__(self, value: float) -> float:
        """Pixel of a value."""

    def ticks(self, count: int) -> list[float]:
        """About that many round values within the axis."""


def round_ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` multiples of 1, 2 or 5 times a power of ten from low to high.

    Example:
        >>> round_ticks(0, 830, 5)
        [0.0, 200.0, 400.0, 600.0, 800.0]
    """
    if not high > low:
        return [low]
    raw = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.8)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{index * step:.10g}") for index in range(first, last + 1)]


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A linear axis from pixel `start` (value `low`) to pixel `end` (value `high`)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Pixel of a value."""
        span = (self.high - self.low) or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """About that many round values within the axis."""
        return round_ticks(self.low, self.high, count)


@dataclass(frozen=True, kw_only=True)
class Logarithmic:
    """A logarithmic axis; values at or below 0 fall on its start."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Pixel of a value."""
        span = math.log(self.high / self.low) or 1.0
        return self.start + math.log(max(value, self.low) / self.low) / span * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """Powers of ten, with their doubles and halves as long as there are about `count` of them."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        fine = ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5)) if self.high < 10 * self.low else ()
        for factors in (*fine, (1, 2, 5), (1, 3), (1,)):
            found = [float(f"{f * 10.0**d:.6g}") for d in decades for f in factors]
            inside = [tick for tick in found if self.low * 0.999 <= tick <= self.high * 1.001]
            if len(inside) <= count * 1.5:
                break
        return inside


SHARES = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.8, 0.95, 0.98, 0.995, 0.0, 0.2, 0.7, 0.4, 0.6, 0.3, 0.1)
"""Round shares of 1, the ones that should be named first leading."""


@dataclass(frozen=True, kw_only=True)
class Complement:
    """A logarithmic axis of what a share lacks to 1: 90, 99 and 99.9 percent are equally far apart."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Pixel of a share; those above `high` fall on its end."""
        lacks = math.log((1 - self.low) / (1 - self.high)) or 1.0
        return self.start + math.log((1 - self.low) / (1 - min(value, self.high))) / lacks * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """At most about that many round shares, none too close to another."""
        gap = abs(self.end - self.start) / (count + 1)
        found: list[float] = []
        for share in SHARES:
            inside = self.low <= share <= self.high
            if inside and all(abs(self(share) - self(other)) >= gap for other in found):
                found.append(share)
        return sorted(found)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The plotting region in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def horizontal_axis(frame: Frame, axis: Axis, ticks: Sequence[float], words: Callable[[float], str]) -> Svg:
    """Light lines from top to bottom with their values below."""
    parts: list[Svg] = []
    for tick in ticks:
        x = axis(tick)
        parts.append(line((x, frame.top), (x, frame.bottom), "grid"))
        parts.append(label((x, frame.bottom + 16), words(tick), "tick", "middle"))
    return group(line((frame.left, frame.bottom), (frame.right, frame.bottom), "axis"), *parts)


def vertical_axis(frame: Frame, axis: Axis, ticks: Sequence[float], words: Callable[[float], str]) -> Svg:
    """Light lines from left to right with their values at the left."""
    parts: list[Svg] = []
    for tick in ticks:
        y = axis(tick)
        parts.append(line((frame.left, y), (frame.right, y), "grid"))
        parts.append(label((frame.left - 7, y + 4), words(tick), "tick", "end"))
    return group(*parts)


def below(points: Points, top: float, right: float) -> list[Points]:
    """The stretches of a line below the top and left of the right edge, cut exactly where it crosses them."""
    pieces: list[Points] = [[]]
    for (x0, y0), (x1, y1) in pairwise(points):
        shares = [0.0, 1.0]
        if y0 != y1:
            shares.append((top - y0) / (y1 - y0))
        if x0 != x1:
            shares.append((right - x0) / (x1 - x0))
        cuts = sorted(share for share in shares if 0 <= share <= 1)
        for start, end in pairwise(cuts):
            middle = (start + end) / 2
            if y0 + middle * (y1 - y0) > top or x0 + middle * (x1 - x0) > right:
                continue
            first, last = ((x0 + share * (x1 - x0), y0 + share * (y1 - y0)) for share in (start, end))
            if pieces[-1] and pieces[-1][-1] == first:
                pieces[-1].append(last)
            else:
                pieces.append([first, last])
    return [piece for piece in pieces if piece]
