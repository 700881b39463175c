"""The ways one network was trained: in which order, under which short name and with which marker they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Variant", "chosen", "lookup", "prime", "ratio_sides", "variants"]

SHORT_NAMES = {"hybrid": "Hybrid", "ann": "ANN", "snn": "SNN", "low_rank": "Low-rank", "one_bit": "1-bit"}
MARKERS = ("circle", "square", "diamond", "triangle", "wedge")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One variant of a result.

    Args:
        key: Its name in the result.
        name: Short name for people.
        label: Sentence-like label of the result.
        slot: Number of its colour; the same variant has the same colour in every picture.
        data: Its part of the result.
    """

    key: str
    name: str
    label: str
    slot: int
    data: Mapping[str, Any]

    @property
    def css(self) -> str:
        """Class that gives an element the colour of the variant."""
        return f"v{self.slot}"

    @property
    def detail(self) -> str:
        """The label without the short name it may begin with."""
        return self.label.removeprefix(self.name).lstrip(" ,:") or self.label

    @property
    def marker(self) -> str:
        """Shape of its points, so that colour is never the only sign."""
        return MARKERS[self.slot % len(MARKERS)]


def variants(result: Mapping[str, Any]) -> tuple[Variant, ...]:
    """The variants of a result, hybrid first; ValueError when there is none."""
    found: Mapping[str, Any] = result.get("variants") or {}
    if not found:
        raise ValueError(
            "result has 0 variants, must have at least 1: compare at least one of " + ", ".join(SHORT_NAMES)
        )
    known = tuple(SHORT_NAMES)
    keys = [key for key in known if key in found] + [key for key in found if key not in known]
    slots = {key: slot for slot, key in enumerate((*known, *(key for key in found if key not in known)))}
    return tuple(
        Variant(
            key=key,
            name=SHORT_NAMES.get(key, key),
            label=str(found[key].get("label") or SHORT_NAMES.get(key, key)),
            slot=slots[key] % 8,
            data=found[key],
        )
        for key in keys
    )


def prime(result: Mapping[str, Any]) -> tuple[Variant, ...]:
    """The two variants that a reader compares first (hybrid and ANN), or what there is of them."""
    everything = variants(result)
    return tuple(variant for variant in everything if variant.key in {"hybrid", "ann"}) or everything[:1]


def chosen(result: Mapping[str, Any], key: str) -> Variant:
    """The variant of that name; ValueError naming those that exist."""
    for variant in variants(result):
        if variant.key == key:
            return variant
    raise ValueError(f"variant is {key!r}, must be one of {[variant.key for variant in variants(result)]}")


def ratio_sides(name: str) -> tuple[str, str]:
    """The two variants that a ratio such as `hybrid_over_ann` divides; an unknown form gives an empty divisor."""
    above, _, below = name.partition("_over_")
    return above, below


def lookup(result: Any, key: str) -> Any:
    """The value at a dotted path (`variants.hybrid.boundaries.0.events`), `None` where the path leads nowhere."""
    for part in key.split("."):
        if isinstance(result, Mapping):
            result = result.get(part)
        elif isinstance(result, (list, tuple)) and part.isdigit() and int(part) < len(result):
            result = result[int(part)]
        else:
            return None
    return result
