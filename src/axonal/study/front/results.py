"""The file of points: a JSON list that grows as more codes and seeds are run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["REQUIRED", "in_order", "merged", "place", "read_points", "write_points"]

Point = dict[str, Any]

REQUIRED = (
    "code",
    "control",
    "target",
    "seed",
    "quality",
    "quality_metric",
    "dense_quality",
    "bits_per_element",
    "estimated_bits_per_element",
    "commit",
)
"""Names that every point has; they stay."""


def read_points(path: Path) -> list[Point]:
    """The points of a file; none when there is no file.

    Raises:
        ValueError: The file is no list of points.
    """
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error}): move it away") from error
    if not isinstance(found, list) or not all(isinstance(point, dict) for point in found):
        raise ValueError(f"{path} is no list of points: move it away")
    missing = [name for point in found for name in REQUIRED if name not in point]
    if missing:
        raise ValueError(f"{path} is no list of points, it lacks {missing[0]!r}: move it away")
    return list(found)


def place(point: Point) -> tuple[Any, ...]:
    """What there is one point of."""
    return point["code"], point["target"], point["seed"]


def merged(old: Iterable[Point], new: Sequence[Point]) -> list[Point]:
    """Old and new points, the new ones in place of old ones of the same code, target and seed.

    Old points of another dense network, data or cut are left out: they do not compare.
    """
    if not new:
        return list(old)
    same = ("data", "network", "system", "dense_quality")
    taken = {place(point) for point in new}
    wanted = [new[0].get(name) for name in same]
    kept = [p for p in old if place(p) not in taken and [p.get(name) for name in same] == wanted]
    return in_order([*kept, *new])


def in_order(points: Iterable[Point]) -> list[Point]:
    """Points as they stand in the file: spikes before controls, then by code, falling target and seed."""
    return sorted(points, key=lambda p: (p["control"], p["code"], -p["target"], p["seed"]))


def write_points(points: Sequence[Point], path: Path) -> None:
    """Write a list of points; a reader sees the old file or the whole new one.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(points, indent=1, allow_nan=False) + "\n")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(f"cannot write {path}: {error}; choose another folder (--out)") from error
