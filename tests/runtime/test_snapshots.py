"""Checkpoints: a run that was killed and started again ends as if nothing had happened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
import torch
from pipeline_acts import lesson_of
from pipeline_forks import Ending, ranks
from pipeline_models import cut
from snapshots_acts import FAST, Course, fitted, full_disk

from axonal.runtime.pipeline import PipelineSettings
from axonal.runtime.stages import Stage


@cache
def stages_of(number: int = 2) -> tuple[Stage, ...]:
    return cut("skips", number, "leaky").stages()


def course(folder: Path | None) -> Course:
    piece = cut("skips", 2, "leaky")
    with torch.no_grad():
        lesson = lesson_of(piece.inputs, piece.whole(piece.inputs))
    return Course(folder=folder, lesson=lesson, plan=PipelineSettings(schedule="1f1b", **FAST))  # type: ignore[arg-type]


@cache
def unbroken() -> list[Ending]:
    return whole(ranks(2, fitted, stages_of(), course(None)))


def whole(endings: Sequence[Ending]) -> list[Ending]:
    assert [ending.text for ending in endings] == [""] * len(endings)
    return list(endings)


def same(found: Sequence[Ending], wanted: Sequence[Ending]) -> bool:
    """Whether two runs ended with the same losses and weights, bit for bit."""
    return all(
        one.value["losses"] == other.value["losses"] and one.value["weights"] == other.value["weights"]
        for one, other in zip(found, wanted, strict=True)
    )


def steps_in(folder: Path) -> list[int]:
    return sorted(int(path.name.split("-")[1]) for path in folder.glob("step-*"))


@pytest.mark.parametrize(("rank", "step", "wait_s"), [(0, 5, 0.0), (1, 4, 0.001), (0, 2, 0.02), (1, 7, 0.005)])
def test_a_run_that_was_killed_ends_as_the_unbroken_one(tmp_path: Path, rank: int, step: int, wait_s: float) -> None:
    broken = ranks(2, fitted, stages_of(), course(tmp_path), (rank, step, wait_s))
    assert broken[rank].exit_code == -9
    assert broken[1 - rank].fault == "PeerLost"
    assert steps_in(tmp_path)
    again = whole(ranks(2, fitted, stages_of(), course(tmp_path)))
    assert again[0].value["first_step"] == again[1].value["first_step"] <= step + 1
    assert same(again, unbroken())


def test_a_checkpoint_that_is_not_whole_is_passed_over(tmp_path: Path) -> None:
    whole(ranks(2, fitted, stages_of(), course(tmp_path).until(4)))
    assert steps_in(tmp_path) == [2, 4]
    newest = tmp_path / "step-00000004"
    spoiled = {
        "without manifests": lambda path: [item.unlink() for item in path.glob("manifest-*")],
        "cut off": lambda path: (path / "stage-1.safetensors").write_bytes(
            (path / "stage-1.safetensors").read_bytes()[:-100]
        ),
        "half a manifest": lambda path: [item.write_text(item.read_text()[:50]) for item in path.glob("manifest-*")],
        "without a stage": lambda path: (path / "stage-0.safetensors").unlink(),
    }
    for what, spoil in spoiled.items():
        copied = tmp_path.with_name(f"{tmp_path.name}-{what}".replace(" ", "-"))
        shutil.copytree(tmp_path, copied)
        spoil(copied / newest.name)
        resumed = whole(ranks(2, fitted, stages_of(), course(copied).until(4)))
        assert [ending.value["first_step"] for ending in resumed] == [2, 2], what
        assert not list(copied.rglob(".*")), what  # nothing half-written is left


def test_a_folder_of_another_partition_is_refused_by_name(tmp_path: Path) -> None:
    whole(ranks(2, fitted, stages_of(), course(tmp_path).until(2)))
    other = cut("skips", 3, "unsigned").stages()
    for ending in ranks(3, fitted, other, course(tmp_path)):
        assert (ending.fault, ending.reason) == ("Refused", "layout")
        assert "is of another model or partition" in ending.text
        assert "choose another folder" in ending.text


def test_a_full_disk_is_told_and_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    endings = ranks(2, full_disk, stages_of(), course(tmp_path), 6)
    assert endings[1].fault == "OSError"
    assert "No space left on device" in endings[1].text
    assert endings[0].fault == "PeerLost"
    assert "No space left on device" in endings[0].text
    again = whole(ranks(2, fitted, stages_of(), course(tmp_path)))
    assert again[1].value["first_step"] == 4
    assert same(again, unbroken())


def test_a_finished_run_that_is_started_again_does_nothing_more(tmp_path: Path) -> None:
    first = whole(ranks(2, fitted, stages_of(), course(tmp_path)))
    again = whole(ranks(2, fitted, stages_of(), course(tmp_path)))
    assert again[1].value["first_step"] == course(None).steps
    assert same(again, first)
    assert same(first, unbroken())


def test_manifests_name_every_stage_and_old_steps_are_removed(tmp_path: Path) -> None:
    whole(ranks(2, fitted, stages_of(), course(tmp_path)))
    assert steps_in(tmp_path) == [8, 9]
    for path in tmp_path.rglob("manifest-*.json"):
        assert set(json.loads(path.read_text())["stages"]) == {"0", "1"}
