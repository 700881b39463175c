"""A tiny fabricated MNIST, and an environment that names no data folder."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from axonal.data.checksums import CHECKSUMS, Checksum
from axonal.data.files import FOLDER_VARIABLE

Trust = Callable[[str, bytes], None]


def idx_bytes(*shape: int, values: bytes = b"") -> bytes:
    return struct.pack(f">{1 + len(shape)}I", 0x0800 | len(shape), *shape) + values


TINY_MNIST = {
    "train-images-idx3-ubyte": idx_bytes(20, 2, 2, values=bytes(range(80))),
    "train-labels-idx1-ubyte": idx_bytes(20, values=bytes([*range(10), *range(10)])),
    "t10k-images-idx3-ubyte": idx_bytes(3, 2, 2, values=bytes([255] * 12)),
    "t10k-labels-idx1-ubyte": idx_bytes(3, values=bytes([7, 2, 1])),
}


@pytest.fixture(autouse=True)
def _no_data_folder_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> Trust:
    """Make some content the expected one of `dataset/file`."""

    def accept(key: str, raw: bytes) -> None:
        monkeypatch.setitem(CHECKSUMS, key, Checksum.of(raw, CHECKSUMS[key].algorithm))

    return accept


@pytest.fixture
def tiny_mnist(tmp_path: Path, trust: Trust) -> Path:
    """A data folder with a trusted MNIST of 20 and 3 images."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, raw in TINY_MNIST.items():
        (folder / name).write_bytes(raw)
        trust(f"mnist/{name}", raw)
    return tmp_path
