"""Ways inside a die: dimension-order routes, and for each piece of a tensor a tree of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from axonal.hardware import Chip
from axonal.mapping.pieces import pieces

__all__ = ["Channel", "Layout", "Segment", "between", "hops", "route", "tree", "ways"]

Channel = tuple[int, int]
"""A directed mesh channel: router it starts at, neighbouring router it ends at (`row * columns + column`)."""

Layout = tuple[tuple[int, float], ...]
"""Routers of a layer's tiles, each with the share of the tensor that it holds or needs, in tile order."""

Way = tuple[float, int, tuple[int, ...]]
"""Share of the tensor, router that holds it, routers that need it."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """The part of a tensor's way that lies on one die.

    Args:
        chip: Name of the die.
        shares: Fraction of the tensor that each channel carries.
        hops: Channels on the longest way of a piece through the die; 0 when all stay in their cores.
    """

    chip: str
    shares: Mapping[Channel, float]
    hops: int

    @cached_property
    def widest(self) -> float:
        """Largest fraction of the tensor on one channel; 0 when all of it stays in its cores."""
        return max(self.shares.values(), default=0.0)


@lru_cache(maxsize=1 << 16)
def route(columns: int, source: int, target: int) -> tuple[Channel, ...]:
    """Channels from one router to another: first along the row, then along the column.

    Example:
        >>> route(4, 0, 6)
        ((0, 1), (1, 2), (2, 6))
    """
    corner = source - source % columns + target % columns
    along_row = range(source, corner, 1 if corner > source else -1)
    along_column = range(corner, target, columns if target > corner else -columns)
    return tuple(pairwise((*along_row, *along_column, target)))


def hops(columns: int, source: int, target: int) -> int:
    """Channels between two routers."""
    return abs(source % columns - target % columns) + abs(source // columns - target // columns)


@lru_cache(maxsize=1 << 16)
def tree(columns: int, source: int, targets: tuple[int, ...]) -> tuple[Channel, ...]:
    """Channels of a multicast: the union of the routes, each channel once, sorted.

    Dimension-order routes from one router to several never meet again once they have parted, so the union is a tree.
    """
    return tuple(sorted({channel for target in targets for channel in route(columns, source, target)}))


def between(chip: Chip, sources: Layout, whole: tuple[int, ...], scattered: tuple[Layout, ...] = ()) -> Segment:
    """The way of a tensor on one die.

    Cut wherever a tile of the source or of a scattered target ends, the tensor falls into pieces; each goes along
    a tree from the one router that holds it to all that need it:

        share on a channel = sum of the sizes of those pieces whose tree passes it

    Where every router needs all, the pieces are the tiles of the source and this is plain multicast. With one
    scattered layer and nothing else they are the overlaps of two tiles, each of which takes its own route.

    Args:
        chip: The die.
        sources: Who holds which share of the tensor.
        whole: Routers that need all of it.
        scattered: For each layer of which a tile needs only its share, who needs which.
    """
    return _segment(chip.name, chip.noc.columns, sources, whole, scattered)


@lru_cache(maxsize=1 << 14)
def _segment(
    chip: str, columns: int, sources: Layout, whole: tuple[int, ...], scattered: tuple[Layout, ...]
) -> Segment:
    shares: dict[Channel, float] = {}
    longest = 0
    for share, source, targets in ways(sources, whole, scattered):
        longest = max(longest, *(hops(columns, source, target) for target in targets))
        for channel in tree(columns, source, targets):
            shares[channel] = shares.get(channel, 0.0) + share
    return Segment(chip=chip, shares=shares, hops=longest)


def ways(sources: Layout, whole: tuple[int, ...], scattered: tuple[Layout, ...]) -> Iterator[Way]:
    """One for each piece of the tensor: its size, the router that holds it, and those that need it."""
    layouts = (sources, *scattered)
    for size, (holder, *takers) in pieces(*([share for _, share in layout] for layout in layouts)):
        own = {layout[taker][0] for layout, taker in zip(scattered, takers, strict=True)}
        yield size, sources[holder][0], tuple(sorted(own.union(whole))) if own else whole
