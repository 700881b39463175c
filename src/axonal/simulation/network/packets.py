"""What is to be sent: `Packets`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Packets", "Tree"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A multicast: at each router of the tree the set of outputs that a packet takes.

    Args:
        routers: Routers, ascending.
        outputs: Bit set of outputs of each.
        channels: Bit set of the virtual channels that may be taken at each.
        copies: How many cores take a copy.
    """

    routers: tuple[int, ...]
    outputs: tuple[int, ...]
    channels: tuple[int, ...]
    copies: int


@dataclass(frozen=True, kw_only=True)
class Packets:
    """Packets in the order in which each source sends them; all arrays have one entry for each.

    Args:
        source: Router.
        target: Router, or `-1 - i` for tree i.
        flits: Length.
        created: Tick from which it may be sent; never falls from one packet of a source to its next.
        flavour: 0 or 1, for O1TURN.
        trees: The multicasts.
    """

    source: Ints
    target: Ints
    flits: Ints
    created: Ints
    flavour: Ints
    trees: tuple[Tree, ...] = ()

    @classmethod
    def of(
        cls,
        source: NDArray[Any],
        target: NDArray[Any],
        flits: NDArray[Any] | int,
        created: NDArray[Any],
        *,
        flavour: NDArray[Any] | None = None,
        trees: tuple[Tree, ...] = (),
    ) -> Packets:
        """Packets in any order, sorted by the time of their creation, of those at one tick as given."""
        source = np.asarray(source, np.int64)
        order = np.argsort(np.asarray(created), kind="stable")
        lengths = np.broadcast_to(np.asarray(flits, np.int64), source.shape)
        coins = np.zeros(len(source), np.int64) if flavour is None else np.asarray(flavour, np.int64)
        return cls(
            source=source[order],
            target=np.asarray(target, np.int64)[order],
            flits=lengths[order],
            created=np.asarray(created, np.int64)[order],
            flavour=coins[order],
            trees=trees,
        )

    def __len__(self) -> int:
        return len(self.source)

    def checked(self, routers: int, buffer_flits: int) -> Packets:
        """The packets; ValueError unless they fit a network of so many routers with buffers of that depth."""
        for name, low, high in (
            ("source", 0, routers - 1),
            ("target", -len(self.trees), routers - 1),
            ("flits", 1, 1 << 20),
            ("created", 0, 1 << 60),
            ("flavour", 0, 1),
        ):
            values = getattr(self, name)
            if len(values) and not (low <= values.min() and values.max() <= high):
                wrong = values.min() if values.min() < low else values.max()
                raise ValueError(f"{name} of a packet is {wrong}, must be {low} to {high}")
        many = self.target < 0
        if many.any() and self.flits[many].max() > buffer_flits:
            raise ValueError(
                f"a multicast packet has {self.flits[many].max()} flits, must be <= {buffer_flits}, the buffer of a "
                "virtual channel, to be free of deadlock: send shorter packets or deepen the buffers"
            )
        return self

    def copies(self) -> Ints:
        """Cores that each packet reaches."""
        counts = np.array([tree.copies for tree in self.trees] or [1], np.int64)
        index = np.where(self.target < 0, -1 - self.target, 0)
        return np.where(self.target < 0, counts[index], 1)

    def joined(self, later: Packets) -> Packets:
        """These packets and later ones, which bring no trees of their own."""
        names = ("source", "target", "flits", "created", "flavour")
        grown: dict[str, Any] = {name: np.concatenate([getattr(self, name), getattr(later, name)]) for name in names}
        return replace(self, **grown)
