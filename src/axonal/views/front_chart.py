"""The front of boundary codes as a picture: quality against bits, energy and latency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from axonal.views.axes import Frame, Linear, Logarithmic, below, horizontal_axis, round_ticks, vertical_axis
from axonal.views.front import PACKED_BITS, Front, Row, Series
from axonal.views.numbers import NS, PJ, Unit, compact, is_number, significant
from axonal.views.rendering import standalone
from axonal.views.svg import Figure, Svg, drawing, group, label, line, marker, path, text_width

__all__ = ["BITS", "COSTS", "Measure", "front_figure", "front_svg"]

CLIP = 8.0
"""Losses are drawn up to this multiple of the tolerance: beyond it nobody would use the code."""

WIDE, NARROW = 960.0, 358.0

ROOM = 1.35
"""Factor between the outermost values and the ends of their axis."""

Drawn = Callable[[float, float], Svg]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What is drawn from left to right.

    Args:
        field: Its name in a row.
        title: Name for people.
        unit: How it is stored; `None` for bits of an element.
    """

    field: str
    title: str
    unit: Unit | None = None

    def text(self, value: float) -> str:
        """One value with its unit."""
        return self.unit.text(value) if self.unit else f"{significant(value)} bits an element"


BITS = Measure(field="bits", title="really coded bits per element")
COSTS = (
    Measure(field="energy_pj", title="energy of an inference on the link", unit=PJ),
    Measure(field="latency_ns", title="latency of an inference on the link", unit=NS),
)


def front_svg(front: Front) -> str:
    """All three charts as one self-contained SVG file."""
    return standalone(_picture(front, [[BITS], list(COSTS)], WIDE))


def front_figure(front: Front, measures: Sequence[Measure]) -> Figure:
    """Charts beside each other, and one below the other where there is less room."""
    return Figure(wide=_picture(front, [list(measures)], WIDE), narrow=_picture(front, [[m] for m in measures], NARROW))


def _picture(front: Front, rows: Sequence[Sequence[Measure]], width: float) -> Svg:
    parts, top = _legend(front, width, packed=any(_packed(front, m) for row in rows for m in row))
    for row in rows:
        across, height = (width - 24 * (len(row) - 1)) / len(row), 350 if len(row) == 1 and width == WIDE else 250
        for number, measure in enumerate(row):
            left = number * (across + 24)
            # Beside a chart of full width there is room for the names of its horizontal lines.
            room = 84 if across > 600 else 8
            frame = Frame(left=left + 44, top=top + 26, right=left + across - room, bottom=top + 26 + height)
            parts += _chart(front, measure, frame, named=across > 600)
        top += height + 26 + 56
    return drawing((width, top), "Task quality against what crosses the boundary", *parts)


def _legend(front: Front, width: float, *, packed: bool) -> tuple[list[Svg], float]:
    """Codes and kinds of line in as many rows as the width asks for, and the height they take."""
    entries = [(item.code, item.css, _sample(item)) for item in front.series if item.slot is not None]
    others = sum(item.slot is None for item in front.series)
    if others:
        entries.append((f"{others} others", "v5 faded", lambda x, y: path([(x, y), (x + 22, y)], "thin-line")))
    if any(row["dominated"] for row in front.rows):
        entries.append(("another is better", "v5", lambda x, y: marker("circle", (x + 11, y), 3.6, "open")))
    kinds = [
        (f"dense network, {front.scale.with_unit(front.dense)}", "even"),
        (f"{front.allowed} worse", "finish"),
        *([(f"packed int8, {PACKED_BITS:g} bits", "here")] if packed else []),
    ]
    entries += [(name, "", _stroke(css)) for name, css in kinds]
    parts: list[Svg] = []
    x, y = 2.0, 9.0
    for name, css, drawn in entries:
        room = 28 + text_width(name) + 14
        if x > 2 and x + room > width:
            x, y = 2.0, y + 20
        parts.append(group(drawn(x, y), label((x + 28, y + 4), name, "name"), class_=css))
        x += room
    return parts, y + 16


def _values(front: Front, measure: Measure) -> list[float]:
    return [row[measure.field] for row in front.rows if is_number(row.get(measure.field)) and row[measure.field] > 0]


def _packed(front: Front, measure: Measure) -> bool:
    """Whether the bits of packed int8 are within a chart."""
    values = _values(front, measure)
    return measure is BITS and bool(values) and min(values) / ROOM <= PACKED_BITS <= max(values) * ROOM


def _sample(item: Series) -> Drawn:
    css = "dashed-line" if item.control else "mean-line"
    return lambda x, y: group(path([(x, y), (x + 22, y)], css), marker(item.marker, (x + 11, y), 4, "point"))


def _stroke(css: str) -> Drawn:
    return lambda x, y: line((x, y), (x + 22, y), css)


def _chart(front: Front, measure: Measure, frame: Frame, *, named: bool) -> list[Svg]:
    values = _values(front, measure)
    words = f"Quality against {measure.title}"
    if not values:
        return [label((frame.left - 44, frame.top - 10), f"{words}: not measured", "axis-title")]
    unit = measure.unit.scale(values) if measure.unit else None
    factor = unit.factor if unit else 1.0
    across = Logarithmic(
        low=min(values) * factor / ROOM, high=max(values) * factor * ROOM, start=frame.left, end=frame.right
    )
    up = _quality_axis(front, frame)
    title = f"{measure.title}{f', {unit.unit}' if unit else ''} (logarithmic)"
    panel = _Panel(front=front, measure=measure, frame=frame, across=across, up=up, factor=factor)
    return [
        _quality_ticks(front, frame, up),
        horizontal_axis(frame, across, across.ticks(9 if named else 5), compact),
        label((frame.left - 44, frame.top - 10), _quality_title(front), "axis-title"),
        label((frame.right, frame.bottom + 36), title, "axis-title", "end"),
        *_guides(front, frame, panel, named=named),
        # Those that stand out lie above the others, the best on top.
        *(panel.curve(item) for item in reversed(front.series)),
    ]


def _quality_axis(front: Front, frame: Frame) -> Linear:
    """From the worst that is drawn, at the bottom, to the best."""
    losses = [row["loss"] for row in front.rows]
    limit = max(CLIP * front.tolerance, 2 * min(losses))
    ends = [(row["loss"] - row["quality_spread"], row["loss"] + row["quality_spread"]) for row in front.rows]
    worst = min(max(2 * front.tolerance, *(end for _, end in ends)), limit)
    best = min(0.0, *(end for end, _ in ends))
    room = 0.07 * (worst - best)
    return Linear(
        low=front.quality_at(worst + room), high=front.quality_at(best - room), start=frame.bottom, end=frame.top
    )


def _quality_title(front: Front) -> str:
    scale = front.scale
    return f"{scale.title}{f', {scale.unit}' if scale.unit else ''}{'' if front.rising else ' (less is better)'}"


def _quality_ticks(front: Front, frame: Frame, up: Linear) -> Svg:
    factor = front.scale.factor
    ticks = round_ticks(min(up.low, up.high) * factor, max(up.low, up.high) * factor, 6)
    return vertical_axis(frame, up, [tick / factor for tick in ticks], lambda value: compact(round(value * factor, 9)))


def _guides(front: Front, frame: Frame, panel: _Panel, *, named: bool) -> list[Svg]:
    """The dense network, the tolerance, and packed int8."""
    parts: list[Svg] = []
    for quality, css, words in (
        (front.dense, "even", "dense"),
        (front.quality_at(front.tolerance), "finish", f"{front.allowed.partition(' ')[0]} worse"),
    ):
        y = panel.up(quality)
        title = f"{'dense network' if css == 'even' else front.allowed + ' worse'}: {front.scale.with_unit(quality)}"
        parts.append(line((frame.left, y), (frame.right, y), css, title))
        if named:
            parts.append(label((frame.right + 6, y + 4), words, "tick"))
    if _packed(front, panel.measure):
        x = panel.across(PACKED_BITS)
        parts.append(line((x, frame.top), (x, frame.bottom), "here", f"packed int8: {PACKED_BITS:g} bits an element"))
    return parts


@dataclass(frozen=True, kw_only=True)
class _Panel:
    """One chart, ready for its curves."""

    front: Front
    measure: Measure
    frame: Frame
    across: Logarithmic
    up: Linear
    factor: float

    def curve(self, item: Series) -> Svg:
        """A code: its line through its targets, spreads and points."""
        rows = [row for row in item.rows if is_number(row.get(self.measure.field)) and row[self.measure.field] > 0]
        track = [self._at(row) for row in rows]
        quiet = item.slot is None
        css = "thin-line" if quiet else "dashed-line" if item.control else "mean-line"
        lines = [path(piece, css) for piece in below(track, self.frame.bottom, self.frame.right + 1) if len(piece) > 1]
        # Spreads of all of many codes would hide their points; the table has them.
        spreads = [] if quiet else [self._spread(row, at) for row, at in zip(rows, track, strict=True)]
        points = [self._point(item, row, at) for row, at in zip(rows, track, strict=True)]
        return group(*lines, *spreads, *points, class_=f"{item.css}{' faded' if quiet else ''}")

    def _at(self, row: Row) -> tuple[float, float]:
        return self.across(row[self.measure.field] * self.factor), self.up(row["quality"])

    def _spread(self, row: Row, at: tuple[float, float]) -> Svg:
        if row["seeds"] < 2 or at[1] > self.frame.bottom:
            return group()
        ends = [self.up(row["quality"] + sign * row["quality_spread"]) for sign in (-1, 1)]
        low, high = (min(max(end, self.frame.top), self.frame.bottom) for end in ends)
        x = at[0]
        return group(
            line((x, low), (x, high), "whisker"), *(line((x - 3, y), (x + 3, y), "whisker") for y in (low, high))
        )

    def _point(self, item: Series, row: Row, at: tuple[float, float]) -> Svg:
        """A target of the code; one that is too bad hangs at the lower edge."""
        x, y = at
        radius = 2.2 if item.slot is None else 4.2
        kind = "wedge" if y > self.frame.bottom else "circle" if item.slot is None else item.marker
        css = "open" if row["dominated"] else "point"
        return marker(kind, (x, min(y, self.frame.bottom)), radius, css, self._words(item, row))

    def _words(self, item: Series, row: Row) -> str:
        scale = self.front.scale
        target = "" if row["target"] is None else f" at target {row['target']:g}"
        spread = f" ± {scale.text(row['quality_spread'])}" if row["seeds"] > 1 else ""
        cost = self.measure.text(row[self.measure.field])
        return f"{item.code}{target}: {scale.with_unit(row['quality'])}{spread}, {cost}"
