"""The experiment that holds the closed form against the cycle-level engine, on a handful of small systems."""

import json
import subprocess
import sys
from pathlib import Path

EXPERIMENT = Path(__file__).resolve().parents[2] / "experiments" / "noc_analytical"


def test_the_experiment_runs_on_small_systems_and_keeps_its_error_bars(tmp_path: Path) -> None:
    few = ["--first", "4001", "--systems", "4", "--bursts", "1", "--periods", "1", "--most-routers", "25"]
    command = [sys.executable, str(EXPERIMENT / "run.py"), *few, "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    result = json.loads((tmp_path / "errors.json").read_text())
    means = [result["classes"][0][f"at_{load}%"]["mean_percent"] for load in (30, 60, 80)]
    assert all(mean <= bar for mean, bar in zip(means, (1.5, 5.0, 10.0), strict=True))
    assert (tmp_path / "errors.svg").read_text().startswith("<svg")


def test_the_committed_errors_keep_their_bars_and_say_what_made_them() -> None:
    result = json.loads((EXPERIMENT / "results" / "errors.json").read_text())
    assert len(result["systems"]) >= 200
    everything = next(row for row in result["classes"] if row["class"] == "all")
    means = [everything[f"at_{load}%"]["mean_percent"] for load in (30, 60, 80)]
    assert all(mean <= bar for mean, bar in zip(means, (1.5, 5.0, 10.0), strict=True))
    assert result["commit"] != "unknown"
    assert not result["commit"].endswith("-dirty")
