"""Hold the network engine against the reference numbers, and write what came out.

Run from anywhere: `python experiments/noc_validation/run.py`. It writes `results/validation.json`, the figures in
`docs/images` and the page `docs/noc_validation.md`. With `--page` only page and figures are made, from the committed
results; with `--check` nothing is written, and the exit status is 1 when the page does not say what the results say.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import exact
import page
import rows
import statistical

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results" / "validation.json"


def main(arguments: list[str] | None = None) -> int:
    """Run the parts that were asked for, or check or draw the page."""
    chosen = _parser().parse_args(arguments)
    if not (chosen.page or chosen.check):
        if not chosen.reference.is_dir():
            print(f"skipped: {chosen.reference} is not there; say where the reference files are with --reference")
            return 0
        _run(chosen)
    if not RESULTS.is_file():
        print(f"skipped: {RESULTS} is not there; run without --page and --check first")
        return 0
    stale = [
        path for path, text in page.files(ROOT, json.loads(RESULTS.read_text(encoding="utf-8"))) if _differs(path, text)
    ]
    for path, text in page.files(ROOT, json.loads(RESULTS.read_text(encoding="utf-8"))):
        if path in stale and not chosen.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'is out of date: run with --page' if chosen.check else 'written'}")
    return 1 if chosen.check and stale else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reference", type=Path, default=rows.REFERENCE, help="folder of the reference files")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of steady loads and bursts (searches: 3 at most)")
    parser.add_argument("--only", choices=("golden", "zero_load", "steady", "saturation", "bursts"), help="one part")
    parser.add_argument("--page", action="store_true", help="only write the page from the committed results")
    parser.add_argument("--check", action="store_true", help="only check that the page says what the results say")
    return parser


def _run(chosen: argparse.Namespace) -> None:
    folder, seeds = chosen.reference, tuple(range(1, chosen.seeds + 1))
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "golden": lambda: exact.golden(folder),
        "zero_load": lambda: exact.zero_load(folder),
        "bursts": lambda: statistical.bursts(folder, seeds, print),
        "steady": lambda: statistical.steady(folder, seeds, print),
        "saturation": lambda: statistical.saturation(folder, seeds[:3], print),
    }
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for name, part in parts.items():
        if chosen.only in (None, name):
            start_s = time.perf_counter()
            found[name] = {**part(), "elapsed_s": round(time.perf_counter() - start_s, 1), **_provenance(seeds)}
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            print(f"{name}: done in {found[name]['elapsed_s']} s")


def _provenance(seeds: tuple[int, ...]) -> dict[str, Any]:
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    commit = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "commit": commit.stdout.strip() or "unknown",
        "seeds": list(seeds),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "numba")},
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
    }


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != text


if __name__ == "__main__":
    sys.exit(main())
