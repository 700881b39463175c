"""The page of a front of boundary codes: charts, every code at every target, and how it came about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axonal.views.cells import Cell, Number, number
from axonal.views.front import Front, Row, front_view
from axonal.views.front_chart import BITS, COSTS, front_figure, front_svg
from axonal.views.numbers import NS, PJ, QualityScale, exact, significant
from axonal.views.rendering import rendered

__all__ = ["front_files"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A code at a target, as a row of the table."""

    code: str
    label: str
    kind: str
    marks: tuple[tuple[str, str], ...]
    dominated: bool
    leads: bool
    cells: tuple[Cell, ...]


def front_files(
    points: Sequence[Mapping[str, Any]], rows: Sequence[Row], summary: Mapping[str, Any], name: str
) -> dict[str, str]:
    """Picture and page, by the names of their files; each needs nothing else.

    Raises:
        ValueError: There is no point.
    """
    front = front_view(points, rows, summary)
    return {f"{name}.svg": front_svg(front), f"{name}.html": _page(front)}


def _page(front: Front) -> str:
    scale = front.scale
    return rendered(
        "front.html.j2",
        title=" ".join(dict.fromkeys(str(front.points[0][n]) for n in ("data", "network") if front.points[0].get(n))),
        sentences=front.sentences(),
        bits=front_figure(front, [BITS]),
        costs=front_figure(front, COSTS),
        grey=any(item.slot is None for item in front.series),
        columns=_columns(scale),
        lines=[_line(front, index) for index in range(len(front.rows))],
        provenance=_provenance(front.points),
        warnings=_warnings(front.points),
    )


def _columns(scale: QualityScale) -> list[tuple[str, str]]:
    return [
        ("target", "bits"),
        ("seeds", ""),
        ("quality", scale.unit),
        ("loss", scale.delta_unit),
        ("bits/element", ""),
        ("packets", "bits/element"),
        ("energy", ""),
        ("latency", ""),
    ]


def _line(front: Front, index: int) -> Line:
    row, scale = front.rows[index], front.scale
    document = {"rows": front.rows}
    at = f"rows.{index}"
    many = row["seeds"] > 1

    def cell(main: Number | None, spread: Number | None = None) -> Cell:
        return Cell(main=main, spread=spread if many else None)

    best = front.best(row)
    marks = [] if row["dominated"] else [("●", "no other code is better in bits and in quality")]
    marks += [("★", "the cheapest of equal quality")] if best else []
    return Line(
        code=str(row["code"]),
        label=str(row["label"]),
        kind="control" if row["control"] else "spikes",
        marks=tuple(marks),
        dominated=bool(row["dominated"]),
        leads=best,
        cells=(
            cell(number(document, f"{at}.target", lambda value: f"{value:g}")),
            cell(number(document, f"{at}.seeds", str)),
            cell(number(document, f"{at}.quality", scale.text), number(document, f"{at}.quality_spread", scale.text)),
            cell(number(document, f"{at}.loss", scale.delta)),
            cell(
                number(document, f"{at}.bits"),
                number(document, f"{at}.bits_spread", lambda value: significant(value, 2)),
            ),
            cell(number(document, f"{at}.packets")),
            cell(number(document, f"{at}.energy_pj", PJ.text, PJ.exact)),
            cell(number(document, f"{at}.latency_ns", NS.text, NS.exact)),
        ),
    )


def _provenance(points: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """How the points came about, as far as they say so."""
    rows = [
        ("Data", _listed(points, "data")),
        ("Network", _listed(points, "network")),
        ("System", _listed(points, "system")),
        ("Seeds", _listed(points, "seed")),
        ("Inferences a frame", _listed(points, "frame_inferences")),
        ("Points", f"{len(points)} of {len({point['code'] for point in points})} codes"),
        ("Dense network", ", ".join(sorted({exact(point["dense_quality"]) for point in points}))),
        ("Commits", _listed(points, "commit")),
    ]
    return [(title, text) for title, text in rows if text]


def _listed(points: Iterable[Mapping[str, Any]], field: str) -> str:
    found = {point[field] for point in points if point.get(field) is not None}
    return ", ".join(map(str, sorted(found)))


def _warnings(points: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What training had to say, each once, and where."""
    places: dict[str, list[str]] = {}
    for point in points:
        for text in point.get("warnings") or ():
            places.setdefault(str(text), []).append(f"{point['code']} {point['target']:g}, seed {point['seed']}")
    return [("; ".join(where), text) for text, where in places.items()]
