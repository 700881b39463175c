"""From the checked entries of a system file to the frozen `System`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from axonal.hardware.package import grid_places, neighbours
from axonal.hardware.schema import ChipEntry, ChipGrid, CoreEntry, DieEntry, LinkEntry, SystemEntry
from axonal.hardware.sourced import given
from axonal.hardware.system import Chip, Constant, Core, EnergyTable, Link, Noc, Profile, System
from axonal.hardware.topology import Fault

__all__ = ["port_faults", "system_of"]

_Places = Mapping[str, tuple[int, int]]


def system_of(entry: SystemEntry, constants: tuple[Constant, ...], profiles: tuple[Profile, ...]) -> System:
    """The system of a file without mistakes."""
    dies = {name: (_core(die.core), _noc(die)) for name, die in entry.dies.items()}
    chips = tuple(
        Chip(name=name, column=column, row=row, core=dies[die][0], noc=dies[die][1], die=die)
        for name, die, (column, row) in _chips(entry.chips)
    )
    places = {chip.name: (chip.column, chip.row) for chip in chips}
    return System(
        name=entry.name,
        description=entry.description,
        chips=chips,
        links=tuple(link for kind, item in entry.links.items() for link in _links(kind, item, places)),
        packet_header_bits=entry.packet_header.value,
        constants=constants,
        profiles=profiles,
    )


def port_faults(entry: SystemEntry) -> Iterator[Fault]:
    """Links that are attached to more routers than a facing side has."""
    chips = {name: (place, entry.dies[die].mesh) for name, die, place in _chips(entry.chips)}
    places = {name: place for name, (place, _) in chips.items()}
    for kind, link in entry.links.items():
        sides = [side for a, b in _pairs(link, places) for side in _sides(*chips[a], *chips[b])]
        if link.ports is not None and link.ports.value > min(sides, default=link.ports.value):
            yield (
                ("links", kind, "ports"),
                f"must be <= {min(sides)}, the routers of the smallest side that such a link is attached to",
            )


def _sides(
    place: tuple[int, int], mesh: tuple[int, int], other: tuple[int, int], other_mesh: tuple[int, int]
) -> tuple[int, int]:
    """Routers of the two sides that face each other: rows when the chips differ at least as much in the column."""
    axis = 1 if abs(place[0] - other[0]) >= abs(place[1] - other[1]) else 0
    return mesh[axis], other_mesh[axis]


def _pairs(item: LinkEntry, places: _Places) -> Iterator[tuple[str, str]]:
    if isinstance(item.between, str):
        yield from neighbours(places)
        return
    yield from ((a, b) for a, b in item.between)


def _chips(entry: list[ChipEntry] | ChipGrid) -> Iterator[tuple[str, str, tuple[int, int]]]:
    if isinstance(entry, ChipGrid):
        yield from ((name, entry.die, place) for name, place in grid_places(*entry.grid).items())
        return
    for chip in entry:
        yield chip.name, chip.die, (chip.at[0], chip.at[1])


def _noc(die: DieEntry) -> Noc:
    columns, rows = die.mesh
    noc = die.noc
    router = noc.hop_energy or noc.router_energy
    return Noc(
        columns=columns,
        rows=rows,
        clock_ghz=noc.clock.value,
        flit_bits=noc.flit.value,
        hop_cycles=noc.hop_latency.value,
        router=noc.router.of(noc.hop_latency.value),
        topology=noc.topology,
        routing=noc.routing,
        **given(router_energy_pj_per_bit=router, wire_energy_pj_per_bit=noc.wire_energy),
    )


def _core(core: CoreEntry) -> Core:
    energy = EnergyTable(
        mac_pj=core.mac_energy.value,
        accumulate_pj=core.accumulate_energy.value,
        elementwise_pj=core.elementwise_energy.value,
        sram_read_pj_per_bit=core.sram_read_energy.value,
        sram_write_pj_per_bit=core.sram_write_energy.value,
        **given(neuron_update_pj=core.neuron_update_energy, spike_pj=core.spike_energy, packet_pj=core.packet_energy),
    )
    return Core(
        clock_ghz=core.clock.value,
        lanes=core.lanes.value,
        sram_bits=core.sram.value,
        leakage_mw=core.leakage.value,
        energy=energy,
    )


def _links(kind: str, item: LinkEntry, places: _Places) -> Iterator[Link]:
    for a, b in _pairs(item, places):
        yield Link(
            a=a,
            b=b,
            kind=kind,
            bits_per_ns=item.bandwidth.value,
            latency_ns=item.latency.value,
            energy_pj_per_bit=item.energy.value,
            idle_mw=item.idle_power.value,
            **given(serialiser_pj_per_bit=item.serialiser_energy, buffer_flits=item.buffer, ports=item.ports),
        )
