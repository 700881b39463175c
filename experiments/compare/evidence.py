"""What other experiments and benchmarks measured, read from their committed results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from axonal.study.front import front, summary

__all__ = [
    "bursts_on_links",
    "calibration",
    "chosen_target",
    "engines",
    "equal_quality",
    "estimates",
    "growth",
    "queueing",
    "speed",
    "validation",
]

VALIDATION = "experiments/noc_validation/results/validation.json"
ENGINES = "experiments/engines/results/agreement.json"
QUEUEING = "experiments/noc_analytical/results/errors.json"
SPEED = "benchmarks/noc.json"
PARETO = "experiments/pareto/results"
CALIBRATION = "experiments/pareto/calibration.json"


def _read(root: Path, path: str) -> Any:
    return json.loads((root / path).read_text(encoding="utf-8"))


def validation(root: Path) -> str:
    """How close the network engine is to the reference."""
    found = _read(root, VALIDATION)
    steady, bursts = found["steady"], found["golden"]
    loads = [abs(row["error"]) for row in found["saturation"]["rows"] if row["error"] is not None]
    lone, equal = found["zero_load"], "deterministic bursts"
    parts = (
        f"{bursts['equal']} of {bursts['of']} {equal} and {lone['equal']} of {lone['of']} lone packets equal",
        f"latency up to 80 % of saturation {100 * steady['adjusted_mean']:.2f} % off in the mean, "
        f"{100 * steady['adjusted_worst']:.1f} % at worst",
        f"{sum(error <= 0.03 for error in loads)} of {len(loads)} saturation loads within 3 %",
    )
    return "; ".join(parts)


def speed(root: Path) -> str:
    """Simulated cycles for each second, relative to the reference simulator."""
    found = _read(root, SPEED)
    small = [row["ratio"] for row in found["speed"] if row["side"] == 8]
    large = [row["ratio"] for row in found["speed"] if row["side"] == 16]
    ratios = f"{min(small):.1f} to {max(small):.1f}x BookSim2 on 8x8, {min(large):.1f}x on 16x16"
    return f"{ratios} (its figures are of the same class of machine)"


def growth(root: Path) -> str:
    """Time and memory of large simulations."""
    found = _read(root, SPEED)
    parts = [f"{name}: {case['cpu_s']:.1f} s, {case['peak_growth_mb']:.0f} MB" for name, case in found["cases"].items()]
    cores = [f"{row['side'] ** 2:,}: {row['flit_hops_per_cpu_s'] / 1e6:.1f}" for row in found["growth"]["cores"]]
    loads = [f"{row['offered']:g}: {row['flit_hops_per_cpu_s'] / 1e6:.1f}" for row in found["growth"]["loads"]]
    parts.append(f"million flit-hops a second by cores {', '.join(cores)}; by load on 8x8 {', '.join(loads)}")
    return "; ".join(parts)


def engines(root: Path) -> str:
    """Analytical against cycle-level engine on random systems, workloads and placements."""
    found = _read(root, ENGINES)
    everything = found["summary"]["all"]
    off = {
        name: f"{100 * (everything[f'{name}_ratio']['mean_factor'] - 1):.1f} % off in the mean, "
        f"{100 * (everything[f'{name}_ratio']['p90_factor'] - 1):.0f} % in nine of ten"
        for name in ("latency", "energy")
    }
    words = f"latency {off['latency']}; energy {off['energy']}; {everything['cases']} systems, workloads and placements"
    speed = found["speed"]
    return f"{words}; {speed['mean_first_ms']:.1f} ms a point, {speed['mean_again_ms']:.2f} ms when ways are known"


def bursts_on_links(root: Path) -> str:
    """Bursts over a die-to-die link."""
    found = _read(root, ENGINES)["bursts"]
    bound, every = found["bound_by_the_link"], [row["latency_ratio"] for row in found["rows"]]
    span = f"{bound['least']:.2f} to {bound['most']:.2f}"
    return (
        f"predicted / simulated {span} over the {bound['cases']} bursts that the link bounds, "
        f"{min(every):.2f} to {max(every):.2f} over all {len(every)}"
    )


def queueing(root: Path) -> str:
    """Closed form against cycle-level latency under load."""
    found = _read(root, QUEUEING)
    everything = found["classes"][0]
    errors = ", ".join(f"{everything[f'at_{load}%']['mean_percent']:.2f} % at {load} %" for load in (30, 60, 80))
    a_second = found["speed"]["points_per_second_of_loads"]
    return f"mean error {errors} of saturation, over {everything['systems']} networks; {a_second:,} loads a second"


def _fronts(root: Path) -> dict[str, Any]:
    """Points of each dataset of the study of boundary codes."""
    return {path.stem: _read(root, f"{PARETO}/{path.name}") for path in sorted((root / PARETO).glob("*.json"))}


def equal_quality(root: Path) -> str:
    """Bits of an element at the tolerance, and at four times of it."""
    parts = []
    for name, points in _fronts(root).items():
        for factor in (1, 4):
            loss = factor * summary(points)["loss"]
            said = summary(points, loss)
            figures = [
                f"{words} {said[key]['bits']:.3f} ({said[key]['code']})" if said[key] else f"{words} none"
                for key, words in (("spikes", "spikes"), ("controls", "control"), ("bottleneck", "bottleneck"))
            ]
            parts.append(f"{name} at a loss of {loss:g}: {', '.join(figures)}")
    return "<br>".join(parts)


def estimates(root: Path) -> str:
    """How far real bytes are from the estimate."""
    errors = [
        abs(point["bits_per_element"] / point["estimated_bits_per_element"] - 1)
        for points in _fronts(root).values()
        for point in points
    ]
    within = sum(error <= 0.03 for error in errors)
    return f"{within} of {len(errors)} trained boundaries within 3 %, {100 * max(errors):.1f} % off at worst"


def chosen_target(root: Path) -> str:
    """Losses of one boundary whose target is chosen at run time, beside those of weights of their own for each."""
    parts = []
    for name, points in _fronts(root).items():
        rows = {(row["code"], row["target"]): row for row in front(points)}
        for (code, target), row in rows.items():
            plain = rows.get((code.removesuffix("_chosen"), target))
            if code.endswith("_chosen") and plain is not None:
                parts.append(
                    f"{name} at {target:g}: {row['bits']:.3f} bits, loss {row['loss']:.4f} "
                    f"(with weights of its own: {plain['bits']:.3f}, {plain['loss']:.4f})"
                )
    return "<br>".join(parts)


def calibration(root: Path) -> str:
    """Bits per byte of an untrained boundary at half a bit an element."""
    found = _read(root, CALIBRATION)
    rows = [f"{row['start']} {row['bits_per_byte']:.2f}" for row in found["rows"] if row["target_bits"] == 0.5]
    return f"bits per byte at 0.5 bits an element: {', '.join(rows)}; dense network {found['dense_bits_per_byte']:.2f}"
