"""Kill ranks of a training at random, start them again, and hold the result against that of the unbroken run.

Run from anywhere: `python experiments/runtime/faults.py`. A rank is killed by `kill -9` at a moment drawn at random,
and the run is started again from its checkpoints; losses and weights must be those of the run that nobody touched, bit
for bit.
`--quick` does it once and writes nothing unless told to; `--restarted N` of the kills hit `axonal run --max-restarts`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._C._distributed_c10d import TCPStore

from axonal.data import load
from axonal.mapping import partition
from axonal.models import cnn
from axonal.runtime.fitting import fit
from axonal.runtime.host import host_system
from axonal.runtime.pipeline import Pipeline, PipelineSettings
from axonal.runtime.stages import Stage, split
from axonal.spiking import Boundary, Rate, calibrate, insert_boundaries
from axonal.study.provenance import provenance
from axonal.tracing import trace
from axonal.training import TrainingSettings, batch_at, loss_of

HERE = Path(__file__).resolve().parent
FULL, QUICK = 20, 1
STEPS, EVERY, MICRO_BATCH, MICRO_BATCHES = 60, 5, 8, 4
RANKS = 2

FORKS = multiprocessing.get_context("forkserver")
"""Ranks are forked from a process that has loaded everything already: a start costs nothing."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a rank ended: what it answered or its fault, and its exit status, below 0 by a signal."""

    value: dict[str, Any] | None
    fault: str
    status: int | None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one kill")
    parser.add_argument("--kills", type=int, help=f"how many; {FULL} when not given")
    parser.add_argument("--restarted", type=int, default=0, help="kills of `axonal run --max-restarts` besides")
    parser.add_argument("--seed", type=int, default=0, help="seed of ranks and moments")
    parser.add_argument("--out", type=Path, help="file of the results; results/faults.json when not given")
    given = parser.parse_args()
    kills = given.kills or (QUICK if given.quick else FULL)
    FORKS.set_forkserver_preload(
        ["axonal.runtime.running", "axonal.tracing", "axonal.models.cnn", "axonal.study.provenance"]
    )
    out = given.out or (None if given.quick else HERE / "results" / "faults.json")
    stages, batches = lesson()
    unbroken = whole(stages, batches, None)
    print(f"unbroken: {unbroken['seconds']:.1f} s of training, loss {unbroken['loss']:.6f}", flush=True)
    draw = random.Random(given.seed)  # noqa: S311 - no secret
    rows = []
    for number in range(kills):
        rows.append(killed(stages, batches, draw, unbroken))
        row = rows[-1]
        print(
            f"{number + 1:3d}: rank {row['rank']} {row['after_s']:.3f} s after step {row['after_step']}, "
            f"the other: {row['survivor']} after {row['noticed_s']:.1f} s, resumed from step {row['resumed_from']}, "
            f"{'same' if row['same'] else 'NOT THE SAME'}",
            flush=True,
        )
        written(out, rows, [], unbroken)  # what is known stays, whatever happens next
    restarted = [restarted_run(draw) for _ in range(given.restarted)]
    written(out, rows, restarted, unbroken)
    return 0 if all(row["same"] for row in (*rows, *restarted)) else 1


def written(
    out: Path | None, rows: Sequence[dict[str, Any]], restarted: Sequence[dict[str, Any]], unbroken: dict[str, Any]
) -> None:
    """The file of results."""
    if out is None:
        return
    found = {
        "kills": len(rows),
        "same": sum(row["same"] for row in rows),
        "survivors_named": sum(row["survivor"] in ("PeerLost", "PeerTimeout") for row in rows),
        "steps": STEPS,
        "every": EVERY,
        "ranks": RANKS,
        "model": "digits, convolutional, Rate(4) on the boundary",
        "unbroken": {"loss": unbroken["loss"], "seconds": unbroken["seconds"]},
        "rows": rows,
        "restarted": restarted,
        **provenance(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def lesson() -> tuple[tuple[Stage, ...], partial[tuple[Tensor, Tensor]]]:
    """A network for the digits in two stages, a leaky code on what crosses, and its batches."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    dataset = load("digits")
    inputs = dataset.train.inputs[:64]
    model, _ = cnn.small()
    parts = partition(trace(model.eval(), inputs[:4]), host_system(RANKS))
    hybrid = insert_boundaries(
        model, inputs[:4], parts.boundaries, lambda features, axis: Boundary(features, features // 2, Rate(4), axis)
    )
    calibrate(hybrid, inputs)
    settings = TrainingSettings(steps=STEPS, batch=MICRO_BATCH * MICRO_BATCHES)
    return split(hybrid, inputs[:MICRO_BATCH], parts), partial(batch_at, dataset, settings)


def train(stages: Sequence[Stage], batches: partial[tuple[Tensor, Tensor]], folder: Path | None) -> dict[str, Any]:
    """A rank's part of the training: final loss, losses and weights as digests."""
    example = batches(0)[0][:MICRO_BATCH]
    plan = PipelineSettings(schedule="1f1b", micro_batches=MICRO_BATCHES, heartbeat_s=0.5, timeout_s=30.0)
    with Pipeline(stages, example, plan, loss_of) as pipeline:
        settings = TrainingSettings(steps=STEPS, batch=pipeline.batch)
        fitted = fit(pipeline, batches, settings, folder=folder, every=EVERY)
        digest = hashlib.sha256()
        for name, value in sorted(pipeline.parameters().items()):
            digest.update(name.encode() + value.detach().numpy().tobytes())
        return {
            "weights": digest.hexdigest(),
            "losses": list(fitted.losses),
            "first_step": fitted.first_step,
            "seconds": fitted.seconds,
        }


def whole(stages: Sequence[Stage], batches: partial[tuple[Tensor, Tensor]], folder: Path | None) -> dict[str, Any]:
    """What a run comes to that ends by itself."""
    processes, ends = begun(stages, batches, folder)
    endings = ended(processes, ends)
    values = [ending.value for ending in endings if ending.value is not None]
    if len(values) != RANKS:
        raise RuntimeError(f"ranks ended by {[ending.fault or ending.status for ending in endings]}, none was killed")
    return {
        "weights": [value["weights"] for value in values],
        "losses": values[-1]["losses"],
        "loss": values[-1]["losses"][-1],
        "first_step": values[0]["first_step"],
        "seconds": values[0]["seconds"],
    }


def killed(
    stages: Sequence[Stage],
    batches: partial[tuple[Tensor, Tensor]],
    draw: random.Random,
    unbroken: dict[str, Any],
) -> dict[str, Any]:
    """Kill a rank within a few steps of a checkpoint, and start both again."""
    rank, step = draw.randrange(RANKS), EVERY * draw.randrange(1, STEPS // EVERY)
    after_s = draw.random() * EVERY * unbroken["seconds"] / STEPS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        processes, ends = begun(stages, batches, folder)
        while not list(folder.glob(f"step-{step:08d}/manifest-*")) and all(p.is_alive() for p in processes):
            time.sleep(0.002)
        time.sleep(after_s)
        os.kill(processes[rank].pid, signal.SIGKILL)
        at = time.monotonic()
        endings = ended(processes, ends)
        noticed_s = time.monotonic() - at
        again = whole(stages, batches, folder)
    return {
        "rank": rank,
        "after_step": step,
        "after_s": after_s,
        "killed": endings[rank].status == -signal.SIGKILL,
        "survivor": endings[1 - rank].fault,
        "survivor_status": endings[1 - rank].status,
        "noticed_s": noticed_s,
        "resumed_from": again["first_step"],
        "same": again["losses"] == unbroken["losses"] and again["weights"] == unbroken["weights"],
    }


def begun(
    stages: Sequence[Stage], batches: partial[tuple[Tensor, Tensor]], folder: Path | None
) -> tuple[list[Any], list[Connection]]:
    """Processes of a run, over a store of this one."""
    global _store  # noqa: PLW0603 - lives as long as the run
    _store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    job = pickle.dumps((stages, batches, folder))
    processes, ends = [], []
    for rank in range(RANKS):
        here, there = FORKS.Pipe(duplex=False)
        process = FORKS.Process(target=as_rank, args=(rank, _store.port, job, there), daemon=True)
        process.start()
        there.close()
        processes.append(process)
        ends.append(here)
    return processes, ends


_store: TCPStore | None = None


def as_rank(rank: int, port: int, job: bytes, told: Connection) -> None:
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(RANKS), LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1")
    os.environ.update(MASTER_PORT=str(port), TORCHELASTIC_USE_AGENT_STORE="True")
    torch.set_num_threads(1)
    stages, batches, folder = pickle.loads(job)  # noqa: S301 - from the process above
    try:
        told.send({"value": train(stages, batches, folder), "fault": ""})
        status = 0
    except Exception as error:  # whatever it is, it is what is counted
        told.send({"value": None, "fault": type(error).__name__})
        status = 1
    told.close()
    os._exit(status)


def ended(processes: Sequence[Any], ends: Sequence[Connection], deadline_s: float = 120.0) -> list[Ending]:
    """How ranks end; `Hung` where one does not."""
    told: dict[int, dict[str, Any]] = {}
    until = time.monotonic() + deadline_s
    while len(told) < len(ends) and time.monotonic() < until:
        waiting = {end: rank for rank, end in enumerate(ends) if rank not in told}
        for end in connection.wait(list(waiting), timeout=0.2):
            try:
                told[waiting[end]] = ends[waiting[end]].recv()
            except EOFError:
                told[waiting[end]] = {"value": None, "fault": ""}
    found = []
    for rank, process in enumerate(processes):
        if rank in told:
            process.join(timeout=10)
        else:
            process.kill()
        found.append(Ending(**told.get(rank, {"value": None, "fault": "Hung"}), status=process.exitcode))
    return found


def restarted_run(draw: random.Random) -> dict[str, Any]:
    """`axonal run digits` whose rank is killed while it trains; `torchrun` starts it again."""
    with tempfile.TemporaryDirectory() as name:
        plain = _axonal(Path(name) / "plain", None, None)
        rank = draw.randrange(RANKS)
        broken = _axonal(Path(name) / "broken", rank, draw.random())
    same = [found["losses"] for found in (plain, broken)]
    return {"rank": rank, "loss": same[0][-1], "same": same[0] == same[1]}


def _axonal(folder: Path, rank: int | None, share: float | None) -> dict[str, Any]:
    words = [sys.executable, "-m", "axonal", "run", "digits", "--stages", str(RANKS), "--train", "150"]
    words += ["--every", "10", "--checkpoint", str(folder), "--max-restarts", "2", "--json", "--examples", "64"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        if rank is not None:
            while not list(folder.glob("step-*/manifest-*")) and process.poll() is None:
                time.sleep(0.02)
            time.sleep(2 * (share or 0.0))
            _kill(process.pid, rank)
        answer, _ = process.communicate(timeout=600)
    found: dict[str, Any] = json.loads(answer)
    return found


def _kill(parent: int, rank: int) -> None:
    """`kill -9` of the rank among the descendants of a process."""
    for pid in _descendants(parent):
        try:
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"RANK={rank}".encode() in words and any(word.startswith(b"TORCHELASTIC_RUN_ID=") for word in words):
            os.kill(pid, signal.SIGKILL)
            return


def _descendants(parent: int) -> list[int]:
    found = []
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split():
        found += [int(child), *_descendants(int(child))]
    return found


if __name__ == "__main__":
    sys.exit(main())
