"""Recorded traffic: `read_trace` makes packets of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from axonal.simulation.network.packets import Packets

__all__ = ["HEADER", "read_trace"]

HEADER = ("cycle", "source", "target", "flits")
LONGEST = 1 << 20
LATEST = 1 << 40


def read_trace(path: Path, nodes: int, seed: int = 0) -> Packets:
    """Packets of a file with the columns `cycle,source,target,flits`, in any order of cycles.

    Args:
        path: The file.
        nodes: Nodes of the network, numbered from 0.
        seed: Of the coins that O1TURN tosses.

    Raises:
        ValueError: The file is not such a table; says the line.
        FileNotFoundError: There is none.
        OSError: It cannot be read.
    """
    if not path.exists():
        raise FileNotFoundError(f"trace {path} does not exist: give a CSV file with the columns {','.join(HEADER)}")
    with path.open(encoding="utf-8", newline="") as file:
        try:
            table = np.array(list(_rows(path, file, nodes)), np.int64)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is no CSV text ({error}): write {','.join(HEADER)} and numbers") from None
    if not len(table):
        raise ValueError(f"{path} has 0 packets, must be at least 1: write a line for each packet")
    cycle, source, target, flits = table.T
    coins = np.random.default_rng(seed).integers(0, 2, len(table))
    return Packets.of(source, target, flits, cycle, flavour=coins)


def _rows(path: Path, lines: Iterator[str], nodes: int) -> Iterator[tuple[int, ...]]:
    reader = csv.reader(lines)
    header = tuple(name.strip() for name in next(reader, ()))
    if header != HEADER:
        raise ValueError(
            f"{path}, line 1: the header is {','.join(header)!r}, must be {','.join(HEADER)!r}: write it as first line"
        )
    bounds = ((0, LATEST), (0, nodes - 1), (0, nodes - 1), (1, LONGEST))
    for row in reader:
        if not row:
            continue
        where = f"{path}, line {reader.line_num}"
        if len(row) != len(HEADER):
            raise ValueError(f"{where}: {len(row)} values, must be {len(HEADER)}: {','.join(HEADER)}")
        yield tuple(_value(where, *item) for item in zip(HEADER, row, bounds, strict=True))


def _value(where: str, name: str, text: str, bounds: tuple[int, int]) -> int:
    low, high = bounds
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"{where}: {name} is {text.strip()!r}, must be a whole number") from None
    if not low <= value <= high:
        raise ValueError(f"{where}: {name} is {value}, must be {low} to {high}{_lever(name)}")
    return value


def _lever(name: str) -> str:
    return ": correct the line or enlarge the mesh" if name in ("source", "target") else ": correct the line"
