"""Checksums of the content of every file, unpacked, and where each is from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

__all__ = ["CHECKSUMS", "Checksum"]

Algorithm = Literal["sha256", "md5"]


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """Length and hash of some content."""

    size_bytes: int
    hexdigest: str
    algorithm: Algorithm = "sha256"

    @classmethod
    def of(cls, raw: bytes, algorithm: Algorithm = "sha256") -> Checksum:
        """The checksum of these bytes."""
        # Not used for security: it finds damaged and mistaken files.
        hexdigest = hashlib.new(algorithm, raw, usedforsecurity=False).hexdigest()
        return cls(size_bytes=len(raw), hexdigest=hexdigest, algorithm=algorithm)

    def __str__(self) -> str:
        return f"{self.size_bytes:,} bytes with {self.algorithm} {self.hexdigest}"


CHECKSUMS: dict[str, Checksum] = {
    # MNIST and Fashion-MNIST: content of .gz files whose MD5 are the published ones; for MNIST (train images, train
    # labels, test images, test labels) f68b3c2dcbeaaa9fbdd348bbdeb94873, d53e105ee54ea40749a09fcbcd1e9432,
    # 9fb629c4189551a2d022fa330f9573f3, ec29112dd5afa0611ce80d1b7f02629c.
    "mnist/train-images-idx3-ubyte": Checksum(
        size_bytes=47_040_016, hexdigest="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "mnist/train-labels-idx1-ubyte": Checksum(
        size_bytes=60_008, hexdigest="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "mnist/t10k-images-idx3-ubyte": Checksum(
        size_bytes=7_840_016, hexdigest="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "mnist/t10k-labels-idx1-ubyte": Checksum(
        size_bytes=10_008, hexdigest="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
    # Fashion-MNIST, table in the README of its repository, same order: 8d4fb7e6c68d591d4c3dfef9ec88bf0d,
    # 25c81989df183df01b3e8a0aad5dffbe, bef4ecab320f06d8554ea6380940ec79, bb300cfdad3c16e7a12a480ee83cd310.
    "fashion_mnist/train-images-idx3-ubyte": Checksum(
        size_bytes=47_040_016, hexdigest="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "fashion_mnist/train-labels-idx1-ubyte": Checksum(
        size_bytes=60_008, hexdigest="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "fashion_mnist/t10k-images-idx3-ubyte": Checksum(
        size_bytes=7_840_016, hexdigest="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "fashion_mnist/t10k-labels-idx1-ubyte": Checksum(
        size_bytes=10_008, hexdigest="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
    # PTB (Mikolov): content with the known MD5 f26c4b92c5fdc7b3f8c7cdcb991d8420 (train),
    # aa0affc06ff7c36e977d7cd49e3839bf (valid), 8b80168b89c18661a38ef683c0dc3721 (test).
    "ptb/ptb.train.txt": Checksum(
        size_bytes=5_101_618, hexdigest="fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"
    ),
    "ptb/ptb.valid.txt": Checksum(
        size_bytes=399_782, hexdigest="c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"
    ),
    "ptb/ptb.test.txt": Checksum(
        size_bytes=449_945, hexdigest="dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"
    ),
    # enwik8: the published MD5 of the Large Text Compression Benchmark, mattmahoney.net/dc/textdata.html.
    "enwik8/enwik8": Checksum(size_bytes=100_000_000, hexdigest="a1fa5ffddb56f4953e226637dabbb36a", algorithm="md5"),
    # enwik8, first 4,000,000 bytes: its first 1,000,000 are the published enwik6 (SHA-256 369b688978f64968...552cad);
    # the rest has no published checksum and was checked for structure only.
    "enwik8/enwik8.first4000000": Checksum(
        size_bytes=4_000_000, hexdigest="9f9ca3a41e2b87a0268d00380577e2c308e07959b22a94c8d7b1e8901bdefc37"
    ),
    # Tiny Shakespeare: input.txt of karpathy/char-rnn, MD5 6fb458f1232090904fb40fe944165e91.
    "tiny_shakespeare/input.txt": Checksum(
        size_bytes=1_115_394, hexdigest="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    ),
    # Spoken digits: the recordings' samples in one archive, made of the repository at commit 26eb9aaf76e8.
    "fsdd/fsdd.npz": Checksum(
        size_bytes=15_404_802, hexdigest="e5fada2f12ce28640d2d6ad412aeac1b675da56be84d004d5f725df1f1d32ad7"
    ),
}
"""Expected checksum by `dataset/file`, the file's packing suffix (.gz, .xz, .zip) left off."""
