"""First weights and thresholds of a boundary, from data, so that training starts from a good transform code.

The input weights become the principal axes of the tensor (the Karhunen-Loeve transform), the output
weights their transpose: the best linear code of that many neurons for a Gaussian source. Thresholds of
events start at a fraction of the spread, steps of numbers where they err least.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from axonal.spiking.codes import BitPlane, Categorical, Code, Float, Integer, Latency, SigmaDelta

if TYPE_CHECKING:
    from axonal.spiking.boundary import Boundary

__all__ = ["calibrate_boundary", "meet", "thresholds"]

WIDEST = 7.0
"""Largest logarithm of a factor on thresholds."""

BISECTIONS = 6
"""Halvings of the factor's interval: to one per cent."""

SMALLEST = 1e-6
"""Thresholds and spreads are at least this."""

INSENSITIVE = 0.03
"""Sensitivity of directions that the loss does not feel, relative to the mean: the estimate is noisy."""

SAMPLES = 4096
"""Positions that steps are chosen by."""

SHARES = torch.logspace(-1.5, 0, 25).tolist()
"""Shares of the widest step that are tried."""


def calibrate_boundary(boundary: Boundary, value: Tensor, gradient: Tensor | None = None) -> None:
    """Calibrate a boundary on a batch of the tensor that crosses; call it without gradients.

    Args:
        boundary: What to calibrate.
        value: A batch of the tensor, in the patches that the encoder sees.
        gradient: Of the loss with respect to it. With F the mean outer product of the gradients of a position, an
            error e costs e' F e to second order: the principal axes are then those of F^(1/2) x.
    """
    encoder, decoder = boundary.encoder, boundary.decoder
    samples = value.movedim(encoder.channel_axis, -1)
    if isinstance(encoder.code, Categorical):
        _set_codebook(boundary, samples.flatten(0, -2), encoder.code)
    elif isinstance(encoder.input, nn.Linear):
        _set_axes(boundary, samples, None if gradient is None else gradient.movedim(encoder.channel_axis, -1))
    else:
        step = _channel_steps(encoder.code, samples.flatten(0, -2))
        encoder.log_threshold.copy_(step.log())
        decoder.log_scale.copy_(step.log())


def _set_axes(boundary: Boundary, samples: Tensor, gradient: Tensor | None) -> None:
    encoder, code = boundary.encoder, boundary.encoder.code
    layer, output = encoder.input, boundary.decoder.output
    if not isinstance(layer, nn.Linear) or not isinstance(output, nn.Linear):
        raise TypeError("a boundary without weights has no axes")
    flat = samples.flatten(0, -2)
    mean = flat.mean(0)
    analysis, synthesis = _axes(flat - mean, gradient)
    if not code.signed and code.symbols == "event" and not isinstance(code, BitPlane):
        # Neurons that fire only one way come in pairs, one for each direction.
        analysis = torch.stack([analysis, -analysis], dim=1).flatten(0, 1)
        synthesis = torch.stack([synthesis, -synthesis], dim=2).flatten(1, 2)
    # Neurons beyond the axes keep their random weights, not yet read: with zeros they could never learn.
    basis, known = layer.weight.clone(), min(layer.out_features, len(analysis))
    basis[:known] = analysis[:known]
    threshold = thresholds(code, (samples - mean) @ basis.T)
    sign = isinstance(code, Integer) and code.value_bits == 1
    gain, offset = (2 * threshold, -0.5) if sign else (threshold, 0.0)
    reading = torch.zeros_like(layer.weight.T)
    reading[:, :known] = synthesis[:, :known] * gain[:known]
    layer.weight.copy_(basis)
    layer.bias.copy_(-basis @ mean)
    encoder.log_threshold.copy_(threshold.log())
    output.weight.copy_(reading)
    weights = code.weights()
    # The bias is added in every step of the code.
    output.bias.copy_((mean + offset * reading.sum(1)) / sum(weights))


def _axes(centred: Tensor, gradient: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rows that take a value apart, largest spread first, and columns that put it together again.

    In double precision: in single, the solver answers NaN for some covariances with silent channels.
    """
    covariance = (centred.T @ centred / len(centred)).double()
    if gradient is None:
        _, found = torch.linalg.eigh(covariance)
        axes = found.flip(1).to(centred.dtype)
        return axes.T, axes
    slopes = gradient.flatten(0, -2).double()
    fisher = slopes.T @ slopes / len(slopes)
    scale, directions = torch.linalg.eigh(fisher / fisher.diagonal().mean().clamp(min=SMALLEST**2))
    root = (scale.clamp(min=0) + INSENSITIVE).sqrt()
    forward, backward = directions * root @ directions.T, directions / root @ directions.T
    _, found = torch.linalg.eigh(forward @ covariance @ forward)
    axes = found.flip(1)
    return (axes.T @ forward).to(centred.dtype), (backward @ axes).to(centred.dtype)


def _channel_steps(code: Code, flat: Tensor) -> Tensor:
    """A level of each channel that is sent as it is."""
    if isinstance(code, Float):
        return torch.ones(flat.shape[-1])
    if code.time_steps == 1:
        # What a stream sends at once is what its events say: there is no time axis here.
        return _best_steps(code.inner if isinstance(code, SigmaDelta) else code, flat)
    return flat.abs().amax(0).clamp(min=SMALLEST) / _peak(code)


def thresholds(code: Code, coordinates: Tensor) -> Tensor:
    """A level of each neuron, from its currents `batch ... neuron`.

    Events: wide enough for the spread of the neuron, never finer than the typical spread.
    """
    flat = coordinates.flatten(0, -2)
    if isinstance(code, Float):
        return torch.ones(flat.shape[-1])
    if code.symbols == "dense":
        return flat.std(0, correction=0).clamp(min=SMALLEST) if code.value_bits == 1 else _best_steps(code, flat)
    if isinstance(code, SigmaDelta) and coordinates.dim() > 2:
        flat = coordinates.diff(dim=-2).flatten(0, -2)
    spread = flat.std(0, correction=0).clamp(min=SMALLEST)
    floor = spread.square().mean().sqrt() * code.levels / (2 * _peak(code))
    return torch.maximum(2 * spread / (_peak(code) + 1), floor)


def _peak(code: Code) -> float:
    """Largest magnitude of a value, in thresholds."""
    if isinstance(code, Latency):
        return 1.0
    weights = code.weights()
    return code.levels * max(sum(weight for weight in weights if weight > 0), -min(weights))


def _best_steps(code: Code, flat: Tensor) -> Tensor:
    """The step of a quantiser that errs least, of some that are tried, for each neuron."""
    some = flat[:: max(1, len(flat) // SAMPLES)]
    widest = some.abs().amax(0).clamp(min=SMALLEST)
    nothing = torch.zeros_like(widest)
    largest = float(code.amplitudes(torch.tensor([float(code.levels)]), None))
    best, least = widest / largest, torch.full_like(widest, torch.inf)
    steps = [best, *(share * widest / max(1.0, largest - 1) for share in SHARES)]
    for step in steps:
        error = (code.amplitudes(code.encode(some, step, nothing), None) * step - some).square().mean(0)
        best, least = torch.where(error < least, step, best), torch.minimum(error, least)
    return best


def _set_codebook(boundary: Boundary, flat: Tensor, code: Categorical) -> None:
    """Code words of each group of channels by k-means; the nearest word wins the comparison of `Categorical`.

    Raises:
        ValueError: Neurons are not whole groups, or more groups than channels.
    """
    layer, groups = boundary.encoder.input, boundary.encoder.channels // code.words
    if not isinstance(layer, nn.Linear) or groups * code.words != layer.out_features or groups > flat.shape[1]:
        raise ValueError(
            f"neurons are {boundary.encoder.channels}, must be a multiple of {code.words} (words), at most "
            f"{code.words} for each of the {flat.shape[1]} channels: change neurons or words"
        )
    weight, bias = torch.zeros_like(layer.weight), torch.zeros_like(layer.bias)
    some = flat[:: max(1, len(flat) // SAMPLES)]
    scale = torch.zeros(groups)
    for group, channels in enumerate(torch.arange(flat.shape[1]).tensor_split(groups)):
        rows = slice(group * code.words, (group + 1) * code.words)
        words, spread = _k_means(some[:, channels], code.words)
        weight[rows, channels] = words
        bias[rows] = -words.square().sum(1) / 2
        scale[group] = spread
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    boundary.encoder.log_threshold.copy_(scale.clamp(min=SMALLEST).log().repeat_interleave(code.words))
    boundary.decoder.output.weight.copy_(weight.T)
    boundary.decoder.output.bias.zero_()


def _k_means(samples: Tensor, words: int, rounds: int = 12) -> tuple[Tensor, float]:
    """Centres of samples, and the mean square of their distances; empty centres restart at the worst samples."""
    start = torch.linspace(0, len(samples) - 1, words).long()
    centres = samples[samples.norm(dim=1).argsort()[start]].clone()
    distance = torch.cdist(samples, centres)
    for _ in range(rounds):
        near, home = distance.min(1)
        counts = torch.bincount(home, minlength=words)
        sums = torch.zeros_like(centres).index_add_(0, home, samples)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centres)
        empty = (counts == 0).nonzero().flatten()
        centres[empty] = samples[near.argsort(descending=True)[torch.arange(len(empty)) % len(samples)]]
        distance = torch.cdist(samples, centres)
    return centres, float(distance.amin(1).square().mean())


@torch.no_grad()
def meet(boundary: Boundary, rate: Callable[[], float], target: float) -> None:
    """Scale all thresholds of a boundary by one factor so that its bits come down to a target.

    With principal axes this is reverse water-filling: axes whose spread is below the threshold fall silent. The
    receiver's weights follow, so that a symbol stands for as much as the current that makes it. Of a boundary that
    offers several rates, only the one in use is changed.

    Args:
        boundary: Calibrated boundary.
        rate: Measures the bits with the boundary as it is.
        target: Bits to come down to, in the unit of `rate`; nothing is changed where they are met.
    """
    encoder, decoder = boundary.encoder, boundary.decoder
    several = boundary.rates > 1
    steps = encoder.log_steps[encoder.rate] if several else encoder.log_threshold
    start = steps.clone()
    low, high = 0.0, 0.0
    while rate() > target and high < WIDEST:
        low, high = high, high + 0.7
        steps.copy_(start + high)
    for _ in range(BISECTIONS if high else 0):
        middle = (low + high) / 2
        steps.copy_(start + middle)
        low, high = (middle, high) if rate() > target else (low, middle)
    steps.copy_(start + high)
    if several:
        decoder.log_steps[decoder.rate].add_(high)
    elif hasattr(decoder, "output"):
        decoder.output.weight.mul_(math.exp(high))
    else:
        decoder.log_scale.add_(high)
