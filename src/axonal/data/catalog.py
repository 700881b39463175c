"""The doors: which datasets there are, what they are, and one of them loaded."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

from axonal.data import embedded, images, speech, text
from axonal.data.dataset import Dataset, Description
from axonal.data.files import data_folders

__all__ = ["describe", "load", "names"]

Loader = Callable[[tuple[Path, ...]], Dataset]

_SETS: dict[str, tuple[Description, Loader]] = {
    description.name: (description, loader)
    for description, loader in (
        (embedded.DIGITS, embedded.digits),
        (embedded.PYDOCS, embedded.pydocs),
        (images.MNIST, images.mnist),
        (images.FASHION_MNIST, images.fashion_mnist),
        (speech.FSDD, speech.fsdd),
        (text.PTB, text.ptb),
        (text.PTB_WORDS, text.ptb_words),
        (text.ENWIK8, text.enwik8),
        (text.TINY_SHAKESPEARE, text.tiny_shakespeare),
    )
}


def names() -> tuple[str, ...]:
    """Names of all datasets, the embedded ones first.

    >>> names()[:2]
    ('digits', 'pydocs')
    """
    return tuple(_SETS)


def describe(name: str) -> Description:
    """What is known of a dataset without reading it.

    >>> describe("mnist").inference
    'one 28x28 grey image'

    Raises:
        ValueError: When there is no dataset of that name.
    """
    return _entry(name)[0]


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """A dataset with its fixed splits.

    Args:
        name: One of `names()`.
        data_dir: Folder to look for files in, before that of the environment
            variable `AXONAL_DATA`; no other place is looked at.

    Raises:
        ValueError: When there is no dataset of that name, or a file is damaged or another one.
        FileNotFoundError: When a file is in none of the folders.

    >>> load("digits").train
    Split(inputs=[1258, 1, 8, 8] float32, targets=[1258] int64)
    """
    _, loader = _entry(name)
    return loader(data_folders(data_dir))


def _entry(name: str) -> tuple[Description, Loader]:
    if name in _SETS:
        return _SETS[name]
    near = difflib.get_close_matches(name, _SETS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"there is no dataset {name!r}: {hint}choose one of {', '.join(_SETS)}")
