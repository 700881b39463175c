"""The door `pareto`: train every code at every target from one dense network, and weigh what crosses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from axonal.data import Dataset
from axonal.data import load as load_data
from axonal.hardware import System
from axonal.hardware import load as load_system
from axonal.mapping import Partition, partition
from axonal.spiking import Counted, Density, SigmaDelta, boundaries_of, calibrate, choose, insert_boundaries
from axonal.spiking.calibration import meet
from axonal.study.cache import TRAINING_ROOMS, Cache, content_key, default_folder, network_key, source_key
from axonal.study.front.coding import contexts_of, counted_bits, sent_by
from axonal.study.front.families import Family, described, family
from axonal.study.front.measuring import measured
from axonal.study.front.recipes import front_recipe
from axonal.study.front.request import FrontRequest
from axonal.study.recipes import Network, network
from axonal.study.watching import Silent, Watcher
from axonal.study.workers import Job, one_thread, run_jobs
from axonal.tracing import trace
from axonal.training import Trained, TrainingSettings, evaluate, examples, load_checkpoint

__all__ = ["pareto"]

Point = dict[str, Any]
"""One trained boundary, as it stands in the file of results."""


def pareto(request: FrontRequest, watcher: Watcher | None = None) -> list[Point]:
    """Train each code at each target and seed, and weigh it in real bytes.

    Trained weights and finished points are cached by content: an interrupted run resumes where it was.

    Args:
        request: Which front.
        watcher: Told of progress.

    Returns:
        Points, in the order of codes, seeds and falling targets.

    Raises:
        ValueError: Bad input.
        OSError: A file that is missing or cannot be written.
    """
    watcher = watcher or Silent()
    study = _front(request, watcher)
    jobs: list[Job] = [(seed, name) for seed in request.seeds for name in request.codes]
    if request.workers > 1:
        study.dense()  # once, before many processes ask for it
        done = run_jobs(jobs, lambda _: [], partial(_trainer, request), request.workers, watcher)
    else:
        with one_thread():
            done = {job: study.job(*job) for job in jobs}
    return [point for name in request.codes for seed in request.seeds for point in done[seed, name]]


def _front(request: FrontRequest, watcher: Watcher) -> _Front:
    dataset = load_data(request.data, request.data_dir)
    plan = front_recipe(dataset)
    return _Front(
        request=request,
        dataset=dataset,
        network=network(request.network or plan.network, dataset),
        system=load_system(request.system or plan.system),
        watcher=watcher,
    )


def _trainer(request: FrontRequest, watcher: Watcher) -> Any:
    return _front(request, watcher).job


@dataclass(kw_only=True)
class _Front:
    """A front under way, in one process."""

    request: FrontRequest
    dataset: Dataset
    network: Network
    system: System
    watcher: Watcher
    made: list[tuple[nn.Module, float, Partition]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cache = Cache(self.request.cache or default_folder())
        self.plan = front_recipe(self.dataset, quick=self.request.quick)
        if self.request.steps is not None:
            first, second = self.request.steps
            self.plan = replace(
                self.plan,
                dense=replace(self.plan.dense, steps=first),
                boundary=replace(self.plan.boundary, steps=second),
            )
        self.targets = tuple(sorted(self.request.targets or self.plan.targets, reverse=True))

    def dense(self) -> tuple[nn.Module, float, Partition]:
        """The dense network, its quality on the test split, and where it is cut."""
        if not self.made:
            torch.manual_seed(0)
            model = self.network.build(self.dataset, False)
            part = partition(trace(model, self._inputs(2)), self.system)
            if not part.boundaries:
                raise ValueError(
                    f"network {self.network.name} runs on 1 chip of system {self.system.name}, must be >= 2: "
                    "there is no boundary; use a system of several chips"
                )
            self._train_dense(model)
            self.made.append((model, self._quality(model), part))
        return self.made[0]

    def _train_dense(self, model: nn.Module) -> None:
        if self.request.start is not None:
            weights, _ = load_checkpoint(self.request.start)
            try:
                model.load_state_dict(weights)
            except RuntimeError as error:
                reason = str(error).splitlines()[0]
                raise ValueError(
                    f"checkpoint {self.request.start} is of another network than {self.network.name} ({reason}): "
                    "give --start the weights of this one"
                ) from error
            return
        self._trained(model, self.plan.dense, "dense", ("dense",))

    def job(self, seed: int, name: str | None) -> list[Point]:
        """All points of a code and a seed."""
        chosen = family(name or "")
        return list(self._swept(chosen, seed))

    def _swept(self, chosen: Family, seed: int) -> Iterator[Point]:
        if chosen.tokens and self.dataset.task != "language":
            self.watcher.say(f"{chosen.key}: {self.dataset.name} has no tokens, left out")
            return
        if isinstance(chosen.code, SigmaDelta) and any(len(edge.shape) < 2 for edge in self.dense()[2].boundaries):
            self.watcher.say(f"{chosen.key}: what network {self.network.name} sends has no axis of time, left out")
            return
        if chosen.sweep == "fixed":
            yield from self._chain(chosen, seed, (float(chosen.code.value_bits),), held=False)
        elif chosen.sweep == "chosen":
            yield from self._offered(chosen, seed)
        elif chosen.sized is None:
            yield from self._chain(chosen, seed, self.targets, held=True)
        else:
            for target in self.targets if chosen.sweep == "held" else self._different(chosen):
                yield from self._chain(chosen, seed, (target,), held=chosen.sweep == "held")

    def _different(self, chosen: Family) -> list[float]:
        """The targets, but for those at which the code would be as large as at one before."""
        _, _, part = self.dense()
        # An image `channel height width` has its channels first, all else last.
        features = [
            edge.shape[0] * chosen.patch**2 if len(edge.shape) == 3 else edge.shape[-1] for edge in part.boundaries
        ]
        sizes: dict[Any, float] = {}
        for target in self.targets:
            sizes.setdefault(tuple(chosen.shape(count, target) for count in features), target)
        return list(sizes.values())

    def _chain(self, chosen: Family, seed: int, targets: Sequence[float], *, held: bool) -> Iterator[Point]:
        """One boundary trained at one target after the other, each from the weights of the one before."""
        model, start = self._started(chosen, seed, targets[0])
        weight = self.plan.boundary.traffic_weight
        facts = self._facts(chosen, seed)
        for number, target in enumerate(targets):
            if held:
                self._meet(model, target)
            self._refit(model, chosen.parents if number else 0)
            # The first target of a chain is far from the dense network, and a chain of one has no other.
            settings = replace(
                self._settings(chosen, seed + number, 1 if number else 2),
                traffic_target=target if held else None,
                traffic_weight=weight,
            )
            title = f"{chosen.key} · {target:g} bits · seed {seed}"
            facts = [*facts, target]
            trained = self._trained(model, settings, title, facts)
            weight = trained.traffic_weight
            yield self._point(chosen, model, trained, {"target": target, "seed": seed, "dense_quality": start}, facts)

    def _offered(self, chosen: Family, seed: int) -> Iterator[Point]:
        """One boundary that offers all targets, trained at them in turns for as many steps as a chain of them."""
        model, start = self._started(chosen, seed, self.targets[0])
        for rate, target in enumerate(self.targets):
            choose(model, rate)
            self._meet(model, target)
            self._refit(model, chosen.parents)
        settings = replace(
            self._settings(chosen, seed, 1 + len(self.targets)),
            traffic_targets=self.targets,
        )
        facts = [*self._facts(chosen, seed), self.targets]
        trained = self._trained(model, settings, f"{chosen.key} · seed {seed}", facts)
        share = replace(trained, seconds=trained.seconds / len(self.targets))
        for rate, target in enumerate(self.targets):
            choose(model, rate)
            where = {"target": target, "seed": seed, "dense_quality": start}
            yield self._point(chosen, model, share, where, [*facts, target])

    def _facts(self, chosen: Family, seed: int) -> list[Any]:
        """What a training starts from."""
        # A function has no name that another process knows; the key of the family, and the code, name it.
        made = asdict(replace(chosen, sized=None))
        return [made, asdict(self.system), self.plan.calibration, self.plan.counting, seed, self._start_name()]

    def _settings(self, chosen: Family, seed: int, stretch: float) -> TrainingSettings:
        plan = self.plan.boundary
        return replace(
            plan,
            steps=round(plan.steps * chosen.stretch * stretch),
            seed=seed + 1_000,
            distillation=plan.distillation if chosen.distillation is None else chosen.distillation,
        )

    def _started(self, chosen: Family, seed: int, target: float) -> tuple[nn.Module, float]:
        """The dense network with fresh, calibrated boundaries, and its quality."""
        dense, quality, part = self.dense()
        torch.manual_seed(seed)
        task = self.dataset.task
        model = insert_boundaries(
            dense,
            self._inputs(2),
            part.boundaries,
            lambda features, axis: chosen.boundary(features, target, task, axis, self.dataset.classes),
        )
        calibrate(model, self._inputs(self.plan.calibration), sensitive=True)
        for boundary in boundaries_of(model):
            if chosen.sweep == "chosen":
                boundary.offer(len(self.targets))
            priors = (chosen.fresh_prior(boundary) for _ in range(boundary.rates))
            boundary.encoder.charge_by(*(prior for prior in priors if prior is not None))
        return model, quality

    def _meet(self, model: nn.Module, target: float) -> None:
        """Coarsen the thresholds of each boundary until its symbols, freshly counted, cost the target."""
        inputs = self._inputs(self.plan.counting)
        for number, boundary in enumerate(boundaries_of(model)):
            meet(boundary, partial(counted_bits, model, inputs, number), target)

    def _refit(self, model: nn.Module, parents: int) -> None:
        """Let the priors of all boundaries know the training data as it is coded now."""
        found = sent_by(model, self._inputs(self.plan.counting))
        for boundary, symbols in zip(boundaries_of(model), found, strict=True):
            prior = boundary.encoder.prior
            if isinstance(prior, Counted):
                prior.refit(symbols.values, contexts_of(symbols, parents))
            elif isinstance(prior, Density):
                prior.refit(symbols.values)

    def _point(
        self, chosen: Family, model: nn.Module, trained: Trained, where: dict[str, Any], facts: Sequence[Any]
    ) -> Point:
        key = self._key("point", facts, asdict(self.plan))
        found = self.cache.result(key)
        if found is None:
            found = {
                **where,
                **described(chosen),
                **measured(model, self.dataset, self.plan, self.system, chosen.parents),
                "steps": trained.steps,
                "seconds": round(trained.seconds, 1),
                "warnings": list(trained.warnings),
                "network": self.network.name,
            }
            self.cache.keep(key, found)
        return found

    def _quality(self, model: nn.Module) -> float:
        data = self.dataset
        inputs, targets = examples(data, data.test, self.plan.dense.window, self.plan.test_examples)
        return evaluate(model, data, inputs, targets).value

    def _inputs(self, count: int) -> torch.Tensor:
        return examples(self.dataset, self.dataset.train, self.plan.dense.window, count)[0]

    def _start_name(self) -> str:
        """What tells one dense network from another."""
        if self.request.start is None:
            return content_key(asdict(self.plan.dense))
        return hashlib.sha256(self.request.start.read_bytes()).hexdigest()

    def _key(self, kind: str, facts: Sequence[Any], settings: Any) -> str:
        return content_key(
            {
                "kind": kind,
                "code": source_key((*TRAINING_ROOMS, "study/front")),
                "data": self.dataset.digest,
                "facts": facts,
                "network": network_key(self.network),
                "settings": settings,
            }
        )

    def _trained(self, model: nn.Module, settings: TrainingSettings, title: str, facts: Sequence[Any]) -> Trained:
        self.watcher.begin(title, settings.steps)
        teacher = self.dense()[0] if settings.distillation else None
        trained = self.cache.trained(
            self._key("weights", facts, asdict(settings)),
            model,
            self.dataset,
            settings,
            lambda step, _, point: self.watcher.step(title, step, point),
            teacher=teacher,
        )
        self.watcher.step(title, settings.steps, None)
        for warning in trained.warnings:
            self.watcher.say(f"{title}: {warning}")
        return trained
