"""Record what the boundaries of trained models send: `python benchmarks/wire/record.py FILE.npz [--cache DIR]`.

The digits and pydocs hybrids of `axonal run` (trained for a first look, or found in the cache), cut into four stages;
the symbols of test examples, `(rows, channels)`. `codecs.py --recorded FILE.npz` measures the codecs on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from axonal.study.executing import Execution, prepared

EXAMPLES = {"digits": 359, "pydocs": 64}


@torch.no_grad()
def recorded(model: str, cache: Path | None) -> dict[str, np.ndarray]:
    """The symbols of each boundary of a model."""
    ready = prepared(Execution(model=model, stages=4, cache=cache))
    found = {}
    tensors: tuple[Tensor, ...] = (ready.inputs[: EXAMPLES[model]],)
    for stage in ready.stages(2)[:-1]:
        tensors = stage(*tensors)
        for crossing, tensor in zip(stage.outputs, tensors, strict=True):
            symbols = tensor.reshape(-1, crossing.channels).numpy().astype(np.int8)
            found[f"{model}, boundary {stage.index}"] = symbols
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--cache", type=Path, help="folder for trained weights")
    given = parser.parse_args()
    arrays = {name: array for model in EXAMPLES for name, array in recorded(model, given.cache).items()}
    np.savez_compressed(given.file, **arrays)
    for name, array in arrays.items():
        print(f"{name}: {array.shape}, {np.mean(array != 0):.1%} active")


if __name__ == "__main__":
    main()
