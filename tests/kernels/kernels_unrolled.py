"""Twins of the operators, written so that autograd finds the gradient by itself."""

from __future__ import annotations

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from axonal.kernels import ATan, StraightThrough, Surrogate, Triangle

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other

quick = settings(deadline=None, max_examples=60)

SURROGATES: tuple[Surrogate, ...] = (
    ATan(),
    ATan(0.7),
    Triangle(),
    Triangle(0.4),
    StraightThrough(),
    StraightThrough(0.3),
)


def fire_unrolled(
    current: Tensor, leak: Tensor, threshold: Tensor, *, levels: int, signed: bool, surrogate: Surrogate
) -> Tensor:
    """Integrate and fire step by step; a crossing has the surrogate's slope, the reset is held constant."""
    membrane, symbols = torch.zeros_like(current[0]), []
    for step in current.unbind(0):
        potential = leak * membrane + step
        ratio = potential / threshold
        crossed = ratio.detach().abs().floor().clamp(max=levels) * ratio.detach().sign()
        crossed = crossed if signed else crossed.clamp(min=0)
        slanted = ratio * surrogate.derivative(ratio.detach(), levels, signed)
        symbols.append(crossed + (slanted - slanted.detach()))
        membrane = potential - threshold * crossed
    return torch.stack(symbols)


def quantize_unrolled(value: Tensor, scale: Tensor, *, bits: int) -> Tensor:
    """Round with a gradient of one inside the range and none outside."""
    ratio = value / scale
    low, high = (-1, 1) if bits == 1 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    inside = (ratio.detach() >= low) & (ratio.detach() <= high)
    exact = (ratio.detach() >= 0).to(value.dtype) if bits == 1 else ratio.detach().clamp(low, high).round()
    return exact + torch.where(inside, ratio - ratio.detach(), 0.0)


def gradients(output: Tensor, inputs: tuple[Tensor, ...], seed: int = 7) -> tuple[Tensor, ...]:
    """Gradients of a random weighting of the output."""
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(seed), dtype=output.dtype)
    return torch.autograd.grad((output * weights).sum(), inputs)


@st.composite
def neurons(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, int, bool]:
    """Current, leak and threshold on a binary grid, so that sums are exact and thresholds are met exactly."""
    steps, count = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    eighths = st.integers(-40, 40).map(lambda n: n / 8)
    current = draw(st.lists(eighths, min_size=steps * count, max_size=steps * count))
    each = draw(st.sampled_from([1, count]))
    leak = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=each, max_size=each))
    threshold = draw(st.lists(st.sampled_from([0.5, 0.75, 1.0, 2.0]), min_size=each, max_size=each))
    return (
        torch.tensor(current, dtype=torch.float64).view(steps, count),
        torch.tensor(leak, dtype=torch.float64),
        torch.tensor(threshold, dtype=torch.float64),
        draw(st.integers(1, 5)),
        draw(st.booleans()),
    )
