"""The comparison as rows and columns, formatted once for every view that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from axonal.views.cells import Cell, Number, derived, number
from axonal.views.numbers import BIT, NS, PER_S, PJ, QualityScale, Scale, Unit, exact, is_number, ratio, significant
from axonal.views.variants import SHORT_NAMES, Variant, lookup, ratio_sides, variants

__all__ = ["Comparison", "Row", "comparison"]

Better = Literal["low", "high"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measure of all variants, and its ratios."""

    title: str
    unit: str
    cells: tuple[Cell, ...]
    ratios: tuple[Cell, ...]
    part: bool = False


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The table: a column for each variant, then one for each ratio."""

    columns: tuple[Variant, ...]
    ratio_titles: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One field of a variant that becomes a row.

    Args:
        title: Name for people.
        path: Where it is in a variant.
        unit: How it is stored and shown; `None` for a pure number.
        note: What stands in the place of the unit of a pure number.
        ratio: Its name among the ratios of the result; empty when the ratio is derived.
        better: Which end is the better one; `None` where neither is.
        shares: Measures with an equal word here share a prefix.
    """

    title: str
    path: str
    unit: Unit | None = None
    note: str = ""
    ratio: str = ""
    better: Better | None = "low"
    shares: str = ""

    @property
    def part(self) -> bool:
        """Whether it is a component of the row above."""
        return self.shares == "energy" and not self.path.endswith("total")


MEASURES = (
    Measure(title="Activity", path="activity", note="spikes per element", better=None),
    Measure(title="Bits per boundary element", path="bits_per_boundary_element"),
    Measure(
        title="Die-to-die bits, packed", path="link_bits_packed", unit=BIT, ratio="link_bits_packed", shares="link bits"
    ),
    Measure(
        title="Die-to-die bits, packetised",
        path="link_bits_packetised",
        unit=BIT,
        ratio="link_bits_packetised",
        shares="link bits",
    ),
    Measure(title="Latency", path="latency_ns", unit=NS, ratio="latency"),
    Measure(title="Throughput", path="throughput_per_s", unit=PER_S, ratio="throughput", better="high"),
    Measure(title="Energy, total", path="energy_pj.total", unit=PJ, ratio="energy", shares="energy"),
    Measure(title="compute", path="energy_pj.compute", unit=PJ, shares="energy"),
    Measure(title="memory", path="energy_pj.memory", unit=PJ, shares="energy"),
    Measure(title="network on chip", path="energy_pj.noc", unit=PJ, shares="energy"),
    Measure(title="die-to-die", path="energy_pj.d2d", unit=PJ, shares="energy"),
    Measure(title="static", path="energy_pj.static", unit=PJ, shares="energy"),
)


def comparison(result: Mapping[str, Any]) -> Comparison:
    """The table of a result: quality first, then every measure of traffic, time and energy."""
    columns = variants(result)
    ratios = tuple(result.get("ratios") or {})
    rows = (_quality_row(result, columns, ratios), *(_row(result, measure, columns, ratios) for measure in MEASURES))
    return Comparison(columns=columns, ratio_titles=tuple(map(_ratio_title, ratios)), rows=rows)


def _ratio_title(name: str) -> str:
    above, below = ratio_sides(name)
    return f"{SHORT_NAMES.get(above, above)} / {SHORT_NAMES.get(below, below)}"


def _best(values: Sequence[Any], better: Better | None) -> Any:
    """The best value; none where neither end is better or all are the same."""
    numbers = [value for value in values if is_number(value)]
    if better is None or len(set(numbers)) < 2:
        return None
    return min(numbers) if better == "low" else max(numbers)


def _row(result: Mapping[str, Any], measure: Measure, columns: Sequence[Variant], ratios: Sequence[str]) -> Row:
    best = _best([lookup(column.data, measure.path) for column in columns], measure.better)
    scale = _shared_scale(measure, columns)
    words = scale.text if scale else significant
    title = measure.unit.exact if measure.unit else exact
    return Row(
        title=measure.title,
        unit=scale.unit if scale else measure.note,
        cells=tuple(
            Cell(
                main=number(result, f"variants.{column.key}.{measure.path}", words, title),
                best=best is not None and lookup(column.data, measure.path) == best,
            )
            for column in columns
        ),
        ratios=tuple(Cell(main=_ratio(result, measure, name)) for name in ratios),
        part=measure.part,
    )


def _shared_scale(measure: Measure, columns: Sequence[Variant]) -> Scale | None:
    if measure.unit is None:
        return None
    group = [other for other in MEASURES if other is measure or (measure.shares and other.shares == measure.shares)]
    return measure.unit.scale(lookup(column.data, other.path) for other in group for column in columns)


def _ratio(result: Mapping[str, Any], measure: Measure, name: str) -> Number | None:
    if measure.ratio:
        return number(result, f"ratios.{name}.{measure.ratio}", ratio)
    above, below = ratio_sides(name)
    return derived(result, (f"variants.{above}.{measure.path}", f"variants.{below}.{measure.path}"), "/", ratio)


def _quality_row(result: Mapping[str, Any], columns: Sequence[Variant], ratios: Sequence[str]) -> Row:
    first: Mapping[str, Any] = columns[0].data.get("quality") or {}
    scale = QualityScale.of(str(first.get("metric") or "quality"))
    better: Better = "high" if first.get("higher_is_better", True) else "low"
    best = _best([lookup(column.data, "quality.value") for column in columns], better)
    return Row(
        title=scale.title,
        unit=scale.unit,
        cells=tuple(
            Cell(
                main=number(result, f"variants.{column.key}.quality.value", scale.text),
                spread=number(result, f"variants.{column.key}.quality.spread", scale.text),
                best=best is not None and lookup(column.data, "quality.value") == best,
            )
            for column in columns
        ),
        ratios=tuple(Cell(main=_quality_delta(result, scale, name)) for name in ratios),
    )


def _quality_delta(result: Mapping[str, Any], scale: QualityScale, name: str) -> Number | None:
    above, below = ratio_sides(name)
    keys = (f"variants.{above}.quality.value", f"variants.{below}.quality.value")
    return derived(result, keys, "-", scale.delta_with_unit)
