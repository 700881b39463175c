"""What one trained variant measures: quality, traffic, mapping, simulation, packed bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from axonal import wire
from axonal.data import Dataset
from axonal.hardware import System
from axonal.mapping import Partition, Placement, partition, place
from axonal.report import Report
from axonal.simulation import simulate
from axonal.study.recipes import Recipe
from axonal.tracing import record, trace
from axonal.training import Trained, evaluate, examples
from axonal.workload import Workload

__all__ = ["Measured", "measure"]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One variant of one seed.

    Args:
        seed: Seed of weights and data order.
        quality: Figure on the test split.
        workload: The traced network.
        placement: Where it runs.
        report: What the simulator predicts.
        wire_bytes: Mean bytes that `wire.pack` makes of the recorded symbols, for each boundary of the report.
        trained: How training went.
    """

    seed: int
    quality: float
    workload: Workload
    placement: Placement
    report: Report
    wire_bytes: tuple[float, ...]
    trained: Trained

    @property
    def activity(self) -> float:
        """Non-zero symbols for each symbol that could cross, over all boundaries."""
        elements = sum(item.elements for item in self.report.boundaries)
        return sum(item.events for item in self.report.boundaries) / elements if elements else 0.0

    @property
    def elements_crossing(self) -> int:
        """Elements that cross dies, links on the way counted each."""
        return sum(item.elements * item.link_hops for item in self.report.boundaries)


def measure(
    model: nn.Module,
    trained: Trained,
    dataset: Dataset,
    system: System,
    recipe: Recipe,
    *,
    seed: int,
    base: Partition | None,
) -> Measured:
    """Judge a model on the test split, trace it, map it (as `base`, where given) and simulate it."""
    window = recipe.dense.window
    inputs, targets = examples(dataset, dataset.test, window, recipe.test_examples)
    quality = evaluate(model, dataset, inputs, targets).value
    traced = examples(dataset, dataset.test, window, recipe.traced)[0]
    workload = trace(model, traced)
    part = base.extended(workload) if base else partition(workload, system)
    placement = place(workload, part, system)
    report = simulate(workload, placement, system)
    return Measured(
        seed=seed,
        quality=quality,
        workload=workload,
        placement=placement,
        report=report,
        wire_bytes=_wire_bytes(model, traced, part),
        trained=trained,
    )


def _wire_bytes(model: nn.Module, inputs: Tensor, part: Partition) -> tuple[float, ...]:
    """Mean frame of each boundary: the recorded symbols, packed for real.

    A boundary whose symbols are not whole numbers has no packed form (a dense tensor that was
    never quantised); it counts as NaN and is left out by whoever shows it.
    """
    if not part.boundaries:
        return ()
    recorded = record(model, inputs, (name for edge in part.boundaries for name in edge.tensors))
    return tuple(_frame_bytes(edge, recorded) for edge in part.boundaries)


def _frame_bytes(edge: Any, recorded: Mapping[str, np.ndarray]) -> float:
    rows = np.concatenate([recorded[name] for name in edge.tensors], axis=1)
    if not np.array_equal(rows, np.rint(rows)):
        return float("nan")
    packet_format = wire.cheapest(edge)
    return float(np.mean([len(packet_format.pack(row)) for row in rows.astype(np.int32)]))
