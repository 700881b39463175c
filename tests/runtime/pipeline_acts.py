"""What ranks do in tests of pipelines, and the same in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from axonal.runtime.lanes import Counts
from axonal.runtime.outcomes import joined
from axonal.runtime.pipeline import Pipeline, PipelineSettings
from axonal.runtime.stages import Stage
from axonal.training import loss_of

Arrays = dict[str, np.ndarray]

RATE = 0.05
"""Of plain gradient descent, in which nothing hides what a gradient was."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Batches of inputs and targets, the same for pipelines and for one process."""

    inputs: Tensor
    targets: Tensor
    micro_batch: int
    micro_batches: int
    steps: int

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        size = self.micro_batch * self.micro_batches
        rows = (torch.arange(size) + step * size) % len(self.inputs)
        return self.inputs[rows], self.targets[rows]


def lesson_of(
    inputs: Tensor, answers: Tensor, *, micro_batch: int = 2, micro_batches: int = 4, steps: int = 3
) -> Lesson:
    """Targets that have nothing to do with the answers: the loss is large, and so are gradients."""
    source = torch.Generator().manual_seed(5)
    targets = torch.randint(0, answers.shape[-1], answers.shape[:-1], generator=source)
    return Lesson(inputs=inputs, targets=targets, micro_batch=micro_batch, micro_batches=micro_batches, steps=steps)


def inferred(
    rank: int, stages: Sequence[Stage], inputs: Tensor, plan: PipelineSettings, micro_batch: int
) -> dict[str, Any]:
    """Answers to all inputs, the last batch as it is, and what was counted."""
    with Pipeline(stages, inputs[:micro_batch], plan) as pipeline:
        pipeline.lanes.counts = Counts()
        answers = [pipeline.infer(batch) for batch in torch.split(inputs, pipeline.batch)]
        found = [answer.numpy() for answer in answers if answer is not None]
        return {"answers": np.concatenate(found) if found else None, "counts": asdict(pipeline.lanes.counts)}


def taught(rank: int, stages: Sequence[Stage], plan: PipelineSettings, lesson: Lesson) -> dict[str, Any]:
    """Losses of the steps, gradients of the first, parameters after the last, and what was counted."""
    first = lesson.inputs[: lesson.micro_batch]
    with Pipeline(stages, first, plan, loss_of) as pipeline:
        parameters = pipeline.parameters()
        uneven = _refusal(pipeline, lesson)
        losses, gradients = [], {}
        for step in range(lesson.steps):
            losses.append([float(loss) for loss in pipeline.train_step(*lesson.batch(step))])
            if not step:
                gradients = {name: _array(value.grad) for name, value in parameters.items() if value.grad is not None}
            norm = float(pipeline.clip_gradients(1e9))
            descend(parameters)
        return {
            "losses": losses,
            "gradients": gradients,
            "parameters": {name: _array(value) for name, value in parameters.items()},
            "norm": norm,
            "counts": asdict(pipeline.lanes.counts),
            "uneven": uneven,
        }


def _refusal(pipeline: Pipeline, lesson: Lesson) -> str:
    inputs, targets = lesson.batch(0)
    try:
        pipeline.train_step(inputs[1:], targets[1:])
    except ValueError as error:
        return str(error)
    return ""


def alone(model: nn.Module, lesson: Lesson) -> dict[str, Any]:
    """What `taught` finds, in one process without a pipeline."""
    parameters = dict(model.named_parameters())
    losses, gradients = [], {}
    for step in range(lesson.steps):
        model.zero_grad()
        inputs, targets = lesson.batch(step)
        found = []
        pairs = zip(torch.split(inputs, lesson.micro_batch), torch.split(targets, lesson.micro_batch), strict=True)
        for some, wanted in pairs:
            loss = loss_of(model(some), wanted)
            loss.backward()
            found.append(float(loss.detach()))
        for value in parameters.values():
            if value.grad is not None:
                value.grad.div_(lesson.micro_batches)
        losses.append(found)
        if not step:
            gradients = {name: _array(value.grad) for name, value in parameters.items() if value.grad is not None}
        norm = float(
            torch.stack([v.grad.square().sum() for v in parameters.values() if v.grad is not None]).sum().sqrt()
        )
        descend(parameters)
    after = {name: _array(value) for name, value in parameters.items()}
    return {"losses": losses, "gradients": gradients, "parameters": after, "norm": norm}


@torch.no_grad()
def descend(parameters: Mapping[str, nn.Parameter]) -> None:
    for value in parameters.values():
        if value.grad is not None:
            value.sub_(RATE * value.grad)


def _array(value: Tensor) -> np.ndarray:
    return value.detach().numpy().copy()


def changing(
    rank: int, stages: Sequence[Stage], inputs: Tensor, plan: PipelineSettings, names: Sequence[str]
) -> dict[str, Any]:
    """Answers to the same batch by one codec after the other, chosen by senders alone."""
    found, codecs = [], []
    with Pipeline(stages, inputs[:4], plan) as pipeline:
        sent = [crossing for stage in pipeline.stages for crossing in stage.outputs]
        for name in names:
            for crossing in sent:
                if name in crossing.codecs and crossing.name in pipeline.lanes.numbers:
                    pipeline.lanes.choose(crossing.name, name)
            answers = pipeline.infer(inputs[: pipeline.batch])
            found.append(None if answers is None else answers.numpy())
            codecs.append(dict(pipeline.lanes.counts.codecs))
    return {"answers": found, "codecs": codecs}


def refused(
    rank: int, stages: Sequence[Stage], inputs: Tensor, plan: PipelineSettings, change: Mapping[str, Any]
) -> str:
    """Only makes a pipeline, after some of what it says of itself was changed."""
    from axonal.runtime import hello, pipeline  # noqa: PLC0415 - changed in this process alone

    given = dict(change)
    if "stages" in given:
        stages = given.pop("stages")
    if "plan" in given:
        plan = given.pop("plan")
    said = hello.hello

    def changed(**facts: Any) -> dict[str, str]:
        return {**said(**facts), **given}

    pipeline.hello = changed  # type: ignore[assignment]
    with Pipeline(stages, inputs[:4], plan):
        return "made"


def total(parts: Sequence[Mapping[str, Any]]) -> Counts:
    """Sum of the counts of ranks."""
    return joined([Counts(**part["counts"]) for part in parts])
