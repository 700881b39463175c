"""The front of boundary codes, put in order for every view: which codes stand out, and what it comes to in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from axonal.views.numbers import QualityScale, significant

__all__ = ["Front", "Series", "front_view"]

Row = Mapping[str, Any]

SLOTS = (0, 1, 2, 3, 4, 6, 7)
"""Colours of codes that stand out; the grey one is for all others."""

MARKERS = ("circle", "square", "diamond", "triangle")
"""Shapes of their points; the wedge says that a point lies below the picture."""

PACKED_BITS = 8.0
"""Bits of an element of the dense baseline, int8 values packed without gaps."""

LOWER_IS_BETTER = {"bits_per_byte"}

CONTENDERS = {
    "spikes": ("spikes need", "no spikes stay within it"),
    "controls": ("the best dense control", "no dense control stays within it"),
    "bottleneck": ("the entropy bottleneck", "the entropy bottleneck does not stay within it"),
}
"""Names in the summary: how a sentence calls them, and what it says where they lose too much."""

OTHERS = {
    "int8": "packed int8",
    "controls": "the best dense control",
    "bottleneck": "the entropy bottleneck",
}


@dataclass(frozen=True, kw_only=True)
class Series:
    """One code as it is drawn.

    Args:
        code: Its name, as `--codes` takes it.
        control: Whether it is one of the dense controls.
        rows: Its targets, cheapest first.
        slot: Number of its colour; `None` where it does not stand out.
    """

    code: str
    control: bool
    rows: tuple[Row, ...]
    slot: int | None

    @property
    def css(self) -> str:
        """Class that gives an element its colour."""
        return "v5" if self.slot is None else f"v{self.slot}"

    @property
    def marker(self) -> str:
        """Shape of its points."""
        return MARKERS[(self.slot or 0) % len(MARKERS)]

    @property
    def beaten(self) -> bool:
        """Whether another code is better at each of its targets."""
        return all(row["dominated"] for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Front:
    """The rows of a front with what is drawn beside them.

    Args:
        points: One for each code, target and seed.
        rows: One for each code and target, cheapest first.
        summary: The comparison at equal quality.
        series: One for each code; those that stand out first.
    """

    points: Sequence[Mapping[str, Any]]
    rows: Sequence[Row]
    summary: Mapping[str, Any]
    series: tuple[Series, ...]

    @property
    def scale(self) -> QualityScale:
        """How the quality is shown."""
        return QualityScale.of(str(self.points[0]["quality_metric"]))

    @property
    def dense(self) -> float:
        """Quality of the dense network; a mean where the boundaries were trained from several."""
        return fmean({float(point["dense_quality"]) for point in self.points})

    @property
    def tolerance(self) -> float:
        """Loss up to which a code counts as of equal quality."""
        return float(self.summary["loss"])

    @property
    def rising(self) -> bool:
        """Whether more of the quality is better."""
        return str(self.points[0]["quality_metric"]) not in LOWER_IS_BETTER

    def quality_at(self, loss: float) -> float:
        """Quality that is so much worse than that of the dense network."""
        return self.dense - loss if self.rising else self.dense + loss

    @property
    def allowed(self) -> str:
        """The tolerance in words."""
        # Points are always differences of percent: without a decimal, half a point would be rounded away.
        unit = self.scale.delta_unit or self.scale.title.lower()
        return f"{significant(self.tolerance * self.scale.factor, 2).rstrip('0').rstrip('.')} {unit}"

    def best(self, row: Row) -> bool:
        """Whether a row is the cheapest of equal quality of the best spikes, the best control or the bottleneck."""
        if row["code"] not in _leaders(self.summary):
            return False
        reached = [r for r in self.rows if r["code"] == row["code"] and r["loss"] <= self.tolerance]
        return bool(reached) and min(reached, key=lambda r: r["bits"]) is row

    def sentences(self) -> list[str]:
        """The comparison at equal quality, in words."""
        # What was never run is not said to have failed.
        run = {_contender(row) for row in self.rows}
        parts = [self._reached(name) for name in CONTENDERS if name in run]
        said = [f"At a loss of at most {self.allowed}: {', '.join(parts)}."]
        ratios = {name: self.summary.get(f"{name}_over_spikes") for name in OTHERS}
        against = [_against(ratio, OTHERS[name]) for name, ratio in ratios.items() if ratio]
        if against:
            said.append(f"Spikes take {', '.join(against)}.")
        return said

    def _reached(self, name: str) -> str:
        words, failed = CONTENDERS[name]
        found = self.summary.get(name)
        if not found:
            return failed
        unit = " bits an element" if name == "spikes" else ""
        measured = any(row["code"] == found["code"] and row["bits"] == found["bits"] for row in self.rows)
        remarks = [] if found["code"] == name else [str(found["code"])]
        remarks += [] if measured else ["between its targets"]
        remark = f" ({', '.join(remarks)})" if remarks else ""
        return f"{words} {significant(found['bits'])}{unit}{remark}"


def front_view(points: Sequence[Mapping[str, Any]], rows: Sequence[Row], summary: Mapping[str, Any]) -> Front:
    """Points, rows and summary of one dataset in the order in which they are shown.

    Args:
        points: Fields `code`, `label`, `control`, `target`, `seed`, `quality`, `quality_metric`, `dense_quality` and
            where each is from.
        rows: Means over seeds, cheapest first; a `target` of `None` is one that the code does not heed.
        summary: `loss`, `spikes`, `controls`, `bottleneck` and how many times more bits others need than spikes.

    Raises:
        ValueError: There is no point.
    """
    if not points or not rows:
        raise ValueError(f"the front has {len(points)} points, must be at least 1: run at least one code")
    by_code: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["bits"]):
        by_code[row["code"]].append(row)
    shown = _standing_out(by_code, summary)
    slots = dict(zip(shown, SLOTS, strict=False))
    series = [
        Series(code=code, control=bool(by_code[code][0]["control"]), rows=tuple(by_code[code]), slot=slots.get(code))
        for code in (*shown, *(code for code in by_code if code not in shown))
    ]
    return Front(points=points, rows=rows, summary=summary, series=tuple(series))


def _leaders(summary: Mapping[str, Any]) -> list[str]:
    return [str(found["code"]) for name in CONTENDERS if (found := summary.get(name))]


def _standing_out(by_code: Mapping[str, Sequence[Row]], summary: Mapping[str, Any]) -> list[str]:
    """Codes with a colour of their own: the best at equal quality, the front, then whoever there is room for.

    Beside many codes a beaten one gets none: a picture of many colours tells none of them apart.
    """
    leaders = _leaders(summary)
    allowed = summary["loss"]
    members = [code for code, rows in by_code.items() if not all(row["dominated"] for row in rows)]
    # Stable: those that reach the front within the tolerance first, the cheapest leading.
    members.sort(key=lambda code: not any(r["loss"] <= allowed and not r["dominated"] for r in by_code[code]))
    rest = list(by_code) if len(by_code) <= len(SLOTS) else []
    return list(dict.fromkeys(code for code in (*leaders, *members, *rest) if code in by_code))[: len(SLOTS)]


def _contender(row: Row) -> str:
    if not row["control"]:
        return "spikes"
    return "bottleneck" if str(row["code"]).startswith("bottleneck") else "controls"


def _against(ratio: float, other: str) -> str:
    more, times = ("fewer", ratio) if ratio >= 1 else ("more", 1 / ratio)
    return f"{significant(times)} times {more} bits than {other}"
