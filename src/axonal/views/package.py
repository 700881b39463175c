"""The package seen from above: dies where they sit, their meshes and links drawn by load."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axonal.views.loads import LoadScale
from axonal.views.numbers import BIT, NS, significant
from axonal.views.svg import Svg, drawing, element, group, label, line, path, rectangle
from axonal.views.variants import Variant

__all__ = ["package"]

DIE = 176.0
GAP = 74.0
MARGIN = 2.0
TITLE = 20.0
PAD = 9.0
BYPASS = 18.0

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Die:
    """One die on the drawing.

    Args:
        name: Name of the chip.
        position: Column and row in the package.
        corner: Upper left corner in pixels.
        mesh: Columns and rows of its cores.
    """

    name: str
    position: tuple[int, int]
    corner: Point
    mesh: tuple[int, int]

    @property
    def pitch(self) -> float:
        """Distance of neighbouring cores in pixels."""
        return (DIE - 2 * PAD) / max(*self.mesh, 1)

    @property
    def centre(self) -> Point:
        """Middle of the die."""
        return self.corner[0] + DIE / 2, self.corner[1] + DIE / 2

    def core(self, at: Sequence[int]) -> Point:
        """Middle of the core at a mesh position."""
        left = self.corner[0] + (DIE - self.pitch * self.mesh[0]) / 2
        top = self.corner[1] + (DIE - self.pitch * self.mesh[1]) / 2
        return left + (at[0] + 0.5) * self.pitch, top + (at[1] + 0.5) * self.pitch


def package(system: Mapping[str, Any], variant: Variant, scale: LoadScale) -> Svg:
    """The package with the loads of one variant, for one inference."""
    dies = _dies(system.get("chips") or ())
    loads = list(variant.data.get("links") or ())
    inside = [load for load in loads if load["kind"] == "noc"]
    across = [load for load in loads if load["kind"] == "d2d"]
    inner = [_die(die, [load for load in inside if load["chip"] == die.name], scale) for die in dies]
    links = _links(dies, system.get("links") or (), across, scale)
    return drawing(_size(dies, system), f"Loads of the package, {variant.label}", *inner, *links, css="package")


def _size(dies: Sequence[Die], system: Mapping[str, Any]) -> Point:
    """Width and height, with room at the right and below where a link goes around dies."""
    columns, rows = (max((die.position[axis] for die in dies), default=0) + 1 for axis in (0, 1))
    right = 2 * MARGIN + columns * DIE + (columns - 1) * GAP
    bottom = 2 * MARGIN + rows * (DIE + TITLE) + (rows - 1) * GAP
    by_name = {die.name: die for die in dies}
    ends = [(by_name.get(str(link["a"])), by_name.get(str(link["b"]))) for link in system.get("links") or ()]
    bends = [point for a, b in ends if a and b for point in (*_way(a, b), *_way(b, a))]
    beyond_right = [x + GAP for x, _ in bends if x > right]
    beyond_bottom = [y + 22 for _, y in bends if y > bottom]
    return max([right, *beyond_right]), max([bottom, *beyond_bottom])


def _dies(chips: Iterable[Mapping[str, Any]]) -> list[Die]:
    def corner(column: int, row: int) -> Point:
        return MARGIN + column * (DIE + GAP), MARGIN + TITLE + row * (DIE + TITLE + GAP)

    return [
        Die(
            name=str(chip["name"]),
            position=(chip["column"], chip["row"]),
            corner=corner(chip["column"], chip["row"]),
            mesh=(chip["mesh_columns"], chip["mesh_rows"]),
        )
        for chip in chips
    ]


def _die(die: Die, loads: Iterable[Mapping[str, Any]], scale: LoadScale) -> Svg:
    size = die.pitch * 0.44
    cores = [
        f"M{x - size / 2:.1f} {y - size / 2:.1f}h{size:.1f}v{size:.1f}h-{size:.1f}z"
        for column in range(die.mesh[0])
        for row in range(die.mesh[1])
        for x, y in [die.core((column, row))]
    ]
    return group(
        rectangle(die.corner, (DIE, DIE), "die", radius=5),
        label((die.corner[0] + 1, die.corner[1] - 6), die.name, "die-name"),
        element("path", d=_idle_mesh(die), class_="idle"),
        *(_channel(die, load, scale) for load in sorted(loads, key=lambda load: load["bits"]) if load["bits"] > 0),
        element("path", d="".join(cores), class_="core"),
    )


def _idle_mesh(die: Die) -> str:
    columns, rows = die.mesh
    ends = [((column, 0), (column, rows - 1)) for column in range(columns)]
    ends += [((0, row), (columns - 1, row)) for row in range(rows)]
    points = [(*die.core(start), *die.core(end)) for start, end in ends]
    return "".join(f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" for x1, y1, x2, y2 in points)


def _beside(start: Point, end: Point, distance: float) -> tuple[Point, Point]:
    """A stroke moved to its right-hand side, where the direction of travel keeps clear of the opposite one."""
    length = math.dist(start, end) or 1.0
    across = (-(end[1] - start[1]) / length * distance, (end[0] - start[0]) / length * distance)
    return (start[0] + across[0], start[1] + across[1]), (end[0] + across[0], end[1] + across[1])


def _channel(die: Die, load: Mapping[str, Any], scale: LoadScale) -> Svg:
    start, end = _beside(die.core(load["source"]), die.core(load["target"]), die.pitch * 0.1)
    source, target = (",".join(map(str, load[end])) for end in ("source", "target"))
    title = f"{die.name} ({source})→({target}): {BIT.text(load['bits'])}, busy {NS.text(load['busy_ns'])}"
    step = scale.step(load["bits"])
    return line(start, end, f"l{step}", title, scale.width(load["bits"]) * min(die.pitch / 19, 1))


def _links(
    dies: Sequence[Die], links: Iterable[Mapping[str, Any]], loads: Iterable[Mapping[str, Any]], scale: LoadScale
) -> list[Svg]:
    by_name = {die.name: die for die in dies}
    bits = _bits(dies, loads)
    pairs = [(str(link["a"]), str(link["b"])) for link in links]
    pairs += [way for way in bits if way not in pairs and way[::-1] not in pairs]
    return [
        _direction(by_name[source], by_name[target], bits.get((source, target), 0.0), scale)
        for a, b in dict.fromkeys(pairs)
        if a in by_name and b in by_name
        for source, target in ((a, b), (b, a))
    ]


def _bits(dies: Sequence[Die], loads: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """Bits from die to die, by name; loads between positions without a die are left out."""
    at = {die.position: die.name for die in dies}
    bits: dict[tuple[str, str], float] = {}
    for load in loads:
        source, target = (at.get((load[end][0], load[end][1])) for end in ("source", "target"))
        if source and target:
            bits[source, target] = bits.get((source, target), 0.0) + load["bits"]
    return bits


def _direction(source: Die, target: Die, bits: float, scale: LoadScale) -> Svg:
    points = _way(source, target)
    if bits <= 0:
        return path(points, "idle-link", f"{source.name}→{target.name}: nothing")
    title = element("title", f"{source.name}→{target.name}: {significant(bits, 6)} bit")
    return group(title, *_arrow(points, scale.step(bits), scale.width(bits) * 1.5), _link_label(points, BIT.text(bits)))


def _way(source: Die, target: Die) -> list[Point]:
    """Straight to a neighbour; around the dies in between to one further along the same row or column."""
    columns, rows = (target.position[axis] - source.position[axis] for axis in (0, 1))
    if bool(columns) == bool(rows) or abs(columns + rows) < 2:
        return list(_beside(_edge(source, target), _edge(target, source), 7.0))
    forth = columns + rows > 0
    depth = BYPASS + 13 * (abs(columns + rows) - 2) + (11 if forth else 0)
    aside = 16 if forth else 5
    ends = [
        (die.centre[0] + aside * sign, die.corner[1] + DIE)
        if columns
        else (die.corner[0] + DIE, die.centre[1] + aside * sign)
        for die, sign in ((source, -1 if forth else 1), (target, 1 if forth else -1))
    ]
    bends = [(x, y + depth) if columns else (x + depth, y) for x, y in ends]
    return [ends[0], *bends, ends[1]]


def _edge(die: Die, other: Die) -> Point:
    """Where the straight way to another die leaves this one."""
    x, y = die.centre
    dx, dy = other.centre[0] - x, other.centre[1] - y
    reach = DIE / 2 / max(abs(dx), abs(dy), 1e-9)
    above = TITLE if dy < 0 and abs(dy) >= abs(dx) else 0.0
    return x + dx * reach, y + dy * reach - above


def _arrow(points: Sequence[Point], step: int, width: float) -> list[Svg]:
    before, end = points[-2:]
    length = math.dist(before, end) or 1.0
    ux, uy = (end[0] - before[0]) / length, (end[1] - before[1]) / length
    head = 5 + width
    x, y = end[0] - ux * head, end[1] - uy * head
    half = head / 2
    tip = [end, (x - uy * half, y + ux * half), (x + uy * half, y - ux * half)]
    shaft = path([*points[:-1], (x, y)], f"l{step} shaft", width=width)
    return [shaft, path(tip, f"l{step} fill")]


def _link_label(points: Sequence[Point], words: str) -> Svg:
    start, end = points[len(points) // 2 - 1 : len(points) // 2 + 1]
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    bypass = len(points) > 2
    if abs(end[0] - start[0]) > abs(end[1] - start[1]):
        return label((x, y + 17 if end[0] > start[0] else y - 9), words, "link-label", "middle")
    right = end[1] > start[1] if bypass else end[1] < start[1]
    return label((x + 8 if right else x - 8, y + 4), words, "link-label", "start" if right else "end")
