"""Energy of one inference by component."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from axonal.hardware import EnergyTable, System
from axonal.mapping import Placement
from axonal.mapping.moves import noc_bits
from axonal.report import Breakdown
from axonal.simulation.transfers import Transfer
from axonal.workload import Layer, Workload

__all__ = ["energy", "weight_read_bits"]


def energy(
    workload: Workload, placement: Placement, system: System, pending: Sequence[Transfer], latency_ns: float
) -> Breakdown:
    """All components; each is linear in the constants that it names."""
    return Breakdown(
        compute_pj=_compute_pj(workload, placement, system),
        memory_pj=_weights_pj(workload, placement, system) + _activations_pj(workload, placement, system, pending),
        noc_pj=_noc_pj(pending, system),
        d2d_pj=_d2d_pj(pending),
        static_pj=_static_mw(system) * latency_ns,
    )


def weight_read_bits(layer: Layer) -> float:
    """Bits of weights that are read from memory for one inference.

    min(weight_bits * time_steps, uses * weight_element_bits)

    A dense layer is weight-stationary and reads each weight once a time step; an event-driven one reads only the
    rows of the events that arrive, one weight for each MAC or accumulate. Other layers that own weights (embedding
    rows, gains) use at least one for each output element and time step.
    """
    uses = layer.macs + layer.accumulates
    if layer.kind not in ("linear", "convolution", "matmul"):
        uses = max(uses, layer.neurons * layer.time_steps)
    return min(layer.weight_bits * layer.time_steps, uses * layer.weight_element_bits)


def _compute_pj(workload: Workload, placement: Placement, system: System) -> float:
    """Macs * mac + accumulates * accumulate + elementwise_ops * elementwise, with the constants of the layer's die."""
    total = 0.0
    for layer in workload.layers:
        table = _table(system, placement, layer.name)
        total += layer.macs * table.mac_pj
        total += layer.accumulates * table.accumulate_pj
        total += layer.elementwise_ops * table.elementwise_pj
    return total


def _weights_pj(workload: Workload, placement: Placement, system: System) -> float:
    """Weights read, and neuron state read and written each time step."""
    total = 0.0
    for layer in workload.layers:
        table = _table(system, placement, layer.name)
        state = layer.state_bits * layer.time_steps
        total += (weight_read_bits(layer) + state) * table.sram_read_pj_per_bit + state * table.sram_write_pj_per_bit
    return total


def _activations_pj(workload: Workload, placement: Placement, system: System, pending: Iterable[Transfer]) -> float:
    """Each tensor is written once where it is produced and read by each tile, whole or its share, which sum to 1.

    writes = noc_bits,   reads = noc_bits * (tiles of layers that need all of it + scattered layers)
    """
    unique = {(edge.source, edge.tensors): edge for edge in reversed(workload.traffic)}
    total = sum(
        noc_bits(edge) * _table(system, placement, edge.source).sram_write_pj_per_bit for edge in unique.values()
    )
    for transfer in pending:
        reads = sum(len(placement.by_layer[layer]) for layer in transfer.move.whole) + len(transfer.move.scattered)
        read_pj_per_bit = system.by_name[transfer.move.target_chip].core.energy.sram_read_pj_per_bit
        total += transfer.noc_bits * reads * read_pj_per_bit
    return total


def _noc_pj(pending: Iterable[Transfer], system: System) -> float:
    """Bits on each channel * energy of a hop."""
    return sum(
        transfer.noc_bits * sum(segment.shares.values()) * system.by_name[segment.chip].noc.hop_energy_pj_per_bit
        for transfer in pending
        for segment in transfer.segments
    )


def _d2d_pj(pending: Iterable[Transfer]) -> float:
    """Bits on each link * energy of the link."""
    return sum(
        transfer.link_bits * crossing.link.energy_pj_per_bit for transfer in pending for crossing in transfer.crossings
    )


def _static_mw(system: System) -> float:
    """Leakage of all cores, used or not, and idle power of all links; times ns it is pJ."""
    leakage_mw = sum(chip.cores * chip.core.leakage_mw for chip in system.chips)
    return leakage_mw + sum(link.idle_mw for link in system.links)


def _table(system: System, placement: Placement, layer: str) -> EnergyTable:
    return system.by_name[placement.by_layer[layer][0].chip].core.energy
