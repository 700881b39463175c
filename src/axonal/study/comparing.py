"""The door `compare`: train every variant, map, simulate, gather."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from axonal.data import Dataset
from axonal.data import load as load_data
from axonal.hardware import System
from axonal.hardware import load as load_system
from axonal.mapping import partition
from axonal.spiking import calibrate, insert_boundaries
from axonal.study.cache import TRAINING_ROOMS, Cache, content_key, default_folder, network_key, source_key
from axonal.study.gather import gathered
from axonal.study.measure import Measured, Subject, measure
from axonal.study.recipes import VARIANTS, Network, Recipe, Variant, network, recipe
from axonal.tracing import trace
from axonal.training import Point, Trained, TrainingSettings, examples

__all__ = ["Request", "Watcher", "compare"]


class Watcher(Protocol):
    """Told how a comparison goes on."""

    def begin(self, title: str, steps: int) -> None:
        """A training run, or another long task, begins."""
        ...

    def step(self, step: int, point: Point | None) -> None:
        """A step of it is done, perhaps with a new evaluation."""
        ...

    def say(self, text: str) -> None:
        """Something a person should know."""
        ...


class _Silent:
    def begin(self, title: str, steps: int) -> None:
        del title, steps

    def step(self, step: int, point: Point | None) -> None:
        del step, point

    def say(self, text: str) -> None:
        del text


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to compare.

    Args:
        data: Name of the dataset.
        system: Name of a preset, or a YAML file.
        network: Name of the network, or `module:function`; the default of the data when `None`.
        seeds: Seeds; quality is given as mean and spread over them.
        variants: Keys of the variants; all by default.
        quick: Shorter training, for demonstrations.
        target: Bits per boundary element for the hybrid; that of the recipe when `None`.
        steps: Training steps of the dense and of the boundary training; those of the recipe when `None`.
        data_dir: Folder with datasets.
        cache: Folder for trained weights; the user's cache folder when `None`.
        overrides: Constants of the system to replace, dotted key to quantity.
    """

    data: str
    system: str = "quad_chiplet"
    network: str | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    variants: tuple[str, ...] = tuple(VARIANTS)
    quick: bool = False
    target: float | None = None
    steps: tuple[int, int] | None = None
    data_dir: Path | None = None
    cache: Path | None = None
    overrides: tuple[tuple[str, str], ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"seeds are {self.seeds}, must be different whole numbers >= 0, at least one")
        unknown = [key for key in self.variants if key not in VARIANTS]
        if unknown or not self.variants:
            raise ValueError(f"unknown variant {unknown[0] if unknown else ''!r}: use some of {', '.join(VARIANTS)}")
        if self.steps is not None and min(self.steps) < 1:
            raise ValueError(f"steps are {self.steps}, both must be >= 1")


def compare(request: Request, watcher: Watcher | None = None) -> dict[str, Any]:
    """Train one network in every variant and seed, map each on the system, simulate, and gather one result.

    Trained weights and finished results are cached by content: the same request again answers
    at once, and an interrupted one resumes at its last evaluation.

    Args:
        request: What to compare.
        watcher: Told of progress.

    Returns:
        The content of `result.json` (schema 1).

    Raises:
        ValueError: Bad input: unknown names, files that are wrong, a network that does not fit.
        OSError: A file that is missing or cannot be written.
    """
    started = time.perf_counter()
    watcher = watcher or _Silent()
    dataset = load_data(request.data, request.data_dir)
    system = load_system(request.system, dict(request.overrides))
    plan = _plan(dataset, request)
    study = _Study(
        dataset=dataset,
        system=system,
        network=network(request.network, dataset),
        plan=plan,
        cache=Cache(request.cache or default_folder()),
        watcher=watcher,
    )
    key = content_key(
        {
            "code": source_key(),
            "data": dataset.digest,
            "network": network_key(study.network),
            "plan": asdict(plan),
            "seeds": request.seeds,
            "system": asdict(system),
            "variants": request.variants,
        }
    )
    found = study.cache.result(key)
    if found is not None:
        watcher.say("found in the cache: nothing had to be trained or simulated again")
        return found
    by_seed = [study.run(seed, [VARIANTS[name] for name in request.variants]) for seed in request.seeds]
    measured = {name: [runs[name] for runs in by_seed] for name in request.variants}
    watcher.say("weighing constants and links")
    result = gathered(request, dataset, system, study.network, measured)
    result["elapsed_s"] = round(time.perf_counter() - started, 1)
    study.cache.keep(key, result)
    return result


def _plan(dataset: Dataset, request: Request) -> Recipe:
    plan = recipe(dataset, quick=request.quick)
    if request.steps is not None:
        first, second = request.steps
        plan = replace(
            plan,
            dense=replace(plan.dense, steps=first),
            boundary=replace(plan.boundary, steps=second),
            spiking=replace(plan.spiking, steps=first + second),
        )
    return replace(plan, target=request.target) if request.target is not None else plan


@dataclass(frozen=True, kw_only=True)
class _Study:
    """One comparison under way."""

    dataset: Dataset
    system: System
    network: Network
    plan: Recipe
    cache: Cache
    watcher: Watcher

    def run(self, seed: int, variants: Sequence[Variant]) -> dict[str, Measured]:
        """Train and measure the variants of one seed; those with boundaries share the dense network and its cut."""
        measured = {}
        start = self._start(seed) if any(variant.code is not None for variant in variants) else None
        for variant in variants:
            subject = self._spiking(seed) if start is None or variant.code is None else self._cut(variant, start)
            for warning in subject.trained.warnings:
                self.watcher.say(f"{variant.key}, seed {seed}: {warning}")
            self.watcher.begin(f"{variant.key} · seed {seed} · trace, map, simulate", 1)
            measured[variant.key] = measure(subject, self.dataset, self.system, self.plan)
            self.watcher.step(1, None)
        return measured

    def _spiking(self, seed: int) -> Subject:
        """The network that spikes everywhere."""
        torch.manual_seed(seed)
        model = self.network.build(self.dataset, True)
        trained = self._trained(model, replace(self.plan.spiking, seed=seed), "snn", ("snn",))
        return Subject(model=model, trained=trained, seed=seed, base=None)

    def _start(self, seed: int) -> Subject:
        """The dense network, cut for the system: where every variant with boundaries starts."""
        torch.manual_seed(seed)
        model = self.network.build(self.dataset, False)
        trained = self._trained(model, replace(self.plan.dense, seed=seed), "dense", ("dense",))
        part = partition(trace(model, self._inputs(8)), self.system)
        if not part.boundaries:
            raise ValueError(
                f"network {self.network.name} runs on 1 chip of system {self.system.name}, must be >= 2: "
                "there is no die-to-die boundary to compare; use a system of several chips"
            )
        return Subject(model=model, trained=trained, seed=seed, base=part)

    def _cut(self, variant: Variant, start: Subject) -> Subject:
        """The dense network with the variant's boundaries, trained on."""
        edges = start.base.boundaries if start.base else ()
        model = insert_boundaries(start.model, self._inputs(2), edges, variant.boundary)
        calibrate(model, self._inputs(64))
        target = self.plan.target if variant.has_target else None
        settings = replace(self.plan.boundary, seed=start.seed + 1_000, traffic_target=target)
        cut = [edge.tensors for edge in edges]
        facts = ("boundary", asdict(variant), cut, asdict(self.plan.dense))
        trained = self._trained(model, settings, variant.key, facts)
        return Subject(model=model, trained=trained, seed=start.seed, base=start.base)

    def _inputs(self, count: int) -> torch.Tensor:
        return examples(self.dataset, self.dataset.train, self.plan.dense.window, count)[0]

    def _trained(self, model: nn.Module, settings: TrainingSettings, name: str, facts: Sequence[Any]) -> Trained:
        key = content_key(
            {
                "code": source_key(TRAINING_ROOMS),
                "data": self.dataset.digest,
                "facts": facts,
                "network": network_key(self.network),
                "settings": asdict(settings),
            }
        )
        self.watcher.begin(f"{name} · seed {settings.seed % 1_000}", settings.steps)
        return self.cache.trained(
            key, model, self.dataset, settings, lambda step, _, point: self.watcher.step(step, point)
        )
