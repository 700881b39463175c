"""Splits, digests and names, on the embedded sets and tiny fabricated ones."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import replace
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import axonal.data
from axonal.data import Dataset, Split, describe, load, names
from axonal.data.checksums import CHECKSUMS
from axonal.data.dataset import digest
from axonal.data.embedded import stratified
from axonal.data.text import by_position


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def joined(dataset: Dataset) -> bytes:
    return b"".join(split.inputs.numpy().tobytes() for split in dataset.splits)


def test_digits_splits_are_disjoint_and_cover_every_image(digits: Dataset) -> None:
    def examples(images: np.ndarray, labels: np.ndarray) -> Counter[tuple[bytes, int]]:
        return Counter((image.astype(np.float32).tobytes(), int(c)) for image, c in zip(images, labels, strict=True))

    original = load_digits()
    parts = [examples(split.inputs.numpy() * 16, split.targets.numpy()) for split in digits.splits]
    assert sum(parts, Counter()) == examples(original.images, original.target)


def test_digits_keeps_the_share_of_each_class_in_every_split(digits: Dataset) -> None:
    totals = np.bincount(load_digits().target)
    for split, share in zip(digits.splits, (0.7, 0.1, 0.2), strict=True):
        counts = np.bincount(split.targets.numpy(), minlength=10)
        assert np.abs(counts - share * totals).max() <= 1


def test_digits_has_one_fixed_split(digits: Dataset) -> None:
    # Golden: a change makes another dataset, whose results do not compare with earlier ones.
    assert digits.digest == "f891ac52cd5237eb55e7f4edf73258dc9b0afe0cc0fc2f88d81361defe35fbc0"
    assert load("digits") == digits


def test_digits_pixels_fill_zero_to_one(digits: Dataset) -> None:
    assert float(digits.train.inputs.min()) == 0.0
    assert float(digits.train.inputs.max()) == 1.0


def test_pydocs_is_every_topic_in_sorted_order_cut_by_position() -> None:
    dataset = load("pydocs")
    assert joined(dataset) == "".join(topics[key] for key in sorted(topics)).encode()
    assert platform.python_version() in dataset.source
    assert load("pydocs").digest == dataset.digest


@given(st.binary(min_size=20, max_size=300), st.sampled_from([(80, 90), (90, 95)]))
def test_cutting_by_position_loses_and_repeats_no_byte(raw: bytes, percents: tuple[int, int]) -> None:
    splits = by_position(raw, *percents)
    assert b"".join(split.inputs.numpy().tobytes() for split in splits) == raw
    assert len(splits[0]) == len(raw) * percents[0] // 100


def test_a_text_too_short_for_three_splits_is_refused() -> None:
    with pytest.raises(ValueError, match="split has 0 examples, must be >= 1"):
        by_position(bytes(10), 90, 95)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80), st.integers(0, 5))
def test_a_stratified_split_holds_each_index_exactly_once(labels: list[int], seed: int) -> None:
    parts = stratified(np.array(labels, dtype=np.uint8), seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))


def test_another_seed_makes_another_stratified_split() -> None:
    labels = np.zeros(50, dtype=np.uint8)
    assert stratified(labels, 0)[0].tolist() != stratified(labels, 1)[0].tolist()


def test_the_last_tenth_of_the_training_images_is_the_validation(tiny_mnist: Path) -> None:
    dataset = load("mnist", tiny_mnist)
    assert [len(split) for split in dataset.splits] == [18, 2, 3]
    pixels = torch.cat([dataset.train.inputs, dataset.validation.inputs]).flatten() * 255
    assert pixels.round().tolist() == list(range(80))
    assert dataset.validation.targets.tolist() == [8, 9]
    assert set(dataset.test.inputs.flatten().tolist()) == {1.0}


@given(st.integers(0, 19), st.binary(min_size=20, max_size=20))
def test_a_digest_changes_with_any_byte_of_any_split(place: int, raw: bytes) -> None:
    changed = bytearray(raw)
    changed[place] ^= 1
    assert digest(by_position(raw, 80, 90)) != digest(by_position(bytes(changed), 80, 90))


def test_a_digest_tells_where_the_splits_are_cut() -> None:
    raw = bytes(100)
    assert digest(by_position(raw, 80, 90)) != digest(by_position(raw, 90, 95))


@pytest.mark.parametrize("wrong", [-1, 10])
def test_a_label_outside_the_classes_is_refused(digits: Dataset, wrong: int) -> None:
    bad = Split(inputs=digits.test.inputs[:1], targets=torch.tensor([wrong]))
    with pytest.raises(ValueError, match=r"dataset digits: targets are .* must be 0 to 9"):
        replace(digits, test=bad)


def test_a_split_that_does_not_suit_the_task_is_refused(digits: Dataset) -> None:
    with pytest.raises(ValueError, match="does not suit language"):
        replace(digits, task="language")


@pytest.mark.parametrize(
    ("inputs", "targets", "reason"),
    [
        (torch.rand(3, 8, 8), torch.zeros(3, dtype=torch.int64), "must be"),
        (torch.rand(3, 1, 8, 8), torch.zeros(2, dtype=torch.int64), "must be"),
        (torch.rand(3, 1, 8, 8), torch.zeros(3), "must be"),
        (torch.zeros(3, dtype=torch.int64), torch.empty(0), "must be"),
        (torch.full((3, 1, 8, 8), 16.0), torch.zeros(3, dtype=torch.int64), "16.0, must be 0 to 1"),
        (torch.empty(0, dtype=torch.uint8), torch.empty(0), "0 examples"),
    ],
)
def test_a_split_of_another_form_is_refused(inputs: torch.Tensor, targets: torch.Tensor, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Split(inputs=inputs, targets=targets)


@pytest.mark.parametrize("near", ["mnits", "enwik", "tiny-shakespeare", "digit"])
def test_an_unknown_name_is_answered_with_a_near_one_and_the_list(near: str) -> None:
    with pytest.raises(ValueError, match=f"{near!r}: did you mean .*choose one of {', '.join(names())}") as caught:
        load(near)
    assert "\n" not in str(caught.value)


def test_a_far_name_is_answered_with_the_list_alone() -> None:
    with pytest.raises(ValueError, match="'zzz': choose one of digits"):
        describe("zzz")


@pytest.mark.parametrize("name", names())
def test_every_file_of_a_description_has_a_checksum_and_a_place_to_get_it(name: str) -> None:
    description = describe(name)
    for forms in description.files:
        contents = {form.removesuffix(".gz").removesuffix(".xz").removesuffix(".zip") for form in forms}
        # Two ways to read the same files share their folder, and its checksums.
        assert {f"{description.folders[0]}/{content}" for content in contents} <= CHECKSUMS.keys()
    assert bool(description.files) == description.url.startswith("http")


def test_the_public_face_is_sorted_and_complete() -> None:
    assert axonal.data.__all__ == sorted(axonal.data.__all__)
    assert all(hasattr(axonal.data, name) for name in axonal.data.__all__)
