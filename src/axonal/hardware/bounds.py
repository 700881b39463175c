"""Checks that the values of this room share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable

__all__ = ["positive", "unique"]


def positive(owner: str, value: object, names: Iterable[str], *, zero: bool = False) -> None:
    """ValueError unless each of the fields is finite and positive, or 0 where that is allowed."""
    for name in names:
        number = getattr(value, name)
        if not (math.isfinite(number) and (number > 0 or (zero and number == 0))):
            raise ValueError(f"{owner}: {name} is {number}, must be finite and {'>=' if zero else '>'} 0")


def unique(what: str, items: Iterable[Hashable]) -> None:
    """ValueError when an item is there more than once."""
    for item, times in Counter(items).items():
        if times > 1:
            shown = "-".join(sorted(item)) if isinstance(item, frozenset) else item
            raise ValueError(f"{what} {shown} is given {times} times, must be unique")
