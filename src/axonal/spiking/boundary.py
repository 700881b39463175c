"""The boundary: a spiking layer with input weights of its own, read by weights on the other die.

current = W x + b;  s = code(current, threshold, leak);  y = V s + c.
`Encoder` runs on the sending die, `Decoder` on the receiving one; only `s` crosses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from axonal.spiking.codes import Code
from axonal.spiking.known import Known
from axonal.spiking.priors import Density, Prior

__all__ = ["Boundary", "Decoder", "Encoder", "Receiving", "Sending", "patches", "pixels"]

FIRST_LEAK = 0.9
"""Where a learned leak starts."""

WIDEST_GAIN = 3.0
"""Largest magnitude of the logarithm of a position's gain."""


class Encoder(nn.Module):
    """The sending side: input weights, thresholds, leaks, code, and the prior that it is charged by.

    Args:
        features: Channels of the tensor that would have crossed.
        neurons: Spiking neurons for each position; 0 sends the channels themselves, without weights.
        code: How currents become symbols.
        channel_axis: Axis of the channels; symbols leave with it last.
    """

    priors: nn.ModuleList
    """Priors that charge the symbols, one for each rate; none where they are charged as packets."""

    rate: int
    """Number of the rate in use."""

    unrounded: Tensor | None
    """Ratios of currents to thresholds of the last training step, for a prior that looks before rounding."""

    log_steps: nn.Parameter
    """Logarithm of each rate's factor on the thresholds, shape `rate neuron`, where rates are offered."""

    side_bits: int
    """Bits of each position that cross beside the symbols."""

    def __init__(self, features: int, neurons: int, code: Code, channel_axis: int = -1) -> None:
        super().__init__()
        self.code, self.channel_axis = code, channel_axis
        channels = neurons or features
        self.input = nn.Linear(features, neurons) if neurons else nn.Identity()
        self.log_threshold = nn.Parameter(torch.zeros(channels))
        if code.leaky:
            self.leak_logit = nn.Parameter(torch.full((channels,), math.log(FIRST_LEAK / (1 - FIRST_LEAK))))
        self.priors, self.rate, self.side_bits, self.unrounded = nn.ModuleList(), 0, 0, None

    @property
    def prior(self) -> Prior | None:
        """Charges the symbols for their entropy-coded bits; without one they are charged as packets."""
        return self.priors[self.rate] if len(self.priors) else None  # type: ignore[return-value]

    def charge_by(self, *priors: Prior) -> None:
        """Charge the symbols by a prior, or by one for each rate."""
        self.priors = nn.ModuleList(priors)

    def adapt(self) -> None:
        """Give each position a gain of its own, exp(g x), to be learned with everything else.

        A position that matters less is then sent in coarser steps, down to nothing. The receiver is not told the
        gain: it sees smaller symbols, and stays closer to what it knows without them.
        """
        features = self.input.in_features if isinstance(self.input, nn.Linear) else self.channels
        self.gain = nn.Parameter(torch.zeros(features))

    @property
    def adaptive(self) -> bool:
        """Whether each position has a gain of its own."""
        return hasattr(self, "gain")

    @property
    def channels(self) -> int:
        """Neurons of each position."""
        return len(self.log_threshold)

    def leak(self) -> Tensor:
        """Leak of each neuron, in (0, 1); 0 where the code leaves nothing to leak."""
        return self.leak_logit.sigmoid() if self.code.leaky else torch.zeros_like(self.log_threshold)

    def forward(self, value: Tensor) -> Tensor:
        """Symbols, shape `batch ... neuron` (`batch time ... neuron` for several steps)."""
        if torch.is_autocast_enabled(value.device.type):
            # Thresholds are compared in full precision: what crosses must not depend on how the rest is computed.
            with torch.autocast(value.device.type, enabled=False):
                return self._symbols(value.float())
        return self._symbols(value)

    def _symbols(self, value: Tensor) -> Tensor:
        value = value.movedim(self.channel_axis, -1)
        current = self.input(value)
        if self.adaptive:
            current = current * (value @ self.gain).clamp(-WIDEST_GAIN, WIDEST_GAIN).exp().unsqueeze(-1)
        threshold = self.log_threshold.exp()
        if hasattr(self, "log_steps"):
            threshold = threshold * self.log_steps[self.rate].exp()
        if self.training and isinstance(self.prior, Density):
            self.unrounded = current / threshold
        encode = self.code.relaxed if self.training else self.code.encode
        return encode(current, threshold, self.leak())


class Decoder(nn.Module):
    """The receiving side: weights that read symbols.

    Args:
        features: Channels that the next layer expects.
        neurons: As for the encoder; 0 means a scale for each channel and no weights.
        code: The code that made the symbols.
        channel_axis: Where the channels go back to.
    """

    log_steps: nn.Parameter
    """Logarithm of each rate's factor on what is read, shape `rate neuron`, where rates are offered."""

    def __init__(self, features: int, neurons: int, code: Code, channel_axis: int = -1) -> None:
        super().__init__()
        self.code, self.channel_axis = code, channel_axis
        if neurons:
            self.output = nn.Linear(neurons, features)
        else:
            self.log_scale = nn.Parameter(torch.zeros(features))
        self.rate = 0

    def forward(self, symbols: Tensor, leak: Tensor | None = None) -> Tensor:
        """The tensor as the next layer expects it; `leak` is that of the encoder's neurons, for a leaky code."""
        if torch.is_autocast_enabled(symbols.device.type):
            with torch.autocast(symbols.device.type, enabled=False):
                return self._value(symbols, leak)
        return self._value(symbols, leak)

    def _value(self, symbols: Tensor, leak: Tensor | None) -> Tensor:
        read = self.code.amplitudes(symbols, leak)
        if hasattr(self, "log_steps"):
            read = read * self.log_steps[self.rate].exp()
        value = self.output(read) if hasattr(self, "output") else read * self.log_scale.exp()
        steps = self.code.weights()
        if len(steps) > 1:
            value = value.mean(dim=1) if len(set(steps)) == 1 else _weighted(value, steps)
        return value.movedim(-1, self.channel_axis)


def _weighted(value: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Weighted sum over the time axis, the one after the batch."""
    return torch.stack([weight * step for weight, step in zip(weights, value.unbind(1), strict=True)]).sum(0)


class Boundary(nn.Module):
    """Encoder and decoder of one tensor that crosses dies.

    Args:
        features: Channels of the tensor.
        neurons: Spiking neurons for each position; 0 sends the channels themselves, without weights.
        code: How currents become symbols.
        channel_axis: Axis of the channels in the tensor.
        patch: Pixels, in height and width, of an image that are one position: their channels are projected together.
        tokens: Alphabet of a language model whose tokens cross, too, so that only what they do not tell has to be
            sent (`Known`); 0 where they do not.
    """

    def __init__(
        self, features: int, neurons: int, code: Code, channel_axis: int = -1, patch: int = 1, tokens: int = 0
    ) -> None:
        super().__init__()
        if features < 1 or neurons < 0:
            raise ValueError(f"a boundary needs features >= 1 and neurons >= 0, not {features} and {neurons}")
        if patch < 1 or (patch > 1 and channel_axis != 1):
            raise ValueError(f"patch is {patch}, must be >= 1, and 1 for what is no image (channel_axis 1)")
        if tokens < 0 or (tokens and (patch > 1 or channel_axis == 1)):
            raise ValueError(f"tokens is {tokens}, must be >= 0, and 0 for an image (channel_axis 1)")
        self.patch = patch
        self.encoder = Encoder(features * patch**2, neurons, code, channel_axis)
        self.decoder = Decoder(features * patch**2, neurons, code, channel_axis)
        self.known = Known(tokens, features) if tokens else None
        if self.known is not None:
            self.encoder.side_bits = self.known.token_bits

    def forward(self, value: Tensor, tokens: Tensor | None = None) -> Tensor:
        """What arrives on the other die, shape of `value`; `tokens` (`batch token`) where they cross, too."""
        guess = self.known(tokens) if self.known is not None and tokens is not None else None
        symbols = self.encoder(patches(value if guess is None else value - guess, self.patch))
        leak = self.encoder.leak() if self.encoder.code.leaky else None
        decoded = pixels(self.decoder(symbols, leak), self.patch, value.shape[-2:])
        return decoded if guess is None else guess + decoded

    def offer(self, rates: int) -> None:
        """Offer several rates, among which `choose` chooses at run time; all of them share the weights.

        Each rate has a factor of its own on the threshold of each neuron, and on what the receiver makes of it.

        Args:
            rates: How many.

        Raises:
            ValueError: There is to be none.
        """
        if rates < 1:
            raise ValueError(f"rates is {rates}, must be >= 1: each target needs one")
        for side in (self.encoder, self.decoder):
            side.log_steps = nn.Parameter(torch.zeros(rates, self.encoder.channels))

    @property
    def rates(self) -> int:
        """How many rates there are to choose from."""
        return len(self.encoder.log_steps) if hasattr(self.encoder, "log_steps") else 1

    def choose(self, rate: int) -> None:
        """Send at one of the rates from now on.

        Raises:
            ValueError: It is not offered.
        """
        if not 0 <= rate < self.rates:
            raise ValueError(f"rate is {rate}, must be 0 to {self.rates - 1}: offer more rates before training")
        self.encoder.rate = self.decoder.rate = rate

    @torch.no_grad()
    def calibrate(self, value: Tensor, gradient: Tensor | None = None, tokens: Tensor | None = None) -> None:
        """Set weights and thresholds from data; see `axonal.spiking.calibration`.

        Args:
            value: A batch of the tensor that crosses.
            gradient: Of the loss with respect to `value`, same shape: says which directions matter.
            tokens: The tokens that `value` was made of, where they cross, too.
        """
        from axonal.spiking.calibration import calibrate_boundary  # noqa: PLC0415 - it needs this module

        if self.known is not None and tokens is not None:
            self.known.fit(tokens, value)
            value = value - self.known(tokens)
        slopes = None if gradient is None else patches(gradient, self.patch)
        calibrate_boundary(self, patches(value, self.patch), slopes)


class Sending(nn.Module):
    """The half of a boundary that runs where the tensor is made; its parameters keep their names."""

    def __init__(self, boundary: Boundary) -> None:
        super().__init__()
        self.encoder, self.known, self.patch = boundary.encoder, boundary.known, boundary.patch

    def forward(self, value: Tensor, tokens: Tensor | None = None) -> Tensor:
        """The symbols that cross."""
        if self.known is not None and tokens is not None:
            value = value - self.known(tokens)
        symbols: Tensor = self.encoder(patches(value, self.patch))
        return symbols


class Receiving(nn.Module):
    """The half of a boundary that runs where the tensor is read; its parameters keep their names.

    Args:
        boundary: The whole.
        size: Height and width of the tensor, which patches do not tell.
    """

    def __init__(self, boundary: Boundary, size: tuple[int, ...]) -> None:
        super().__init__()
        self.decoder, self.known, self.patch, self.size = boundary.decoder, boundary.known, boundary.patch, size
        if boundary.encoder.code.leaky:
            self.encoder = _Leaks(boundary.encoder.leak_logit)

    def forward(self, symbols: Tensor, tokens: Tensor | None = None) -> Tensor:
        """The tensor as the next layer expects it."""
        leak = self.encoder.leak_logit.sigmoid() if hasattr(self, "encoder") else None
        decoded = pixels(self.decoder(symbols, leak), self.patch, self.size)
        return self.known(tokens) + decoded if self.known is not None and tokens is not None else decoded


class _Leaks(nn.Module):
    """The leaks of an encoder that is elsewhere."""

    def __init__(self, leak_logit: nn.Parameter) -> None:
        super().__init__()
        self.leak_logit = leak_logit


def patches(value: Tensor, patch: int) -> Tensor:
    """An image whose pixels, `patch` in height and width, are channels of one position."""
    if patch == 1:
        return value
    # What is no multiple of the patch is filled up with its last row and column, and cut off again.
    missing = [-size % patch for size in value.shape[-2:]]
    if any(missing):
        value = functional.pad(value, (0, missing[1], 0, missing[0]), mode="replicate")
    return functional.pixel_unshuffle(value, patch)


def pixels(value: Tensor, patch: int, size: Sequence[int]) -> Tensor:
    """Undoes `patches` for an image of that height and width."""
    if patch == 1:
        return value
    height, width = size
    return functional.pixel_shuffle(value, patch)[..., :height, :width]
