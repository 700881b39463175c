"""What the verbs answer when all is well: files, tables, JSON, help."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import SYSTEM, TINY, Done, axonal, done_once, keep_inside

import axonal as package
from axonal.hardware import load, presets

VERBS = ("compare", "noc", "systems", "check", "report", "doctor")

WITHOUT_TORCH = """
import sys
from axonal.cli.app import _status
for words in {calls!r}:
    sys.argv = ["axonal", *words]
    assert _status() == 0, words
    assert "torch" not in sys.modules, words
"""


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_inside(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return done_once(tmp_path_factory.getbasetemp())


def result_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return found


def test_a_comparison_leaves_result_report_and_trace_and_prints_the_verdict(done: Done) -> None:
    assert {path.name for path in done.out.iterdir()} == {"result.json", "report.html", "trace.json"}
    result = result_of(done.out)
    printed = " ".join(done.answer.out.split())
    assert ("DOES NOT PAY " if not result["verdict"]["pays"] else "PAYS ") + result["verdict"]["sentence"] in printed
    for name in ("report.html", "result.json", "trace.json"):
        assert str(done.out / name) in done.answer.out


def test_the_same_command_again_answers_from_the_cache_with_the_same_result(done: Done, tmp_path: Path) -> None:
    answer = axonal("compare", "digits", *TINY, "--cache", str(done.cache), "--out", "again", "--json")
    assert answer.status == 0
    assert "nothing had to be trained" in answer.err
    assert json.loads(answer.out) == result_of(done.out) == result_of(tmp_path / "again")


def test_without_out_files_are_in_results_under_the_name_of_the_data(done: Done, tmp_path: Path) -> None:
    answer = axonal("compare", "digits", *TINY, "--cache", str(done.cache))
    assert answer.status == 0
    assert result_of(tmp_path / "results" / "digits") == result_of(done.out)


def test_options_reach_the_comparison(done: Done, tmp_path: Path) -> None:
    words = ["--variants", "ann", "--out", "other"]
    words += ["--set", "links.ucie.energy=5pJ/bit", "--set", "packet_header=32 bit"]
    answer = axonal("compare", "digits", *TINY, "--cache", str(done.cache), *words)
    assert answer.status == 0
    old, new = result_of(done.out), result_of(tmp_path / "other")
    assert new["system"]["links"][0]["energy_pj_per_bit"] == 5
    assert new["system"]["packet_header_bits"] == 32
    ratio = new["variants"]["ann"]["energy_pj"]["d2d"] / old["variants"]["ann"]["energy_pj"]["d2d"]
    assert ratio == pytest.approx(10)
    assert "--set 'links.ucie.energy=5pJ/bit' --set 'packet_header=32 bit'" in new["command"]


def test_a_report_is_drawn_again_from_its_result(done: Done, tmp_path: Path) -> None:
    shutil.copy(done.out / "result.json", tmp_path)
    for words in (("report", "."), ("report", "result.json", "--out", "deep/er")):
        answer = axonal(*words)
        assert answer.status == 0
        assert "report:" in answer.out
    for folder in (tmp_path, tmp_path / "deep" / "er"):
        for name in ("report.html", "trace.json", "result.json"):
            assert (folder / name).read_bytes() == (done.out / name).read_bytes()


def test_check_calls_a_good_file_fine(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SYSTEM)
    answer = axonal("check", "mine.yaml")
    assert (answer.status, answer.out, answer.err) == (0, "mine.yaml: fine\n", "")
    assert axonal("check", "mine.yaml", "--json").out == "[]\n"


def test_systems_lists_every_preset() -> None:
    answer = axonal("systems")
    assert answer.status == 0
    assert all(name in answer.out for name in presets())
    assert [item["name"] for item in json.loads(axonal("systems", "--json").out)] == list(presets())


@pytest.mark.parametrize("name", presets())
def test_a_system_is_shown_with_every_constant(name: str) -> None:
    answer = axonal("systems", name)
    assert answer.status == 0
    assert all(constant.key in answer.out for constant in load(name).constants)
    shown = json.loads(axonal("systems", name, "--json").out)
    assert [item["key"] for item in shown["constants"]] == [constant.key for constant in load(name).constants]


def test_doctor_says_what_there_is() -> None:
    found = json.loads(axonal("doctor", "--json").out)
    assert found["axonal"] == package.__version__
    assert found["data"]["digits"].startswith("found")
    assert found["data"]["mnist"].startswith("not found")
    assert "torch" in axonal("doctor").out


def test_the_version_is_printed() -> None:
    assert axonal("--version").out == f"axonal {package.__version__}\n"


@pytest.mark.parametrize("words", [("--help",), ("-h",), *((verb, "--help") for verb in VERBS)])
def test_every_verb_explains_itself(words: tuple[str, ...]) -> None:
    answer = axonal(*words)
    assert answer.status == 0
    assert "Usage: axonal" in answer.out
    assert answer.err == ""


@pytest.mark.parametrize("words", ["results/DATA", "AXONAL_DATA", "AXONAL_CACHE", "module:function", "each core"])
def test_help_names_what_stands_behind_an_option_that_is_not_given(words: str) -> None:
    assert words in axonal("compare", "--help").out


def test_a_call_without_a_verb_shows_the_verbs() -> None:
    answer = axonal()
    assert all(verb in answer.out + answer.err for verb in VERBS)


def test_only_training_imports_torch(done: Done, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SYSTEM)
    calls = [["--version"], ["--help"], *([verb, "--help"] for verb in VERBS)]
    calls += [["systems"], ["systems", "quad_serdes", "--json"], ["report", str(done.out), "--out", "drawn"]]
    calls += [["check", "mine.yaml"]]
    script = WITHOUT_TORCH.format(calls=calls)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
