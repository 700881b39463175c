"""The door `compare`: train every variant, map, simulate, gather."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from axonal.data import Dataset
from axonal.data import load as load_data
from axonal.hardware import System
from axonal.hardware import load as load_system
from axonal.mapping import partition
from axonal.spiking import calibrate, insert_boundaries
from axonal.study.cache import TRAINING_ROOMS, Cache, content_key, default_folder, network_key, source_key
from axonal.study.front.best import best_code
from axonal.study.gather import gathered
from axonal.study.measure import Measured, Subject, measure
from axonal.study.recipes import VARIANTS, Network, Recipe, Variant, network, recipe
from axonal.study.watching import Silent, Watcher
from axonal.study.workers import Job, Trainer, one_thread, run_jobs
from axonal.tracing import trace
from axonal.training import Trained, TrainingSettings, examples

__all__ = ["Request", "Study", "compare"]

LARGEST_SEED = 2**32 - 1


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
        workers: Processes that train at once; results do not depend on it.
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
    workers: int = 1

    def __post_init__(self) -> None:
        different = len(set(self.seeds)) == len(self.seeds)
        if not self.seeds or not different or min(self.seeds) < 0 or max(self.seeds) > LARGEST_SEED:
            raise ValueError(
                f"seeds are {_words(self.seeds)}, must be different whole numbers, 0 to {LARGEST_SEED}, at least one"
            )
        unknown = [key for key in self.variants if key not in VARIANTS]
        if unknown or not self.variants:
            what = f"unknown variant {unknown[0]!r}" if unknown else "variants are none, must be at least one"
            raise ValueError(f"{what}: use some of {_words(VARIANTS)}")
        if len(set(self.variants)) < len(self.variants):
            raise ValueError(f"variants are {_words(self.variants)}, must be different")
        if self.steps is not None and min(self.steps) < 1:
            raise ValueError(f"steps are {_words(self.steps)}, both must be >= 1")
        if self.workers < 1:
            raise ValueError(f"workers is {self.workers}, must be >= 1")
        if self.target is not None and not 0 < self.target < math.inf:
            raise ValueError(f"target is {self.target} bits per boundary element, must be finite and > 0")


def _words(values: Iterable[object]) -> str:
    return ", ".join(map(str, values)) or "none"


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
    watcher = watcher or Silent()
    study = _study(request, watcher)
    if "hybrid" in request.variants:
        best = best_code(study.dataset.task)
        watcher.say(f"boundary of the hybrid: {best.label}: {best.reason}")
    key = content_key(
        {
            "code": source_key(),
            "data": study.dataset.digest,
            "network": network_key(study.network),
            "plan": asdict(study.plan),
            "seeds": request.seeds,
            "system": asdict(study.system),
            "variants": request.variants,
        }
    )
    found = study.cache.result(key)
    if found is not None:
        watcher.say("found in the cache: nothing had to be trained or simulated again")
        return found
    done = _in_processes(request, watcher) if request.workers > 1 else _in_turn(request, study)
    measured = {name: [done[seed, name] for seed in request.seeds] for name in request.variants}
    watcher.say("weighing constants and links")
    result = gathered(request, study.dataset, study.system, study.network, measured)
    result["elapsed_s"] = round(time.perf_counter() - started, 1)
    study.cache.keep(key, result)
    return result


def _study(request: Request, watcher: Watcher) -> Study:
    dataset = load_data(request.data, request.data_dir)
    return Study(
        dataset=dataset,
        system=load_system(request.system, dict(request.overrides)),
        network=network(request.network, dataset),
        plan=_plan(dataset, request),
        cache=Cache(request.cache or default_folder()),
        watcher=watcher,
    )


def _trainer(request: Request, watcher: Watcher) -> Trainer:
    """What a worker process does with a job."""
    return _study(request, watcher).job


def _in_turn(request: Request, study: Study) -> dict[Job, Measured]:
    """All jobs one after the other in this process."""
    done: dict[Job, Measured] = {}
    with one_thread():
        for seed in request.seeds:
            for name in request.variants:
                measured = study.job(seed, name)
                if measured is not None:
                    done[seed, name] = measured
    return done


def _in_processes(request: Request, watcher: Watcher) -> dict[Job, Measured]:
    """Jobs in worker processes: boundaries wait for the dense network of their seed, nothing else waits."""
    cut = [name for name in request.variants if VARIANTS[name].code is not None]
    whole = [name for name in request.variants if VARIANTS[name].code is None]
    starts: list[Job] = [(seed, None) for seed in request.seeds] if cut else []
    spiking: list[Job] = [(seed, name) for seed in request.seeds for name in whole]

    def follow(job: Job) -> list[Job]:
        seed, name = job
        return [(seed, other) for other in cut] if name is None else []

    return run_jobs([*starts, *spiking], follow, partial(_trainer, request), request.workers, watcher)


def _plan(dataset: Dataset, request: Request) -> Recipe:
    plan = recipe(dataset, quick=request.quick)
    _require_windows(dataset, plan.dense.window)
    if request.steps is not None:
        first, second = request.steps
        plan = replace(
            plan,
            dense=replace(plan.dense, steps=first),
            boundary=replace(plan.boundary, steps=second),
            spiking=replace(plan.spiking, steps=first + second),
        )
    return replace(plan, target=request.target) if request.target is not None else plan


def _require_windows(dataset: Dataset, window: int) -> None:
    """A text that has no whole window can neither train nor judge a model."""
    least = min(len(split) for split in dataset.splits)
    if dataset.task == "language" and least <= window:
        raise ValueError(
            f"dataset {dataset.name}: a split has {least} bytes, must be >= {window + 1}: use a longer text"
        )


@dataclass(frozen=True, kw_only=True)
class Study:
    """One comparison under way."""

    dataset: Dataset
    system: System
    network: Network
    plan: Recipe
    cache: Cache
    watcher: Watcher
    starts: dict[int, Subject] = field(default_factory=dict)

    def job(self, seed: int, name: str | None) -> Measured | None:
        """Train and measure a variant; without a name, only train the dense network of the seed."""
        if name is None:
            self.started(seed)
            return None
        variant = VARIANTS[name]
        subject = self._spiking(seed) if variant.code is None else self.cut(variant, self.started(seed))
        for warning in subject.trained.warnings:
            self.watcher.say(f"{variant.key}, seed {seed}: {warning}")
        title = f"{variant.key} · seed {seed} · trace, map, simulate"
        self.watcher.begin(title, 1)
        measured = measure(subject, self.dataset, self.system, self.plan)
        self.watcher.step(title, 1, None)
        return measured

    def _spiking(self, seed: int) -> Subject:
        """The network that spikes everywhere."""
        torch.manual_seed(seed)
        model = self.network.build(self.dataset, True)
        trained = self._trained(model, replace(self.plan.spiking, seed=seed), f"snn · seed {seed}", ("snn",))
        part = partition(trace(model, self._inputs(8)), self.system)
        # What the cut meets that is no spike crosses as the ANN's tensors do: quantised, and judged so.
        values = [edge for edge in part.boundaries if edge.symbols == "dense"]
        if values:
            model = insert_boundaries(model, self._inputs(2), values, VARIANTS["ann"].boundary)
            calibrate(model, self._inputs(64))
        return Subject(model=model, trained=trained, seed=seed, base=part)

    def started(self, seed: int) -> Subject:
        """Where the variants of a seed start, made once in a process."""
        if seed not in self.starts:
            self.starts[seed] = self._start(seed)
        return self.starts[seed]

    def _start(self, seed: int) -> Subject:
        """The dense network, cut for the system: where every variant with boundaries starts."""
        torch.manual_seed(seed)
        model = self.network.build(self.dataset, False)
        # Shapes and counts decide the cut, not weights: what does not fit is said before training.
        part = partition(trace(model, self._inputs(8)), self.system)
        if not part.boundaries:
            raise ValueError(
                f"network {self.network.name} runs on 1 chip of system {self.system.name}, must be >= 2: "
                "there is no die-to-die boundary to compare; use a system of several chips"
            )
        trained = self._trained(model, replace(self.plan.dense, seed=seed), f"dense · seed {seed}", ("dense",))
        return Subject(model=model, trained=trained, seed=seed, base=part)

    def cut(self, variant: Variant, start: Subject) -> Subject:
        """The dense network with the variant's boundaries, trained on."""
        if variant.has_target:
            best = best_code(self.dataset.task)
            variant = replace(variant, neurons=best.neurons, code=best.code)
        edges = start.base.boundaries
        model = insert_boundaries(start.model, self._inputs(2), edges, variant.boundary)
        calibrate(model, self._inputs(64), sensitive=True)
        target = self.plan.target if variant.has_target else None
        settings = replace(self.plan.boundary, seed=start.seed + 1_000, traffic_target=target)
        cut = [edge.tensors for edge in edges]
        facts = ("boundary", asdict(variant), cut, asdict(self.plan.dense))
        trained = self._trained(model, settings, f"{variant.key} · seed {start.seed}", facts)
        return Subject(model=model, trained=trained, seed=start.seed, base=start.base)

    def _inputs(self, count: int) -> torch.Tensor:
        return examples(self.dataset, self.dataset.train, self.plan.dense.window, count)[0]

    def _trained(self, model: nn.Module, settings: TrainingSettings, title: str, facts: Sequence[Any]) -> Trained:
        key = content_key(
            {
                "code": source_key(TRAINING_ROOMS),
                "data": self.dataset.digest,
                "facts": facts,
                "network": network_key(self.network),
                "settings": asdict(settings),
            }
        )
        self.watcher.begin(title, settings.steps)
        trained = self.cache.trained(
            key, model, self.dataset, settings, lambda step, _, point: self.watcher.step(title, step, point)
        )
        self.watcher.step(title, settings.steps, None)  # also where it stopped early or came from the cache
        return trained
