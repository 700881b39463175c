"""Measure every coding over shaped links: `python experiments/runtime/links.py [SUBJECT ...] [--quick]`.

Two ranks run in two network namespaces of this machine, joined by a link that `tc tbf` shapes. Codings take turns at
each rate, in rounds. Needs root and iproute2; where one is missing it says so and ends. Results land in
`results/links_SUBJECT.json`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import namespaces
import subjects
from subjects import CODINGS, SUBJECTS, Coding

from axonal.runtime.advise_measuring import measured
from axonal.runtime.advise_predicting import Cost, Setting, predicted
from axonal.runtime.stages import Stage
from axonal.study.provenance import provenance
from axonal.training import metric

HERE = Path(__file__).parent
RATES_MBIT = (20.0, 100.0, 1000.0)
MICRO_BATCHES = 8
CORES = os.cpu_count() or 1
PORT = 29_611
ADVISE_ROUNDS = 9
FEWEST_BATCHES, MOST_BATCHES = 4, 60
QUICK_SECONDS = 0.3
QUICK_CODINGS = ("fp16", "int8", "spikes, bitmap", "spikes, bitmap_zstd")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", help=f"some of {', '.join(SUBJECTS)}; all when not given")
    parser.add_argument("--data-dir", type=Path, help="folder with the datasets")
    parser.add_argument("--cache", type=Path, default=Path("results/runtime-cache"), help="folder for trained weights")
    parser.add_argument("--out", type=Path, help="folder of the results; results/ beside this file when not given")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured")
    parser.add_argument("--seconds", type=float, default=1.2, help="about how long each measurement takes")
    parser.add_argument("--quick", action="store_true", help="four codings of one subject, to see that it works")
    given = parser.parse_args()
    if unknown := set(given.subjects) - set(SUBJECTS):
        parser.error(f"unknown {', '.join(sorted(unknown))}: use some of {', '.join(SUBJECTS)}")
    if reason := namespaces.why_not():
        print(f"skipped: {reason}")
        return 0
    out = given.out or (Path("results/runtime-quick") if given.quick else HERE / "results")
    out.mkdir(parents=True, exist_ok=True)
    for name in given.subjects or (("thin",) if given.quick else SUBJECTS):
        found = subject(name, given)
        (out / f"links_{name}.json").write_text(written(found), encoding="utf-8")
        print(f"{name}: {found['seconds']:.0f} s", flush=True)
    return 0


def subject(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """All codings of one network at all rates."""
    started = time.perf_counter()
    known = SUBJECTS[name]
    codings = [item for item in CODINGS if not given.quick or item.name in QUICK_CODINGS]
    ready = {
        variant: subjects.ready(name, variant, given.data_dir, given.cache, quick=given.quick)
        for variant in dict.fromkeys(("dense", *(item.variant for item in codings)))
    }
    stages = {variant: model.stages(known.micro_batch) for variant, model in ready.items()}
    fixed = [item for item in codings if item.codec != subjects.AUTO]
    inputs = ready["dense"].inputs[: known.micro_batch]
    costs = dict(
        zip(
            (item.name for item in fixed),
            measured([subjects.candidate(item, stages[item.variant]) for item in fixed], inputs, rounds=ADVISE_ROUNDS),
            strict=True,
        )
    )
    dense = subjects.quality(ready["dense"], stages["dense"], None, known.judged)
    job = {
        "subject": name,
        "quick": given.quick,
        "data_dir": str(given.data_dir) if given.data_dir else None,
        "cache": str(given.cache.resolve()),
        "micro_batch": known.micro_batch,
        "micro_batches": MICRO_BATCHES,
        "items": known.items,
        "rounds": 1 if given.quick else given.rounds,
        "rates_mbit": RATES_MBIT[1:2] if given.quick else RATES_MBIT,
        "probe_s": QUICK_SECONDS if given.quick else 1.0,
        "codings": [asdict(item) for item in codings],
        "batches": lengths(costs, codings, QUICK_SECONDS if given.quick else given.seconds, given.quick),
    }
    told = ranks(job)
    dataset = ready["dense"].dataset
    return {
        "subject": name,
        "title": known.title,
        "quick": given.quick,
        "training": "trained in a hurry" if given.quick else known.training,
        "unit": "tokens" if known.items > 1 else "examples",
        "metric": metric(dataset.task)[0] if dataset else "",
        "tolerance": known.tolerance,
        "dense_quality": dense,
        "judged": min(known.judged, len(ready["dense"].inputs)),
        "micro_batch": known.micro_batch,
        "items": known.items,
        "elements": sum(item.elements for item in subjects.crossings(stages["dense"])),
        "cores": CORES,
        "quality": {item.name: judged(item, ready, stages, known.judged) for item in fixed},
        "costs": {key: asdict(cost) for key, cost in costs.items()},
        **told,
        "provenance": provenance(),
        "seconds": time.perf_counter() - started,
    }


def judged(coding: Coding, ready: Mapping[str, Any], stages: Mapping[str, tuple[Stage, ...]], examples: int) -> float:
    # Codecs of symbols are exact; the models differ.
    codec = coding.codec if coding.variant == "dense" else None
    return subjects.quality(ready[coding.variant], stages[coding.variant], codec, examples)


def lengths(
    costs: Mapping[str, Cost], codings: Sequence[Coding], seconds: float, quick: bool
) -> dict[str, dict[str, int]]:
    """How many batches each coding sends at each rate, so that each takes about as long."""
    found: dict[str, dict[str, int]] = {}
    slowest = max(costs, key=lambda name: costs[name].hops[0].message_bytes)
    for rate in RATES_MBIT:
        setting = Setting(rate_bits_per_ns=rate / 1e3, shared_cores=CORES)
        sizes = {}
        for item in codings:
            cost = costs.get(item.name, costs[slowest] if quick else costs["spikes, bitmap"])
            wanted = 1e3 * seconds / (MICRO_BATCHES * predicted(cost, setting).period_ms)
            sizes[item.name] = min(MOST_BATCHES, max(FEWEST_BATCHES, math.ceil(wanted)))
        found[f"{rate:g}"] = sizes
    return found


def ranks(job: dict[str, Any]) -> dict[str, Any]:
    """Run both ranks to their end, and what the first one told."""
    with tempfile.TemporaryDirectory(prefix="axonal-links-") as folder, namespaces.Pair() as pair:
        plan, out = Path(folder) / "job.json", Path(folder) / "out.json"
        plan.write_text(json.dumps(job), encoding="utf-8")
        words = [sys.executable, str(HERE / "rank.py"), str(plan), str(out)]
        where = {"MASTER_ADDR": namespaces.ADDRESSES[0], "MASTER_PORT": str(PORT), "WORLD_SIZE": "2"}
        started = [pair.start(side, words, {**where, "RANK": str(side), "OMP_NUM_THREADS": "1"}) for side in range(2)]
        if any(status := [process.wait() for process in started]):
            raise RuntimeError(f"ranks ended with {status}: see what they said above")
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def written(found: Mapping[str, Any]) -> str:
    """As JSON, each turn in a line."""
    rows = ",\n  ".join(json.dumps(row) for row in found["rows"])
    rest = json.dumps({**found, "rows": []}, indent=1)
    return rest.replace('"rows": []', f'"rows": [\n  {rows}\n ]') + "\n"


if __name__ == "__main__":
    sys.exit(main())
