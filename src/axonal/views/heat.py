"""How occupied the channels are over time: a row for each of the busiest, a colour for each share of an interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from axonal.views.axes import Frame, Linear, horizontal_axis
from axonal.views.loads import UTILIZATION, percent
from axonal.views.numbers import NS, compact, is_number
from axonal.views.svg import Figure, Svg, boxes, drawing, group, label, line, rectangle, text_width
from axonal.views.variants import Variant

__all__ = ["Heat", "binned", "heat"]

MOST_ROWS = 40
FEWEST_CHANNELS = 12
"""Rows that links between dies leave to the channels inside them, when there are more links than can be drawn."""

ROW, HEAD = 14.0, 21.0


@dataclass(frozen=True, kw_only=True)
class Heat:
    """The picture and what it does not show.

    Args:
        figure: A row for each channel, grouped by the die that it starts in.
        rows: Channels that are drawn.
        left_out: Channels that are less busy than those that are drawn.
        links_left_out: How many of the latter lie between dies.
    """

    figure: Figure
    rows: int
    left_out: int
    links_left_out: int


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Loads over time and the time they are counted over."""

    groups: tuple[tuple[str, tuple[Mapping[str, Any], ...]], ...]
    interval_ns: float
    latency_ns: float

    @property
    def end_ns(self) -> float:
        """End of the last interval."""
        return max(len(link["utilization"]) for _, links in self.groups for link in links) * self.interval_ns


def heat(variant: Variant, chips: Iterable[str] = ()) -> Heat | None:
    """The busiest channels of a variant over one inference; `None` where loads over time were not counted."""
    interval_ns = variant.data.get("interval_ns")
    links = list(variant.data.get("links") or ())
    counted = [link for link in links if link.get("utilization")]
    if not counted or not is_number(interval_ns) or interval_ns <= 0:
        return None
    chosen = _busiest(counted)
    names = dict.fromkeys([*chips, *(str(link["chip"]) for link in chosen)])
    groups = [(name, tuple(link for link in chosen if link["chip"] == name)) for name in names]
    latency = variant.data.get("latency_ns")
    shown = Counted(
        groups=tuple((name, members) for name, members in groups if members),
        interval_ns=interval_ns,
        latency_ns=latency if is_number(latency) else 0.0,
    )
    words = f"Load of the busiest channels over time, {variant.label}"
    return Heat(
        figure=Figure(wide=_picture(shown, 960, words), narrow=_picture(shown, 358, words)),
        rows=len(chosen),
        left_out=len(links) - len(chosen),
        links_left_out=sum(link["kind"] == "d2d" for link in links) - sum(link["kind"] == "d2d" for link in chosen),
    )


def _busiest(links: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Links between dies before channels inside them, the busier first."""
    ordered = sorted(links, key=lambda link: (link["kind"] != "d2d", -link["busy_ns"]))
    inside = [link for link in ordered if link["kind"] != "d2d"]
    across = ordered[: len(ordered) - len(inside)][: MOST_ROWS - min(len(inside), FEWEST_CHANNELS)]
    return [*across, *inside[: MOST_ROWS - len(across)]]


def binned(shares: Sequence[float], most: int) -> tuple[list[float], int]:
    """Means over as few neighbouring intervals as leave at most `most` of them, and how many those are.

    Example:
        >>> binned([0.0, 1.0, 0.5], most=2)
        ([0.5, 0.5], 2)
    """
    size = -(-len(shares) // most)
    return [fmean(shares[start : start + size]) for start in range(0, len(shares), size)], max(size, 1)


def _picture(shown: Counted, width: float, description: str) -> Svg:
    wide = width > 600
    scale = NS.scale([shown.end_ns])
    left = max(text_width(_name(link), 11) for _, links in shown.groups for link in links) + (24 if wide else 14)
    height = sum(HEAD + ROW * len(links) for _, links in shown.groups)
    frame = Frame(left=left, top=2, right=width - 12, bottom=height + 8)
    axis = Linear(low=0, high=shown.end_ns * scale.factor, start=left, end=frame.right)
    rows: list[Svg] = []
    top = frame.top
    for name, links in shown.groups:
        rows.append(label((2, top + HEAD - 6), name, "name strong"))
        top += HEAD
        for link in links:
            rows.append(_row(link, axis, top, shown.interval_ns * scale.factor))
            top += ROW
    ends = axis(shown.latency_ns * scale.factor)
    if 0 < shown.latency_ns <= shown.end_ns * 1.001:
        rows.append(line((ends, frame.top), (ends, frame.bottom), "finish", f"ends at {NS.text(shown.latency_ns)}"))
    return drawing(
        (width, frame.bottom + 40),
        description,
        horizontal_axis(frame, axis, axis.ticks(9 if wide else 4), compact),
        *rows,
        label((frame.right, frame.bottom + 34), f"time, {scale.unit}", "axis-title", "end"),
    )


def _name(link: Mapping[str, Any]) -> str:
    if link["kind"] == "d2d":
        return str(link["name"]).replace("->", "→")
    source, target = (",".join(map(str, link[end])) for end in ("source", "target"))
    return f"{source} → {target}"


def _row(link: Mapping[str, Any], axis: Linear, top: float, interval: float) -> Svg:
    """One channel: equal colours together in one path, because a thousand boxes a row are slow to draw."""
    shares = [min(max(float(share), 0.0), 1.0) for share in link["utilization"]]
    means, size = binned(shares, int((axis.end - axis.start) / 4))
    coloured: dict[int, list[tuple[float, float]]] = {}
    for index, share in enumerate(means):
        if share > 0:
            start, end = index * size, min((index + 1) * size, len(shares))
            coloured.setdefault(UTILIZATION.step(share), []).append((axis(start * interval), axis(end * interval)))
    words = f"{_name(link)}: occupied {percent(fmean(shares))} of the time, at most {percent(max(shares))}"
    waited = link.get("waited_ns") or 0.0
    words = words if link["kind"] == "d2d" else f"{link['chip']} {words}"
    words += f"; flits waited {NS.text(waited)} in front of it" if waited else ""
    css = "tick strong" if link["kind"] == "d2d" else "tick"
    return group(
        rectangle((axis.start, top), (axis.end - axis.start, ROW - 1.5), "heat-row", words),
        label((axis.start - 7, top + ROW - 3.5), _name(link), css, "end"),
        *(boxes(spans, (top, ROW - 1.5), f"l{step} fill", words) for step, spans in sorted(coloured.items())),
    )
