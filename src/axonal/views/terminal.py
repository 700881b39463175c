"""The comparison for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from axonal.views.cells import Cell
from axonal.views.comparison import Row, comparison
from axonal.views.elasticity import FIELDS, elasticities
from axonal.views.numbers import DASH, TIMES
from axonal.views.prediction import MEASURES, predictions
from axonal.views.variants import lookup

__all__ = ["print_result", "table"]

SHORTER = {
    "Bits per boundary element": "Bits/element",
    "Die-to-die bits, packed": "D2D packed",
    "Die-to-die bits, packetised": "  packetised",
    "Energy, total": "Energy",
    "network on chip": "NoC",
    "die-to-die": "D2D",
}
UNIT_ROOM = 6
"""Longer units would cost a column of numbers on a terminal of 80 characters."""


def table(result: Mapping[str, Any]) -> Table:
    """Measures as rows, variants and ratios as columns; the best of a row is bold."""
    compared = comparison(result)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    shown.add_column("")
    for column in compared.columns:
        shown.add_column(Text(column.name), justify="right", style="cyan" if column.key == "hybrid" else "")
    for title in compared.ratio_titles:
        shown.add_column(Text(title.replace(" / ", "\n/ ")), justify="right", style="dim")
    for row in compared.rows:
        shown.add_row(_head(row), *map(_cell, row.cells), *map(_ratio, row.ratios))
        spreads = [cell.spread.text if cell.spread else "" for cell in row.cells]
        if any(spreads):
            shown.add_row(Text("  ± over seeds"), *map(Text, spreads))
    return shown


def _head(row: Row) -> Text:
    title = SHORTER.get(row.title, row.title)
    head = Text(f"  {title}" if row.part else title)
    return head.append(f" {row.unit}", style="dim") if 0 < len(row.unit) < UNIT_ROOM and not row.part else head


def _ratio(cell: Cell) -> Text:
    return Text(cell.text.removesuffix(TIMES).partition(" ")[0])


def _cell(cell: Cell) -> Text:
    return Text(cell.text, style="bold" if cell.best else "")


def print_result(result: Mapping[str, Any], console: Console) -> None:
    """Print verdict, comparison, dominating constants and notes."""
    workload, system = (result.get(part) or {} for part in ("workload", "system"))
    network = " ".join(str(workload[name]) for name in ("data", "network") if name in workload)
    console.print(Text(f"{network} on {system.get('name', '')}", style="bold"))
    console.print(_verdict(result))
    console.print()
    console.print(table(result))
    console.print()
    predicted = _predicted(result)
    if predicted.row_count:
        console.print(Text("Analytical prediction", style="bold"), Text("(predicted / simulated)", style="dim"))
        console.print(predicted)
        console.print()
    dominating = _dominating(result)
    if dominating.row_count:
        console.print(Text("Dominating constants", style="bold"), Text("(percent for one percent)", style="dim"))
        console.print(dominating)
        console.print()
    for note in result.get("notes") or ():
        console.print(Text(f"- {note}", style="dim"))


def _verdict(result: Mapping[str, Any]) -> Text:
    pays = lookup(result, "verdict.pays")
    mark = {True: ("PAYS", "bold green"), False: ("DOES NOT PAY", "bold red")}.get(pays, ("NO VERDICT", "bold"))
    return Text.assemble(mark, " ", str(lookup(result, "verdict.sentence") or ""))


def _predicted(result: Mapping[str, Any]) -> Table:
    """What the analytical engine predicts, relative to the figures above, and where it says that it cannot."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown.add_column("")
    for measure in MEASURES:
        shown.add_column(Text(measure), justify="right")
    shown.add_column("", overflow="fold", style="dim")
    for row in predictions(result):
        ratios = (side.ratio.text if side.ratio else DASH for side in row.sides)
        outside = f"outside its range: {row.reason}" if row.reason else ""
        shown.add_row(Text(row.variant.name), *map(Text, ratios), Text(outside))
    return shown


def _dominating(result: Mapping[str, Any]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown.add_column("Constant", overflow="fold")
    shown.add_column("Value")
    for title in FIELDS.values():
        shown.add_column(Text(title.replace("Ratio ", "Ratio\n")), justify="right")
    for constant in elasticities(result):
        numbers = (bar[0].text if bar else DASH for bar in constant.bars)
        shown.add_row(Text(constant.key), Text(constant.text), *map(Text, numbers))
    return shown
