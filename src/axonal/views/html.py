"""The report: one HTML file that needs nothing else, neither a network nor a script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from axonal.views.comparison import comparison
from axonal.views.curves import curves
from axonal.views.elasticity import FIELDS, elasticities
from axonal.views.energy import energy
from axonal.views.facts import boundaries, constants, facts, headlines, link_kinds, provenance, report_title, with_links
from axonal.views.loads import legend, result_scale
from axonal.views.package import package
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
    )


def _panes(result: Mapping[str, Any], shown: Iterable[Variant]) -> list[tuple[Variant, Svg]]:
    scale = result_scale(result)
    system = result.get("system") or {}
    return [(variant, package(system, variant, scale)) for variant in shown if system.get("chips")]
