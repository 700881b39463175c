"""Formats and tensors to try them on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import settings
from hypothesis import strategies as st

from axonal.wire import AddressEvent, Bitmap, Dense

AnyFormat = Dense | Bitmap | AddressEvent

quick = settings(deadline=None, max_examples=150)

NAMED: tuple[AnyFormat, ...] = (
    Dense(element_bits=1),
    Dense(element_bits=8, signed=True),
    Dense(element_bits=11),
    Dense(element_bits=32, signed=True),
    Bitmap(),
    Bitmap(value_bits=2, signed=True),
    Bitmap(value_bits=13),
    AddressEvent(group=1, value_bits=3),
    AddressEvent(group=5, value_bits=1, signed=True),
    AddressEvent(group=128),
    AddressEvent(group=128, value_bits=2),
    AddressEvent(group=1000, value_bits=32, signed=True),
)

names = [f"{fmt}{' signed' if fmt.signed else ''}" for fmt in NAMED]

_widths = st.sampled_from([1, 2, 3, 4, 7, 8, 9, 13, 15, 16, 17, 24, 31, 32])
_groups = st.sampled_from([1, 2, 3, 5, 7, 8, 9, 64, 100, 127, 128, 129, 255, 256, 1000])


@st.composite
def formats(draw: st.DrawFn) -> AnyFormat:
    """Any format, the widths around whole bytes being likely."""
    kind = draw(st.sampled_from([Dense, Bitmap, AddressEvent]))
    width, signed = draw(_widths), draw(st.booleans())
    if kind is Dense:
        return Dense(element_bits=width, signed=signed)
    value_bits = width if signed else draw(st.sampled_from([0, width]))
    if kind is Bitmap:
        return Bitmap(value_bits=value_bits, signed=signed)
    return AddressEvent(group=draw(_groups), value_bits=value_bits, signed=signed)


@st.composite
def cases(draw: st.DrawFn, min_size: int = 0, max_size: int = 300) -> tuple[AnyFormat, npt.NDArray[np.int64]]:
    """A format and a flat tensor that it can carry, zeros and the extremes being likely."""
    fmt = draw(formats())
    low, high = fmt.alphabet.low, fmt.alphabet.high
    value = st.one_of(st.just(0), st.sampled_from([low, high]), st.integers(low, high))
    symbols = draw(st.lists(value, min_size=min_size, max_size=max_size))
    return fmt, np.array(symbols, dtype=np.int64)


def random_symbols(fmt: AnyFormat, elements: int, activity: float, seed: int) -> npt.NDArray[np.int64]:
    """A flat tensor that a format can carry, of which a share is drawn from all its symbols."""
    rng = np.random.default_rng(seed)
    values = rng.integers(fmt.alphabet.low, fmt.alphabet.high, elements, endpoint=True)
    return np.where(rng.random(elements) < activity, values, 0)
