"""The slow twin of the link loads: every tensor is walked hop by hop."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from simulation_cases import Case

from axonal import wire
from axonal.hardware import Chip, System
from axonal.mapping import Tile
from axonal.workload import Traffic

Position = tuple[int, int]
Step = tuple[str, Position, Position]
"""Die and mesh positions; for a link the name `a->b` and the package positions."""

Range = tuple[Fraction, Fraction]
"""Start and end within [0, 1)."""

ALL: Range = (Fraction(0), Fraction(1))


def walk(start: Position, end: Position, axes: tuple[int, int] = (0, 1)) -> list[tuple[Position, Position]]:
    """Steps along one axis until the position on it is right, then along the other; left or right first."""
    steps, at = [], list(start)
    for axis in axes:
        while at[axis] != end[axis]:
            before = at[0], at[1]
            at[axis] += 1 if at[axis] < end[axis] else -1
            steps.append((before, (at[0], at[1])))
    return steps


def gate(chip: Chip, other: Chip) -> Position:
    """Middle of the side that faces the other die."""
    columns, rows = chip.noc.columns, chip.noc.rows
    right, down = other.column - chip.column, other.row - chip.row
    if abs(right) >= abs(down):
        return (columns - 1 if right >= 0 else 0, rows // 2)
    return (columns // 2, rows - 1 if down > 0 else 0)


def meshed(system: System) -> bool:
    """Whether the dies fill a rectangle and links join exactly those that stand side by side."""
    at = {(chip.column, chip.row): chip.name for chip in system.chips}
    width, height = (1 + max(place[axis] for place in at) for axis in (0, 1))
    beside = [((x, y), (x + 1, y)) for x, y in at] + [((x, y), (x, y + 1)) for x, y in at]
    pairs = {frozenset((at[a], at[b])) for a, b in beside if a in at and b in at}
    return len(at) == width * height and pairs == {frozenset((link.a, link.b)) for link in system.links}


def door(chip: Chip, at: Position, column: int, other: Chip) -> Position:
    """Where something leaves for the die beside: straight on in its row, or in its column to those above and below."""
    if chip.row == other.row:
        return (chip.noc.columns - 1 if other.column > chip.column else 0, at[1])
    return (column, chip.noc.rows - 1 if other.row > chip.row else 0)


def stops(system: System, path: Sequence[Chip], start: Position) -> list[tuple[Position, Position]]:
    """For each die of a path but the last where something comes in and leaves, and last where it comes in."""
    source, target = path[0], path[-1]
    column = start[0] * target.noc.columns // source.noc.columns
    found, at = [], start
    for chip, other in itertools.pairwise(path):
        leaves = door(chip, at, column, other) if meshed(system) else gate(chip, other)
        found.append((at, leaves))
        at = door(other, leaves, column, chip) if meshed(system) else gate(other, chip)
    return [*found, (at, at)]


def die_path(system: System, start: str, end: str) -> list[str]:
    """Shortest path; links along a row of dies first, else in file order."""
    row = {chip.name: chip.row for chip in system.chips}
    links = sorted(system.links, key=lambda link: row[link.a] != row[link.b])
    paths = [[start]]
    while True:
        for path in paths:
            if path[-1] == end:
                return path
        longer = []
        for path in paths:
            for link in links:
                if path[-1] in (link.a, link.b):
                    other = link.b if path[-1] == link.a else link.a
                    longer += [[*path, other]] if other not in path else []
        paths = longer


def inside_bits(edge: Traffic) -> float:
    return edge.elements * edge.element_bits if edge.symbols == "dense" else wire.bits(wire.cheapest(edge), edge)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The part of a tensor that one router has and another one needs, as a range of [0, 1), on one die."""

    chip: str
    start: Position
    end: Position
    part: Range
    axes: tuple[int, int] = (0, 1)

    @property
    def steps(self) -> list[tuple[Position, Position]]:
        return walk(self.start, self.end, self.axes)


def ranges(tiles: Sequence[Tile]) -> list[Range]:
    """Each tile's share of [0, 1), one behind the other; in fractions, as sums of floats are not exact."""
    found, start = [], Fraction(0)
    for tile in tiles:
        end = start + Fraction(tile.share).limit_denominator(10**6)
        found.append((start, end))
        start = end
    return found


def needs(edges: Sequence[Traffic], case: Case) -> list[tuple[int, Range]]:
    """Which core needs which range."""
    found = []
    for edge in edges:
        tiles = case.placement.by_layer[edge.target]
        for tile, part in zip(tiles, ranges(tiles), strict=True):
            found.append((tile.core, part if edge.scattered else ALL))
    return found


def walks(edges: Sequence[Traffic], case: Case) -> list[Walk]:
    """All walks of one tensor to one die."""
    source = case.placement.by_layer[edges[0].source]
    wanted = needs(edges, case)
    there = case.placement.by_layer[edges[0].target][0].chip
    path = [case.system.by_name[name] for name in die_path(case.system, source[0].chip, there)]
    last = path[-1]
    axes = (1, 0) if meshed(case.system) and path[0].row != last.row else (0, 1)
    found = []
    for tile, held in zip(source, ranges(source), strict=True):
        *between, (start, _) = stops(case.system, path, place(path[0], tile.core))
        for chip, (enters, leaves) in zip(path[:-1], between, strict=True):
            found.append(Walk(chip=chip.name, start=enters, end=leaves, part=held))
        for core, needed in wanted:
            part = max(held[0], needed[0]), min(held[1], needed[1])
            if part[0] < part[1]:
                found.append(Walk(chip=last.name, start=start, end=place(last, core), part=part, axes=axes))
    return found


def cuts(edges: Sequence[Traffic], case: Case) -> list[Range]:
    """The pieces that a tensor falls into: cut where a tile ends that holds a part of it, or needs only that."""
    tiles = case.placement.by_layer
    ways = {edge.target: edge.scattered for edge in reversed(edges)}
    ways |= {edge.target: False for edge in edges if not edge.scattered}
    layers = [edges[0].source, *(name for name, scattered in ways.items() if scattered)]
    ends = sorted({end for layer in layers for part in ranges(tiles[layer]) for end in part})
    return list(itertools.pairwise(ends))


def whole(parts: Sequence[Range], edges: Sequence[Traffic], case: Case) -> float:
    """Bits of the whole flits of all pieces that lie within some parts."""
    ends = (case.placement.by_layer[name][0].chip for name in (edges[0].source, edges[0].target))
    bits = Fraction(inside_bits(edges[0]) if len(set(ends)) == 1 else link_bits(edges[0]))
    flit_bits = case.system.chips[0].noc.flit_bits
    inside = [end - start for start, end in cuts(edges, case) if any(a <= start and end <= b for a, b in parts)]
    return float(sum(flit_bits * math.ceil((size * bits / flit_bits).limit_denominator(10**6)) for size in inside))


def entries(edges: Sequence[Traffic], case: Case) -> dict[int, float]:
    """Bits of a tensor that start at which router of the die of its targets, there or from another die."""
    source = case.placement.by_layer[edges[0].source]
    there = case.placement.by_layer[edges[0].target][0].chip
    path = [case.system.by_name[name] for name in die_path(case.system, source[0].chip, there)]
    found: dict[int, float] = {}
    for tile, part in zip(source, ranges(source), strict=True):
        column, row = stops(case.system, path, place(path[0], tile.core))[-1][0]
        router = row * path[-1].noc.columns + column
        found[router] = found.get(router, 0.0) + whole([part], edges, case)
    return found


def place(chip: Chip, core: int) -> Position:
    return core % chip.noc.columns, core // chip.noc.columns


def moved(case: Case) -> list[list[Traffic]]:
    """Edges that carry one tensor to one die."""
    tiles = case.placement.by_layer
    found: dict[tuple[str, tuple[str, ...], str], list[Traffic]] = {}
    for edge in case.workload.traffic:
        found.setdefault((edge.source, edge.tensors, tiles[edge.target][0].chip), []).append(edge)
    return list(found.values())


def loads(case: Case) -> dict[Step, float]:
    """Bits over each step: a tile sends an element over a channel once, however many need it behind that."""
    found: dict[Step, float] = {}
    for edges in moved(case):
        parts: dict[tuple[Position, Step], list[Range]] = {}
        for item in walks(edges, case):
            for before, after in item.steps:
                parts.setdefault((item.start, (item.chip, before, after)), []).append(item.part)
        for (_, step), each in parts.items():
            add(found, step, whole(each, edges, case))
        ends = (case.placement.by_layer[name][0].chip for name in (edges[0].source, edges[0].target))
        for here, there in itertools.pairwise(case.system.by_name[name] for name in die_path(case.system, *ends)):
            step = (f"{here.name}->{there.name}", (here.column, here.row), (there.column, there.row))
            add(found, step, link_bits(edges[0]))
    return found


def link_bits(edge: Traffic) -> float:
    return wire.bits(wire.cheapest(edge), edge)


def add(found: dict[Step, float], step: Step, bits: float) -> None:
    found[step] = found.get(step, 0.0) + bits
