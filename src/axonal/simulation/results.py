"""Parts of a report that come about in the same way for every engine: boundaries and the bottleneck."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from axonal import wire
from axonal.report import BoundaryBits, LinkLoad, Span
from axonal.simulation.transfers import Transfer

__all__ = ["boundary_bits", "busiest"]


def boundary_bits(pending: Iterable[Transfer], header_bits: int) -> tuple[BoundaryBits, ...]:
    """One entry for each transfer that leaves its die.

    Args:
        pending: All transfers.
        header_bits: Header of a packet that carries one value or one event.
    """
    return tuple(_boundary(transfer, header_bits) for transfer in pending if transfer.move.crosses)


def _boundary(transfer: Transfer, header_bits: int) -> BoundaryBits:
    edge = transfer.move.edge
    return BoundaryBits(
        source=edge.source,
        target=edge.target,
        source_chip=transfer.move.source_chip,
        target_chip=transfer.move.target_chip,
        link_hops=len(transfer.crossings),
        format=str(wire.cheapest(edge)),
        elements=edge.elements,
        events=edge.events,
        packed_bits=transfer.link_bits,
        packetised_bits=wire.packetised_bits(edge, header_bits),
    )


def busiest(timeline: Iterable[Span], ports: Mapping[str, float], loads: Iterable[LinkLoad]) -> tuple[str, float]:
    """Name and busy time of the resource that works longest for one inference.

    Of equal ones cores come first, then their ports, then channels, then links.

    Raises:
        ValueError: Nothing works.
    """
    busy: dict[str, float] = {}
    for span in timeline:
        if span.kind == "compute":
            busy[span.resource] = busy.get(span.resource, 0.0) + span.duration_ns
    busy |= ports
    busy |= {load.name: load.busy_ns for load in loads}
    name = max(busy, key=lambda name: busy[name], default="")
    if not busy.get(name):
        raise ValueError("the busiest resource works for 0 ns, must be > 0: the workload computes and moves nothing")
    return name, busy[name]
