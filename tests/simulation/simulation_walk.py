"""The slow twin of the link loads: every tensor is walked hop by hop."""

from __future__ import annotations

from simulation_cases import Case

from axonal import wire
from axonal.hardware import Chip, System
from axonal.workload import Traffic

Position = tuple[int, int]
Step = tuple[str, Position, Position]
"""Die and mesh positions; for a link the name `a->b` and the package positions."""


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


def loads(case: Case) -> dict[Step, float]:
    """Bits over each step."""
    found: dict[Step, float] = {}
    tiles = case.placement.by_layer
    moved: dict[tuple[str, tuple[str, ...], str], list[Traffic]] = {}
    for edge in case.workload.traffic:
        moved.setdefault((edge.source, edge.tensors, tiles[edge.target][0].chip), []).append(edge)
    for (source, _, target_chip), edges in moved.items():
        path = [case.system.by_name[name] for name in die_path(case.system, tiles[source][0].chip, target_chip)]
        needs = {tile.core for edge in edges for tile in tiles[edge.target]}
        has = [(tile.core, tile.share) for tile in tiles[source]]
        for index, chip in enumerate(path):
            columns = chip.noc.columns
            ends = {(core % columns, core // columns) for core in needs}
            starts = [((core % columns, core // columns), share) for core, share in has]
            if index > 0:
                starts = [(gate(chip, path[index - 1]), 1.0)]
            if index < len(path) - 1:
                ends = {gate(chip, path[index + 1])}
                here, there = (chip.column, chip.row), (path[index + 1].column, path[index + 1].row)
                add(found, (f"{chip.name}->{path[index + 1].name}", here, there), link_bits(edges[0]))
            for start, share in starts:
                for step in {step for end in ends for step in walk(start, end)}:
                    add(found, (chip.name, *step), share * inside_bits(edges[0]))
    return found


def link_bits(edge: Traffic) -> float:
    return wire.bits(wire.cheapest(edge), edge)


def add(found: dict[Step, float], step: Step, bits: float) -> None:
    found[step] = found.get(step, 0.0) + bits
