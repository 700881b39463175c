"""The time loop of a spiking layer, forward and backward.

Two twins of each: plain torch, for any device and dtype, and a compiled loop for the
CPU, where a hundred small torch calls cost more than their arithmetic.
"""

from __future__ import annotations

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from axonal.kernels.surrogate import unit_step

__all__ = ["backward", "backward_plain", "contiguous_like", "forward", "forward_plain"]

_Floats = NDArray[np.floating]


def contiguous_like(tensor: Tensor) -> Tensor:
    """An empty tensor, contiguous whatever the strides of the given one are."""
    return torch.empty_like(tensor, memory_format=torch.contiguous_format)


def forward(current: Tensor, leak: Tensor, threshold: Tensor, levels: int, signed: bool) -> tuple[Tensor, Tensor]:
    """Symbols and ratios (membrane before the reset, in thresholds), both of shape `time ...`.

    u[t] = leak m[t-1] + current[t];  r = u / threshold;  s = trunc(r) within the levels;  m = u - threshold s.
    """
    if len(current) == 1 or current.device.type != "cpu" or current.dtype not in (torch.float32, torch.float64):
        return forward_plain(current, leak, threshold, levels, signed)
    symbols, ratios = contiguous_like(current), contiguous_like(current)
    currents, of_symbols, of_ratios = _flat(current, symbols, ratios)
    leaks, thresholds = _vectors(current[0], leak, threshold)
    _forward(currents, leaks, thresholds, levels, signed, of_symbols, of_ratios)
    return symbols, ratios


def backward(
    through: Tensor, symbols: Tensor, ratios: Tensor, leak: Tensor, threshold: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of current (`time ...`), leak and threshold (one step each), the reset held constant.

    Args:
        through: Gradient of each ratio's membrane by its own spike, g_s slope / threshold.
        symbols: Of the forward pass.
        ratios: Of the forward pass.
        leak: As in the forward pass.
        threshold: As in the forward pass.
    """
    if len(through) == 1 or through.device.type != "cpu" or through.dtype not in (torch.float32, torch.float64):
        return backward_plain(through, symbols, ratios, leak, threshold)
    current = contiguous_like(through)
    of_leak, of_threshold = contiguous_like(through[0]).zero_(), contiguous_like(through[0]).zero_()
    arrays = _flat(through, symbols, ratios)
    _backward(*arrays, *_vectors(through[0], leak, threshold), *_flat(current), *_rows(of_leak, of_threshold))
    return current, of_leak, of_threshold


def forward_plain(current: Tensor, leak: Tensor, threshold: Tensor, levels: int, signed: bool) -> tuple[Tensor, Tensor]:
    """`forward` step by step in torch."""
    symbols, ratios = contiguous_like(current), contiguous_like(current)
    membrane = torch.zeros_like(current[0])
    for step in range(len(current)):
        potential = current[step] + leak * membrane
        ratios[step] = potential / threshold
        symbols[step] = unit_step(ratios[step], levels, signed)
        membrane = potential - threshold * symbols[step]
    return symbols, ratios


def backward_plain(
    through: Tensor, symbols: Tensor, ratios: Tensor, leak: Tensor, threshold: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """`backward` step by step in torch."""
    current, membrane = contiguous_like(through), contiguous_like(through[0]).zero_()
    of_leak, of_threshold = torch.zeros_like(membrane), torch.zeros_like(membrane)
    for step in reversed(range(len(through))):
        of_threshold -= through[step] * ratios[step] + membrane * symbols[step]
        current[step] = through[step] + membrane
        if step:
            of_leak += current[step] * (ratios[step - 1] - symbols[step - 1]) * threshold
        membrane = leak * current[step]
    return current, of_leak, of_threshold


def _flat(*tensors: Tensor) -> tuple[_Floats, ...]:
    """Arrays of shape `(time, neurons)` that share memory with contiguous tensors."""
    return tuple(tensor.contiguous().view(len(tensor), -1).numpy() for tensor in tensors)


def _rows(*tensors: Tensor) -> tuple[_Floats, ...]:
    return tuple(tensor.view(-1).numpy() for tensor in tensors)


def _vectors(step: Tensor, *parameters: Tensor) -> tuple[_Floats, ...]:
    """Parameters written out for each neuron of one step."""
    return tuple(p.detach().expand(step.shape).reshape(-1).to(step.dtype).numpy() for p in parameters)


@njit(cache=True)
def _forward(  # noqa: PLR0913, PLR0917 - a compiled loop takes no objects
    current: _Floats,
    leak: _Floats,
    threshold: _Floats,
    levels: int,
    signed: bool,
    symbols: _Floats,
    ratios: _Floats,
) -> None:
    steps, neurons = current.shape
    low = -levels if signed else 0
    membrane = np.zeros_like(current[0])
    for step in range(steps):
        for neuron in range(neurons):
            potential = current[step, neuron] + leak[neuron] * membrane[neuron]
            ratio = potential / threshold[neuron]
            symbol = min(max(np.trunc(ratio), low), levels)
            ratios[step, neuron] = ratio
            symbols[step, neuron] = symbol
            membrane[neuron] = potential - threshold[neuron] * symbol


@njit(cache=True)
def _backward(  # noqa: PLR0913, PLR0917 - as above
    through: _Floats,
    symbols: _Floats,
    ratios: _Floats,
    leak: _Floats,
    threshold: _Floats,
    current: _Floats,
    of_leak: _Floats,
    of_threshold: _Floats,
) -> None:
    steps, neurons = through.shape
    membrane = np.zeros_like(through[0])
    for step in range(steps - 1, -1, -1):
        for neuron in range(neurons):
            of_threshold[neuron] -= (
                through[step, neuron] * ratios[step, neuron] + membrane[neuron] * symbols[step, neuron]
            )
            gradient = through[step, neuron] + membrane[neuron]
            current[step, neuron] = gradient
            if step > 0:
                before = ratios[step - 1, neuron] - symbols[step - 1, neuron]
                of_leak[neuron] += gradient * before * threshold[neuron]
            membrane[neuron] = leak[neuron] * gradient
