"""One colour scale for every load: steps at 1, 2 and 5, the same for all dies and all variants of a page.

Shares of time have a scale of their own, with fixed steps: 90 % is as hot on one page as on another.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from axonal.views.numbers import compact
from axonal.views.svg import Svg, drawing, label, rectangle
from axonal.views.variants import variants

__all__ = ["COLOURS", "UTILIZATION", "LoadScale", "legend", "load_scale", "percent", "result_scale"]

COLOURS = 8
"""Number of steps; the style sheet defines their colours, dark on light and light on dark paper."""


@dataclass(frozen=True, kw_only=True)
class LoadScale:
    """Limits between the steps, ascending; a load on a limit belongs to the step above it.

    Args:
        limits: One fewer than there are colours, in bits or as shares of 1.
    """

    limits: tuple[float, ...]

    def step(self, load: float) -> int:
        """Number of the colour of a load."""
        return bisect_right(self.limits, load)

    def width(self, load: float) -> float:
        """Thickness of the stroke of a load, in pixels."""
        return 0.9 + 2.1 * self.step(load) / (COLOURS - 1)


UTILIZATION = LoadScale(limits=(0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9))
"""The scale of a share of time that something is occupied."""


def percent(share: float) -> str:
    """A share in percent, with one digit below ten where it is not round: `0.375` as `38 %`."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %" if share < 0.0995 else f"{100 * share:.0f} %"


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


def legend(
    scale: LoadScale,
    description: str = "Colour scale of the loads, in bits for one inference",
    words: Callable[[float], str] = compact,
) -> Svg:
    """The colours side by side with the limits between them."""
    step, top, height = 40.0, 4.0, 12.0
    width = step * COLOURS + 24
    boxes = [rectangle((12 + step * index, top), (step, height), f"l{index} fill") for index in range(COLOURS)]
    limits = [
        label((12 + step * (index + 1), top + height + 14), words(limit), "tick", "middle")
        for index, limit in enumerate(scale.limits)
    ]
    return drawing((width, 34), description, *boxes, *limits, css="legend")
