"""Numbers for people: SI prefixes, a constant count of significant digits, the exact value kept beside the text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeGuard

__all__ = [
    "BIT",
    "BYTE",
    "NS",
    "PER_S",
    "PJ",
    "QualityScale",
    "Scale",
    "Unit",
    "compact",
    "exact",
    "is_number",
    "ratio",
    "significant",
]

PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
NARROW_SPACE = "\u202f"
MINUS = "\u2212"
TIMES = "\u00d7"
DASH = "\u2013"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value of a JSON document is a finite number (a truth value is none)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def exact(value: Any) -> str:
    """The number as JSON writes it."""
    return repr(value)


def significant(value: float, digits: int = 3) -> str:
    """The value rounded to some significant digits, thousands grouped by a narrow space, with a true minus sign.

    Example:
        >>> significant(0.5), significant(811.97), significant(12384).split()
        ('0.500', '812', ['12', '400'])
    """
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    if not -4 <= power <= 6:
        return f"{mantissa}{TIMES}10{str(power).translate(SUPERSCRIPTS)}".replace("-", MINUS)
    rounded = round(value, digits - 1 - power)
    return f"{rounded:,.{max(digits - 1 - power, 0)}f}".replace(",", NARROW_SPACE).replace("-", MINUS)


def compact(value: float) -> str:
    """A round value as short as it can be, for the ticks of an axis.

    Example:
        >>> compact(0.5), compact(20000.0), compact(0.0)
        ('0.5', '20k', '0')
    """
    if value == 0 or not is_number(value):
        return "0"
    prefix = min(max(3 * math.floor(math.log10(abs(value)) / 3 + 1e-9), 0), 15)
    return f"{value / 10.0**prefix:.6g}{PREFIXES[prefix]}".replace("-", MINUS)


def ratio(value: float) -> str:
    """A quotient with three significant digits and a multiplication sign.

    Example:
        >>> ratio(0.9312).removesuffix(TIMES)
        '0.931'
    """
    return f"{significant(value)}{TIMES}"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A prefixed unit that a group of values shares.

    Args:
        unit: Symbol with its prefix (`ns`, `kbit`).
        factor: What a stored value is multiplied by to be counted in that unit.
    """

    unit: str
    factor: float

    def text(self, value: float) -> str:
        """The value in this unit, without the unit."""
        return significant(value * self.factor)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """How the values of a field are stored, and how they are shown.

    Args:
        symbol: SI symbol without prefix (`s`, `J`, `bit`).
        exponent: Stored values count units of ten to this power (-9 for a field in ns).
        stored: Symbol of the stored values (`ns`).
    """

    symbol: str
    exponent: int = 0
    stored: str = ""

    def scale(self, values: Iterable[float]) -> Scale:
        """One prefix for all values, so that they can be compared at a glance: that of their geometric mean."""
        logs = [math.log10(abs(value)) for value in values if is_number(value) and value]
        power = self.exponent + (sum(logs) / len(logs) if logs else 0)
        prefix = min(max(3 * math.floor(power / 3 + 1e-9), min(PREFIXES)), max(PREFIXES))
        return Scale(unit=PREFIXES[prefix] + self.symbol, factor=10.0 ** (self.exponent - prefix))

    def text(self, value: float) -> str:
        """One value with its own prefix and unit.

        Example:
            >>> NS.text(1240.0)
            '1.24 µs'
        """
        scale = self.scale([float(f"{value:.2e}")])
        return f"{scale.text(value)} {scale.unit}"

    def exact(self, value: float) -> str:
        """The stored value, unrounded, with the unit it is stored in."""
        return f"{exact(value)} {self.stored or self.symbol}".strip()


NS = Unit(symbol="s", exponent=-9, stored="ns")
PJ = Unit(symbol="J", exponent=-12, stored="pJ")
BIT = Unit(symbol="bit")
BYTE = Unit(symbol="B")
PER_S = Unit(symbol="/s")


@dataclass(frozen=True, kw_only=True)
class QualityScale:
    """How a quality measure is shown.

    Args:
        title: Name of the measure, for people.
        unit: Unit of the shown value.
        delta_unit: Unit of the shown difference of two values.
        factor: What the stored value is multiplied by.
        decimals: Digits after the point.
    """

    title: str
    unit: str
    delta_unit: str
    factor: float
    decimals: int

    @classmethod
    def of(cls, metric: str) -> QualityScale:
        """The scale of a metric: percent for accuracy, three decimals for everything else."""
        if metric == "accuracy":
            return cls(title="Accuracy", unit="%", delta_unit="points", factor=100.0, decimals=1)
        if metric == "bits_per_byte":
            return cls(title="Bits per byte", unit="", delta_unit="", factor=1.0, decimals=3)
        return cls(title=metric.replace("_", " ").capitalize(), unit="", delta_unit="", factor=1.0, decimals=3)

    def text(self, value: float) -> str:
        """The value without its unit."""
        return f"{value * self.factor:.{self.decimals}f}".replace("-", MINUS)

    def with_unit(self, value: float) -> str:
        """The value with its unit."""
        return f"{self.text(value)} {self.unit}".strip()

    def delta(self, value: float) -> str:
        """A signed difference without its unit."""
        return f"{value * self.factor:+.{self.decimals}f}".replace("-", MINUS)

    def delta_with_unit(self, value: float) -> str:
        """A signed difference with its unit."""
        return f"{self.delta(value)} {self.delta_unit}".strip()
