"""What other experiments and benchmarks measured, read from their committed results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["bursts_on_links", "engines", "growth", "queueing", "speed", "validation"]

VALIDATION = "experiments/noc_validation/results/validation.json"
ENGINES = "experiments/engines/results/agreement.json"
QUEUEING = "experiments/noc_analytical/results/results.json"
SPEED = "benchmarks/noc.json"


def _read(root: Path, path: str) -> Any:
    return json.loads((root / path).read_text(encoding="utf-8"))


def validation(root: Path) -> str:
    """How close the network engine is to the reference."""
    found = _read(root, VALIDATION)
    steady, bursts = found["steady"], found["golden"]
    saturation = sorted(abs(row["error"]) for row in found["saturation"]["rows"] if row["error"] is not None)
    within = sum(error <= 0.03 for error in saturation)
    return (
        f"{bursts['equal']} of {bursts['of']} deterministic bursts and {found['zero_load']['equal']} of "
        f"{found['zero_load']['of']} lone packets equal; latency up to 80 % of saturation {100 * steady['adjusted_mean']:.2f} % "
        f"off in the mean, {100 * steady['adjusted_worst']:.1f} % at worst; {within} of {len(saturation)} saturation loads "
        "within 3 %"
    )


def speed(root: Path) -> str:
    """Simulated cycles for each second, relative to the reference simulator."""
    found = _read(root, SPEED)
    small = [row["ratio"] for row in found["speed"] if row["side"] == 8]
    large = [row["ratio"] for row in found["speed"] if row["side"] == 16]
    return f"{min(small):.1f} to {max(small):.1f}x BookSim2 on 8x8, {min(large):.1f}x on 16x16 (its figures: same machine class)"


def growth(root: Path) -> str:
    """Time and memory of large simulations."""
    cases = _read(root, SPEED)["cases"]
    return "; ".join(f"{name}: {case['cpu_s']:.1f} s, {case['peak_growth_mb']:.0f} MB" for name, case in cases.items())


def engines(root: Path) -> str:
    """Analytical against cycle-level engine on random systems, workloads and placements."""
    return str(_read(root, ENGINES)["summary"])


def bursts_on_links(root: Path) -> str:
    """Bursts that a die-to-die link bounds."""
    return str(_read(root, ENGINES)["bursts"])


def queueing(root: Path) -> str:
    """Closed form against cycle-level latency under load."""
    return str(_read(root, QUEUEING)["summary"])
