"""A made-up network on chip under load: queues that grow towards saturation, loads that follow from XY routes."""

from __future__ import annotations

from typing import Any

SIDE = 8
DIE = 4
SATURATION = 0.4


def latency(offered: float, *, zero: float = 24.0, limit: float = SATURATION) -> float:
    """Cycles of a packet, as a queue would have it; far beyond saturation only the length of the run tells."""
    return zero + 6 * offered / (limit - offered) if offered < limit else 900.0 + 4000 * (offered - limit)


def point(offered: float, *, limit: float = SATURATION) -> dict[str, Any]:
    """One simulated load."""
    found = latency(offered, limit=limit)
    return {
        "offered_flits_per_node_cycle": offered,
        "packet_latency_cycles": found,
        "network_latency_cycles": min(24 + (found - 24) * 0.4, 110),
        "accepted_flits_per_node_cycle": min(offered, limit * 0.97),
        "saturated": offered > limit,
        "cycles": 30_000,
        "cpu_s": 1.5 + 10 * offered,
        "routers_traversed": 1.2e6 * min(offered, limit) / 0.1,
    }


def curve(label: str = "mesh, XY", limit: float = SATURATION) -> dict[str, Any]:
    """Points, saturation and a prediction that does not know the last part of the queues."""
    offered = [round(0.025 * step, 3) for step in range(1, 20)]
    return {
        "label": label,
        "points": [point(load, limit=limit) for load in offered],
        "saturation_load": limit,
        "analytical": [
            {
                "offered_flits_per_node_cycle": load,
                "packet_latency_cycles": 24 + 4.6 * load / (limit - load),
                "valid": load < limit * 0.75,
            }
            for load in offered
            if load < limit
        ],
    }


def links(*, wrapped: bool = False) -> list[dict[str, Any]]:
    """Channels between neighbours of 8 x 8 routers in four dies; the middle is hot, channels between dies hotter."""
    found = []
    for x in range(SIDE):
        for y in range(SIDE):
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                a, b = x + dx, y + dy
                around = not (0 <= a < SIDE and 0 <= b < SIDE)
                if not around or wrapped:
                    found.append(_link((x, y), (a % SIDE, b % SIDE), around=around))
    return found


def _link(source: tuple[int, int], target: tuple[int, int], *, around: bool) -> dict[str, Any]:
    axis = 0 if source[0] != target[0] else 1
    low = min(source[axis], target[axis])
    middle = 1 - abs(low + 0.5 - (SIDE - 1) / 2) / (SIDE / 2)
    crosses = not around and low % DIE == DIE - 1
    utilization = min(1.0, 0.02 + 0.7 * middle + (0.25 if crosses else 0.0) + 0.01 * source[1 - axis])
    return {
        "source": list(source),
        "target": list(target),
        "kind": "d2d" if crosses else "noc",
        "flits_per_cycle": utilization,
        "utilization": utilization,
    }


def noc() -> dict[str, Any]:
    """A whole result of `axonal noc`."""
    found = curve()
    return {
        "schema_version": 1,
        "parameters": {
            "topology": "mesh",
            "pattern": "uniform",
            "packet_flits": 4,
            "virtual_channels": 2,
            "buffer_flits": 4,
            "seed": 0,
        },
        "points": found["points"],
        "links": links(),
        "mesh": {"columns": SIDE, "rows": SIDE},
        "saturation_load": SATURATION,
        "analytical": found["analytical"],
    }
