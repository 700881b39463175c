"""What a bit over the boundary buys: quality against bits per boundary element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axonal.views.axes import Frame, Linear, Logarithmic, horizontal_axis, vertical_axis
from axonal.views.numbers import QualityScale, compact, is_number, significant
from axonal.views.svg import Figure, Svg, drawing, group, label, line, marker, text_width
from axonal.views.variants import Variant, lookup, variants

__all__ = ["quality"]

Box = tuple[float, float, float, float]


def quality(result: Mapping[str, Any]) -> Figure | None:
    """Points with spread bars on a logarithmic axis of bits; `None` when no variant has both numbers."""
    shown = [variant for variant in variants(result) if is_number(_bits(variant)) and is_number(_value(variant))]
    if not shown:
        return None
    return Figure(wide=_scatter(shown, (960, 400)), narrow=_scatter(shown, (358, 330)))


def _bits(variant: Variant) -> Any:
    return variant.data.get("bits_per_boundary_element")


def _value(variant: Variant) -> Any:
    return lookup(variant.data, "quality.value")


def _spread(variant: Variant) -> float:
    found = lookup(variant.data, "quality.spread")
    return float(found) if is_number(found) else 0.0


def _seeds(variant: Variant) -> list[float]:
    return [value for value in lookup(variant.data, "quality.per_seed") or () if is_number(value)]


def _axes(shown: Sequence[Variant], frame: Frame) -> tuple[Logarithmic, Linear]:
    bits = [_bits(variant) for variant in shown if _bits(variant) > 0] or [1.0]
    levels = [
        end for variant in shown for end in (_value(variant) - _spread(variant), _value(variant) + _spread(variant))
    ]
    levels += [value for variant in shown for value in _seeds(variant)]
    room = (max(levels) - min(levels)) * 0.12 or abs(max(levels)) * 0.05 or 1.0
    across = Logarithmic(low=min(bits) / 1.8, high=max(bits) * 1.8, start=frame.left, end=frame.right)
    return across, Linear(low=min(levels) - room, high=max(levels) + room, start=frame.bottom, end=frame.top)


def _scatter(shown: Sequence[Variant], size: tuple[float, float]) -> Svg:
    width, height = size
    first: Mapping[str, Any] = shown[0].data.get("quality") or {}
    scale = QualityScale.of(str(first.get("metric") or "quality"))
    frame = Frame(left=52, top=30, right=width - 12, bottom=height - 46)
    across, up = _axes(shown, frame)
    ticks = up.ticks(5)
    decimals = max(scale.decimals, 0) if len(ticks) < 2 else _decimals((ticks[1] - ticks[0]) * scale.factor)
    better = "up" if first.get("higher_is_better", True) else "down"
    title = f"{scale.title}{f', {scale.unit}' if scale.unit else ''} (better: {better})"
    points = [(across(_bits(variant)), up(_value(variant))) for variant in shown]
    return drawing(
        size,
        "Quality against bits per boundary element",
        vertical_axis(frame, up, ticks, lambda value: f"{value * scale.factor:.{decimals}f}"),
        horizontal_axis(frame, across, across.ticks(7), compact),
        label((0, 14), title, "axis-title"),
        label((frame.right, frame.bottom + 36), "bits per boundary element (logarithmic)", "axis-title", "end"),
        *(_point(variant, across, up, scale) for variant in shown),
        *_names(shown, points, frame, [(up(_value(v) + _spread(v)), up(_value(v) - _spread(v))) for v in shown]),
    )


def _decimals(step: float) -> int:
    text = f"{step:.6f}".rstrip("0")
    return len(text.partition(".")[2])


def _point(variant: Variant, across: Logarithmic, up: Linear, scale: QualityScale) -> Svg:
    x, middle, spread = across(_bits(variant)), _value(variant), _spread(variant)
    high, low = up(middle + spread), up(middle - spread)
    title = f"{variant.label}: {scale.with_unit(middle)} ± {scale.text(spread)} at {significant(_bits(variant))} bits"
    return group(
        line((x, high), (x, low), "whisker"),
        line((x - 5, high), (x + 5, high), "whisker"),
        line((x - 5, low), (x + 5, low), "whisker"),
        *(marker("circle", (x + 10, up(value)), 1.6, "seed") for value in _seeds(variant)),
        marker(variant.marker, (x, up(middle)), 6 if variant.key == "hybrid" else 5, "point", title),
        class_=variant.css,
    )


def _names(
    shown: Sequence[Variant],
    points: Sequence[tuple[float, float]],
    frame: Frame,
    whiskers: Sequence[tuple[float, float]],
) -> list[Svg]:
    """Names beside their points, each where it covers no point, no whisker and no other name."""
    taken: list[Box] = [
        (x - 7, min(high, y - 7), x + 13, max(low, y + 7)) for (x, y), (high, low) in zip(points, whiskers, strict=True)
    ]
    words: list[Svg] = []
    for variant, (x, y), (high, low) in zip(shown, points, whiskers, strict=True):
        wide = text_width(variant.name, 13)
        right, left = x + 17, x - 11 - wide
        places = [
            (right, y + 4),
            (left, y + 4),
            (x - wide / 2, min(high, y - 7) - 7),
            (x - wide / 2, max(low, y + 7) + 15),
        ]
        places += [(side, y + 4 + shift) for shift in (-16, 18, -32, 34) for side in (right, left)]
        at = min(places, key=lambda place: _cost(_box(place, wide), taken, frame))
        taken.append(_box(at, wide))
        words.append(label(at, variant.name, f"name {variant.css} ink{' strong' if variant.key == 'hybrid' else ''}"))
    return words


def _box(at: tuple[float, float], wide: float) -> Box:
    return at[0], at[1] - 11, at[0] + wide, at[1] + 3


def _cost(box: Box, taken: Sequence[Box], frame: Frame) -> float:
    outside = box[0] < frame.left + 3 or box[2] > frame.right or box[1] < frame.top or box[3] > frame.bottom
    return 1e6 * outside + sum(_overlap(box, other) for other in taken)


def _overlap(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across * down if across > 0 and down > 0 else 0.0
