"""How many bits each channel and each link direction carries."""

from __future__ import annotations

from collections.abc import Iterable

from axonal.hardware import System
from axonal.mapping.mesh import position
from axonal.report import LinkLoad
from axonal.simulation.topology import Channel
from axonal.simulation.transfers import Crossing, Transfer

__all__ = ["link_loads"]


def link_loads(pending: Iterable[Transfer], system: System) -> tuple[LinkLoad, ...]:
    """Load of each used channel: those of the meshes die by die, then the directions of the links.

    Inside a die bits are those of whole flits, on a link those of the frame. `busy_ns` = bits / bandwidth.
    """
    mesh: dict[str, dict[Channel, float]] = {chip.name: {} for chip in system.chips}
    links: dict[Crossing, float] = {}
    for transfer in pending:
        for segment in transfer.segments:
            loads = mesh[segment.chip]
            for channel, share in segment.shares.items():
                loads[channel] = loads.get(channel, 0.0) + share * transfer.moved_bits
        for crossing in transfer.crossings:
            links[crossing] = links.get(crossing, 0.0) + transfer.link_bits
    inside = [_mesh_load(system, chip, *item) for chip, loads in mesh.items() for item in sorted(loads.items())]
    return (*inside, *(_link_load(system, crossing, bits) for crossing, bits in links.items()))


def _mesh_load(system: System, name: str, channel: Channel, bits: float) -> LinkLoad:
    noc = system.by_name[name].noc
    source, target = position(noc, channel[0]), position(noc, channel[1])
    return LinkLoad(
        name=f"{name} ({source[0]},{source[1]})->({target[0]},{target[1]})",
        kind="noc",
        chip=name,
        source=source,
        target=target,
        bits=bits,
        busy_ns=bits / noc.bits_per_ns,
    )


def _link_load(system: System, crossing: Crossing, bits: float) -> LinkLoad:
    source, target = system.by_name[crossing.source], system.by_name[crossing.target]
    return LinkLoad(
        name=crossing.name,
        kind="d2d",
        chip=source.name,
        source=(source.column, source.row),
        target=(target.column, target.row),
        bits=bits,
        busy_ns=bits / crossing.link.bits_per_ns,
    )
