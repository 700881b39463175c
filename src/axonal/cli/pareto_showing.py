"""The codes that `axonal pareto` knows, for people and as JSON."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from axonal.study.front import FAMILIES

__all__ = ["codes_json", "codes_view"]

SWEEPS = {
    "held": "the traffic objective meets targets: one run lowers its target step by step",
    "chosen": "the objective meets targets: one boundary offers all of them, to choose from at run time",
    "sized": "the size of the code meets targets: one run for each",
    "fixed": "targets are not heeded: one run",
}


def codes_json() -> list[dict[str, str | bool]]:
    """Key, label, whether it is a control, and how targets are met."""
    return [
        {"code": item.key, "label": item.label, "control": item.control, "targets": item.sweep}
        for item in FAMILIES.values()
    ]


def codes_view() -> Group:
    """The same as a table, spikes first."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("code", "what it is", "kind", "targets"):
        shown.add_column(title, no_wrap=title != "what it is")
    for item in FAMILIES.values():
        kind = "control" if item.control else "spikes"
        shown.add_row(Text(item.key), Text(item.label), Text(kind), Text(item.sweep))
    return Group(shown, *(Text(f"{sweep}: {words}", style="dim") for sweep, words in SWEEPS.items()))
