"""How many bits each channel and each link direction carries."""

from __future__ import annotations

from collections.abc import Iterable

from axonal.hardware import System
from axonal.mapping.mesh import position
from axonal.report import LinkLoad
from axonal.simulation.topology import Channel
from axonal.simulation.transfers import Crossing, Transfer

__all__ = ["INTO", "OUT_OF", "channel_name", "link_loads", "port_busy_ns"]

INTO, OUT_OF = "into", "out of"
"""What comes before the name of a core in that of its port."""


def link_loads(pending: Iterable[Transfer], system: System) -> tuple[LinkLoad, ...]:
    """Load of each used channel: those of the meshes die by die, then the directions of the links.

    Inside a die bits are those of whole flits, on a link those of the frame; `busy_ns` is that of whole flits.
    """
    mesh: dict[str, dict[Channel, float]] = {chip.name: {} for chip in system.chips}
    links: dict[Crossing, tuple[float, float]] = {}
    for transfer in pending:
        for segment in transfer.segments:
            loads = mesh[segment.chip]
            for channel, share in segment.shares.items():
                loads[channel] = loads.get(channel, 0.0) + share * transfer.moved_bits
        for crossing in transfer.crossings:
            bits, whole = links.get(crossing, (0.0, 0.0))
            links[crossing] = bits + transfer.link_bits, whole + transfer.whole_bits
    inside = [_mesh_load(system, chip, *item) for chip, loads in mesh.items() for item in sorted(loads.items())]
    return (*inside, *(_link_load(system, crossing, *bits) for crossing, bits in links.items()))


def port_busy_ns(pending: Iterable[Transfer], system: System) -> dict[str, float]:
    """For how long the ports between cores and their routers are busy, by name; each passes a flit in a cycle."""
    busy: dict[str, float] = {}
    for transfer in pending:
        for segment in transfer.segments:
            serial_ns = transfer.moved_bits / system.by_name[segment.chip].noc.bits_per_ns
            for way, shares in ((INTO, segment.ejected), (OUT_OF, segment.injected)):
                for core, share in shares.items():
                    name = f"{way} {segment.chip} core {core}"
                    busy[name] = busy.get(name, 0.0) + share * serial_ns
    return busy


def channel_name(chip: str, source: tuple[int, int], target: tuple[int, int]) -> str:
    """What a channel between two mesh positions of a die is called in a report."""
    return f"{chip} ({source[0]},{source[1]})->({target[0]},{target[1]})"


def _mesh_load(system: System, name: str, channel: Channel, bits: float) -> LinkLoad:
    noc = system.by_name[name].noc
    source, target = position(noc, channel[0]), position(noc, channel[1])
    return LinkLoad(
        name=channel_name(name, source, target),
        kind="noc",
        chip=name,
        source=source,
        target=target,
        bits=bits,
        busy_ns=bits / noc.bits_per_ns,
    )


def _link_load(system: System, crossing: Crossing, bits: float, whole: float) -> LinkLoad:
    source, target = system.by_name[crossing.source], system.by_name[crossing.target]
    return LinkLoad(
        name=crossing.name,
        kind="d2d",
        chip=source.name,
        source=(source.column, source.row),
        target=(target.column, target.row),
        bits=bits,
        busy_ns=whole / crossing.link.bits_per_ns,
    )
