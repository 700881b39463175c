"""How fast the packet formats pack and unpack, beside `numpy.packbits` of the same bitmap.

Run with `python benchmarks/wire_formats.py`. Speeds are bytes of the int8 tensor
a second, best of several runs, all of them on one thread of this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from axonal.wire import AddressEvent, Bitmap, Dense, Format

SHAPE = (32, 64, 128)
ACTIVITIES = (0.01, 0.05, 0.20)
FORMATS: tuple[Format, ...] = (
    Dense(element_bits=8),
    Dense(element_bits=3),
    Bitmap(),
    Bitmap(value_bits=2),
    AddressEvent(group=128),
    AddressEvent(group=128, value_bits=2),
    AddressEvent(group=SHAPE[0] * SHAPE[1] * SHAPE[2], value_bits=2),
)


def seconds(work: Callable[[], object], repeats: int = 30) -> float:
    """Shortest of several runs, so that other work on the machine counts least."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def tensor(activity: float, high: int, seed: int = 0) -> npt.NDArray[np.int8]:
    """An int8 tensor of levels `0 .. high`."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(1, high, SHAPE, dtype=np.int8, endpoint=True)
    return np.where(rng.random(SHAPE) < activity, levels, np.int8(0))


def rows(activity: float) -> list[tuple[str, float, float, int]]:
    """Name, seconds to pack, seconds to unpack and bytes sent, for numpy and for each format."""
    plain = tensor(activity, high=1)
    packed = np.packbits(plain != 0)
    result = [
        (
            "numpy.packbits of the bitmap",
            seconds(lambda: np.packbits(plain != 0)),
            seconds(lambda: np.unpackbits(packed, count=plain.size)),
            packed.size,
        )
    ]
    for fmt in FORMATS:
        symbols = tensor(activity, high=1 if fmt in (Bitmap(), AddressEvent(group=128)) else 4)
        frame = fmt.pack(symbols)
        pack_s = seconds(partial(fmt.pack, symbols))
        unpack_s = seconds(partial(fmt.unpack, frame, symbols.size))
        result.append((fmt.name, pack_s, unpack_s, len(frame)))
    return result


def main() -> None:
    """Print one table, a section for each activity."""
    table = Table(title=f"int8 tensor {list(SHAPE)}")
    for header in ("activity", "format", "bytes sent", "pack GB/s", "unpack GB/s", "pack / numpy", "unpack / numpy"):
        table.add_column(header, justify="left" if header == "format" else "right")
    size = float(np.prod(SHAPE))
    for activity in ACTIVITIES:
        table.add_section()
        measured = rows(activity)
        _, numpy_pack_s, numpy_unpack_s, _ = measured[0]
        for name, pack_s, unpack_s, sent in measured:
            speeds = (f"{size / pack_s / 1e9:.2f}", f"{size / unpack_s / 1e9:.2f}")
            ratios = (f"{numpy_pack_s / pack_s:.2f}", f"{numpy_unpack_s / unpack_s:.2f}")
            table.add_row(f"{activity:.0%}", name, f"{sent}", *speeds, *ratios)
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
