"""Finding, unpacking and checking local files."""

from __future__ import annotations

import gzip
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from axonal.data.checksums import CHECKSUMS, Checksum
from axonal.data.dataset import Description

__all__ = ["FOLDER_VARIABLE", "data_folders", "locate", "unpack", "verify"]

FOLDER_VARIABLE = "AXONAL_DATA"
"""Environment variable that names a data folder."""

_PACKINGS = (".gz", ".xz", ".zip")
# KeyError: the zip lacks the file. RuntimeError: it is encrypted or packed by an unknown method.
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile, KeyError, RuntimeError)


def data_folders(data_dir: Path | None) -> tuple[Path, ...]:
    """Folders to search, in order: the given one, then that of the environment; no other."""
    given = (data_dir, os.environ.get(FOLDER_VARIABLE))
    return tuple(Path(folder).expanduser() for folder in given if folder)


def locate(wanted: Description, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """The path of each file that a set needs.

    Folders come before names and names before sub-folders, so that the folder
    given first wins, and in one folder the preferred name.

    Raises:
        FileNotFoundError: When one is nowhere, with names, folders and where to get it.
    """
    found = [next(_present(wanted, names, folders), None) for names in wanted.files]
    missing = [names for names, path in zip(wanted.files, found, strict=True) if path is None]
    if missing:
        raise FileNotFoundError(_how_to_get(wanted, missing, folders))
    return tuple(path for path in found if path is not None)


def _present(wanted: Description, names: tuple[str, ...], folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        for name in names:
            for place in _places(wanted, folder):
                # A folder `enwik8` may hold a file `enwik8`, so only files count.
                if (place / name).is_file():
                    yield place / name


def _places(wanted: Description, folder: Path) -> tuple[Path, ...]:
    return (*(folder / name for name in wanted.folders), folder)


def _how_to_get(wanted: Description, missing: list[tuple[str, ...]], folders: tuple[Path, ...]) -> str:
    names = ", ".join(" or ".join(forms) for forms in missing)
    places = ", ".join(str(place) for folder in folders for place in _places(wanted, folder))
    where = f"looked in {places}" if places else "no data folder is given to look in"
    return (
        f"dataset {wanted.name}: missing {names}; {where}: "
        f"get it from {wanted.url} and pass --data-dir DIR or set {FOLDER_VARIABLE}"
    )


def unpack(path: Path) -> bytes:
    """The content of a file, decompressed by its suffix (.gz, .xz, .zip); a zip holds one file of its own stem.

    Raises:
        ValueError: When the packed file is cut short or damaged.
    """
    try:
        return _content(path)
    except _DAMAGED as error:
        kind = path.suffix.removeprefix(".")
        raise ValueError(f"{path}: expected a complete {kind} file, but {error}: download it again") from error


def _content(path: Path) -> bytes:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return archive.read(path.stem)
    raw = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(raw)
    return lzma.decompress(raw) if path.suffix == ".xz" else raw


def verify(raw: bytes, path: Path, dataset: str) -> None:
    """Hold the content of a file against its known checksum.

    Raises:
        ValueError: When it differs.
    """
    content_name = path.stem if path.suffix in _PACKINGS else path.name
    expected = CHECKSUMS[f"{dataset}/{content_name}"]
    found = Checksum.of(raw, expected.algorithm)
    if found != expected:
        raise ValueError(
            f"{path}: expected content of {expected}, found {found}: "
            f"download it again, or keep each set in a folder of its own (DIR/{dataset})"
        )
