"""Text from a local folder: Penn Treebank (as bytes and as words), enwik8, Tiny Shakespeare."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from axonal.data.dataset import Dataset, Description, Split, assemble
from axonal.data.files import locate, unpack, verify

__all__ = [
    "ENWIK8",
    "PTB",
    "PTB_WORDS",
    "TINY_SHAKESPEARE",
    "by_position",
    "byte_split",
    "enwik8",
    "ptb",
    "ptb_words",
    "tiny_shakespeare",
]

_LINE_END = "\n"
_PREFIX = "enwik8.first4000000.xz"

PTB = Description(
    name="ptb",
    task="language",
    summary="Penn Treebank in Mikolov's preprocessing (lower case, 10,000 words, <unk>), read as bytes",
    split="the three published files",
    files=tuple((name, f"{name}.xz") for name in ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt")),
    folders=("ptb",),
    url="https://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz (folder data)",
    licence="text of the LDC Penn Treebank, not openly licensed: research use",
)

PTB_WORDS = replace(
    PTB,
    name="ptb_words",
    classes=10_000,
    inference="one window of words",
    summary="Penn Treebank in Mikolov's preprocessing, read as words (10,000, the end of a sentence among them)",
)

ENWIK8 = Description(
    name="enwik8",
    task="language",
    summary="the first 10^8 bytes of the English Wikipedia dump of 2006-03-03, or a prefix of them",
    split="by position: 90 % train, 5 % validation, 5 % test",
    files=(("enwik8", "enwik8.zip", _PREFIX),),
    folders=("enwik8", "enwik8_prefix"),
    url="http://mattmahoney.net/dc/enwik8.zip",
    licence="Wikipedia text: GFDL / CC BY-SA",
)

TINY_SHAKESPEARE = Description(
    name="tiny_shakespeare",
    task="language",
    summary="1.1 MB of Shakespeare's plays, from char-rnn",
    split="by position: 80 % train, 10 % validation, 10 % test",
    files=(("input.txt",),),
    folders=("tiny_shakespeare",),
    url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    licence="text in the public domain",
)


def ptb(folders: tuple[Path, ...]) -> Dataset:
    """The Penn Treebank as bytes."""
    train, validation, test = (byte_split(_checked(path, PTB)) for path in locate(PTB, folders))
    return assemble(PTB, (train, validation, test), "Penn Treebank, Mikolov's word-level preprocessing, as bytes")


def ptb_words(folders: tuple[Path, ...]) -> Dataset:
    """The Penn Treebank as words, numbered from the most frequent of the training text on; a line end is a word."""
    texts = [_words(_checked(path, PTB)) for path in locate(PTB_WORDS, folders)]
    counts = Counter(texts[0])
    number = {word: index for index, word in enumerate(sorted(counts, key=lambda word: (-counts[word], word)))}
    train, validation, test = (
        Split(
            inputs=torch.tensor([number[word] for word in text], dtype=torch.int16),
            targets=torch.empty(0, dtype=torch.int64),
        )
        for text in texts
    )
    # Words and line ends are paid with the space before them: then they add up to the file.
    size = sum(len(word.encode()) + 1 for word in texts[2])
    source = "Penn Treebank, Mikolov's word-level preprocessing, as words"
    return assemble(PTB_WORDS, (train, validation, test), source, bytes_per_symbol=size / len(texts[2]))


def _words(raw: bytes) -> list[str]:
    return [word for word in raw.decode().replace(_LINE_END, f" {_LINE_END} ").split(" ") if word]


def enwik8(folders: tuple[Path, ...]) -> Dataset:
    """The whole of enwik8, or else its prefix, which `source` then says."""
    (path,) = locate(ENWIK8, folders)
    raw = _checked(path, ENWIK8)
    whole = "enwik8 (Hutter, Mahoney), all 100,000,000 bytes"
    prefix = "enwik8 PREFIX, only the first 4,000,000 bytes: figures do not compare with those of the whole enwik8"
    return assemble(ENWIK8, by_position(raw, 90, 95), prefix if path.name == _PREFIX else whole)


def tiny_shakespeare(folders: tuple[Path, ...]) -> Dataset:
    """Tiny Shakespeare."""
    (path,) = locate(TINY_SHAKESPEARE, folders)
    raw = _checked(path, TINY_SHAKESPEARE)
    return assemble(TINY_SHAKESPEARE, by_position(raw, 80, 90), "Tiny Shakespeare, input.txt of karpathy/char-rnn")


def byte_split(raw: bytes) -> Split:
    """A split of these bytes; the tensor owns a copy, because torch cannot share memory that is read-only."""
    inputs = torch.from_numpy(np.frombuffer(raw, np.uint8).copy())
    return Split(inputs=inputs, targets=torch.empty(0, dtype=torch.int64))


def by_position(raw: bytes, validation_percent: int, test_percent: int) -> tuple[Split, Split, Split]:
    """Cut bytes in three: validation begins at `validation_percent` of the length, test at `test_percent`."""
    first, second = (len(raw) * percent // 100 for percent in (validation_percent, test_percent))
    return byte_split(raw[:first]), byte_split(raw[first:second]), byte_split(raw[second:])


def _checked(path: Path, description: Description) -> bytes:
    raw = unpack(path)
    verify(raw, path, description.name)
    return raw
