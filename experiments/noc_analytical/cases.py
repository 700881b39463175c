"""Random systems and their traffic: each a pure function of its number."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from axonal.hardware import Router
from axonal.simulation.network.fabric import Boundary, Fabric, grid

PATTERNS = ("uniform", "transpose", "neighbor", "bitcomp", "tornado", "hotspot", "weights", "matrix", "sparse")
PIPELINES = {
    "R1": {},
    "R2": {"routing_cycles": 0},
    "R3": {"routing_cycles": 0, "speculative": True},
    "slow": {"vc_allocation_cycles": 2},
    "slower": {"routing_cycles": 2, "traversal_cycles": 2},
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One system with one traffic matrix.

    Args:
        number: What it is made from.
        name: How it reads in a table.
        fabric: The network.
        router: Its router.
        flits: Flits of each packet.
        weights: Share of all packets that goes from one router to another, summing to the number of routers.
        classes: What the errors are split by.
    """

    number: int
    name: str
    fabric: Fabric = field(repr=False)
    router: Router
    flits: int
    weights: np.ndarray = field(repr=False)
    classes: dict[str, str]


def traffic(pattern: str, columns: int, rows: int, random: np.random.Generator) -> np.ndarray:
    """Weights of a pattern, shape `(routers, routers)`; their mean row sums to 1."""
    count = columns * rows
    number = np.arange(count)
    x, y = number % columns, number // columns
    weights = np.zeros((count, count))
    if pattern == "uniform":
        weights[:] = 1.0
    elif pattern == "transpose":
        weights[number, (y % columns) + (x % rows) * columns] = 1.0
    elif pattern == "neighbor":
        weights[number, (x + 1) % columns + ((y + 1) % rows) * columns] = 1.0
    elif pattern == "bitcomp":
        weights[number, count - 1 - number] = 1.0
    elif pattern == "tornado":
        weights[number, (x + (columns - 1) // 2) % columns + ((y + (rows - 1) // 2) % rows) * columns] = 1.0
    elif pattern == "hotspot":
        weights[:, random.choice(count, size=min(count, int(random.integers(1, 5))), replace=False)] = 1.0
    elif pattern == "weights":
        weights[:] = 1.0
        weights[:, random.integers(count)] = 9.0
    elif pattern == "matrix":
        weights[:] = random.gamma(1.0, size=(count, count)) * random.gamma(2.0, size=(count, 1))
    else:
        weights[:] = (random.random((count, count)) < min(1.0, random.choice([1.0, 2.0, 5.0]) / count)) * random.gamma(
            2.0, size=(count, count)
        )
        weights[0, -1] += 1.0
    return weights * (count / weights.sum())


def case(number: int) -> Case:
    """The system and traffic of a number."""
    random = np.random.default_rng(1000 + number)
    pattern = PATTERNS[number % len(PATTERNS)]
    columns, rows = (int(random.choice([3, 4, 4, 5, 6, 8, 8, 8, 8, 10, 12, 16])) for _ in range(2))
    if random.random() < 0.5:
        rows = columns
    while columns * rows > 144 and random.random() < 0.7:
        columns, rows = max(3, columns // 2), max(3, rows // 2)
    vcs = int(random.choice([1, 2, 4, 4, 8]))
    depth = int(random.choice([2, 4, 8, 8, 8, 16, 32]))
    flits = int(random.choice([1, 1, 2, 3, 4, 4, 5, 8, 16]))
    pipeline = str(random.choice(list(PIPELINES), p=[0.5, 0.17, 0.17, 0.08, 0.08]))
    credit = int(random.choice([0, 0, 0, 0, 1, 2, 3]))
    link = int(random.choice([1, 1, 1, 1, 1, 2]))
    router = Router(vcs=vcs, buffer_flits=depth, credit_cycles=credit, link_cycles=link, **PIPELINES[pipeline])
    cuts: list[Boundary] = []
    if random.random() < 0.4:
        after = sorted(random.choice(columns - 1, size=int(random.integers(1, min(3, columns))), replace=False))
        latency = int(random.choice([1, 2, 5, 10, 20, 40]))
        service = float(random.choice([1.0, 1.0, 2.0, 2.5, 4.0, 8.0]))
        shared = int(random.choice([1, 1, 1, 2, rows]))
        cuts = [
            Boundary(after_column=int(column), link_cycles=latency, cycles_per_flit=service, rows_per_lane=shared)
            for column in after
        ]
    weights = traffic(pattern, columns, rows, random)
    name = f"{pattern} {columns}x{rows} {pipeline} v{vcs}b{depth}p{flits} cd{credit} l{link}"
    if cuts:
        name += f" d2d L{cuts[0].link_cycles} c{cuts[0].cycles_per_flit} s{cuts[0].rows_per_lane} x{len(cuts)}"
    return Case(
        number=number,
        name=name,
        fabric=grid(columns, rows, router, boundaries=cuts),
        router=router,
        flits=flits,
        weights=weights,
        classes={
            "vcs": str(vcs),
            "flits": "1" if flits == 1 else "2-4" if flits <= 4 else "5-8" if flits <= 8 else "16",
            "pattern": pattern,
            "buffer": "2" if depth == 2 else "4" if depth == 4 else ">= 8",
            "pipeline": pipeline,
            "dies": "slow d2d" if cuts and cuts[0].cycles_per_flit > 1 else "d2d" if cuts else "one",
        },
    )
