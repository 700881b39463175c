from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from training_cases import dataset, hybrid, plain, same, settings, state

from axonal.training import checkpoints, load_checkpoint, save_checkpoint, train


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The checkpoint of a finished run of `plain`."""
    path = tmp_path / "folder" / "run.safetensors"
    train(plain(), dataset(), settings(steps=6), checkpoint=path)
    return path


def facts_of(path: Path) -> dict[str, Any]:
    return load_checkpoint(path)[1]


def rewritten(path: Path, change: Callable[[dict[str, Tensor], dict[str, Any]], object]) -> None:
    tensors, facts = load_checkpoint(path)
    change(tensors, facts)
    save_file(tensors, path, {"facts": json.dumps(facts)})


def refused(path: Path, model: nn.Module, **changes: Any) -> str:
    """The message with which a resumed run is refused; the model must stay as it is."""
    before = state(model)
    with pytest.raises(ValueError, match="checkpoint") as caught:
        train(model, dataset(), settings(steps=12, **changes), checkpoint=path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert "delete it to train again" in message
    assert same(model.state_dict(), before)
    return message


def test_tensors_and_facts_come_back_as_they_were(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4).T, "b": torch.tensor(2), "c": torch.zeros(0)}
    facts = {"step": 3, "text": "ä", "nested": [1.5, None]}
    save_checkpoint(tmp_path / "deep" / "er" / "x.safetensors", tensors, facts)
    found, noted = load_checkpoint(tmp_path / "deep" / "er" / "x.safetensors")
    assert same(found, tensors)
    assert noted == facts


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(written: Path, share: float) -> None:
    raw = written.read_bytes()
    written.write_bytes(raw[: int(share * len(raw))])
    assert "is corrupt" in refused(written, plain())


def test_bytes_that_are_no_checkpoint_are_refused(written: Path) -> None:
    written.write_bytes(b"\x00\xff" * 500)
    assert "is corrupt" in refused(written, plain())
    written.unlink()
    written.mkdir()
    assert "is corrupt" in refused(written, plain())


@pytest.mark.parametrize("metadata", [None, {"other": "1"}, {"facts": "no json"}, {"facts": "[1]"}, {"facts": "null"}])
def test_a_file_of_another_program_is_refused(written: Path, metadata: dict[str, str] | None) -> None:
    save_file(load_file(written), written, metadata)
    assert "is corrupt" in refused(written, plain())


@pytest.mark.parametrize("name", ["model/1.weight", "best/5.bias", "optimizer/0/exp_avg", "model/2.running_var"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_checkpoint_that_is_not_finite_is_refused(written: Path, name: str, value: float) -> None:
    rewritten(written, lambda tensors, _: tensors[name].view(-1)[0].fill_(value))
    assert f"holds NaN or infinity in {name}" in refused(written, plain())


def wider() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 13), nn.BatchNorm1d(13), nn.ReLU(), nn.Dropout(), nn.Linear(13, 3))


@pytest.mark.parametrize("make", [wider, hybrid, lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 3))])
def test_a_checkpoint_of_another_model_is_refused(written: Path, make: Callable[[], nn.Module]) -> None:
    assert "is of another run" in refused(written, make())


def test_a_checkpoint_of_a_run_with_another_aim_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hybrid.safetensors"
    train(hybrid(), dataset(), settings(steps=6), checkpoint=path)
    assert "it has 0 traffic targets, must have 1" in refused(path, hybrid(), traffic_target=2.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda _, facts: facts.pop("step"),
        lambda _, facts: facts.update(curve=[{"step": 1}]),
        lambda _, facts: facts.update(best=None),
        lambda _, facts: facts.update(curve=3),
        lambda _, facts: facts.update(objectives=[{"unknown": 1}]),
        lambda tensors, _: tensors.pop("model/1.weight"),
        lambda tensors, _: tensors.pop("best/1.weight"),
        lambda tensors, _: tensors.update({"optimizer/0/exp_avg": torch.zeros(2)}),
        lambda tensors, _: tensors.update({"optimizer/99/exp_avg": torch.zeros(2)}),
        lambda tensors, _: tensors.update({"optimizer/99/step": torch.tensor(1.0)}),
        lambda tensors, _: tensors.update({"optimizer/x": torch.zeros(2)}),
    ],
)
def test_a_checkpoint_with_parts_missing_or_foreign_is_refused(
    written: Path, change: Callable[[dict[str, Tensor], dict[str, Any]], object]
) -> None:
    rewritten(written, change)
    assert "is of another run" in refused(written, plain())


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only")])
def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(
    written: Path, fault: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = written.read_bytes()

    def half(tensors: object, path: Path, metadata: object) -> None:
        Path(path).write_bytes(b"half of it")
        raise fault

    monkeypatch.setattr(checkpoints, "save_file", half)
    with pytest.raises(OSError, match=r"cannot write .*run\.safetensors: .*; free some space") as caught:
        train(plain(), dataset(), settings(steps=12), checkpoint=written)
    assert caught.value.__cause__ is fault
    assert written.read_bytes() == before
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "run.safetensors"
    with pytest.raises(OSError, match=r"cannot write .*run\.safetensors"):
        save_checkpoint(path, {"a": torch.zeros(1)}, {})


def test_a_missing_checkpoint_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "run.safetensors"
    train(plain(), dataset(), settings(steps=2), checkpoint=path)
    assert facts_of(path)["step"] == 2


def test_a_longer_run_goes_on_from_a_shorter_one(written: Path) -> None:
    trained = train(plain(), dataset(), settings(steps=12), checkpoint=written)
    assert [point.step for point in trained.curve] == [6, 12]
