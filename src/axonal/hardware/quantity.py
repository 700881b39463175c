"""Text such as `0.5 pJ/bit` as a number in the unit that the code uses."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from axonal.hardware.problem import did_you_mean

__all__ = [
    "BANDWIDTH",
    "COUNT",
    "CYCLES",
    "DIMENSIONS",
    "ENERGY",
    "ENERGY_PER_BIT",
    "FLITS",
    "FREQUENCY",
    "POWER",
    "SIZE",
    "TIME",
    "Dimension",
    "read",
]

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_UNIT = r"[A-Za-z\u00b5\u03bc]+(?:/[A-Za-z]+)*"
_QUANTITY = re.compile(rf"({_NUMBER})[ \t]*({_UNIT})?")


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """What a quantity measures, and the units it may be written in.

    Args:
        noun: With its article, for messages (`an energy per bit`).
        scale: Accepted units, each with its worth in the first one.
            The first unit is the one of the code; no unit at all makes a plain count.
        example: A quantity as a user would write it.
        whole: Whether only whole numbers of the first unit make sense.
    """

    noun: str
    scale: Mapping[str, float]
    example: str
    whole: bool = False

    @property
    def unit(self) -> str:
        """The unit of the code, empty for a count."""
        return next(iter(self.scale), "")

    def write(self, number: float) -> str:
        """The number, given in the unit of the code, as text that `read` accepts."""
        return f"{number:.12g} {self.unit}".rstrip()


ENERGY = Dimension(
    noun="an energy",
    scale={"pJ": 1.0, "fJ": 1e-3, "nJ": 1e3, "uJ": 1e6, "\u00b5J": 1e6, "\u03bcJ": 1e6},
    example="0.018 pJ",
)
ENERGY_PER_BIT = Dimension(
    noun="an energy per bit", scale={"pJ/bit": 1.0, "fJ/bit": 1e-3, "nJ/bit": 1e3}, example="0.06 pJ/bit"
)
TIME = Dimension(
    noun="a time",
    scale={"ns": 1.0, "ps": 1e-3, "us": 1e3, "\u00b5s": 1e3, "\u03bcs": 1e3, "ms": 1e6},
    example="8 ns",
)
BANDWIDTH = Dimension(
    noun="a bandwidth",
    scale={
        "Gb/s": 1.0,
        "Gbit/s": 1.0,
        "Mb/s": 1e-3,
        "Mbit/s": 1e-3,
        "Tb/s": 1e3,
        "Tbit/s": 1e3,
        "MB/s": 8e-3,
        "GB/s": 8.0,
        "TB/s": 8e3,
    },
    example="256 Gb/s",
)
SIZE = Dimension(
    noun="a size",
    scale={
        "bit": 1.0,
        "kbit": 1e3,
        "Mbit": 1e6,
        "Gbit": 1e9,
        "B": 8.0,
        "kB": 8e3,
        "MB": 8e6,
        "GB": 8e9,
        "KiB": 8.0 * 2**10,
        "MiB": 8.0 * 2**20,
        "GiB": 8.0 * 2**30,
    },
    example="128 KiB",
    whole=True,
)
FREQUENCY = Dimension(noun="a frequency", scale={"GHz": 1.0, "MHz": 1e-3, "kHz": 1e-6}, example="1 GHz")
POWER = Dimension(
    noun="a power",
    scale={"mW": 1.0, "W": 1e3, "uW": 1e-3, "\u00b5W": 1e-3, "\u03bcW": 1e-3, "nW": 1e-6},
    example="0.1 mW",
)
CYCLES = Dimension(noun="a number of cycles", scale={"cycles": 1.0, "cycle": 1.0}, example="5 cycles", whole=True)
FLITS = Dimension(noun="a number of flits", scale={"flits": 1.0, "flit": 1.0}, example="8 flits", whole=True)
COUNT = Dimension(noun="a plain count", scale={}, example="64", whole=True)

DIMENSIONS = (ENERGY, ENERGY_PER_BIT, TIME, BANDWIDTH, SIZE, FREQUENCY, POWER, CYCLES, FLITS, COUNT)


def read(text: str, dimension: Dimension) -> float:
    """The number that the text stands for, in the first unit of the dimension.

    Raises:
        ValueError: No finite number, no unit, a unit of another dimension, or a fraction of a bit, cycle or count.

    Example:
        >>> read("128 KiB", SIZE)
        1048576
        >>> read("32 GB/s", BANDWIDTH)
        256.0
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"expected {dimension.noun}, for example `{dimension.example}`")
    number = float(match[1]) * _worth(match[2] or "", dimension)
    if not math.isfinite(number):
        raise ValueError(f"must be a finite number, for example `{dimension.example}`")
    return _whole(number, dimension) if dimension.whole else number


def _worth(unit: str, dimension: Dimension) -> float:
    if not unit and dimension.scale:
        raise ValueError(f"needs a unit; write for example `{dimension.example}`")
    if not unit:
        return 1.0
    if unit in dimension.scale:
        return dimension.scale[unit]
    expected = f"expected {dimension.noun}, for example `{dimension.example}`"
    owner = next((other for other in DIMENSIONS if unit in other.scale), None)
    if owner is not None:
        raise ValueError(f"{expected}; {unit!r} is a unit of {owner.noun}")
    raise ValueError(f"unknown unit {unit!r}{did_you_mean(unit, dimension.scale) or f'; {expected}'}")


def _whole(number: float, dimension: Dimension) -> int:
    nearest = round(number)
    if not math.isclose(number, nearest, rel_tol=1e-12, abs_tol=1e-12):
        raise ValueError(f"must be a whole number, is {dimension.write(number)}")
    return nearest
