"""The layout of a system file (schema 1) as pydantic models."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from axonal.hardware.limits import Limits
from axonal.hardware.quantity import BANDWIDTH, COUNT, CYCLES, ENERGY, ENERGY_PER_BIT, FREQUENCY, POWER, SIZE, TIME

__all__ = ["ChipEntry", "CoreEntry", "DieEntry", "LinkEntry", "NocEntry", "Sourced", "SystemEntry"]

_WORD = replace(SIZE, example="64 bit")
_LARGEST_INDEX = 1023
_MESH = re.compile(r"([0-9]{1,3}) ?x ?([0-9]{1,3})")


def _mesh(text: object) -> tuple[int, int]:
    """Columns and rows of `8x8`; ValueError unless both are 1 to 64."""
    match = _MESH.fullmatch(text) if isinstance(text, str) else None
    columns, rows = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (1 <= columns <= 64 and 1 <= rows <= 64):
        raise ValueError("must be columns x rows, 1x1 to 64x64, for example `8x8`")
    return columns, rows


def _index(text: object) -> int:
    if not (isinstance(text, str) and re.fullmatch("[0-9]{1,8}", text) and int(text) <= _LARGEST_INDEX):
        raise ValueError(f"must be a whole number, 0 to {_LARGEST_INDEX}")
    return int(text)


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return " ".join(text.split())


def _sourced(text: str) -> str:
    if not text.strip():
        raise ValueError('needs a source: a paper and its table, a data sheet, or "assumed: ..." with the reason')
    return " ".join(text.split())


Name = Annotated[str, Field(pattern="^[A-Za-z0-9_]{1,64}$")]
Line = Annotated[str, AfterValidator(_one_line), WithJsonSchema({"type": "string", "minLength": 1})]
Source = Annotated[str, AfterValidator(_sourced), WithJsonSchema({"type": "string", "minLength": 1})]
Mesh = Annotated[
    tuple[int, int],
    PlainValidator(_mesh),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,2} ?x ?[0-9]{1,2}$", "description": "columns x rows"}),
]
Index = Annotated[
    int, PlainValidator(_index), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": _LARGEST_INDEX})
]
Position = Annotated[list[Index], Field(min_length=2, max_length=2)]
Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(_Entry):
    """A quantity with its unit, and who says so."""

    source: Source

    @model_validator(mode="before")
    @classmethod
    def _is_mapping(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError(f"needs a value and a source; write for example `{cls.example(data)}`")
        return data

    @classmethod
    def example(cls, value: object = None) -> str:
        """How such a quantity is written, with the given value if there is one."""
        limits = next(item for item in cls.model_fields["value"].metadata if isinstance(item, Limits))
        shown = value if isinstance(value, str) else limits.dimension.example
        return f'{{value: {shown}, source: "..."}}'


class Bandwidth(Sourced):
    """Bits a second in each direction."""

    value: Annotated[float, Limits(dimension=BANDWIDTH, low=0, high=1e6, above=True)]


class Clock(Sourced):
    """A clock."""

    value: Annotated[float, Limits(dimension=FREQUENCY, low=0, high=100, above=True)]


class Energy(Sourced):
    """Energy of one operation."""

    value: Annotated[float, Limits(dimension=ENERGY, low=0, high=1e6)]


class EnergyPerBit(Sourced):
    """Energy of one bit moved."""

    value: Annotated[float, Limits(dimension=ENERGY_PER_BIT, low=0, high=1e6)]


class Flit(Sourced):
    """Bits a channel of the mesh moves each cycle."""

    value: Annotated[int, Limits(dimension=_WORD, low=1, high=4096)]


class Header(Sourced):
    """Bits that a packet carries beside its payload."""

    value: Annotated[int, Limits(dimension=_WORD, low=0, high=4096)]


class HopLatency(Sourced):
    """Cycles from one router to the next."""

    value: Annotated[int, Limits(dimension=CYCLES, low=1, high=1000)]


class Lanes(Sourced):
    """Operations started each cycle."""

    value: Annotated[int, Limits(dimension=COUNT, low=1, high=65536)]


class Latency(Sourced):
    """A delay."""

    value: Annotated[float, Limits(dimension=TIME, low=0, high=1e9)]


class Power(Sourced):
    """Power drawn all the time."""

    value: Annotated[float, Limits(dimension=POWER, low=0, high=1e6)]


class Sram(Sourced):
    """Local memory."""

    value: Annotated[int, Limits(dimension=SIZE, low=1, high=8 * 2**30)]


class CoreEntry(_Entry):
    """One core of a die."""

    clock: Clock
    lanes: Lanes
    sram: Sram
    leakage: Power
    mac_energy: Energy
    accumulate_energy: Energy
    elementwise_energy: Energy
    sram_read_energy: EnergyPerBit
    sram_write_energy: EnergyPerBit


class NocEntry(_Entry):
    """The mesh of a die."""

    clock: Clock
    flit: Flit
    hop_latency: HopLatency
    hop_energy: EnergyPerBit


class DieEntry(_Entry):
    """A die that chips may be copies of."""

    mesh: Mesh
    core: CoreEntry
    noc: NocEntry


class ChipEntry(_Entry):
    """One die in the package."""

    name: Name
    die: str
    at: Position


class LinkEntry(_Entry):
    """One kind of die-to-die link, and the chips it joins."""

    bandwidth: Bandwidth
    latency: Latency
    energy: EnergyPerBit
    idle_power: Power
    between: Annotated[list[Pair], Field(min_length=1)]


class SystemEntry(_Entry):
    """A whole system file."""

    schema_version: Annotated[int, Field(alias="schema", ge=1, le=1)]
    name: Line
    description: Line
    packet_header: Header
    dies: Annotated[dict[Name, DieEntry], Field(min_length=1)]
    chips: Annotated[list[ChipEntry], Field(min_length=1, max_length=1024)]
    links: dict[Name, LinkEntry] = {}
