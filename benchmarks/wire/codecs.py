"""How short the frames of the runtime's codecs are, and how fast they are made and read.

Run with `python benchmarks/wire/codecs.py [--recorded FILE.npz ...] [--out FOLDER] [--quick]`. Tensors are
[32, 256, 512], their events drawn independently, at one rate for all channels (even) or at rates from 1 to 300 (uneven,
as trained encoders have them); and those of recorded files, whose arrays are `(rows, channels)` of int8. Bits an
element are beside the entropy of each channel; speeds are gigabytes of the 32-bit floats a second of the thread's
processor time, so that other work on the machine counts least, envelope, checksum and checks included, best of
repetitions that take the codecs in turn (the median is in the file).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from axonal.study.provenance import provenance
from axonal.wire import MAX_ELEMENTS, Codec, codec, entropy_bound_bits

Floats = npt.NDArray[np.float32]

SHAPE = (32 * 256, 512)
QUICK_SHAPE = (64, 128)
ACTIVITIES = (0.01, 0.02, 0.05, 0.10, 0.20, 0.50)
ALPHABETS = {"binary": (1, False), "graded": (3, True)}
EXACT = ("bitmap", "address", "dense", "gap", "bitmap_zstd", "range")
BASELINES = ("fp16", "int8")
DENSE = ("fp32", "fp16", "bf16", "int8", "int4", "top_k")
FLOAT_BYTES = 4
BEGIN, END = "<!-- begin codecs -->", "<!-- end codecs -->"


class Case(NamedTuple):
    """A tensor and what codecs must know of it."""

    group: str
    name: str
    tensor: Floats
    levels: int = 1
    signed: bool = False
    codecs: tuple[str, ...] = (*EXACT, *BASELINES)


def rates(activity: float, channels: int, uneven: bool) -> npt.NDArray[np.float64]:
    """The share of events of each channel; uneven ones lie log-uniformly, as far as none is above 0.98."""
    if not uneven:
        return np.full(channels, activity)
    drawn = np.exp(np.random.default_rng(1).uniform(np.log(0.001), np.log(0.3), channels))
    low, high = 0.0, 1e4
    for _ in range(60):
        factor = (low + high) / 2
        low, high = (low, factor) if np.minimum(drawn * factor, 0.98).mean() > activity else (factor, high)
    return np.minimum(drawn * low, 0.98)


def drawn(shape: tuple[int, int]) -> Iterator[Case]:
    """All drawn tensors, one at a time, and one of Gaussian floats for the codecs of floats."""
    for alphabet, (levels, signed) in ALPHABETS.items():
        for evenness in ("even", "uneven"):
            for activity in ACTIVITIES:
                rng = np.random.default_rng(0)
                values = level_values(rng, shape, levels, signed)
                present = rng.random(shape) < rates(activity, shape[1], evenness == "uneven")
                tensor = np.where(present, values, np.float32(0))
                yield Case(f"{alphabet}, {evenness} channels", f"{activity:.0%}", tensor, levels, signed)
    gaussian = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    yield Case("floats", "gaussian", gaussian, codecs=DENSE)


def level_values(rng: np.random.Generator, shape: tuple[int, int], levels: int, signed: bool) -> Floats:
    """Values of events, each level half as likely as the one below."""
    odds = 0.5 ** np.arange(levels)
    values = rng.choice(np.arange(1, levels + 1, dtype=np.float32), shape, p=odds / odds.sum())
    return values * rng.choice(np.array([-1, 1], dtype=np.float32), shape) if signed else values


def recorded(path: Path) -> Iterator[Case]:
    """The tensors of a file, of each as many rows as a frame carries."""
    with np.load(path) as arrays:
        for name, array in arrays.items():
            tensor = np.ascontiguousarray(array[: MAX_ELEMENTS // array.shape[1]], dtype=np.float32)
            levels, signed = int(np.abs(tensor).max(initial=1)), bool(tensor.min(initial=0) < 0)
            yield Case("recorded", name, tensor, levels, signed)


def measured(case: Case, repetitions: int) -> list[dict[str, Any]]:
    """A line for each codec of a tensor."""
    made: list[Codec] = [
        codec(name, levels=case.levels, signed=case.signed, channels=case.tensor.shape[1]) for name in case.codecs
    ]
    out = np.empty_like(case.tensor)
    frames = [it.encode(case.tensor) for it in made]
    for it, frame in zip(made, frames, strict=True):
        it.decode(frame, out)
        assert not it.exact or np.array_equal(out, case.tensor), f"{it.name} is not exact"
    spent_s = np.empty((2, len(made), repetitions))
    for turn in range(repetitions):
        for place, (it, frame) in enumerate(zip(made, frames, strict=True)):
            start = time.thread_time()
            it.encode(case.tensor)
            middle = time.thread_time()
            it.decode(frame, out)
            spent_s[:, place, turn] = middle - start, time.thread_time() - middle
    return [
        line(case, name, frame, spent_s[:, at])
        for at, (name, frame) in enumerate(zip(case.codecs, frames, strict=True))
    ]


def line(case: Case, name: str, frame: bytes, spent_s: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Length and speeds of a codec."""
    elements = case.tensor.size
    bound_bits = entropy_bound_bits(case.tensor) if case.group != "floats" else 32.0 * elements
    speeds = FLOAT_BYTES * elements / spent_s / 1e9
    return {
        "group": case.group,
        "tensor": case.name,
        "rows": len(case.tensor),
        "channels": case.tensor.shape[1],
        "activity": round(np.count_nonzero(case.tensor) / elements, 5),
        "codec": name,
        "frame_bytes": len(frame),
        "bits_per_element": round(8 * len(frame) / elements, 5),
        "bound_bits_per_element": round(bound_bits / elements, 5),
        "times_bound": round(8 * len(frame) / max(bound_bits, 1), 4),
        **{
            f"{way}_gb_per_s_{of}": round(float(value), 3)
            for way, of_way in zip(("encode", "decode"), speeds, strict=True)
            for of, value in (("best", of_way.max()), ("median", np.median(of_way)))
        },
    }


def tables(lines: list[dict[str, Any]]) -> str:
    """A table of each group: a row for each tensor, a column for each codec."""
    parts = []
    for group in dict.fromkeys(it["group"] for it in lines):
        own = [it for it in lines if it["group"] == group]
        names = list(dict.fromkeys(it["codec"] for it in own))
        rows = ["| tensor | active | bound | " + " | ".join(names) + " |", "| --- |" + " ---: |" * (len(names) + 2)]
        for tensor in dict.fromkeys(it["tensor"] for it in own):
            cells = [it for it in own if it["tensor"] == tensor]
            first = cells[0]
            head = f"{tensor} | {first['activity']:.1%} | {first['bound_bits_per_element']:.4g}"
            rows.append(f"| {head} | " + " | ".join(map(cell, cells)) + " |")
        parts.append(f"**{group[0].upper()}{group[1:]}**\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def cell(it: dict[str, Any]) -> str:
    """Bits an element as a multiple of the bound, and the speeds of encoding and decoding."""
    size = f"{it['times_bound']:.2f}x" if it["group"] != "floats" else f"{it['bits_per_element']:.2f} bit"
    return f"{size} {it['encode_gb_per_s_best']:.1f}/{it['decode_gb_per_s_best']:.1f}"


def written(folder: Path, result: dict[str, Any]) -> None:
    """Write the figures, and the tables between the marks of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "codecs.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    page = folder / "README.md"
    text = page.read_text(encoding="utf-8") if page.exists() else f"{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    where = result["provenance"]
    source = f"Commit {where['commit']}, {where['machine']}; best of {result['repetitions']} repetitions."
    page.write_text(f"{before}{BEGIN}\n{tables(result['lines'])}\n\n{source}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure, print and, for full runs or when told where, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recorded", type=Path, nargs="*", default=[], help="files of recorded boundary tensors")
    parser.add_argument("--out", type=Path, help="folder of codecs.json and README.md; that of this script")
    parser.add_argument("--quick", action="store_true", help="small tensors, to see that it runs")
    parser.add_argument("--repetitions", type=int, default=40)
    told = parser.parse_args()
    repetitions = 2 if told.quick else told.repetitions
    lines: list[dict[str, Any]] = []
    for cases in (drawn(QUICK_SHAPE if told.quick else SHAPE), *map(recorded, told.recorded)):
        for case in cases:
            lines += measured(case, repetitions)
    print(tables(lines))
    where = provenance()
    where["versions"] |= {name: version(name) for name in ("numba", "zstandard")}
    out = told.out or (None if told.quick else Path(__file__).parent)
    if out:
        written(out, {"provenance": where, "quick": told.quick, "repetitions": repetitions, "lines": lines})


if __name__ == "__main__":
    main()
