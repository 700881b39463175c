"""Where the energy of one inference goes: stacked bars, one for each variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axonal.views.axes import Frame, Linear, horizontal_axis
from axonal.views.numbers import PJ, Scale, compact, is_number
from axonal.views.svg import Figure, Svg, drawing, label, rectangle, text_width
from axonal.views.variants import Variant, lookup, variants

__all__ = ["COMPONENTS", "energy"]

COMPONENTS = {
    "compute": "compute",
    "memory": "memory",
    "noc": "network on chip",
    "d2d": "die-to-die",
    "static": "static",
}
BAR = 24.0


def energy(result: Mapping[str, Any]) -> Figure | None:
    """Bars of all variants on one axis; `None` when no variant has a modelled energy."""
    shown = [variant for variant in variants(result) if is_number(lookup(variant.data, "energy_pj.total"))]
    if not shown:
        return None
    return Figure(wide=_bars(shown, 960, beside=True), narrow=_bars(shown, 358, beside=False))


def _bars(shown: Sequence[Variant], width: float, *, beside: bool) -> Svg:
    totals = [float(lookup(variant.data, "energy_pj.total")) for variant in shown]
    scale = PJ.scale([max(totals)])
    tails = [f"{scale.text(total)} {scale.unit}" for total in totals]
    legend, top = _legend(width)
    pitch = BAR + (14 if beside else 30)
    left = max(text_width(variant.name) for variant in shown) + 14 if beside else 5.0
    right = width - max(map(text_width, tails)) - 12
    frame = Frame(left=left, top=top, right=right, bottom=top + pitch * len(shown) + 2)
    axis = Linear(low=0, high=max(totals) * scale.factor or 1.0, start=left, end=right)
    parts = [horizontal_axis(frame, axis, axis.ticks(8 if beside else 4), compact)]
    for index, (variant, tail) in enumerate(zip(shown, tails, strict=True)):
        bar_top = top + pitch * index + (8 if beside else 22)
        name_at = (left - 10, bar_top + BAR / 2 + 4) if beside else (left, bar_top - 6)
        parts.append(
            label(
                name_at,
                variant.name,
                "name strong" if variant.key == "hybrid" else "name",
                "end" if beside else "start",
            )
        )
        parts.extend(_bar(variant, axis, scale, bar_top))
        parts.append(label((axis(totals[index] * scale.factor) + 8, bar_top + BAR / 2 + 4), tail, "value"))
    parts.append(label((right, frame.bottom + 32), f"{scale.unit} for one inference", "axis-title", "end"))
    return drawing((width, frame.bottom + 38), "Energy of one inference by component", *legend, *parts)


def _bar(variant: Variant, axis: Linear, scale: Scale, top: float) -> list[Svg]:
    parts: list[Svg] = []
    reached = 0.0
    for component, title in COMPONENTS.items():
        value = lookup(variant.data, f"energy_pj.{component}")
        if not is_number(value) or value <= 0:
            continue
        start, end = axis(reached), axis(reached + value * scale.factor)
        reached += value * scale.factor
        parts.append(
            rectangle((start, top), (end - start, BAR), f"e-{component}", f"{variant.name}, {title}: {PJ.text(value)}")
        )
        words = scale.text(value)
        if text_width(words, 11) + 8 < end - start:
            parts.append(label(((start + end) / 2, top + BAR / 2 + 4), words, f"in-bar on-{component}", "middle"))
    return parts


def _legend(width: float) -> tuple[list[Svg], float]:
    """The colours with their names, in as many lines as the width asks for, and the height they take."""
    parts: list[Svg] = []
    x, y = 2.0, 4.0
    for component, title in COMPONENTS.items():
        room = 18 + text_width(title) + 16
        if x + room > width:
            x, y = 2.0, y + 20
        parts += [rectangle((x, y), (12, 12), f"e-{component}", radius=2), label((x + 18, y + 10.5), title, "name")]
        x += room
    return parts, y + 24
