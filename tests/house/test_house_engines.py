from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from house_paths import ROOT

ENGINES = ROOT / "experiments" / "engines"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ENGINES))
    for path in ENGINES.glob("*.py"):  # other experiments have files of the same names
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
    return import_module("run")


def test_engines_agree_on_a_few_random_cases(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "BURSTS", script.BURSTS[:2])
    assert script.main(["--quick", "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    assert len(found["rows"]) == script.QUICK
    assert all(0.5 < row["latency_ratio"] < 2 for row in found["rows"])
    assert all(row["throughput_ratio"] > 0.99 for row in found["rows"])
    assert (tmp_path / "agreement.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "bursts over a link" in capsys.readouterr().out


def test_committed_agreement_is_that_of_a_full_run_and_within_what_is_claimed(script: ModuleType) -> None:
    found = json.loads((ENGINES / "results" / "agreement.json").read_text(encoding="utf-8"))
    assert len(found["rows"]) == script.FULL >= 200
    assert len(found["provenance"]["commit"]) == 40
    everything = found["summary"]["all"]
    assert 0.95 < everything["latency_ratio"]["mean"] < 1.05
    bursts = found["bursts"]["bound_by_the_link"]
    assert 0.8 < bursts["least"] <= bursts["most"] < 1.25
    assert script.table(found) in (ENGINES / "README.md").read_text(encoding="utf-8")
