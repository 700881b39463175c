"""What the runtime's verbs run: trained networks, cut into as many stages as asked for."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from axonal.data import Dataset
from axonal.data import load as load_data
from axonal.mapping import Partition, partition
from axonal.runtime.advise_measuring import Candidate
from axonal.runtime.crossing import Crossing
from axonal.runtime.host import host_system
from axonal.runtime.lanes import codec_for
from axonal.runtime.stages import FLOAT_CODECS, SYMBOL_CODECS, Stage, split
from axonal.spiking import calibrate, insert_boundaries
from axonal.study.cache import Cache, default_folder
from axonal.study.comparing import Study
from axonal.study.front.best import best_code
from axonal.study.recipes import VARIANTS, Variant, network, recipe
from axonal.study.watching import Silent, Watcher
from axonal.study.workers import one_thread
from axonal.tracing import trace
from axonal.training import Judge, TrainingSettings, batch_at, examples, metric
from axonal.wire.codec import Codec

__all__ = ["Execution", "Prepared", "candidates", "judged", "part_of", "prepared", "studied", "trial_of"]

RUN_VARIANTS = ("hybrid", "dense", "low_rank", "ann", "one_bit")
"""What can be run: `dense` has no boundaries; the others are those of `axonal compare`."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Which model to run.

    Args:
        model: `digits`, `pydocs` or another dataset, with its default network; or `module:function`, whose function
            returns a module and example inputs.
        stages: Pieces that it is cut into.
        variant: One of `RUN_VARIANTS`.
        seed: Seed of training.
        full: Whether it is trained as long as for `axonal compare`, or for a first look.
        target: Bits per boundary element that the hybrid is held at; that of the recipe when `None`.
        data_dir: Folder with datasets.
        cache: Folder for trained weights; the user's cache folder when `None`.
    """

    model: str
    stages: int = 2
    variant: str = "hybrid"
    seed: int = 0
    full: bool = False
    target: float | None = None
    data_dir: Path | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.stages < 2:
            raise ValueError(f"stages is {self.stages}, must be >= 2: one stage has nothing to send")
        if self.variant not in RUN_VARIANTS:
            raise ValueError(f"variant is {self.variant!r}, must be one of {', '.join(RUN_VARIANTS)}")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}, must be >= 0")
        if self.target is not None and not 0 < self.target < math.inf:
            raise ValueError(f"target is {self.target} bits per boundary element, must be finite and > 0")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A model that is ready to be run.

    Args:
        model: The model, with boundaries but for the variant `dense`.
        partition: Of the model without boundaries.
        dataset: What it was trained on; `None` for a model of one's own.
        inputs: Test examples.
        targets: Their answers; empty for a model of one's own.
        settings: How its boundaries were trained, or a default.
    """

    model: nn.Module
    partition: Partition
    dataset: Dataset | None
    inputs: Tensor
    targets: Tensor
    settings: TrainingSettings

    def stages(self, micro_batch: int) -> tuple[Stage, ...]:
        """The pieces of the model, for messages of so many examples."""
        return split(self.model, self.inputs[:micro_batch], self.partition)

    @property
    def dense_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each tensor that the model without boundaries sends, once for each link that it takes."""
        order = {chip: number for number, chip in enumerate(self.partition.chips)}
        return tuple(
            edge.shape
            for edge in self.partition.boundaries
            for _ in range(order[self.partition.chip_of(edge.target)] - order[self.partition.chip_of(edge.source)])
        )

    def quality(self, answers: Tensor) -> float | None:
        """Accuracy in [0, 1] or bits per byte of answers to the first test examples; `None` without a dataset."""
        if self.dataset is None:
            return None
        judge = Judge(self.dataset, self.targets)
        judge(answers)
        return judge.value

    @property
    def metric(self) -> str:
        """What `quality` is, for people."""
        return metric(self.dataset.task)[0] if self.dataset is not None else "no quality"

    def batches(self, batch: int) -> Callable[[int], tuple[Tensor, Tensor]]:
        """Training batches of so many examples, by step."""
        dataset = self.dataset
        if dataset is None:
            raise ValueError("a model of one's own has no training data here: run it without --train")
        settings = TrainingSettings(steps=1, batch=batch, window=self.settings.window, seed=self.settings.seed)
        return lambda step: batch_at(dataset, settings, step)


def prepared(execution: Execution, watcher: Watcher | None = None) -> Prepared:
    """Train a model, or find it in the cache, and cut it.

    Raises:
        ValueError: Unknown names, a model that cannot be cut into so many stages, wrong files.
        OSError: A file that is missing or cannot be written.
    """
    with one_thread(), torch.enable_grad():
        if ":" in execution.model:
            return _own(execution)
        return _trained(execution, watcher or Silent())


def _trained(execution: Execution, watcher: Watcher) -> Prepared:
    dataset = load_data(execution.model, execution.data_dir)
    plan = recipe(dataset, quick=not execution.full)
    if execution.target is not None:
        plan = replace(plan, target=execution.target)
    study = Study(
        dataset=dataset,
        system=host_system(execution.stages),
        network=network(None, dataset),
        plan=plan,
        cache=Cache(execution.cache or default_folder()),
        watcher=watcher,
    )
    _require_stages(study.started(execution.seed).base, execution.stages)
    return studied(study, VARIANTS.get(execution.variant), execution.seed)


def studied(study: Study, variant: Variant | None, seed: int = 0) -> Prepared:
    """The network of a study in a variant, trained or found in the cache; without boundaries where that is `None`."""
    dataset, plan = study.dataset, study.plan
    start = study.started(seed)
    model = start.model if variant is None else study.cut(variant, start).model
    inputs, targets = examples(dataset, dataset.test, plan.dense.window, plan.test_examples)
    return Prepared(
        model=model.eval(),
        partition=start.base,
        dataset=dataset,
        inputs=inputs,
        targets=targets,
        settings=plan.boundary,
    )


def _own(execution: Execution) -> Prepared:
    """A model of the user's own, with boundaries that are calibrated on its example, but not trained."""
    model, inputs = _imported(execution.model)
    part = partition(trace(model, inputs[:8]), host_system(execution.stages))
    _require_stages(part, execution.stages)
    if execution.variant != "dense":
        variant = VARIANTS[execution.variant]
        if variant.has_target:
            best = best_code("classification" if inputs.is_floating_point() else "language")
            variant = Variant(key=variant.key, label=variant.label, code=best.code, neurons=best.neurons)
        model = insert_boundaries(model, inputs[:2], part.boundaries, variant.boundary)
        calibrate(model, inputs[:64])
    return Prepared(
        model=model.eval(),
        partition=part,
        dataset=None,
        inputs=inputs,
        targets=torch.empty(0),
        settings=TrainingSettings(steps=1),
    )


def _imported(name: str) -> tuple[nn.Module, Tensor]:
    module_name, _, function_name = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = getattr(import_module(module_name), function_name)()
    except Exception as error:  # the module runs a user's code
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ValueError(f"model {name!r} cannot be made ({reason}): give module:function") from error
    if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], Tensor)):
        raise ValueError(f"{name} returns {type(found).__name__}, must be (module, example inputs)")
    model, inputs = found
    if not isinstance(model, nn.Module):
        raise ValueError(f"{name} returns {type(model).__name__} first, must be torch.nn.Module")
    return model, inputs


def _require_stages(part: Partition, stages: int) -> None:
    if len(part.chips) != stages:
        raise ValueError(f"the model has {len(part.chips)} layers to divide, stages is {stages}: use fewer stages")


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """Test examples of a model of which one part is elsewhere."""

    ready: Prepared
    before: Sequence[Stage]
    after: Sequence[Stage]
    batch: int
    examples: int

    @property
    def metric(self) -> str:
        """What `quality` says, for people."""
        return self.ready.metric

    def batches(self) -> Iterator[Tensor]:
        """Inputs of the model."""
        yield from torch.split(self.ready.inputs[: self.examples], self.batch)

    def local(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """What the stages before make of them."""
        return _through(self.before, (inputs,))

    def quality(self, outputs: list[tuple[Tensor, ...]]) -> float:
        """Quality of what the stages after make of the answers."""
        answers = torch.cat([_through(self.after, found)[0] for found in outputs])
        value = self.ready.quality(answers)
        return math.nan if value is None else value


@torch.no_grad()
def _through(stages: Sequence[Stage], tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    for stage in stages:
        tensors = stage(*tensors)
    return tensors


def _part(execution: Execution, part: int, watcher: Watcher | None) -> tuple[Prepared, tuple[Stage, ...]]:
    if not 0 <= part < execution.stages:
        raise ValueError(f"part is {part}, must be 0 to {execution.stages - 1}: there are {execution.stages} stages")
    ready = prepared(execution, watcher)
    return ready, ready.stages(2)


def part_of(model: str, *, stages: int, part: int, cache: Path | None = None, watcher: Watcher | None = None) -> Stage:
    """One stage of a model, to be served."""
    return _part(Execution(model=model, stages=stages, cache=cache), part, watcher)[1][part]


def trial_of(model: str, *, stages: int, part: int, examples: int, batch: int, cache: Path | None = None) -> _Trial:
    """Test examples that go through the stages before a part here, through it elsewhere, and through the rest here."""
    for name, value in (("examples", examples), ("batch", batch)):
        if value < 1:
            raise ValueError(f"{name} is {value}, must be >= 1")
    ready, pieces = _part(Execution(model=model, stages=stages, cache=cache), part, None)
    return _Trial(ready=ready, before=pieces[:part], after=pieces[part + 1 :], batch=batch, examples=examples)


def candidates(
    execution: Execution, micro_batch: int = 16, watcher: Watcher | None = None
) -> tuple[list[Candidate], Tensor]:
    """What could cross the links of a model, each with its quality: spikes in each codec, and the dense rivals.

    Args:
        execution: Which model; its variant is each of those that compete.
        micro_batch: Examples of a message.
        watcher: Told of progress.

    Returns:
        Candidates, and the inputs of one message.
    """
    found = []
    inputs = torch.empty(0)
    for variant, codecs in _RIVALS.items():
        ready = prepared(replace(execution, variant=variant), watcher)
        inputs = ready.inputs[:micro_batch]
        pieces = ready.stages(micro_batch)
        crossing = {item.name: item for stage in pieces[:-1] for item in stage.outputs}
        exact = judged(ready, pieces, None) if variant != "dense" else None
        for codec in codecs:
            quality = exact if variant != "dense" else judged(ready, pieces, codec)
            found.append(
                Candidate(
                    name={"dense": codec, "low_rank": "low rank + int8"}.get(variant, f"spikes, {codec}"),
                    stages=pieces,
                    codecs={name: codec for name, item in crossing.items() if codec in item.codecs},
                    quality=quality,
                    spikes=variant == "hybrid",
                    lower_is_better=ready.dataset is not None and not metric(ready.dataset.task)[1],
                )
            )
    return found, inputs


_RIVALS = {
    "hybrid": tuple(name for name in SYMBOL_CODECS if name != "dense"),
    "dense": FLOAT_CODECS,
    "low_rank": ("dense",),
}
"""Codecs of the variants that `candidates` offers."""

_JUDGED = 512
"""Test examples by which candidates are judged."""


@torch.no_grad()
def judged(ready: Prepared, stages: Sequence[Stage], codec: str | None, most: int = _JUDGED) -> float | None:
    """Quality on the first test examples, where values lose what a codec takes from them on each link."""
    if ready.dataset is None:
        return None
    answers = []
    for some in torch.split(ready.inputs[:most], 64):
        tensors: tuple[Tensor, ...] = (some,)
        for stage in stages:
            tensors = stage(*tensors)
            if codec is not None and stage.index < len(stages) - 1:
                tensors = tuple(
                    _crossed(codec_for(codec, item), item, value) if codec in item.codecs else value
                    for item, value in zip(stage.outputs, tensors, strict=True)
                )
        answers.append(tensors[0])
    return ready.quality(torch.cat(answers))


def _crossed(codec: Codec, crossing: Crossing, value: Tensor) -> Tensor:
    """A tensor after it was encoded and decoded."""
    floats = crossing.floats(value, len(value))
    arrived = torch.empty_like(torch.from_numpy(floats)).numpy()
    codec.decode(codec.encode(floats), arrived)
    made: Tensor = crossing.tensor(arrived, len(value))
    return made
