"""Start the processes of `axonal run`, show how they get on, and pass on how they end."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from axonal.cli.progress import Bars
from axonal.runtime.errors import PeerLost, RuntimeFault
from axonal.study.executing import prepared
from axonal.study.running import Plan, execute
from axonal.wire import CorruptFrame

__all__ = ["as_rank", "started"]

NOTES = "AXONAL_RUN_NOTES"
"""Variable that names the folder in which ranks leave their answers, faults and progress."""

_FAULTS = (RuntimeFault, CorruptFrame, ValueError, OSError)
_TELL_S = 0.3


def started(plan: Plan, max_restarts: int, console: Console) -> dict[str, Any]:
    """Prepare the model once, start the ranks through `torchrun`, and wait for the last one's answer.

    Raises:
        RuntimeFault: A rank failed, more often than it may be started again; the text is that of the first fault.
    """
    console.print(f"[bold]axonal run[/] {escape(plan.execution.model)}: {plan.execution.stages} stages")
    with Bars(console) as bars:
        prepared(plan.execution, bars)
        with tempfile.TemporaryDirectory(prefix="axonal-run-") as folder:
            notes = Path(folder)
            process = _launched(plan, max_restarts, notes)
            try:
                _watched(process, plan, notes, bars)
            except BaseException:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=10)
                process.kill()
                raise
            answer = notes / "answer.json"
            if process.returncode == 0 and answer.exists():
                found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
                return found
            raise _fault(notes, process.returncode)


def as_rank(plan: Plan, out: Path | None) -> None:
    """Be one rank of a run, and end at once, whatever a connection is still waiting for."""
    notes = Path(os.environ[NOTES]) if NOTES in os.environ else None
    status = 0
    try:
        found = execute(plan, watch=_teller(notes))
        if found is not None:
            _leave(found, notes, out)
    except _FAULTS as error:
        status = 4
        text = f"{type(error).__name__}: {error}"
        if notes is not None:
            attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
            name = f"fault-{attempt}-{time.time_ns()}-{os.environ['RANK']}.json"
            _write(notes / name, {"kind": type(error).__name__, "text": str(error)})
        else:
            print(f"rank {os.environ['RANK']}: {text}", file=sys.stderr)  # noqa: T201 - no console in a rank
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _launched(plan: Plan, max_restarts: int, notes: Path) -> subprocess.Popen[bytes]:
    """`torchrun` over the same command line that this process was given."""
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={plan.ranks}"]
    words += [f"--max-restarts={max_restarts}", "--monitor-interval=0.2", "-m", "axonal", *sys.argv[1:]]
    threads = max(1, (os.cpu_count() or 1) // plan.ranks)
    environment = {**os.environ, NOTES: str(notes), "OMP_NUM_THREADS": str(threads)}
    with (notes / "torchrun.log").open("wb") as log:
        return subprocess.Popen(words, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own words


def _watched(process: subprocess.Popen[bytes], plan: Plan, notes: Path, bars: Bars) -> None:
    """Show steps of training until the processes have ended."""
    title = f"training over {plan.ranks} ranks"
    if plan.train:
        bars.begin(title, plan.train)
    while process.poll() is None:
        time.sleep(_TELL_S)
        with suppress(OSError, ValueError):
            told = json.loads((notes / "progress.json").read_text(encoding="utf-8"))
            bars.step(title, told["step"], None)
    if plan.train and process.returncode == 0:
        bars.step(title, plan.train, None)


def _teller(notes: Path | None) -> Callable[[int, float], None]:
    """Leaves a note of each step of training, not more often than anybody looks."""
    last = [0.0]

    def tell(step: int, loss: float) -> None:
        if notes is not None and not math.isnan(loss) and time.monotonic() - last[0] > _TELL_S:
            last[0] = time.monotonic()
            _write(notes / "progress.json", {"step": step, "loss": loss})

    return tell


def _leave(found: dict[str, Any], notes: Path | None, out: Path | None) -> None:
    if notes is not None:
        _write(notes / "answer.json", found)
    else:
        if out is not None:
            _write(out, found)
        print(json.dumps(found))  # noqa: T201 - no console in a rank


def _write(path: Path, value: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value), encoding="utf-8")
    temporary.replace(path)


def _fault(notes: Path, status: int) -> Exception:
    """The fault that came first in the last attempt; what it did to the others came after."""
    faults = sorted(notes.glob("fault-*.json"))
    if not faults:
        log = (notes / "torchrun.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = next((line for line in reversed(log) if "Error" in line or "error" in line), log[-1] if log else "")
        return PeerLost(f"the processes ended with status {status}, none said why ({last.strip()[:200]})")
    attempt = faults[-1].name.split("-")[1]
    first = next(path for path in faults if path.name.split("-")[1] == attempt)
    told = json.loads(first.read_text(encoding="utf-8"))
    rank = first.stem.rsplit("-", 1)[1]
    text = f"rank {rank}: {told['text']}"
    kinds = {"ValueError": ValueError, "OSError": OSError, "CorruptFrame": CorruptFrame}
    return kinds.get(told["kind"], RuntimeFault)(text)
