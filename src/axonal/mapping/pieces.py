"""Which tiles hold which piece of a tensor when several layers are split, each in its own way."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate

__all__ = ["pieces"]

_SLIVER = 1e-9
"""Ends of tiles that lie closer to each other are equal but for rounding."""


def pieces(*layouts: Sequence[float]) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Cut [0, 1) wherever a tile of some layout ends.

    Args:
        layouts: Shares of the tiles of a layer, in tile order; each sums to 1. A tile with share 0 holds nothing.

    Yields:
        Size of a piece, and the index of the tile in each layout that holds it.

    Example:
        >>> list(pieces([0.5, 0.5], [0.25, 0.75]))
        [(0.25, (0, 0)), (0.25, (0, 1)), (0.5, (1, 1))]
    """
    ends = [tuple(accumulate(shares)) for shares in layouts]
    start = 0.0
    for end in sorted({end for layout in ends for end in layout}):
        if end - start > _SLIVER:
            middle = (start + end) / 2
            yield end - start, tuple(bisect(layout, middle, 0, len(layout) - 1) for layout in ends)
            start = end
