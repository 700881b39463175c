"""The layout of a system file (schema 1) as pydantic models."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Discriminator, Field, PlainValidator, Tag, WithJsonSchema, model_validator

from axonal.hardware.noc import Router, Routing, Topology, network_fault
from axonal.hardware.package import LARGEST_SYSTEM, grid_of
from axonal.hardware.sourced import (
    Bandwidth,
    Buffer,
    Clock,
    Cycles,
    Energy,
    EnergyPerBit,
    Entry,
    Flit,
    Header,
    HopLatency,
    Lanes,
    Latency,
    Line,
    Ports,
    Power,
    Sourced,
    Sram,
    Vcs,
    given,
)

__all__ = [
    "TAGS",
    "Alternative",
    "ChipEntry",
    "ChipGrid",
    "CoreEntry",
    "DieEntry",
    "LinkEntry",
    "NocEntry",
    "RouterEntry",
    "SystemEntry",
]

_LARGEST_INDEX = 1023
_MESH = re.compile(r"([0-9]{1,3}) ?x ?([0-9]{1,3})")
_ONE_BY_ONE, _COMPACT = "<one by one>", "<compact>"
TAGS = frozenset({_ONE_BY_ONE, _COMPACT})
"""What pydantic writes into the place of a mistake to say which of two forms it took an entry for."""


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


def _truth(text: object) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be `true` or `false`")
    return text == "true"


def _neighbours(text: object) -> str:
    if text != "neighbours":
        raise ValueError("must be the word `neighbours`, or a list of pairs such as `[left, right]`")
    return text


Name = Annotated[str, Field(pattern="^[A-Za-z0-9_]{1,64}$")]
Mesh = Annotated[
    tuple[int, int],
    PlainValidator(_mesh),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,2} ?x ?[0-9]{1,2}$", "description": "columns x rows"}),
]
Grid = Annotated[
    tuple[int, int],
    PlainValidator(grid_of),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,4} ?x ?[0-9]{1,4}$", "description": "columns x rows"}),
]
Index = Annotated[
    int, PlainValidator(_index), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": _LARGEST_INDEX})
]
Truth = Annotated[bool, PlainValidator(_truth), WithJsonSchema({"type": "boolean"})]
Neighbours = Annotated[str, PlainValidator(_neighbours), WithJsonSchema({"const": "neighbours"})]
Position = Annotated[list[Index], Field(min_length=2, max_length=2)]
Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class CoreEntry(Entry):
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
    neuron_update_energy: Energy | None = None
    spike_energy: Energy | None = None
    packet_energy: Energy | None = None


class RouterEntry(Entry):
    """What is known of the routers of a mesh."""

    vcs: Vcs | None = None
    buffer: Buffer | None = None
    routing: Cycles | None = None
    vc_allocation: Cycles | None = None
    switch_allocation: Cycles | None = None
    traversal: Cycles | None = None
    link: Cycles | None = None
    speculative: Truth | None = None
    credit_delay: Cycles | None = None
    leakage: Power | None = None

    def of(self, hop_cycles: int) -> Router:
        """The router of a hop of so many cycles; ValueError when its stages take another number."""
        stages = given(
            routing_cycles=self.routing,
            vc_allocation_cycles=self.vc_allocation,
            switch_allocation_cycles=self.switch_allocation,
            traversal_cycles=self.traversal,
            link_cycles=self.link,
        )
        if self.speculative is not None:
            stages["speculative"] = self.speculative
        others = given(vcs=self.vcs, buffer_flits=self.buffer, credit_cycles=self.credit_delay, leakage_mw=self.leakage)
        return replace(Router.of_stages(hop_cycles, stages), **others)


class NocEntry(Entry):
    """The mesh of a die."""

    clock: Clock
    flit: Flit
    hop_latency: HopLatency
    hop_energy: EnergyPerBit | None = None
    router_energy: EnergyPerBit | None = None
    wire_energy: EnergyPerBit | None = None
    topology: Topology = "mesh"
    routing: Routing = "xy"
    router: RouterEntry = RouterEntry()

    @model_validator(mode="after")
    def _is_one_network(self) -> NocEntry:
        parts = [name for name in ("router_energy", "wire_energy") if getattr(self, name)]
        if self.hop_energy and parts:
            raise ValueError(f"has `hop_energy` beside `{parts[0]}`: give the sum or the two parts, not both")
        if not self.hop_energy and len(parts) < 2:
            other = " and ".join(f"`{name}`" for name in ("router_energy", "wire_energy") if name not in parts)
            lead = f"needs the key {other}" if parts else f"needs the key `hop_energy`, or {other}"
            raise ValueError(f"{lead}, for example `{EnergyPerBit.example()}`")
        fault = network_fault(self.topology, self.routing, self.router.of(self.hop_latency.value).vcs)
        if fault:
            raise ValueError(fault)
        return self


class DieEntry(Entry):
    """A die that chips may be copies of."""

    mesh: Mesh
    core: CoreEntry
    noc: NocEntry


class ChipEntry(Entry):
    """One die in the package."""

    name: Name
    die: str
    at: Position


class ChipGrid(Entry):
    """Equal dies in a grid, named c0, c1, ... row by row."""

    die: str
    grid: Grid


class LinkEntry(Entry):
    """One kind of die-to-die link, and the chips it joins."""

    bandwidth: Bandwidth
    latency: Latency
    energy: EnergyPerBit
    idle_power: Power
    serialiser_energy: EnergyPerBit | None = None
    buffer: Buffer | None = None
    ports: Ports | None = None
    between: Annotated[
        Annotated[list[Pair], Field(min_length=1), Tag(_ONE_BY_ONE)] | Annotated[Neighbours, Tag(_COMPACT)],
        Discriminator(lambda data: _COMPACT if isinstance(data, str) else _ONE_BY_ONE),
    ]


class Alternative(Sourced):
    """Another published value; its unit is that of the constant it replaces."""

    value: str

    @classmethod
    def example(cls, value: object = None) -> str:
        """How it is written, with the given value if there is one."""
        return f'{{value: {value if isinstance(value, str) else "0.23 pJ"}, source: "..."}}'


def _chips_form(data: Any) -> str:
    return _COMPACT if isinstance(data, dict | ChipGrid) else _ONE_BY_ONE


class SystemEntry(Entry):
    """A whole system file."""

    schema_version: Annotated[int, Field(alias="schema", ge=1, le=1)]
    name: Line
    description: Line
    packet_header: Header
    dies: Annotated[dict[Name, DieEntry], Field(min_length=1)]
    chips: Annotated[
        Annotated[list[ChipEntry], Field(min_length=1, max_length=LARGEST_SYSTEM), Tag(_ONE_BY_ONE)]
        | Annotated[ChipGrid, Tag(_COMPACT)],
        Discriminator(_chips_form),
    ]
    links: Annotated[dict[Name, LinkEntry], Field(default_factory=dict)]
    profiles: Annotated[dict[Name, dict[str, Alternative]], Field(default_factory=dict)]
