"""Systems and workloads for the tests of this room."""

from __future__ import annotations

from hypothesis import strategies as st

from axonal.hardware import Chip, Core, EnergyTable, Link, Noc, System
from axonal.workload import Layer, LayerKind, Traffic, Workload

ENERGY = EnergyTable(
    mac_pj=0.2, accumulate_pj=0.05, elementwise_pj=0.1, sram_read_pj_per_bit=0.02, sram_write_pj_per_bit=0.03
)


def chip(name: str, column: int, row: int, *, mesh: tuple[int, int] = (2, 2), sram_bits: int = 1_000_000) -> Chip:
    core = Core(clock_ghz=1.0, lanes=8, sram_bits=sram_bits, leakage_mw=0.1, energy=ENERGY)
    noc = Noc(columns=mesh[0], rows=mesh[1], clock_ghz=1.0, flit_bits=64, hop_cycles=2, router_energy_pj_per_bit=0.05)
    return Chip(name=name, column=column, row=row, core=core, noc=noc)


def system(chips: list[Chip], pairs: list[tuple[int, int]]) -> System:
    links = tuple(
        Link(
            a=chips[a].name,
            b=chips[b].name,
            kind="test",
            bits_per_ns=16.0,
            latency_ns=5.0,
            energy_pj_per_bit=1.0,
            idle_mw=1.0,
        )
        for a, b in pairs
    )
    return System(name="test", description="", chips=tuple(chips), links=links, packet_header_bits=20, constants=())


def grid(columns: int, rows: int, *, mesh: tuple[int, int] = (2, 2), sram_bits: int = 1_000_000) -> System:
    chips = [
        chip(f"c{row * columns + column}", column, row, mesh=mesh, sram_bits=sram_bits)
        for row in range(rows)
        for column in range(columns)
    ]
    east = [(n, n + 1) for n in range(columns * rows) if (n + 1) % columns]
    south = [(n, n + columns) for n in range(columns * (rows - 1))]
    return system(chips, east + south)


def star(points: int, *, sram_bits: int = 1_000_000) -> System:
    chips = [chip(f"c{n}", n, 0, sram_bits=sram_bits) for n in range(points + 1)]
    return system(chips, [(0, n) for n in range(1, points + 1)])


def edge(
    source: str,
    target: str,
    *,
    elements: int = 64,
    tensor: str = "",
    events: float | None = None,
    readers: tuple[str, ...] = (),
    scattered: bool = False,
) -> Traffic:
    return Traffic(
        source=source,
        target=target,
        tensors=(tensor or source,),
        readers=readers,
        shape=(elements,),
        group=elements,
        symbols="dense" if events is None else "event",
        events=elements if events is None else events,
        scattered=scattered,
    )


def linear(name: str, *, macs: float = 1000.0, weights: int = 100, neurons: int = 64) -> Layer:
    return Layer(name=name, kind="linear", macs=macs, weights=weights, neurons=neurons)


def sequence(count: int, *, sizes: list[int] | None = None, **each: float) -> Workload:
    """`in`, `l0` ... , `out` in a row; `sizes` are the elements behind each of them."""
    layers = [
        Layer(name="in", kind="input"),
        *(linear(f"l{n}", **each) for n in range(count)),  # type: ignore[arg-type]
        Layer(name="out", kind="output"),
    ]
    sizes = sizes or [64] * (count + 1)
    traffic = [edge(layers[n].name, layers[n + 1].name, elements=sizes[n]) for n in range(count + 1)]
    return Workload(name="sequence", layers=tuple(layers), traffic=tuple(traffic))


@st.composite
def workloads(draw: st.DrawFn, max_layers: int = 8, max_weights: int = 200) -> Workload:
    """Random graphs in which a tensor may have several consumers, with inputs and outputs in any place."""
    count = draw(st.integers(1, max_layers))
    some: list[LayerKind] = ["linear", "linear", "linear", "elementwise", "input", "output"]
    kinds = draw(st.lists(st.sampled_from(some), min_size=count, max_size=count))
    layers = tuple(
        Layer(
            name=f"l{n}",
            kind=kind,
            macs=draw(st.integers(1, 50)) * 100.0 if kind == "linear" else 0.0,
            weights=draw(st.integers(0, max_weights)) if kind == "linear" else 0,
            state_bits=draw(st.integers(0, 64)) if kind == "elementwise" else 0,
            neurons=draw(st.integers(1, 64)),
        )
        for n, kind in enumerate(kinds)
    )
    traffic = []
    for target in range(1, count):
        for source in sorted(draw(st.sets(st.integers(0, target - 1), min_size=1, max_size=2))):
            if kinds[source] != "output" and kinds[target] != "input":
                events = draw(st.none() | st.integers(0, 16))
                traffic.append(
                    edge(
                        f"l{source}",
                        f"l{target}",
                        elements=16,
                        events=events,
                        readers=tuple(draw(st.lists(st.sampled_from(["add", "mul", "view"]), max_size=2, unique=True))),
                        scattered=draw(st.booleans()),
                        tensor=f"t{source}.{draw(st.integers(0, 1))}{'d' if events is None else events}",
                    )
                )
    return Workload(name="random", layers=layers, traffic=tuple(traffic))
