"""The slow twin of the link loads: every tensor is walked hop by hop."""

from __future__ import annotations

import itertools
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


def walk(start: Position, end: Position) -> list[tuple[Position, Position]]:
    """Steps to the left or right until the column is right, then up or down."""
    steps = []
    x, y = start
    while (x, y) != end:
        before = x, y
        if x != end[0]:
            x += 1 if x < end[0] else -1
        else:
            y += 1 if y < end[1] else -1
        steps.append((before, (x, y)))
    return steps


def gate(chip: Chip, other: Chip) -> Position:
    """Middle of the side that faces the other die."""
    columns, rows = chip.noc.columns, chip.noc.rows
    right, down = other.column - chip.column, other.row - chip.row
    if abs(right) >= abs(down):
        return (columns - 1 if right >= 0 else 0, rows // 2)
    return (columns // 2, rows - 1 if down > 0 else 0)


def die_path(system: System, start: str, end: str) -> list[str]:
    """Shortest path, links in file order first."""
    paths = [[start]]
    while True:
        for path in paths:
            if path[-1] == end:
                return path
        longer = []
        for path in paths:
            for link in system.links:
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
    found = []
    for index, chip in enumerate(path):
        starts = [(place(chip, tile.core), part) for tile, part in zip(source, ranges(source), strict=True)]
        ends = [(place(chip, core), part) for core, part in wanted]
        if index > 0:
            starts = [(gate(chip, path[index - 1]), ALL)]
        if index < len(path) - 1:
            ends = [(gate(chip, path[index + 1]), ALL)]
        for (start, held), (end, needed) in itertools.product(starts, ends):
            part = max(held[0], needed[0]), min(held[1], needed[1])
            if part[0] < part[1]:
                found.append(Walk(chip=chip.name, start=start, end=end, part=part))
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
            for before, after in walk(item.start, item.end):
                parts.setdefault((item.start, (item.chip, before, after)), []).append(item.part)
        for (_, step), each in parts.items():
            add(found, step, float(covered(each)) * inside_bits(edges[0]))
        ends = (case.placement.by_layer[name][0].chip for name in (edges[0].source, edges[0].target))
        for here, there in itertools.pairwise(case.system.by_name[name] for name in die_path(case.system, *ends)):
            step = (f"{here.name}->{there.name}", (here.column, here.row), (there.column, there.row))
            add(found, step, link_bits(edges[0]))
    return found


def covered(parts: list[Range]) -> Fraction:
    """Length of the union."""
    total = end = Fraction(0)
    for first, last in sorted(parts):
        total += max(Fraction(0), last - max(first, end))
        end = max(end, last)
    return total


def link_bits(edge: Traffic) -> float:
    return wire.bits(wire.cheapest(edge), edge)


def add(found: dict[Step, float], step: Step, bits: float) -> None:
    found[step] = found.get(step, 0.0) + bits
