"""What people type, turned into values or into one clear complaint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

__all__ = ["assignments", "integers", "names", "pair", "read_result", "reals", "reject_unwritable"]

SCHEMA_VERSION = 1


def integers(option: str, text: str, example: str) -> tuple[int, ...]:
    """`0,1,2` as whole numbers."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"{option} is {text!r}, must be whole numbers with commas between, for example {example}"
        ) from None


def reals(option: str, text: str, example: str) -> tuple[float, ...]:
    """`0.5,0.25` as numbers."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{option} is {text!r}, must be numbers with commas between, for example {example}") from None


def pair(option: str, text: str | None) -> tuple[int, int] | None:
    """`500,900` as two whole numbers."""
    if text is None:
        return None
    values = integers(option, text, "500,900")
    if len(values) != 2:
        raise ValueError(f"{option} is {text!r}, must be two whole numbers, for example 500,900")
    return values[0], values[1]


def names(text: str) -> tuple[str, ...]:
    """`ann,hybrid` as names."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def assignments(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`key=quantity` texts as pairs."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key.strip() and equals and value.strip()):
            raise ValueError(f"--set is {text!r}, must be KEY=QUANTITY, for example 'links.ucie.energy=5 pJ/bit'")
        if key.strip() in pairs:
            raise ValueError(
                f"--set gives {key.strip()} twice, {pairs[key.strip()]!r} and {value.strip()!r}: remove one"
            )
        pairs[key.strip()] = value.strip()
    return tuple(pairs.items())


def reject_unwritable(option: str, folder: Path) -> None:
    """Find out before hours of training, not after, that a folder cannot be written; it is not made yet.

    Raises:
        ValueError: The folder cannot be made or written to.
    """
    try:
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        with TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise ValueError(f"{option} {folder} cannot be written ({error.strerror}): choose another folder") from error


def read_result(path: Path) -> dict[str, Any]:
    """A `result.json` of this schema.

    Raises:
        ValueError: The file is not one.
        FileNotFoundError: There is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: give a result.json, or the folder of `axonal compare --out`")
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is not JSON ({error}): run `axonal compare` again") from error
    version = found.get("schema_version") if isinstance(found, dict) else None
    if not isinstance(found, dict) or version != SCHEMA_VERSION or not isinstance(found.get("variants"), dict):
        raise ValueError(f"{path} has schema_version {version!r}, must be {SCHEMA_VERSION}: run `axonal compare` again")
    return found
