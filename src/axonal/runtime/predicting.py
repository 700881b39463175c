"""What the simulator's packet formats say that a run will send, to be held against what it sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from axonal import wire
from axonal.runtime.crossing import Crossing, row_of
from axonal.runtime.lanes import FORMATS, format_of
from axonal.runtime.stages import Stage

__all__ = ["baseline_bytes", "cheapest_codecs", "predicted_bytes"]

BASELINES = ("fp32", "fp16", "bf16", "int8", "int4")
"""Codecs of the tensors of the model without boundaries, whose frames are all of one length."""


@torch.no_grad()
def _events(stages: Sequence[Stage], inputs: Tensor) -> list[list[tuple[Crossing, int]]]:
    """For each pair of neighbours, what crosses and its non-zero elements, for one message of inputs."""
    found = []
    tensors: tuple[Tensor, ...] = (inputs,)
    for stage in stages[:-1]:
        tensors = stage(*tensors)
        found.append([(c, int(torch.count_nonzero(t))) for c, t in zip(stage.outputs, tensors, strict=True)])
    return found


def predicted_bytes(stages: Sequence[Stage], micro_batches: Sequence[Tensor], codecs: Mapping[str, str]) -> int | None:
    """Bytes of all frames forward, by the sizes that the simulator gives to the packet formats.

    Args:
        stages: All stages.
        micro_batches: What each message is made of.
        codecs: Codec by name of what crosses; the default of each where none is named.

    Returns:
        The sum over messages and links; `None` where a codec has no packet format of the simulator, or a size that
        does not follow from the number of events (an entropy coder).
    """
    total = 0
    for inputs in micro_batches:
        for pairs in _events(stages, inputs):
            for crossing, events in pairs:
                name = codecs.get(crossing.name, crossing.codecs[0])
                fmt = format_of(name, crossing)
                if fmt is None:
                    return None
                total += math.ceil(fmt.bits(len(inputs) * crossing.elements, events) / 8)
    return total


def cheapest_codecs(stages: Sequence[Stage], inputs: Tensor) -> dict[str, str]:
    """For all events that cross, the codec of the packet format that the simulator would choose for these inputs."""
    found = {}
    for pairs in _events(stages, inputs):
        for crossing, events in pairs:
            fitting = {name: format_of(name, crossing) for name in FORMATS if name in crossing.codecs}
            elements = len(inputs) * crossing.elements
            sizes = {name: fmt.bits(elements, events) for name, fmt in fitting.items() if fmt is not None}
            if sizes and crossing.levels:
                found[crossing.name] = min(sizes, key=lambda name: sizes[name])
    return found


def baseline_bytes(shapes: Sequence[tuple[int, ...]], frames: int, batch: int) -> dict[str, int]:
    """Bytes that the tensors of the model without boundaries would have cost, by codec.

    Args:
        shapes: Of each tensor that crosses a link, without the batch axis.
        frames: Messages of each.
        batch: Examples of a message.
    """
    found = dict.fromkeys(BASELINES, 0)
    for shape in shapes:
        for name in BASELINES:
            # Their longest frame is each frame.
            used = wire.codec(name, levels=1, signed=True, channels=row_of(shape))
            found[name] += frames * used.capacity_bytes(batch * math.prod(shape))
    return found
