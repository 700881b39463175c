"""Systems, workloads and placements for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st

from axonal.hardware import Chip, Core, EnergyTable, Link, Noc, System
from axonal.mapping import Partition, Placement, Tile, partition, place
from axonal.report import Breakdown, Report
from axonal.simulation import simulate
from axonal.workload import Layer, LayerKind, Traffic, Workload

QUICK = settings(deadline=None, max_examples=40)
"""Each example partitions, places and simulates, which takes milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What `simulate` takes."""

    workload: Workload
    placement: Placement
    system: System


def run(case: Case) -> Report:
    return simulate(case.workload, case.placement, case.system)


def costs(report: Report) -> Breakdown:
    assert report.energy is not None
    return report.energy


def critical_path_ns(case: Case) -> float:
    """Time of the longest chain of layers, by their largest tiles, if nothing ever had to travel."""
    finish: dict[str, float] = {}
    for layer in case.workload.layers:
        tiles = case.placement.by_layer[layer.name]
        core = case.system.by_name[tiles[0].chip].core
        own = layer.operations * max(tile.share for tile in tiles) / core.lanes / core.clock_ghz
        ready = max((finish[item.source] for item in case.workload.into(layer.name)), default=0.0)
        finish[layer.name] = ready + own
    return max(finish.values())


Change = Callable[[System], System]


def each_chip(change: Callable[[Chip], Chip]) -> Change:
    return lambda system: replace(system, chips=tuple(change(item) for item in system.chips))


def each_table(change: Callable[[EnergyTable], EnergyTable]) -> Change:
    return each_chip(lambda item: replace(item, core=replace(item.core, energy=change(item.core.energy))))


def chip(name: str, column: int, row: int, *, mesh: tuple[int, int], lanes: int = 4) -> Chip:
    energy = EnergyTable(
        mac_pj=0.2, accumulate_pj=0.05, elementwise_pj=0.1, sram_read_pj_per_bit=0.02, sram_write_pj_per_bit=0.03
    )
    core = Core(clock_ghz=0.5, lanes=lanes, sram_bits=1_000_000, leakage_mw=0.1, energy=energy)
    noc = Noc(columns=mesh[0], rows=mesh[1], clock_ghz=1.0, flit_bits=32, hop_cycles=2, router_energy_pj_per_bit=0.05)
    return Chip(name=name, column=column, row=row, core=core, noc=noc)


def grid(columns: int, rows: int, *, mesh: tuple[int, int] = (2, 2), lanes: int = 4) -> System:
    chips = [
        chip(f"c{row * columns + column}", column, row, mesh=mesh, lanes=lanes)
        for row in range(rows)
        for column in range(columns)
    ]
    pairs = [(n, n + 1) for n in range(columns * rows) if (n + 1) % columns]
    pairs += [(n, n + columns) for n in range(columns * (rows - 1))]
    links = tuple(link(f"c{a}", f"c{b}") for a, b in pairs)
    return System(name="test", description="", chips=tuple(chips), links=links, packet_header_bits=20, constants=())


def link(a: str, b: str) -> Link:
    return Link(a=a, b=b, kind="test", bits_per_ns=8.0, latency_ns=5.0, energy_pj_per_bit=1.0, idle_mw=1.0)


def edge(
    source: str,
    target: str,
    *,
    elements: int = 64,
    tensor: str = "",
    events: float | None = None,
    scattered: bool = False,
) -> Traffic:
    return Traffic(
        source=source,
        target=target,
        tensors=(tensor or source,),
        shape=(elements,),
        group=elements,
        symbols="dense" if events is None else "event",
        events=elements if events is None else events,
        scattered=scattered,
    )


def scattering(case: Case, scattered: bool) -> Case:
    """The same tiles on the same cores, but all traffic scattered, or none."""
    traffic = tuple(replace(item, scattered=scattered) for item in case.workload.traffic)
    return replace(case, workload=replace(case.workload, traffic=traffic))


def by_hand(workload: Workload, tiles: list[tuple[str, str, int, float]]) -> Placement:
    """A placement of (layer, chip, core, share)."""
    found = tuple(Tile(layer=layer, chip=name, core=core, share=share) for layer, name, core, share in tiles)
    homes = {tile.layer: tile.chip for tile in found}
    parts = Partition(
        chips=tuple(dict.fromkeys(homes.values())), assignment=tuple(homes.items()), boundaries=(), balance_used=0.5
    )
    return Placement(tiles=found, partition=parts.extended(workload))


@st.composite
def workloads(draw: st.DrawFn, max_layers: int = 7) -> Workload:
    count = draw(st.integers(2, max_layers))
    kinds: list[LayerKind] = ["linear", "linear", "spike", "elementwise", "embedding"]
    layers = [Layer(name="l0", kind="input")]
    for n in range(1, count):
        kind = draw(st.sampled_from(kinds))
        layers.append(
            Layer(
                name=f"l{n}",
                kind=kind,
                macs=draw(st.integers(1, 4000)) / 2 if kind == "linear" else 0.0,
                accumulates=draw(st.integers(0, 500)) / 2,
                elementwise_ops=draw(st.integers(1, 300)) / 2,
                weights=draw(st.integers(0, 500)) if kind in ("linear", "embedding") else 0,
                neurons=draw(st.integers(1, 64)),
                time_steps=draw(st.integers(1, 4)),
                state_bits=draw(st.integers(0, 64)) if kind == "spike" else 0,
            )
        )
    traffic = []
    for target in range(1, count):
        for source in sorted(draw(st.sets(st.integers(0, target - 1), min_size=1, max_size=2))):
            events = draw(st.none() | st.integers(0, 32))
            name = f"t{source}.{draw(st.integers(0, 1))}.{events}"
            some = draw(st.booleans())
            traffic.append(edge(f"l{source}", f"l{target}", elements=32, tensor=name, events=events, scattered=some))
    return Workload(name="random", layers=tuple(layers), traffic=tuple(traffic))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Random workloads, partitioned and placed on grids of one to four dies."""
    workload = draw(workloads())
    columns, rows = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (3, 1), (2, 2)]))
    mesh = draw(st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 3), (4, 2)]))
    system = grid(columns, rows, mesh=mesh)
    return Case(workload=workload, placement=place(workload, partition(workload, system), system), system=system)


def crossed() -> st.SearchStrategy[Case]:
    """The same on four dies that are no large mesh, as a link joins two of them crosswise, too."""
    found = cases().filter(lambda case: len(case.system.chips) == 4)
    return found.map(lambda case: replace(case, system=diagonal(case.system)))


def diagonal(system: System) -> System:
    """Four dies with a link more, from the first to the last."""
    return replace(system, links=(*system.links, link("c0", "c3")))
