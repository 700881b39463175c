"""From a system file to the frozen `System`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from axonal.hardware.checking import checked
from axonal.hardware.document import Document, Place, Tree, dotted, parse, read_file
from axonal.hardware.problem import Problem, did_you_mean
from axonal.hardware.schema import ChipEntry, CoreEntry, DieEntry, LinkEntry, SystemEntry
from axonal.hardware.system import Chip, Constant, Core, EnergyTable, Link, Noc, System

__all__ = ["load", "preset_text", "presets"]

_PRESETS = files("axonal.hardware") / "presets"
_SET = "set by the user (--set)"


def presets() -> tuple[str, ...]:
    """Names of the systems that come with the package."""
    return tuple(sorted(item.name.removesuffix(".yaml") for item in _PRESETS.iterdir() if item.name.endswith(".yaml")))


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
            (`{"links.ucie.energy": "5 pJ/bit"}`); the mesh of a die is written `8x8`.

    Raises:
        ValueError: There is no such system, or (as `SystemFileError`, with every mistake) the file
            or an override is wrong.

    Example:
        >>> system = load("quad_chiplet", {"links.ucie.latency": "4 ns"})
        >>> len(system.chips), system.links[0].latency_ns
        (4, 4.0)
    """
    document, unknown = _override(_document(name_or_path), overrides)
    return _system(checked(document, unknown), document)


def _document(name_or_path: str | Path) -> Document:
    path = Path(name_or_path)
    is_file = isinstance(name_or_path, Path) or path.suffix in {".yaml", ".yml"} or len(path.parts) > 1
    return read_file(path) if is_file else parse(preset_text(str(name_or_path)), f"{name_or_path}.yaml")


def _override(document: Document, overrides: Mapping[str, str]) -> tuple[Document, tuple[Problem, ...]]:
    """The document with the overrides in place, and the overrides that have no place."""
    document = replace(document, tree=deepcopy(document.tree))
    slots = {key: ((*place, "value"), quantity) for key, place, quantity in document.quantities()}
    slots |= {dotted(place): (place, die) for place, die in _meshes(document)}
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


def _meshes(document: Document) -> Iterator[tuple[Place, dict[str, Tree]]]:
    dies = document.at(("dies",))
    for name, die in dies.items() if isinstance(dies, dict) else ():
        if isinstance(die, dict):
            yield ("dies", name, "mesh"), die


def _near_key(wrong: str, keys: list[str]) -> str:
    tail = next((key for key in keys if key.endswith(f".{wrong}")), None)
    return f": did you mean {tail!r}?" if tail else did_you_mean(wrong, keys)


def _system(entry: SystemEntry, document: Document) -> System:
    return System(
        name=entry.name,
        description=entry.description,
        chips=tuple(_chip(chip, entry.dies[chip.die]) for chip in entry.chips),
        links=tuple(link for kind, item in entry.links.items() for link in _links(kind, item)),
        packet_header_bits=entry.packet_header.value,
        constants=tuple(
            Constant(key=key, text=str(item["value"]), source=" ".join(str(item["source"]).split()))
            for key, _, item in document.quantities()
        ),
    )


def _chip(chip: ChipEntry, die: DieEntry) -> Chip:
    columns, rows = die.mesh
    noc = Noc(
        columns=columns,
        rows=rows,
        clock_ghz=die.noc.clock.value,
        flit_bits=die.noc.flit.value,
        hop_cycles=die.noc.hop_latency.value,
        hop_energy_pj_per_bit=die.noc.hop_energy.value,
    )
    return Chip(name=chip.name, column=chip.at[0], row=chip.at[1], core=_core(die.core), noc=noc, die=chip.die)


def _core(core: CoreEntry) -> Core:
    energy = EnergyTable(
        mac_pj=core.mac_energy.value,
        accumulate_pj=core.accumulate_energy.value,
        elementwise_pj=core.elementwise_energy.value,
        sram_read_pj_per_bit=core.sram_read_energy.value,
        sram_write_pj_per_bit=core.sram_write_energy.value,
    )
    return Core(
        clock_ghz=core.clock.value,
        lanes=core.lanes.value,
        sram_bits=core.sram.value,
        leakage_mw=core.leakage.value,
        energy=energy,
    )


def _links(kind: str, item: LinkEntry) -> Iterator[Link]:
    for a, b in item.between:
        yield Link(
            a=a,
            b=b,
            kind=kind,
            bits_per_ns=item.bandwidth.value,
            latency_ns=item.latency.value,
            energy_pj_per_bit=item.energy.value,
            idle_mw=item.idle_power.value,
        )
