"""Two hosts in miniature: `axonal run` in two network namespaces, and the bytes that their interfaces counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

RUNTIME = Path(__file__).resolve().parents[2] / "experiments" / "runtime"
EXAMPLES, MICRO_BATCH = 1024, 32
RATE_MBIT = 50.0
PORT = 29_631
MODEL = """
import torch
from torch import nn


def wide():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 10)), torch.rand(1024, 64)
"""


@pytest.fixture(scope="module")
def namespaces() -> ModuleType:
    sys.path.insert(0, str(RUNTIME))
    try:
        module = import_module("namespaces")
    finally:
        sys.path.remove(str(RUNTIME))
    if reason := module.why_not():
        pytest.skip(reason)
    return module


def test_the_page_says_what_the_committed_results_say() -> None:
    found = subprocess.run(
        [sys.executable, RUNTIME / "report.py", "--check"], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr


def names() -> set[str]:
    told = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in told.splitlines() if line.startswith(f"axonal-{os.getpid()}-")}


@pytest.fixture(scope="module")
def ran(namespaces: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Any]:
    """What `axonal run` says on two hosts, and what the first one's interface has counted."""
    folder = tmp_path_factory.mktemp("two_hosts")
    (folder / "wide_model.py").write_text(MODEL)
    words = ["-m", "axonal", "run", "wide_model:wide", "--variant", "dense", "--codec", "fp16"]
    words += ["--examples", str(EXAMPLES), "--micro-batch", str(MICRO_BATCH), "--out", "found.json"]
    quiet = {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
    with namespaces.Pair(RATE_MBIT) as pair:
        started = [
            pair.start(
                side,
                namespaces.torchrun(side, PORT, words, sys.executable),
                quiet,
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for side in range(2)
        ]
        told = [process.communicate(timeout=200)[0] for process in started]
        assert [process.returncode for process in started] == [0, 0], told
        return json.loads((folder / "found.json").read_text()), pair.counters(0)


@pytest.mark.timeout(240)
def test_two_hosts_send_the_bytes_that_the_simulator_predicts_and_their_interfaces_count(
    ran: tuple[dict[str, Any], Any],
) -> None:
    found, counters = ran
    assert found["ranks"] == 2
    assert found["bytes_forward"] == found["baseline_bytes_forward"]["fp16"] > 1_000_000
    # Single messages by which latency is measured are no part of the answers, but cross.
    passes = import_module("axonal.runtime.running").LATENCY_PASSES
    messages = found["frames"] + passes
    wanted = found["bytes_sent"] * messages / found["frames"]
    assert counters.sent == pytest.approx(wanted, rel=0.02)


@pytest.mark.timeout(240)
def test_a_shaped_link_is_not_outrun(ran: tuple[dict[str, Any], Any]) -> None:
    found, _ = ran
    assert 8 * found["bytes_sent"] / found["elapsed_s"] < 1.05 * RATE_MBIT * 1e6


def test_namespaces_are_gone_when_the_context_ends(namespaces: ModuleType) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(namespaces)
    assert names() == set()


def interrupted(namespaces: ModuleType) -> None:
    with namespaces.Pair() as pair:
        assert names() == set(pair.names)
        pair.start(0, ["sleep", "60"])
        raise KeyboardInterrupt


def test_what_is_missing_is_said(namespaces: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path("/nowhere")))
    assert "iproute2" in namespaces.why_not()
