"""The page of a network under load: how it saturates, where it is hot, and every simulated point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axonal.views.cells import Number, number
from axonal.views.linkmap import map_figure, wraps
from axonal.views.numbers import DASH, exact, is_number, significant
from axonal.views.rendering import rendered
from axonal.views.saturation import curve_figure

__all__ = ["noc_curves_page", "noc_page"]

COLUMNS = {
    "offered_flits_per_node_cycle": "offered",
    "accepted_flits_per_node_cycle": "accepted",
    "packet_latency_cycles": "packet latency",
    "network_latency_cycles": "in the network",
    "cycles": "cycles",
    "routers_traversed": "routers traversed",
    "cpu_s": "processor, s",
}


@dataclass(frozen=True, kw_only=True)
class Point:
    """One simulated load, as a row."""

    numbers: tuple[Number | None, ...]
    saturated: bool


def noc_page(result: Mapping[str, Any]) -> str:
    """Curves, map, parameters and points of one network as a self-contained page.

    Args:
        result: `parameters`, `points`, `links`, `mesh` (`columns`, `rows`), `saturation_load`, `analytical`; the parts
            as `noc_curves` and `link_map` take them. What is missing is left out.

    Raises:
        ValueError: There is no point, or a link ends outside of the mesh.
    """
    parameters = result.get("parameters") or {}
    points = list(result.get("points") or ())
    saturation = number(result, "saturation_load")
    mesh, links = result.get("mesh"), list(result.get("links") or ())
    fields = [field for field in COLUMNS if any(is_number(point.get(field)) for point in points)]
    return rendered(
        "noc.html.j2",
        title=_title(result),
        parameters=[(str(name).replace("_", " "), _text(value)) for name, value in parameters.items()],
        saturation=saturation,
        sentence="" if saturation else _sentence(points),
        curves=curve_figure([{**result, "label": "simulated"}]),
        link_map=map_figure({**mesh, "links": links}) if mesh and links else None,
        across=any(link["kind"] == "d2d" for link in links),
        around=any(wraps(link) for link in links),
        columns=[COLUMNS[field] for field in fields],
        points=[_point(result, index, fields) for index in range(len(points))],
        schema_version=result.get("schema_version"),
    )


def noc_curves_page(curves: Sequence[Mapping[str, Any]]) -> str:
    """The curves of some networks, as `noc_curves` takes them, as a self-contained page.

    Raises:
        ValueError: There is no curve, or none with a point.
    """
    limits = [(str(item.get("label") or ""), item.get("saturation_load")) for item in curves]
    said = [f"{name} at {significant(limit)}" for name, limit in limits if is_number(limit)]
    return rendered(
        "noc.html.j2",
        title="Networks under load",
        parameters=(),
        saturation=None,
        sentence=f"Saturation, in flits per node and cycle: {'; '.join(said)}." if said else "",
        curves=curve_figure(curves),
        link_map=None,
        across=False,
        around=False,
        columns=(),
        points=(),
        schema_version=None,
    )


def _point(result: Mapping[str, Any], index: int, fields: Sequence[str]) -> Point:
    return Point(
        numbers=tuple(number(result, f"points.{index}.{field}") for field in fields),
        saturated=bool(result["points"][index].get("saturated")),
    )


def _sentence(points: Sequence[Mapping[str, Any]]) -> str:
    """What the points alone say of saturation; nothing of bursts and traces."""
    if any(is_number(point.get("makespan_cycles")) for point in points):
        return f"All packets arrive within {significant(points[-1]['makespan_cycles'])} cycles."
    beyond = [point["offered_flits_per_node_cycle"] for point in points if point.get("saturated")]
    if beyond:
        return f"It does not keep up with {significant(min(beyond))} flits per node and cycle."
    return "It does not saturate at the loads that were offered."


def _title(result: Mapping[str, Any]) -> str:
    parameters = result.get("parameters") or {}
    mesh = result.get("mesh") or {}
    words = [str(parameters[name]) for name in ("topology", "pattern", "traffic") if parameters.get(name)]
    size = f"{mesh['columns']} by {mesh['rows']} routers" if mesh else "a network on chip"
    return ", ".join(words if parameters.get("topology") else [*words, size])


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(inner)}" for name, inner in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return DASH
    if isinstance(value, float):
        return exact(value) if len(exact(value)) < 8 else significant(value, 4)
    return str(value)
