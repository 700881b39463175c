"""The front of boundary codes as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from axonal.views.front import Front, Row, front_view
from axonal.views.numbers import DASH, NS, PJ, Scale, is_number, significant

__all__ = ["print_front"]

FIGURES = ("target", "n", "quality", "loss", "bits an", "plain", "energy", "latency")

LEGEND = (
    "● no code is better in bits and quality, ★ cheapest of equal quality, c control",
    "n seeds; bits: frames that were really packed; plain bits: packets of the best format without entropy coder; "
    "energy and latency are those of the link, of the cheaper of the two",
)


def print_front(
    points: Sequence[Mapping[str, Any]], rows: Sequence[Row], summary: Mapping[str, Any], console: Console
) -> None:
    """Print what each code costs, cheapest first, and the comparison at equal quality.

    Args:
        points: As `front_view` takes them, like rows and summary.
        rows: Means over seeds.
        summary: The comparison at equal quality.
        console: Where to.

    Raises:
        ValueError: There is no point.
    """
    front = front_view(points, rows, summary)
    first = points[0]
    where = " ".join(str(first[name]) for name in ("data", "network") if first.get(name))
    console.print(Text(f"{where} on {first.get('system', '')}".strip(), style="bold"))
    console.print(Text(f"{front.scale.title} of the dense network: {front.scale.with_unit(front.dense)}"))
    console.print()
    console.print(_table(front))
    for text in LEGEND:
        console.print(Text(text, style="dim"))
    console.print()
    for sentence in front.sentences():
        console.print(Text(sentence))


def _table(front: Front) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    shown.add_column("")
    shown.add_column("code", overflow="fold", min_width=11)
    energy, latency = (
        unit.scale([row[field] for row in front.rows if is_number(row[field])])
        for unit, field in ((PJ, "energy_pj"), (NS, "latency_ns"))
    )
    scale = front.scale
    units = ("bits", "", scale.unit, scale.delta_unit, "element", "bits", energy.unit, latency.unit)
    for title, unit in zip(FIGURES, units, strict=True):
        shown.add_column(Text(f"{title}\n{unit}"), justify="right", no_wrap=True)
    for row in front.rows:
        style = "dim" if row["dominated"] else "bold" if front.best(row) else ""
        mark = (" " if row["dominated"] else "●") + ("★" if front.best(row) else " ") + ("c" if row["control"] else "")
        costs = (_quantity(row["energy_pj"], energy), _quantity(row["latency_ns"], latency))
        cells = (str(row["code"]), *_figures(front, row), *costs)
        shown.add_row(mark, *map(Text, cells), style=style)
    return shown


def _figures(front: Front, row: Row) -> tuple[str, ...]:
    scale = front.scale
    many = row["seeds"] > 1
    return (
        DASH if row["target"] is None else f"{row['target']:g}",
        str(row["seeds"]),
        scale.text(row["quality"]) + (f" ±{scale.text(row['quality_spread'])}" if many else ""),
        scale.delta(row["loss"]),
        significant(row["bits"]) + (f" ±{significant(row['bits_spread'], 1)}" if many else ""),
        significant(row["packets"]) if is_number(row["packets"]) else DASH,
    )


def _quantity(value: float, scale: Scale) -> str:
    return scale.text(value) if is_number(value) else DASH
