"""Speed of each coding over fp16 at each rate, measured and predicted, as one SVG file for each network."""

from __future__ import annotations

import math
from itertools import chain

from weighing import Result, codings, equal, rates, speed

from axonal.views.axes import Frame, Logarithmic, horizontal_axis
from axonal.views.rendering import standalone
from axonal.views.svg import Svg, drawing, label, line, marker

WIDTH, LEFT, TOP, ROW, GAP = 860.0, 150.0, 52.0, 20.0, 22.0
TICKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32)


def speeds(result: Result) -> str:
    """A panel for each rate, a row for each coding."""
    names, places = codings(result), rates(result)
    bottom = TOP + ROW * len(names)
    values = [speed(result, name, rate).gain for name in names for rate in places]
    low, high = min(0.5, *values) / 1.15, max(2.0, *values) * 1.3
    width = (WIDTH - LEFT - 10 - GAP * (len(places) - 1)) / len(places)
    parts = [
        *_sample((LEFT, 12), "v0", "as good as the dense network"),
        *_sample((LEFT + 210, 12), "v1", "worse than that"),
        line((LEFT + 341, 6), (LEFT + 341, 18), "axis"),
        label((LEFT + 350, 16), "predicted by advise", "tick"),
        *(label((LEFT - 8, _row(place) + 4), name, "tick", "end") for place, name in enumerate(names)),
    ]
    for number, rate in enumerate(places):
        left = LEFT + number * (width + GAP)
        frame = Frame(left=left, top=TOP, right=left + width, bottom=bottom)
        across = Logarithmic(low=low, high=high, start=frame.left + 4, end=frame.right - 4)
        parts += _panel(result, rate, frame, across)
    parts.append(label((WIDTH - 10, bottom + 34), f"{result['unit']} a second over those of fp16", "axis-title", "end"))
    return standalone(drawing((WIDTH, bottom + 44), f"Speed over fp16: {result['title']}", *parts))


def _row(place: int) -> float:
    return TOP + ROW * (place + 0.5)


def _sample(at: tuple[float, float], css: str, words: str) -> list[Svg]:
    kind = "circle" if css == "v0" else "diamond"
    return [marker(kind, at, 4, f"{css} point"), label((at[0] + 10, at[1] + 4), words, "tick")]


def _panel(result: Result, rate: float, frame: Frame, across: Logarithmic) -> list[Svg]:
    shown = [tick for tick in TICKS if across.low <= tick <= across.high]
    found = {name: speed(result, name, rate) for name in codings(result)}
    reference = found["fp16"]
    parts = [
        label((frame.left, TOP - 10), f"{rate:g} Mbit/s, fp16: {reference.median:,.0f}/s", "axis-title"),
        horizontal_axis(frame, across, shown, lambda value: f"{value:g}x"),
        line((across(1.0), frame.top), (across(1.0), frame.bottom), "axis"),
    ]
    return [*parts, *chain.from_iterable(_point(result, rate, across, place) for place in range(len(found)))]


def _point(result: Result, rate: float, across: Logarithmic, place: int) -> list[Svg]:
    name = codings(result)[place]
    found, reference = speed(result, name, rate), speed(result, "fp16", rate)
    good = equal(result, name)
    words = f"{name}: {found.gain:.2f}x, {found.median:,.0f} {result['unit']} a second"
    parts = [
        marker(
            "circle" if good else "diamond",
            (across(found.gain), _row(place)),
            4,
            "v0 point" if good else "v1 point",
            words,
        )
    ]
    if found.predicted_ms is not None and math.isfinite(found.predicted_ms):
        said = across(min(max(reference.period_ms / found.predicted_ms, across.low), across.high))
        parts.append(line((said, _row(place) - 7), (said, _row(place) + 7), "axis"))
    return parts
