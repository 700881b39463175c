from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from house_paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

FAKE_MAKE = """#!/bin/sh
echo "$1 in $PWD CI=$CI stdin=$(cat | wc -c | tr -d ' ')" >> "$LOG"
[ "$1" != "$FAILING" ]
"""


def _executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def _ci(folder: Path, failing: str) -> tuple[int, list[str]]:
    """Exit status of continuous integration and what it asked make for."""
    _executable(folder / "make", FAKE_MAKE)
    log = folder / "log"
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", ROOT / ".ci" / "run"],
        check=False,
        cwd=folder,
        env={**os.environ, "PATH": path, "LOG": str(log), "FAILING": failing},
        input="noise",
        text=True,
    )
    return run.returncode, log.read_text().splitlines()


def test_continuous_integration_is_make_test_then_make_check(tmp_path: Path) -> None:
    status, asked = _ci(tmp_path, failing="")
    assert status == 0
    assert asked == [f"{target} in {ROOT} CI=true stdin=0" for target in ("test", "check")]


def test_continuous_integration_stops_at_the_first_failure(tmp_path: Path) -> None:
    status, asked = _ci(tmp_path, failing="test")
    assert status != 0
    assert len(asked) == 1


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def _make(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(["make", *words], cwd=clone, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("target", ["demo", "test", "check", "docs", "compare"])
def test_every_command_installs_with_the_constraints_and_the_arguments_of_the_user(clone: Path, target: str) -> None:
    plan = _make(clone, "--dry-run", target, "PIP_ARGS=--index-url https://example.org")
    assert plan.returncode == 0, plan.stderr
    installs = [line for line in plan.stdout.splitlines() if " install " in line and "pip" in line]
    assert len(installs) == 1
    assert "-c constraints.txt --index-url https://example.org -e" in installs[0]


def test_the_demonstration_installs_no_test_or_check_tools(clone: Path) -> None:
    assert '-e "."' in _make(clone, "--dry-run", "demo").stdout
    assert '-e ".[test]"' in _make(clone, "--dry-run", "test").stdout
    assert '-e ".[check]"' in _make(clone, "--dry-run", "check").stdout


def test_nothing_is_installed_again_until_the_recipe_changes(clone: Path) -> None:
    stamps = [clone / ".venv" / name for name in (".made", ".core", ".test")]
    stamps[0].parent.mkdir()
    for stamp in stamps:
        stamp.touch()
    assert "pip" not in _make(clone, "--dry-run", "demo", "test").stdout
    for stamp in stamps:
        os.utime(stamp, (1, 1))
    assert "pip" in _make(clone, "--dry-run", "test").stdout


def test_an_interpreter_that_is_missing_is_named_in_one_line(clone: Path) -> None:
    found = _make(clone, "demo", "PYTHON=no-such-python")
    assert found.returncode != 0
    assert [line for line in found.stderr.splitlines() if line.startswith("error:")] == [
        "error: there is no no-such-python: install Python 3.11 or newer, or say where it is (PYTHON=...)"
    ]


@pytest.mark.parametrize(
    ("refused", "complaint"), [("version_info", "must be >= 3.11"), ("ensurepip", "has no venv: install it")]
)
def test_an_unfit_interpreter_is_refused_in_one_line(clone: Path, refused: str, complaint: str) -> None:
    fake = f'#!/bin/sh\ncase "$*" in *{refused}*) exit 1;; *--version*) echo "Python 3.9.2";; esac\n'
    found = _make(clone, "test", f"PYTHON={_executable(clone / 'python', fake)}")
    errors = [line for line in found.stderr.splitlines() if line.startswith("error:")]
    assert found.returncode != 0
    assert len(errors) == 1
    assert complaint in errors[0]
    assert not (clone / ".venv").exists()
