"""How far the analytical engine is from the cycle-level one, on random systems, workloads and placements.

Run from anywhere: `python experiments/engines/run.py`; with `--quick` on a few of them, writing nothing unless told to.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
from cases import Case, burst, random_case
from figure import agreement_figure

from axonal.report import Report
from axonal.simulation import Analytical
from axonal.simulation.cycle import CycleLevel

__all__ = ["main", "measured"]

HERE = Path(__file__).resolve().parent
FULL, QUICK = 240, 6
SHARES = {"below 10 %": (-1.0, 0.1), "10 to 50 %": (0.1, 0.5), "above 50 %": (0.5, 1.01)}
"""Part of the latency that is not the critical path of the computation."""

LINK_BOUND = 0.75
"""Part of the time for which a link is busy that bounds the time."""

BURSTS = [
    {"elements": elements, "bits_per_ns": bits_per_ns, "tiles": tiles, "hop_cycles": hop}
    for elements in (500, 8000)
    for bits_per_ns in (8.0, 32.0, 64.0, 200.0)
    for tiles in (1, 3)
    for hop in (3, 7)
]


def measured(case: Case, analytical: Report, cycle: Report) -> dict[str, Any]:
    """Ratios analytical / cycle-level, and what share of the time is spent on moving."""
    assert analytical.energy is not None
    assert cycle.energy is not None
    ratios = analytical.against(cycle)
    return {
        "placement": case.how,
        "dies": len(case.system.chips),
        "layers": len(case.workload.layers),
        "latency_ns": cycle.latency_ns,
        "communication": 1 - _computing_ns(case) / cycle.latency_ns,
        "latency_ratio": ratios.latency_ratio,
        "throughput_ratio": ratios.throughput_ratio,
        "energy_ratio": ratios.energy_ratio,
    }


def _computing_ns(case: Case) -> float:
    """Critical path of the computation."""
    finish: dict[str, float] = {}
    for layer in case.workload.layers:
        tiles = case.placement.by_layer[layer.name]
        core = case.system.by_name[tiles[0].chip].core
        own = layer.operations * max(tile.share for tile in tiles) / core.lanes / core.clock_ghz
        finish[layer.name] = own + max((finish[edge.source] for edge in case.workload.into(layer.name)), default=0.0)
    return max(finish.values())


def _timed(call: Callable[[], Report]) -> tuple[Report, float]:
    start = time.perf_counter()
    report = call()
    return report, time.perf_counter() - start


def _random(seeds: Iterable[int]) -> list[dict[str, Any]]:
    rows = []
    for seed in seeds:
        case = random_case(seed)
        asked = (case.workload, case.placement, case.system)
        analytical, first_s = _timed(lambda asked=asked: Analytical().run(*asked))
        again_s = min(_timed(lambda asked=asked: Analytical().run(*asked))[1] for _ in range(3))
        cycle, cycle_s = _timed(lambda asked=asked: CycleLevel().run(*asked))
        times = {"first_ms": 1e3 * first_s, "again_ms": 1e3 * again_s, "cycle_ms": 1e3 * cycle_s}
        rows.append({"seed": seed, **measured(case, analytical, cycle), **times})
    return rows


def _bursts() -> list[dict[str, Any]]:
    rows = []
    for shape in BURSTS:
        case = burst(**shape)
        asked = (case.workload, case.placement, case.system)
        cycle = CycleLevel(inferences=2).run(*asked)
        link_ns = max(load.busy_ns for load in cycle.links if load.kind == "d2d")
        rows.append(
            {**shape, "link_share": link_ns / cycle.latency_ns, **measured(case, Analytical().run(*asked), cycle)}
        )
    return rows


def _distribution(values: Sequence[float]) -> dict[str, float]:
    """Of ratios; the worst is the one that is farthest from 1 in either direction."""
    far = np.exp(np.abs(np.log(values)))
    quantiles = dict(zip(("p10", "median", "p90"), np.quantile(values, (0.1, 0.5, 0.9)), strict=True))
    found = {"mean": np.mean(values), **quantiles, "least": min(values), "most": max(values), "mean_factor": far.mean()}
    return {name: round(float(value), 4) for name, value in {**found, "p90_factor": np.quantile(far, 0.9)}.items()}


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    groups: dict[str, list[Mapping[str, Any]]] = {"all": list(rows)}
    for name, (low, high) in SHARES.items():
        groups[name] = [row for row in rows if low <= row["communication"] < high]
    return {
        name: {
            "cases": len(group),
            **{key: _distribution([row[key] for row in group]) for key in ROW_RATIOS},
        }
        for name, group in groups.items()
        if group
    }


def _bursts_summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of those whose link is busy for most of the time; the others are bound by routers and cores."""
    bound = [row["latency_ratio"] for row in rows if row["link_share"] >= LINK_BOUND]
    return {"cases": len(bound), **_distribution(bound)}


ROW_RATIOS = ("latency_ratio", "throughput_ratio", "energy_ratio")


def _provenance(seeds: Sequence[int]) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "command": "python experiments/engines/run.py",
        "commit": commit.stdout.strip() or "unknown",
        "seeds": [seeds[0], seeds[-1]],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
    }


def _speed(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    found = {}
    for name in ("first_ms", "again_ms", "cycle_ms"):
        found[f"median_{name}"] = round(float(np.median([row[name] for row in rows])), 3)
        found[f"mean_{name}"] = round(float(np.mean([row[name] for row in rows])), 3)
    found["analytical_points_per_s"] = round(1e3 / found["mean_first_ms"], 1)
    return found


def result(count: int) -> dict[str, Any]:
    """Everything that is reported."""
    warm = random_case(0)
    CycleLevel(inferences=2).run(warm.workload, warm.placement, warm.system)  # compiles
    seeds = range(1000, 1000 + count)
    rows, bursts = _random(seeds), _bursts()
    times = [item.pop(name) for item in rows for name in ("first_ms", "again_ms", "cycle_ms")]
    timed = [dict(zip(("first_ms", "again_ms", "cycle_ms"), each, strict=True)) for each in _by_three(times)]
    return {
        "schema_version": 1,
        "provenance": _provenance(seeds),
        "summary": _summary(rows),
        "bursts": {"bound_by_the_link": _bursts_summary(bursts), "rows": bursts},
        "speed": _speed(timed),
        "rows": [{key: round(it, 5) if isinstance(it, float) else it for key, it in row.items()} for row in rows],
    }


def _by_three(values: Sequence[float]) -> list[Sequence[float]]:
    return [values[at : at + 3] for at in range(0, len(values), 3)]


def table(found: Mapping[str, Any]) -> str:
    """The summary as a table in Markdown."""
    lines = ["| communication | cases | ratio | mean | median | p10 to p90 | least to most |", "| --- " * 7 + "|"]
    for group, each in found["summary"].items():
        for key in ROW_RATIOS:
            it = each[key]
            lines.append(
                f"| {group} | {each['cases']} | {key.removesuffix('_ratio')} | {it['mean']:.3f} | {it['median']:.3f} | "
                f"{it['p10']:.3f} to {it['p90']:.3f} | {it['least']:.2f} to {it['most']:.2f} |"
            )
    it = found["bursts"]["bound_by_the_link"]
    lines.append(
        f"| bursts over a link | {it['cases']} | latency | {it['mean']:.3f} | {it['median']:.3f} | "
        f"{it['p10']:.3f} to {it['p90']:.3f} | {it['least']:.2f} to {it['most']:.2f} |"
    )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few cases; writes only where --out says")
    parser.add_argument("--out", type=Path, help="folder for the results; default results/ beside this file")
    chosen = parser.parse_args(arguments)
    found = result(QUICK if chosen.quick else FULL)
    print(table(found))
    print(json.dumps(found["speed"]))
    out = chosen.out or (None if chosen.quick else HERE / "results")
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "agreement.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (out / "agreement.svg").write_text(agreement_figure(found["rows"]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
