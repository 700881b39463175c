"""Fronts of boundary codes that were never trained, put together the way `axonal.study.front` puts them together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from axonal.study.front import FAMILIES, front, summary

TARGETS = (0.5, 0.25, 0.12, 0.06)
SEEDS = (0, 1, 2)

Made = tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]


def _point(code: str, target: float, seed: int, metric: str) -> dict[str, Any]:
    known = FAMILIES[code]
    draw = random.Random(f"{code} {target} {seed}")  # noqa: S311 - a reproducible picture, no secret
    bad = random.Random(code).uniform(0.5, 3.0) * (2 if known.control else 1)  # noqa: S311
    bits = {"fp16": 16.0, "int8": 6.1}.get(code, target * draw.uniform(0.8, 1.1))
    loss = bad * 0.004 * (0.5 / bits) ** 0.6 + draw.uniform(-0.001, 0.001)
    falling = metric == "bits_per_byte"
    return {
        "code": code,
        "label": known.label,
        "control": known.control,
        "target": target,
        "seed": seed,
        "quality": 1.6 + 3 * loss if falling else 0.93 - loss,
        "quality_metric": metric,
        "dense_quality": 1.6 if falling else 0.93,
        "bits_per_element": bits,
        "estimated_bits_per_element": bits * 0.99,
        "bits_per_element_packets": bits * 2,
        "energy_pj_coded": 4000 + 9000 * bits,
        "energy_pj_packets": 3000 + 12000 * bits,
        "latency_ns_coded": 1700.0,
        "latency_ns_packets": 120 + 300 * bits,
        "frame_inferences": 128,
        "warnings": ["target missed by 4 %"] if bad > 2.8 and seed == 0 else [],
        "data": "enwik8" if falling else "digits",
        "network": "rwkv" if falling else "cnn",
        "system": "snap_4x4_2",
        "commit": "abc1234",
    }


def made(
    codes: Sequence[str] = tuple(FAMILIES),
    targets: Sequence[float] = TARGETS,
    seeds: Sequence[int] = SEEDS,
    metric: str = "accuracy",
) -> Made:
    """Points, rows and summary of a front."""
    points = [
        _point(code, target, seed, metric)
        for code in codes
        for target in (targets[:1] if FAMILIES[code].sweep == "fixed" else targets)
        for seed in seeds
    ]
    return points, front(points), summary(points)
