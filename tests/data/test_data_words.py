"""Text as words, from small files made here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from axonal.data import Dataset, Split, load, random_windows, windows
from axonal.data.text import _words

TEXTS = {
    "train": " a b a \n <unk> a b \n",
    "valid": " b a \n",
    "test": " a <unk> b a \n b \n",
}
"""As in the real files, each word has a space before it, and each line end, too."""

NONE = torch.empty(0, dtype=torch.int64)
Trust = Callable[[str, bytes], None]


@pytest.fixture
def words(tmp_path: Path, trust: Trust) -> Dataset:
    for name, text in TEXTS.items():
        (tmp_path / f"ptb.{name}.txt").write_text(text)
        trust(f"ptb/ptb.{name}.txt", text.encode())
    return load("ptb_words", tmp_path)


def test_words_are_numbered_from_the_most_frequent_on_and_equal_ones_by_the_alphabet(words: Dataset) -> None:
    numbers = {"a": 0, "\n": 1, "b": 2, "<unk>": 3}
    for split, text in zip(words.splits, TEXTS.values(), strict=True):
        expected = [numbers[word] for word in text.replace("\n", " \n ").split(" ") if word]
        assert split.inputs.tolist() == expected
        assert split.inputs.dtype == torch.int16
        assert split.targets.numel() == 0


def test_bytes_of_the_words_add_up_to_the_test_text(words: Dataset) -> None:
    assert words.bytes_per_symbol * len(words.test) == pytest.approx(len(TEXTS["test"]))


def test_the_same_files_are_another_dataset_as_bytes(words: Dataset, tmp_path: Path) -> None:
    read = load("ptb", tmp_path)
    assert read.train.inputs.numpy().tobytes() == TEXTS["train"].encode()
    assert read.bytes_per_symbol == 1
    assert (read.digest != words.digest, read.classes, words.classes) == (True, 256, 10_000)


@given(st.lists(st.lists(st.text("abc<>", min_size=1), max_size=5), min_size=1, max_size=5))
def test_no_word_and_no_line_end_is_lost(lines: list[list[str]]) -> None:
    raw = "".join(" " + " ".join([*line, "\n"]) for line in lines).encode()
    found = _words(raw)
    assert found == [word for line in lines for word in [*line, "\n"]]
    assert sum(len(word) + 1 for word in found) == len(raw)


def test_windows_of_words_are_indices(words: Dataset) -> None:
    for inputs, targets in (
        windows(words.train.inputs, 2),
        random_windows(words.train.inputs, 2, 3, torch.Generator().manual_seed(0)),
    ):
        assert inputs.dtype == targets.dtype == torch.int64
        assert torch.equal(inputs[:, 1], targets[:, 0])


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.float32, torch.int8])
def test_words_of_another_type_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match=r"must be .* \[N\] uint8 or int16 with none"):
        Split(inputs=torch.zeros(5, dtype=dtype), targets=NONE)


def test_words_with_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="must be"):
        Split(inputs=torch.zeros(5, dtype=torch.int16), targets=torch.zeros(5, dtype=torch.int64))


@pytest.mark.parametrize("wrong", [-1, 10_000])
def test_a_word_outside_the_vocabulary_is_refused(words: Dataset, wrong: int) -> None:
    bad = Split(inputs=torch.tensor([0, wrong], dtype=torch.int16), targets=NONE)
    with pytest.raises(ValueError, match=r"dataset ptb_words: words are .* must be 0 to 9999"):
        replace(words, test=bad)


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan")])
def test_symbols_of_no_bytes_are_refused(words: Dataset, size: float) -> None:
    with pytest.raises(ValueError, match=f"bytes_per_symbol is {size}, must be > 0"):
        replace(words, bytes_per_symbol=size)
