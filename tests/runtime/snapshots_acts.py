"""What ranks do in tests of checkpoints and of faults."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pipeline_acts import Lesson

from axonal.runtime import fitting, snapshots
from axonal.runtime.pipeline import Pipeline, PipelineSettings
from axonal.runtime.stages import Stage
from axonal.training import TrainingSettings, loss_of

FAST = {"timeout_s": 20.0, "heartbeat_s": 1.0, "micro_batches": 4}
"""Signs of life that come often enough for a test, and seldom enough for a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """A training of some steps with checkpoints.

    Args:
        folder: Where they are; none when `None`.
        lesson: Batches.
        steps: How many.
        every: Steps between two.
        plan: Of the pipeline.
    """

    folder: Path | None
    lesson: Lesson
    steps: int = 9
    every: int = 2
    plan: PipelineSettings

    def until(self, steps: int) -> Course:
        return replace(self, steps=steps)


def fitted(
    rank: int, stages: Sequence[Stage], course: Course, kill: tuple[int, int, float] | None = None
) -> dict[str, Any]:
    """Losses and weights at the end; `kill` is a rank, a step, and a wait after it, before it is killed."""

    def watch(step: int, loss: float) -> None:
        if kill is not None and (rank, step) == kill[:2]:
            threading.Timer(kill[2], lambda: os.kill(os.getpid(), signal.SIGKILL)).start()

    with Pipeline(stages, course.lesson.inputs[: course.lesson.micro_batch], course.plan, loss_of) as pipeline:
        found = fitting.fit(
            pipeline,
            course.lesson.batch,
            TrainingSettings(steps=course.steps, batch=pipeline.batch, learning_rate=0.01),
            folder=course.folder,
            every=course.every,
            watch=watch,
        )
        return {"losses": found.losses, "first_step": found.first_step, "weights": weights(pipeline)}


def weights(pipeline: Pipeline) -> dict[str, bytes]:
    return {name: value.detach().numpy().tobytes() for name, value in pipeline.parameters().items()}


def full_disk(rank: int, stages: Sequence[Stage], course: Course, step: int) -> dict[str, Any]:
    """As `fitted`, where the disk of rank 1 is full from a step on."""
    save: Callable[..., None] = snapshots.save_checkpoint

    def full(path: Path, tensors: Any, facts: Any) -> None:
        if rank == 1 and facts["step"] >= step:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(path, tensors, facts)

    snapshots.save_checkpoint = full  # type: ignore[attr-defined] # in this process alone
    return fitted(rank, stages, course)


# ---------------------------------------------------------------------------------------------------- faults


def answering(
    rank: int, stages: Sequence[Stage], inputs: torch.Tensor, plan: PipelineSettings, trouble: Trouble
) -> int:
    """Answer for ever, until the trouble comes."""
    done = 0
    with Pipeline(stages, inputs[:4], plan, loss_of if trouble.training else None) as pipeline:
        trouble.prepare(pipeline)
        while done < 100_000:
            if trouble.rank == rank and done == trouble.after:
                trouble.happen(pipeline)
            if trouble.training:
                pipeline.train_step(inputs[: pipeline.batch], torch.zeros(pipeline.batch, dtype=torch.int64))
            else:
                pipeline.infer(inputs[: pipeline.batch])
            done += 1
    return done


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What happens to a rank after some batches.

    Args:
        rank: To which.
        kind: `kill`, `stop`, `garble`, `zeros`, `swap`, `slow`, `silent`, `raise` or `half`.
        after: Batches before.
        training: Whether batches are learned from.
    """

    rank: int
    kind: str
    after: int = 3
    training: bool = False

    def prepare(self, pipeline: Pipeline) -> None:
        if self.kind == "half":
            setup = pipeline.group.setup
            pipeline.group._setup = replace(setup, capacity_bytes=1 << 28)  # room for a long message

    def happen(self, pipeline: Pipeline) -> None:
        match self.kind:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "raise":
                raise ValueError("the weights have gone bad")
            case "slow":
                time.sleep(1000)
            case "sum":
                pipeline.group.summed = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
            case "half":
                threading.Timer(0.005, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
                pipeline.group.send([torch.ones(1 << 27, dtype=torch.uint8)], pipeline.rank + 1).wait()
            case _:
                self._spoil(pipeline)

    def _spoil(self, pipeline: Pipeline) -> None:
        """What is sent from now on is spoiled."""
        inner = pipeline.group.inner
        pipeline.group.inner = _Spoiling(inner, self.kind)


class _Spoiling:
    def __init__(self, inner: Any, kind: str) -> None:
        self.inner, self.kind = inner, kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, tensors: list[torch.Tensor], dst: int, tag: int) -> Any:
        if self.kind == "garble":
            tensors[0][-1] ^= 0x10
        elif self.kind == "zeros":
            tensors[0][:] = 0
        elif self.kind == "short":
            tensors = [tensors[0][:50].clone()]
        return self.inner.send(tensors, dst, tag)
