"""Every code once or more, and what the receiver reads of it."""

from __future__ import annotations

import torch
from torch import Tensor

from axonal.spiking import (
    BitPlane,
    Bottleneck,
    Burst,
    Categorical,
    Code,
    FewSpikes,
    Float,
    Graded,
    Integer,
    Latency,
    Noise,
    Rate,
    SigmaDelta,
    TopK,
    ternary,
)

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other

NEURONS = 12
"""A multiple of the groups of every code below."""

WHOLE: tuple[Code, ...] = (
    Graded(2),
    Graded(0, signed=False),
    Graded(3, surrogate=Noise()),
    ternary(),
    Latency(4),
    Latency(8, signed=False),
    FewSpikes(3),
    BitPlane(3),
    Rate(1),
    Rate(4),
    Rate(4, leaky=False),
    SigmaDelta(Graded(2)),
    TopK(2),
    Burst(Graded(2), 4),
    Burst(Graded(0, signed=False), 3),
    Categorical(4),
    Integer(1),
    Integer(8),
    Bottleneck(5),
    Bottleneck(5, noise=Noise()),
)
"""Codes whose symbols are whole numbers."""

ALL: tuple[Code, ...] = (*WHOLE, Float())


def currents(seed: int, *shape: int, spread: float = 3.0) -> Tensor:
    """Normal currents of that shape, `NEURONS` wide; `2 3 NEURONS` without one."""
    source = torch.Generator().manual_seed(seed)
    return torch.randn(*(shape or (2, 3)), NEURONS, generator=source) * spread


def sent(code: Code, current: Tensor, threshold: float = 1.0, leak: float = 0.5) -> Tensor:
    """Symbols of neurons that are all alike."""
    neurons = current.shape[-1]
    return code.encode(current, torch.full((neurons,), threshold), torch.full((neurons,), leak))


def read(code: Code, symbols: Tensor, leak: float = 0.5) -> Tensor:
    """The value that the receiver adds up, in thresholds."""
    kept = torch.full((symbols.shape[-1],), leak) if code.leaky else None
    values = code.amplitudes(symbols, kept)
    if code.time_steps == 1:
        return values
    return torch.tensordot(torch.tensor(code.weights()), values, ([0], [1]))
