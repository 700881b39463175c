"""Real bytes of trained boundaries: coders fitted on training data, frames packed, unpacked and weighed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from axonal import wire
from axonal.spiking import Categorical, Code, Counted, Density, Sent, arranged, evaluating, observed, span
from axonal.spiking.traffic import symbol_traffic

__all__ = ["Coded", "Weighed", "coder_of", "contexts_of", "counted_bits", "sent_by", "weigh"]

BATCH = 128
"""Inferences that are run at a time."""

SINGLE = 64
"""Inferences that are also packed one by one."""

PLAIN_BITS = 16
"""Bits of a number that no whole number stands for."""


@dataclass(frozen=True, kw_only=True)
class Symbols:
    """What one encoder sent for some examples.

    Args:
        values: Arranged symbols, shape `inference position channel`.
        shape: Shape of the symbols of one inference as the encoder sends them.
        elements: Elements of the tensor that a dense boundary would have sent, one inference.
        code: The code.
        prior: What the objective charged them by.
        row: Positions of a row of an image; 0 for a sequence.
        side: Bits of one inference that cross beside the symbols.
    """

    values: Tensor
    shape: tuple[int, ...]
    elements: int
    code: Code
    prior: nn.Module | None
    row: int
    side: int = 0


@torch.no_grad()
def sent_by(model: nn.Module, inputs: Tensor, answer: Callable[[Tensor], None] | None = None) -> list[Symbols]:
    """What each encoder of a model sends for some inputs, in evaluation mode.

    Args:
        model: A model with boundaries.
        inputs: Examples, batch axis first.
        answer: Told of the model's outputs, batch after batch.
    """
    parts: list[list[Sent]] = []
    with evaluating(model), observed(model) as sent:
        for some in torch.split(inputs, BATCH):
            sent.clear()
            outputs = model(some)
            parts.append(list(sent))
            if answer is not None:
                answer(outputs)
    return [_joined(items) for items in zip(*parts, strict=True)]


def _joined(items: Sequence[Sent]) -> Symbols:
    first = items[0]
    steps = first.code.time_steps > 1
    shape = tuple(first.symbols.shape[1:])
    spatial = shape[1:-1] if steps else shape[:-1]
    values = torch.cat([arranged(item.symbols, item.code) for item in items])
    return Symbols(
        values=values,
        shape=shape,
        elements=first.elements,
        code=first.code,
        prior=first.prior,
        row=spatial[-1] if len(spatial) == 2 else 0,
        side=first.encoder.side_bits * values.shape[1] if first.encoder is not None else 0,
    )


def contexts_of(symbols: Symbols, parents: int) -> wire.Contexts | None:
    """The neighbours that tell most about each channel: of the same position, the one before, the one above."""
    if not parents:
        return None
    backs = (1, symbols.row) if symbols.row > 1 else (1,)
    return wire.chosen_contexts(_rows(symbols.values), symbols.values.shape[1], parents, backs)


def _rows(values: Tensor) -> npt.NDArray[np.int32]:
    return values.flatten(0, 1).round().to(torch.int32).numpy()


@dataclass(frozen=True, kw_only=True)
class Coder:
    """A way to code the symbols of one boundary.

    Args:
        name: `static` (a table for each channel), `conditional` (by context) or `learned` (the objective's density).
        packer: The wire format.
        estimate: Bits that the learned model expects of arranged symbols.
    """

    name: str
    packer: wire.Ranged
    estimate: Callable[[Tensor], float]


def coder_of(symbols: Symbols, name: str, parents: int, alphabet: tuple[int, int] | None = None) -> Coder:
    """A coder whose tables are learned from symbols of the training split; `alphabet` bounds them, if given."""
    positions, channels = symbols.values.shape[1:]
    bare = wire.Contexts(parents=((),) * channels, positions=positions)
    if name == "learned":
        prior = symbols.prior
        if not isinstance(prior, Density):
            raise ValueError("the boundary has no learned density: use static or conditional")
        tables = wire.quantised(prior.probabilities().double().numpy())
        packer = wire.Ranged.of(tables, low=prior.low, contexts=bare)
        return Coder(name=name, packer=packer, estimate=lambda values: float(prior.bits(values).detach()))
    low, high = alphabet or span(symbols.code)
    counted = Counted(channels, low, high)
    contexts = contexts_of(symbols, parents) if name == "conditional" else None
    counted.refit(symbols.values, contexts)
    packer = wire.Ranged.of(counted.tables(), low=low, contexts=contexts or bare)
    return Coder(name=name, packer=packer, estimate=lambda values: float(counted.bits(values)))


def _alphabet(seen: Sequence[Symbols], sent: Symbols) -> tuple[int, int]:
    """Lowest and highest symbol of the tables: what was seen, or all of the code where more than that is sent.

    Each symbol of a table has at least one part in 16,384, which is not little where most of 63 never occur.
    """
    low = int(min(item.values.min() for item in seen))
    high = int(max(item.values.max() for item in seen))
    inside = low <= int(sent.values.min()) and int(sent.values.max()) <= high
    return (low, max(high, low + 1)) if inside else span(sent.code)


@dataclass(frozen=True, kw_only=True)
class Coded:
    """What one boundary costs, a mean over test inferences, in bits.

    Args:
        coder: Name of the coder that was cheapest on the validation split.
        real: Frames of many inferences, really packed, headers included.
        estimated: What the learned model expected.
        static: As `real`, with one table for each channel.
        single: Frames of one inference each.
        packets: The cheapest packet format without entropy coder, one frame an inference.
        events: Non-zero symbols.
        symbols: Symbols, silent ones included.
        elements: Elements of the tensor.
        alphabet: Different symbols.
        side: Bits that cross beside the symbols, in all of the above.
    """

    coder: str
    real: float
    estimated: float
    static: float
    single: float
    packets: float
    events: float
    symbols: int
    elements: int
    alphabet: int
    side: int = 0


def weigh(fit: Symbols, choose: Symbols, test: Symbols, *, parents: int, frame: int) -> Coded:
    """Weigh the symbols of a boundary on the test split.

    Args:
        fit: Symbols of the training split, for the tables.
        choose: Symbols of the validation split, for the choice of the coder.
        test: Symbols of the test split.
        parents: Parents of the conditional coder.
        frame: Inferences of a frame.

    Raises:
        ArithmeticError: A frame does not come back as it was sent.
    """
    count, positions, channels = test.values.shape
    elements = positions * channels
    if not test.code.levels:
        plain = float(PLAIN_BITS * elements + test.side)
        framed = plain + wire.HEADER_BITS
        return Coded(
            coder="none",
            real=plain + wire.HEADER_BITS / frame,
            estimated=plain,
            static=plain + wire.HEADER_BITS / frame,
            single=framed,
            packets=framed,
            events=float(torch.count_nonzero(test.values)) / count,
            symbols=elements,
            elements=test.elements,
            alphabet=1 << PLAIN_BITS,
            side=test.side,
        )
    alphabet = _alphabet((fit, choose), test)
    names = ["static", *(["conditional"] if parents else []), *(["learned"] if isinstance(fit.prior, Density) else [])]
    coders = {name: coder_of(fit, name, parents, alphabet) for name in names}
    best = min(coders.values(), key=lambda coder: coder.packer.cost_bits(_rows(choose.values)))
    real = _framed(best.packer, test.values, frame)
    return Coded(
        coder=best.name,
        real=real + test.side,
        estimated=best.estimate(test.values) / count + test.side,
        static=test.side + (real if best.name == "static" else _framed(coders["static"].packer, test.values, frame)),
        single=test.side + _framed(best.packer, test.values[:: math.ceil(count / SINGLE)], 1),
        packets=test.side + _packets(test),
        events=_events(test),
        symbols=elements,
        elements=test.elements,
        alphabet=best.packer.alphabet_size,
        side=test.side,
    )


def _events(test: Symbols) -> float:
    """Mean events of one inference; a one-hot group is one, whichever of its neurons it is."""
    if isinstance(test.code, Categorical):
        return float(test.values[0].numel())
    return float(torch.count_nonzero(test.values)) / len(test.values)


def _framed(packer: wire.Ranged, values: Tensor, frame: int) -> float:
    """Bits of one inference in frames of some; every frame is unpacked again."""
    total = 0
    for some in torch.split(values, frame):
        rows = _rows(some)
        packed = packer.pack(rows)
        if not np.array_equal(packer.unpack(packed, rows.size), rows.ravel()):
            raise ArithmeticError(f"{packer.name}: a frame of {rows.size} symbols did not come back as it was sent")
        total += 8 * len(packed)
    return total / len(values)


def _packets(test: Symbols) -> float:
    """Mean bits of one inference in the packet format that is cheapest without an entropy coder."""
    if isinstance(test.code, Categorical):
        # One-hot groups: their index is as wide as it is.
        return float(wire.HEADER_BITS + test.values[0].numel() * math.ceil(math.log2(test.code.words)))
    traffic = symbol_traffic(test.shape, test.code, _events(test))
    return wire.bits(wire.cheapest(traffic), traffic)


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """All boundaries of a model."""

    boundaries: tuple[Coded, ...]

    def per_element(self, name: str) -> float:
        """A cost in bits for each element of the dense tensors."""
        return self.total(name) / self.total("elements")

    def total(self, name: str) -> float:
        """Sum over the boundaries."""
        return float(sum(getattr(item, name) for item in self.boundaries))


def counted_bits(model: nn.Module, inputs: Tensor, number: int) -> float:
    """Bits of an element of one boundary: under tables that know its symbols, or as packets where these are charged."""
    symbols = sent_by(model, inputs)[number]
    if symbols.prior is None:
        return (_packets(symbols) + symbols.side) / symbols.elements
    counted = Counted(symbols.values.shape[-1], *span(symbols.code))
    counted.refit(symbols.values, None)
    return (float(counted.bits(symbols.values)) / len(inputs) + symbols.side) / symbols.elements
