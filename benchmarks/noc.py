"""How fast the network engine is, beside BookSim2, and how its time and memory grow.

Run with `python benchmarks/noc.py [--reference FOLDER] [--out FILE]`. Processor time, compilation excluded, best of
some runs, one thread. The BookSim2 figures are those of `speed.csv` in the reference folder, measured on a machine of
the same class; without that file the ratios are left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from axonal.hardware import Router
from axonal.simulation.network.fabric import Boundary, Fabric, grid
from axonal.simulation.network.measuring import compile_engine
from axonal.simulation.network.patterns import uniform
from axonal.simulation.network.running import Run
from axonal.simulation.network.traffic import Arrivals, burst_packets

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "noc"
PIECE = 5000
"""Cycles of traffic that are made at a time."""


def mesh(side: int, vcs: int = 4, boundaries: tuple[Boundary, ...] = ()) -> Fabric:
    """A square mesh of the routers of the reference."""
    return grid(side, side, Router(vcs=vcs, buffer_flits=8), boundaries=boundaries)


def open_loop(fabric: Fabric, rate: float, flits: int, cycles: int) -> dict[str, float]:
    """Uniform traffic for so many cycles; traffic is made while the clock runs."""
    side = fabric.machine.columns
    start_s = time.process_time()
    arrivals = Arrivals(uniform(side, side), rate, flits, seed=1)
    run = Run(fabric, arrivals.until(min(PIECE, cycles)))
    run.advance(min(PIECE, cycles))
    for end in range(2 * PIECE, cycles + 1, PIECE):
        run.extend(arrivals.until(end))
        run.advance(end)
    cpu_s = time.process_time() - start_s
    return {
        "cycles": cycles,
        "packets": len(run.packets),
        "cpu_s": cpu_s,
        "cycles_per_cpu_s": cycles / cpu_s,
        "flit_hops_per_cpu_s": run.flit_hops / cpu_s,
    }


def million() -> dict[str, float]:
    """A million packets of one flit on 8x8, sent as fast as the nodes can."""
    fabric = mesh(8)
    start_s = time.process_time()
    run = Run(fabric, burst_packets(uniform(8, 8), 15_625, 1, seed=1))
    run.advance()
    cpu_s = time.process_time() - start_s
    return {
        "cycles": run.now,
        "packets": len(run.packets),
        "cpu_s": cpu_s,
        "cycles_per_cpu_s": run.now / cpu_s,
        "flit_hops_per_cpu_s": run.flit_hops / cpu_s,
    }


def sixteen_dies() -> dict[str, float]:
    """4,096 cores in 16 dies of 4 columns, 100,000 cycles at a load of 0.01 flits per node and cycle."""
    cuts = tuple(Boundary(after_column=4 * die + 3, link_cycles=10) for die in range(15))
    return open_loop(mesh(64, boundaries=cuts), 0.01, 4, 100_000)


CASES: dict[str, Callable[[], dict[str, float]]] = {
    "8x8, 20,000 cycles at 0.1": lambda: open_loop(mesh(8), 0.1, 4, 20_000),
    "8x8, 200,000 cycles at 0.1": lambda: open_loop(mesh(8), 0.1, 4, 200_000),
    "8x8, 1,000,000 packets of 1 flit": million,
    "64x64 in 16 dies, 100,000 cycles at 0.01": sixteen_dies,
}
"""Each in a process of its own, so that its memory can be told from that of the others."""


def best(work: Callable[[], dict[str, float]], repeats: int = 3) -> dict[str, float]:
    """The fastest of some runs, so that other work on the machine counts least."""
    return min((work() for _ in range(repeats)), key=lambda found: found["cpu_s"])


def beside_booksim(reference: Path) -> list[dict[str, float]]:
    """The rows of `speed.csv`, ours beside them."""
    path = reference / "speed.csv"
    if not path.is_file():
        print(f"skipped the comparison: {path} is not there", file=sys.stderr)
        return []
    found = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            side, vcs, flits, rate = (float(row[name]) for name in ("mesh_k", "vcs", "packet_flits", "offered"))
            fabric = mesh(int(side), int(vcs))
            ours = best(lambda f=fabric, r=rate, p=int(flits): open_loop(f, r, p, 20_000))  # type: ignore[misc]
            theirs = float(row["booksim2_cycles_per_cpu_s"]), float(row["booksim2_Mflit_hops_per_cpu_s"]) * 1e6
            found.append(
                {
                    "side": side,
                    "vcs": vcs,
                    "packet_flits": flits,
                    "offered": rate,
                    **ours,
                    "booksim_cycles_per_cpu_s": theirs[0],
                    "booksim_flit_hops_per_cpu_s": theirs[1],
                    "ratio": ours["cycles_per_cpu_s"] / theirs[0],
                }
            )
    return found


def growth() -> dict[str, list[dict[str, float]]]:
    """Time against the number of cores, and against the load."""
    sides = [{"side": side, **best(lambda s=side: open_loop(mesh(s), 0.02, 4, 10_000))} for side in (4, 8, 16, 32, 64)]  # type: ignore[misc]
    rates = (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4)
    loads = [{"offered": rate, **best(lambda r=rate: open_loop(mesh(8), r, 4, 20_000))} for rate in rates]  # type: ignore[misc]
    return {"cores": sides, "loads": loads}


def alone(name: str) -> dict[str, float]:
    """One case in this process, with the memory that it took beyond what was there before (on Linux)."""
    compile_engine()
    before = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * resource.getpagesize()
    found = CASES[name]()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {**found, "peak_growth_mb": (peak - before) / 1e6}


def cases() -> dict[str, dict[str, float]]:
    """Every case, each in a process of its own."""
    found = {}
    for name in CASES:
        command = [sys.executable, __file__, "--case", name]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        found[name] = json.loads(ended.stdout)
    return found


def show(result: dict[str, Any]) -> None:
    """Three tables."""
    console = Console(width=120)
    speed = Table(
        "mesh", "VCs", "flits", "load", "cycles/s", "Mflit-hops/s", "BookSim2 cycles/s", "ratio", title="speed"
    )
    for row in result["speed"]:
        ours = (f"{row['cycles_per_cpu_s']:,.0f}", f"{row['flit_hops_per_cpu_s'] / 1e6:.2f}")
        network = (f"{row['side']:g}x{row['side']:g}", f"{row['vcs']:g}", f"{row['packet_flits']:g}")
        theirs = (f"{row['booksim_cycles_per_cpu_s']:,.0f}", f"{row['ratio']:.1f}")
        speed.add_row(*network, f"{row['offered']:g}", *ours, *theirs)
    grown = Table("cores", "load", "s", "cycles/s", "Mflit-hops/s", "ns a core and cycle", title="growth")
    for row in [*result["growth"]["cores"], *result["growth"]["loads"]]:
        cores = row.get("side", 8) ** 2
        each = row["cpu_s"] / row["cycles"] / cores * 1e9
        speeds = (f"{row['cycles_per_cpu_s']:,.0f}", f"{row['flit_hops_per_cpu_s'] / 1e6:.2f}")
        grown.add_row(f"{cores:g}", f"{row.get('offered', 0.02):g}", f"{row['cpu_s']:.2f}", *speeds, f"{each:.1f}")
    alone_table = Table("case", "packets", "cycles", "s", "Mflit-hops/s", "peak memory grows, MB", title="alone")
    for name, row in result["cases"].items():
        hops, memory = f"{row['flit_hops_per_cpu_s'] / 1e6:.2f}", f"{row['peak_growth_mb']:.0f}"
        alone_table.add_row(name, f"{row['packets']:,}", f"{row['cycles']:,}", f"{row['cpu_s']:.2f}", hops, memory)
    console.print(speed, grown, alone_table, sep="\n")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="folder with speed.csv")
    parser.add_argument("--out", type=Path, help="where to write the figures as JSON")
    parser.add_argument("--case", choices=tuple(CASES), help="one case, as JSON")
    chosen = parser.parse_args()
    if chosen.case:
        print(json.dumps(alone(chosen.case)))
        return
    compile_engine()
    result = {
        "speed": beside_booksim(chosen.reference),
        "growth": growth(),
        "cases": cases(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "numba")},
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
    }
    show(result)
    if chosen.out is not None:
        chosen.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
