"""How training went: validation quality by step, every seed thin and their mean thick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axonal.views.axes import Axis, Complement, Frame, Linear, Logarithmic, horizontal_axis, vertical_axis
from axonal.views.numbers import QualityScale, compact, is_number
from axonal.views.svg import Figure, Svg, drawing, group, label, path, spread, text_width
from axonal.views.variants import Variant, variants

__all__ = ["curves", "mean_curve"]

Curve = list[tuple[float, float]]


def curves(result: Mapping[str, Any]) -> Figure | None:
    """Curves of all variants; `None` when none recorded any."""
    shown = [(variant, found) for variant in variants(result) if (found := _seeds(variant))]
    if not shown:
        return None
    return Figure(wide=_plot(shown, (960, 420)), narrow=_plot(shown, (358, 340)))


def _seeds(variant: Variant) -> list[Curve]:
    runs = [
        sorted(
            (float(point["step"]), float(point["validation"]))
            for point in run.get("curve") or ()
            if is_number(point.get("step")) and is_number(point.get("validation"))
        )
        for run in variant.data.get("training") or ()
    ]
    return [run for run in runs if run]


def mean_curve(seeds: Sequence[Curve]) -> Curve:
    """Mean over seeds at the steps that all of them reached: a mean over survivors would flatter.

    Example:
        >>> mean_curve([[(1, 0.0), (2, 0.5)], [(1, 1.0)]])
        [(1, 0.5)]
    """
    by_seed = [dict(seed) for seed in seeds]
    steps = sorted(set.intersection(*(set(seed) for seed in by_seed))) if by_seed else []
    return [(step, sum(seed[step] for seed in by_seed) / len(by_seed)) for step in steps]


def _plot(shown: Sequence[tuple[Variant, list[Curve]]], size: tuple[float, float]) -> Svg:
    width, height = size
    first: Mapping[str, Any] = shown[0][0].data.get("quality") or {}
    scale = QualityScale.of(str(first.get("metric") or "quality"))
    ends = max(text_width(variant.name) for variant, _ in shown) + 14
    frame = Frame(left=46, top=28, right=width - ends, bottom=height - 46)
    points = [point for _, seeds in shown for seed in seeds for point in seed]
    across = Linear(low=0, high=max(x for x, _ in points) or 1.0, start=frame.left, end=frame.right)
    up, stretched = _upward([y for _, y in points], frame, higher_is_better=bool(first.get("higher_is_better", True)))
    ticks = up.ticks(6)
    return drawing(
        size,
        "Validation quality by training step",
        vertical_axis(frame, up, ticks, lambda value: f"{value * scale.factor:.6g}"),
        horizontal_axis(frame, across, across.ticks(8 if width > 600 else 4), compact),
        label(
            (0, 14),
            f"Validation {scale.title.lower()}{f', {scale.unit}' if scale.unit else ''}{stretched}",
            "axis-title",
        ),
        label((frame.right, frame.bottom + 36), "training step", "axis-title", "end"),
        *(_lines(variant, seeds, across, up) for variant, seeds in reversed(shown)),
        *_names(shown, up, frame),
    )


def _upward(values: Sequence[float], frame: Frame, *, higher_is_better: bool) -> tuple[Axis, str]:
    """An axis that keeps the end of training apart, where the variants differ, and how it is stretched."""
    low, high = min(values), max(values)
    if higher_is_better and 0 <= low < high <= 1:
        least = min(1 - value for value in values if value < 1)
        return Complement(low=low, high=1 - least * 0.8, start=frame.bottom, end=frame.top), " (logarithm of the error)"
    if not higher_is_better and 0 < low < high:
        return Logarithmic(low=low * 0.97, high=high, start=frame.bottom, end=frame.top), " (logarithmic)"
    room = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    return Linear(low=low - room, high=high + room, start=frame.bottom, end=frame.top), ""


def _lines(variant: Variant, seeds: Sequence[Curve], across: Axis, up: Axis) -> Svg:
    def drawn(curve: Curve, css: str, title: str) -> Svg:
        return path([(across(x), up(y)) for x, y in curve], css, title)

    mean = mean_curve(seeds)
    parts = [drawn(seed, "seed-line", f"{variant.label}, one seed") for seed in seeds]
    parts += [drawn(mean, "mean-line", f"{variant.label}, mean of {len(seeds)} seeds")] if mean else []
    return group(*parts, class_=variant.css)


def _names(shown: Sequence[tuple[Variant, list[Curve]]], up: Axis, frame: Frame) -> list[Svg]:
    """Names at the right edge, level with the end of their mean as far as they leave each other room."""
    lasts = [up((mean_curve(seeds) or seeds[0])[-1][1]) + 4 for _, seeds in shown]
    levels = spread(lasts, 17, frame.top + 6, frame.bottom)
    return [
        label(
            (frame.right + 8, level),
            variant.name,
            f"name {variant.css} ink{' strong' if variant.key == 'hybrid' else ''}",
        )
        for (variant, _), level in zip(shown, levels, strict=True)
    ]
