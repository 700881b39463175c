"""The command line called in this process, and what it answered."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import torch

from axonal.cli.app import _status
from axonal.hardware import preset_text

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other

TINY = ("--network", "mlp", "--seeds", "0", "--variants", "ann,hybrid", "--steps", "2,2", "--workers", "1")
"""Trains for less than a second."""

SYSTEM = preset_text("quad_chiplet")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Exit status and both streams."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that says what was wrong."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        assert self.err.splitlines()[-1] == lines[0]
        return lines[0]


def axonal(*words: str) -> Answer:
    """`axonal WORDS` in this process, on streams that are no terminal."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["axonal", *words])
        patch.setenv("COLUMNS", "200")
        status = _status()
    assert "Traceback" not in out.getvalue() + err.getvalue()
    return Answer(status=status, out=out.getvalue(), err=err.getvalue())


@dataclass(frozen=True, kw_only=True)
class Done:
    """A comparison that was run from the command line, and where its files are."""

    answer: Answer
    cache: Path
    out: Path


@cache
def done_once(folder: Path) -> Done:
    """One real comparison for every test that only reads its files."""
    weights, out = folder / "cli_cache", folder / "cli_out"
    answer = axonal("compare", "digits", *TINY, "--cache", str(weights), "--out", str(out))
    assert answer.status == 0, answer.err
    return Done(answer=answer, cache=weights, out=out)


def keep_inside(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Whatever a call writes without being told where is written below this folder."""
    patch.chdir(folder)
    patch.setenv("AXONAL_CACHE", str(folder / "cache"))
    patch.delenv("AXONAL_DATA", raising=False)


def edited(old: str, new: str, text: str = SYSTEM) -> str:
    """A system file with its first piece of that kind replaced."""
    assert old in text
    return text.replace(old, new, 1)
