"""`axonal serve` and `axonal call`, with a toy in place of a model."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import typer
from serving_parts import INSECURE, TOKEN, TOY, Toy, example
from torch import Tensor

from axonal.cli.serve import call, serve
from axonal.runtime.serving import serving

PART = Toy(
    inputs=tuple(replace(crossing, codecs=("fp32", "fp16"), levels=0) for crossing in TOY.inputs),
    outputs=tuple(replace(crossing, codecs=("fp32",)) for crossing in TOY.outputs),
)


class Trial:
    """Five batches, of which two thirds are right."""

    metric = "accuracy"

    def batches(self) -> Iterable[Tensor]:
        return [torch.full((4, 1), float(seed)) for seed in range(5)]

    def local(self, inputs: Tensor) -> tuple[Tensor, ...]:
        return example(len(inputs), int(inputs[0, 0]))

    def quality(self, outputs: list[tuple[Tensor, ...]]) -> float:
        return sum(torch.allclose(out[0], TOY(*example(4, seed))[0]) for seed, out in enumerate(outputs)) / 7.5


@pytest.fixture(autouse=True)
def toy_as_model(monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(part_of=lambda *_, **__: PART, trial_of=lambda *_, **__: Trial())
    monkeypatch.setitem(sys.modules, "axonal.study.executing", made)
    monkeypatch.setenv("AXONAL_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "200")


def _run(verb: Callable[..., None], *words: str, err: io.StringIO | None = None) -> tuple[int, str, str]:
    """Status, and what was said on both streams."""
    app = typer.Typer()
    app.command()(verb)
    out, err = io.StringIO(), err or io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        app(list(words))
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


def test_call_says_quality_bytes_and_latency() -> None:
    with serving(PART, credentials=INSECURE) as server:
        status, out, _ = _run(call, server.address, "toy", "--insecure", "--json")
        assert status == 0
        found = json.loads(out)
        assert (found["quality"], found["examples"], found["calls"]) == (2 / 3, 20, 5)
        assert found["sent_frame_bytes_per_example"] == pytest.approx(4 * 36, abs=8)
        status, out, _ = _run(call, server.address, "toy", "--insecure", "--codec", "fp16")
        assert status == 0
        assert "on 20 examples in 5 calls" in out


def test_serve_serves_until_ctrl_c_and_says_what_it_did() -> None:
    said = io.StringIO()
    answers = []

    def meanwhile() -> None:
        while (found := re.search(r"on (\S+:\d+) without TLS", said.getvalue())) is None:
            time.sleep(0.01)
        try:
            answers.append(_call_quietly(found.group(1)))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=meanwhile)
    thread.start()
    status, out, err = _run(serve, "toy", "--listen", "127.0.0.1:0", "--insecure", "--json", err=said)
    thread.join()
    assert status == 0, err
    assert json.loads(out)["requests"] == 1
    assert torch.equal(answers[0], TOY(*example(2))[0])
    assert TOKEN not in out + err


def _call_quietly(address: str) -> Tensor:
    from axonal.runtime.crossing import Agreement  # noqa: PLC0415
    from axonal.runtime.remote import RemotePart  # noqa: PLC0415

    with RemotePart(address, agreement=Agreement.of(PART), credentials=INSECURE) as remote:
        return remote(*example(2))[0]


def test_mistakes_are_one_line_with_the_lever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, err = _run(serve, "toy", "--listen", "0.0.0.0:0", "--insecure")
    assert (status, "must be a loopback address" in err) == (2, True)
    status, _, err = _run(serve, "toy", "--listen", "127.0.0.1:0")
    assert (status, "a server needs both" in err) == (2, True)
    status, _, err = _run(call, "127.0.0.1:1", "toy", "--token-file", str(tmp_path / "none"))
    assert (status, "No such file" in err) == (2, True)
    monkeypatch.delenv("AXONAL_TOKEN")
    status, _, err = _run(call, "127.0.0.1:1", "toy", "--insecure")
    assert (status, "AXONAL_TOKEN holds no token" in err) == (2, True)
