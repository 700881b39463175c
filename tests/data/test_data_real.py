"""The real sets, where a data folder stands beside the repository."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
import torch

from axonal.data import Dataset, describe, load, names

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

SIZES = {
    "mnist": (54_000, 6_000, 10_000),
    "fashion_mnist": (54_000, 6_000, 10_000),
    "fsdd": (2_400, 300, 300),
    "ptb": (5_101_618, 399_782, 449_945),
    "ptb_words": (929_589, 73_760, 82_430),
    "tiny_shakespeare": (892_315, 111_539, 111_540),
}
ENWIK8_BYTES = {True: 4_000_000, False: 100_000_000}


@lru_cache(maxsize=1)
def real(name: str) -> Dataset:
    """One set at a time, because several at once are large."""
    try:
        return load(name, DATA)
    except FileNotFoundError as error:
        pytest.skip(f"no files beside the repository: {error}")


@pytest.mark.parametrize("name", names())
def test_a_real_set_keeps_to_its_description(name: str) -> None:
    dataset, description = real(name), describe(name)
    assert (dataset.name, dataset.task, dataset.classes) == (name, description.task, description.classes)
    assert dataset.inference == description.inference
    if dataset.task == "classification":
        assert all(set(split.targets.tolist()) == set(range(dataset.classes)) for split in dataset.splits)
        height, width = dataset.train.inputs.shape[2:]
        assert f"{height}x{width}" in dataset.inference or f"{height} frames" in dataset.inference
        assert 0 == float(dataset.test.inputs.min()) < float(dataset.test.inputs.max()) == 1


@pytest.mark.parametrize("name", SIZES)
def test_a_real_set_has_the_published_sizes(name: str) -> None:
    assert tuple(len(split) for split in real(name).splits) == SIZES[name]


def test_words_are_those_of_the_text_and_their_bytes_add_up_to_it() -> None:
    read = real("ptb").test.inputs.numpy().tobytes()
    dataset = real("ptb_words")
    assert dataset.test.inputs.dtype == torch.int16
    assert set(dataset.train.inputs.tolist()) == set(range(10_000))
    assert round(dataset.bytes_per_symbol * len(dataset.test)) == len(read) == 449_945
    # From the most frequent on: the, the unknown word, the end of a sentence.
    most = dict(zip(("the", "<unk>", "\n"), range(3), strict=True))
    words = read.decode().replace("\n", " \n ").split(" ")
    found = [most.get(word, 3) for word in words if word]
    assert dataset.test.inputs.clamp(max=3).tolist() == found


def test_spoken_digits_are_as_many_of_each_speaker_and_lie_in_their_span() -> None:
    dataset = real("fsdd")
    for split in dataset.splits:
        assert split.inputs.shape[1:] == (1, 64, 32)
        assert torch.bincount(split.targets).tolist() == [len(split) // 10] * 10
        assert 0 == float(split.inputs.min()) < float(split.inputs.max()) <= 1


def test_enwik8_is_whole_or_says_that_it_is_a_prefix() -> None:
    dataset = real("enwik8")
    assert sum(map(len, dataset.splits)) == ENWIK8_BYTES["PREFIX" in dataset.source]
    assert dataset.train.inputs[:10].numpy().tobytes() == b"<mediawiki"


def test_mnist_begins_with_its_well_known_labels() -> None:
    dataset = real("mnist")
    assert dataset.train.targets[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert dataset.test.targets[:5].tolist() == [7, 2, 1, 0, 4]
