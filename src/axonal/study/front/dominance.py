"""What a set of points says: means over seeds, which are dominated, and bits at equal quality."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

__all__ = ["PACKED_INT8_BITS", "TOLERANCES", "bits_at", "front", "higher_is_better", "summary"]

Point = Mapping[str, Any]

PACKED_INT8_BITS = 8.0
"""Bits of an element of the strong dense baseline."""

BOTTLENECK = "bottleneck"
"""How the names of the entropy bottlenecks begin: a control of its own kind."""

TOLERANCES = {"accuracy": 0.005, "bits_per_byte": 0.02}
"""Loss against the dense network up to which a code counts as of equal quality."""


def higher_is_better(metric: str) -> bool:
    """Whether more of the figure is better."""
    return metric == "accuracy"


def front(points: Iterable[Point]) -> list[dict[str, Any]]:
    """Mean and spread over seeds of each code and target, and whether another one is better in both respects.

    Losses, and their spread, are against the dense network that each boundary was trained from.

    Returns:
        One entry for each code and target, cheapest first: `code`, `label`, `control`, `target`, `seeds`, `quality`,
        `quality_spread`, `loss` (against the dense network, positive is worse), `bits` (entropy-coded),
        `bits_spread`, `packets` (bits in the cheapest packet format), `way` (`coded` or `packets`, whichever takes
        less energy on the link), `energy_pj` and `latency_ns` of that way, `estimate_error`, `dominated`.
    """
    groups: dict[tuple[str, float], list[Point]] = defaultdict(list)
    for point in points:
        groups[point["code"], point["target"]].append(point)
    rows = [_row(group) for group in groups.values()]
    for row in rows:
        row["dominated"] = any(_beats(other, row) for other in rows)
    return sorted(rows, key=lambda row: row["bits"])


def _row(group: Sequence[Point]) -> dict[str, Any]:
    first = group[0]
    sign = 1 if higher_is_better(first["quality_metric"]) else -1
    losses = [sign * (p["dense_quality"] - p["quality"]) for p in group]
    bits = [p["bits_per_element"] for p in group]
    return {
        "code": first["code"],
        "label": first.get("label", first["code"]),
        "control": first["control"],
        "target": first["target"],
        "seeds": len(group),
        "quality": fmean(p["quality"] for p in group),
        "quality_spread": pstdev(losses),
        "loss": fmean(losses),
        "bits": fmean(bits),
        "bits_spread": pstdev(bits),
        "packets": fmean(p.get("bits_per_element_packets", math.nan) for p in group),
        **_charges(group),
        "estimate_error": max(abs(p["bits_per_element"] / p["estimated_bits_per_element"] - 1) for p in group),
    }


def _charges(group: Sequence[Point]) -> dict[str, Any]:
    """Energy and latency on the link of the way, entropy-coded or as packets, that takes less energy."""
    energy, way = min((fmean(p.get(f"energy_pj_{way}", math.inf) for p in group), way) for way in ("coded", "packets"))
    return {
        "way": way,
        "energy_pj": energy,
        "latency_ns": fmean(p.get(f"latency_ns_{way}", math.inf) for p in group),
    }


def _beats(other: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    no_worse = other["bits"] <= row["bits"] and other["loss"] <= row["loss"]
    return bool(no_worse and (other["bits"] < row["bits"] or other["loss"] < row["loss"]))


def bits_at(rows: Sequence[Mapping[str, Any]], loss: float, cost: str = "bits") -> float | None:
    """Fewest bits of an element at which one code loses no more than `loss`; `None` when it always loses more.

    Between two targets of the code the loss is taken to be linear in the logarithm of the bits; beyond its cheapest
    point nothing is assumed.

    Args:
        rows: Entries of `front` of one code.
        loss: Loss of quality against the dense network.
        cost: `bits`, or `packets`.
    """
    ordered = sorted(rows, key=lambda row: row[cost])
    for below, row in zip([None, *ordered], ordered, strict=False):
        if row["loss"] > loss:
            continue
        if below is None or below["loss"] <= row["loss"]:
            return float(row[cost])
        share = (loss - row["loss"]) / (below["loss"] - row["loss"])
        return float(math.exp((1 - share) * math.log(row[cost]) + share * math.log(below[cost])))
    return None


def summary(points: Sequence[Point], loss: float | None = None) -> dict[str, Any]:
    """The comparison at equal quality: fewest bits of spikes, of controls, of the entropy bottleneck.

    Args:
        points: Points of one dataset.
        loss: Loss that is allowed; that of `TOLERANCES` when `None`.

    Raises:
        ValueError: There are no points.

    Returns:
        `loss`, `spikes`, `controls`, `bottleneck` (each `{"code", "bits"}` or `None`) and the ratios
        `int8_over_spikes`, `controls_over_spikes`, `bottleneck_over_spikes`, `None` where there is none.
    """
    if not points:
        raise ValueError("there are no points to compare: run some codes")
    allowed = TOLERANCES[points[0]["quality_metric"]] if loss is None else loss
    by_code: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in front(points):
        by_code[row["code"]].append(row)
    found = {code: bits_at(rows, allowed) for code, rows in by_code.items()}
    control = {code: rows[0]["control"] for code, rows in by_code.items()}

    def best(codes: Iterable[str]) -> dict[str, Any] | None:
        reached = [(bits, code) for code in codes if (bits := found[code]) is not None]
        return {"code": min(reached)[1], "bits": min(reached)[0]} if reached else None

    spikes = best(code for code in found if not control[code])
    others = {
        "controls": best(code for code in found if control[code] and not code.startswith(BOTTLENECK)),
        "bottleneck": best(code for code in found if code.startswith(BOTTLENECK)),
    }
    ratios = {
        f"{name}_over_spikes": item["bits"] / spikes["bits"] if item and spikes else None
        for name, item in others.items()
    }
    int8 = PACKED_INT8_BITS / spikes["bits"] if spikes else None
    return {"loss": allowed, "spikes": spikes, **others, "int8_over_spikes": int8, **ratios, "by_code": found}
