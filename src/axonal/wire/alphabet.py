"""Which integers the fields of a format can carry, and the code of each.

Symbols are 32-bit integers at the receiver. Where the codes of a width reach
further than that (`2**32 - 1` unsigned), the rest of them stays unused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axonal.wire.fields import Codes, container
from axonal.wire.frame import CorruptFrame, check_elements

__all__ = ["Levels", "Numbers", "Span", "Symbols", "check_integers", "flat_symbols"]

Symbols = npt.NDArray[np.int32]
"""The integers of a tensor as the receiver gets them, flat."""

_HIGHEST = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """All integers of a width, zero among them: two's complement when signed."""

    width: int
    signed: bool

    @property
    def low(self) -> int:
        """Smallest symbol."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest symbol."""
        return min((1 << (self.width - self.signed)) - 1, _HIGHEST)

    def encode(self, symbols: npt.NDArray[Any]) -> Codes:
        """The code of each symbol; bits above the width may be set."""
        return symbols.astype(container(self.width))

    def decode(self, codes: Codes) -> Symbols:
        """The symbol of each code; CorruptFrame where there is none."""
        values = _extended(codes, self.width) if self.signed else codes
        return _bounded(values, self.high)


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Non-zero integers, so that no code is spent on zero.

    Unsigned `1 .. 2**width`, a width of 0 being the plain spike that is always 1;
    signed `-2**(width - 1) .. 2**(width - 1)` without zero.
    """

    width: int
    signed: bool

    def __post_init__(self) -> None:
        lowest = 1 if self.signed else 0
        if not lowest <= self.width <= 32:
            sign = "signed" if self.signed else "unsigned"
            raise ValueError(
                f"value_bits is {self.width}, must be {lowest} to 32 when {sign}: change value_bits or signed"
            )

    @property
    def low(self) -> int:
        """Smallest symbol of a tensor, the silent zero included."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest symbol."""
        return min(1 << (self.width - self.signed), _HIGHEST)

    def encode(self, symbols: npt.NDArray[Any]) -> Codes:
        """The code of each symbol, none of which is zero; bits above the width may be set."""
        wide = symbols.astype(np.int64)
        return (wide - (wide > 0)).astype(container(self.width))

    def decode(self, codes: Codes) -> Symbols:
        """The symbol of each code; CorruptFrame where there is none."""
        wide = (_extended(codes, self.width) if self.signed else codes).astype(np.int64)
        return _bounded(wide + (wide >= 0), self.high)


@dataclass(frozen=True, kw_only=True)
class Span:
    """The `size` integers from `low` upwards."""

    low: int
    size: int

    def __post_init__(self) -> None:
        if not -_HIGHEST - 1 <= self.low <= self.high <= _HIGHEST:
            raise ValueError(
                f"symbols are {self.low} to {self.high}, must be within {-_HIGHEST - 1} to {_HIGHEST}: change low"
            )

    @property
    def high(self) -> int:
        """Largest symbol."""
        return self.low + self.size - 1

    @property
    def width(self) -> int:
        """Bits of a code of fixed width: ceil(log2(size))."""
        return (self.size - 1).bit_length()

    def encode(self, symbols: npt.NDArray[Any]) -> Codes:
        """The code of each symbol."""
        return (symbols.astype(np.int64) - self.low).astype(container(self.width))

    def decode(self, codes: Codes) -> Symbols:
        """The symbol of each code; CorruptFrame where there is none."""
        if codes.size and int(codes.max()) >= self.size:
            raise CorruptFrame(f"payload holds the code {int(codes.max())}, must be below {self.size}")
        return (codes.astype(np.int64) + self.low).astype(np.int32)


def check_integers(symbols: npt.NDArray[Any]) -> None:
    """TypeError unless the symbols are integers."""
    if symbols.dtype.kind not in "biu":
        raise TypeError(f"symbols are {symbols.dtype}, must be integers: encode them first")


def flat_symbols(symbols: npt.NDArray[Any], alphabet: Numbers | Levels | Span, lever: str) -> npt.NDArray[Any]:
    """The symbols in C order; ValueError where the alphabet or a frame cannot hold them, TypeError for non-integers."""
    check_integers(symbols)
    flat = symbols.ravel()
    check_elements(flat.size)
    if flat.size:
        lowest, highest = int(flat.min()), int(flat.max())
        if lowest < alphabet.low:
            raise ValueError(f"symbol {lowest} is below {alphabet.low}, the lowest of the format: {lever}")
        if highest > alphabet.high:
            raise ValueError(f"symbol {highest} is above {alphabet.high}, the highest of the format: {lever}")
    return flat


def _extended(codes: Codes, width: int) -> npt.NDArray[np.signedinteger[Any]]:
    """Two's complement of `width` bits as a signed array, by shifting the sign to the top and back."""
    spare = 8 * codes.itemsize - width
    signed = np.dtype(f"<i{codes.itemsize}")
    return (codes << spare).view(signed) >> spare


def _bounded(values: npt.NDArray[Any], high: int) -> Symbols:
    # Narrower types cannot exceed the bound, so that only they are spared the pass over the data.
    if values.dtype.itemsize >= 4 and values.size and int(values.max()) > high:
        raise CorruptFrame(f"payload holds the value {int(values.max())}, must be at most {high}")
    return values.astype(np.int32)
