"""Where files are looked for, and what is said of missing, damaged and mistaken ones."""

from __future__ import annotations

import gzip
import lzma
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from axonal.data import Dataset, describe, load, names
from axonal.data.files import FOLDER_VARIABLE
from axonal.data.idx import parse

IMAGES = "train-images-idx3-ubyte"
TEXT = b"To be, or not to be, that is the question. " * 5
Trust = Callable[[str, bytes], None]


def refused(name: str, folder: Path | None, *words: str, kind: type[Exception] = ValueError) -> None:
    """Loading fails with a one-line message that has all the words."""
    with pytest.raises(kind) as caught:
        load(name, folder)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


def content(dataset: Dataset) -> bytes:
    return b"".join(split.inputs.numpy().tobytes() for split in dataset.splits)


@pytest.mark.parametrize("name", [name for name in names() if name not in {"digits", "pydocs"}])
def test_a_missing_file_is_answered_with_names_folders_and_levers(name: str, tmp_path: Path) -> None:
    levers = ("get it from http", "--data-dir DIR", FOLDER_VARIABLE)
    place = str(tmp_path / describe(name).folders[0])
    refused(name, tmp_path, place, str(tmp_path), *levers, kind=FileNotFoundError)
    refused(name, None, "no data folder is given", *levers, kind=FileNotFoundError)


def test_only_the_missing_files_of_a_set_are_named(tiny_mnist: Path) -> None:
    (tiny_mnist / "mnist" / IMAGES).unlink()
    with pytest.raises(FileNotFoundError, match=f"missing {IMAGES} or {IMAGES}.gz; looked in") as caught:
        load("mnist", tiny_mnist)
    assert "t10k-images" not in str(caught.value)


def test_a_file_in_the_working_folder_is_not_used(tiny_mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_mnist)
    refused("mnist", None, "no data folder is given", kind=FileNotFoundError)


def test_the_folder_of_the_environment_is_used_after_the_given_one(
    tmp_path: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust("tiny_shakespeare/input.txt", TEXT)
    (tmp_path / "input.txt").write_bytes(TEXT)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert content(load("tiny_shakespeare")) == TEXT
    assert content(load("tiny_shakespeare", tmp_path / "nowhere")) == TEXT
    given = tmp_path / "given"
    given.mkdir()
    (given / "input.txt").write_bytes(b"another text")
    refused("tiny_shakespeare", given, str(given / "input.txt"))


@pytest.mark.parametrize("place", [".", "tiny_shakespeare"])
def test_files_may_stand_in_the_folder_or_in_one_named_for_the_set(place: str, tmp_path: Path, trust: Trust) -> None:
    trust("tiny_shakespeare/input.txt", TEXT)
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "input.txt").write_bytes(TEXT)
    assert content(load("tiny_shakespeare", tmp_path)) == TEXT


def test_packed_and_plain_files_give_the_same_dataset(tiny_mnist: Path) -> None:
    plain = load("mnist", tiny_mnist)
    for path in sorted((tiny_mnist / "mnist").iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert load("mnist", tiny_mnist) == plain


def test_ptb_may_be_plain_or_packed_with_xz(tmp_path: Path, trust: Trust) -> None:
    for name, raw in (("train", TEXT), ("valid", b"valid"), ("test", b"test")):
        trust(f"ptb/ptb.{name}.txt", raw)
        (tmp_path / f"ptb.{name}.txt.xz").write_bytes(lzma.compress(raw))
    (tmp_path / "ptb.test.txt").write_bytes(b"test")
    dataset = load("ptb", tmp_path)
    assert [split.inputs.numpy().tobytes() for split in dataset.splits] == [TEXT, b"valid", b"test"]


def write_zip(path: Path, name: str, raw: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, raw)


def test_enwik8_is_read_plain_or_zipped_and_cut_ninety_five_five(tmp_path: Path, trust: Trust) -> None:
    raw = TEXT[:200]
    trust("enwik8/enwik8", raw)
    write_zip(tmp_path / "enwik8.zip", "enwik8", raw)
    zipped = load("enwik8", tmp_path)
    (tmp_path / "enwik8").mkdir()
    (tmp_path / "enwik8" / "enwik8").write_bytes(raw)
    assert load("enwik8", tmp_path) == zipped
    assert [len(split) for split in zipped.splits] == [180, 10, 10]


def test_the_whole_of_enwik8_is_preferred_and_a_prefix_says_so(tmp_path: Path, trust: Trust) -> None:
    trust("enwik8/enwik8.first4000000", TEXT)
    folder = tmp_path / "enwik8_prefix"
    folder.mkdir()
    (folder / "enwik8.first4000000.xz").write_bytes(lzma.compress(TEXT))
    assert "PREFIX" in load("enwik8", tmp_path).source
    trust("enwik8/enwik8", TEXT)
    (tmp_path / "enwik8").write_bytes(TEXT)
    assert "PREFIX" not in load("enwik8", tmp_path).source


def test_wrong_content_is_refused_with_expected_and_found_checksum(tmp_path: Path, trust: Trust) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(TEXT[:-1] + b"!")
    trust("tiny_shakespeare/input.txt", TEXT)
    refused("tiny_shakespeare", tmp_path, str(path), "expected", "found", "sha256", "download it again")


def test_an_unfinished_enwik8_is_refused_with_both_lengths(tmp_path: Path) -> None:
    (tmp_path / "enwik8").write_bytes(TEXT)
    known = "100,000,000 bytes with md5 a1fa5ffddb56f4953e226637dabbb36a"
    refused("enwik8", tmp_path, known, f"found {len(TEXT)} bytes", "download it again")


def test_files_of_the_sister_set_are_refused(tiny_mnist: Path) -> None:
    refused("fashion_mnist", tiny_mnist / "mnist", IMAGES, "folder of its own", "fashion_mnist")


@pytest.mark.parametrize("kept", [0.5, 0.99])
@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_a_packed_file_cut_short_is_refused(
    suffix: str, pack: Callable[[bytes], bytes], kept: float, tmp_path: Path
) -> None:
    name = {".gz": "mnist", ".xz": "enwik8"}[suffix]
    folder = tmp_path / name
    folder.mkdir()
    files = {"mnist": [IMAGES, "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]}
    raw = pack(bytes(range(256)) * 20)
    for stem in files.get(name, ["enwik8.first4000000"]):
        (folder / f"{stem}{suffix}").write_bytes(raw[: int(len(raw) * kept)])
    refused(name, tmp_path, str(folder), f"expected a complete {suffix[1:]} file", "download it again")


def test_a_file_that_is_not_packed_as_its_name_says_is_refused(tiny_mnist: Path) -> None:
    path = tiny_mnist / "mnist" / IMAGES
    path.rename(f"{path}.gz")
    refused("mnist", tiny_mnist, f"{path}.gz", "expected a complete gz file")


def test_a_zip_that_is_damaged_or_holds_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "enwik8.zip"
    write_zip(path, "enwik9", TEXT)
    refused("enwik8", tmp_path, str(path), "no item named 'enwik8'", "download it again")
    path.write_bytes(path.read_bytes()[:40])
    refused("enwik8", tmp_path, str(path), "expected a complete zip file", "download it again")


def test_a_wrong_idx_magic_is_refused(tiny_mnist: Path) -> None:
    path = tiny_mnist / "mnist" / IMAGES
    path.write_bytes((tiny_mnist / "mnist" / "train-labels-idx1-ubyte").read_bytes() * 2)
    refused("mnist", tiny_mnist, str(path), "expected IDX magic 0x00000803", "found 0x00000801")


def test_a_length_that_the_idx_header_does_not_say_is_refused(tiny_mnist: Path) -> None:
    path = tiny_mnist / "mnist" / IMAGES
    path.write_bytes(path.read_bytes()[:-1])
    refused("mnist", tiny_mnist, str(path), "expected 80 bytes after the header, which says 20x2x2", "found 79")


@pytest.mark.parametrize("length", range(16))
def test_a_file_shorter_than_the_idx_header_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{IMAGES}: expected an IDX header of 16 bytes, found {length}")):
        parse(bytes(length), 3, Path(IMAGES))
