"""Energy of one inference by component: what was counted, at the prices of a system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from axonal.hardware import EnergyTable, System, with_profile
from axonal.mapping import Placement
from axonal.mapping.moves import noc_bits
from axonal.report import Breakdown, Profile
from axonal.simulation.counts import Counts
from axonal.simulation.transfers import Transfer
from axonal.workload import Layer, Traffic, Workload

__all__ = ["energy", "profiles", "weight_read_bits"]


def energy(
    workload: Workload, placement: Placement, system: System, counts: Counts, pending: Sequence[Transfer]
) -> Breakdown:
    """All components; each is linear in the constants that it names.

    Args:
        workload: What is computed.
        placement: On which die each layer runs.
        system: The machine, with its prices.
        counts: What an engine saw moving, and how long it took.
        pending: Which tensor goes to which die: who reads it from memory.
    """
    return Breakdown(
        compute_pj=_compute_pj(workload, placement, system),
        memory_pj=_weights_pj(workload, placement, system) + _activations_pj(workload, placement, system, pending),
        noc_pj=_noc_pj(counts, system),
        d2d_pj=_d2d_pj(counts, system),
        static_pj=_static_mw(system) * counts.latency_ns,
    )


def profiles(
    workload: Workload, placement: Placement, system: System, counts: Counts, pending: Sequence[Transfer]
) -> tuple[Profile, ...]:
    """The same at the prices of each profile of the system."""
    return tuple(
        Profile(
            name=profile.name,
            energy=energy(workload, placement, with_profile(system, profile.name), counts, pending),
        )
        for profile in system.profiles
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
    """Macs * mac + accumulates * accumulate + elementwise_ops * elementwise + updates * neuron update + events * spike.

    Each with the constants of the layer's die. An update is one neuron of a layer with state in one time step.
    """
    total = 0.0
    for layer in workload.layers:
        table = _table(system, placement, layer.name)
        total += layer.macs * table.mac_pj
        total += layer.accumulates * table.accumulate_pj
        total += layer.elementwise_ops * table.elementwise_pj
        total += layer.neurons * layer.time_steps * table.neuron_update_pj if layer.state_bits else 0.0
    for edge in _tensors(workload):
        total += edge.events * _table(system, placement, edge.source).spike_pj if edge.symbols == "event" else 0.0
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
    total = sum(
        noc_bits(edge) * _table(system, placement, edge.source).sram_write_pj_per_bit for edge in _tensors(workload)
    )
    for transfer in pending:
        reads = sum(len(placement.by_layer[layer]) for layer in transfer.move.whole) + len(transfer.move.scattered)
        read_pj_per_bit = system.by_name[transfer.move.target_chip].core.energy.sram_read_pj_per_bit
        total += transfer.noc_bits * reads * read_pj_per_bit
    return total


def _noc_pj(counts: Counts, system: System) -> float:
    """Bits through routers * energy of a router + bits on channels * energy of the wire + packets * packet."""
    chips = system.by_name
    total = 0.0
    for name, bits in counts.router_bits.items():
        total += bits * chips[name].noc.router_energy_pj_per_bit
    for name, bits in counts.wire_bits.items():
        total += bits * chips[name].noc.wire_energy_pj_per_bit
    for name, packets in counts.packets.items():
        total += packets * chips[name].core.energy.packet_pj
    return total


def _d2d_pj(counts: Counts, system: System) -> float:
    """Bits on each link * (energy of the link + serialiser)."""
    price = {link.name: link.energy_pj_per_bit + link.serialiser_pj_per_bit for link in system.links}
    return sum(bits * price[name] for name, bits in counts.link_bits.items())


def _static_mw(system: System) -> float:
    """Leakage of all cores and routers, used or not, and idle power of all links; times ns it is pJ."""
    leakage_mw = sum(chip.cores * (chip.core.leakage_mw + chip.noc.router.leakage_mw) for chip in system.chips)
    return leakage_mw + sum(link.idle_mw for link in system.links)


def _table(system: System, placement: Placement, layer: str) -> EnergyTable:
    return system.by_name[placement.by_layer[layer][0].chip].core.energy


def _tensors(workload: Workload) -> Iterable[Traffic]:
    """One edge for each tensor that a layer produces, however many layers read it."""
    return {(edge.source, edge.tensors): edge for edge in reversed(workload.traffic)}.values()
