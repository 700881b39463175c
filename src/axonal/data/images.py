"""Images from a local folder: MNIST and Fashion-MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from axonal.data import idx
from axonal.data.dataset import Dataset, Description, Split, assemble
from axonal.data.files import locate, unpack, verify

__all__ = ["FASHION_MNIST", "MNIST", "fashion_mnist", "image_split", "mnist"]

_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_FILES = tuple((name, f"{name}.gz") for name in _NAMES)
_SPLIT = "the 60,000 training images: first 90 % train, last 10 % validation; the 10,000 test images: test"

MNIST = Description(
    name="mnist",
    task="classification",
    classes=10,
    inference="one 28x28 grey image",
    summary="70,000 handwritten digits, 28x28 grey",
    split=_SPLIT,
    files=_FILES,
    folders=("mnist",),
    url="http://yann.lecun.com/exdb/mnist/ (mirror: https://ossci-datasets.s3.amazonaws.com/mnist/)",
    licence="none stated by the authors (LeCun, Cortes, Burges)",
)

FASHION_MNIST = Description(
    name="fashion_mnist",
    task="classification",
    classes=10,
    inference="one 28x28 grey image",
    summary="70,000 articles of clothing, 28x28 grey",
    split=_SPLIT,
    files=_FILES,
    folders=("fashion_mnist",),
    url="https://github.com/zalandoresearch/fashion-mnist (folder data/fashion)",
    licence="MIT (Zalando SE)",
)


def mnist(folders: tuple[Path, ...]) -> Dataset:
    """MNIST from the first of the folders that has it."""
    return _idx_set(MNIST, folders, "MNIST (LeCun, Cortes, Burges 1998), the original IDX files")


def fashion_mnist(folders: tuple[Path, ...]) -> Dataset:
    """Fashion-MNIST from the first of the folders that has it."""
    return _idx_set(FASHION_MNIST, folders, "Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), the original IDX files")


def image_split(images: NDArray[np.uint8], labels: NDArray[np.uint8], white: int) -> Split:
    """A split of grey images `[N, H, W]` with values 0 to `white`, and labels `[N]`."""
    pixels = torch.from_numpy(images.astype(np.float32)).div_(white).unsqueeze(1)
    return Split(inputs=pixels, targets=torch.from_numpy(labels.astype(np.int64)))


def _idx_set(description: Description, folders: tuple[Path, ...], source: str) -> Dataset:
    paths = locate(description, folders)
    axes = (3, 1, 3, 1)
    images, labels, test_images, test_labels = (
        _array(path, count, description) for path, count in zip(paths, axes, strict=True)
    )
    cut = len(images) * 9 // 10
    splits = (
        image_split(images[:cut], labels[:cut], 255),
        image_split(images[cut:], labels[cut:], 255),
        image_split(test_images, test_labels, 255),
    )
    return assemble(description, splits, source)


def _array(path: Path, axes: int, description: Description) -> NDArray[np.uint8]:
    raw = unpack(path)
    # The form is checked before the checksum because its message says more.
    array = idx.parse(raw, axes, path)
    verify(raw, path, description.name)
    return array
