"""Dense codes: every neuron sends a number. Most of them are the controls that spikes have to beat."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from axonal.kernels import Noise, quantize
from axonal.spiking.codes.code import Binary, OneStep, Plain, SymbolClass, require_bits
from axonal.spiking.codes.spikes import planes

__all__ = ["BitPlane", "Bottleneck", "Categorical", "Float", "Integer"]


class Dense(OneStep):
    """What dense codes share."""

    @property
    def symbols(self) -> SymbolClass:
        """Dense."""
        return "dense"


@dataclass(frozen=True)
class Integer(Dense):
    """Dense control: every neuron sends a `value_bits`-bit integer with a learned step (as LSQ, Esser et al. 2020)."""

    value_bits: int = 8

    def __post_init__(self) -> None:
        require_bits("value_bits", self.value_bits, 1, 16)

    @property
    def levels(self) -> int:
        """Largest magnitude."""
        return 1 << (self.value_bits - 1)

    @property
    def signed(self) -> bool:
        """Two's complement, but for a single bit."""
        return self.value_bits > 1

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Integers, shape of `current`; `threshold` is the step of the quantiser."""
        del leak
        return quantize(current, threshold, bits=self.value_bits)


@dataclass(frozen=True)
class Float(Dense):
    """Dense control: half-precision numbers, as most systems send them."""

    @property
    def value_bits(self) -> int:
        """Sixteen."""
        return 16

    @property
    def levels(self) -> int:
        """None: these are no whole numbers."""
        return 0

    @property
    def signed(self) -> bool:
        """They have signs."""
        return True

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """The ratio to the threshold, rounded to 16 bits; the gradient is one."""
        del leak
        ratio = current / threshold
        return ratio.detach().half().to(ratio.dtype) + (ratio - ratio.detach())


@dataclass(frozen=True)
class Bottleneck(Dense):
    """Dense control: the entropy bottleneck of neural compression (Balle et al. 2018).

    Its rate is that of a learned density of each channel, under noise that stands for rounding. What the receiver
    reads in training is rounded, with a straight-through gradient (Minnen and Singh 2020), or noisy, too.

    Args:
        levels: Largest magnitude.
        noise: Noise in place of rounding for the receiver, too; `None` rounds.
    """

    levels: int = 31
    noise: Noise | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= 127:
            raise ValueError(f"levels is {self.levels}, must be 1 to 127")

    @property
    def value_bits(self) -> int:
        """Bits of a number that is not entropy-coded."""
        return math.ceil(math.log2(2 * self.levels + 1))

    @property
    def signed(self) -> bool:
        """Numbers have signs."""
        return True

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """The nearest whole numbers of thresholds, shape of `current`."""
        del leak
        ratio = (current / threshold).clamp(-self.levels, self.levels)
        return ratio.detach().round() + (ratio - ratio.detach())

    def relaxed(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """The whole numbers; with noise, an unbiased stand-in for rounding that has a gradient."""
        if self.noise is None:
            return self.encode(current, threshold, leak)
        return self.noise.added(current / threshold).clamp(-self.levels, self.levels)


@dataclass(frozen=True)
class BitPlane(Binary, Plain):
    """The bits of an integer one after the other, the highest first; the highest counts negatively.

    value = -2^(B-1) s[0] + sum of 2^(B-1-k) s[k]: two's complement, so that planes can be left out from the end.

    Args:
        bits: Planes, B.
    """

    bits: int = 3

    def __post_init__(self) -> None:
        require_bits("bits", self.bits, 2, 8)

    @property
    def time_steps(self) -> int:
        """One for each plane."""
        return self.bits

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Bits, shape `batch plane ... neuron`."""
        del leak
        half = 2 ** (self.bits - 1)
        soft = (current / threshold).clamp(-half - 0.5, half - 0.5)
        whole = soft.detach().round().clamp(-half, half - 1)
        bits = planes(whole.remainder(2 * half), soft, self.bits)
        # The sign's plane falls as the value grows: its share of the gradient is turned round.
        sign = bits[:, :1].detach() * 2 - bits[:, :1]
        return torch.cat([sign, bits[:, 1:]], dim=1)

    def weights(self) -> tuple[float, ...]:
        """Two's complement."""
        lower = tuple(2.0 ** (self.bits - 1 - plane) for plane in range(1, self.bits))
        return (-(2.0 ** (self.bits - 1)), *lower)


@dataclass(frozen=True)
class Categorical(Binary, OneStep):
    """Dense control: product quantisation. Each group of neurons says which of them is largest.

    With input weights c and biases -|c|^2 / 2 the largest is the nearest code word; the receiver's weights are the
    code book. The gradient is that of a softmax (van den Oord et al. 2017 with a projection in front).

    Args:
        words: Code words of a group.
        temperature: Of the softmax of the gradient, in thresholds.
    """

    words: int = 16
    temperature: float = 1.0

    def __post_init__(self) -> None:
        require_bits("words", self.words, 2, 256)
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}, must be > 0 and finite")

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """One-hot groups, shape of `current`, whose neurons are a multiple of `words`."""
        del leak
        ratio = current / threshold
        logits = ratio.reshape(*ratio.shape[:-1], -1, self.words) / self.temperature
        soft = logits.softmax(-1)
        hard = functional.one_hot(logits.argmax(-1), self.words).to(soft.dtype)
        found: Tensor = (hard + (soft - soft.detach())).flatten(-2)
        return found
