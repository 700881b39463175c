"""Ways inside a die: dimension-order routes, and for each piece of a tensor a tree of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from axonal.hardware import Chip
from axonal.mapping.pieces import pieces

__all__ = ["Channel", "Layout", "Segment", "across", "between", "hops", "route", "tree", "ways"]

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
        injected: Fraction of the tensor that each core sends to others, where the way starts on this die.
        ejected: Fraction of the tensor that each core receives from others, where the way ends on this die.
    """

    chip: str
    shares: Mapping[Channel, float]
    hops: int
    injected: Mapping[int, float]
    ejected: Mapping[int, float]

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Number of each channel, then of each injecting and ejecting port that is used, shape `(resources,)`.

        Six for each router: to the east, west, south and north, into its core, out of its core.
        """
        channels = [start * 6 + _direction(start, end) for start, end in self.shares]
        return np.array(
            [*channels, *(core * 6 + 5 for core in self.injected), *(core * 6 + 4 for core in self.ejected)]
        )

    @cached_property
    def parts(self) -> NDArray[np.float64]:
        """Fraction of the tensor at each of the places."""
        return np.array([*self.shares.values(), *self.injected.values(), *self.ejected.values()], np.float64)


def _direction(start: int, end: int) -> int:
    step = end - start
    return (0 if step > 0 else 1) if abs(step) == 1 else (2 if step > 0 else 3)


@lru_cache(maxsize=1 << 16)
def route(columns: int, source: int, target: int, *, column_first: bool = False) -> tuple[Channel, ...]:
    """Channels from one router to another: first along the row, then along the column, or the other way around.

    Example:
        >>> route(4, 0, 6)
        ((0, 1), (1, 2), (2, 6))
        >>> route(4, 0, 6, column_first=True)
        ((0, 4), (4, 5), (5, 6))
    """
    if column_first:
        return tuple((end, start) for start, end in reversed(route(columns, target, source)))
    corner = source - source % columns + target % columns
    along_row = range(source, corner, 1 if corner > source else -1)
    along_column = range(corner, target, columns if target > corner else -columns)
    return tuple(pairwise((*along_row, *along_column, target)))


def hops(columns: int, source: int, target: int) -> int:
    """Channels between two routers."""
    return abs(source % columns - target % columns) + abs(source // columns - target // columns)


@lru_cache(maxsize=1 << 16)
def tree(columns: int, source: int, targets: tuple[int, ...], *, column_first: bool = False) -> tuple[Channel, ...]:
    """Channels of a multicast: the union of the routes, each channel once, sorted.

    Dimension-order routes from one router to several never meet again once they have parted, so the union is a tree.
    """
    routes = (route(columns, source, target, column_first=column_first) for target in targets)
    return tuple(sorted({channel for channels in routes for channel in channels}))


def between(
    chip: Chip,
    sources: Layout,
    whole: tuple[int, ...],
    scattered: tuple[Layout, ...] = (),
    *,
    injects: bool = True,
    column_first: bool = False,
) -> Segment:
    """The way of a tensor on the die of its targets.

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
        injects: Whether the cores of the sources send it; else it comes from another die.
        column_first: Whether routes start along the column.
    """
    return _segment(chip.name, chip.noc.columns, sources, whole, scattered, injects, column_first)


@lru_cache(maxsize=1 << 14)
def _segment(  # noqa: PLR0913, PLR0917 - a key of the cache
    chip: str,
    columns: int,
    sources: Layout,
    whole: tuple[int, ...],
    scattered: tuple[Layout, ...],
    injects: bool,
    column_first: bool,
) -> Segment:
    shares: dict[Channel, float] = {}
    injected: dict[int, float] = {}
    ejected: dict[int, float] = {}
    longest = 0
    for share, source, targets in ways(sources, whole, scattered):
        longest = max(longest, *(hops(columns, source, target) for target in targets))
        for channel in tree(columns, source, targets, column_first=column_first):
            shares[channel] = shares.get(channel, 0.0) + share
        for target in targets:
            if target != source or not injects:
                ejected[target] = ejected.get(target, 0.0) + share
        if injects and any(target != source for target in targets):
            injected[source] = injected.get(source, 0.0) + share
    return Segment(chip=chip, shares=shares, hops=longest, injected=injected, ejected=ejected)


@lru_cache(maxsize=1 << 14)
def _leaving(chip: str, columns: int, sources: Layout, exits: tuple[int, ...], injects: bool) -> Segment:
    shares: dict[Channel, float] = {}
    injected: dict[int, float] = {}
    for (source, share), target in zip(sources, exits, strict=True):
        for channel in route(columns, source, target):
            shares[channel] = shares.get(channel, 0.0) + share
        injected[source] = injected.get(source, 0.0) + share
    longest = max(hops(columns, source, target) for (source, _), target in zip(sources, exits, strict=True))
    return Segment(chip=chip, shares=shares, hops=longest, injected=injected if injects else {}, ejected={})


def across(chip: Chip, sources: Layout, exits: tuple[int, ...], *, injects: bool) -> Segment:
    """The way of a tensor on a die that it leaves: each share goes along the row, then the column, to its exit.

    Args:
        chip: The die.
        sources: Where which share is.
        exits: Where each of them leaves.
        injects: Whether cores of this die send it; else it comes from another die.
    """
    return _leaving(chip.name, chip.noc.columns, sources, exits, injects)


def ways(sources: Layout, whole: tuple[int, ...], scattered: tuple[Layout, ...]) -> Iterator[Way]:
    """One for each piece of the tensor: its size, the router that holds it, and those that need it."""
    layouts = (sources, *scattered)
    for size, (holder, *takers) in pieces(*([share for _, share in layout] for layout in layouts)):
        own = {layout[taker][0] for layout, taker in zip(scattered, takers, strict=True)}
        yield size, sources[holder][0], tuple(sorted(own.union(whole))) if own else whole
