"""From a system file to the frozen `System`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from axonal.hardware.building import system_of
from axonal.hardware.checking import checked
from axonal.hardware.document import Document, Place, Tree, dotted, parse, read_file
from axonal.hardware.problem import Problem, did_you_mean
from axonal.hardware.profiles import constants, profiles_of
from axonal.hardware.system import System

__all__ = ["load", "preset_text", "presets"]

_PRESETS = files("axonal.hardware") / "presets"
_SET = "set by the user (--set)"


def presets() -> tuple[str, ...]:
    """Names of the systems that come with the package, small members of a family first."""
    names = [item.name.removesuffix(".yaml") for item in _PRESETS.iterdir() if item.name.endswith(".yaml")]
    return tuple(sorted(names, key=_counting))


def _counting(name: str) -> list[tuple[str, int]]:
    """Sorts names by their words, and by what numbers in them are worth: 2 dies before 16."""
    return [("", int(part)) if part.isdecimal() else (part, 0) for part in re.split("([0-9]+)", name)]


def preset_text(name: str) -> str:
    """The file of a preset as text, to read or to start an own system from.

    Raises:
        ValueError: There is no preset of that name.
    """
    if name not in presets():
        near = did_you_mean(name, presets()) or ":"
        raise ValueError(f"unknown system {name!r}{near} presets: {', '.join(presets())}, or give a YAML file")
    return (_PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


def load(name_or_path: str | Path, overrides: Mapping[str, str] = {}) -> System:
    """A preset or a system file.

    Args:
        name_or_path: Name of a preset, or a YAML file (a text is taken for a file
            when it ends in `.yaml` or `.yml` or names a folder).
        overrides: Quantities to put in place of those of the file, by dotted key
            (`{"links.ucie.energy": "5 pJ/bit"}`); the mesh of a die is written `8x8`, and so is a grid of chips;
            topology and routing of a mesh are words.

    Raises:
        ValueError: There is no such system, or (as `SystemFileError`, with every mistake) the file
            or an override is wrong.

    Example:
        >>> system = load("quad_chiplet", {"links.ucie.latency": "4 ns"})
        >>> len(system.chips), system.links[0].latency_ns
        (4, 4.0)
    """
    document, unknown = _override(_document(name_or_path), overrides)
    entry = checked(document, unknown)
    return system_of(entry, constants(document), profiles_of(document))


def _document(name_or_path: str | Path) -> Document:
    path = Path(name_or_path)
    is_file = isinstance(name_or_path, Path) or path.suffix in {".yaml", ".yml"} or len(path.parts) > 1
    return read_file(path) if is_file else parse(preset_text(str(name_or_path)), f"{name_or_path}.yaml")


def _override(document: Document, overrides: Mapping[str, str]) -> tuple[Document, tuple[Problem, ...]]:
    """The document with the overrides in place, and the overrides that have no place."""
    document = replace(document, tree=deepcopy(document.tree))
    slots = {key: ((*place, "value"), quantity) for key, place, quantity in document.quantities()}
    slots |= {dotted(place): (place, owner) for place, owner in _words(document)}
    overridden: dict[Place, int] = {}
    unknown: list[Problem] = []
    for number, (key, text) in enumerate(overrides.items(), start=1):
        if key not in slots:
            message = f"unknown key{_near_key(key, list(slots))}"
            unknown.append(Problem(file="--set", line=number, key=key, value=text, message=message))
            continue
        place, owner = slots[key]
        owner[str(place[-1])] = text
        if place[-1] == "value":
            owner["source"] = _SET
        overridden[place] = number
    return replace(document, overridden=overridden), tuple(unknown)


def _words(document: Document) -> Iterator[tuple[Place, dict[str, Tree]]]:
    """What may be overridden though it is no quantity, each with the mapping that holds it."""
    dies = document.at(("dies",))
    for name, die in dies.items() if isinstance(dies, dict) else ():
        if isinstance(die, dict):
            yield ("dies", name, "mesh"), die
        if isinstance(noc := document.at(("dies", name, "noc")), dict):
            yield ("dies", name, "noc", "topology"), noc
            yield ("dies", name, "noc", "routing"), noc
    chips = document.at(("chips",))
    if isinstance(chips, dict):
        yield ("chips", "grid"), chips


def _near_key(wrong: str, keys: list[str]) -> str:
    tail = next((key for key in keys if key.endswith(f".{wrong}")), None)
    return f": did you mean {tail!r}?" if tail else did_you_mean(wrong, keys)
