"""One rank of a pipeline: its stages, a stock schedule, packed frames between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import PipelineScheduleMulti, PipelineScheduleSingle, get_schedule_class
from torch.distributed.rendezvous import rendezvous

from axonal.runtime.adapting import Adapter
from axonal.runtime.crossing import Crossing
from axonal.runtime.errors import PeerTimeout
from axonal.runtime.group import PackedGroup, packed_group
from axonal.runtime.hello import agree, hello
from axonal.runtime.lanes import Lanes
from axonal.runtime.monitor import HEARTBEAT_S, Monitor
from axonal.runtime.stages import Stage, parameters_in_common, weights_of
from axonal.wire import MAX_LEVELS, layout_hash

__all__ = ["SCHEDULES", "Pipeline", "PipelineSettings"]

SCHEDULES = {
    "gpipe": "GPipe",
    "1f1b": "1F1B",
    "interleaved_1f1b": "Interleaved1F1B",
    "looped_bfs": "LoopedBFS",
    "zero_bubble": "InterleavedZeroBubble",
}
"""Schedules of `torch.distributed.pipelining` by our names for them."""

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class PipelineSettings:
    """How a pipeline runs.

    Args:
        schedule: One of `SCHEDULES`.
        micro_batches: Pieces that a batch is cut into.
        codecs: Codec by name of what crosses; the default of each where none is named.
        gradient: Codec of gradients.
        auto: Whether codecs follow the rate of the links while it runs.
        timeout_s: Longest wait for a peer that is alive.
        heartbeat_s: Time between two signs of life.
    """

    schedule: str = "1f1b"
    micro_batches: int = 4
    codecs: Mapping[str, str] = field(default_factory=dict)
    gradient: str = "int8"
    auto: bool = False
    timeout_s: float = 60.0
    heartbeat_s: float = HEARTBEAT_S

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule is {self.schedule!r}, must be one of {', '.join(SCHEDULES)}")
        if self.micro_batches < 1:
            raise ValueError(f"micro_batches is {self.micro_batches}, must be >= 1")
        for name in ("timeout_s", "heartbeat_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, must be > 0")


class Pipeline:
    """The stages of this rank, joined to the others.

    The default process group is made where there is none (from the variables that `torchrun` sets); every rank makes
    its pipeline from the same stages. Use it as a context: faults are told to the other ranks.

    Args:
        stages: All stages of the model; those of this rank are used: `rank, rank + ranks, ...`.
        example: A micro-batch of inputs, from which the type of the input is taken; all have its size.
        settings: How it runs.
        loss: Mean loss of answers and targets, for training.

    Raises:
        Refused: Another rank has something else in mind.
        ValueError: Stages and ranks, or schedule and stages, do not go together.
    """

    def __init__(
        self, stages: Sequence[Stage], example: Tensor, settings: PipelineSettings, loss: Loss | None = None
    ) -> None:
        store = _joined(settings.timeout_s)
        self.rank, self.ranks = dist.get_rank(), dist.get_world_size()
        self.settings, self.micro_batch = settings, len(example)
        _check(stages, self.ranks, settings)
        self.stages = tuple(stages[self.rank :: self.ranks])
        self.crossings = _crossings(stages)
        self.shared = parameters_in_common(stages)
        mine = hello(
            layout=self._layout(stages[0]), weights=weights_of(stages), schedule=self._plan(loss), ranks=self.ranks
        )
        self._store, self._asked = store, dict[str, int]()
        self._session = session = agree(store, self.rank, self.ranks, mine, timeout_s=settings.timeout_s)
        self.monitor = Monitor(
            store,
            self.rank,
            self.ranks,
            session=session,
            heartbeat_s=settings.heartbeat_s,
            timeout_s=settings.timeout_s,
        )
        self.lanes = Lanes(self.crossings, settings.codecs, settings.gradient)
        self.lanes.warm()
        self.adapter = Adapter(self) if settings.auto else None
        self.group = packed_group(settings.timeout_s)
        self.group.configure(
            self.lanes,
            self.monitor,
            session=session,
            layout=layout_hash(self._layout(stages[0])),
            most_elements=max(len(example) * crossing.elements for crossing in self.crossings),
        )
        everything = {name: value for stage in stages for name, value in stage.graph.named_parameters()}
        self._sizes = {name: everything[name].shape for name in self.shared}
        forward = "gpipe" if len(stages) == self.ranks else "looped_bfs"
        number, micro_batches = len(stages), settings.micro_batches
        self._inference = self._scheduled(forward, number, example, micro_batches)
        self._single = self._scheduled(forward, number, example, 1)
        self._training = self._scheduled(settings.schedule, number, example, micro_batches, loss) if loss else None

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None:
            self.monitor.finished()
        else:
            self.monitor.failed(error)

    @property
    def first(self) -> bool:
        """Whether this rank has the first stage, and reads inputs."""
        return self.stages[0].index == 0

    @property
    def last(self) -> bool:
        """Whether this rank has the last stage, and knows answers and losses."""
        return self.stages[-1].index == self.stages[-1].stages - 1

    @property
    def batch(self) -> int:
        """Examples of one step."""
        return self.micro_batch * self.settings.micro_batches

    def infer(self, inputs: Tensor) -> Tensor | None:
        """The answers to a batch, on the last rank.

        Raises:
            ValueError: The batch is larger than `batch`; a smaller one is filled up, and cut off again.
        """
        if not 0 < len(inputs) <= self.batch:
            raise ValueError(f"inputs have {len(inputs)} examples, must be 1 to {self.batch}: call it more often")
        answers = self._forward(self._inference, self.filled(inputs))
        self._adapt()
        return answers if answers is None else answers[: len(inputs)]

    def filled(self, inputs: Tensor) -> Tensor:
        """A batch, its last example repeated where some are missing."""
        missing = self.batch - len(inputs)
        return torch.cat([inputs, inputs[-1:].expand(missing, *inputs.shape[1:])]) if missing else inputs

    def infer_one(self, inputs: Tensor) -> Tensor | None:
        """The answers to a single micro-batch that has the pipeline to itself, on the last rank."""
        return self._forward(self._single, inputs)

    def _adapt(self) -> None:
        if self.adapter is not None:
            self.adapter.after_batch()

    def _forward(self, schedule: PipelineScheduleSingle | PipelineScheduleMulti, inputs: Tensor) -> Tensor | None:
        with torch.no_grad():
            found = schedule.eval(*((inputs,) if self.first else ()))
        if not self.last:
            return None
        answers: Tensor = found[0] if isinstance(found, tuple) else found
        return answers

    def train_step(self, inputs: Tensor, targets: Tensor) -> list[Tensor]:
        """Forward and backward of a batch; gradients are those of the mean loss. Losses on the last rank, else none.

        Raises:
            ValueError: The batch has another size than `batch`.
        """
        if len(inputs) != self.batch:
            raise ValueError(
                f"inputs have {len(inputs)} examples, must be {self.batch}: "
                f"{self.settings.micro_batches} micro-batches of {self.micro_batch}"
            )
        if self._training is None:
            raise ValueError("the pipeline was made for inference: give it a loss to train")
        for parameter in self.parameters().values():
            parameter.grad = None
        losses: list[Tensor] = []
        args = (inputs,) if self.first else ()
        self._training.step(*args, target=targets if self.last else None, losses=losses if self.last else None)
        # Left to the schedule, what two stages of a rank share would be divided twice.
        for parameter in self.parameters().values():
            if parameter.grad is not None:
                parameter.grad.div_(self.settings.micro_batches)
        self._sum_shared()
        self._adapt()
        return [loss.detach() for loss in losses]

    def parameters(self) -> dict[str, nn.Parameter]:
        """Parameters of this rank's stages by the names of the whole model."""
        return {name: value for stage in self.stages for name, value in stage.graph.named_parameters()}

    def clip_gradients(self, most: float) -> Tensor:
        """Scale all gradients so that their norm over all ranks is at most `most`; the norm before."""
        mine = self.parameters()
        squares = torch.zeros(())
        for name, parameter in mine.items():
            # A parameter that several stages hold counts once.
            if parameter.grad is not None and self._counts_here(name):
                squares = squares + parameter.grad.square().sum()
        self.group.summed(squares)
        norm = squares.sqrt()
        scale = most / (norm + 1e-6)
        if scale < 1:
            for parameter in mine.values():
                if parameter.grad is not None:
                    parameter.grad.mul_(scale)
        return norm

    def exchange(self, what: str, text: str) -> list[str]:
        """What every rank says of something, in the order of ranks; all have to ask.

        Raises:
            PeerLost: A rank is gone.
            PeerTimeout: A rank says nothing.
        """
        self._asked[what] = turn = self._asked.get(what, 0) + 1
        keys = [f"axonal/{self._session:016x}/{what}/{turn}/{rank}" for rank in range(self.ranks)]
        self._store.set(keys[self.rank], text)
        started = time.monotonic()
        while not self._store.check(keys):
            self.monitor.check()
            self.monitor.expired(started, f"what all ranks say of {what}: one is slower than")
            time.sleep(0.005)
        return [self._store.get(key).decode() for key in keys]

    def _counts_here(self, name: str) -> bool:
        return name not in self.shared or self.shared[name][0] % self.ranks == self.rank

    def _sum_shared(self) -> None:
        """What several stages use gets the sum of their gradients, on all of them alike."""
        mine = self.parameters()
        for name, holders in sorted(self.shared.items()):
            ranks = {index % self.ranks for index in holders}
            if len(ranks) == 1:
                continue
            parameter = mine.get(name)
            size = self._sizes[name]
            held = parameter.grad if parameter is not None and parameter.grad is not None else torch.zeros(size)
            self.group.summed(held)
            if parameter is not None:
                parameter.grad = held

    def _layout(self, stage: Stage) -> str:
        return f"{stage.layout}, micro-batches of {self.micro_batch}"

    def _plan(self, loss: Loss | None) -> str:
        return f"{self.settings.schedule} of {self.settings.micro_batches}, {'training' if loss else 'inference'}"

    def _scheduled(
        self, schedule: str, number: int, example: Tensor, micro_batches: int, loss: Loss | None = None
    ) -> PipelineScheduleSingle | PipelineScheduleMulti:
        made = [self._piped(stage, number, example, schedule) for stage in self.stages]
        kind: Any = get_schedule_class(SCHEDULES[schedule])
        whole = made if issubclass(kind, PipelineScheduleMulti) else made[0]
        found: PipelineScheduleSingle | PipelineScheduleMulti = kind(
            whole, micro_batches, loss_fn=loss, scale_grads=False
        )
        return found

    def _piped(self, stage: Stage, number: int, example: Tensor, schedule: str) -> PipelineStage:
        arriving = (example,) if stage.index == 0 else tuple(map(self._meta, stage.inputs))
        last = stage.index == number - 1
        leaving = tuple(self._meta(item, answer=last) for item in stage.outputs)
        return PipelineStage(
            _Announcing(
                stage,
                self.group,
                [] if last else [self.lanes.numbers[crossing.name] for crossing in stage.outputs],
                own=schedule == "zero_bubble",
            ),
            stage.index,
            number,
            torch.device("cpu"),
            input_args=arriving,
            output_args=leaving,
            group=self.group,
        )

    def _meta(self, crossing: Crossing, *, answer: bool = False) -> Tensor:
        """A tensor of the shape of what crosses; whole numbers of tokens have no gradient."""
        learns = answer or crossing.levels <= MAX_LEVELS
        return torch.empty(self.micro_batch, *crossing.shape, requires_grad=learns)


class _Announcing(nn.Module):
    """A stage that says of each tensor which one it is, before it is sent.

    Args:
        stage: The stage.
        group: Who sends.
        numbers: Numbers of the crossings that it makes; none of the last stage.
        own: Whether each tensor has memory of its own: zero-bubble schedules detach in place, which views cannot.
    """

    def __init__(self, stage: Stage, group: PackedGroup, numbers: Sequence[int], *, own: bool) -> None:
        super().__init__()
        self.stage, self.group, self.numbers, self.own = stage, group, tuple(numbers), own

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...] | Tensor:
        found: tuple[Tensor, ...] = self.stage(*tensors)
        if self.own:
            found = tuple(tensor.clone() for tensor in found)
        for tensor, number in zip(found, self.numbers, strict=False):
            self.group.announce(tensor, number)
        return found[0] if len(found) == 1 else found


def _crossings(stages: Sequence[Stage]) -> tuple[Crossing, ...]:
    """All that crosses anywhere, each once, in the order of the stages."""
    found = {crossing.name: crossing for stage in stages[:-1] for crossing in stage.outputs}
    return tuple(found.values())


def _check(stages: Sequence[Stage], ranks: int, settings: PipelineSettings) -> None:
    if len(stages) < 2:
        raise ValueError(f"stages are {len(stages)}, must be >= 2: a single one needs no pipeline")
    if len(stages) % ranks:
        raise ValueError(f"{len(stages)} stages on {ranks} ranks: stages must be a multiple of ranks")
    several = issubclass(get_schedule_class(SCHEDULES[settings.schedule]), PipelineScheduleMulti)
    if len(stages) > ranks and not several:
        multi = ", ".join(n for n, c in SCHEDULES.items() if issubclass(get_schedule_class(c), PipelineScheduleMulti))
        raise ValueError(
            f"schedule {settings.schedule} takes 1 stage a rank, there are {len(stages) // ranks}: "
            f"use one of {multi}, or {len(stages)} ranks"
        )


def _joined(timeout_s: float) -> Store:
    """The rendezvous store, with the default group made over it where there is none."""
    if dist.is_initialized():
        store: Store = dist.distributed_c10d._get_default_store()
        return store
    timeout = timedelta(seconds=timeout_s)
    try:
        store, rank, size = next(rendezvous("env://", timeout=timeout))
        inner = PrefixStore("axonal", store)
        dist.init_process_group("gloo", store=inner, rank=rank, world_size=size, timeout=timeout)
    except dist.DistError as error:
        raise PeerTimeout(
            f"not all ranks came within {timeout_s:g} s ({' '.join(str(error).split())[:120]}): "
            "are all started, and do they reach the store?"
        ) from error
    return store
