"""The boundary: a spiking layer with input weights of its own, read by weights on the other die.

current = W x + b;  s = code(current, threshold, leak);  y = V s + c.
`Encoder` runs on the sending die, `Decoder` on the receiving one; only `s` crosses.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from axonal.spiking.codes import Code

__all__ = ["Boundary", "Decoder", "Encoder"]


class Encoder(nn.Module):
    """The sending side: input weights, thresholds, leaks, code.

    Args:
        features: Channels of the tensor that would have crossed.
        neurons: Spiking neurons for each position; 0 sends the channels themselves, without weights.
        code: How currents become symbols.
        channel_axis: Axis of the channels; symbols leave with it last.
    """

    def __init__(self, features: int, neurons: int, code: Code, channel_axis: int = -1) -> None:
        super().__init__()
        self.code, self.channel_axis = code, channel_axis
        self.input = nn.Linear(features, neurons) if neurons else nn.Identity()
        self.log_threshold = nn.Parameter(torch.zeros(neurons or 1))
        if code.time_steps > 1:
            self.leak_logit = nn.Parameter(torch.full((neurons or 1,), math.log(9.0)))

    def leak(self) -> Tensor:
        """Leak of each neuron, in (0, 1); 0 where one step leaves nothing to leak."""
        return self.leak_logit.sigmoid() if self.code.time_steps > 1 else torch.zeros_like(self.log_threshold)

    def forward(self, value: Tensor) -> Tensor:
        """Symbols, shape `batch ... neuron` (`batch time ... neuron` for several steps)."""
        current = self.input(value.movedim(self.channel_axis, -1))
        return self.code.encode(current, self.log_threshold.exp(), self.leak())


class Decoder(nn.Module):
    """The receiving side: weights that read symbols.

    Args:
        features: Channels that the next layer expects.
        neurons: As for the encoder; 0 means one scale and no weights.
        code: The code that made the symbols.
        channel_axis: Where the channels go back to.
    """

    def __init__(self, features: int, neurons: int, code: Code, channel_axis: int = -1) -> None:
        super().__init__()
        self.code, self.channel_axis = code, channel_axis
        if neurons:
            self.output = nn.Linear(neurons, features)
        else:
            self.log_scale = nn.Parameter(torch.zeros(1))

    def forward(self, symbols: Tensor) -> Tensor:
        """The tensor as the next layer expects it."""
        value = self.output(symbols) if hasattr(self, "output") else symbols * self.log_scale.exp()
        if self.code.time_steps > 1:
            value = value.mean(dim=1)
        return value.movedim(-1, self.channel_axis)


class Boundary(nn.Module):
    """Encoder and decoder of one tensor that crosses dies.

    Args:
        features: Channels of the tensor.
        neurons: Spiking neurons for each position; 0 sends the channels themselves, without weights.
        code: How currents become symbols.
        channel_axis: Axis of the channels in the tensor.
    """

    def __init__(self, features: int, neurons: int, code: Code, channel_axis: int = -1) -> None:
        super().__init__()
        if features < 1 or neurons < 0:
            raise ValueError(f"a boundary needs features >= 1 and neurons >= 0, not {features} and {neurons}")
        self.encoder = Encoder(features, neurons, code, channel_axis)
        self.decoder = Decoder(features, neurons, code, channel_axis)

    def forward(self, value: Tensor) -> Tensor:
        """What arrives on the other die, shape of `value`."""
        decoded: Tensor = self.decoder(self.encoder(value))
        return decoded

    @torch.no_grad()
    def calibrate(self, value: Tensor) -> None:
        """Set weights and thresholds from data so that training starts from a good transform code.

        The input weights become the principal axes of `value` (the Karhunen-Loeve
        transform), the output weights their transpose: the best linear code of that many
        neurons for a Gaussian source. Thresholds start at a fraction of the spread.

        Args:
            value: A batch of the tensor that crosses.
        """
        samples = value.movedim(self.encoder.channel_axis, -1).flatten(0, -2)
        if isinstance(self.encoder.input, nn.Linear):
            self._calibrate_weights(self.encoder.input, samples)
            return
        step = samples.abs().max().clamp(min=1e-6) / self.encoder.code.levels
        self.encoder.log_threshold.fill_(step.log())
        self.decoder.log_scale.fill_(step.log())

    def _calibrate_weights(self, layer: nn.Linear, samples: Tensor) -> None:
        mean = samples.mean(0)
        centred = samples - mean
        # In single precision the solver answers NaN for some covariances with silent channels.
        _, axes = torch.linalg.eigh((centred.T @ centred / len(samples)).double())
        # Neurons beyond the channels keep their random weights, not yet read: with zeros they could never learn.
        basis, known = layer.weight.clone(), min(layer.out_features, len(mean))
        basis[:known] = axes.T.flip(0)[:known].to(basis.dtype)
        threshold = self._initial_threshold(centred @ basis.T)
        sign = self.encoder.code.symbols == "dense" and self.encoder.code.value_bits == 1
        gain, offset = (2 * threshold, -0.5) if sign else (threshold, 0.0)
        reading = (basis * gain[:, None]).T
        reading[:, known:] = 0
        layer.weight.copy_(basis)
        layer.bias.copy_(-basis @ mean)
        self.encoder.log_threshold.copy_(threshold.log())
        self.decoder.output.weight.copy_(reading)
        self.decoder.output.bias.copy_(mean + offset * reading.sum(1))

    def _initial_threshold(self, coordinates: Tensor) -> Tensor:
        """A level of each neuron: wide enough for its spread, never finer than the typical spread."""
        code = self.encoder.code
        spread = coordinates.std(0, correction=0).clamp(min=1e-6)
        if code.symbols == "dense":
            return coordinates.abs().amax(0).clamp(min=1e-6) / code.levels if code.value_bits > 1 else spread
        floor = spread.square().mean().sqrt()
        return torch.maximum(2 * spread / (code.levels + 1), floor.expand_as(spread) / 2)
