"""What a link's coder expects: learned probabilities of symbols, and the bits that they cost.

A prior answers three questions: how many bits symbols cost (differentiably), how it adapts to what
it sees, and with which integer tables the wire is to code them (`wire.Ranged`).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from axonal import wire
from axonal.spiking.codes import Categorical, Code

__all__ = ["Counted", "Density", "Prior", "RateGradient", "arranged", "span"]

RateGradient = Literal["coded", "log", "l1"]
"""How the bits act on the symbols: as they are coded, as log2(1 + |s|), or as |s|."""

BACK_OFF = 8.0
"""Symbols of the channel's own distribution that each context starts with."""

FIT_SYMBOLS = 100_000
"""Symbols that a density is first fitted to."""

NARROWEST, WIDEST = -3.0, 5.0
"""Logarithms of scales of a density: narrower ones have no gradient one symbol away."""

LEAST = 1e-20
"""Probability below which a density is not followed."""

FOLLOW = 0.01
"""Step of a density's parameters."""

MEMORY = 0.98
"""Share of the counts that is kept in each step of training."""


def span(code: Code) -> tuple[int, int]:
    """Lowest and highest symbol of a code."""
    if isinstance(code, Categorical):
        return 0, code.words - 1
    if not code.signed:
        return 0, code.levels
    return -code.levels, code.levels


def arranged(symbols: Tensor, code: Code) -> Tensor:
    """Symbols as the wire orders them, shape `batch position channel`; the steps of a neuron are channels.

    Args:
        symbols: What an encoder sends, shape `batch ... neuron` or `batch time ... neuron`.
        code: The code that made them.
    """
    if code.time_steps > 1:
        symbols = symbols.movedim(1, -2).flatten(-2)
    if isinstance(code, Categorical):
        groups = symbols.reshape(*symbols.shape[:-1], -1, code.words)
        symbols = groups.argmax(-1).to(symbols.dtype)
    return symbols.reshape(len(symbols), -1, symbols.shape[-1])


class Counted(nn.Module):
    """Counts of symbols for each channel in each context, with a memory that fades while training.

    The context of a symbol are the signs of up to a few symbols that the receiver knows already
    (`wire.Contexts`). bits(s) = -log2 p(s | channel, context).

    Args:
        channels: Channels of the arranged symbols.
        low: Lowest symbol.
        high: Highest symbol.
        gradient: How the bits act on the symbols.
    """

    def __init__(self, channels: int, low: int, high: int, gradient: RateGradient = "coded") -> None:
        super().__init__()
        self.low, self.high, self.gradient = low, high, gradient
        self.channels = channels
        self.register_buffer("counts", torch.zeros(channels, high - low + 1))
        self.register_buffer("parents", torch.zeros(channels, 0, 2, dtype=torch.int64))

    counts: Tensor
    parents: Tensor

    def observe(self, values: Tensor, memory: float = MEMORY) -> None:
        """Count arranged symbols; the counts before fade to `memory`."""
        with torch.no_grad():
            whole = self._whole(values)
            index = self._rows(whole) * self.counts.shape[-1] + (whole - self.low)
            found = torch.bincount(index.flatten(), minlength=self.counts.numel())
            self.counts.mul_(memory).add_(found.view_as(self.counts).to(self.counts.dtype))

    def refit(self, values: Tensor, contexts: wire.Contexts | None) -> None:
        """Start again from arranged symbols, with other contexts; none for a factorised prior."""
        parents = contexts.parents if contexts is not None else ((),) * self.channels
        self.parents = torch.tensor(parents, dtype=torch.int64).reshape(self.channels, -1, 2)
        rows = self.channels * 3 ** self.parents.shape[1]
        self.counts = self.counts.new_zeros(rows, self.counts.shape[-1])
        self.observe(values)

    def probabilities(self) -> Tensor:
        """Probability of each symbol, shape `channel * context, symbol`."""
        by_channel = self.counts.view(self.channels, -1, self.counts.shape[-1])
        total = by_channel.sum(1, keepdim=True) + 0.5
        marginal = total / total.sum(-1, keepdim=True)
        mixed = by_channel + BACK_OFF * marginal
        found: Tensor = (mixed / mixed.sum(-1, keepdim=True)).flatten(0, 1)
        return found

    def bits(self, values: Tensor) -> Tensor:
        """Bits of arranged symbols, all of them; differentiable as `gradient` says.

        Symbols between two whole numbers (noise in training) cost what lies between.
        """
        cost = -torch.log2(self.probabilities())
        held = values.detach().clamp(self.low, self.high)
        below = held.floor()
        row, first = self._rows(held.round().long()), below.long() - self.low
        lower, upper = cost[row, first], cost[row, (first + 1).clamp(max=self.high - self.low)]
        value = lower + (held - below) * (upper - lower)
        if self.gradient == "coded":
            # What silence would save, level by level. The slope of the cost itself also pulls towards a loud mode,
            # where every symbol is expected and says nothing.
            silent = cost[row, min(max(-self.low, 0), self.high - self.low)]
            slope = ((value - silent) / held.abs().clamp(min=0.5)).clamp(min=0) * held.sign()
            follow = slope * (values - values.detach())
        elif self.gradient == "log":
            soft = torch.log2(1 + values.abs())
            follow = soft - soft.detach()
        else:
            follow = values.abs() - values.detach().abs()
        return (value + follow).sum()

    def tables(self) -> np.ndarray:
        """Integer frequencies for the wire, `(channel * context, symbol)`."""
        return wire.quantised(self.probabilities().double().numpy())

    def _whole(self, values: Tensor) -> Tensor:
        return values.detach().round().clamp(self.low, self.high).long()

    def _rows(self, whole: Tensor) -> Tensor:
        """Number of the table of each symbol."""
        channel = torch.arange(self.channels, device=whole.device)
        number = self.parents.shape[1]
        if not number:
            return channel.expand(whole.shape)
        classes = (whole > 0).long() + 2 * (whole < 0).long()
        backs = sorted({int(back) for back in self.parents[..., 0].flatten()})
        seen = torch.cat([functional.pad(classes, (0, 0, back, 0))[:, : classes.shape[1]] for back in backs], dim=-1)
        position = torch.zeros(max(backs) + 1, dtype=torch.int64)
        position[backs] = torch.arange(len(backs))
        context = torch.zeros_like(whole)
        for parent in range(number):
            back, other = self.parents[:, parent, 0], self.parents[:, parent, 1]
            context += seen[..., position[back] * self.channels + other] * 3**parent
        rows: Tensor = channel * 3**number + context
        return rows

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:
        # A refit changes the shapes: what is loaded decides them.
        counts, parents = (state_dict.get(prefix + name) for name in ("counts", "parents"))
        if counts is not None and parents is not None and self._fits(counts, parents):
            self.counts, self.parents = counts.clone(), parents.clone()
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _fits(self, counts: Tensor, parents: Tensor) -> bool:
        """Whether they are of as many channels and of the same symbols; the contexts may be others."""
        if parents.dim() != 3 or len(parents) != self.channels:
            return False
        return counts.shape == (self.channels * 3 ** parents.shape[1], self.counts.shape[-1])


class Density(nn.Module):
    """A factorised prior: a learned mixture of logistic densities for each channel (Balle et al. 2018 in spirit).

    p(s) = F(s + 1/2) - F(s - 1/2), also for noisy s: the density of the value with its noise.

    Args:
        channels: Channels of the arranged symbols.
        low: Lowest symbol.
        high: Highest symbol.
        components: Logistic densities of the mixture.
    """

    def __init__(self, channels: int, low: int, high: int, components: int = 3) -> None:
        super().__init__()
        self.low, self.high, self.channels = low, high, channels
        self.weight_logits = nn.Parameter(torch.zeros(channels, components))
        self.means = nn.Parameter(torch.linspace(-1, 1, components).repeat(channels, 1))
        self.log_scales = nn.Parameter(torch.zeros(channels, components))

    def observe(self, values: Tensor) -> None:
        """Follow arranged symbols by one step of fixed length down the gradient of their bits.

        The optimiser of the whole network is too slow for a density whose symbols change from step to step; a step
        without state resumes exactly.
        """
        sample = values.detach().round()[: max(1, FIT_SYMBOLS // values[0].numel())]
        parameters = tuple(self.parameters())
        with torch.enable_grad():
            slopes = torch.autograd.grad(self._cost(sample), parameters)
        with torch.no_grad():
            for parameter, slope in zip(parameters, slopes, strict=True):
                parameter.sub_(FOLLOW * slope.sign())

    def refit(self, values: Tensor, steps: int = 150) -> None:
        """Learn from arranged symbols alone, before the boundary is trained with it."""
        sample = values.detach()[: max(1, FIT_SYMBOLS // values[0].numel())]
        optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
        with torch.enable_grad():
            for _ in range(steps):
                optimizer.zero_grad()
                (self._cost(sample) / sample.numel()).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        optimizer.zero_grad()

    def probability(self, values: Tensor) -> Tensor:
        """Probability of values, shape `... channel`."""
        centred = values.unsqueeze(-1) - self.means
        scale = self.log_scales.clamp(NARROWEST, WIDEST).exp()
        upper, lower = ((centred + half) / scale for half in (0.5, -0.5))
        # On the right side both are near one: their complements keep the difference exact.
        flip = torch.where((upper + lower).detach() > 0, -1.0, 1.0)
        mass = (torch.sigmoid(flip * upper) - torch.sigmoid(flip * lower)).abs()
        return (self.weight_logits.softmax(-1) * mass).sum(-1)

    def bits(self, values: Tensor, unrounded: Tensor | None = None) -> Tensor:
        """Bits of arranged symbols, all of them.

        Args:
            values: The symbols.
            unrounded: While training, what they were rounded from, same shape. What is charged, and the target held
                at, are the bits of the whole numbers; the gradient is that of the values before rounding with uniform
                noise, which stands for it.
        """
        if unrounded is None:
            return self._cost(values)
        hard = self._cost(values.detach().round())
        soft = self._cost(unrounded + torch.rand_like(unrounded) - 0.5)
        return hard + (soft - soft.detach())

    def _cost(self, values: Tensor) -> Tensor:
        return -torch.log2(self.probability(values).clamp(min=LEAST)).sum()

    @torch.no_grad()
    def probabilities(self) -> Tensor:
        """Probability of each symbol, shape `channel, symbol`; what lies beyond the span is spread over it."""
        grid = torch.arange(self.low, self.high + 1, dtype=self.means.dtype)
        found = self.probability(grid[:, None].expand(-1, self.channels)).T + 2.0**-20
        return found / found.sum(-1, keepdim=True)


Prior = Counted | Density
"""What a boundary may be charged by."""
