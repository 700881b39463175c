"""Codecs and tensors to try them on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import settings
from hypothesis import strategies as st

from axonal.wire import CODECS, Codec, codec

Floats = npt.NDArray[np.float32]
Draw = tuple[Codec, Floats]

SYMBOL_CODECS = ("bitmap", "address", "dense", "gap", "bitmap_zstd", "range")
FLOAT_CODECS = tuple(name for name in CODECS if name not in SYMBOL_CODECS)
CAPPED = ("gap", "bitmap_zstd", "range")

quick = settings(deadline=None, max_examples=80)


def symbols(rows: int, channels: int, levels: int, signed: bool, rates: npt.ArrayLike, seed: int = 0) -> Floats:
    """A tensor whose channels have events at rates of their own."""
    rng = np.random.default_rng(seed)
    values = rng.integers(1, levels, (rows, channels), endpoint=True)
    if signed:
        values *= rng.choice([-1, 1], values.shape)
    return np.where(rng.random((rows, channels)) < np.asarray(rates), values, 0).astype(np.float32)


def uneven(channels: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Rates of 0.1 % to 30 %, as many below 1.7 % as above."""
    return np.exp(np.random.default_rng(seed).uniform(np.log(0.001), np.log(0.3), channels))


@st.composite
def symbol_tensors(draw: st.DrawFn, most_rows: int = 150, most_channels: int = 40) -> tuple[Floats, int, bool]:
    """A tensor, its levels and whether they have signs."""
    rows, channels = draw(st.integers(0, most_rows)), draw(st.integers(1, most_channels))
    levels, signed = draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 15, 100, 127])), draw(st.booleans())
    rate = draw(st.sampled_from([0.0, 0.01, 0.05, 0.3, 0.6, 0.97, 1.0]))
    seed = draw(st.integers(0, 99))
    spread = np.random.default_rng(seed).uniform(0, 2, channels) if draw(st.booleans()) else 1.0
    return symbols(rows, channels, levels, signed, rate * spread, seed), levels, signed


@st.composite
def draws(draw: st.DrawFn, names: tuple[str, ...] = CODECS) -> Draw:
    """A codec and a tensor that it carries."""
    tensor, levels, signed = draw(symbol_tensors(most_rows=40, most_channels=30))
    name = draw(st.sampled_from(names))
    if name in FLOAT_CODECS:
        scale = draw(st.sampled_from([0.0, 1e-39, 1e-3, 1.0, 1e5, 1e38]))
        noise = np.random.default_rng(draw(st.integers(0, 99))).standard_normal(tensor.shape)
        tensor = (np.clip(noise, -3, 3) * scale).astype(np.float32)
    return codec(name, levels=levels, signed=signed, channels=tensor.shape[1]), tensor


def received(made: Codec, frame: bytes | memoryview, like: Floats) -> Floats:
    """What the receiver of a frame gets, into memory that holds something else."""
    out = np.full(like.shape, np.nan, dtype=np.float32)
    made.decode(frame, out)
    return out
