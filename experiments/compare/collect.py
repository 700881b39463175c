"""Commit what `make compare` measured: strip the results, and write the pages that quote them.

Run from anywhere: `python experiments/compare/collect.py`. With `--check` nothing is written; the exit status is 1
when a page does not say what the committed results say.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import capabilities
import figures

__all__ = ["main", "pages", "stripped"]

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = Path(__file__).resolve().parent / "results"
FEWEST_SEEDS = 3


def stripped(result: Mapping[str, Any]) -> dict[str, Any]:
    """A full result without what only pictures need; `axonal report` can still draw it.

    Raises:
        ValueError: It is no result of schema 1, or not of a full run.
    """
    if result.get("schema_version") != 1 or not isinstance(result.get("variants"), dict):
        raise ValueError(f"schema_version is {result.get('schema_version')!r}, must be 1: run `make compare` again")
    seeds = result["seeds"]
    if "--quick" in result["command"].split() or len(seeds) < FEWEST_SEEDS:
        raise ValueError(f"`{result['command']}` is no full run: leave out --quick, and give {FEWEST_SEEDS} seeds")
    variants = {name: {**variant, "links": [], "timeline": []} for name, variant in result["variants"].items()}
    return {**result, "variants": variants}


def pages(root: Path, results: figures.Results) -> dict[Path, str]:
    """Every page that quotes results, as it has to be."""
    readme, own = root / "README.md", root / "experiments" / "compare" / "README.md"
    return {
        readme: figures.between_markers(readme.read_text(encoding="utf-8"), figures.summary(results)),
        own: figures.between_markers(own.read_text(encoding="utf-8"), figures.details(results)),
        root / "docs" / "capabilities.md": capabilities.page(root, results),
    }


def main(arguments: list[str] | None = None) -> int:
    """Collect and write, or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is out of date")
    parser.add_argument("--source", type=Path, default=ROOT / "results" / "compare", help="where the runs are")
    chosen = parser.parse_args(arguments)
    if not chosen.check:
        _collect(chosen.source)
    stale = []
    for path, text in pages(ROOT, figures.load_results(COMMITTED)).items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT))
        if not chosen.check:
            path.write_text(text, encoding="utf-8")
    for page in stale:
        print(f"{page}: {'is out of date: run experiments/compare/collect.py' if chosen.check else 'written'}")
    return 1 if chosen.check and stale else 0


def _collect(source: Path) -> None:
    COMMITTED.mkdir(exist_ok=True)
    for name in figures.RUNS:
        path = source / name / "result.json"
        if not path.is_file():
            print(f"{name}: no {path}; what is committed stays")
            continue
        try:
            result = stripped(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise SystemExit(f"{path}: {error}") from error
        if "dirty" in result["commit"] or result["commit"] == "unknown":
            print(f"{name}: warning: made from {result['commit']}, which nobody can check out")
        (COMMITTED / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: collected")


if __name__ == "__main__":
    sys.exit(main())
