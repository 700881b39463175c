"""How a network on chip takes load: latency and accepted traffic against what is offered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axonal.views.axes import Frame, Linear, Points, below, horizontal_axis, vertical_axis
from axonal.views.numbers import compact, is_number, significant
from axonal.views.rendering import standalone
from axonal.views.svg import Figure, Svg, drawing, group, label, line, marker, path, text_width
from axonal.views.variants import MARKERS

__all__ = ["curve_figure", "noc_curves"]

CLIP = 8.0
"""Latencies are drawn up to this multiple of that at the lowest load: beyond saturation they only say how long one
has looked."""

Drawn = Callable[[float, float], list[Svg]]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One network as its curves are drawn.

    Args:
        name: Name for people.
        slot: Number of its colour and its marker.
        total: Offered load and latency of packets, the wait at their source included.
        inside: The same without that wait.
        accepted: Offered and accepted load.
        saturated: Offered loads at which the network did not keep up.
        valid: Prediction where the analytical engine is within its range.
        doubtful: Prediction beyond, from the last valid point on.
        limit: Offered load at which the network saturates.
    """

    name: str
    slot: int
    total: Points
    inside: Points
    accepted: Points
    saturated: frozenset[float]
    valid: Points
    doubtful: Points
    limit: float | None

    @property
    def css(self) -> str:
        """Class that gives an element its colour."""
        return f"v{self.slot % 8}"

    @property
    def marker(self) -> str:
        """Shape of its points."""
        return MARKERS[self.slot % len(MARKERS)]


def noc_curves(curves: Sequence[Mapping[str, Any]]) -> str:
    """Latency and accepted load of some networks against offered load, as one self-contained SVG file.

    Args:
        curves: Each with `label`, `points` (`offered_flits_per_node_cycle`, `packet_latency_cycles` and, where known,
            `network_latency_cycles`, `accepted_flits_per_node_cycle`, `saturated`), and perhaps `saturation_load` and
            `analytical` (`offered_flits_per_node_cycle`, `packet_latency_cycles`, `valid`).

    Raises:
        ValueError: There is no curve, or none with a point.
    """
    return standalone(curve_figure(curves).wide)


def curve_figure(curves: Sequence[Mapping[str, Any]]) -> Figure:
    """The same for a page, in both sizes."""
    found = [_curve(item, slot) for slot, item in enumerate(curves)]
    if not any(curve.total for curve in found):
        raise ValueError(f"{len(found)} curves have 0 points, must be at least 1: simulate at least one load")
    return Figure(wide=_both(found, 960), narrow=_both(found, 358))


def _curve(item: Mapping[str, Any], slot: int) -> Curve:
    points = sorted(item.get("points") or (), key=lambda point: point["offered_flits_per_node_cycle"])
    predicted = sorted(item.get("analytical") or (), key=lambda point: point["offered_flits_per_node_cycle"])
    ends = next((i for i, point in enumerate(predicted) if point.get("valid") is False), len(predicted))
    limit = item.get("saturation_load")
    return Curve(
        name=str(item.get("label") or ""),
        slot=slot,
        total=_pairs(points, "packet_latency_cycles"),
        inside=_pairs(points, "network_latency_cycles"),
        accepted=_pairs(points, "accepted_flits_per_node_cycle"),
        saturated=frozenset(point["offered_flits_per_node_cycle"] for point in points if point.get("saturated")),
        valid=_pairs(predicted[:ends], "packet_latency_cycles"),
        doubtful=_pairs(predicted[max(ends - 1, 0) :], "packet_latency_cycles") if ends < len(predicted) else [],
        limit=float(limit) if is_number(limit) else None,
    )


def _pairs(points: Sequence[Mapping[str, Any]], field: str) -> Points:
    return [
        (float(point["offered_flits_per_node_cycle"]), float(point[field]))
        for point in points
        if is_number(point.get(field))
    ]


def _both(curves: Sequence[Curve], width: float) -> Svg:
    wide = width > 600
    legend, top = _legend(curves, width)
    upper = Frame(left=50, top=top + 24, right=width - 14, bottom=top + (334 if wide else 254))
    lower = Frame(left=50, top=upper.bottom + 78, right=width - 14, bottom=upper.bottom + (268 if wide else 228))
    reach = max(x for curve in curves for x, _ in curve.total)
    across = Linear(low=0, high=reach * 1.03 or 1.0, start=upper.left, end=upper.right)
    ticks = across.ticks(9 if wide else 5)
    words = "offered load, flits per node and cycle"
    parts: list[Svg] = [*legend]
    for frame, panel in ((upper, _latency(curves, upper, across)), (lower, _accepted(curves, lower, across))):
        parts += [
            horizontal_axis(frame, across, ticks, compact),
            *panel,
            label((frame.right, frame.bottom + 34), words, "axis-title", "end"),
        ]
    return drawing((width, lower.bottom + 42), "Latency and accepted load against offered load", *parts)


def _legend(curves: Sequence[Curve], width: float) -> tuple[list[Svg], float]:
    """Names and kinds of line, in as many rows as the width asks for, and the height they take."""
    one = len(curves) == 1
    entries = [(curve.name if one else _with_limit(curve), curve.css, _sample(curve.marker)) for curve in curves]
    if any(curve.saturated for curve in curves):
        entries.append(("saturated", _only(curves), lambda x, y: [marker("circle", (x + 11, y), 4, "open")]))
    if one and curves[0].inside:
        entries.append(("without the wait at the source", _only(curves), _stroke("thin-line")))
    if any(curve.valid for curve in curves):
        entries.append(("analytical", _only(curves), _stroke("dashed-line")))
    if any(curve.doubtful for curve in curves):
        entries.append(("analytical, outside its range", _only(curves), _stroke("faint-line")))
    parts: list[Svg] = []
    x, y = 2.0, 9.0
    for name, css, drawn in entries:
        room = 28 + text_width(name) + 16
        if x > 2 and x + room > width:
            x, y = 2.0, y + 20
        parts.append(group(*drawn(x, y), label((x + 28, y + 4), name, "name"), class_=css))
        x += room
    return parts, y + 16


def _with_limit(curve: Curve) -> str:
    """Beside other curves, where a label at the limit would lie on one of them."""
    return curve.name if curve.limit is None else f"{curve.name} (saturates at {significant(curve.limit)})"


def _only(curves: Sequence[Curve]) -> str:
    """Colour of a sign in the legend: that of the curve when it is alone, grey when it stands for all."""
    return curves[0].css if len(curves) == 1 else "v5"


def _sample(kind: str) -> Drawn:
    return lambda x, y: [path([(x, y), (x + 22, y)], "mean-line"), marker(kind, (x + 11, y), 4, "point")]


def _stroke(css: str) -> Drawn:
    return lambda x, y: [path([(x, y), (x + 22, y)], css)]


def _latency(curves: Sequence[Curve], frame: Frame, across: Linear) -> list[Svg]:
    floor = min(y for curve in curves for _, y in curve.total)
    highest = max(y for curve in curves for _, y in curve.total)
    # A curve that ends below is not squeezed into the lower part of an empty frame.
    top = min(max(highest * 1.08, floor * 1.6), floor * CLIP) or 1.0
    up = Linear(low=0, high=top, start=frame.bottom, end=frame.top)
    clipped = f" (up to {CLIP:g} times the lowest)" if highest > top else ""
    parts = [
        vertical_axis(frame, up, up.ticks(6), compact),
        label((0, frame.top - 10), f"Packet latency, cycles{clipped}", "axis-title"),
    ]
    for curve in curves:
        strokes = [(curve.doubtful, "faint-line"), (curve.valid, "dashed-line")]
        strokes += [(curve.inside, "thin-line")] if len(curves) == 1 else []
        strokes += [(curve.total, "mean-line")]
        lines = [_line(piece, across, up, css) for points, css in strokes for piece in below(points, top, across.high)]
        points = [_point(curve, point, across, up) for point in curve.total]
        limit = _limit(curve, across, frame, named=len(curves) == 1)
        parts.append(group(*limit, *lines, *points, class_=curve.css))
    return parts


def _line(points: Points, across: Linear, up: Linear, css: str) -> Svg:
    return path([(across(x), up(y)) for x, y in points], css)


def _point(curve: Curve, point: tuple[float, float], across: Linear, up: Linear) -> Svg:
    """A point of the curve; one that is too high hangs at the upper edge."""
    x, y = point
    saturated = x in curve.saturated
    words = f"{curve.name}: {significant(y)} cycles at {significant(x)} flits per node and cycle"
    words += ", saturated" if saturated else ""
    kind = "triangle" if y > up.high else curve.marker
    return marker(kind, (across(x), up(min(y, up.high))), 4.2, "open" if saturated else "point", words)


def _limit(curve: Curve, across: Linear, frame: Frame, *, named: bool) -> list[Svg]:
    if curve.limit is None or curve.limit > across.high:
        return []
    x = across(curve.limit)
    words = f"saturates at {significant(curve.limit)}"
    edge = line((x, frame.top), (x, frame.bottom), "edge", f"{curve.name} {words}")
    if not named:
        return [edge]
    fits = x - 6 - text_width(words, 11.5) > frame.left
    at = (x - 6 if fits else x + 6, frame.bottom - 8)
    return [edge, label(at, words, f"tick ink {curve.css}", "end" if fits else "start")]


def _accepted(curves: Sequence[Curve], frame: Frame, across: Linear) -> list[Svg]:
    values = [y for curve in curves for _, y in curve.accepted]
    if not values:
        return [label((0, frame.top - 10), "Accepted load was not counted", "axis-title")]
    up = Linear(low=0, high=max(values) * 1.12 or 1.0, start=frame.bottom, end=frame.top)
    end = min(across.high, up.high)
    parts = [
        vertical_axis(frame, up, up.ticks(4), compact),
        label((0, frame.top - 10), "Accepted load, flits per node and cycle", "axis-title"),
        line((across(0), up(0)), (across(end), up(end)), "here", "all that is offered is accepted"),
    ]
    for curve in curves:
        points = [_accepted_point(curve, point, across, up) for point in curve.accepted]
        parts.append(group(_line(curve.accepted, across, up, "mean-line"), *points, class_=curve.css))
    return parts


def _accepted_point(curve: Curve, point: tuple[float, float], across: Linear, up: Linear) -> Svg:
    x, y = point
    words = f"{curve.name}: {significant(y)} of {significant(x)} flits per node and cycle accepted"
    return marker(curve.marker, (across(x), up(y)), 3.6, "open" if x in curve.saturated else "point", words)
