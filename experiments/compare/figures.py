"""Figures of the committed results, as text: the only way in which measured numbers get into the documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["ABSENT", "RUNS", "Result", "Results", "between_markers", "details", "load_results", "quality", "summary"]

Result = Mapping[str, Any]
"""The content of a `result.json`, schema 1, without pictures."""

Results = Mapping[str, Result]
"""By the name of the run; runs that were not made are missing."""

RUNS = ("digits", "pydocs", "digits_serdes", "pydocs_serdes")
"""The full runs of `make compare`, in the order of the tables."""

ABSENT = "not measured yet"

BEGIN, END = "<!-- begin figures -->", "<!-- end figures -->"


def load_results(folder: Path) -> dict[str, Result]:
    """The committed results that are there, in the order of `RUNS`."""
    paths = {name: folder / f"{name}.json" for name in RUNS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.is_file()}


def between_markers(page: str, block: str) -> str:
    """The page with another block between its markers.

    Raises:
        ValueError: The page does not have each marker once, in order.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in head or END in tail:
        raise ValueError(f"the page must have {BEGIN} and, after it, {END}, each once")
    return f"{head}{BEGIN}\n{block.strip()}\n{END}{tail}"


def summary(results: Results) -> str:
    """One row for each run, the verdicts, and where they are from."""
    if not results:
        return f"_{ABSENT.capitalize()}: `make compare` measures, and writes this block._"
    head = (
        "data, network",
        "system",
        "quality ANN",
        "quality hybrid",
        "bits/element",
        "link bits",
        "energy",
        "latency",
        "pays",
    )
    lines = [*_table(head, (_summary_row(result) for result in results.values())), ""]
    lines += ["Link bits, energy and latency are hybrid / ANN (packed 8-bit boundary): below 1 is better.", ""]
    lines += [f"- {result['verdict']['sentence']}" for result in results.values()]
    return "\n".join([*lines, "", provenance(results)])


def _summary_row(result: Result) -> tuple[str, ...]:
    variants, ratios = result["variants"], result["ratios"]["hybrid_over_ann"]
    return (
        f"{result['workload']['data']}, {result['workload']['network']}",
        f"{result['system']['name']}",
        quality(variants["ann"]),
        quality(variants["hybrid"]),
        f"{variants['hybrid']['bits_per_boundary_element']:.2f}",
        *(f"{ratios[name]:.3g}" for name in ("link_bits_packed", "energy", "latency")),
        "yes" if result["verdict"]["pays"] else "no",
    )


def details(results: Results) -> str:
    """All variants of all runs."""
    if not results:
        return summary(results)
    head = (
        "variant",
        "quality",
        "activity",
        "bits/element",
        "packed kbit",
        "packetised kbit",
        "latency, µs",
        "throughput, 1/s",
        "energy, nJ",
        "of it D2D",
    )
    parts = [summary(results)]
    for result in results.values():
        parts += ["", f"### {result['workload']['data']} on {result['system']['name']}", ""]
        parts += _table(head, (_variant_row(variant) for variant in result["variants"].values()))
    return "\n".join(parts)


def _variant_row(variant: Mapping[str, Any]) -> tuple[str, ...]:
    energy = variant["energy_pj"]
    return (
        variant["label"],
        quality(variant),
        f"{variant['activity']:.3f}",
        f"{variant['bits_per_boundary_element']:.2f}",
        f"{variant['link_bits_packed'] / 1e3:.3g}",
        f"{variant['link_bits_packetised'] / 1e3:.3g}",
        f"{variant['latency_ns'] / 1e3:.3g}",
        f"{variant['throughput_per_s']:,.0f}",
        f"{energy['total'] / 1e3:.3g}",
        f"{100 * energy['d2d'] / energy['total']:.2g} %",
    )


def provenance(results: Results) -> str:
    """Which commands, on which code and machine, made the results."""
    commands = "; ".join(f"`{result['command']}`" for result in results.values())
    made = _distinct(results, lambda r: f"commit {r['commit']}")
    with_ = _distinct(results, lambda r: f"torch {r['versions']['torch']}, Python {r['versions']['python']}")
    machine = _distinct(results, lambda r: str(r["machine"]))
    minutes = sum(float(result["elapsed_s"]) for result in results.values()) / 60
    took = f"in {minutes:.0f} min, where weights that had been trained before came from the cache"
    return f"Made by {commands} from {made} with {with_} on {machine}, {took}."


def _distinct(results: Results, text: Callable[[Result], str]) -> str:
    return " and ".join(dict.fromkeys(text(result) for result in results.values()))


def quality(variant: Mapping[str, Any]) -> str:
    """Mean and spread over seeds, in the unit of its figure."""
    figure = variant["quality"]
    value, spread = figure["value"], figure["spread"]
    if figure["metric"] == "accuracy":
        return f"{100 * value:.1f} ± {100 * spread:.1f} %"
    return f"{value:.3f} ± {spread:.3f} bits/byte"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = tuple(head)
    return [_row(head), _row("---" for _ in head), *(_row(row) for row in rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
