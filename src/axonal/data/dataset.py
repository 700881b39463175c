"""The nouns of the room: `Dataset`, its `Split`s and the `Description` of a set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch

__all__ = ["Dataset", "Description", "Split", "Task", "assemble", "digest"]

Task = Literal["classification", "language"]
"""`classification`: an image to one of some classes. `language`: bytes, or words, to the next one."""

BYTE_VALUES = 256


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _form(tensor: torch.Tensor) -> str:
    return f"{list(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Split:
    """One part of a dataset, on the CPU.

    Args:
        inputs: Images, float32 `[N, 1, H, W]` in [0, 1], or bytes, uint8 `[N]`, or words, int16 `[N]`.
        targets: Classes, int64 `[N]`, or an empty tensor for text.

    Raises:
        ValueError: When shapes, types or values are others.
    """

    inputs: torch.Tensor
    targets: torch.Tensor

    def __post_init__(self) -> None:
        _require(
            self._are_text() or self._are_images(),
            f"split has inputs {_form(self.inputs)} and targets {_form(self.targets)}, must be "
            "[N, 1, H, W] float32 with [N] int64, or [N] uint8 or int16 with none",
        )
        _require(len(self) >= 1, "split has 0 examples, must be >= 1: use a larger set")
        if self._are_images():
            low, high = float(self.inputs.min()), float(self.inputs.max())
            _require(0 <= low <= high <= 1, f"split has pixels from {low} to {high}, must be 0 to 1: scale the images")

    def _are_text(self) -> bool:
        whole = self.inputs.dtype in (torch.uint8, torch.int16)
        return whole and self.inputs.dim() == 1 and self.targets.numel() == 0

    def _are_images(self) -> bool:
        images, classes = self.inputs, self.targets
        shapes = images.dim() == 4 and images.shape[1] == 1 and classes.shape == images.shape[:1]
        return shapes and images.dtype == torch.float32 and classes.dtype == torch.int64

    def __len__(self) -> int:
        """Number of images, of bytes or of words."""
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"Split(inputs={_form(self.inputs)}, targets={_form(self.targets)})"


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is known of a dataset before it is read.

    Args:
        name: Name that `load` takes.
        task: What is to be learned.
        classes: Number of classes; 256 byte values for language.
        inference: What one inference is.
        summary: One line for people.
        split: How the three parts are cut, for people.
        files: For each file that is needed, the names it may have, preferred first; none for an embedded set.
        folders: Sub-folders of the data folder that may hold the files, beside the data folder itself.
        url: Where to get the files.
        licence: Terms of use, for people.
    """

    name: str
    task: Task
    classes: int = BYTE_VALUES
    inference: str = "one window of bytes"
    summary: str
    split: str
    files: tuple[tuple[str, ...], ...] = ()
    folders: tuple[str, ...] = ()
    url: str = ""
    licence: str


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Three disjoint splits of one source; datasets are equal when name, source and digest are.

    Args:
        name: Name that `load` takes.
        task: What is to be learned.
        train: Part to learn from.
        validation: Part to choose by.
        test: Part to report on.
        classes: Number of classes; 256 byte values for language.
        digest: SHA-256 over the tensors in use, splits in order.
        source: One line on where the data is from.
        inference: What one inference is.
        bytes_per_symbol: Mean bytes of a symbol of text in the test split: what turns bits per word into bits per byte.

    Raises:
        ValueError: When a target is no class or a split does not suit the task.
    """

    name: str
    task: Task
    train: Split = field(compare=False)
    validation: Split = field(compare=False)
    test: Split = field(compare=False)
    classes: int
    digest: str
    source: str
    inference: str
    bytes_per_symbol: float = 1.0

    def __post_init__(self) -> None:
        where = f"dataset {self.name}"
        _require(self.task in get_args(Task), f"{where}: task {self.task!r} is none of {get_args(Task)}")
        _require(self.bytes_per_symbol > 0, f"{where}: bytes_per_symbol is {self.bytes_per_symbol}, must be > 0")
        for split in self.splits:
            images = split.targets.numel() > 0
            _require(images == (self.task == "classification"), f"{where}: {split} does not suit {self.task}")
            if images:
                low, high = int(split.targets.min()), int(split.targets.max())
                bounds = f"must be 0 to {self.classes - 1}: correct the labels or `classes`"
                _require(0 <= low <= high < self.classes, f"{where}: targets are {low} to {high}, {bounds}")
            elif split.inputs.dtype == torch.int16:
                low, high = int(split.inputs.min()), int(split.inputs.max())
                bounds = f"must be 0 to {self.classes - 1}: correct the vocabulary or `classes`"
                _require(0 <= low <= high < self.classes, f"{where}: words are {low} to {high}, {bounds}")

    @property
    def splits(self) -> tuple[Split, Split, Split]:
        """Train, validation and test."""
        return self.train, self.validation, self.test


def digest(splits: tuple[Split, ...]) -> str:
    """SHA-256, in hex, over type, shape and values of the tensors of the splits, in order."""
    total = hashlib.sha256()
    for split in splits:
        for tensor in (split.inputs, split.targets):
            total.update(f"{_form(tensor)}\n".encode())
            total.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return total.hexdigest()


def assemble(
    description: Description, splits: tuple[Split, Split, Split], source: str, bytes_per_symbol: float = 1.0
) -> Dataset:
    """The dataset of a description, with its digest."""
    train, validation, test = splits
    return Dataset(
        name=description.name,
        task=description.task,
        train=train,
        validation=validation,
        test=test,
        classes=description.classes,
        digest=digest(splits),
        source=source,
        inference=description.inference,
        bytes_per_symbol=bytes_per_symbol,
    )
