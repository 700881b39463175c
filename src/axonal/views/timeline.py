"""One inference over time: what each die computes, what each die-to-die link carries, and when something waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axonal.views.axes import Frame, Linear, horizontal_axis
from axonal.views.intervals import Interval, lanes, merged, united
from axonal.views.numbers import NS, Scale, compact
from axonal.views.svg import Figure, Svg, drawing, hatched, label, line, rectangle, text_width
from axonal.views.variants import Variant, prime

__all__ = ["timeline"]

TITLES = {
    "compute": "compute on the die",
    "noc": "network on chip",
    "d2d": "die-to-die link",
    "wait": "something waits",
}
HEAD = 30.0
ROW = 24.0
LANE = 7.0
STALL = 5.0
"""Height of the strip of waits: they are no work, and must not look like it."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """One row of the picture: a die with what its network carries, or a link.

    Args:
        title: Name of the row.
        main: Work of the die, or transfers of the link.
        under: Transfers inside the die, drawn as a thin line below.
        waits: Times at which at least one of its resources waits, as a hatched strip at the bottom.
    """

    title: str
    main: tuple[Interval, ...]
    under: tuple[Interval, ...] = ()
    waits: tuple[Interval, ...] = ()

    @property
    def below(self) -> float:
        """Pixels under the work."""
        return (4 if self.under else 0) + (STALL + 2 if self.waits else 0)

    @property
    def height(self) -> float:
        """Pixels the row needs; a row with many lanes grows."""
        return max(ROW, 6 + LANE * (max(lanes(self.main), default=0) + 1)) + self.below

    @property
    def everything(self) -> tuple[Interval, ...]:
        """All that is drawn in the row."""
        return (*self.main, *self.under, *self.waits)


def timeline(result: Mapping[str, Any]) -> Figure | None:
    """Hybrid above ANN on one time axis; `None` when neither has a timeline."""
    shown = [variant for variant in prime(result) if variant.data.get("timeline")]
    if not shown:
        return None
    chips = [str(chip["name"]) for chip in (result.get("system") or {}).get("chips") or ()]
    stacks = [(variant, _tracks(variant.data["timeline"], chips)) for variant in shown]
    return Figure(wide=_gantt(stacks, 960), narrow=_gantt(stacks, 358))


def _tracks(spans: Iterable[Mapping[str, Any]], chips: Sequence[str]) -> list[Track]:
    """Dies in the order of the system, then links in the order of their first transfer."""
    spans = list(spans)
    links = dict.fromkeys(str(span["resource"]) for span in spans if span["kind"] == "d2d")
    by_row: dict[tuple[str, str], list[Interval]] = {}
    for span in spans:
        kind, resource = str(span["kind"]), str(span["resource"])
        start = float(span["start_ns"])
        row = (kind, resource if resource in links else str(span["chip"]))
        interval = Interval(
            name=str(span["name"]), kind=kind, start_ns=start, end_ns=start + float(span["duration_ns"])
        )
        by_row.setdefault(row, []).append(interval)
    names = dict.fromkeys([*chips, *(name for _, name in by_row if name not in links)])
    tracks = [_track_of(name, "compute", by_row) for name in names]
    across = [_track_of(name, "d2d", by_row) for name in links]
    shown = [track for track in tracks if track.everything]
    return shown + sorted(across, key=lambda link: link.main[0].start_ns)


def _track_of(name: str, kind: str, by_row: Mapping[tuple[str, str], Sequence[Interval]]) -> Track:
    return Track(
        title=name,
        main=tuple(merged(by_row.get((kind, name), ()))),
        under=tuple(merged(by_row.get(("noc", name), ()))),
        waits=tuple(united(by_row.get(("wait", name), ()))),
    )


def _gantt(stacks: Sequence[tuple[Variant, list[Track]]], width: float) -> Svg:
    ends = [one.end_ns for _, tracks in stacks for track in tracks for one in track.everything]
    longest = max([*ends, *(float(variant.data.get("latency_ns") or 0) for variant, _ in stacks)])
    scale = NS.scale([longest])
    titles = [_arrows(track.title) for _, tracks in stacks for track in tracks]
    left = min(max(text_width(title) for title in titles) + 12, width * 0.3)
    top = 28.0
    heights = [HEAD + sum(track.height for track in tracks) for _, tracks in stacks]
    frame = Frame(left=left, top=top, right=width - 10, bottom=top + sum(heights) + 14 * (len(stacks) - 1))
    axis = Linear(low=0, high=longest * scale.factor * 1.01, start=left, end=frame.right)
    ticks = axis.ticks(9 if width > 600 else 5)
    parts = [horizontal_axis(frame, axis, ticks, compact)]
    for (variant, tracks), height in zip(stacks, heights, strict=True):
        parts.extend(_stack(variant, tracks, axis, scale, top))
        top += height + 14
    parts.append(label((frame.right, frame.bottom + 34), f"time, {scale.unit}", "axis-title", "end"))
    return drawing((width, frame.bottom + 40), "Timeline of one inference", *_legend(stacks), *parts)


def _arrows(title: str) -> str:
    return title.replace("->", "→")


def _legend(stacks: Sequence[tuple[Variant, list[Track]]]) -> list[Svg]:
    used = {one.kind for _, tracks in stacks for track in tracks for one in track.everything}
    parts: list[Svg] = []
    x = 2.0
    for kind, title in TITLES.items():
        if kind in used:
            words = title.split(" ")[0] if kind == "compute" else title
            box = hatched((x, 2), (12, 12)) if kind == "wait" else rectangle((x, 2), (12, 12), f"e-{kind}", radius=2)
            parts += [box, label((x + 18, 12.5), words, "name")]
            x += 18 + text_width(words) + 12
    return parts


def _stack(variant: Variant, tracks: Sequence[Track], axis: Linear, scale: Scale, top: float) -> list[Svg]:
    latency = float(variant.data.get("latency_ns") or 0)
    words = f"{variant.name}: {NS.text(latency)}"
    parts = [label((2, top + 20), words, "name strong")]
    y = top + HEAD
    for track in tracks:
        parts.extend(_track(track, axis, scale, y))
        y += track.height
    x = axis(latency * scale.factor)
    return [*parts, line((x, top + 8), (x, y), "finish", f"{variant.name} ends at {NS.text(latency)}")]


def _track(track: Track, axis: Linear, scale: Scale, top: float) -> list[Svg]:
    inner = track.height - track.below - 5
    bottom = top + track.height - track.below
    parts = [
        line((2, top + track.height), (axis.end, top + track.height), "rule"),
        label((axis.start - 9, top + track.height / 2 + 4), _arrows(track.title), "tick", "end"),
    ]
    lane_of = lanes(track.main)
    lane_height = inner / (max(lane_of, default=0) + 1)
    for one, lane in zip(track.main, lane_of, strict=True):
        parts.extend(_bar(one, axis, scale, (top + 3 + lane * lane_height, lane_height)))
    for one in track.under:
        start, end = axis(one.start_ns * scale.factor), axis(one.end_ns * scale.factor)
        parts.append(rectangle((start, bottom - 1), (max(end - start, 0.8), 3), "e-noc", _title(one)))
    for one in track.waits:
        start, end = axis(one.start_ns * scale.factor), axis(one.end_ns * scale.factor)
        parts.append(hatched((start, top + track.height - STALL - 1), (max(end - start, 0.8), STALL), _waiting(one)))
    return parts


def _bar(one: Interval, axis: Linear, scale: Scale, rows: tuple[float, float]) -> list[Svg]:
    top, height = rows
    start, end = axis(one.start_ns * scale.factor), axis(one.end_ns * scale.factor)
    box = rectangle((start, top), (max(end - start - 0.5, 0.8), height - 0.5), f"e-{one.kind}", _title(one), radius=1.5)
    if height < 11 or text_width(one.name, 10.5) + 6 > end - start:
        return [box]
    return [box, label(((start + end) / 2, top + height / 2 + 3.5), one.name, f"in-bar on-{one.kind}", "middle")]


def _title(one: Interval) -> str:
    pieces = f", {one.count} parts" if one.count > 1 else ""
    return f"{one.name}: {NS.text(one.start_ns)} to {NS.text(one.end_ns)}{pieces}"


def _waiting(one: Interval) -> str:
    more = f" and {one.count - 1} more" if one.count > 1 else ""
    return f"waits: {one.name}{more}, {NS.text(one.start_ns)} to {NS.text(one.end_ns)}"
