"""What a code costs on a link: the bits, and the arithmetic that makes and reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from axonal.hardware import Chip, Link, System
from axonal.spiking.known import REACH
from axonal.study.front.coding import Coded

__all__ = ["CODER_SYMBOLS_PER_CYCLE", "Charge", "charge"]

CODER_SYMBOLS_PER_CYCLE = 1
"""Assumed: a pipelined range or ANS coder takes one symbol each cycle; its next state depends on the one before,
so that lanes beyond the first need streams of their own."""

TABLE_BITS = 32
"""Read for each symbol from a table: a 16-bit frequency and where its interval starts (the layout of `wire.Ranged`)."""

WEIGHT_BITS = 8
"""Bits of a weight, as `trace` assumes."""


@dataclass(frozen=True, kw_only=True)
class Charge:
    """Energy and latency of one inference crossing one link.

    Args:
        link_pj: Bits on the link.
        transform_pj: Weights of encoder and decoder, thresholds.
        coder_pj: Entropy coder and decoder; 0 without.
        latency_ns: From the first value to the last one read; coder and link work at the same time.
        coder_bound: Whether the coder, not the link, sets the pace.
    """

    link_pj: float
    transform_pj: float
    coder_pj: float
    latency_ns: float
    coder_bound: bool

    @property
    def energy_pj(self) -> float:
        """All of it."""
        return self.link_pj + self.transform_pj + self.coder_pj


def charge(
    coded: Coded, system: System, *, features: int, neurons: int, entropy_coded: bool, adaptive: bool = False
) -> Charge:
    """Charge one boundary for the first link of a system and the dies at its ends.

    The sender multiplies every position by the input weights; the receiver reads the rows of the events that
    arrive (all of them where the code is dense). Weights are read once for an inference, as in the simulator.

    Args:
        coded: What crosses.
        system: The machine.
        features: Channels of the tensor.
        neurons: Neurons of a position; 0 where the channels are sent as they are.
        entropy_coded: Whether the symbols are entropy-coded, or sent as packets.
        adaptive: Whether the sender has a gain for each position, which is one more row of weights.

    Raises:
        ValueError: The system has no link.
    """
    if not system.links:
        raise ValueError(f"system {system.name} has no link: choose one of at least two dies")
    link = system.links[0]
    sender, receiver = system.by_name[link.a], system.by_name[link.b]
    positions = coded.elements / features
    sending = features * (neurons + adaptive)
    macs = positions * sending, coded.events * features if neurons else 0.0
    rows = sending, min(features * neurons, macs[1])
    transform_pj = sum(
        chip.core.energy.mac_pj * work
        + chip.core.energy.sram_read_pj_per_bit * WEIGHT_BITS * weights
        + chip.core.energy.elementwise_pj * count
        for chip, work, weights, count in zip(
            (sender, receiver), macs, rows, (coded.symbols, coded.events), strict=True
        )
    )
    if coded.side:
        # Both dies look up the guess: REACH rows of 8-bit weights for each position, added, and taken off or put on.
        looked_up = REACH * coded.elements
        transform_pj += sum(
            looked_up * (chip.core.energy.sram_read_pj_per_bit * WEIGHT_BITS + chip.core.energy.accumulate_pj)
            for chip in (sender, receiver)
        )
    bits = coded.single if entropy_coded else coded.packets
    link_ns = bits / link.bits_per_ns
    coder_ns = coded.symbols / (CODER_SYMBOLS_PER_CYCLE * sender.core.clock_ghz) if entropy_coded else 0.0
    working_ns = sum(work / _operations_per_ns(chip) for chip, work in zip((sender, receiver), macs, strict=True))
    return Charge(
        link_pj=bits * _link_pj_per_bit(link),
        transform_pj=transform_pj,
        coder_pj=sum(_coder_pj(chip, coded) for chip in (sender, receiver)) if entropy_coded else 0.0,
        latency_ns=working_ns + max(link_ns, coder_ns) + link.latency_ns,
        coder_bound=coder_ns > link_ns,
    )


def _operations_per_ns(chip: Chip) -> float:
    return chip.cores * chip.core.lanes * chip.core.clock_ghz


def _link_pj_per_bit(link: Link) -> float:
    return link.energy_pj_per_bit + link.serialiser_pj_per_bit


def _coder_pj(chip: Chip, coded: Coded) -> float:
    """A table row, a multiplication, an addition, and the steps of a search for each symbol."""
    prices = chip.core.energy
    steps = 1 + math.ceil(math.log2(max(2, coded.alphabet)))
    each = TABLE_BITS * prices.sram_read_pj_per_bit + prices.mac_pj + steps * prices.elementwise_pj
    return coded.symbols * each
