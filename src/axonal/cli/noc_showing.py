"""What `axonal noc` found, as JSON values and for people."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from axonal.simulation.network.points import LinkUse, Point
from axonal.simulation.network.setting import Study

__all__ = ["noc_json", "noc_view", "verdict"]

COLUMNS = ("offered", "accepted", "latency", "p99", "in the network", "routers", "")


def noc_json(study: Study, *, swept: bool) -> dict[str, Any]:
    """One object: a single point at its top level, the points of a sweep in `points`."""
    found = study.document()
    totals = {
        "saturated": any(point.saturated for point in study.points),
        "cycles": sum(point.cycles for point in study.points),
        "cpu_s": sum(point.cpu_s for point in study.points),
    }
    if swept:
        return {**found, **totals}
    (point,) = found.pop("points")
    return {**found, **point}


def noc_view(study: Study) -> Group:
    """A table with a row for each load, and the verdict."""
    setting = study.setting
    table = Table(*COLUMNS, box=None, header_style="bold", pad_edge=False)
    for column in table.columns[:-1]:
        column.justify = "right"
    for point in study.points:
        table.add_row(*_row(point))
    parameters = setting.parameters()
    words = [str(parameters["topology"]), f"traffic {setting.traffic}", f"routing {parameters['routing']}"]
    words += [f"{setting.router.vcs} virtual channels of {setting.router.buffer_flits} flits"]
    words += [f"{setting.router.hop_cycles} cycles a hop"]
    words += [f"die boundary after column {item.after_column}" for item in setting.boundaries]
    packets, cycles = (sum(getattr(point, name) for point in study.points) for name in ("packets", "cycles"))
    cpu_s = sum(point.cpu_s for point in study.points)
    effort = f"{packets:,} packets measured in {cycles:,} cycles, {cpu_s:.2f} s of processor time"
    legend = "loads in flits per node and cycle, latencies in cycles"
    return Group(f"[bold]{escape(', '.join(words))}[/]", "", table, f"[dim]{legend}; {effort}[/]", "", verdict(study))


def verdict(study: Study) -> str:
    """What it comes to, in one line."""
    last = study.points[-1]
    if last.makespan_cycles is not None:
        bound = _busiest(last)
        return (
            f"[bold green]DONE[/] all {last.packets:,} packets arrive within {last.makespan_cycles:,} cycles"
            f"{f'; the busiest link, {bound}' if bound else ''}"
        )
    if study.searched:
        load = study.saturation_load
        if load is None:
            return (
                "[bold green]NEVER SATURATES[/] even at load 1 packets take less than three times as long as at 0.005"
            )
        return (
            f"[bold]SATURATES AT {load:.3g}[/] flits per node and cycle: packets take three times as long as at 0.005"
        )
    saturated = [point.offered_flits_per_node_cycle for point in study.points if point.saturated]
    if not saturated:
        bound = _busiest(last)
        highest = max(study.points, key=lambda point: point.offered_flits_per_node_cycle)
        return (
            f"[bold green]KEEPS UP[/] at {highest.offered_flits_per_node_cycle:.4g} flits per node and cycle "
            f"packets take {highest.packet_latency_cycles:.1f} cycles{f'; the busiest link, {bound}' if bound else ''}"
        )
    first = min(saturated)
    point = next(point for point in study.points if point.offered_flits_per_node_cycle == first)
    return (
        f"[bold red]SATURATED[/] at {first:.4g} flits per node and cycle {point.accepted_flits_per_node_cycle:.3g} are "
        "accepted; latencies there say how long it was looked at"
    )


def _row(point: Point) -> tuple[str, ...]:
    return (
        f"{point.offered_flits_per_node_cycle:.4g}",
        f"{point.accepted_flits_per_node_cycle:.4f}",
        f"{point.packet_latency_cycles:.2f}",
        f"{point.packet_latency_p99_cycles:.0f}",
        f"{point.network_latency_cycles:.2f}",
        f"{point.routers_traversed:.2f}",
        "[red]saturated[/]" if point.saturated else "",
    )


def _busiest(point: Point) -> str:
    if not point.links:
        return ""
    link: LinkUse = max(point.links, key=lambda item: item.utilization)
    kind = "between dies" if link.kind == "d2d" else "inside a die"
    return f"{link.source} to {link.target} {kind}, is busy {link.utilization:.0%} of the time"
