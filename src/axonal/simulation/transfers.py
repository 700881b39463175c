"""The way that each tensor takes through the system."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from axonal.hardware import Chip, Link, System
from axonal.mapping import Placement
from axonal.mapping.dies import die_paths
from axonal.mapping.mesh import gateway
from axonal.mapping.moves import Move, link_bits, moves, noc_bits
from axonal.simulation.portals import crosses_rows, portal, portal_column, regular
from axonal.simulation.topology import Layout, Segment, across, between, whole_shares
from axonal.workload import Workload

__all__ = ["Crossing", "Transfer", "needs", "transfers"]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A die-to-die link in the direction of use."""

    source: str
    target: str
    link: Link

    @property
    def name(self) -> str:
        """`source->target`."""
        return f"{self.source}->{self.target}"


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One tensor on its way to one die.

    Args:
        move: What moves from which die to which.
        segments: Its way on each die it touches, one more than `crossings`.
        crossings: The links between these dies.
        noc_bits: Bits of the tensor inside a die.
        link_bits: Bits of the tensor on a link.
        whole_bits: Bits on a link of the flits that carry it: the last flit of each piece may be part empty.
    """

    move: Move
    segments: tuple[Segment, ...]
    crossings: tuple[Crossing, ...]
    noc_bits: float
    link_bits: float
    whole_bits: float

    @property
    def moved_bits(self) -> float:
        """Bits that travel: the frame where it crosses dies, whose header then comes along in them, too."""
        return self.link_bits if self.crossings else self.noc_bits


def transfers(workload: Workload, placement: Placement, system: System) -> tuple[Transfer, ...]:
    """All transfers, ordered by source layer, then by first target layer.

    Each tile of the source sends its share. Each tile of a target needs everything or, where the traffic is
    scattered, what falls in its own range of the neurons. A tensor moves once to each die, however many layers
    take it up there; copies to two dies are two transfers, also where their ways coincide, as each may have a
    packet format of its own. Links always carry the whole tensor.

    Raises:
        ValueError: Traffic runs between dies that no links connect.
    """
    homes = {layer: tiles[0].chip for layer, tiles in placement.by_layer.items()}
    links: dict[tuple[str, str], Link] = {}
    for link in system.links:
        for ends in ((link.a, link.b), (link.b, link.a)):
            links.setdefault(ends, link)
    paths, meshed = die_paths(system), regular(system)
    found = []
    for move in moves(workload, homes):
        path = paths.get((move.source_chip, move.target_chip))
        if path is None:
            where = f"from chip {move.source_chip} to {move.target_chip}"
            raise ValueError(f"{move.label}: no links lead {where}: add a link")
        crossings = tuple(Crossing(source=a, target=b, link=links[a, b]) for a, b in pairwise(path))
        chips = [system.by_name[name] for name in path]
        found.append(_transfer(move, placement, chips, crossings, meshed))
    return tuple(found)


def _transfer(
    move: Move, placement: Placement, chips: list[Chip], crossings: tuple[Crossing, ...], meshed: bool
) -> Transfer:
    sources, scattered = _layout(move.edge.source, placement), needs(move, placement)[1]
    bits = link_bits(move.edge) if move.crosses else noc_bits(move.edge)
    sent = whole_shares(sources, scattered, _grain(bits, chips[0]))
    whole = tuple((core, share) for (core, _), share in zip(sources, sent, strict=True))
    return Transfer(
        move=move,
        segments=_segments(move, placement, chips, whole, meshed),
        crossings=crossings,
        noc_bits=noc_bits(move.edge),
        link_bits=link_bits(move.edge) if move.crosses else 0.0,
        whole_bits=bits * sum(sent) if move.crosses else 0.0,
    )


def _segments(move: Move, placement: Placement, path: list[Chip], sent: Layout, meshed: bool) -> tuple[Segment, ...]:
    """From the source tiles to the next die, between neighbours on dies in between, and to the targets.

    Where dies form one large mesh, each part of the tensor crosses where its portal is; else all of it passes gateways.
    """
    bits = link_bits(move.edge) if move.crosses else noc_bits(move.edge)
    sources = _layout(move.edge.source, placement)
    columns = [portal_column(path[0], core, path[-1]) for core, _ in sources]
    found: list[Segment] = []
    for chip, following in pairwise(path):
        if meshed:
            leaving = [portal(chip, at, column, following) for (at, _), column in zip(sources, columns, strict=True)]
            entering = [portal(following, at, column, chip) for at, column in zip(leaving, columns, strict=True)]
        else:
            leaving = [gateway(chip, following)] * len(sources)
            entering = [gateway(following, chip)] * len(sources)
        found.append(across(chip, sent, tuple(leaving), injects=not found))
        sent = tuple((at, share) for at, (_, share) in zip(entering, sent, strict=True))
        sources = tuple((at, share) for at, (_, share) in zip(entering, sources, strict=True))
    whole, scattered = needs(move, placement)
    column_first = meshed and crosses_rows(path[0], path[-1])
    last = between(
        path[-1],
        sources,
        whole,
        scattered,
        injects=not found,
        column_first=column_first,
        grain=_grain(bits, path[-1]),
    )
    return (*found, last)


def needs(move: Move, placement: Placement) -> tuple[tuple[int, ...], tuple[Layout, ...]]:
    """Cores that need all of a tensor, ascending, and for each layer that needs it scattered who needs which share."""
    whole = tuple(sorted({tile.core for layer in move.whole for tile in placement.by_layer[layer]}))
    return whole, tuple(_layout(layer, placement) for layer in move.scattered)


def _grain(bits: float, chip: Chip) -> float:
    """Fraction of a tensor of so many bits that a flit holds."""
    return chip.noc.flit_bits / bits if bits else 0.0


def _layout(layer: str, placement: Placement) -> Layout:
    return tuple((tile.core, tile.share) for tile in placement.by_layer[layer])
