"""What the boundaries put on the links, in the terms of the packet formats; the same for every engine."""

from __future__ import annotations

from collections.abc import Iterable

from axonal import wire
from axonal.report import BoundaryBits
from axonal.simulation.transfers import Transfer

__all__ = ["boundary_bits"]


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
