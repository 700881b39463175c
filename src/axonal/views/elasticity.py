"""Which constants decide: how much a result moves, in percent, when one constant moves by one percent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axonal.views.cells import Number, number
from axonal.views.numbers import MINUS, is_number
from axonal.views.svg import Svg, drawing, line, rectangle

__all__ = ["FIELDS", "Elasticity", "elasticities"]

FIELDS = {
    "energy_elasticity": "Energy",
    "latency_elasticity": "Latency",
    "ratio_elasticity": "Ratio hybrid / ANN",
}
WIDTH = 96.0
HEIGHT = 14.0


@dataclass(frozen=True, kw_only=True)
class Elasticity:
    """One constant with a bar for each result it moves.

    Args:
        key: Where the constant stands in the system file.
        text: Its value.
        bars: Number and drawing for each field; `None` where it was not computed.
    """

    key: str
    text: str
    bars: tuple[tuple[Number, Svg] | None, ...]


def elasticities(result: Mapping[str, Any]) -> tuple[Elasticity, ...]:
    """The dominating constants in the order of the result, all bars on one axis."""
    constants = list(result.get("dominant_constants") or ())
    values = [constant.get(field) for constant in constants for field in FIELDS]
    reach = max((abs(value) for value in values if is_number(value)), default=0.0) or 1.0
    return tuple(
        Elasticity(
            key=str(constant.get("key", "")),
            text=str(constant.get("text", "")),
            bars=tuple(_bar(result, f"dominant_constants.{index}.{field}", reach) for field in FIELDS),
        )
        for index, constant in enumerate(constants)
    )


def _bar(result: Mapping[str, Any], key: str, reach: float) -> tuple[Number, Svg] | None:
    shown = number(result, key, _signed)
    if shown is None:
        return None
    value = float(shown.value)
    middle = WIDTH / 2
    length = abs(value) / reach * (middle - 2)
    css = "bar-up" if value > 0 else "bar-down"
    box = rectangle((middle if value > 0 else middle - length, 2), (length, HEIGHT - 4), css)
    axis = line((middle, 0), (middle, HEIGHT), "axis")
    return shown, drawing((WIDTH, HEIGHT), shown.text, box, axis, css="tiny")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", MINUS) if round(value, 2) else "0.00"
