"""Windows of bytes and shuffled images."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from axonal.data import Split, random_windows, shuffled, windows


def some_bytes(count: int) -> torch.Tensor:
    return torch.arange(count).remainder(251).to(torch.uint8)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_images(count: int) -> Split:
    """Images whose only pixel says their number, and that number as the class."""
    numbers = torch.arange(count)
    return Split(inputs=(numbers / 1000).view(-1, 1, 1, 1), targets=numbers)


@given(st.integers(2, 400), st.data())
def test_windows_lie_end_to_end_and_targets_are_the_next_bytes(count: int, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, count - 1))
    raw = some_bytes(count).long()
    inputs, targets = windows(some_bytes(count), length)
    used = inputs.numel()
    assert torch.equal(inputs.flatten(), raw[:used])
    assert torch.equal(targets.flatten(), raw[1 : used + 1])
    assert count - 1 - used < length
    assert inputs.dtype == targets.dtype == torch.int64


@given(st.integers(2, 300), st.integers(1, 20), st.integers(0, 9), st.data())
def test_random_windows_are_pieces_of_the_text_with_the_next_bytes(
    count: int, batch: int, seed: int, data: st.DataObject
) -> None:
    length = data.draw(st.integers(1, count - 1))
    text = some_bytes(count)
    inputs, targets = random_windows(text, length, batch, seeded(seed))
    assert inputs.shape == targets.shape == (batch, length)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    for row, after in zip(inputs.tolist(), targets[:, -1].tolist(), strict=True):
        assert bytes([*row, after]) in text.numpy().tobytes()


def test_random_windows_reach_the_first_and_the_last_byte() -> None:
    inputs, targets = random_windows(some_bytes(5), 3, 64, seeded(0))
    assert int(inputs.min()) == 0
    assert int(targets.max()) == 4


def test_equal_generators_give_equal_random_windows_and_others_do_not() -> None:
    first, again, other = (random_windows(some_bytes(1000), 8, 16, seeded(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 9))
def test_shuffled_visits_every_example_once_with_its_own_target(count: int, batch: int, seed: int) -> None:
    batches = list(shuffled(some_images(count), batch, seeded(seed)))
    targets = torch.cat([target for _, target in batches])
    assert sorted(targets.tolist()) == list(range(count))
    assert torch.equal(torch.cat([image for image, _ in batches]).flatten(), targets / 1000)
    assert all(len(target) == batch for _, target in batches[:-1])


def test_equal_generators_give_equal_orders_and_one_generator_a_new_order_each_time() -> None:
    def order(generator: torch.Generator) -> list[int]:
        return [int(target) for _, target in shuffled(some_images(30), 1, generator)]

    generator = seeded(3)
    first = order(generator)
    assert first == order(seeded(3))
    assert first != order(generator)


@pytest.mark.parametrize("length", [0, 5, 6])
def test_a_window_that_does_not_fit_is_refused_with_its_bound(length: int) -> None:
    with pytest.raises(ValueError, match=f"length is {length}, must be 1 to 4"):
        windows(some_bytes(5), length)
    with pytest.raises(ValueError, match=f"length is {length}, must be 1 to 4"):
        random_windows(some_bytes(5), length, 1, seeded(0))


def test_an_empty_batch_is_refused_at_the_call() -> None:
    with pytest.raises(ValueError, match="batch is 0, must be >= 1"):
        shuffled(some_images(2), 0, seeded(0))
    with pytest.raises(ValueError, match="batch is 0, must be >= 1"):
        random_windows(some_bytes(5), 2, 0, seeded(0))


def test_shuffling_bytes_is_refused() -> None:
    split = Split(inputs=some_bytes(5), targets=torch.empty(0))
    with pytest.raises(ValueError, match="use windows for bytes"):
        shuffled(split, 2, seeded(0))
