"""One network on chip or package under load: every channel in the colour of how much of its time it is occupied."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axonal.views.loads import COLOURS, UTILIZATION, legend, percent
from axonal.views.numbers import significant
from axonal.views.rendering import standalone
from axonal.views.svg import Svg, drawing, element, group, label, line, path, rectangle

__all__ = ["link_map", "map_figure", "wraps"]

SIDE = 620.0
"""Pixels that the larger side of the mesh should take."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Where the routers stand: dies are told apart by a gap.

    Args:
        columns: Number of columns, of all dies together.
        rows: Number of rows.
        pitch: Distance of neighbouring routers of a die in pixels.
        gaps: Columns and rows behind which another die begins.
        torus: Whether channels lead around it.
    """

    columns: int
    rows: int
    pitch: float
    gaps: tuple[frozenset[int], frozenset[int]]
    torus: bool

    @property
    def gap(self) -> float:
        """Additional pixels between dies."""
        return max(self.pitch * 0.8, 16.0)

    @property
    def margin(self) -> float:
        """Pixels around the mesh: channels around a torus leave and enter there."""
        return self.pitch * 0.6 + 6 if self.torus else 2.0

    def at(self, position: Sequence[int]) -> Point:
        """Middle of a router."""
        x, y = (
            self.margin + self.pitch * (place + 0.5) + self.gap * sum(place > gap for gap in gaps)
            for place, gaps in zip(position, self.gaps, strict=True)
        )
        return x, y

    @property
    def size(self) -> Point:
        """Width and height in pixels."""
        x, y = self.at((self.columns - 1, self.rows - 1))
        return x + self.pitch / 2 + self.margin, y + self.pitch / 2 + self.margin


def wraps(link: Mapping[str, Any]) -> bool:
    """Whether a channel inside a die leads around a torus: its ends are no neighbours."""
    (x0, y0), (x1, y1) = link["source"], link["target"]
    return bool(link["kind"] == "noc" and abs(x1 - x0) + abs(y1 - y0) > 1)


def link_map(mesh: Mapping[str, Any]) -> str:
    """Loads of the channels of a mesh, a torus or a package, as one self-contained SVG file with its legend.

    Args:
        mesh: `columns`, `rows`, and `links`, each with `source` and `target` (column and row), `kind` (`noc` or `d2d`),
            `flits_per_cycle` and `utilization`. Dies are told apart by the `d2d` links between neighbours.

    Raises:
        ValueError: A link ends outside of the mesh.
    """
    return standalone(map_figure(mesh))


def map_figure(mesh: Mapping[str, Any]) -> Svg:
    """The same for a page."""
    links = list(mesh.get("links") or ())
    shape = _mesh(mesh, links)
    ordered = sorted(links, key=lambda link: float(link["utilization"]))
    width, height = shape.size
    scale = legend(UTILIZATION, "Colour scale of the share of time a channel is occupied", percent)
    width = max(width, 380.0)
    return drawing(
        (width, height + 72),
        f"Loads of the channels of {shape.columns} by {shape.rows} routers",
        *_dies(shape),
        _idle(shape, links),
        *(_channel(shape, link) for link in ordered if link["utilization"] > 0),
        _routers(shape),
        group(scale, transform=f"translate({shape.margin - 12:g} {height + 8:g})"),
        label((shape.margin, height + 60), _hottest(ordered), "name"),
        css="link-map",
    )


def _mesh(mesh: Mapping[str, Any], links: Sequence[Mapping[str, Any]]) -> Mesh:
    columns, rows = int(mesh["columns"]), int(mesh["rows"])
    gaps: tuple[set[int], set[int]] = (set(), set())
    for link in links:
        (x0, y0), (x1, y1) = link["source"], link["target"]
        if not (0 <= min(x0, x1) <= max(x0, x1) < columns and 0 <= min(y0, y1) <= max(y0, y1) < rows):
            raise ValueError(f"link {_words(link)} ends outside of a mesh of {columns} columns and {rows} rows")
        if link["kind"] == "d2d" and abs(x1 - x0) + abs(y1 - y0) == 1:
            gaps[0 if x0 != x1 else 1].add(min(x0, x1) if x0 != x1 else min(y0, y1))
    pitch = min(max(SIDE / max(columns, rows), 12.0), 72.0)
    return Mesh(
        columns=columns,
        rows=rows,
        pitch=pitch,
        gaps=(frozenset(gaps[0]), frozenset(gaps[1])),
        torus=any(wraps(link) for link in links),
    )


def _words(link: Mapping[str, Any]) -> str:
    source, target = (",".join(map(str, link[end])) for end in ("source", "target"))
    return f"({source})→({target})"


def _blocks(count: int, gaps: Iterable[int]) -> list[tuple[int, int]]:
    """First and last place of each die along one axis."""
    ends = [*sorted(gaps), count - 1]
    return [(start, end) for start, end in zip([0, *(gap + 1 for gap in ends)], ends, strict=False)]


def _dies(mesh: Mesh) -> list[Svg]:
    half = mesh.pitch / 2
    boxes = []
    for left, right in _blocks(mesh.columns, mesh.gaps[0]):
        for top, bottom in _blocks(mesh.rows, mesh.gaps[1]):
            (x0, y0), (x1, y1) = mesh.at((left, top)), mesh.at((right, bottom))
            boxes.append(rectangle((x0 - half, y0 - half), (x1 - x0 + 2 * half, y1 - y0 + 2 * half), "die", radius=5))
    return boxes


def _idle(mesh: Mesh, links: Iterable[Mapping[str, Any]]) -> Svg:
    """The channels that carry nothing."""
    ends = [(mesh.at(link["source"]), mesh.at(link["target"])) for link in links if not wraps(link)]
    return element(
        "path", d="".join(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" for (x0, y0), (x1, y1) in ends), class_="idle"
    )


def _routers(mesh: Mesh) -> Svg:
    size = mesh.pitch * 0.34
    corners = [mesh.at((column, row)) for column in range(mesh.columns) for row in range(mesh.rows)]
    steps = "".join(f"M{x - size / 2:.1f} {y - size / 2:.1f}h{size:.1f}v{size:.1f}h-{size:.1f}z" for x, y in corners)
    return element("path", d=steps, class_="router")


def _channel(mesh: Mesh, link: Mapping[str, Any]) -> Svg:
    utilization = float(link["utilization"])
    step = UTILIZATION.step(utilization)
    width = (1.2 + 3.2 * step / (COLOURS - 1)) * min(mesh.pitch / 40, 1.2)
    across = link["kind"] == "d2d"
    words = f"{'link between dies ' if across else ''}{_words(link)}: {percent(utilization)} of its time occupied, "
    words += f"{significant(float(link['flits_per_cycle']))} flits per cycle"
    start, end = _ends(mesh.at(link["source"]), mesh.at(link["target"]), mesh.pitch)
    if wraps(link):
        return _around(mesh, (start, end), (step, width), words)
    if not across:
        return line(start, end, f"l{step}", words, width)
    return group(element("title", words), *_arrow(start, end, step, max(width * 1.3, 1.6)), class_="across")


def _ends(start: Point, end: Point, pitch: float) -> tuple[Point, Point]:
    """From router to router, on the right-hand side, where the opposite direction is not in the way."""
    length = math.dist(start, end) or 1.0
    ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    aside, short = pitch * 0.09, pitch * 0.17
    return (
        (start[0] - uy * aside + ux * short, start[1] + ux * aside + uy * short),
        (end[0] - uy * aside - ux * short, end[1] + ux * aside - uy * short),
    )


def _around(mesh: Mesh, ends: tuple[Point, Point], look: tuple[int, float], words: str) -> Svg:
    """A channel around the torus: out over one edge, in over the other."""
    (x0, y0), (x1, y1) = ends
    step, width = look
    length = math.dist(*ends) or 1.0
    back = ((x0 - x1) / length, (y0 - y1) / length)
    out, reach = mesh.pitch * 0.34, mesh.pitch * 0.7
    stubs = []
    for x, y, sign in ((x0, y0, 1), (x1, y1, -1)):
        # The ends were pulled towards each other: the stubs begin on the far side of their routers.
        start = (x + sign * back[0] * out, y + sign * back[1] * out)
        stubs.append((start, (start[0] + sign * back[0] * reach, start[1] + sign * back[1] * reach)))
    return group(element("title", words), *(line(*stub, f"l{step}", "", width) for stub in stubs))


def _arrow(start: Point, end: Point, step: int, width: float) -> list[Svg]:
    length = math.dist(start, end) or 1.0
    ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    head = 4 + 1.6 * width
    x, y = end[0] - ux * head, end[1] - uy * head
    tip = [end, (x - uy * head / 2, y + ux * head / 2), (x + uy * head / 2, y - ux * head / 2)]
    return [path([start, (x, y)], f"l{step} shaft", width=width), path(tip, f"l{step} fill")]


def _hottest(ordered: Sequence[Mapping[str, Any]]) -> str:
    if not ordered or ordered[-1]["utilization"] <= 0:
        return "no channel carries anything"
    return f"busiest: {_words(ordered[-1])}, {percent(float(ordered[-1]['utilization']))} of its time"
