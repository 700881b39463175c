"""What an inference moves, before anything is said about prices: `Counts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from axonal.mapping import Placement
from axonal.simulation.transfers import Transfer

__all__ = ["Counts", "counted", "packets_by_chip"]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What moved for one inference, and how long it took; `energy` puts the prices on it.

    An engine makes it from what it saw. Where bits travel in flits, the bits here are those of whole flits, headers
    and part-empty last flits included.

    Args:
        router_bits: For each chip, bits through routers: each bit once for each hop, where a hop is a router and the
            channel that leaves it towards another router. What stays in its core counts nothing.
        wire_bits: For each chip, bits on the channels between its routers: each bit once for each channel.
        packets: For each chip, packets that its cores put on the mesh; events that travel alone are one each.
        link_bits: For each link, by its name, bits in both directions together.
        latency_ns: Time during which the machine is on.
    """

    router_bits: Mapping[str, float]
    wire_bits: Mapping[str, float]
    packets: Mapping[str, float]
    link_bits: Mapping[str, float]
    latency_ns: float


def counted(pending: Iterable[Transfer], placement: Placement, latency_ns: float) -> Counts:
    """The counts of fluid traffic: no flits, and each bit takes exactly the channels of its tree.

    An event is a packet of its own, sent once to each die that needs it. A dense tensor is one packet for each tile
    that holds a part of it and each die.
    """
    pending = tuple(pending)
    hops: dict[str, float] = {}
    links: dict[str, float] = {}
    for transfer in pending:
        for segment in transfer.segments:
            bits = transfer.moved_bits * sum(segment.shares.values())
            hops[segment.chip] = hops.get(segment.chip, 0.0) + bits
        for crossing in transfer.crossings:
            links[crossing.link.name] = links.get(crossing.link.name, 0.0) + transfer.link_bits
    return Counts(
        router_bits=hops,
        wire_bits=hops,
        packets=packets_by_chip(pending, placement),
        link_bits=links,
        latency_ns=latency_ns,
    )


def packets_by_chip(pending: Iterable[Transfer], placement: Placement) -> dict[str, float]:
    """Messages that the cores of each chip put on the mesh; how they are cut or packed on their way does not matter.

    An event is a message of its own, sent once to each die that needs it. A dense tensor is one message for each tile
    that holds a part of it and each die.
    """
    found: dict[str, float] = {}
    for transfer in pending:
        chip = transfer.move.source_chip
        found[chip] = found.get(chip, 0.0) + _packets(transfer, placement)
    return found


def _packets(transfer: Transfer, placement: Placement) -> float:
    edge = transfer.move.edge
    if not transfer.crossings and not transfer.segments[0].hops:
        return 0.0
    return edge.events if edge.symbols == "event" else float(len(placement.by_layer[edge.source]))
