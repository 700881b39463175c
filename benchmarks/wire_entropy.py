"""How fast the entropy-coded format packs and unpacks, and how close to the ideal length its frames come.

Run with `python benchmarks/wire_entropy.py`. Symbols are 0 .. 3 with 64 channels and one parent each, in frames of a
million. Speeds are symbols a second, and bytes a second of the 32-bit floats that the symbols stand for; best of
several runs on one thread of this machine, envelope and checks included.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from axonal.wire import HEADER_BITS, Contexts, Ranged, fitted

POSITIONS, CHANNELS = 16_384, 64
INFERENCE = 256
ACTIVITIES = (0.01, 0.05, 0.20)
FLOAT_BYTES = 4


def seconds(work: Callable[[], object], repeats: int = 15) -> float:
    """Shortest of several runs, so that other work on the machine counts least."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def tensor(activity: float, seed: int = 0) -> npt.NDArray[np.int32]:
    """Levels 0 .. 3, the low ones being likelier."""
    rng = np.random.default_rng(seed)
    shape = (POSITIONS, CHANNELS)
    levels = rng.choice(np.arange(1, 4, dtype=np.int32), shape, p=[0.7, 0.2, 0.1])
    return np.where(rng.random(shape) < activity, levels, np.int32(0))


def row(activity: float, adaptive: bool) -> list[str]:
    """One line of the table."""
    symbols = tensor(activity)
    contexts = Contexts(parents=tuple(((1, channel),) for channel in range(CHANNELS)), positions=INFERENCE)
    fmt = Ranged.of(fitted(symbols, 0, 4, contexts), 0, contexts, adaptive)
    frame = fmt.pack(symbols)
    assert np.array_equal(fmt.unpack(frame, symbols.size), symbols.ravel())
    pack_s = seconds(partial(fmt.pack, symbols))
    unpack_s = seconds(partial(fmt.unpack, frame, symbols.size))
    sent_bits = 8 * len(frame) - HEADER_BITS
    return [
        f"{activity:.0%}",
        "adaptive" if adaptive else "static",
        f"{sent_bits / symbols.size:.4f}",
        f"{100 * (sent_bits / fmt.cost_bits(symbols) - 1):.2f} %",
        *(f"{symbols.size / spent_s / 1e6:.0f}" for spent_s in (pack_s, unpack_s)),
        *(f"{FLOAT_BYTES * symbols.size / spent_s / 1e9:.2f}" for spent_s in (pack_s, unpack_s)),
    ]


def main() -> None:
    """Print one table, a section for each activity."""
    table = Table(title=f"int32 tensor [{POSITIONS}, {CHANNELS}], frames of {POSITIONS * CHANNELS} symbols")
    headers = ("activity", "tables", "bits/symbol", "over ideal")
    speeds = ("pack M/s", "unpack M/s", "pack fp32 GB/s", "unpack fp32 GB/s")
    for header in (*headers, *speeds):
        table.add_column(header, justify="right")
    for activity in ACTIVITIES:
        table.add_section()
        for adaptive in (False, True):
            table.add_row(*row(activity, adaptive))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
