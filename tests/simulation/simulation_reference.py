"""The reference numbers of the experiment on the network engine, for the tests: its modules and its files."""

from __future__ import annotations

import csv
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

__all__ = ["FOLDER", "ROOT", "SOME_GOLDEN", "experiment", "rows_of"]

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT.parent / "shared" / "reference" / "noc"

HEADER = (
    "mesh_k,traffic,packet_flits,vcs,buf_flits_per_vc,routing_delay,vc_alloc_delay,sw_alloc_delay,"
    "switch_traversal_delay,credit_delay,speculative_sa,link_latency,d2d_after_column,d2d_link_latency,"
    "d2d_cycles_per_flit,packets_per_node,cycles_to_inject_all,makespan_cycles,packet_latency_avg,"
    "network_latency_avg,routers_traversed_avg"
)

# Measured with BookSim2, commit 28f43299, in batch mode; permutations, so that no random number is involved.
SOME_GOLDEN = """
8,transpose,4,4,8,1,1,1,1,0,0,1,,,,16,70,494,163.443,140.555,6.25
8,transpose,4,1,4,1,1,1,1,2,0,1,,,,16,940,1050,337.625,74.666,6.25
8,neighbor,4,4,8,0,1,1,1,0,0,1,,,,16,61,126,45.5,23.0,4.5
8,bit complement,8,2,4,1,1,1,1,0,0,1,,,,8,332,445,228.578,119.523,9.0
8,tornado,1,1,8,1,1,1,1,0,0,1,,,,16,31,245,130.132,126.522,8.5
8,bit complement,4,4,8,1,1,1,1,0,0,1,3,20,8,16,291,2099,1089.59,1054.42,9.0
"""


def rows_of(text: str) -> list[dict[str, str]]:
    """Rows of the golden file that are written down here."""
    return list(csv.DictReader([HEADER, *text.strip().splitlines()]))


def experiment(name: str) -> ModuleType:
    """A module of the experiment."""
    folder = str(ROOT / "experiments" / "noc_validation")
    sys.path.insert(0, folder)
    try:
        return import_module(name)
    finally:
        sys.path.remove(folder)
