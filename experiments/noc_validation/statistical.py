"""What can only be equal on average: random traffic, over several seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import rows

from axonal.simulation.network.measuring import Window
from axonal.simulation.network.points import Point
from axonal.simulation.network.searching import saturation as find_saturation

__all__ = ["bursts", "saturation", "steady"]

HIGHEST_SHARE = 0.8
"""Share of the saturation load up to which latencies are held against the reference."""

Row = Mapping[str, str]
Tell = Callable[[str], None]


def steady(folder: Path, seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Packet latency at each load of each network, seeds averaged on both sides.

    Random targets lie farther or nearer in one run than in another. `adjusted` takes that out: the reference is moved
    by the difference in routers traversed, times the cycles of a hop.
    """
    found = []
    for same in _groups(rows.read(folder, "steady_state.csv"), "offered_flits_per_node_cycle"):
        found.append(_steady_group(same, seeds))
        tell(f"{found[-1]['config']} at {found[-1]['offered']}: {found[-1]['adjusted_error']:+.2%}")
    below = [row for row in found if row["share_of_saturation"] <= HIGHEST_SHARE]
    return {
        "rows": found,
        "up_to_share": HIGHEST_SHARE,
        "compared": len(below),
        **{
            f"{kind}_{name}": reduce(abs(row[f"{kind}_error"]) for row in below)
            for kind in ("raw", "adjusted")
            for name, reduce in (("mean", statistics.fmean), ("worst", max))
        },
    }


def _steady_group(same: Sequence[Row], seeds: Sequence[int]) -> dict[str, Any]:
    row = same[0]
    window = Window(warmup_cycles=int(row["warmup_cycles"]), period_cycles=int(row["sample_period"]))
    rate = float(row["offered_flits_per_node_cycle"])
    points = [replace(rows.setting(row, seed), window=window).measure()(rate) for seed in seeds]
    found, wanted = _mean(points, "packet_latency_cycles"), _column(same, "packet_latency_avg")
    routers, their_routers = _mean(points, "routers_traversed"), _column(same, "routers_traversed_avg")
    adjusted = wanted + rows.router(row).hop_cycles * (routers - their_routers)
    return {
        "config": row["config"],
        "offered": rate,
        "share_of_saturation": float(row["fraction_of_3x_load"]),
        "found_cycles": found,
        "reference_cycles": wanted,
        "found_network_cycles": _mean(points, "network_latency_cycles"),
        "reference_network_cycles": _column(same, "network_latency_avg"),
        "found_routers": routers,
        "reference_routers": their_routers,
        "found_accepted": _mean(points, "accepted_flits_per_node_cycle"),
        "reference_accepted": _column(same, "accepted_flit_rate"),
        "saturated": any(point.saturated for point in points),
        "cpu_s": _mean(points, "cpu_s"),
        "reference_cpu_s": _column(same, "cpu_s"),
        "raw_error": found / wanted - 1,
        "adjusted_error": found / adjusted - 1,
    }


def saturation(folder: Path, seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Load at which packets take three times as long as at 0.005."""
    found = []
    for row in rows.read(folder, "saturation.csv"):
        loads = [find_saturation(rows.setting(row, seed).measure()) or 1.0 for seed in seeds]
        wanted = float(row["load_where_latency_is_3x"])
        load = statistics.fmean(loads)
        error = load / wanted - 1
        found.append({"config": row["config"], "found": load, "loads": loads, "reference": wanted, "error": error})
        tell(f"{row['config']} saturates at {load:.4f}, reference {wanted}: {error:+.2%}")
    errors = [abs(row["error"]) for row in found]
    return {"rows": found, "mean": statistics.fmean(errors), "worst": max(errors)}


def bursts(folder: Path, seeds: Sequence[int], tell: Tell) -> dict[str, Any]:
    """Makespan and packet latency of bursts, seeds averaged on both sides."""
    found = []
    for same in _groups(rows.read(folder, "bursts.csv"), "packets_per_node"):
        row = same[0]
        drawn = row["traffic"] in ("uniform", "hot4", "hotw")
        points = [rows.setting(row, seed).measure()(1.0) for seed in (seeds if drawn else seeds[:1])]
        spans = [float(point.makespan_cycles or 0) for point in points]
        span, wanted = statistics.fmean(spans), _column(same, "makespan_cycles")
        latency, their_latency = _mean(points, "packet_latency_cycles"), _column(same, "packet_latency_avg")
        found.append(
            {
                "config": rows.label(row),
                "drawn": drawn,
                "reference_seeds": len(same),
                "found_makespan_cycles": span,
                "spread_cycles": statistics.stdev(spans) if len(spans) > 1 else 0.0,
                "reference_makespan_cycles": wanted,
                "found_latency_cycles": latency,
                "reference_latency_cycles": their_latency,
                "makespan_error": span / wanted - 1,
                "latency_error": latency / their_latency - 1,
            }
        )
        tell(f"burst {found[-1]['config']}: {found[-1]['makespan_error']:+.2%}")
    return {
        "rows": found,
        **{
            f"{kind}_{name}": reduce(abs(row[f"{kind}_error"]) for row in found)
            for kind in ("makespan", "latency")
            for name, reduce in (("mean", statistics.fmean), ("worst", max))
        },
    }


def _groups(found: Sequence[Row], column: str) -> list[list[Row]]:
    """Rows that differ in their seed only."""

    def key(row: Row) -> tuple[str, ...]:
        return (*rows.network(row), row[column])

    return [list(same) for _, same in groupby(sorted(found, key=key), key)]


def _mean(points: Sequence[Point], name: str) -> float:
    return statistics.fmean(getattr(point, name) for point in points)


def _column(same: Sequence[Row], name: str) -> float:
    return statistics.fmean(float(row[name]) for row in same)
