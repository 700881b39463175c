"""The cycle-level engine on packages that are no large mesh, and what it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from simulation_cases import Case, by_hand, chip, edge, grid, link
from simulation_engines import closed, cycle, noc, pair

from axonal.hardware import Router, System
from axonal.simulation.cycle import CycleLevel
from axonal.workload import Layer, Workload


def corner() -> System:
    """Three dies in an L."""
    chips = tuple(chip(f"c{n}", *at, mesh=(2, 2)) for n, at in enumerate([(0, 0), (1, 0), (0, 1)]))
    return replace(grid(1, 1), chips=chips, links=(link("c0", "c1"), link("c0", "c2")))


def unlike() -> System:
    """Dies of different meshes."""
    chips = (chip("c0", 0, 0, mesh=(3, 3)), chip("c1", 1, 0, mesh=(2, 2)), chip("c2", 2, 0, mesh=(4, 1)))
    return replace(grid(1, 1), chips=chips, links=(link("c0", "c1"), link("c1", "c2")))


def ring() -> System:
    """Five dies in a row, whose links skip every other one and close to a ring."""
    chips = tuple(chip(f"c{n}", n, 0, mesh=(2, 2)) for n in range(5))
    links = tuple(link(f"c{a}", f"c{b}") for a, b in [(0, 2), (2, 4), (4, 1), (1, 3), (3, 0)])
    return replace(grid(1, 1), chips=chips, links=links)


def narrow() -> System:
    system = grid(2, 2, mesh=(3, 3))
    return replace(system, links=tuple(replace(it, ports=1) for it in system.links))


def clocks() -> System:
    system = grid(2, 1)
    fast, slow = system.chips
    return replace(system, chips=(fast, replace(slow, noc=replace(slow.noc, clock_ghz=0.8))))


UNUSUAL: dict[str, Callable[[], System]] = {
    "corner": corner,
    "one column": lambda: grid(1, 3, mesh=(1, 4)),
    "unlike": unlike,
    "ring": ring,
    "narrow": narrow,
    "clocks": clocks,
    "one virtual channel": lambda: noc(grid(3, 1), router=replace(Router.of(2), vcs=1)),
    "torus": lambda: noc(grid(1, 1, mesh=(4, 4)), topology="torus"),
    "torus dies": lambda: noc(grid(2, 1, mesh=(3, 3)), topology="torus"),
    "yx": lambda: noc(grid(1, 1, mesh=(4, 4)), routing="yx"),
    "west_first": lambda: noc(grid(1, 1, mesh=(4, 4)), routing="west_first"),
    "o1turn": lambda: noc(grid(1, 1, mesh=(4, 4)), routing="o1turn"),
    "yx dies": lambda: noc(grid(2, 2), routing="yx"),
}


def everyone_to_everyone(system: System, scattered: bool) -> Case:
    """A layer on each die, in two tiles, sends to one on each die; all at the same time."""
    names = [it.name for it in system.chips]
    layers = [Layer(name=f"a{n}", kind="linear", macs=4, neurons=64) for n in names]
    layers += [Layer(name=f"b{n}", kind="linear", macs=4, neurons=64) for n in names]
    traffic = tuple(
        edge(f"a{a}", f"b{b}", elements=64, scattered=scattered) for a, b in itertools.product(names, repeat=2)
    )
    workload = Workload(name="w", layers=tuple(layers), traffic=traffic)
    tiles = []
    for kind, name in itertools.product("ab", names):
        cores = (0, system.by_name[name].cores - 1) if kind == "a" else (1, system.by_name[name].cores - 2)
        tiles += [(f"{kind}{name}", name, core, 0.5) for core in cores]
    return Case(workload=workload, placement=by_hand(workload, tiles), system=system)


@pytest.mark.parametrize("scattered", [False, True])
@pytest.mark.parametrize("name", UNUSUAL)
def test_everyone_reaches_everyone_in_unusual_systems(name: str, scattered: bool) -> None:
    case = everyone_to_everyone(UNUSUAL[name](), scattered)
    report = cycle(case, CycleLevel(inferences=4))
    arrivals = {span.name for span in report.timeline if span.kind in ("noc", "d2d")}
    assert arrivals == {f"{it.source} -> {it.target}" for it in case.workload.traffic}
    assert report.link_bits_packed == closed(case).link_bits_packed
    assert report.throughput_per_s > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flit_bits": 64}, "flit_bits of the dies is 32, 64, must be equal .*: make the dies alike"),
        ({"router": replace(Router.of(2), vcs=2)}, "vcs of the dies is 2, 4, must be equal .*: make the dies alike"),
        ({"clock_ghz": 0.987}, "clock"),
    ],
)
def test_a_system_that_cannot_be_simulated_is_refused_with_a_way_out(change: dict[str, object], message: str) -> None:
    system = grid(2, 1)
    first, second = system.chips
    other = replace(system, chips=(first, replace(second, noc=replace(second.noc, **change))))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        cycle(pair(4, other, ("c0", 0), ("c1", 0)))


@pytest.mark.parametrize(("field", "value"), [("packet_flits", 0), ("inferences", 1)])
def test_an_engine_with_nothing_to_do_is_refused(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}, must be >="):
        CycleLevel(**{field: value})  # type: ignore[arg-type]
