"""The door `run`: a partitioned model in real processes, with real bytes between them."""

from __future__ import annotations

import json
import os
import pickle
import queue
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch._C._distributed_c10d import TCPStore

from axonal.mapping import Partition
from axonal.runtime.errors import PeerLost, RuntimeFault
from axonal.runtime.fitting import Batches, fit
from axonal.runtime.lanes import Counts
from axonal.runtime.outcomes import Outcome, RankOutcome
from axonal.runtime.pipeline import Loss, Pipeline, PipelineSettings
from axonal.runtime.predicting import baseline_bytes, cheapest_codecs, predicted_bytes
from axonal.runtime.stages import Stage, split
from axonal.training import TrainingSettings
from axonal.wire import CorruptFrame

__all__ = ["Learning", "RunSettings", "run", "work"]

LATENCY_PASSES = 5
"""Single micro-batches of which the median latency is taken."""

Dense = Sequence[tuple[int, ...]]
"""Shapes of the tensors that cross links in the model without boundaries."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How a run trains before it answers.

    Args:
        settings: Steps, rate, decay.
        batches: Batches by step.
        loss: Mean loss of answers and targets.
        folder: Where checkpoints are; none are written where `None`.
        every: Steps between checkpoints.
        watch: Told each step and loss, on the last rank.
    """

    settings: TrainingSettings
    batches: Batches
    loss: Loss
    folder: Path | None = None
    every: int = 50
    watch: Callable[[int, float], None] | None = None


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a model is run.

    Args:
        ranks: Processes; one for each stage when `None`.
        micro_batch: Examples of a message.
        pipeline: Schedule, codecs, limits. Where it names no codecs, each tensor of events crosses in the packet format
            that the simulator would choose.
        threads: Threads of torch in each process.
        learning: Training before the answers; none when `None`.
    """

    ranks: int | None = None
    micro_batch: int = 4
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    threads: int = 1
    learning: Learning | None = None

    def __post_init__(self) -> None:
        for name in ("micro_batch", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be >= 1")
        if self.ranks is not None and self.ranks < 1:
            raise ValueError(f"ranks is {self.ranks}, must be >= 1")


def run(
    model: nn.Module, partition: Partition, inputs: Tensor, settings: RunSettings | None = None, dense: Dense = ()
) -> Outcome:
    """Run a model in processes of this machine, one for each stage, and count what crosses.

    Args:
        model: What was traced to the workload of the partition, or what `insert_boundaries` made of it.
        partition: Of the model without boundaries.
        inputs: Examples, batch axis first.
        settings: How; the defaults when `None`.
        dense: Shapes of what crosses each link without boundaries, for the bytes of baselines; those of what crosses
            when empty.

    Returns:
        Answers, counts, times, and what the simulator's formats had predicted. `Outcome.report` stands beside what
        `simulate` says: `predicted.against(run(...).report)`.

    Raises:
        ValueError: The model cannot be cut there, or settings do not go together.
        RuntimeFault: A process failed; the text is that of the first one.

    Example:
        >>> from axonal.runtime import RunSettings
        >>> RunSettings(micro_batch=8).pipeline.gradient
        'int8'
    """
    settings = settings or RunSettings()
    stages = split(model, inputs[: settings.micro_batch], partition)
    ranks = settings.ranks or len(stages)
    # A store of this process: ranks that die do not take it with them.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    context = mp.get_context("spawn")
    # Pickled here: what `multiprocessing` pickles of a tensor is its memory, and ranks that train would share weights.
    job = pickle.dumps((stages, inputs, settings, tuple(dense)))
    told: Queue[tuple[int, str, Any]] = context.Queue()
    processes = [
        context.Process(target=_as_rank, args=(rank, ranks, store.port, job, told), daemon=True)
        for rank in range(ranks)
    ]
    for process in processes:
        process.start()
    try:
        return _collected(processes, told)
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
            process.join()


def work(stages: Sequence[Stage], inputs: Tensor, settings: RunSettings, dense: Dense = ()) -> Outcome:
    """The part of this rank in a run, in a process that `torchrun` or `run` started; all ranks call it alike.

    Returns:
        The outcome of the whole run; answers only on the last rank.
    """
    example = inputs[: settings.micro_batch]
    if len(example) < settings.micro_batch:
        raise ValueError(
            f"inputs have {len(inputs)} examples, must be at least {settings.micro_batch}: lower micro_batch"
        )
    plan = settings.pipeline
    if not plan.codecs:
        plan = replace(plan, codecs=cheapest_codecs(stages, example))
    learning = settings.learning
    with Pipeline(stages, example, plan, learning.loss if learning else None) as pipeline:
        losses: tuple[float, ...] = ()
        first_step, training = 0, Counts()
        if learning is not None:
            fitted = fit(
                pipeline,
                learning.batches,
                learning.settings,
                folder=learning.folder,
                every=learning.every,
                watch=learning.watch,
            )
            losses, first_step = fitted.losses, fitted.first_step
            training, pipeline.lanes.counts = pipeline.lanes.counts, Counts()
        answers, mine, messages = _answered(pipeline, inputs, training)
        parts = tuple(map(RankOutcome.from_json, pipeline.exchange("outcome", mine.to_json())))
        # Stages of other ranks have not learned here: what they send now cannot be predicted from their old weights.
        fixed = learning is None and not plan.auto
        predicted = predicted_bytes(stages, messages, plan.codecs) if fixed and pipeline.first else None
        predicted = json.loads(pipeline.exchange("predicted", json.dumps(predicted))[0])
        shapes = list(dense) or [crossing.shape for stage in stages[:-1] for crossing in stage.outputs]
        return Outcome(
            stages=len(stages),
            ranks=pipeline.ranks,
            schedule=plan.schedule,
            inferences=len(messages) * settings.micro_batch,
            micro_batch=settings.micro_batch,
            parts=parts,
            predicted_bytes_forward=predicted,
            baseline_bytes_forward=baseline_bytes(shapes, len(messages), settings.micro_batch),
            answers=answers,
            losses=losses,
            first_step=first_step,
        )


def _answered(pipeline: Pipeline, inputs: Tensor, training: Counts) -> tuple[Tensor | None, RankOutcome, list[Tensor]]:
    """Answers, what this rank counted on the way, and what each message was made of."""
    one = inputs[: pipeline.micro_batch]
    passes = []
    for _ in range(LATENCY_PASSES):
        pipeline.exchange("start", "")
        started = time.perf_counter()
        pipeline.infer_one(one)
        passes.append(1e3 * (time.perf_counter() - started))
    # What was sent to warm up and to time single micro-batches is no part of the answers.
    pipeline.lanes.counts = Counts()
    answers, messages = [], []
    pipeline.exchange("start", "")
    started = time.perf_counter()
    for batch in torch.split(inputs, pipeline.batch):
        found = pipeline.infer(batch)
        if found is not None:
            answers.append(found)
        messages += list(torch.split(pipeline.filled(batch), pipeline.micro_batch))
    elapsed = time.perf_counter() - started
    sent = [crossing.name for stage in pipeline.stages for crossing in stage.outputs]
    outcome = RankOutcome(
        codecs={name: pipeline.lanes.chosen(name) for name in sent if name in pipeline.lanes.numbers},
        changes=pipeline.adapter.changes if pipeline.adapter is not None else [],
        counts=pipeline.lanes.counts,
        training=training,
        elapsed_s=elapsed,
        latency_ms=statistics.median(passes) if pipeline.last else 0.0,
    )
    return torch.cat(answers) if answers else None, outcome, messages


def _as_rank(rank: int, ranks: int, port: int, job: bytes, told: Queue[tuple[int, str, Any]]) -> None:
    """What a process of `run` does, and how it ends: at once, whatever a connection is still waiting for."""
    os.environ.update(
        RANK=str(rank),
        WORLD_SIZE=str(ranks),
        LOCAL_RANK=str(rank),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        TORCHELASTIC_USE_AGENT_STORE="True",
        TORCHELASTIC_RESTART_COUNT="0",
    )
    stages, inputs, settings, dense = pickle.loads(job)  # noqa: S301 - from the process that started this one
    torch.set_num_threads(settings.threads)
    try:
        outcome = work(stages, inputs, settings, dense)
        answers = None if outcome.answers is None else outcome.answers.numpy()
        told.put((rank, "done", (replace(outcome, answers=None), answers)))
        status = 0
    except (RuntimeFault, CorruptFrame, ValueError, OSError) as error:
        told.put((rank, type(error).__name__, str(error)))
        status = 1
    told.close()
    told.join_thread()
    os._exit(status)


def _collected(processes: Sequence[Any], told: Queue[tuple[int, str, Any]]) -> Outcome:
    """The outcome that all ranks agree on, with the predictions of the first and the answers of the last."""
    done: dict[int, tuple[Outcome, Any]] = {}
    while len(done) < len(processes):
        try:
            rank, what, value = told.get(timeout=0.5)
        except queue.Empty:
            ended = {number for number, process in enumerate(processes) if process.exitcode is not None} - done.keys()
            if ended and told.empty():
                raise PeerLost(f"rank {min(ended)} ended without a word: was it killed (out of memory?)") from None
            continue
        if what != "done":
            raise _fault(rank, what, value)
        done[rank] = value
    first = done[0][0]
    answers = next((value for _, value in done.values() if value is not None), None)
    last = next((outcome for outcome, value in done.values() if value is not None), first)
    return replace(
        first,
        answers=None if answers is None else torch.from_numpy(answers),
        losses=last.losses,
    )


def _fault(rank: int, what: str, text: str) -> Exception:
    """The failure of a rank, as what it was there."""
    kinds: Mapping[str, type[Exception]] = {
        "ValueError": ValueError,
        "OSError": OSError,
        "CorruptFrame": CorruptFrame,
        "PeerLost": PeerLost,
    }
    return kinds.get(what, RuntimeFault)(f"rank {rank}: {text}")
