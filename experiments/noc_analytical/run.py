"""Hold the closed form of the network against the cycle-level engine on random systems, and write what came out.

`python experiments/noc_analytical/run.py` measures what is not in the table of truth yet (an hour), predicts, and
writes `results/errors.json`, `results/errors.svg` and the table in `README.md`. The systems are those of numbers that
were not looked at while the equations were written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bursts
import figure
import numpy as np
import truth
from cases import case

from axonal.hardware import Router
from axonal.simulation.network.fabric import grid
from axonal.simulation.network.flows import Flows
from axonal.simulation.network.queueing import predict, predict_many

HERE = Path(__file__).resolve().parent
MARKS = ("<!-- begin figures -->\n", "<!-- end figures -->")


def main(arguments: list[str] | None = None) -> int:
    """Measure, predict and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--first", type=int, default=1001, help="number of the first system")
    parser.add_argument("--systems", type=int, default=240, help="how many systems")
    parser.add_argument("--bursts", type=int, default=60, help="of these, how many are sent bursts")
    parser.add_argument("--periods", type=int, default=3, help="measured periods of 5000 cycles")
    parser.add_argument("--most-routers", type=int, default=1 << 20, help="leave larger systems out")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of results")
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    every = range(chosen.first, chosen.first + chosen.systems)
    numbers = [number for number in every if case(number).fabric.routers <= chosen.most_routers]
    path = chosen.out / "truth.jsonl"
    truth.table(numbers, path, chosen.periods)
    measured = {row["number"]: row for row in map(json.loads, path.read_text().splitlines())}
    rows = [compared(measured[number]) for number in numbers]
    sent = [case(number) for number in numbers[: chosen.bursts]]
    result = {
        "systems": rows,
        "classes": by_class(rows),
        "bursts": [bursts.compare(one) for one in sent if one.fabric.routers <= 100],
        "speed": speed(),
        **provenance(numbers),
    }
    (chosen.out / "errors.json").write_text(json.dumps(result, indent=1) + "\n")
    (chosen.out / "errors.svg").write_text(figure.errors(rows))
    text = table(result)
    readme = HERE / "README.md"
    if chosen.out == HERE / "results" and readme.is_file():
        before, rest = readme.read_text().split(MARKS[0])
        readme.write_text(before + MARKS[0] + text + MARKS[1] + rest.split(MARKS[1])[1])
    print(text)
    return 0


def compared(row: dict[str, Any]) -> dict[str, Any]:
    """Errors of one system at its points, and of its saturation load."""
    one = case(row["number"])
    loads = [point["load"] for point in row["points"]]
    flows = Flows.of(one.weights / one.flits, one.flits)
    points = predict_many(one.fabric, flows, loads)
    found = []
    for point, latency, valid in zip(row["points"], points.packet_latency_cycles, points.valid, strict=True):
        # A prediction without end, or of a point that did not become steady, counts as an error of 100 %.
        ratio = latency / point["packet"] if np.isfinite(latency) and np.isfinite(point["packet"]) else 2.0
        found.append({"error": round(float(np.clip(ratio - 1, -1, 1)), 5), "valid": bool(valid)})
    ratio = points.saturation_scale[0] * loads[0] / row["saturation"]
    saturation_error = round(float(ratio - 1), 4)
    return {
        "number": row["number"],
        "name": one.name,
        "classes": {
            **one.classes,
            "core": "V >= 2, P <= 8" if one.classes["vcs"] != "1" and one.flits <= 8 else "others",
        },
        "points": found,
        "saturation_error": saturation_error,
    }


def by_class(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean errors of all systems, and of those that have something in common."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {("all", ""): rows}
    for row in rows:
        for name, value in row["classes"].items():
            groups.setdefault((name, value), []).append(row)
    return [{"class": name, "value": value, **errors(members)} for (name, value), members in sorted(groups.items())]


def errors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean absolute errors in percent at 30, 60 and 80 % of saturation; `valid`: of the predictions that say so."""
    found: dict[str, Any] = {"systems": len(rows)}
    for place, fraction in enumerate(truth.FRACTIONS):
        points = [row["points"][place] for row in rows]
        sizes = np.abs([point["error"] for point in points]) * 100
        trusted = np.abs([point["error"] for point in points if point["valid"]]) * 100
        found[f"at_{fraction:.0%}"] = {
            "mean_percent": round(float(sizes.mean()), 2),
            "median_percent": round(float(np.median(sizes)), 2),
            "p90_percent": round(float(np.quantile(sizes, 0.9)), 2),
            "bias_percent": round(float(np.mean([point["error"] for point in points])) * 100, 2),
            "valid": len(trusted),
            "valid_mean_percent": round(float(trusted.mean()), 2) if len(trusted) else None,
        }
    found["saturation_percent"] = round(float(np.mean([abs(row["saturation_error"]) for row in rows])) * 100, 1)
    return found


def speed() -> dict[str, float]:
    """Points a second, in time of the processor: the machine may have others to serve."""
    flows = Flows.of(np.full((64, 64), 0.2 / 64 / 4), 4)
    fabrics = [grid(8, 8, Router(vcs=vcs, buffer_flits=depth)) for vcs in (2, 4, 8) for depth in (4, 8, 16, 32)]
    predict(fabrics[0], flows)
    loads = np.linspace(0.1, 1.0, 2000)

    def seconds(work: Any) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return {
        "points_per_second_of_loads": round(2000 / seconds(lambda: predict_many(fabrics[0], flows, loads))),
        "ms_per_point_of_loads": round(seconds(lambda: predict_many(fabrics[0], flows, loads)) / 2, 3),
        "ms_per_router_description": round(seconds(lambda: predict_many(fabrics, flows)) / len(fabrics) * 1e3, 2),
        "ms_per_single_prediction": round(
            seconds(lambda: [predict(fabrics[0], flows) for _ in range(20)]) / 20 * 1e3, 2
        ),
    }


def table(result: dict[str, Any]) -> str:
    """The errors as a table."""
    lines = [
        "| class | systems | 30 % | 60 % | 80 % | 80 %, valid | saturation |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["classes"]:
        means = [f"{row[f'at_{fraction:.0%}']['mean_percent']:.2f}" for fraction in truth.FRACTIONS]
        last = row["at_80%"]
        trusted = "-" if last["valid_mean_percent"] is None else f"{last['valid_mean_percent']:.2f} ({last['valid']})"
        name = "all" if row["class"] == "all" else f"{row['class']} {row['value']}"
        cells = [name, str(row["systems"]), *means, trusted, f"{row['saturation_percent']:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    ratios = {kind: [one["ratio"] for one in result["bursts"] if kind in ("", one["busiest"])] for kind in ("", "lane")}
    lines += ["", "Mean of |predicted / simulated - 1| in percent.", ""]
    for kind, found in ratios.items():
        if found:
            near = sum(0.8 <= ratio <= 1.25 for ratio in found)
            lines.append(
                f"Bursts{' with a die-to-die link as busiest part' if kind else ''}: predicted by simulated makespan "
                f"{min(found):.2f} to {max(found):.2f}, within a factor of 1.25 in {near} of {len(found)}."
            )
    fast = result["speed"]
    lines += [
        "",
        f"8x8, all pairs: {fast['points_per_second_of_loads']} loads a second on one core; "
        f"{fast['ms_per_router_description']} ms for another router; {fast['ms_per_single_prediction']} ms for "
        f"one prediction with all its details. Commit {result['commit']}, {result['machine']}.",
    ]
    return "\n".join(lines) + "\n"


def provenance(numbers: list[int]) -> dict[str, Any]:
    """Where the results are from."""
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    commit = subprocess.run(describe, cwd=HERE, capture_output=True, text=True, check=False)
    return {
        "commit": commit.stdout.strip() or "unknown",
        "numbers": [numbers[0], numbers[-1]],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "numba")},
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
    }


if __name__ == "__main__":
    sys.exit(main())
