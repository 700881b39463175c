"""The report: one HTML file that needs nothing else, neither a network nor a script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from axonal.views.comparison import comparison
from axonal.views.contention import contention
from axonal.views.curves import curves
from axonal.views.elasticity import FIELDS, elasticities
from axonal.views.energy import energy
from axonal.views.facts import (
    Piece,
    boundaries,
    constants,
    facts,
    headlines,
    link_kinds,
    provenance,
    report_title,
    with_links,
)
from axonal.views.heat import Heat, heat
from axonal.views.loads import UTILIZATION, legend, percent, result_scale
from axonal.views.package import package
from axonal.views.prediction import MEASURES, engine, predictions
from axonal.views.profiles import profiles
from axonal.views.quality import quality
from axonal.views.rendering import rendered
from axonal.views.svg import Svg
from axonal.views.sweep import sweep
from axonal.views.timeline import timeline
from axonal.views.variants import Variant, prime, variants

__all__ = ["html"]


def html(result: Mapping[str, Any]) -> str:
    """The report of a result as one self-contained page; ValueError when the result has no variant."""
    shown = variants(result)
    return rendered(
        "report.html.j2",
        result=result,
        title=report_title(result),
        system=result.get("system") or {},
        workload=result.get("workload") or {},
        verdict=result.get("verdict") or {},
        headlines=headlines(result),
        facts=facts(result),
        comparison=comparison(result),
        panes=_panes(result, shown),
        prime={variant.key for variant in prime(result)},
        legend=legend(result_scale(result)),
        links=link_kinds(result),
        engine=engine(result),
        measures=tuple(MEASURES),
        predictions=predictions(result),
        heats=_heats(result, shown),
        utilization_legend=legend(UTILIZATION, "Colour scale of the share of time a channel is occupied", percent),
        contentions=[(variant, found) for variant in shown if (found := contention(result, variant))],
        profiles=profiles(result),
        waits_drawn=any(span["kind"] == "wait" for variant in shown for span in variant.data.get("timeline") or ()),
        figures={
            "energy": energy(result),
            "quality": quality(result),
            "timeline": timeline(result),
            "curves": curves(result),
            "sweep": sweep(result),
        },
        fields=tuple(FIELDS.values()),
        elasticities=elasticities(result),
        boundaries=[(variant, boundaries(result, variant)) for variant in shown],
        constants=constants(result),
        provenance=provenance(result),
        notes=[with_links(str(note)) for note in result.get("notes") or ()],
        report_notes=_report_notes(shown),
    )


def _panes(result: Mapping[str, Any], shown: Iterable[Variant]) -> list[tuple[Variant, Svg]]:
    scale = result_scale(result)
    system = result.get("system") or {}
    return [(variant, package(system, variant, scale)) for variant in shown if system.get("chips")]


def _heats(result: Mapping[str, Any], shown: Iterable[Variant]) -> list[tuple[Variant, Heat]]:
    chips = [str(chip["name"]) for chip in (result.get("system") or {}).get("chips") or ()]
    return [(variant, found) for variant in shown if (found := heat(variant, chips))]


def _report_notes(shown: Iterable[Variant]) -> list[tuple[str, list[Piece]]]:
    """What must be known of the figures of some variants: each note once, with the names of those it is about."""
    about: dict[str, list[str]] = {}
    for variant in shown:
        for note in variant.data.get("report_notes") or ():
            about.setdefault(str(note), []).append(variant.name)
    return [(", ".join(names), with_links(note)) for note, names in about.items()]
