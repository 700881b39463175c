from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from simulation_cases import QUICK, Case, by_hand, cases, edge, grid

from axonal.hardware import System
from axonal.mapping import Placement
from axonal.report import Report
from axonal.simulation import Analytical, Engine, simulate
from axonal.workload import Layer, Workload

WORKLOAD = Workload(
    name="w",
    layers=(Layer(name="a", kind="linear", macs=4), Layer(name="b", kind="linear", macs=4)),
    traffic=(edge("a", "b"),),
)


@dataclass(frozen=True)
class Fake:
    """An engine that knows the answer beforehand."""

    latency_ns: float

    def run(self, workload: Workload, placement: Placement, system: System) -> Report:
        return Report(
            latency_ns=self.latency_ns * len(placement.tiles) * len(system.chips) * len(workload.layers),
            throughput_per_s=1.0,
            link_bits_packed=0.0,
            link_bits_packetised=0.0,
            energy=None,
        )


def test_another_engine_fits_behind_the_same_door() -> None:
    engine: Engine = Fake(latency_ns=2.0)
    placement = by_hand(WORKLOAD, [("a", "c0", 0, 1.0), ("b", "c1", 0, 1.0)])
    assert simulate(WORKLOAD, placement, grid(3, 1), engine).latency_ns == 2.0 * 2 * 3 * 2


@QUICK
@given(cases())
def test_same_input_gives_the_same_report_with_the_default_engine(case: Case) -> None:
    first = simulate(case.workload, case.placement, case.system)
    assert first == simulate(case.workload, case.placement, case.system, Analytical())
    assert Report.from_json(first.to_json()) == first


@settings(deadline=None, max_examples=30)
@given(cases())
def test_names_of_channels_and_links_are_unique(case: Case) -> None:
    names = [load.name for load in simulate(case.workload, case.placement, case.system).links]
    assert len(names) == len(set(names))


def test_layer_without_tile_is_refused() -> None:
    placement = by_hand(WORKLOAD, [("a", "c0", 0, 1.0), ("b", "c0", 0, 1.0)])
    with pytest.raises(ValueError, match="layer b has no tile"):
        simulate(WORKLOAD, replace(placement, tiles=placement.tiles[:1]), grid(1, 1))


@pytest.mark.parametrize(("chip", "core", "cores"), [("c0", 4, 4), ("c0", -1, 4), ("c9", 0, 0)])
def test_tile_on_a_core_that_does_not_exist_is_refused(chip: str, core: int, cores: int) -> None:
    placement = by_hand(WORKLOAD, [("a", "c0", 0, 1.0), ("b", chip, core, 1.0)])
    with pytest.raises(ValueError, match=f"core {core} of chip {chip}, which has {cores} cores"):
        simulate(WORKLOAD, placement, grid(1, 1))


def test_traffic_between_dies_without_a_link_is_refused() -> None:
    placement = by_hand(WORKLOAD, [("a", "c0", 0, 1.0), ("b", "c1", 0, 1.0)])
    with pytest.raises(ValueError, match="no links lead from chip c0 to c1: add a link"):
        simulate(WORKLOAD, placement, replace(grid(2, 1), links=()))


def test_workload_that_does_nothing_has_no_throughput() -> None:
    workload = Workload(name="w", layers=(Layer(name="a", kind="input"),), traffic=())
    with pytest.raises(ValueError, match="must be > 0"):
        simulate(workload, by_hand(workload, [("a", "c0", 0, 1.0)]), grid(1, 1))


def test_simulator_side_does_not_import_torch() -> None:
    program = "import sys, axonal.simulation, axonal.mapping; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0
