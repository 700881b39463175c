from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from house_paths import ROOT
from house_results import result

COMPARE = ROOT / "experiments" / "compare"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(COMPARE))
    return import_module("collect")


def test_every_page_says_what_the_committed_results_say() -> None:
    found = subprocess.run(
        [sys.executable, COMPARE / "collect.py", "--check"], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_committed_results_are_full_runs(script: ModuleType) -> None:
    for path in sorted((COMPARE / "results").glob("*.json")):
        assert path.stem in script.figures.RUNS
        committed = json.loads(path.read_text(encoding="utf-8"))
        assert script.stripped(committed) == committed


def test_every_proof_of_a_capability_exists(script: ModuleType) -> None:
    assert script.capabilities.missing_proofs(ROOT) == []


@pytest.mark.parametrize("proof", ["tests/house/test_house_results.py::test_nothing", "tests/none.py::test_a", "none"])
def test_a_capability_without_proof_is_refused_by_name(script: ModuleType, proof: str) -> None:
    claim = import_module("claims").Capability(claim="everything", proofs=(proof,))
    with pytest.raises(ValueError, match=f"there is no {proof}"):
        script.capabilities.page(ROOT, {}, {"area": (claim,)})


def test_what_was_not_measured_is_said_to_be_so(script: ModuleType) -> None:
    texts = [script.figures.summary({}), script.figures.details({}), script.capabilities.page(ROOT, {})]
    assert all("not measured yet" in text.lower() for text in texts)


def test_figures_are_those_of_the_result(script: ModuleType) -> None:
    results = {"digits": result()}
    row = script.figures.summary(results).splitlines()[2]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "digits, cnn",
        "two_dies",
        "90.0 ± 1.0 %",
        "89.0 ± 1.0 %",
        "1.00",
        "0.125",
        "0.25",
        "0.5",
        "yes",
    ]
    page = script.capabilities.page(ROOT, results)
    for figure in (
        "8.0x fewer bits",
        "energy x0.25 (4.00x efficiency), latency x0.50 (2.00x speed)",
        "energy wins above 3 pJ/bit",
    ):
        assert figure in page
    assert "2 boundaries, largest difference 0.50 bytes" in page
    assert "not measured yet" not in page


def test_every_variant_is_in_the_details_and_every_text_says_where_it_is_from(script: ModuleType) -> None:
    text = script.figures.details({"digits": result()})
    assert {"variant of 8000 bits", "variant of 1000 bits"} <= {cell.strip() for cell in text.split("|")}
    for origin in ("0123abcd", "torch 9.9", "an abacus", "in 2 min", "axonal compare digits"):
        assert origin in text


def test_a_result_is_stripped_of_pictures_only_and_only_once(script: ModuleType) -> None:
    whole = result()
    short = script.stripped(whole)
    assert script.stripped(short) == short
    assert all(item["links"] == item["timeline"] == [] for item in short["variants"].values())
    assert {key: value for key, value in short.items() if key != "variants"} == {
        key: value for key, value in whole.items() if key != "variants"
    }


@pytest.mark.parametrize("short", [result(seeds=2), result(quick=True)])
def test_a_short_run_is_not_collected(script: ModuleType, short: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="is no full run"):
        script.stripped(short)


def test_only_the_block_between_the_markers_is_replaced(script: ModuleType) -> None:
    figures = script.figures
    page = f"before\n{figures.BEGIN}\nold\n{figures.END}\nafter"
    new = figures.between_markers(page, "new")
    assert new == page.replace("old", "new")
    assert figures.between_markers(new, "new") == new


@pytest.mark.parametrize("page", ["", "{0}", "{1}{0}", "{0}{0}{1}", "{0}{1}{1}"])
def test_a_page_without_clear_markers_is_refused(script: ModuleType, page: str) -> None:
    with pytest.raises(ValueError, match="each once"):
        script.figures.between_markers(page.format(script.figures.BEGIN, script.figures.END), "new")


def test_collecting_writes_results_and_all_pages_that_quote_them(script: ModuleType, tmp_path: Path) -> None:
    for name in ("README.md", "docs/capabilities.md", "experiments/compare/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    others = [f"experiments/{name}" for name in ("engines", "noc_analytical", "noc_validation", "pareto", "runtime")]
    for name in ("tests", "benchmarks", *others):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for script_file in COMPARE.glob("*.py"):
        shutil.copy(script_file, tmp_path / "experiments" / "compare")
    run = tmp_path / "results" / "compare" / "digits"
    run.mkdir(parents=True)
    (run / "result.json").write_text(json.dumps(result()))
    command: list[str | Path] = [sys.executable, tmp_path / "experiments" / "compare" / "collect.py"]
    subprocess.run(command, check=True, capture_output=True)
    assert "digits, cnn | two_dies" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "8.0x fewer bits" in (tmp_path / "docs" / "capabilities.md").read_text(encoding="utf-8")
    assert subprocess.run([*command, "--check"], check=False, capture_output=True).returncode == 0
