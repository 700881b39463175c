"""The answer when a workload does not fit a system."""

from __future__ import annotations

from axonal.hardware import Chip
from axonal.mapping.demand import stored_bits
from axonal.workload import Layer

__all__ = ["CORE_LEVERS", "Infeasible", "too_few_neurons"]

CORE_LEVERS = ("raise `sram` of the cores", "store weights in fewer bits")
"""What always helps."""


class Infeasible(ValueError):  # noqa: N818 - a result that exploration counts, not a malfunction
    """A workload does not fit: how much it needs, how much there is, and what would help.

    Args:
        subject: What does not fit where ("layer fc2 on chip c1"), up to the numbers.
        demand_bits: Bits that are needed.
        bound_bits: Bits that there are.
        levers: What a user can change.

    Example:
        >>> print(Infeasible("layer fc2 on chip c1", 1_200_000, 1_000_000, ("add a chip", "split the layer")))
        layer fc2 on chip c1: 1.2 Mbit of memory needed, 1 Mbit available, 200 kbit short; add a chip or split the layer
    """

    def __init__(self, subject: str, demand_bits: int, bound_bits: int, levers: tuple[str, ...]) -> None:
        super().__init__(subject, demand_bits, bound_bits, levers)
        self.subject = subject
        self.demand_bits = demand_bits
        self.bound_bits = bound_bits
        self.levers = levers

    @property
    def gap_bits(self) -> int:
        """Bits that are missing."""
        return self.demand_bits - self.bound_bits

    def __str__(self) -> str:
        need, have, gap = (_quantity(bits) for bits in (self.demand_bits, self.bound_bits, self.gap_bits))
        return f"{self.subject}: {need} of memory needed, {have} available, {gap} short; {_alternatives(self.levers)}"


def too_few_neurons(layer: Layer, chip: Chip, bound_bits: int) -> Infeasible:
    """A layer that has too few neurons for the number of tiles that its memory asks for."""
    tiles = "1 tile" if layer.neurons == 1 else f"{layer.neurons} tiles"
    subject = f"layer {layer.name}, which splits into at most {tiles}, on chip {chip.name}"
    return Infeasible(subject, stored_bits(layer), bound_bits, CORE_LEVERS)


def _quantity(bits: float) -> str:
    for size, unit in ((1e9, "Gbit"), (1e6, "Mbit"), (1e3, "kbit")):
        if abs(bits) >= size:
            return f"{bits / size:.4g} {unit}"
    return f"{bits:g} bit"


def _alternatives(levers: tuple[str, ...]) -> str:
    if len(levers) <= 2:
        return " or ".join(levers)
    return f"{', '.join(levers[:-1])}, or {levers[-1]}"
