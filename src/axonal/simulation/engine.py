"""The door `simulate` and the seam behind it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from axonal.hardware import System
from axonal.mapping import Placement
from axonal.report import Report
from axonal.simulation.analytical import Analytical
from axonal.simulation.cycle import CycleLevel
from axonal.simulation.network.package import Unsupported
from axonal.workload import Workload

__all__ = ["Engine", "HandOver", "simulate"]


class Engine(Protocol):
    """Predicts what a placed workload costs."""

    def run(self, workload: Workload, placement: Placement, system: System) -> Report:
        """Cost of one inference."""


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """The analytical engine within its range, the cycle-level engine outside it."""

    quick: Analytical = field(default_factory=Analytical)
    thorough: CycleLevel = field(default_factory=CycleLevel)

    def run(self, workload: Workload, placement: Placement, system: System) -> Report:
        """Cost of one inference, by the cheaper engine that is valid there; `Report.engine` says which it was."""
        report = self.quick.run(workload, placement, system)
        return report if report.valid else self.simulated(workload, placement, system, report)

    def simulated(self, workload: Workload, placement: Placement, system: System, predicted: Report) -> Report:
        """What the cycle-level engine finds; where it cannot simulate the system, what was predicted, with a note."""
        try:
            return self.thorough.run(workload, placement, system)
        except Unsupported as error:
            return replace(predicted, notes=(*predicted.notes, f"not simulated cycle by cycle: {error}"), valid=False)


_ANALYTICAL = Analytical()


def simulate(workload: Workload, placement: Placement, system: System, engine: Engine = _ANALYTICAL) -> Report:
    """Predict energy, latency, throughput and link bits of one inference.

    Args:
        workload: What is computed.
        placement: Which tile of which layer runs on which core.
        system: The machine.
        engine: How to predict.

    Raises:
        ValueError: The placement misses a layer of the workload or names a die or core that the system lacks.
    """
    for layer in workload.layers:
        if layer.name not in placement.by_layer:
            raise ValueError(f"layer {layer.name} has no tile: place this workload first")
    for tile in placement.tiles:
        cores = system.by_name[tile.chip].cores if tile.chip in system.by_name else 0
        if not 0 <= tile.core < cores:
            raise ValueError(f"layer {tile.layer} is on core {tile.core} of chip {tile.chip}, which has {cores} cores")
    return engine.run(workload, placement, system)
