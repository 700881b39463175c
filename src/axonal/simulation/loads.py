"""How many bits each channel and each link direction carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from axonal.hardware import System
from axonal.mapping.mesh import position
from axonal.report import LinkLoad, Span
from axonal.simulation.topology import Channel
from axonal.simulation.transfers import Crossing, Transfer

__all__ = ["INTO", "OUT_OF", "busiest", "link_loads", "port_busy_ns"]

INTO, OUT_OF = "into", "out of"
"""What comes before the name of a core in that of its port."""

_Bits = tuple[float, float]
"""Bits of tensors, and of the flits that carry them."""


def link_loads(pending: Iterable[Transfer], system: System) -> tuple[LinkLoad, ...]:
    """Load of each used channel: those of the meshes die by die, then the directions of the links.

    Bits are fluid; `busy_ns` = bits / bandwidth with the bits of whole flits.
    """
    mesh: dict[str, dict[Channel, _Bits]] = {chip.name: {} for chip in system.chips}
    links: dict[Crossing, _Bits] = {}
    for transfer in pending:
        for segment in transfer.segments:
            loads = mesh[segment.chip]
            for channel, share in segment.shares.items():
                bits, whole = loads.get(channel, (0.0, 0.0))
                loads[channel] = bits + share * transfer.noc_bits, whole + share * transfer.whole_bits
        for crossing in transfer.crossings:
            bits, whole = links.get(crossing, (0.0, 0.0))
            links[crossing] = bits + transfer.link_bits, whole + transfer.whole_bits
    inside = [_mesh_load(system, chip, *item) for chip, loads in mesh.items() for item in sorted(loads.items())]
    return (*inside, *(_link_load(system, crossing, bits) for crossing, bits in links.items()))


def port_busy_ns(pending: Iterable[Transfer], system: System) -> dict[str, float]:
    """For how long the ports between cores and their routers are busy, by name; each passes a flit in a cycle."""
    busy: dict[str, float] = {}
    for transfer in pending:
        for segment in transfer.segments:
            serial_ns = transfer.whole_bits / system.by_name[segment.chip].noc.bits_per_ns
            for way, shares in ((INTO, segment.ejected), (OUT_OF, segment.injected)):
                for core, share in shares.items():
                    name = f"{way} {segment.chip} core {core}"
                    busy[name] = busy.get(name, 0.0) + share * serial_ns
    return busy


def _mesh_load(system: System, name: str, channel: Channel, bits: _Bits) -> LinkLoad:
    noc = system.by_name[name].noc
    source, target = position(noc, channel[0]), position(noc, channel[1])
    return LinkLoad(
        name=f"{name} ({source[0]},{source[1]})->({target[0]},{target[1]})",
        kind="noc",
        chip=name,
        source=source,
        target=target,
        bits=bits[0],
        busy_ns=bits[1] / noc.bits_per_ns,
    )


def _link_load(system: System, crossing: Crossing, bits: _Bits) -> LinkLoad:
    source, target = system.by_name[crossing.source], system.by_name[crossing.target]
    return LinkLoad(
        name=crossing.name,
        kind="d2d",
        chip=source.name,
        source=(source.column, source.row),
        target=(target.column, target.row),
        bits=bits[0],
        busy_ns=bits[1] / crossing.link.bits_per_ns,
    )


def busiest(spans: Iterable[Span], ports: Mapping[str, float], loads: Iterable[LinkLoad]) -> tuple[str, float]:
    """Name and busy time of the resource that works longest for an inference.

    Of equal ones cores come first, then their ports, then channels, then links.

    Raises:
        ValueError: None of them works.
    """
    busy: dict[str, float] = {}
    for span in spans:
        if span.kind == "compute":
            busy[span.resource] = busy.get(span.resource, 0.0) + span.duration_ns
    busy |= ports
    busy |= {load.name: load.busy_ns for load in loads}
    name = max(busy, key=lambda name: busy[name], default="")
    if not busy.get(name):
        raise ValueError("the busiest resource works for 0 ns, must be > 0: the workload computes and moves nothing")
    return name, busy[name]
