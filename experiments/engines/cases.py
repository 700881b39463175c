"""Random systems, workloads and placements on which both engines are run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from axonal.hardware import Chip, Core, EnergyTable, Link, Noc, System
from axonal.mapping import Infeasible, Partition, Placement, Tile, partition, place
from axonal.workload import Layer, Traffic, Workload

__all__ = ["Case", "burst", "random_case"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What both engines are asked about."""

    system: System
    workload: Workload
    placement: Placement
    how: str


def random_case(seed: int) -> Case:
    """One to nine dies, three to ten layers; every other placement is that of `place`, the rest are random."""
    random = np.random.default_rng(seed)
    system = _system(random)
    workload = _workload(random)
    if seed % 2:
        return Case(
            system=system, workload=workload, placement=_scattered_about(random, workload, system), how="random"
        )
    parts = partition(workload, system)
    if isinstance(parts, Infeasible):
        raise RuntimeError(f"case {seed}: {parts}")
    return Case(system=system, workload=workload, placement=place(workload, parts, system), how="place")


def burst(elements: int, *, bits_per_ns: float, tiles: int = 1, flit_bits: int = 64, hop_cycles: int = 4) -> Case:
    """One layer sends a large tensor to another one over a single link, which is what bounds the time."""
    core, energy = _core(0.5, 64), 0.05
    noc = Noc(
        columns=4, rows=4, clock_ghz=1.0, flit_bits=flit_bits, hop_cycles=hop_cycles, router_energy_pj_per_bit=energy
    )
    chips = tuple(Chip(name=f"c{n}", column=n, row=0, core=core, noc=noc) for n in range(2))
    link = _link("c0", "c1", bits_per_ns, 10.0)
    system = System(name="burst", description="", chips=chips, links=(link,), packet_header_bits=20, constants=())
    layers = tuple(Layer(name=name, kind="linear", macs=64.0, neurons=elements) for name in "ab")
    workload = Workload(name="burst", layers=layers, traffic=(_traffic("a", "b", elements, None, scattered=tiles > 1),))
    placed = [
        Tile(layer=name, chip=f"c{n}", core=5 * k, share=1 / tiles) for n, name in enumerate("ab") for k in range(tiles)
    ]
    return Case(system=system, workload=workload, placement=_placement(workload, placed), how="burst")


def _core(clock_ghz: float, lanes: int) -> Core:
    energy = EnergyTable(
        mac_pj=0.2, accumulate_pj=0.05, elementwise_pj=0.1, sram_read_pj_per_bit=0.02, sram_write_pj_per_bit=0.03
    )
    return Core(clock_ghz=clock_ghz, lanes=lanes, sram_bits=1 << 30, leakage_mw=0.1, energy=energy)


def _link(a: str, b: str, bits_per_ns: float, latency_ns: float) -> Link:
    return Link(
        a=a, b=b, kind="d2d", bits_per_ns=bits_per_ns, latency_ns=latency_ns, energy_pj_per_bit=0.5, idle_mw=1.0
    )


def _system(random: np.random.Generator) -> System:
    dies, rows = int(random.integers(1, 4)), int(random.integers(1, 4))
    columns, height = int(random.integers(2, 9)), int(random.integers(2, 9))
    flit_bits, hop_cycles = int(random.choice([32, 64, 128])), int(random.integers(3, 8))
    core = _core(float(random.choice([0.5, 1.0])), int(random.choice([4, 16, 64])))
    noc = Noc(
        columns=columns, rows=height, clock_ghz=1.0, flit_bits=flit_bits, hop_cycles=hop_cycles,
        router_energy_pj_per_bit=0.05,
    )  # fmt: skip
    chips = tuple(
        Chip(name=f"c{row}{column}", column=column, row=row, core=core, noc=noc)
        for row in range(rows)
        for column in range(dies)
    )
    bandwidth = float(np.exp(random.uniform(math.log(8), math.log(512))))
    latency = float(random.uniform(1, 30))
    pairs = [((row, column), (row, column + 1)) for row in range(rows) for column in range(dies - 1)]
    pairs += [((row, column), (row + 1, column)) for row in range(rows - 1) for column in range(dies)]
    links = tuple(_link(f"c{a}{b}", f"c{c}{d}", bandwidth, latency) for (a, b), (c, d) in pairs)
    return System(name="random", description="", chips=chips, links=links, packet_header_bits=20, constants=())


def _workload(random: np.random.Generator) -> Workload:
    """A directed acyclic graph; how much is computed for each element is drawn once, from hardly anything to a lot."""
    count = int(random.integers(3, 11))
    heavy = float(np.exp(random.uniform(math.log(0.5), math.log(500))))
    layers, traffic = [], []
    for n in range(count):
        neurons = int(np.exp(random.uniform(math.log(32), math.log(2048))))
        kind = random.choice(["linear", "spike", "elementwise"])
        operations = neurons * heavy * float(random.uniform(0.5, 2))
        layers.append(
            Layer(
                name=f"l{n}",
                kind=kind,
                macs=operations if kind == "linear" else 0.0,
                accumulates=operations if kind == "spike" else 0.0,
                elementwise_ops=operations if kind == "elementwise" else 0.0,
                weights=neurons if kind == "linear" else 0,
                neurons=neurons,
            )
        )
    for target in range(1, count):
        sources = random.choice(target, size=min(target, int(random.integers(1, 3))), replace=False)
        for source in sorted(int(item) for item in sources):
            spikes = layers[source].kind == "spike"
            steps = int(random.integers(1, 5)) if spikes else 1
            activity = float(random.uniform(0.02, 0.5)) if spikes else None
            scattered = bool(random.random() < 0.3)
            size = layers[source].neurons * steps
            traffic.append(_traffic(f"l{source}", f"l{target}", size, activity, time_steps=steps, scattered=scattered))
    return Workload(name="random", layers=tuple(layers), traffic=tuple(traffic))


def _traffic(
    source: str, target: str, elements: int, activity: float | None, *, time_steps: int = 1, scattered: bool = False
) -> Traffic:
    return Traffic(
        source=source,
        target=target,
        tensors=(f"{source}.{elements}",),
        shape=(time_steps, elements // time_steps),
        group=elements // time_steps,
        symbols="dense" if activity is None else "event",
        events=float(elements) if activity is None else elements * activity,
        time_steps=time_steps,
        scattered=scattered,
    )


def _scattered_about(random: np.random.Generator, workload: Workload, system: System) -> Placement:
    """Each layer on a die and on cores that know nothing of the others'."""
    tiles = []
    for layer in workload.layers:
        chip = system.chips[int(random.integers(len(system.chips)))]
        cores = random.choice(chip.cores, size=min(chip.cores, int(random.integers(1, 9))), replace=False)
        tiles += [Tile(layer=layer.name, chip=chip.name, core=int(core), share=1 / len(cores)) for core in cores]
    return _placement(workload, tiles)


def _placement(workload: Workload, tiles: list[Tile]) -> Placement:
    homes = {tile.layer: tile.chip for tile in tiles}
    parts = Partition(
        chips=tuple(dict.fromkeys(homes.values())), assignment=tuple(homes.items()), boundaries=(), balance_used=0.5
    )
    return Placement(tiles=tuple(tiles), partition=parts.extended(workload))
