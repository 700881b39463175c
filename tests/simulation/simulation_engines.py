"""Both engines on one case, for the tests of this room."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from simulation_cases import Case, by_hand, edge

from axonal.hardware import Router, System
from axonal.report import Report
from axonal.simulation import Analytical, simulate
from axonal.simulation.cycle import CycleLevel
from axonal.workload import Layer, Workload

FEW = settings(deadline=None, max_examples=12)
"""Each example is simulated flit by flit."""

QUICK = CycleLevel(inferences=2)


def shaped(
    system: System, *, hop: int = 3, flit: int = 32, bits_per_ns: float = 64.0, latency_ns: float = 5.0
) -> System:
    chips = (
        replace(it, noc=replace(it.noc, hop_cycles=hop, flit_bits=flit, router=Router.of(hop))) for it in system.chips
    )
    links = (replace(it, bits_per_ns=bits_per_ns, latency_ns=latency_ns) for it in system.links)
    return replace(system, chips=tuple(chips), links=tuple(links))


def noc(system: System, **changes: object) -> System:
    chips = (replace(it, noc=replace(it.noc, **changes)) for it in system.chips)  # type: ignore[arg-type]
    return replace(system, chips=tuple(chips))


def cycle(case: Case, engine: CycleLevel = QUICK) -> Report:
    return simulate(case.workload, case.placement, case.system, engine)


def closed(case: Case) -> Report:
    return simulate(case.workload, case.placement, case.system, Analytical())


def pair(elements: int, system: System, *places: tuple[str, int], scattered: bool = False) -> Case:
    """`a` on the first place sends to `b` on the others."""
    layers = tuple(Layer(name=name, kind="linear", macs=8, neurons=8) for name in "ab")
    traffic = (edge("a", "b", elements=elements, scattered=scattered),)
    workload = Workload(name="pair", layers=layers, traffic=traffic)
    (die, core), *others = places
    tiles = [("a", die, core, 1.0), *(("b", there, at, 1 / len(others)) for there, at in others)]
    return Case(workload=workload, placement=by_hand(workload, tiles), system=system)
