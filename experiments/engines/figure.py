"""Ratios of the two engines against the share of time that goes into moving, as one SVG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axonal.views.axes import Frame, Linear, Logarithmic, horizontal_axis, vertical_axis
from axonal.views.rendering import standalone
from axonal.views.svg import Svg, drawing, label, line, marker

__all__ = ["agreement_figure"]

PANELS = (("latency_ratio", "latency"), ("throughput_ratio", "throughput"), ("energy_ratio", "energy"))
LOW, HIGH = 0.5, 2.5
SIZE = (720.0, 640.0)
HEIGHT, GAP, TOP = 165.0, 30.0, 26.0


def agreement_figure(rows: Sequence[Mapping[str, Any]]) -> str:
    """One panel for each ratio: a point for each case, its placement told by colour and shape."""
    parts: list[Svg] = [
        label((60, 12), "analytical / cycle-level", "axis-title"),
        *_sample((300, 8), "v0", "circle", "placed by place()"),
        *_sample((480, 8), "v1", "diamond", "placed at random"),
    ]
    for number, (key, name) in enumerate(PANELS):
        top = TOP + number * (HEIGHT + GAP)
        parts += _panel(rows, key, name, Frame(left=60, top=top, right=SIZE[0] - 10, bottom=top + HEIGHT))
    below = TOP + len(PANELS) * (HEIGHT + GAP) + 14
    parts.append(label((SIZE[0] - 10, below), "share of the latency that is not computation", "axis-title", "end"))
    return standalone(drawing(SIZE, "Analytical against cycle-level engine", *parts))


def _sample(at: tuple[float, float], css: str, kind: str, words: str) -> list[Svg]:
    return [marker(kind, at, 4, f"{css} point"), label((at[0] + 10, at[1] + 4), words, "tick")]


def _panel(rows: Sequence[Mapping[str, Any]], key: str, name: str, frame: Frame) -> list[Svg]:
    across = Linear(low=0, high=1, start=frame.left, end=frame.right)
    up = Logarithmic(low=LOW, high=HIGH, start=frame.bottom, end=frame.top)
    parts = [
        vertical_axis(frame, up, [0.5, 0.7, 1.0, 1.4, 2.0], lambda value: f"{value:g}"),
        horizontal_axis(frame, across, [0, 0.2, 0.4, 0.6, 0.8, 1.0], lambda value: f"{100 * value:.0f} %"),
        line((frame.left, up(1.0)), (frame.right, up(1.0)), "axis"),
        label((frame.left + 6, frame.top + 13), name, "axis-title"),
    ]
    for row in rows:
        value = min(max(row[key], LOW), HIGH)
        placed = row["placement"] == "place"
        at = (across(min(max(row["communication"], 0.0), 1.0)), up(value))
        words = f"seed {row['seed']}: {row[key]:.3f}"
        parts.append(marker("circle" if placed else "diamond", at, 2.6, "v0 point" if placed else "v1 point", words))
    return parts
