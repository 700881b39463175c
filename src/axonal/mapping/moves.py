"""Which tensor moves from which die to which, and how many bits that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from axonal import wire
from axonal.workload import Traffic, Workload

__all__ = ["Move", "link_bits", "moves", "noc_bits"]


@dataclass(frozen=True, kw_only=True)
class Move:
    """One tensor on its way to one die, where any number of layers take it up.

    Args:
        edge: The first of the edges that carry the tensor to that die, with the readers of all of them.
        source_chip: Die of the layer that produces it.
        target_chip: Die of the layers that consume it.
        targets: Those layers, in the order of the workload.
        scattered: Those of the targets of which each tile needs only its own share of the tensor.
    """

    edge: Traffic
    source_chip: str
    target_chip: str
    targets: tuple[str, ...]
    scattered: tuple[str, ...]

    @property
    def whole(self) -> tuple[str, ...]:
        """The other targets, of which each tile needs all of the tensor."""
        return tuple(layer for layer in self.targets if layer not in self.scattered)

    @property
    def crosses(self) -> bool:
        """Whether the tensor leaves its die."""
        return self.source_chip != self.target_chip

    @property
    def label(self) -> str:
        """`source -> first target`, for people."""
        return f"{self.edge.source} -> {self.edge.target}"


def moves(workload: Workload, chip_of: Mapping[str, str]) -> tuple[Move, ...]:
    """All moves, ordered by source layer, then by first target layer.

    Edges with equal `tensors` into layers of one die are one move: the tensor goes there once.
    """
    order = workload.order
    gathered: dict[tuple[str, tuple[str, ...], str], list[Traffic]] = {}
    for edge in sorted(workload.traffic, key=lambda edge: (order[edge.source], order[edge.target])):
        gathered.setdefault((edge.source, edge.tensors, chip_of[edge.target]), []).append(edge)
    return tuple(_move(edges, chip_of) for edges in gathered.values())


def _move(edges: Sequence[Traffic], chip_of: Mapping[str, str]) -> Move:
    first = edges[0]
    readers = tuple(dict.fromkeys(reader for edge in edges for reader in edge.readers))
    targets = tuple(dict.fromkeys(edge.target for edge in edges))
    whole = {edge.target for edge in edges if not edge.scattered}
    return Move(
        edge=first if readers == first.readers else replace(first, readers=readers),
        source_chip=chip_of[first.source],
        target_chip=chip_of[first.target],
        targets=targets,
        scattered=tuple(layer for layer in targets if layer not in whole),
    )


@lru_cache(maxsize=4096)
def link_bits(edge: Traffic) -> float:
    """Bits of one crossing of a die-to-die link, in the cheapest packet format."""
    return wire.bits(wire.cheapest(edge), edge)


def noc_bits(edge: Traffic) -> float:
    """Bits inside a die: plain elements when dense, the cheapest packet format when event-coded."""
    return float(edge.elements * edge.element_bits) if edge.symbols == "dense" else link_bits(edge)
