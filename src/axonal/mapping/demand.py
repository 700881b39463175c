"""What one layer asks of a die: operations and local memory."""

from __future__ import annotations

import math

from axonal.hardware import Chip, Core
from axonal.workload import Layer

__all__ = ["holds", "is_terminal", "load", "room_for", "stored_bits", "tiles_needed"]


def is_terminal(layer: Layer) -> bool:
    """Whether the layer is an end of the workload (`input`, `output`): free of cost, and beside its neighbour."""
    return layer.kind in ("input", "output")


def load(layer: Layer) -> float:
    """Operations that count when the work is balanced over dies."""
    return 0.0 if is_terminal(layer) else layer.operations


def stored_bits(layer: Layer) -> int:
    """Bits of weights and neuron state that stay in local memory."""
    return 0 if is_terminal(layer) else layer.weight_bits + layer.state_bits


def tiles_needed(layer: Layer, core: Core) -> int:
    """Least number of equal tiles of which each fits the memory of a core."""
    return max(1, math.ceil(stored_bits(layer) / core.sram_bits))


def room_for(layer: Layer, chip: Chip) -> int:
    """Bits of the die's memory that the layer can use: it has at most one tile for each neuron."""
    return min(layer.neurons, chip.cores) * chip.core.sram_bits


def holds(layer: Layer, chip: Chip) -> bool:
    """Whether the die, otherwise empty, has room for the layer."""
    return stored_bits(layer) <= room_for(layer, chip)
