"""Results on disk: each file is either the old one or the whole new one."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from axonal.views.front_page import front_files
from axonal.views.html import html
from axonal.views.noc import noc_page
from axonal.views.perfetto import perfetto
from axonal.views.variants import prime

__all__ = ["Written", "write", "write_front", "write_noc"]


@dataclass(frozen=True, kw_only=True)
class Written:
    """Where the files of a result are."""

    result: Path
    report: Path
    trace: Path


def write(result: Mapping[str, Any], folder: Path) -> Written:
    """Write the result, its report and the trace of its hybrid (or first) variant into a folder.

    All three are made before the first is written, and each replaces its
    predecessor in one step: a failure leaves whole files behind.

    Raises:
        ValueError: A number of the result is NaN or infinite, or there is no variant.
        OSError: The folder cannot be made or written to.
    """
    _refuse_non_finite(result)
    texts = {
        "result.json": _json(result),
        "report.html": html(result),
        "trace.json": _json(perfetto(result, prime(result)[0].key)),
    }
    _place(texts, folder)
    return Written(result=folder / "result.json", report=folder / "report.html", trace=folder / "trace.json")


def write_noc(result: Mapping[str, Any], folder: Path) -> Path:
    """Write the page of a network under load (`noc.html`) into a folder, as whole as `write` does.

    Returns:
        Where the page is.

    Raises:
        ValueError: The result has no point, or a link ends outside of the mesh.
        OSError: The folder cannot be made or written to.
    """
    _place({"noc.html": noc_page(result)}, folder)
    return folder / "noc.html"


def write_front(
    points: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    folder: Path,
    name: str,
) -> tuple[Path, Path]:
    """Write picture and page of a front of boundary codes into a folder, as whole as `write` does.

    Args:
        points: As `front_view` takes them, like rows and summary.
        rows: Means over seeds.
        summary: The comparison at equal quality.
        folder: Where to.
        name: Name of both files without their ending.

    Returns:
        Where the picture (SVG) and the page (HTML) are.

    Raises:
        ValueError: There is no point.
        OSError: The folder cannot be made or written to.
    """
    texts = front_files(points, rows, summary, name)
    _place(texts, folder)
    picture, page = (folder / file for file in texts)
    return picture, page


def _place(texts: Mapping[str, str], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _replace(folder / name, text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            error.errno, f"folder {folder} is not writable ({reason}): name another folder or free this one"
        ) from error


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)  # noqa: PTH105 - the brief of this line is the system call
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _refuse_non_finite(result: Mapping[str, Any]) -> None:
    for key, value in _floats(result, ""):
        if not math.isfinite(value):
            raise ValueError(f"{key} is {value}, must be finite: JSON has no such number")


def _floats(value: Any, key: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _floats(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _floats(inner, f"{key}.{index}")
