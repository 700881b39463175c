"""Batches of a split: windows of bytes, and images in random order.

Every draw is from the `torch.Generator` that is passed, so that equal
generators give equal batches.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from axonal.data.dataset import Split

__all__ = ["random_windows", "shuffled", "windows"]

Pair = tuple[torch.Tensor, torch.Tensor]


def windows(data: torch.Tensor, length: int) -> Pair:
    """All windows of `length` bytes one after the other, and for each byte the next one.

    Every byte but the first is a target at most once; the up to `length` bytes
    that fill no window are left out.

    Args:
        data: Bytes, uint8 `[M]`.
        length: Bytes of a window, L.

    Returns:
        Inputs and targets, int64 `[N, L]` with `N = (M - 1) // L`.

    Raises:
        ValueError: When not even one window fits.

    >>> inputs, targets = windows(torch.arange(6, dtype=torch.uint8), 2)
    >>> inputs.tolist(), targets.tolist()
    ([[0, 1], [2, 3]], [[1, 2], [3, 4]])
    """
    _check_length(data, length)
    used = (len(data) - 1) // length * length
    inputs, targets = data[:used], data[1 : used + 1]
    return inputs.long().view(-1, length), targets.long().view(-1, length)


def random_windows(data: torch.Tensor, length: int, batch: int, generator: torch.Generator) -> Pair:
    """A batch of windows from uniformly random places, and for each byte the next one.

    Args:
        data: Bytes, uint8 `[M]`.
        length: Bytes of a window, L.
        batch: Number of windows, B.
        generator: Source of the places, on the CPU.

    Returns:
        Inputs and targets, int64 `[B, L]`, on the device of `data`.

    Raises:
        ValueError: When not even one window fits or the batch is empty.
    """
    _check_length(data, length)
    _check_batch(batch)
    starts = torch.randint(len(data) - length, (batch, 1), generator=generator)
    chosen = data[(starts + torch.arange(length + 1)).to(data.device)].long()
    return chosen[:, :-1], chosen[:, 1:]


def shuffled(split: Split, batch: int, generator: torch.Generator) -> Iterator[Pair]:
    """Every example of a split once, in random order; the last batch may be smaller.

    Args:
        split: Images and classes.
        batch: Examples of a batch, B.
        generator: Source of the order, on the CPU; it is drawn when this is called.

    Returns:
        An iterator over inputs `[B, 1, H, W]` and targets `[B]`.

    Raises:
        ValueError: When the batch is empty or the split holds bytes.
    """
    _check_batch(batch)
    if len(split.targets) != len(split):
        raise ValueError(f"{split} has {len(split.targets)} targets for {len(split)} inputs: use windows for bytes")
    order = torch.randperm(len(split), generator=generator)
    return ((split.inputs[index], split.targets[index]) for index in torch.split(order, batch))


def _check_length(data: torch.Tensor, length: int) -> None:
    if not 1 <= length < len(data):
        raise ValueError(f"length is {length}, must be 1 to {len(data) - 1}, one less than the bytes: shorten it")


def _check_batch(batch: int) -> None:
    if batch < 1:
        raise ValueError(f"batch is {batch}, must be >= 1: raise it")
