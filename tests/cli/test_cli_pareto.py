"""`axonal pareto`: what it writes and prints, what an interruption leaves, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Answer, axonal, keep_inside

from axonal.cli import pareto_running
from axonal.study.front import FAMILIES, FrontRequest, pareto

BAD_INPUT, INTERRUPTED = 2, 130
OUT = "pareto"
TINY = ("--targets", "0.5", "--seeds", "0", "--quick", "--steps", "4,2", "--workers", "1", "--out", OUT)
"""Trains for a few seconds."""


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_inside(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answer, Path]:
    """One real front for every test that only needs its files."""
    folder = tmp_path_factory.mktemp("front")
    options = ("--codes", "graded,int2", *TINY, "--cache", str(folder / "cache"), "--out", str(folder / OUT))
    answer = axonal("pareto", "digits", "mlp", *options)
    assert answer.status == 0, answer.err
    return answer, folder


@pytest.fixture
def points(trained: tuple[Answer, Path]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((trained[1] / OUT / "digits.json").read_text())
    return found


def front(*words: str, codes: str = "graded,int2") -> Answer:
    """The tiny front with these options instead of or beside the usual ones."""
    return axonal("pareto", "digits", "mlp", "--codes", codes, *TINY, *words)


@pytest.fixture
def untrained(points: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[FrontRequest]:
    """Nothing is trained: what would be is looked up among real points, and who asked is written down."""
    asked: list[FrontRequest] = []

    def look_up(request: FrontRequest, watcher: object) -> list[dict[str, Any]]:
        asked.append(request)
        (code,) = request.codes
        if code == "fp16":
            raise KeyboardInterrupt
        if code == "int8":
            raise RuntimeError("the roof is on fire")
        return [point for point in points if point["code"] == code]

    monkeypatch.setattr(pareto_running, "pareto", look_up)
    return asked


def kept(folder: Path, name: str = "digits.json") -> list[str]:
    return [point["code"] for point in json.loads((folder / OUT / name).read_text())]


def test_points_picture_and_page_are_written_and_the_table_printed(trained: tuple[Answer, Path]) -> None:
    answer, folder = trained
    assert sorted(path.name for path in (folder / OUT).iterdir()) == ["digits.html", "digits.json", "digits.svg"]
    assert kept(folder) == ["graded", "int2"]
    for word in ("graded", "int2", "digits mlp on snap_4x4_2", "At a loss of at most 0.5 points", "digits.html"):
        assert word in answer.out


def test_a_second_run_is_read_from_the_cache_and_gives_the_same_file(trained: tuple[Answer, Path]) -> None:
    _, folder = trained
    before = (folder / OUT / "digits.json").read_text()
    again = front("--cache", str(folder / "cache"), "--out", str(folder / OUT), "--json")
    assert again.status == 0, again.err
    assert (folder / OUT / "digits.json").read_text() == before
    assert json.loads(again.out) == json.loads(before)


def test_every_code_is_asked_for_alone_with_all_seeds_and_options(untrained: list[FrontRequest]) -> None:
    answer = front("--seeds", "0,1", "--targets", "0.5,0.25", "--system", "quad_chiplet", "--workers", "2")
    assert answer.status == 0, answer.err
    assert [request.codes for request in untrained] == [("graded",), ("int2",)]
    first = untrained[0]
    assert (first.data, first.network, first.system, first.workers) == ("digits", "mlp", "quad_chiplet", 2)
    assert (first.seeds, first.targets, first.steps, first.quick) == ((0, 1), (0.5, 0.25), (4, 2), True)
    assert replace(first, codes=("int2",)) == untrained[1]


def test_all_codes_are_run_when_none_is_named(untrained: list[FrontRequest]) -> None:
    axonal("pareto", "digits", "mlp", *TINY)
    assert [request.codes[0] for request in untrained] == list(FAMILIES)[: len(untrained)]


def test_an_interruption_keeps_what_is_finished(untrained: list[FrontRequest], tmp_path: Path) -> None:
    answer = front(codes="graded,fp16,int2")
    assert answer.status == INTERRUPTED
    assert "stopped: 1 of 3 codes are finished and in pareto/digits.json" in answer.complaint
    assert "the same command" in answer.complaint
    assert kept(tmp_path) == ["graded"]
    assert (tmp_path / OUT / "digits.html").exists()


def test_a_fault_keeps_what_is_finished(untrained: list[FrontRequest], tmp_path: Path) -> None:
    answer = front(codes="graded,int8,int2")
    assert answer.status == 4
    assert "the roof is on fire" in answer.complaint
    assert "1 of 3 codes are finished" in answer.err
    assert kept(tmp_path) == ["graded"]


def test_codes_are_added_to_those_that_are_there(untrained: list[FrontRequest], tmp_path: Path) -> None:
    for code in ("int2", "graded", "graded"):
        assert front(codes=code).status == 0
    assert kept(tmp_path) == ["graded", "int2"]


def test_points_of_another_dense_network_are_moved_aside(
    untrained: list[FrontRequest], points: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / OUT).mkdir()
    other = [{**point, "dense_quality": 0.5} for point in points]
    (tmp_path / OUT / "digits.json").write_text(json.dumps(other))
    answer = front(codes="graded")
    assert answer.status == 0
    assert "digits.before.json" in answer.err
    assert kept(tmp_path) == ["graded"]
    assert kept(tmp_path, "digits.before.json") == ["graded", "int2"]


def test_drawing_again_trains_nothing(
    untrained: list[FrontRequest], points: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / OUT).mkdir()
    (tmp_path / OUT / "digits.json").write_text(json.dumps(points))
    answer = axonal("pareto", "digits", "--draw", "--out", OUT)
    assert answer.status == 0, answer.err
    assert untrained == []
    assert "graded" in answer.out
    assert (tmp_path / OUT / "digits.svg").exists()


def test_codes_are_listed_without_data() -> None:
    answer = axonal("pareto", "--list")
    assert answer.status == 0
    assert [code for code, item in FAMILIES.items() if not (code in answer.out and item.label in answer.out)] == []
    listed = json.loads(axonal("pareto", "--list", "--json").out)
    assert [item["code"] for item in listed] == list(FAMILIES)
    assert {item["targets"] for item in listed} == {"held", "chosen", "sized", "fixed"}


WRONG = {
    "code unknown": (("--codes", "graded,grated"), ("'grated'", "graded")),
    "code twice": (("--codes", "graded,graded"), ("graded, graded", "different")),
    "codes none": (("--codes", ","), ("codes are none",)),
    "target nothing": (("--targets", "0"), ("target", "0.0", "> 0")),
    "target in words": (("--targets", "half"), ("--targets", "'half'", "0.5,0.25")),
    "target twice": (("--targets", "0.5,0.5"), ("targets", "different")),
    "seeds in words": (("--seeds", "one"), ("--seeds", "'one'", "whole numbers")),
    "seeds negative": (("--seeds=-1",), ("-1", ">= 0")),
    "steps of one kind": (("--steps", "5"), ("--steps", "'5'", "two whole numbers")),
    "steps none": (("--steps", "0,1"), ("steps", "0, 1", ">= 1")),
    "workers none": (("--workers", "0"), ("workers", "0", ">= 1")),
    "system unknown": (("--system", "snap_4x4_3"), ("'snap_4x4_3'",)),
    "start missing": (("--start", "nowhere.safetensors"), ("--start nowhere.safetensors", "is no file")),
    "out below a file": (("--out", "/dev/null/deep"), ("--out", "/dev/null/deep", "cannot be written")),
    "cache below a file": (("--cache", "/dev/null/deep"), ("--cache", "/dev/null/deep", "cannot be written")),
}


@pytest.mark.parametrize(("words", "expected"), WRONG.values(), ids=WRONG)
def test_a_wrong_option_is_refused_before_training(
    words: tuple[str, ...], expected: tuple[str, ...], tmp_path: Path
) -> None:
    answer = front(*words)
    assert answer.status == BAD_INPUT
    assert [part for part in expected if part not in answer.complaint] == []
    assert list(tmp_path.iterdir()) == [], "nothing was trained, and no empty folder is left behind"


def test_an_unknown_dataset_is_refused() -> None:
    answer = axonal("pareto", "digitz", *TINY)
    assert answer.status == BAD_INPUT
    assert "'digitz'" in answer.complaint


@pytest.mark.parametrize(
    ("words", "expected"),
    [((), "DATA is missing"), (("digits", "--draw"), "results/pareto/digits.json has 0 points, must be at least 1")],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], expected: str) -> None:
    answer = axonal("pareto", *words)
    assert answer.status == BAD_INPUT
    assert expected in answer.complaint


@pytest.mark.parametrize("text", ["{", "[{}]", "{}"])
def test_a_file_that_is_no_list_of_points_is_found_before_training(
    text: str, untrained: list[FrontRequest], tmp_path: Path
) -> None:
    (tmp_path / OUT).mkdir()
    (tmp_path / OUT / "digits.json").write_text(text)
    answer = front()
    assert answer.status == BAD_INPUT
    assert "digits.json" in answer.complaint
    assert untrained == []
    assert (tmp_path / OUT / "digits.json").read_text() == text


def test_the_verb_runs_the_study_itself() -> None:
    assert pareto_running.pareto is pareto
