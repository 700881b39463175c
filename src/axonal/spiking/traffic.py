"""The traffic objective: expected link bits, held at a target by a controlled weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from axonal import wire
from axonal.spiking.boundary import Encoder
from axonal.spiking.codes import Code
from axonal.spiking.priors import Density, Prior, arranged
from axonal.workload import Traffic

__all__ = ["Sent", "TrafficObjective", "expected_bits", "observed"]


def expected_bits(symbols: Tensor, code: Code) -> Tensor:
    """Bits on the link for one inference, differentiable in the symbols.

    The value is exact: the cheapest packet format at the counted events. The
    gradient flows through log2(1 + |s|), which equals the count for a spike of one
    and pushes large values less: a log-magnitude rate objective. Where the cheapest
    format charges nothing for an event (a bitmap of plain spikes), the gradient is
    that of address events, which take over once there are few.

    Args:
        symbols: What an encoder sends, shape `batch ...`.
        code: The code that made them.
    """
    batch = len(symbols)
    events = int(torch.count_nonzero(symbols)) / batch
    traffic = symbol_traffic(tuple(symbols.shape[1:]), code, events)
    packet_format = wire.cheapest(traffic)
    each = _event_bits(packet_format, traffic.elements)
    if code.symbols == "event" and not each:
        addresses = wire.AddressEvent(group=traffic.group, value_bits=traffic.value_bits, signed=traffic.signed)
        each = _event_bits(addresses, traffic.elements)
    soft = torch.log2(1 + symbols.abs()).sum() / batch
    return wire.bits(packet_format, traffic) + each * (soft - soft.detach())


def _event_bits(packet_format: wire.Format, elements: int) -> float:
    """What one event more costs."""
    return (packet_format.bits(elements, elements) - packet_format.bits(elements, 0)) / elements


def symbol_traffic(shape: tuple[int, ...], code: Code, events: float) -> Traffic:
    """The traffic edge that symbols of that shape make."""
    dense = code.symbols == "dense"
    return Traffic(
        source="encoder",
        target="decoder",
        tensors=("symbols",),
        shape=shape,
        group=math.prod(shape) // code.time_steps if code.time_steps > 1 else shape[-1],
        element_bits=code.value_bits if dense else code.value_bits + 1,
        symbols=code.symbols,
        value_bits=0 if dense else code.value_bits,
        signed=code.signed,
        events=events,
        time_steps=code.time_steps,
    )


@dataclass(frozen=True)
class Sent:
    """What one encoder sent for one batch.

    Args:
        symbols: Shape `batch ...`.
        code: The code that made them.
        elements: Elements of the tensor that a dense boundary would have sent, one inference.
        prior: What they are charged by; as packets (`expected_bits`) without one.
        learning: Whether the prior learns from them.
        encoder: Who sent them.
        unrounded: What they were rounded from, where the prior looks before rounding.
    """

    symbols: Tensor
    code: Code
    elements: int
    prior: Prior | None = None
    learning: bool = False
    encoder: Encoder | None = None
    unrounded: Tensor | None = None

    def bits(self) -> Tensor:
        """Expected bits of one inference, differentiable."""
        values = arranged(self.symbols, self.code)
        side = self.encoder.side_bits * values.shape[1] if self.encoder is not None else 0
        if self.prior is None:
            return expected_bits(self.symbols, self.code) + side
        if self.learning:
            self.prior.observe(values)
        if isinstance(self.prior, Density) and self.learning and self.unrounded is not None:
            return self.prior.bits(values, arranged(self.unrounded, self.code)) / len(values) + side
        return self.prior.bits(values) / len(values) + side

    @property
    def events(self) -> int:
        """Non-zero symbols; noise around zero is none."""
        return int(torch.count_nonzero(self.symbols.detach().round()))

    @property
    def saturated(self) -> float:
        """Share of the symbols at the end of their range."""
        return float((self.symbols.detach().abs() >= self.code.levels).float().mean()) if self.code.levels else 0.0


@contextmanager
def observed(model: nn.Module) -> Iterator[list[Sent]]:
    """Inside the block, collects what each encoder of the model sends; clear the list between batches."""
    sent: list[Sent] = []

    def keep(module: nn.Module, inputs: tuple[Tensor], symbols: Tensor) -> None:
        if isinstance(module, Encoder):
            sent.append(
                Sent(
                    symbols,
                    module.code,
                    inputs[0][0].numel(),
                    module.prior,
                    module.training,
                    encoder=module,
                    unrounded=module.unrounded if module.training else None,
                )
            )

    hooks = [m.register_forward_hook(keep) for m in model.modules() if isinstance(m, Encoder)]
    try:
        yield sent
    finally:
        for hook in hooks:
            hook.remove()


@dataclass
class TrafficObjective:
    """Penalty on link bits whose weight follows a dual variable, so that nothing is tuned by hand.

    penalty = weight * bits / target;  weight <- weight * exp(rate * clip(10 (bits / target - 1), -1, 1)),
    kept inside `[low, high]`: it grows while the link carries too much and shrinks when it does not,
    at full rate from an error of 10 % on.
    The target falls geometrically from what is measured first to its final value over `warmup_steps`.

    Args:
        target_bits: Bits to reach, in the unit of what `penalty` is given (bits per boundary element, say).
        warmup_steps: Steps until the final target applies.
        rate: Largest relative change of the weight in one step.
        weight: Current weight of the penalty.
    """

    target_bits: float
    warmup_steps: int = 50
    rate: float = 0.1
    weight: float = 0.02
    low: float = 1e-3
    high: float = 20.0
    steps: int = 0
    first_bits: float = field(default=math.nan)

    def __post_init__(self) -> None:
        if not self.target_bits > 0:
            raise ValueError(f"target_bits is {self.target_bits}, must be > 0")

    def current_target(self) -> float:
        """The target that applies at this step."""
        if math.isnan(self.first_bits) or self.first_bits <= self.target_bits:
            return self.target_bits
        done = min(1.0, self.steps / max(1, self.warmup_steps))
        return float(self.first_bits ** (1 - done) * self.target_bits**done)

    def penalty(self, bits: Tensor) -> Tensor:
        """The term to add to the loss; updates the weight from the measured bits.

        Args:
            bits: Expected bits on the links, differentiable.
        """
        measured = float(bits.detach())
        if math.isnan(self.first_bits):
            self.first_bits = measured
        target = self.current_target()
        self.steps += 1
        growth = self.rate * max(-1.0, min(1.0, 10 * (measured / target - 1)))
        self.weight = min(self.high, max(self.low, self.weight * math.exp(growth)))
        return self.weight * bits / target
