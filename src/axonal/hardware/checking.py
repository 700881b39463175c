"""Every mistake of a system file at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from axonal.hardware.building import port_faults
from axonal.hardware.document import Document, Place, read_file
from axonal.hardware.places import model_at
from axonal.hardware.problem import Problem, SystemFileError, nearest
from axonal.hardware.profiles import profile_faults
from axonal.hardware.schema import TAGS, SystemEntry
from axonal.hardware.sourced import Sourced
from axonal.hardware.topology import Fault, faults

__all__ = ["check", "checked", "json_schema"]

_SHAPES: Mapping[str, str] = {
    "dict_type": "must be a mapping (`key: value` lines)",
    "greater_than_equal": "must be >= {ge}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be <= {le}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "model_type": "must be a mapping (`key: value` lines)",
    "string_pattern_mismatch": "must be 1 to 64 letters, digits or `_`",
    "string_type": "must be text",
    "too_long": "has {actual_length} entries, must be <= {max_length}",
    "too_short": "has {actual_length} entries, must be >= {min_length}",
}


def check(path: str | Path) -> tuple[Problem, ...]:
    """All mistakes of a system file, by line; none when `load` takes it."""
    try:
        checked(read_file(Path(path)))
    except SystemFileError as error:
        return error.problems
    return ()


def json_schema() -> dict[str, Any]:
    """The layout of a system file as JSON Schema, for editors that complete and underline."""
    return SystemEntry.model_json_schema()


def checked(document: Document, extra: tuple[Problem, ...] = ()) -> SystemEntry:
    """The entries of a document without mistakes.

    Args:
        document: The content of a system file.
        extra: Mistakes already found elsewhere, to be listed with the others.

    Raises:
        SystemFileError: There are mistakes; it carries them all.
    """
    entry: SystemEntry | None = None
    found = [*extra, *document.problems]
    try:
        entry = SystemEntry.model_validate(document.tree)
    except ValidationError as error:
        found += [document.problem(*fault) for fault in _faults(error)]
    found += [document.problem(*fault) for fault in (*faults(document), *profile_faults(document))]
    if entry and not found:
        found = [document.problem(*fault) for fault in port_faults(entry)]
    if found or entry is None:
        raise SystemFileError(sorted(found, key=lambda problem: (problem.file != "--set", problem.line)))
    return entry


def _faults(error: ValidationError) -> Iterator[Fault]:
    errors: list[dict[str, Any]] = [{**details, "loc": _place(details)} for details in error.errors(include_url=False)]
    extra = [details["loc"] for details in errors if details["type"] == "extra_forbidden"]
    # A misspelt key leaves the right one missing: that is one mistake, not two.
    meant = {(*place[:-1], near) for place in extra if (near := _near_key(place))}
    return (_fault(item) for item in errors if not (item["type"] == "missing" and item["loc"] in meant))


def _place(details: ErrorDetails) -> Place:
    return tuple(part for part in details["loc"] if part not in TAGS)


def _fault(details: Mapping[str, Any]) -> Fault:
    place: Place = details["loc"]
    kind, context = details["type"], details.get("ctx", {})
    if kind == "missing":
        return place, _missing(place)
    if kind == "extra_forbidden":
        return place, _unknown(place)
    if kind == "value_error":
        return place, str(context["error"])
    message = _SHAPES.get(kind, details["msg"]).format(**context)
    # Keys that are wrong are located by pydantic through a marker behind them.
    return (place[:-1] if place[-1] == "[key]" else place), message


def _missing(place: Place) -> str:
    if place[-1] == "source":
        return 'needs a source: a paper and its table, a data sheet, or "assumed: ..." with the reason'
    model = model_at(place)
    example = f", for example `{model.example()}`" if model and issubclass(model, Sourced) else ""
    return f"needs the key `{place[-1]}`{example}"


def _unknown(place: Place) -> str:
    near = _near_key(place)
    return "unknown key" + (f": did you mean {near!r}?" if near else f"; known here: {', '.join(_keys(place[:-1]))}")


def _near_key(place: Place) -> str | None:
    return nearest(str(place[-1]), _keys(place[:-1]))


def _keys(place: Place) -> list[str]:
    model = model_at(place)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []
