"""What must be equal to the last digit: bursts without random numbers, and packets that are alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rows

from axonal.hardware import Router
from axonal.simulation.network.fabric import Boundary, grid
from axonal.simulation.network.measuring import replay
from axonal.simulation.network.packets import Packets

__all__ = ["golden", "golden_row", "zero_load", "zero_load_row"]

DIGITS = 5e-6
"""Relative difference that the rounding of the reference to six digits leaves."""

Row = Mapping[str, str]


def golden_row(row: Row) -> dict[str, Any]:
    """One deterministic burst: what was found, what the reference says, and whether they are equal."""
    point = rows.setting(row).measure()(1.0)
    found = {
        "makespan_cycles": point.makespan_cycles or 0,
        "packet_latency_cycles": point.packet_latency_cycles,
        "network_latency_cycles": point.network_latency_cycles,
        "routers_traversed": point.routers_traversed,
    }
    names = ("makespan_cycles", "packet_latency_avg", "network_latency_avg", "routers_traversed_avg")
    wanted = dict(zip(found, (float(row[name]) for name in names), strict=True))
    equal = all(abs(found[name] - wanted[name]) <= DIGITS * wanted[name] for name in found)
    return {"config": rows.label(row), "found": found, "reference": wanted, "equal": equal}


def golden(folder: Path) -> dict[str, Any]:
    """All deterministic bursts."""
    found = [golden_row(row) for row in rows.read(folder, "golden_batch.csv")]
    return {"rows": found, "equal": sum(row["equal"] for row in found), "of": len(found)}


def zero_load_row(row: Row) -> dict[str, Any]:
    """One packet that is alone, over so many routers."""
    traversed = int(row["h_routers_traversed"])
    router = Router(
        routing_cycles=int(row["routing_delay"]),
        vc_allocation_cycles=int(row["vc_alloc_delay"]),
        switch_allocation_cycles=int(row["sw_alloc_delay"]),
        traversal_cycles=int(row["switch_traversal"]),
        speculative=row["speculative"] == "1",
        vcs=4,
        buffer_flits=8,
    )
    across = re.match(r"(\d+) on the boundary", row["link_latency"])
    if across:
        cut = Boundary(after_column=3, link_cycles=int(across.group(1)))
        fabric, source = grid(8, 8, router, boundaries=(cut,)), traversed - 1
    else:
        fabric = grid(8, 8, replace(router, link_cycles=int(row["link_latency"])))
        source = min(traversed - 1, 7) + 8 * max(traversed - 8, 0)
    point = replay(fabric, Packets.of(np.array([source]), np.array([0]), 1, np.array([0])))
    wanted = int(row["latency_1flit_cycles_observed_min"])
    return {
        "router": row["router"],
        "routers_traversed": int(point.routers_traversed),
        "found_cycles": int(point.packet_latency_cycles),
        "reference_cycles": wanted,
        "equal": point.packet_latency_cycles == wanted and point.routers_traversed == traversed,
    }


def zero_load(folder: Path) -> dict[str, Any]:
    """All numbers of routers, for each kind of router."""
    found = [zero_load_row(row) for row in rows.read(folder, "zero_load.csv")]
    return {"rows": found, "equal": sum(row["equal"] for row in found), "of": len(found)}
