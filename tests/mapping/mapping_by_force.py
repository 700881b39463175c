"""The slow twin of the partitioner: try every cut, count every edge."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from axonal import wire
from axonal.hardware import System
from axonal.workload import Workload

Cost = tuple[int, float]


def hop_table(system: System) -> dict[tuple[str, str], float]:
    """Floyd and Warshall."""
    names = [chip.name for chip in system.chips]
    table = {(a, b): 0.0 if a == b else math.inf for a in names for b in names}
    for link in system.links:
        table[link.a, link.b] = table[link.b, link.a] = 1
    for via, a, b in itertools.product(names, repeat=3):
        table[a, b] = min(table[a, b], table[a, via] + table[via, b])
    return table


def crossing_bits(workload: Workload, homes: Mapping[str, str], system: System) -> int:
    """Each tensor once for each die that needs it, times the links on the way."""
    hops = hop_table(system)
    moved: dict[tuple[str, tuple[str, ...], str], int] = {}
    for edge in workload.traffic:
        a, b = homes[edge.source], homes[edge.target]
        bits = math.ceil(wire.bits(wire.cheapest(edge), edge))
        moved.setdefault((edge.source, edge.tensors, b), bits * int(hops[a, b]))
    return sum(moved.values())


def with_terminals(workload: Workload, homes: Mapping[str, str], path: Sequence[str]) -> dict[str, str]:
    """Outputs join their last producer, inputs their first consumer."""
    found = dict(homes)
    inner = [layer.name for layer in workload.layers if layer.name in homes]
    place = {name: index for index, name in enumerate(inner)}
    for layer in workload.layers:
        if layer.kind == "output":
            place[layer.name] = max(
                (place[e.source] for e in workload.into(layer.name) if e.source in homes), default=0
            )
    for layer in workload.layers:
        if layer.kind == "input":
            place[layer.name] = min((place[e.target] for e in workload.out_of(layer.name)), default=0)
    for name, index in place.items():
        found[name] = homes[inner[index]] if inner else path[0]
    return found


def all_cuts(workload: Workload, path: Sequence[str]) -> Iterator[dict[str, str]]:
    """Every assignment of consecutive non-empty ranges of the inner layers to the dies of the path."""
    inner = [layer.name for layer in workload.layers if layer.kind not in ("input", "output")]
    for cuts in itertools.combinations(range(1, len(inner)), len(path) - 1):
        bounds = (0, *cuts, len(inner))
        yield {name: path[n] for n in range(len(path)) for name in inner[bounds[n] : bounds[n + 1]]}


def best(workload: Workload, system: System, path: Sequence[str], balance: float) -> Cost | None:
    """Fewest bits over links, then the lightest heaviest die; `None` when no cut is allowed."""
    costs = [
        (crossing_bits(workload, with_terminals(workload, homes, path), system), max(loads.values()))
        for homes in all_cuts(workload, path)
        if (loads := allowed_loads(workload, homes, system, path, balance)) is not None
    ]
    return min(costs, default=None)


def allowed_loads(
    workload: Workload, homes: Mapping[str, str], system: System, path: Sequence[str], balance: float
) -> dict[str, float] | None:
    """Load of each die, or `None` when one is overfull, overloaded or idle."""
    layers = [layer for layer in workload.layers if layer.name in homes]
    loads = {name: sum(layer.operations for layer in layers if homes[layer.name] == name) for name in path}
    total = sum(layer.operations for layer in layers)
    ideal = max(total / len(path), *(layer.operations for layer in layers))
    for layer in layers:
        core = system.by_name[homes[layer.name]].core
        if layer.weight_bits + layer.state_bits > layer.neurons * core.sram_bits:
            return None
    for name in path:
        stored = sum(layer.weight_bits + layer.state_bits for layer in layers if homes[layer.name] == name)
        if stored > system.by_name[name].sram_bits or loads[name] > (1 + balance) * ideal * (1 + 1e-9):
            return None
    return None if total and not all(loads.values()) else loads
