"""Sets that come with an installed package and need no file: `digits` and `pydocs`."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from numpy.typing import NDArray

from axonal.data.dataset import Dataset, Description, Split, assemble
from axonal.data.images import image_split
from axonal.data.text import by_position

__all__ = ["DIGITS", "PYDOCS", "digits", "pydocs", "stratified"]

_SEED = 0
"""Part of the definition of `digits`: a change makes another dataset."""

DIGITS = Description(
    name="digits",
    task="classification",
    classes=10,
    inference="one 8x8 grey image",
    summary="1,797 handwritten digits, 8x8 grey, embedded in scikit-learn",
    split="stratified by class with a fixed permutation: 70 % train, 10 % validation, 20 % test",
    licence="CC BY 4.0 (UCI Machine Learning Repository, Alpaydin and Kaynak 1998)",
)

PYDOCS = Description(
    name="pydocs",
    task="language",
    summary="0.5 MB of the Python language reference, embedded in the standard library (pydoc_data.topics)",
    split="by position: 80 % train, 10 % validation, 10 % test",
    licence="PSF License",
)


def digits(_folders: tuple[Path, ...]) -> Dataset:
    """The 8x8 digits of scikit-learn, scaled from 0..16 to 0..1."""
    # Imported here because scikit-learn takes a second to import and only this set needs it.
    from sklearn.datasets import load_digits  # noqa: PLC0415

    data = load_digits()
    images, labels = data.images.astype(np.uint8), data.target.astype(np.uint8)

    def part(index: NDArray[np.int64]) -> Split:
        return image_split(images[index], labels[index], 16)

    train, validation, test = stratified(labels, _SEED)
    source = "sklearn.datasets.load_digits (test part of UCI optical digits, Alpaydin and Kaynak 1998)"
    return assemble(DIGITS, (part(train), part(validation), part(test)), source)


def pydocs(_folders: tuple[Path, ...]) -> Dataset:
    """The help topics of this Python, joined in sorted order of their keys, as UTF-8."""
    raw = "".join(topics[key] for key in sorted(topics)).encode()
    # The text differs between releases of CPython, and with it the digest.
    source = f"pydoc_data.topics of Python {platform.python_version()}"
    return assemble(PYDOCS, by_position(raw, 80, 90), source)


def stratified(labels: NDArray[np.uint8], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Indices of 70 / 10 / 20 % of each class, ascending.

    The permutation is the order of hashes of the indices, so that it depends on
    no version of a random number generator.
    """
    order = np.array(sorted(range(len(labels)), key=lambda index: _rank(seed, index)), dtype=np.int64)
    classes = [_three_parts(order[labels[order] == label]) for label in np.unique(labels)]
    train, validation, test = (np.sort(np.concatenate(parts)) for parts in zip(*classes, strict=True))
    return train, validation, test


def _three_parts(members: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    cuts = [(len(members) * tenths + 5) // 10 for tenths in (7, 8)]
    return np.split(members, cuts)


def _rank(seed: int, index: int) -> bytes:
    return hashlib.sha256(f"{seed}:{index}".encode()).digest()
