"""Does it pay on another link? Ratios hybrid / ANN over the energy and the bandwidth of the links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axonal.views.axes import Frame, Logarithmic, horizontal_axis, vertical_axis
from axonal.views.numbers import compact, is_number, significant
from axonal.views.svg import Figure, Svg, drawing, group, label, line, marker, path, text_width
from axonal.views.variants import prime

__all__ = ["sweep"]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One curve over one property of the links.

    Args:
        title: What is drawn.
        across: Name of the property and its unit.
        xs: Values of the property.
        ratios: Hybrid / ANN at each of them.
        crossing: Where the ratio is 1, if it is anywhere.
        here: Value of the system at hand.
    """

    title: str
    across: str
    xs: Sequence[float]
    ratios: Sequence[float]
    crossing: float | None
    here: float | None


def sweep(result: Mapping[str, Any]) -> Figure | None:
    """Both panels, side by side or one above the other; `None` when the result has no sweeps."""
    found = result.get("sweeps")
    if not isinstance(found, Mapping):
        return None
    links = (result.get("system") or {}).get("links") or ()
    panels = [
        Panel(
            title="Energy, hybrid / ANN",
            across="energy of the links, pJ/bit",
            xs=found["link_energy_pj_per_bit"],
            ratios=found["energy_ratio"],
            crossing=found.get("pays_above_pj_per_bit"),
            here=_typical(links, "energy_pj_per_bit"),
        ),
        Panel(
            title="Latency, hybrid / ANN",
            across="bandwidth of the links, Gb/s",
            xs=found["link_bits_per_ns"],
            ratios=found["latency_ratio"],
            crossing=found.get("pays_below_bits_per_ns"),
            here=_typical(links, "bits_per_ns"),
        ),
    ]
    css = prime(result)[0].css
    return Figure(wide=_both(panels, css, beside=True), narrow=_both(panels, css, beside=False))


def _typical(links: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The value of the links, where they all agree."""
    values = {link.get(name) for link in links}
    only = values.pop() if len(values) == 1 else None
    return float(only) if is_number(only) and only else None


def _both(panels: Sequence[Panel], css: str, *, beside: bool) -> Svg:
    width, height = (470, 300) if beside else (358, 270)
    size = (960.0, float(height)) if beside else (float(width), 2.0 * height + 16)
    parts = []
    for index, panel in enumerate(panels):
        left, top = (index * 490.0, 0.0) if beside else (0.0, index * (height + 16.0))
        parts.append(group(*_panel(panel, css, width, height), transform=f"translate({left:g} {top:g})"))
    return drawing(size, "Where the hybrid would pay: ratios to the ANN over the properties of the links", *parts)


def _panel(panel: Panel, css: str, width: float, height: float) -> list[Svg]:
    frame = Frame(left=44, top=30, right=width - 18, bottom=height - 46)
    across = Logarithmic(low=min(panel.xs), high=max(panel.xs), start=frame.left, end=frame.right)
    low, high = min(*panel.ratios, 1.0) / 1.12, max(*panel.ratios, 1.0) * 1.12
    up = Logarithmic(low=low, high=high, start=frame.bottom, end=frame.top)
    points = [(across(x), up(y)) for x, y in zip(panel.xs, panel.ratios, strict=True)]
    return [
        vertical_axis(frame, up, up.ticks(5), lambda value: f"{value:g}\u00d7"),
        horizontal_axis(frame, across, across.ticks(6), compact),
        label((0, 14), panel.title, "axis-title"),
        label((frame.right, frame.bottom + 36), f"{panel.across} (logarithmic)", "axis-title", "end"),
        line((frame.left, up(1)), (frame.right, up(1)), "even", "hybrid and ANN alike"),
        *_here(panel, across, frame),
        group(path(points, "mean-line", panel.title), class_=css),
        *_crossing(panel, across, up, frame),
    ]


def _here(panel: Panel, across: Logarithmic, frame: Frame) -> list[Svg]:
    """Where the system at hand stands."""
    if panel.here is None or not min(panel.xs) <= panel.here <= max(panel.xs):
        return []
    x = across(panel.here)
    words = f"here {significant(panel.here)}"
    fits = x + 5 + text_width(words) < frame.right
    return [
        line((x, frame.top), (x, frame.bottom), "here"),
        label((x + 5 if fits else x - 5, frame.bottom - 8), words, "tick", "start" if fits else "end"),
    ]


def _crossing(panel: Panel, across: Logarithmic, up: Logarithmic, frame: Frame) -> list[Svg]:
    if panel.crossing is None:
        return []
    x, words = across(panel.crossing), f"even at {significant(panel.crossing)}"
    fits = x + 9 + text_width(words) < frame.right
    rising = panel.ratios[-1] > panel.ratios[0]
    # The curve leaves the crossing to the right: the words go to its other side.
    at = (x + 9 if fits else x - 9, up(1) + (17 if rising else -9))
    return [
        marker("circle", (x, up(1)), 4, "even-point", words),
        label(at, words, "tick strong", "start" if fits else "end"),
    ]
