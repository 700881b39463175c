"""Quantities as a system file writes them: a value with its unit, and a source."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema, model_validator

from axonal.hardware.limits import Limits
from axonal.hardware.quantity import (
    BANDWIDTH,
    COUNT,
    CYCLES,
    ENERGY,
    ENERGY_PER_BIT,
    FLITS,
    FREQUENCY,
    POWER,
    SIZE,
    TIME,
)

__all__ = [
    "Bandwidth",
    "Buffer",
    "Clock",
    "Cycles",
    "Energy",
    "EnergyPerBit",
    "Entry",
    "Flit",
    "Header",
    "HopLatency",
    "Lanes",
    "Latency",
    "Line",
    "Ports",
    "Power",
    "Sourced",
    "Sram",
    "Vcs",
    "given",
]

_WORD = replace(SIZE, example="64 bit")


def _one_line(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return " ".join(text.split())


def _sourced(text: str) -> str:
    if not text.strip():
        raise ValueError('needs a source: a paper and its table, a data sheet, or "assumed: ..." with the reason')
    return " ".join(text.split())


Line = Annotated[str, AfterValidator(_one_line), WithJsonSchema({"type": "string", "minLength": 1})]
Source = Annotated[str, AfterValidator(_sourced), WithJsonSchema({"type": "string", "minLength": 1})]


class Entry(BaseModel):
    """A mapping of the file, in which unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Entry):
    """A quantity with its unit, and who says so."""

    value: Any
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


class Buffer(Sourced):
    """Depth of a buffer."""

    value: Annotated[int, Limits(dimension=FLITS, low=1, high=4096)]


class Cycles(Sourced):
    """Cycles of one stage."""

    value: Annotated[int, Limits(dimension=CYCLES, low=0, high=1000)]


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


class Ports(Sourced):
    """Routers of a side that a link is attached to."""

    value: Annotated[int, Limits(dimension=replace(COUNT, example="8"), low=1, high=64)]


class Power(Sourced):
    """Power drawn all the time."""

    value: Annotated[float, Limits(dimension=POWER, low=0, high=1e6)]


class Sram(Sourced):
    """Local memory."""

    value: Annotated[int, Limits(dimension=SIZE, low=1, high=8 * 2**30)]


class Vcs(Sourced):
    """Virtual channels of an input."""

    value: Annotated[int, Limits(dimension=replace(COUNT, example="4"), low=1, high=64)]


def given(**quantities: Sourced | None) -> dict[str, Any]:
    """The numbers of those quantities that are given, by name; the others keep their defaults."""
    return {name: item.value for name, item in quantities.items() if item is not None}
