"""Spoken digits as frames of log mel energies: a stream in which neighbours resemble each other."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from axonal.data.dataset import Dataset, Description, Split, assemble
from axonal.data.files import locate, unpack, verify

__all__ = ["FSDD", "fsdd", "log_mel"]

FRAMES, BANDS = 64, 32
_RATE_HZ, _HOP, _WINDOW = 8_000, 100, 200
_FLOOR_DB, _CEILING_DB = 20.0, 110.0
"""Span of the energies that the values 0 to 1 stand for."""

FSDD = Description(
    name="fsdd",
    task="classification",
    classes=10,
    inference="one spoken digit, 64 frames of 12.5 ms",
    summary="3,000 spoken digits (Free Spoken Digit Dataset), 64 frames of 32 log mel energies",
    split="by recording of each speaker and digit: 0-4 test (the official split), 5-9 validation, 10-49 train",
    files=(("fsdd.npz",),),
    folders=("fsdd",),
    url="https://github.com/Jakobovski/free-spoken-digit-dataset",
    licence="CC BY-SA 4.0",
)


def fsdd(folders: tuple[Path, ...]) -> Dataset:
    """Spoken digits, `[N, 1, frame, band]` in [0, 1]."""
    (path,) = locate(FSDD, folders)
    raw = unpack(path)
    verify(raw, path, FSDD.name)
    with np.load(io.BytesIO(raw), allow_pickle=False) as file:
        samples, offsets, digit, take = (file[name] for name in ("samples", "offsets", "digit", "index"))
    frames = np.stack([log_mel(samples[a:b]) for a, b in pairwise(offsets)])

    def part(first: int, last: int) -> Split:
        rows = (take >= first) & (take <= last)
        return Split(
            inputs=torch.from_numpy(frames[rows]).unsqueeze(1), targets=torch.from_numpy(digit[rows].astype(np.int64))
        )

    source = "Free Spoken Digit Dataset (Jackson 2016), log mel energies"
    return assemble(FSDD, (part(10, 49), part(5, 9), part(0, 4)), source)


def log_mel(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Log energies in mel bands, scaled to [0, 1].

    Frames of 25 ms every 12.5 ms under a Hann window, triangles equally wide on the mel
    scale (2595 log10(1 + f / 700), O'Shaughnessy 1987); silence is added or the end cut.

    Args:
        samples: 16-bit sound at 8 kHz.

    Returns:
        `(64, 32)`.
    """
    wanted = (FRAMES - 1) * _HOP + _WINDOW
    sound = np.zeros(wanted)
    sound[: min(wanted, len(samples))] = samples[:wanted]
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    energy = np.abs(np.fft.rfft(frames, 256)) ** 2 @ _triangles()
    decibel = 10 * np.log10(energy + 1.0)
    scaled = np.clip((decibel - _FLOOR_DB) / (_CEILING_DB - _FLOOR_DB), 0, 1)
    return scaled.astype(np.float32)


def _triangles() -> NDArray[np.float64]:
    """Weights of the spectrum's lines in each band, `(129, 32)`."""
    top = 2595 * np.log10(1 + _RATE_HZ / 2 / 700)
    edges_hz = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    line_hz = np.linspace(0, _RATE_HZ / 2, 129)[:, None]
    rising = (line_hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[2:] - line_hz) / (edges_hz[2:] - edges_hz[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None)
