from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from house_paths import ROOT

from axonal.study.front import FAMILIES
from axonal.study.front.best import best_code
from axonal.study.front.results import REQUIRED

PARETO = ROOT / "experiments" / "pareto"
RESULTS = sorted((PARETO / "results").glob("*.json"))


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, words)], check=False, capture_output=True, text=True)


def test_every_text_says_what_the_committed_points_say() -> None:
    found = run(PARETO / "report.py", "--check")
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_committed_points_have_their_names_and_the_bits_that_were_expected(path: Path) -> None:
    for point in json.loads(path.read_text(encoding="utf-8")):
        assert set(REQUIRED) <= point.keys()
        assert FAMILIES[point["code"]].control == point["control"]
        assert point["bits_per_element"] > 0
        assert not point["commit"].endswith("dirty")


@pytest.mark.parametrize("task", ["classification", "language"])
def test_the_default_of_a_comparison_was_trained_for_packets(task: str) -> None:
    best = best_code(task)  # type: ignore[arg-type]
    assert FAMILIES[best.key].prior == "packets"
    assert "experiments/pareto" in best.reason


def test_the_study_runs_at_a_tiny_size(tmp_path: Path) -> None:
    found = run(PARETO / "run.py", "--quick", "--out", tmp_path, "--cache", tmp_path / "cache", "--workers", "1")
    assert found.returncode == 0, found.stdout + found.stderr
    points = json.loads((tmp_path / "digits.json").read_text(encoding="utf-8"))
    assert {point["code"] for point in points} == {"graded", "bottleneck", "int2"}
    assert (tmp_path / "digits.svg").exists()
