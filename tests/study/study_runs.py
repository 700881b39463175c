"""A comparison that takes seconds, what it measured on the way, and a watcher that counts what is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from axonal.data import Dataset
from axonal.hardware import System
from axonal.study import Request, compare, comparing
from axonal.study.measure import Measured, Subject, measure
from axonal.study.recipes import Recipe
from axonal.training import Point

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other

ENERGY_PARTS = ("compute", "memory", "noc", "d2d", "static")
RUN_ONLY = ("command", "elapsed_s")
"""What differs between two ways to the same result."""


@dataclass(kw_only=True)
class Counting:
    """A watcher that counts optimiser steps, and may interrupt one of them."""

    interrupt_at: int | None = None
    steps: list[tuple[str, int]] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def begin(self, title: str, steps: int) -> None:
        self.totals[title] = steps

    def step(self, title: str, step: int, point: Point | None) -> None:
        # What comes from the cache, or is done, is told of by its last step without an evaluation.
        if point is None and step == self.totals[title]:
            return
        self.steps.append((title, step))
        if len(self.steps) == self.interrupt_at:
            raise KeyboardInterrupt

    def say(self, text: str) -> None:
        self.said.append(text)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A result and what it was gathered from, in the order in which it was measured."""

    request: Request
    result: dict[str, Any]
    subjects: tuple[Subject, ...]
    measured: tuple[Measured, ...]
    watcher: Counting

    def of(self, variant: str) -> list[tuple[Subject, Measured]]:
        """Subjects and figures of a variant, one for each seed."""
        names = [name for _ in self.request.seeds for name in self.request.variants]
        pairs = zip(names, self.subjects, self.measured, strict=True)
        return [(subject, measured) for name, subject, measured in pairs if name == variant]


def asked(folder: Path, **changes: Any) -> Request:
    """A request that trains two steps before the boundaries are inserted and two after, into a cache folder."""
    settings: dict[str, Any] = {"data": "digits", "network": "mlp", "seeds": (0,), "steps": (2, 2), "cache": folder}
    return Request(**(settings | changes))


def ran(request: Request, watcher: Counting | None = None) -> Run:
    """The comparison, with everything that `measure` was given and gave."""
    subjects: list[Subject] = []
    found: list[Measured] = []

    def watched(subject: Subject, dataset: Dataset, system: System, recipe: Recipe) -> Measured:
        subjects.append(subject)
        found.append(measure(subject, dataset, system, recipe))
        return found[-1]

    watcher = watcher or Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "measure", watched)
        result = compare(request, watcher)
    return Run(request=request, result=result, subjects=tuple(subjects), measured=tuple(found), watcher=watcher)


@cache
def base_run(folder: Path) -> Run:
    """One real comparison of all variants, for every test that only reads it."""
    return ran(asked(folder / "study_base"))


@cache
def two_seeds(folder: Path) -> Run:
    """The same seed and another one, in a cache of their own, without most of the variants."""
    return ran(asked(folder / "study_seeds", seeds=(1, 0), variants=("ann", "hybrid")))


def without(result: dict[str, Any], *names: str) -> dict[str, Any]:
    """The result without what depends on the run: the named parts, and the seconds that training took."""
    kept = {name: part for name, part in result.items() if name not in names}
    if "variants" in kept:
        kept["variants"] = {key: _timeless(variant) for key, variant in kept["variants"].items()}
    return kept


def _timeless(variant: dict[str, Any]) -> dict[str, Any]:
    runs = [{name: value for name, value in run.items() if name != "seconds"} for run in variant["training"]]
    return {**variant, "training": runs}
