"""One colour scale for every load: steps at 1, 2 and 5, the same for all dies and all variants of a page."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from axonal.views.numbers import compact
from axonal.views.svg import Svg, drawing, label, rectangle
from axonal.views.variants import variants

__all__ = ["COLOURS", "LoadScale", "legend", "load_scale", "result_scale"]

COLOURS = 8
"""Number of steps; the style sheet defines their colours, dark on light and light on dark paper."""


@dataclass(frozen=True, kw_only=True)
class LoadScale:
    """Limits between the steps, ascending; a load on a limit belongs to the step above it.

    Args:
        limits: One fewer than there are colours, in bits.
    """

    limits: tuple[float, ...]

    def step(self, bits: float) -> int:
        """Number of the colour of a load."""
        return bisect_right(self.limits, bits)

    def width(self, bits: float) -> float:
        """Thickness of the stroke of a load, in pixels."""
        return 0.9 + 2.1 * self.step(bits) / (COLOURS - 1)


def load_scale(loads: Iterable[float]) -> LoadScale:
    """The scale whose highest step holds the greatest load.

    Example:
        >>> load_scale([12.0, 900.0]).limits
        (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
    """
    top = max((load for load in loads if load > 0), default=1.0)
    decade = math.floor(math.log10(top))
    series = [float(f"{factor * 10.0**power:.6g}") for power in range(decade - 3, decade + 1) for factor in (1, 2, 5)]
    return LoadScale(limits=tuple([limit for limit in series if limit <= top][-(COLOURS - 1) :]))


def result_scale(result: Mapping[str, Any]) -> LoadScale:
    """The scale of all channels of all variants."""
    return load_scale(link["bits"] for variant in variants(result) for link in variant.data.get("links") or ())


def legend(scale: LoadScale) -> Svg:
    """The colours side by side with the limits between them."""
    step, top, height = 40.0, 4.0, 12.0
    width = step * COLOURS + 24
    boxes = [rectangle((12 + step * index, top), (step, height), f"l{index} fill") for index in range(COLOURS)]
    words = [
        label((12 + step * (index + 1), top + height + 14), compact(limit), "tick", "middle")
        for index, limit in enumerate(scale.limits)
    ]
    return drawing((width, 34), "Colour scale of the loads, in bits for one inference", *boxes, *words, css="legend")
