"""What the cycle-level engine counted beside what the analytical one predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axonal.views.cells import Number, derived, number
from axonal.views.numbers import NS, PER_S, PJ, Unit, ratio
from axonal.views.variants import Variant, variants

__all__ = ["MEASURES", "Prediction", "Sides", "engine", "predictions"]

MEASURES: dict[str, tuple[str, Unit]] = {
    "Latency": ("latency_ns", NS),
    "Throughput": ("throughput_per_s", PER_S),
    "Energy": ("energy_pj.total", PJ),
}


@dataclass(frozen=True, kw_only=True)
class Sides:
    """One measure: simulated, predicted, and predicted / simulated; `None` where a side has no figure."""

    simulated: Number | None
    predicted: Number | None
    ratio: Number | None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One variant, each of `MEASURES` from both engines.

    Args:
        variant: Whose figures they are.
        sides: The measures in their order.
        reason: Why the analytical engine says that it left its range; empty where it did not.
    """

    variant: Variant
    sides: tuple[Sides, ...]
    reason: str


def predictions(result: Mapping[str, Any]) -> tuple[Prediction, ...]:
    """A row for each variant that has an analytical prediction beside its figures."""
    return tuple(
        Prediction(
            variant=variant,
            sides=tuple(_sides(result, f"variants.{variant.key}", path, unit) for path, unit in MEASURES.values()),
            reason=_reason(variant.data["analytical"]),
        )
        for variant in variants(result)
        if isinstance(variant.data.get("analytical"), Mapping)
    )


def engine(result: Mapping[str, Any]) -> str:
    """The engine that all variants agree on; empty where there is none or they differ."""
    names = {str(variant.data.get("engine") or "") for variant in variants(result)}
    return names.pop() if len(names) == 1 else ""


def _sides(result: Mapping[str, Any], key: str, path: str, unit: Unit) -> Sides:
    simulated, predicted = f"{key}.{path}", f"{key}.analytical.{path}"
    return Sides(
        simulated=number(result, simulated, unit.text, unit.exact),
        predicted=number(result, predicted, unit.text, unit.exact),
        ratio=derived(result, (predicted, simulated), "/", ratio),
    )


def _reason(prediction: Mapping[str, Any]) -> str:
    if prediction.get("valid") is not False:
        return ""
    return str(prediction.get("reason") or "no reason is given").replace("->", "→")
