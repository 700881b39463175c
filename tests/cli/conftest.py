"""A folder of its own for each test, and one real comparison for all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_runs import TINY, Answer, axonal


@dataclass(frozen=True, kw_only=True)
class Done:
    """A comparison that was run from the command line, and where its files are."""

    answer: Answer
    cache: Path
    out: Path


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AXONAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AXONAL_DATA", raising=False)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("cli")
    cache, out = folder / "cache", folder / "out"
    answer = axonal("compare", "digits", *TINY, "--cache", str(cache), "--out", str(out))
    assert answer.status == 0, answer.err
    return Done(answer=answer, cache=cache, out=out)
