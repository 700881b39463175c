"""What a report states in words and tables: headline, facts, boundaries, constants, provenance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axonal.views.cells import Number, derived, number
from axonal.views.numbers import (
    BIT,
    BYTE,
    NARROW_SPACE,
    NS,
    PER_S,
    PJ,
    TIMES,
    QualityScale,
    Unit,
    compact,
    is_number,
    ratio,
)
from axonal.views.variants import Variant, lookup

__all__ = [
    "Boundary",
    "Headline",
    "Piece",
    "boundaries",
    "constants",
    "facts",
    "headlines",
    "link_kinds",
    "provenance",
    "report_title",
    "with_links",
]

ADDRESS = re.compile(r"https?://[^\s<>\"'`{}|\\^]+")
COUNT = Unit(symbol="")


@dataclass(frozen=True, kw_only=True)
class Headline:
    """One of the facts a reader should keep: how the hybrid relates to the ANN.

    Args:
        title: What is compared.
        number: The ratio or difference.
        hybrid: Value of the hybrid with its unit.
        ann: Value of the ANN with its unit.
        unit: Unit of a difference.
    """

    title: str
    number: Number
    hybrid: str
    ann: str
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """One row of the table of boundaries."""

    layers: tuple[str, str]
    dies: tuple[str, str]
    format: str
    numbers: tuple[Number | None, ...]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of text; with an address it becomes a link."""

    text: str
    address: str = ""


def report_title(result: Mapping[str, Any]) -> str:
    """What was compared on what."""
    names = (lookup(result, f"workload.{name}") for name in ("data", "network"))
    workload = [str(name) for name in names if name]
    system = lookup(result, "system.name")
    return " ".join(workload or ["Comparison"]) + (f" on {system}" if system else "")


def headlines(result: Mapping[str, Any]) -> list[Headline]:
    """Ratios of hybrid and ANN with the two values they divide; nothing where one of the two is missing."""
    found = []
    for title, name, path, unit in (
        ("latency", "latency", "latency_ns", NS),
        ("energy", "energy", "energy_pj.total", PJ),
        ("die-to-die bits", "link_bits_packed", "link_bits_packed", BIT),
        ("throughput", "throughput", "throughput_per_s", PER_S),
    ):
        shown = number(result, f"ratios.hybrid_over_ann.{name}", ratio)
        hybrid, ann = (lookup(result, f"variants.{variant}.{path}") for variant in ("hybrid", "ann"))
        if shown and is_number(hybrid) and is_number(ann):
            found.append(Headline(title=title, number=shown, hybrid=unit.text(hybrid), ann=unit.text(ann)))
    return found + _quality_headline(result)


def _quality_headline(result: Mapping[str, Any]) -> list[Headline]:
    keys = ("variants.hybrid.quality.value", "variants.ann.quality.value")
    scale = QualityScale.of(str(lookup(result, "variants.hybrid.quality.metric")))
    shown = derived(result, keys, "-", scale.delta)
    if shown is None:
        return []
    hybrid, ann = (scale.with_unit(lookup(result, key)) for key in keys)
    return [Headline(title=scale.title.lower(), number=shown, hybrid=hybrid, ann=ann, unit=scale.delta_unit)]


def facts(result: Mapping[str, Any]) -> list[tuple[str, Number | str]]:
    """What the reader must know about workload and system, without what is missing."""
    chips = list(lookup(result, "system.chips") or ())
    cores = sum(int(chip["mesh_columns"]) * int(chip["mesh_rows"]) for chip in chips)
    counts: list[tuple[str, Number | str | None]] = [
        ("inference", str(lookup(result, "workload.inference") or "")),
        ("parameters", number(result, "workload.parameters", _whole)),
        ("layers", number(result, "workload.layers", _whole)),
        ("dense multiply-accumulates", number(result, "workload.dense_macs", COUNT.text)),
        ("boundary elements", number(result, "workload.boundary_elements", _whole)),
        ("package", f"{len(chips)} dies, {cores} cores" if chips else ""),
        ("seeds", ", ".join(str(seed) for seed in result.get("seeds") or ())),
    ]
    return [(title, value) for title, value in counts if value]


def _whole(value: float) -> str:
    """A count to its last digit; a mean count with one digit after the point."""
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return text.replace(",", NARROW_SPACE)


def link_kinds(result: Mapping[str, Any]) -> list[str]:
    """One sentence for each kind of link, however many there are of it."""
    count: dict[str, int] = {}
    for link in lookup(result, "system.links") or ():
        speed = f"{compact(link['bits_per_ns'])} Gb/s in each direction, {compact(link['latency_ns'])} ns"
        energy_text = f"{compact(link['energy_pj_per_bit'])} pJ/bit, {compact(link['idle_mw'])} mW idle"
        text = f"{link.get('kind', 'link')}, {speed}, {energy_text}"
        count[text] = count.get(text, 0) + 1
    return [f"{times} {TIMES} {text}" for text, times in count.items()]


def boundaries(result: Mapping[str, Any], variant: Variant) -> list[Boundary]:
    """The edges of a variant that cross dies."""

    def row(index: int, item: Mapping[str, Any]) -> Boundary:
        key = f"variants.{variant.key}.boundaries.{index}"
        bits = [number(result, f"{key}.{name}", BIT.text, BIT.exact) for name in ("packed_bits", "packetised_bits")]
        return Boundary(
            layers=(str(item.get("source", "")), str(item.get("target", ""))),
            dies=(str(item.get("source_chip", "")), str(item.get("target_chip", ""))),
            format=str(item.get("format", "")),
            numbers=(
                number(result, f"{key}.link_hops", _whole),
                number(result, f"{key}.elements", _whole),
                number(result, f"{key}.events", _whole),
                *bits,
                number(result, f"{key}.wire_bytes", BYTE.text, BYTE.exact),
            ),
        )

    return [row(index, item) for index, item in enumerate(variant.data.get("boundaries") or ())]


def with_links(text: str) -> list[Piece]:
    """The text with its web addresses as links; no other kind of address ever becomes one."""
    pieces: list[Piece] = []
    reached = 0
    for found in ADDRESS.finditer(text):
        address = found.group().rstrip(".,;:!?)]")
        pieces += [Piece(text=text[reached : found.start()]), Piece(text=address, address=address)]
        reached = found.start() + len(address)
    return [piece for piece in [*pieces, Piece(text=text[reached:])] if piece.text]


def constants(result: Mapping[str, Any]) -> list[tuple[str, str, list[Piece]]]:
    """Key, value and source of every number of the system."""
    return [
        (str(item.get("key", "")), str(item.get("text", "")), with_links(str(item.get("source", ""))))
        for item in lookup(result, "system.constants") or ()
    ]


def provenance(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the result came about, as far as it says so."""
    versions = ", ".join(f"{name} {version}" for name, version in (result.get("versions") or {}).items())
    elapsed = result.get("elapsed_s")
    rows = [
        ("Command", str(result.get("command") or "")),
        ("Seeds", ", ".join(str(seed) for seed in result.get("seeds") or ())),
        ("Versions", versions),
        ("Commit", str(result.get("commit") or "")),
        ("Machine", str(result.get("machine") or "")),
        ("Elapsed", f"{elapsed:.1f} s" if is_number(elapsed) else ""),
        ("Schema version", str(result.get("schema_version", ""))),
    ]
    return [(title, text) for title, text in rows if text]
