"""The code that the study recommends for links inside a package, where packets carry the spikes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from statistics import geometric_mean
from typing import Any

from axonal.data.dataset import Task
from axonal.spiking import Code
from axonal.study.front.dominance import TOLERANCES, bits_at, front
from axonal.study.front.families import FAMILIES

__all__ = ["Best", "best_code", "chosen"]

FILE = "best.json"

WIDER = (1, 2, 4, 8, 16)
"""The tolerance is widened by the first of these at which all codes stay within it."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """A recommendation and its reason.

    Args:
        key: Name of the family.
        reason: Why, for people.
    """

    key: str
    reason: str

    @property
    def code(self) -> Code:
        """What crosses."""
        return FAMILIES[self.key].code

    @property
    def neurons(self) -> float:
        """Neurons for each channel."""
        return FAMILIES[self.key].neurons or 0.0

    @property
    def label(self) -> str:
        """What the family is, for people."""
        return FAMILIES[self.key].label


def best_code(task: Task) -> Best:
    """The recommendation for a task, from the committed results of `experiments/pareto`."""
    found = json.loads((files("axonal.study.front") / FILE).read_text(encoding="utf-8"))
    return Best(**found[task])


def chosen(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    """Which code to recommend, from points of the datasets of one task.

    Codes that were trained for packets compete: the one with the fewest packet bits at equal quality, in the geometric
    mean over the datasets on which all of them were run.

    Args:
        results: Points of each dataset.

    Returns:
        The fields of `Best`.

    Raises:
        ValueError: No code was run on any dataset.
    """
    bits: dict[str, dict[str, float]] = defaultdict(dict)
    losses: dict[str, float] = {}
    for name, points in results.items():
        rows = front(points)
        own = {code: [r for r in rows if r["code"] == code] for code in {r["code"] for r in rows if _fits(r)}}
        for factor in WIDER:
            loss = factor * TOLERANCES[points[0]["quality_metric"]]
            reached = {code: found for code, some in own.items() if (found := bits_at(some, loss, "packets"))}
            if len(reached) == len(own) or (reached and factor == WIDER[-1]):
                losses[name] = loss
                for code, found in reached.items():
                    bits[code][name] = found
                break
    if not bits:
        raise ValueError(f"no code that packets carry was run on {', '.join(results)}: run packets_graded3")
    most = max(len(found) for found in bits.values())
    able = {code: found for code, found in bits.items() if len(found) == most}
    best = min(able, key=lambda code: geometric_mean(able[code].values()))
    figures = ", ".join(
        f"{value:.2f} on {name} at a loss of {losses[name]:g}" for name, value in sorted(able[best].items())
    )
    run = {point["code"] for points in results.values() for point in points if _fits(point)}
    reason = (
        f"of {len(run)} codes that were trained for packets it takes the fewest bits an element at equal quality "
        f"in experiments/pareto ({figures}); an entropy coder would take far fewer, but at a symbol a cycle it is "
        "slower than a link inside a package"
    )
    return {"key": best, "reason": reason}


def _fits(row: Mapping[str, Any]) -> bool:
    item = FAMILIES.get(row["code"])
    return item is not None and item.prior == "packets"
