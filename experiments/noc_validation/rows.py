"""Rows of the reference files as settings that can be simulated."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from axonal.hardware import Router
from axonal.simulation.network.fabric import Boundary
from axonal.simulation.network.setting import Setting

__all__ = ["REFERENCE", "TRAFFIC", "label", "network", "read", "router", "setting"]

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "noc"

TRAFFIC = {"bit complement": "bitcomp", "hot4": "hotspot:27,28,35,36", "hotw": "weights:27=9"}
"""Names of the reference that are not those of the command line."""

NETWORK = (
    "mesh_k",
    "traffic",
    "packet_flits",
    "vcs",
    "buf_flits_per_vc",
    "routing_delay",
    "vc_alloc_delay",
    "sw_alloc_delay",
    "switch_traversal_delay",
    "credit_delay",
    "speculative_sa",
    "link_latency",
    "d2d_after_column",
    "d2d_link_latency",
    "d2d_cycles_per_flit",
)
"""Columns that say which network and traffic a row is about."""

Row = Mapping[str, str]


def read(folder: Path, name: str) -> list[dict[str, str]]:
    """All rows of a file."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def router(row: Row) -> Router:
    """The router of a row."""
    return Router(
        routing_cycles=int(row["routing_delay"]),
        vc_allocation_cycles=int(row["vc_alloc_delay"]),
        switch_allocation_cycles=int(row["sw_alloc_delay"]),
        traversal_cycles=int(row["switch_traversal_delay"]),
        link_cycles=int(row["link_latency"]),
        speculative=row["speculative_sa"] == "1",
        vcs=int(row["vcs"]),
        buffer_flits=int(row["buf_flits_per_vc"]),
        credit_cycles=int(row["credit_delay"]),
    )


def setting(row: Row, seed: int = 0) -> Setting:
    """Network and traffic of a row."""
    side, packets = int(row["mesh_k"]), row.get("packets_per_node")
    return Setting(
        columns=side,
        rows=side,
        router=router(row),
        boundaries=_boundaries(row),
        traffic=TRAFFIC.get(row["traffic"], row["traffic"]),
        packet_flits=int(row["packet_flits"]),
        packets_per_node=int(packets) if packets else None,
        seed=seed,
    )


def label(row: Row) -> str:
    """Network and traffic of a row in few words."""
    delays = ",".join(row[f"{name}_delay"] for name in ("routing", "vc_alloc", "sw_alloc", "switch_traversal"))
    words = [
        f"{row['mesh_k']}x{row['mesh_k']} {row['traffic']}",
        f"{row['packet_flits']} flits",
        f"{row['vcs']} x {row['buf_flits_per_vc']}",
        delays,
    ]
    if row["credit_delay"] != "0":
        words.append(f"credit +{row['credit_delay']}")
    if row["d2d_after_column"]:
        words.append(f"D2D {row['d2d_link_latency']} cycles, {row['d2d_cycles_per_flit']} a flit")
    if row.get("packets_per_node"):
        words.append(f"{row['packets_per_node']} packets")
    return ", ".join(words)


def network(row: Row) -> tuple[str, ...]:
    """What tells one network with its traffic from another."""
    return tuple(row[name] for name in NETWORK)


def _boundaries(row: Row) -> tuple[Boundary, ...]:
    if not row["d2d_after_column"]:
        return ()
    return (
        Boundary(
            after_column=int(row["d2d_after_column"]),
            link_cycles=int(row["d2d_link_latency"]),
            cycles_per_flit=float(row["d2d_cycles_per_flit"]),
        ),
    )
