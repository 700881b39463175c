"""Energy at other constants, where published sources disagree: does the answer hang on whom one believes?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axonal.views.cells import Cell, Number, derived, number
from axonal.views.numbers import PJ, is_number, ratio
from axonal.views.svg import Svg, drawing, line, rectangle
from axonal.views.variants import Variant, lookup, variants

__all__ = ["Profile", "Profiles", "profiles"]

WIDTH, HEIGHT = 160.0, 14.0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One row: the total energy of each variant, and hybrid / ANN as a number and as a bar from 1."""

    name: str
    totals: tuple[Cell, ...]
    ratio: Number | None
    bar: Svg | None


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """The table of profiles.

    Args:
        columns: The variants.
        unit: What the energies are counted in.
        rows: The constants of the system itself are not among them: they are those of every other table.
        spread: Least and greatest hybrid / ANN in words; empty where there is no such ratio.
    """

    columns: tuple[Variant, ...]
    unit: str
    rows: tuple[Profile, ...]
    spread: str


def profiles(result: Mapping[str, Any]) -> Profiles | None:
    """Energy of every variant at each profile; `None` when no variant has any."""
    columns = tuple(variant for variant in variants(result) if variant.data.get("profiles"))
    if not columns:
        return None
    names = list(dict.fromkeys(str(item["name"]) for variant in columns for item in variant.data["profiles"]))
    keys = {name: {variant.key: _key(variant, name) for variant in columns} for name in names}
    scale = PJ.scale(lookup(result, key) for by_variant in keys.values() for key in by_variant.values() if key)
    quotients = {name: _quotient(result, keys[name]) for name in names}
    values = [value for value in quotients.values() if value is not None]
    reach = max((abs(math.log(value)) for value in values), default=0.0)
    return Profiles(
        columns=columns,
        unit=scale.unit,
        rows=tuple(
            Profile(
                name=name,
                totals=tuple(Cell(main=number(result, keys[name][v.key], scale.text, PJ.exact)) for v in columns),
                ratio=derived(result, (keys[name].get("hybrid", ""), keys[name].get("ann", "")), "/", ratio),
                bar=_bar(quotients[name], reach),
            )
            for name in names
        ),
        spread=_spread(values),
    )


def _key(variant: Variant, name: str) -> str:
    """Dotted path of the total energy of a variant at a profile; empty where it has no such profile."""
    found = [index for index, item in enumerate(variant.data["profiles"]) if str(item["name"]) == name]
    return f"variants.{variant.key}.profiles.{found[0]}.energy_pj.total" if found else ""


def _quotient(result: Mapping[str, Any], keys: Mapping[str, str]) -> float | None:
    hybrid, ann = (lookup(result, keys.get(variant, "")) for variant in ("hybrid", "ann"))
    return hybrid / ann if is_number(hybrid) and is_number(ann) and hybrid > 0 and ann > 0 else None


def _bar(value: float | None, reach: float) -> Svg | None:
    """From the middle, which is 1, logarithmically: to the left the hybrid needs less."""
    if value is None:
        return None
    middle = WIDTH / 2
    length = abs(math.log(value)) / (reach or 1.0) * (middle - 2)
    box = rectangle((middle - length if value < 1 else middle, 2), (length, HEIGHT - 4), _css(value))
    return drawing((WIDTH, HEIGHT), ratio(value), box, line((middle, 0), (middle, HEIGHT), "axis"), css="tiny")


def _css(value: float) -> str:
    """Towards the colour of whoever needs less."""
    return "bar-up" if value < 1 else "bar-down"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, high = ratio(min(values)), ratio(max(values))
    return f"{low} at every one of them" if low == high else f"between {low} and {high}"
