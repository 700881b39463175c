"""The machine as frozen values: package, chips, cores, mesh and die-to-die links."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Chip", "Constant", "Core", "EnergyTable", "Link", "Noc", "System"]


def _positive(owner: str, value: object, names: Iterable[str], *, zero: bool = False) -> None:
    for name in names:
        number = getattr(value, name)
        if not (math.isfinite(number) and (number > 0 or (zero and number == 0))):
            raise ValueError(f"{owner}: {name} is {number}, must be finite and {'>=' if zero else '>'} 0")


def _unique(what: str, items: Iterable[Hashable]) -> None:
    for item, times in Counter(items).items():
        if times > 1:
            shown = "-".join(sorted(item)) if isinstance(item, frozenset) else item
            raise ValueError(f"{what} {shown} is given {times} times, must be unique")


@dataclass(frozen=True, kw_only=True)
class EnergyTable:
    """Energy of the operations of a core.

    Args:
        mac_pj: One 8-bit multiply-accumulate.
        accumulate_pj: One addition into an accumulator.
        elementwise_pj: One other arithmetic operation.
        sram_read_pj_per_bit: Reading a bit of local memory.
        sram_write_pj_per_bit: Writing a bit of local memory.
    """

    mac_pj: float
    accumulate_pj: float
    elementwise_pj: float
    sram_read_pj_per_bit: float
    sram_write_pj_per_bit: float

    def __post_init__(self) -> None:
        names = ("mac_pj", "accumulate_pj", "elementwise_pj", "sram_read_pj_per_bit", "sram_write_pj_per_bit")
        _positive("energy table", self, names, zero=True)


@dataclass(frozen=True, kw_only=True)
class Core:
    """One core: arithmetic lanes beside a local memory.

    Args:
        clock_ghz: Clock of the arithmetic.
        lanes: Operations started each cycle (dense MACs, accumulates or elementwise operations).
        sram_bits: Local memory for weights and neuron state.
        leakage_mw: Power drawn when idle.
        energy: Energy of its operations.
    """

    clock_ghz: float
    lanes: int
    sram_bits: int
    leakage_mw: float
    energy: EnergyTable

    def __post_init__(self) -> None:
        _positive("core", self, ("clock_ghz", "lanes", "sram_bits"))
        _positive("core", self, ("leakage_mw",), zero=True)


@dataclass(frozen=True, kw_only=True)
class Noc:
    """A mesh network-on-chip, one router at each core.

    Args:
        columns: Routers in x.
        rows: Routers in y.
        clock_ghz: Clock of routers and links.
        flit_bits: Bits a link moves each cycle.
        hop_cycles: Cycles from one router to the next at zero load (router pipeline and link).
        hop_energy_pj_per_bit: Energy of router and link for each hop.
    """

    columns: int
    rows: int
    clock_ghz: float
    flit_bits: int
    hop_cycles: int
    hop_energy_pj_per_bit: float

    def __post_init__(self) -> None:
        _positive("mesh", self, ("columns", "rows", "clock_ghz", "flit_bits", "hop_cycles"))
        _positive("mesh", self, ("hop_energy_pj_per_bit",), zero=True)

    @property
    def bits_per_ns(self) -> float:
        """Bandwidth of one channel (= Gb/s)."""
        return self.flit_bits * self.clock_ghz


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One die at a position of the package, all of its cores equal.

    Args:
        name: Unique name.
        column: Position in the package in x.
        row: Position in the package in y.
        core: Each of its cores.
        noc: Its mesh.
        die: Name of its description in the system file, empty without a file.
    """

    name: str
    column: int
    row: int
    core: Core
    noc: Noc
    die: str = ""

    @property
    def cores(self) -> int:
        """Number of cores."""
        return self.noc.columns * self.noc.rows

    @property
    def sram_bits(self) -> int:
        """Local memory of all cores."""
        return self.cores * self.core.sram_bits


@dataclass(frozen=True, kw_only=True)
class Link:
    """A full-duplex die-to-die link.

    Args:
        a: Name of one die.
        b: Name of the other.
        kind: Name of the technology, for people.
        bits_per_ns: Bandwidth in each direction (= Gb/s).
        latency_ns: From the last bit entering one die to its arrival in the other.
        energy_pj_per_bit: Energy of each bit moved.
        idle_mw: Power drawn all the time, both directions together.
    """

    a: str
    b: str
    kind: str
    bits_per_ns: float
    latency_ns: float
    energy_pj_per_bit: float
    idle_mw: float

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise ValueError(f"link {self.name} joins a chip to itself: name two different chips")
        _positive(f"link {self.name}", self, ("bits_per_ns",))
        _positive(f"link {self.name}", self, ("latency_ns", "energy_pj_per_bit", "idle_mw"), zero=True)

    @property
    def name(self) -> str:
        """`a-b`."""
        return f"{self.a}-{self.b}"


@dataclass(frozen=True, kw_only=True)
class Constant:
    """One number of a system file, where it stands there, and who says so.

    Args:
        key: Dotted path in the file, as `--set` takes it (`dies.compute.core.mac_energy`).
        text: The quantity as written, unit included (`0.018 pJ`); scaled ones are followed by the factor (`x 1.25`).
        source: Where the number is from.
    """

    key: str
    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class System:
    """Several chips in one package or board.

    Args:
        name: Name of the system.
        description: One line for people.
        chips: The dies, in file order.
        links: The die-to-die links.
        packet_header_bits: Header of a packet that carries one value or one event.
        constants: Every number of the file with its source.
    """

    name: str
    description: str
    chips: tuple[Chip, ...]
    links: tuple[Link, ...]
    packet_header_bits: int
    constants: tuple[Constant, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "chips", tuple(self.chips))
        object.__setattr__(self, "links", tuple(self.links))
        object.__setattr__(self, "constants", tuple(self.constants))
        if not self.chips:
            raise ValueError(f"system {self.name} has no chips: add one")
        _positive(f"system {self.name}", self, ("packet_header_bits",), zero=True)
        _unique(f"system {self.name}: chip name", (chip.name for chip in self.chips))
        _unique(f"system {self.name}: position", ((chip.column, chip.row) for chip in self.chips))
        _unique(f"system {self.name}: link", (frozenset((link.a, link.b)) for link in self.links))
        for link in self.links:
            for end in (link.a, link.b):
                if end not in self.by_name:
                    raise ValueError(f"system {self.name}: link {link.name} names {end!r}, which is no chip")

    @cached_property
    def by_name(self) -> dict[str, Chip]:
        """Chips by name."""
        return {chip.name: chip for chip in self.chips}
