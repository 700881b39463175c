"""One rank of a measurement: all links, codings and rounds in one process, so that they take turns on one machine.

Started by `links.py` in a namespace, with the file of its job; the first rank answers in `OUT`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import namespaces
import subjects
import torch
import torch.distributed as dist
from torch import Tensor
from torch._C._distributed_c10d import TCPStore

from axonal.runtime.lanes import Counts
from axonal.runtime.outcomes import joined
from axonal.runtime.pipeline import Pipeline, PipelineSettings
from axonal.runtime.predicting import predicted_bytes
from axonal.runtime.probe_link import listen, measure_link, serve_link
from axonal.runtime.stages import Stage

PROBE_PORT = 7711
WARM_BATCHES = 2
"""Batches before the clock runs; `auto` has by then looked at its link."""
AUTO_WARM_BATCHES = 10
LONG_S = 600.0

Job = dict[str, Any]


def joined_store() -> TCPStore:
    rank = int(os.environ["RANK"])
    store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), 2, rank == 0, timedelta(seconds=LONG_S))
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2, timeout=timedelta(seconds=LONG_S))
    return store


def probed(rank: int, seconds: float) -> dict[str, float]:
    """Rates and round trip of the link as `axonal probe` measures them, by the first rank."""
    address = f"{namespaces.ADDRESSES[1]}:{PROBE_PORT}"
    found: dict[str, float] = {}
    if rank == 1:
        door = listen(address)
        server = threading.Thread(target=serve_link, args=(door,), kwargs={"turns": 1}, daemon=True)
        server.start()
        dist.barrier()
        server.join()
        door.close()
    else:
        dist.barrier()
        link = measure_link(address, seconds=seconds)
        found = {
            "rate_bits_per_ns": min(link.rate_bits_per_ns, link.back_bits_per_ns),
            "round_trip_ns": link.round_trip_ns,
        }
    dist.barrier()
    return found


def turn(stages: tuple[Stage, ...], coding: subjects.Coding, inputs: list[Tensor], job: Job) -> dict[str, Any]:
    """Send batches in one coding, and count them."""
    auto = coding.codec == subjects.AUTO
    settings = PipelineSettings(
        micro_batches=job["micro_batches"], codecs={} if auto else coding.codecs(stages), auto=auto, timeout_s=LONG_S
    )
    example = inputs[0][: job["micro_batch"]]
    with Pipeline(stages, example, settings) as pipeline:
        for _ in range(AUTO_WARM_BATCHES if auto else WARM_BATCHES):
            pipeline.infer(inputs[0])
        pipeline.exchange("start", "")
        pipeline.lanes.counts = Counts()
        before, times = namespaces.here(), [time.perf_counter()]
        used = time.process_time()
        for batch in inputs:
            pipeline.infer(batch)
            times.append(time.perf_counter())
        used = time.process_time() - used
        pipeline.exchange("stop", "")
        counted = namespaces.here().since(before)
        mine = {
            "counts": pipeline.lanes.counts.__dict__,
            "interface_payload_bytes": counted.sent,
            "interface_bytes": counted.tx_bytes,
            "interface_packets": counted.tx_packets,
            "elapsed_s": times[-1] - times[0],
            "processor_s": used,
            # From the end of the first batch to that of the last: the pipeline is full all the time.
            "steady_s": times[-1] - times[1],
            "codecs": {item.name: pipeline.lanes.chosen(item.name) for item in subjects.crossings(stages)},
        }
        return {"parts": [json.loads(text) for text in pipeline.exchange("outcome", json.dumps(mine))]}


def summed(found: dict[str, Any], job: Job, batches: int) -> dict[str, Any]:
    """The figures of a turn."""
    first, last = found["parts"]
    counts = joined([Counts(**part["counts"]) for part in found["parts"]])
    examples = (batches - 1) * job["micro_batches"] * job["micro_batch"]
    return {
        "items_per_s": examples * job["items"] / last["steady_s"],
        "messages": batches * job["micro_batches"],
        "period_ms": 1e3 * last["steady_s"] / ((batches - 1) * job["micro_batches"]),
        "bytes_forward": counts.bytes_forward,
        "bytes_headers": counts.bytes_headers,
        "bytes_raw": counts.bytes_raw,
        "bytes_sent": counts.bytes_sent,
        "interface_payload_bytes": first["interface_payload_bytes"],
        "interface_bytes": first["interface_bytes"],
        "interface_packets": first["interface_packets"],
        "encode_ms": counts.encode_ms,
        "decode_ms": counts.decode_ms,
        "wait_ms": [part["counts"]["wait_ms"] for part in found["parts"]],
        "elapsed_ms": [1e3 * part["elapsed_s"] for part in found["parts"]],
        "processor_ms": [1e3 * part["processor_s"] for part in found["parts"]],
        "codecs": first["codecs"],
    }


def work(job: Job, out: Path) -> None:
    rank = int(os.environ["RANK"])
    variants = dict.fromkeys(coding["variant"] for coding in job["codings"])
    data_dir = Path(job["data_dir"]) if job["data_dir"] else None
    models = {
        name: subjects.ready(job["subject"], name, data_dir, Path(job["cache"]), quick=job["quick"])
        for name in variants
    }
    stages = {name: model.stages(job["micro_batch"]) for name, model in models.items()}
    everything = next(iter(models.values())).inputs
    batch = job["micro_batch"] * job["micro_batches"]
    repeated = everything[torch.arange(max(len(everything), batch)) % len(everything)][: 4 * batch]
    batches = torch.split(repeated[: len(repeated) // batch * batch], batch)
    store = joined_store()
    rows: list[dict[str, Any]] = []
    probes: list[dict[str, float]] = []
    for number in range(job["rounds"]):
        for rate in job["rates_mbit"]:
            subprocess.run(namespaces.shaping(rate), check=True)
            probes.append({"rate_mbit": rate, "round": number, **probed(rank, job["probe_s"])})
            for words in job["codings"]:
                coding = subjects.Coding(**words)
                count = job["batches"][f"{rate:g}"][coding.name]
                inputs = [batches[place % len(batches)] for place in range(count)]
                found = summed(turn(stages[coding.variant], coding, inputs, job), job, count)
                found["predicted_bytes_forward"] = (
                    predicted(stages[coding.variant], inputs, coding, job) if rank == 0 and not number else None
                )
                rows.append({"coding": coding.name, "rate_mbit": rate, "round": number, **found})
                dist.barrier()
    if rank == 0:
        out.write_text(json.dumps({"rows": rows, "probes": probes}), encoding="utf-8")
    dist.barrier()
    # The store lives in the first rank: it leaves last.
    if rank == 0:
        store.wait(["done"], timedelta(seconds=LONG_S))
    else:
        store.set("done", "1")
    os._exit(0)


def predicted(stages: tuple[Stage, ...], inputs: list[Tensor], coding: subjects.Coding, job: Job) -> int | None:
    """Bytes of all frames, as the simulator's packet formats say."""
    if coding.codec == subjects.AUTO:
        return None
    sizes: dict[int, int | None] = {}
    for batch in inputs:
        if id(batch) not in sizes:
            messages = torch.split(batch, job["micro_batch"])
            sizes[id(batch)] = predicted_bytes(stages, messages, coding.codecs(stages))
    found = [sizes[id(batch)] for batch in inputs]
    return None if None in found else sum(size for size in found if size is not None)


if __name__ == "__main__":
    torch.set_num_threads(1)
    work(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
