"""How good a boundary is before it is trained: `python experiments/pareto/calibration.py --start FILE --data-dir DIR`.

The same language model (enwik8, cut in the middle), the same thresholds met at the same bits, three ways to start: the
principal axes, those of F^(1/2) x with the Fisher information F, and the latter for what tokens do not tell.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from axonal.data import load
from axonal.hardware import load as load_system
from axonal.mapping import partition
from axonal.spiking import boundaries_of, calibrate, insert_boundaries
from axonal.spiking.calibration import meet
from axonal.study.front.coding import counted_bits
from axonal.study.front.families import FAMILIES
from axonal.study.provenance import provenance
from axonal.study.recipes import network
from axonal.tracing import trace
from axonal.training import evaluate, examples, load_checkpoint

HERE = Path(__file__).parent
TARGETS = (1.0, 0.5, 0.25)
WINDOW, WINDOWS = 128, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, required=True, help="trained weights of rwkv_large on enwik8")
    parser.add_argument("--data-dir", type=Path)
    given = parser.parse_args()
    dataset = load("enwik8", given.data_dir)
    dense = network("rwkv_large", dataset).build(dataset, False)
    dense.load_state_dict(load_checkpoint(given.start)[0])
    some = examples(dataset, dataset.train, WINDOW, 64)[0]
    inputs, targets = examples(dataset, dataset.test, WINDOW, WINDOWS)
    part = partition(trace(dense, some[:2]), load_system("snap_4x4_2"))
    rows = []
    for name, sensitive, tokens in (("axes", False, False), ("fisher", True, False), ("fisher_tokens", True, True)):
        family = replace(FAMILIES["graded"], tokens=tokens)
        torch.manual_seed(0)
        model = insert_boundaries(
            dense,
            some[:2],
            part.boundaries,
            lambda features, axis, family=family: family.boundary(features, 1.0, "language", axis, dataset.classes),
        )
        calibrate(model, some, sensitive=sensitive)
        for boundary in boundaries_of(model):
            boundary.encoder.charge_by(family.fresh_prior(boundary))  # so that coded bits are met, not those of packets
        for target in TARGETS:
            for number, boundary in enumerate(boundaries_of(model)):
                meet(boundary, lambda model=model, number=number: counted_bits(model, some, number), target)
            value = evaluate(model, dataset, inputs, targets).value
            rows.append({"start": name, "target_bits": target, "bits_per_byte": round(value, 4)})
            print(rows[-1], flush=True)
    found = {
        "dense_bits_per_byte": round(evaluate(dense, dataset, inputs, targets).value, 4),
        "windows": WINDOWS,
        "rows": rows,
        **provenance(),
    }
    (HERE / "calibration.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
