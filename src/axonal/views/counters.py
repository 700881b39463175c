"""Loads over time as counter tracks of a trace: one for each die-to-die link and for the busiest channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from axonal.views.numbers import is_number
from axonal.views.variants import Variant

__all__ = ["Counter", "counters"]

MOST_CHANNELS = 16

Counter = tuple[Mapping[str, Any], list[tuple[float, float]]]
"""A channel and its utilization: pairs of a time in ns and a percentage, only where it changes, 0 at the end."""


def counters(variant: Variant) -> list[Counter]:
    """Links between dies first, then the busiest channels; nothing where loads over time were not counted."""
    interval_ns = variant.data.get("interval_ns")
    links = [link for link in variant.data.get("links") or () if link.get("utilization")]
    if not is_number(interval_ns) or interval_ns <= 0:
        return []
    links.sort(key=lambda link: -link["busy_ns"])
    across = [link for link in links if link["kind"] == "d2d"]
    inside = [link for link in links if link["kind"] != "d2d"][:MOST_CHANNELS]
    return [(link, _steps(link["utilization"], interval_ns)) for link in (*across, *inside)]


def _steps(shares: Iterable[float], interval_ns: float) -> list[tuple[float, float]]:
    steps: list[tuple[float, float]] = []
    for index, share in enumerate([*shares, 0.0]):
        percentage = round(100.0 * share, 2)
        if not steps or steps[-1][1] != percentage:
            steps.append((index * interval_ns, percentage))
    return steps
