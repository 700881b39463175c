"""Damaged caches, full disks and interruptions: one line, an exit status, and no file lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_runs import TINY, Answer, Done, axonal, done_once, keep_inside

from axonal.cli.progress import Bars
from axonal.study import comparing
from axonal.training import checkpoints, load_checkpoint, save_checkpoint

BAD_INPUT, FAULT, INTERRUPTED = 2, 4, 130
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_inside(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return done_once(tmp_path_factory.getbasetemp())


def compared(*words: str) -> Answer:
    return axonal("compare", "digits", *TINY, *words)


def refuse(*_args: Any, **_kwargs: Any) -> None:
    raise FULL


@pytest.fixture
def weights(done: Done, tmp_path: Path) -> list[Path]:
    """Finished checkpoints in the cache of this test; the result that was made of them is gone."""
    shutil.copytree(done.cache, tmp_path / "cache")
    for result in (tmp_path / "cache").glob("*.result.json"):
        result.unlink()
    return sorted((tmp_path / "cache").glob("*.safetensors"))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    path.write_text("not weights")


def not_finite(path: Path) -> None:
    tensors, facts = load_checkpoint(path)
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    save_checkpoint(path, {**tensors, name: torch.full_like(tensors[name], float("nan"))}, facts)


def foreign(path: Path) -> None:
    save_checkpoint(path, {"layer.weight": torch.ones(2, 2)}, load_checkpoint(path)[1])


def without_facts(path: Path) -> None:
    save_checkpoint(path, load_checkpoint(path)[0], {"curve": []})


@pytest.mark.parametrize("damage", [cut_short, emptied, overwritten, not_finite, foreign, without_facts])
def test_a_damaged_checkpoint_is_named_and_not_used(weights: list[Path], damage: Callable[[Path], None]) -> None:
    for path in weights:
        damage(path)
    answer = compared()
    assert answer.status == BAD_INPUT
    assert any(str(path) in answer.complaint for path in weights)
    assert "delete it to train again" in answer.complaint
    assert not Path("results").exists()


@pytest.mark.parametrize("damage", [cut_short, overwritten, foreign])
def test_a_damaged_checkpoint_of_an_interrupted_run_is_named(
    weights: list[Path], damage: Callable[[Path], None]
) -> None:
    for path in weights:
        damage(path)
        path.rename(path.with_name(path.name.replace(".safetensors", ".partial.safetensors")))
    answer = compared()
    assert answer.status == BAD_INPUT
    assert ".partial.safetensors" in answer.complaint
    assert "delete it to train again" in answer.complaint


@pytest.mark.parametrize("call", ["os.replace", "pathlib.Path.write_text"])
def test_a_full_disk_leaves_the_previous_report_whole(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    shutil.copytree(done.out, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(call, refuse)
    for answer in (compared("--cache", str(done.cache), "--out", "out"), axonal("report", "out")):
        assert answer.status == FAULT
        for words in ("out", "No space left on device", "another folder"):
            assert words in answer.complaint
        assert "Errno" not in answer.complaint
        assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_full_disk_under_the_cache_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "save_file", refuse)
    answer = compared()
    assert answer.status == FAULT
    assert str(tmp_path / "cache") in answer.complaint
    assert "No space left on device" in answer.complaint
    assert "--cache" in answer.complaint


def test_an_interruption_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bars, "step", interrupt)
    answer = compared()
    assert answer.status == INTERRUPTED
    assert "run the same command again" in answer.complaint


def test_a_bug_ends_in_one_line_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "load_data", lambda *_: os.environ["NO_SUCH_NAME"])
    answer = compared()
    assert answer.status == FAULT
    assert "unexpected KeyError: 'NO_SUCH_NAME' (" in answer.complaint


def test_memory_that_runs_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(*_args: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(comparing, "load_data", run_out)
    answer = compared()
    assert answer.status == FAULT
    assert "out of memory" in answer.complaint


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "axonal", *words]


def test_the_module_runs_as_a_program() -> None:
    ended = subprocess.run(command("systems", "quad"), capture_output=True, text=True, check=False)
    assert ended.returncode == BAD_INPUT
    assert ended.stderr.startswith("error: unknown system 'quad'")
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout == ""


def test_processes_at_once_give_the_same_result_as_one(done: Done, tmp_path: Path) -> None:
    answer = compared("--workers", "2", "--json")
    assert answer.status == 0, answer.err
    mine, theirs = json.loads(answer.out), json.loads((done.out / "result.json").read_text())
    weights = [{path.name for path in cache.glob("*.safetensors")} for cache in (tmp_path / "cache", done.cache)]
    assert weights[0] == weights[1]
    assert len(weights[0]) == 3
    for result in (mine, theirs):
        for variant in result["variants"].values():
            for run in variant["training"]:
                del run["seconds"]
        del result["elapsed_s"]
    assert mine == theirs


def test_a_signal_to_all_processes_ends_them_all_in_one_line(tmp_path: Path) -> None:
    words = ("compare", "digits", *TINY, "--variants", "ann", "--steps", "100000,1", "--workers", "2")
    log = tmp_path / "stderr"
    with log.open("w") as stream, subprocess.Popen(command(*words), stderr=stream, start_new_session=True) as running:
        _wait_for(lambda: "dense · seed 0" in log.read_text() or running.poll() is not None)
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(timeout=30) == INTERRUPTED, log.read_text()
        _wait_for(lambda: not _alive(running.pid))
    lines = log.read_text().splitlines()
    assert lines[-1].startswith("error: stopped: ")
    assert not [line for line in lines if "Traceback" in line or "Error" in line]


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(condition: Callable[[], bool]) -> None:
    """Ask again and again, for what happens in another process sends no word."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened for a minute"
        time.sleep(0.05)
