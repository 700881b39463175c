"""Spiking and quantising operators as custom torch operators.

`torch.export` drops the gradient of a `torch.autograd.Function`; a custom
operator with a registered gradient survives it, and stays one named node that
the tracer can find.
"""

from __future__ import annotations

import torch
from torch import Tensor

from axonal.kernels.scan import backward, contiguous_like, forward
from axonal.kernels.surrogate import Surrogate, by_name, name_of

__all__ = ["fire", "fire_reference", "quantize"]


@torch.library.custom_op("axonal::fire", mutates_args=())
def _fire(  # noqa: PLR0913, PLR0917 - an operator takes no objects
    current: Tensor, leak: Tensor, threshold: Tensor, levels: int, signed: bool, surrogate: str, width: float
) -> tuple[Tensor, Tensor]:
    del surrogate, width  # only the gradient needs them
    return forward(current, leak, threshold, levels, signed)


@_fire.register_fake
def _(  # noqa: PLR0913, PLR0917 - as above
    current: Tensor, leak: Tensor, threshold: Tensor, levels: int, signed: bool, surrogate: str, width: float
) -> tuple[Tensor, Tensor]:
    del leak, threshold, levels, signed, surrogate, width
    return contiguous_like(current), contiguous_like(current)


@torch.library.custom_op("axonal::fire_gradients", mutates_args=())
def _fire_gradients(
    through: Tensor, symbols: Tensor, ratios: Tensor, leak: Tensor, threshold: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """An operator too, because the compiled loop cannot be traced through."""
    return backward(through, symbols, ratios, leak, threshold)


@_fire_gradients.register_fake
def _(
    through: Tensor, symbols: Tensor, ratios: Tensor, leak: Tensor, threshold: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    del symbols, ratios, leak, threshold
    return contiguous_like(through), contiguous_like(through[0]), contiguous_like(through[0])


def _fire_setup(ctx: torch.autograd.function.FunctionCtx, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:  # type: ignore[type-arg]
    _, leak, threshold, levels, signed, surrogate, width = inputs
    symbols, ratios = output
    ctx.save_for_backward(leak, threshold, symbols, ratios)
    ctx.settings = (levels, signed, by_name(surrogate, width))  # type: ignore[attr-defined]


def _fire_backward(
    ctx: torch.autograd.function.FunctionCtx, grad_symbols: Tensor, _: Tensor
) -> tuple[Tensor | None, ...]:
    """Reverse scan; the reset is held constant, as is usual for soft reset.

    u = leak m' + I, r = u / threshold, s = step(r), m = u - threshold s.
    """
    leak, threshold, symbols, ratios = ctx.saved_tensors  # type: ignore[attr-defined]
    levels, signed, surrogate = ctx.settings  # type: ignore[attr-defined]
    slope = surrogate.derivative(ratios, levels, signed)
    through = grad_symbols * slope / threshold
    grad_current, grad_leak, grad_threshold = _fire_gradients(through, symbols, ratios, leak, threshold)
    return (
        grad_current,
        grad_leak.sum_to_size(leak.shape),
        grad_threshold.sum_to_size(threshold.shape),
        None,
        None,
        None,
        None,
    )


_fire.register_autograd(_fire_backward, setup_context=_fire_setup)


def fire(
    current: Tensor, leak: Tensor, threshold: Tensor, *, levels: int, signed: bool, surrogate: Surrogate
) -> Tensor:
    """Integrate and fire over the leading time axis, with a soft reset.

    u[t] = leak m[t-1] + current[t];  s[t] = number of thresholds crossed by u[t], at most `levels`;
    m[t] = u[t] - threshold s[t].  `levels=1` unsigned is the LIF neuron, more levels are graded events.

    Args:
        current: Input, shape `time ...`.
        leak: Share of the membrane kept each step, broadcast against one step.
        threshold: Threshold and size of a level, broadcast against one step, > 0.
        levels: Largest symbol.
        signed: Whether negative crossings fire negative symbols.
        surrogate: Gradient of a crossing.

    Returns:
        Symbols (whole numbers in the dtype of `current`), shape of `current`.

    Raises:
        ValueError: When `levels` is below 1 or the surrogate is not one of this room.
    """
    if levels < 1:
        raise ValueError(f"levels is {levels}, must be >= 1")
    kind = name_of(surrogate)
    symbols: Tensor = _fire(current, leak, threshold, levels, signed, kind, surrogate.width)[0]
    return symbols


def fire_reference(current: Tensor, leak: Tensor, threshold: Tensor, *, levels: int, signed: bool) -> Tensor:
    """The forward pass of `fire`, element by element: slow and obvious."""
    shape = current.shape[1:]
    leaks, thresholds = (parameter.expand(shape).reshape(-1).tolist() for parameter in (leak, threshold))
    columns = current.reshape(len(current), -1).tolist()
    membrane = [0.0] * len(leaks)
    symbols = []
    for step in columns:
        row = []
        for neuron, value in enumerate(step):
            potential = leaks[neuron] * membrane[neuron] + value
            symbol = min(int(abs(potential) / thresholds[neuron]), levels)
            symbol = symbol if potential >= 0 else -symbol if signed else 0
            membrane[neuron] = potential - thresholds[neuron] * symbol
            row.append(float(symbol))
        symbols.append(row)
    return torch.tensor(symbols, dtype=current.dtype).reshape(current.shape)


def _range(bits: int) -> tuple[int, int]:
    return (0, 1) if bits == 1 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@torch.library.custom_op("axonal::quantize", mutates_args=())
def _quantize(value: Tensor, scale: Tensor, bits: int) -> Tensor:
    low, high = _range(bits)
    ratio = value / scale
    return (ratio >= 0).to(value.dtype) if bits == 1 else ratio.round().clamp(low, high)


@_quantize.register_fake
def _(value: Tensor, scale: Tensor, bits: int) -> Tensor:
    del scale, bits
    return torch.empty_like(value)


def _quantize_setup(
    ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor, Tensor, int], output: Tensor
) -> None:
    del output
    value, scale, bits = inputs
    ctx.save_for_backward(value, scale)
    ctx.bits = bits  # type: ignore[attr-defined]


def _quantize_backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
    value, scale = ctx.saved_tensors  # type: ignore[attr-defined]
    low, high = (-1, 1) if ctx.bits == 1 else _range(ctx.bits)  # type: ignore[attr-defined]
    ratio = value / scale
    through = grad * ((ratio >= low) & (ratio <= high)) / scale
    return through, -(through * ratio).sum_to_size(scale.shape), None


_quantize.register_autograd(_quantize_backward, setup_context=_quantize_setup)


def quantize(value: Tensor, scale: Tensor, *, bits: int) -> Tensor:
    """Round to `bits`-bit integers with a learnable scale: the dense control.

    q = clamp(round(value / scale)); one bit means [value >= 0]. The gradient is
    straight-through inside the range (as LSQ, Esser et al. 2020).

    Args:
        value: Any shape.
        scale: Step of the quantiser, broadcast against `value`, > 0.
        bits: 1 to 16.

    Returns:
        Whole numbers in the dtype of `value`.

    Raises:
        ValueError: When `bits` is out of its range.
    """
    if not 1 <= bits <= 16:
        raise ValueError(f"bits is {bits}, must be 1 to 16")
    integers: Tensor = _quantize(value, scale, bits)
    return integers
