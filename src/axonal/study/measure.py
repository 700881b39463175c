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
from axonal.mapping import Partition, Placement, place
from axonal.mapping.dies import die_paths
from axonal.report import Report
from axonal.simulation import Analytical, HandOver, simulate
from axonal.study.recipes import Recipe
from axonal.tracing import record, trace
from axonal.training import Trained, evaluate, examples
from axonal.workload import Workload

__all__ = ["Measured", "Subject", "measure"]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One variant of one seed.

    Args:
        seed: Seed of weights and data order.
        quality: Figure on the test split.
        workload: The traced network.
        placement: Where it runs.
        report: What the cycle-level engine finds, or the analytical one where that cannot simulate the system.
        predicted: What the analytical engine predicts.
        dense_elements: Elements that the dense network sends over the same links, links on the way counted each.
        wire_bytes: Mean bytes that `wire.pack` makes of the recorded symbols, for each boundary of the report.
        trained: How training went.
    """

    seed: int
    quality: float
    workload: Workload
    placement: Placement
    report: Report
    predicted: Report
    dense_elements: int
    wire_bytes: tuple[float, ...]
    trained: Trained

    @property
    def activity(self) -> float:
        """Non-zero symbols for each symbol that could cross, over all boundaries."""
        elements = sum(item.elements for item in self.report.boundaries)
        return sum(item.events for item in self.report.boundaries) / elements if elements else 0.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trained model and where it came from.

    Args:
        model: The model, best weights in it.
        trained: How training went.
        seed: Its seed.
        base: Partition of the network before boundaries were inserted.
    """

    model: nn.Module
    trained: Trained
    seed: int
    base: Partition


def measure(subject: Subject, dataset: Dataset, system: System, recipe: Recipe) -> Measured:
    """Judge a model on the test split, trace it, map it and simulate it."""
    model, base = subject.model, subject.base
    window = recipe.dense.window
    inputs, targets = examples(dataset, dataset.test, window, recipe.test_examples)
    quality = evaluate(model, dataset, inputs, targets).value
    traced = examples(dataset, dataset.test, window, recipe.traced)[0]
    workload = trace(model, traced)
    part = base.extended(workload)
    placement = place(workload, part, system)
    predicted = simulate(workload, placement, system, Analytical())
    return Measured(
        seed=subject.seed,
        quality=quality,
        workload=workload,
        placement=placement,
        report=HandOver().simulated(workload, placement, system, predicted),
        predicted=predicted,
        dense_elements=_elements_over_links(base, system),
        wire_bytes=_wire_bytes(model, traced, part),
        trained=subject.trained,
    )


def _elements_over_links(part: Partition, system: System) -> int:
    paths = die_paths(system)
    return sum(
        edge.elements * (len(paths[part.chip_of(edge.source), part.chip_of(edge.target)]) - 1)
        for edge in part.boundaries
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
