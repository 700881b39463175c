"""Plain spikes over several steps: rate, few-spikes; and their time as the value: latency."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from axonal.kernels import ATan, Surrogate, fire
from axonal.spiking.codes.code import Binary, OneStep, Plain, SymbolClass, require_bits

__all__ = ["FewSpikes", "Latency", "Rate", "planes"]


@dataclass(frozen=True)
class Rate(Binary, Plain):
    """Plain integrate-and-fire spikes over `time_steps` steps of the same current.

    Args:
        time_steps: Steps.
        surrogate: Gradient of a crossing.
        leaky: LIF with a learned leak; IF, which forgets nothing, when false.
    """

    time_steps: int = 4
    surrogate: Surrogate = field(default_factory=ATan)
    leaky: bool = True

    def __post_init__(self) -> None:
        require_bits("time_steps", self.time_steps, 1, 64)

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Spikes, shape `batch time ... neuron`, or `batch ... neuron` for one step."""
        steps = current.unsqueeze(0).expand(self.time_steps, *current.shape)
        kept = leak if self.leaky else torch.ones_like(leak)
        spikes = fire(steps, kept, threshold, levels=1, signed=False, surrogate=self.surrogate)
        return torch.movedim(spikes, 0, 1) if self.time_steps > 1 else spikes.squeeze(0)

    def weights(self) -> tuple[float, ...]:
        """Every step counts alike: their mean is the rate."""
        return (1 / self.time_steps,) * self.time_steps


@dataclass(frozen=True)
class FewSpikes(Binary, Plain):
    """Binary-weighted spikes: step k carries 2^(K-1-k) thresholds (Stoeckl and Maass 2021).

    s[k] = [rest >= 2^(K-1-k)];  rest <- rest - 2^(K-1-k) s[k];  value = sum of 2^(K-1-k) s[k].
    The gradient of the value is straight through up to the highest value, shared between the steps.

    Args:
        time_steps: Steps, K.
    """

    time_steps: int = 4

    def __post_init__(self) -> None:
        require_bits("time_steps", self.time_steps, 2, 8)

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Spikes, shape `batch time ... neuron`, the heaviest step first."""
        del leak
        soft = (current / threshold).clamp(-1.0, 2.0**self.time_steps)
        whole = soft.detach().floor().clamp(0, 2**self.time_steps - 1)
        return planes(whole, soft, self.time_steps)

    def weights(self) -> tuple[float, ...]:
        """Powers of two, falling to one."""
        return tuple(2.0 ** (self.time_steps - 1 - step) for step in range(self.time_steps))


def planes(whole: Tensor, soft: Tensor, bits: int) -> Tensor:
    """The bits of whole numbers as a time axis, the highest first, with the gradient of `soft`.

    The weighted sum of the planes has gradient one: plane k gets the share 2^k / (sum of 4^j) of it.

    Args:
        whole: Numbers in [0, 2^bits), no gradient, shape `batch ...`.
        soft: What they were rounded from, same shape.
        bits: Number of planes.

    Returns:
        Zeros and ones, shape `batch bits ...`.
    """
    weights = [2.0 ** (bits - 1 - step) for step in range(bits)]
    total = sum(weight * weight for weight in weights)
    slope = soft - soft.detach()
    found = [(whole / weight).floor().remainder(2) + slope * (weight / total) for weight in weights]
    return torch.stack(found, dim=1)


@dataclass(frozen=True)
class Latency(OneStep):
    """Time to the first spike of an integrate-and-fire neuron, in slots.

    A current of r thresholds a step fires in slot t = ceil(1 / r), at most T. The symbol is T + 1 - t, zero for
    silence: early spikes are large. The receiver reads 1 / t, the least current in thresholds that fires so early.

    Args:
        slots: Slots, T: a power of two, so that no code of the event's value is unused.
        signed: Whether negative currents fire negative spikes.
    """

    slots: int = 4
    signed: bool = True

    def __post_init__(self) -> None:
        if self.slots not in (1, 2, 4, 8, 16, 32, 64):
            raise ValueError(f"slots is {self.slots}, must be a power of two, 1 to 64")

    @property
    def symbols(self) -> SymbolClass:
        """Events."""
        return "event"

    @property
    def levels(self) -> int:
        """The symbol of the first slot."""
        return self.slots

    @property
    def value_bits(self) -> int:
        """The slot, and the sign."""
        return self.slots.bit_length() - 1 + self.signed

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        """Symbols, shape of `current`."""
        del leak
        ratio = current / threshold
        size = ratio.abs() if self.signed else ratio.clamp(min=0)
        late = 1 / self.slots
        soft = torch.where(size > late, self.slots + 1 - 1 / size.clamp(min=late), size * self.slots)
        soft = soft.clamp(max=self.slots + 0.5)
        slot = torch.ceil(1 / size.detach().clamp(min=late / 2))
        hard = (self.slots + 1 - slot).clamp(0, self.slots)
        return torch.sign(ratio).detach() * (hard + (soft - soft.detach()))

    def amplitudes(self, symbols: Tensor, leak: Tensor | None) -> Tensor:
        """1 / t of each symbol, zero for silence."""
        del leak
        size = symbols.abs()
        soft = torch.where(size >= 1, 1 / (self.slots + 1 - size).clamp(min=0.5), size / self.slots)
        return torch.sign(symbols).detach() * soft
