"""What the stages and the codecs of candidates take here: really run, really encoded, in one process."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from axonal.runtime.advise_predicting import Cost, HopCost
from axonal.runtime.crossing import Crossing
from axonal.runtime.lanes import codec_for
from axonal.runtime.probe_machine import Clock, one_thread, processor_clock
from axonal.runtime.stages import Stage
from axonal.wire.codec import Codec
from axonal.wire.message import MESSAGE_BYTES, Message, MessageKind

__all__ = ["Candidate", "measured"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to run a model as a pipeline.

    Args:
        name: Unique name, for people.
        stages: What each rank computes; candidates that differ only in codecs share them, and are then measured alike.
        codecs: Codec by name of what crosses; the default of each where none is named.
        quality: How good its answers are, an accuracy for example; `None` where unknown.
        spikes: Whether spikes cross.
        lower_is_better: Whether a lower quality is the better one (bits per byte, a loss).
    """

    name: str
    stages: tuple[Stage, ...]
    codecs: Mapping[str, str] = field(default_factory=dict)
    quality: float | None = None
    spikes: bool = False
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        if len(self.stages) < 2:
            raise ValueError(
                f"{self.name} has {len(self.stages)} stages, must have at least 2: a single one sends nothing"
            )
        known = {crossing.name for crossing in self.crossings}
        if strange := sorted(set(self.codecs) - known):
            raise ValueError(
                f"codecs of {self.name} names {strange[0]!r}, which does not cross: use {', '.join(sorted(known))}"
            )
        for crossing in self.crossings:
            codec_for(self.codec_of(crossing), crossing)

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        """All that crosses, once for each pair of stages that it goes between."""
        return tuple(crossing for stage in self.stages[:-1] for crossing in stage.outputs)

    def codec_of(self, crossing: Crossing) -> str:
        """Name of the codec of what crosses."""
        return self.codecs.get(crossing.name, crossing.codecs[0])

    def crosses_in(self, name: str) -> bool:
        """Whether all values that are no whole numbers cross in one codec, and some do."""
        used = {self.codec_of(crossing) for crossing in self.crossings if not crossing.levels}
        return used == {name}


@dataclass(kw_only=True)
class _Samples:
    """Times of one candidate so far, in ns, by stage or by hop."""

    encode: list[list[int]]
    decode: list[list[int]]
    messages: list[int]
    frames: list[int]


Values = list[tuple[Tensor, ...]]
"""For each hop what crosses it, in the order of `Stage.outputs`."""


def measured(
    candidates: Sequence[Candidate], inputs: Tensor, *, rounds: int = 15, clock: Clock | None = None
) -> tuple[Cost, ...]:
    """What each candidate takes for a micro-batch, on one thread: medians of rounds in which all take turns.

    Times are those of the processor, so that they say what a core does that is free.

    A first round, which compiles and warms up, is left out.

    Args:
        candidates: What is measured.
        inputs: One micro-batch, batch axis first.
        rounds: How often everything runs.
        clock: Nanoseconds; processor time of this thread when not given.

    Raises:
        ValueError: `rounds` is less than 1, or a tensor does not cross (see `Crossing.check`).
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}, must be >= 1")
    clock = clock or processor_clock()
    groups = {id(candidate.stages): candidate.stages for candidate in candidates}
    compute: dict[int, list[list[int]]] = {key: [[] for _ in stages] for key, stages in groups.items()}
    samples = [_samples(candidate) for candidate in candidates]
    with one_thread(), torch.no_grad():
        for turn in range(rounds + 1):
            values = {key: _run(stages, inputs, compute[key], clock) for key, stages in groups.items()}
            for candidate, found in zip(candidates, samples, strict=True):
                _cross(candidate, values[id(candidate.stages)], found, clock)
            if turn == 0:
                compute = {key: [[] for _ in stages] for key, stages in groups.items()}
                samples = [_samples(candidate) for candidate in candidates]
    return tuple(
        _cost(compute[id(candidate.stages)], found) for candidate, found in zip(candidates, samples, strict=True)
    )


def _samples(candidate: Candidate) -> _Samples:
    hops = len(candidate.stages) - 1
    return _Samples(
        encode=[[] for _ in range(hops)], decode=[[] for _ in range(hops)], messages=[0] * hops, frames=[0] * hops
    )


def _run(stages: Sequence[Stage], inputs: Tensor, taken: list[list[int]], clock: Clock) -> Values:
    """Run the stages one after the other; what crossed."""
    values: Values = []
    arriving: tuple[Tensor, ...] = (inputs,)
    for stage, times in zip(stages, taken, strict=True):
        started = clock()
        arriving = stage(*arriving)
        times.append(clock() - started)
        values.append(arriving)
    return values[:-1]


def _cross(candidate: Candidate, values: Values, found: _Samples, clock: Clock) -> None:
    """Send everything from each stage to the next as processes do, but for the link."""
    for hop, tensors in enumerate(values):
        found.messages[hop] = found.frames[hop] = 0
        encode = decode = 0
        for crossing, tensor in zip(candidate.stages[hop].outputs, tensors, strict=True):
            used = codec_for(candidate.codec_of(crossing), crossing)
            started = clock()
            message = _sent(crossing, used, tensor)
            between = clock()
            _received(crossing, used, message, len(tensor))
            encode += between - started
            decode += clock() - between
            found.messages[hop] += len(message)
            found.frames[hop] += len(message) - MESSAGE_BYTES
        found.encode[hop].append(encode)
        found.decode[hop].append(decode)


def _sent(crossing: Crossing, used: Codec, tensor: Tensor) -> bytearray:
    values = crossing.floats(tensor, len(tensor))
    header = Message(kind=MessageKind.FORWARD, codec=used.number, elements=values.size)
    return bytearray(header.seal(used.encode(values)))


def _received(crossing: Crossing, used: Codec, message: bytearray, batch: int) -> Tensor:
    view = memoryview(message)
    header, payload = Message.read(view[:MESSAGE_BYTES], limit_bytes=len(message)), view[MESSAGE_BYTES:]
    header.check(payload)
    values = np.empty((header.elements // crossing.channels, crossing.channels), dtype=np.float32)
    used.decode(payload, values)
    return crossing.tensor(values, batch).clone()


def _cost(compute: Sequence[Sequence[int]], found: _Samples) -> Cost:
    return Cost(
        compute_ms=tuple(map(_median_ms, compute)),
        hops=tuple(
            HopCost(
                message_bytes=message, frame_bytes=frame, encode_ms=_median_ms(encode), decode_ms=_median_ms(decode)
            )
            for message, frame, encode, decode in zip(
                found.messages, found.frames, found.encode, found.decode, strict=True
            )
        ),
    )


def _median_ms(taken: Sequence[int]) -> float:
    return statistics.median(taken) / 1e6
