"""What a cycle-level engine adds to the made-up result: loads over time, waits, profiles, a prediction beside it."""

from __future__ import annotations

import copy
import math
import random
from typing import Any

PROFILES = {"UCIe, vendors": (1.0, 0.5), "UCIe, measured silicon": (1.1, 1.6), "organic substrate, 2019": (1.3, 9.0)}
"""Factors of the energy of memory and of the links between dies."""

INTERVALS = 150


def counted(result: dict[str, Any]) -> dict[str, Any]:
    """The result as if a cycle-level engine had counted it."""
    result = copy.deepcopy(result)
    for name, variant in result["variants"].items():
        _count(name, variant)
    return result


def _count(name: str, variant: dict[str, Any]) -> None:
    source = random.Random(name)  # noqa: S311 - a reproducible picture, no secret
    latency_ns = variant["latency_ns"]
    interval_ns = math.ceil(latency_ns / INTERVALS)
    intervals = math.ceil(latency_ns / interval_ns)
    for link in variant["links"]:
        link["utilization"] = _bursts(source, intervals, 0.9 if link["kind"] == "d2d" else 0.55)
        link["busy_ns"] = sum(link["utilization"]) * interval_ns
        link["waited_ns"] = round(link["busy_ns"] * source.uniform(0, 0.6), 1)
    variant["links"][-1]["utilization"][intervals // 2] = 1.0
    variant["timeline"] = [*variant["timeline"], *_stalls(variant["timeline"])]
    variant |= {
        "engine": "cycle-level",
        "interval_ns": float(interval_ns),
        "bottleneck": next(link["name"] for link in variant["links"] if link["kind"] == "d2d"),
        "waits": _waits(variant, source),
        "profiles": [_profile(name, variant["energy_pj"]) for name in PROFILES],
        "report_notes": ["Multicast is sent as unicasts."],
        "analytical": {
            "latency_ns": latency_ns * (0.71 if name == "snn" else 0.985),
            "throughput_per_s": variant["throughput_per_s"] * 1.04,
            "energy_pj": {key: value * 0.998 for key, value in variant["energy_pj"].items()},
            "link_bits_packed": variant["link_bits_packed"],
            "valid": name != "snn",
            "reason": "the busiest channel is 83 % utilized, must be < 70 %: queues are not modelled"
            if name == "snn"
            else "",
        },
    }


def _bursts(source: random.Random, intervals: int, height: float) -> list[float]:
    """A few stretches of load with idle time between them."""
    shares = [0.0] * intervals
    for _ in range(source.randint(1, 4)):
        start, length = source.randrange(intervals), source.randint(3, 30)
        level = source.uniform(0.05, height)
        for index in range(start, min(start + length, intervals)):
            shares[index] = min(1.0, max(0.0, level * source.uniform(0.7, 1.3)))
    return shares


def _stalls(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Before each piece of work its core waits for a while, sometimes over the end of other work."""
    work = [span for span in spans if span["kind"] == "compute"][2:]
    return [
        {
            "name": f"{span['name']} waits for its input",
            "resource": span["resource"],
            "kind": "wait",
            "chip": span["chip"],
            "start_ns": span["start_ns"] - 8.0,
            "duration_ns": 8.0,
        }
        for span in work
    ]


def _waits(variant: dict[str, Any], source: random.Random) -> list[dict[str, Any]]:
    names = [link["name"] for link in variant["links"] if link["kind"] == "d2d"]
    layers = sorted({span["name"] for span in variant["timeline"] if span["kind"] == "compute"})
    waits = [
        {"waiter": layer, "holder": f"link {holder}", "duration_ns": round(source.uniform(1, 160), 2)}
        for layer in layers
        for holder in names[:2]
    ]
    return sorted(waits, key=lambda wait: -wait["duration_ns"])


def _profile(name: str, energy_pj: dict[str, float]) -> dict[str, Any]:
    memory, d2d = PROFILES[name]
    parts = {part: value for part, value in energy_pj.items() if part != "total"}
    parts |= {"memory": parts["memory"] * memory, "d2d": parts["d2d"] * d2d}
    return {"name": name, "energy_pj": {"total": sum(parts.values()), **parts}}
