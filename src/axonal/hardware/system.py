"""The machine as frozen values: package, chips, cores, mesh and die-to-die links."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

from axonal.hardware.bounds import positive, unique
from axonal.hardware.noc import Noc, Router

__all__ = ["Chip", "Constant", "Core", "EnergyTable", "Link", "Noc", "Profile", "Router", "System"]


@dataclass(frozen=True, kw_only=True)
class EnergyTable:
    """Energy of the operations of a core.

    Args:
        mac_pj: One 8-bit multiply-accumulate.
        accumulate_pj: One addition into an accumulator.
        elementwise_pj: One other arithmetic operation.
        sram_read_pj_per_bit: Reading a bit of local memory.
        sram_write_pj_per_bit: Writing a bit of local memory.
        neuron_update_pj: One neuron with state in one time step, beside its arithmetic; 0 where not charged apart.
        spike_pj: One event that a layer emits; 0 where not charged apart.
        packet_pj: One packet that a core puts on the mesh, be it a single event; 0 where not charged apart.
    """

    mac_pj: float
    accumulate_pj: float
    elementwise_pj: float
    sram_read_pj_per_bit: float
    sram_write_pj_per_bit: float
    neuron_update_pj: float = 0.0
    spike_pj: float = 0.0
    packet_pj: float = 0.0

    def __post_init__(self) -> None:
        positive("energy table", self, [field.name for field in fields(self)], zero=True)


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
        positive("core", self, ("clock_ghz", "lanes", "sram_bits"))
        positive("core", self, ("leakage_mw",), zero=True)


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

    Its bandwidth is that of the whole link. Several rows or columns of the mesh may be attached to it and then share
    it: eight rows of 64 bit at 1 GHz can bring 512 Gb/s to a module that carries 256.

    Args:
        a: Name of one die.
        b: Name of the other.
        kind: Name of the technology, for people.
        bits_per_ns: Bandwidth in each direction (= Gb/s).
        latency_ns: From the last bit entering one die to its arrival in the other.
        energy_pj_per_bit: Energy of each bit moved.
        idle_mw: Power drawn all the time, both directions together.
        serialiser_pj_per_bit: Energy of serialising and restoring each bit; 0 where the link's figure holds it.
        buffer_flits: Receive buffer of each virtual channel at each attached router; `None` covers the credit loop.
        ports: Routers of each facing side that are attached; `None` attaches all of them where the two sides have
            equally many and the dies are neighbours in the package, else one.
    """

    a: str
    b: str
    kind: str
    bits_per_ns: float
    latency_ns: float
    energy_pj_per_bit: float
    idle_mw: float
    serialiser_pj_per_bit: float = 0.0
    buffer_flits: int | None = None
    ports: int | None = None

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise ValueError(f"link {self.name} joins a chip to itself: name two different chips")
        owner = f"link {self.name}"
        positive(owner, self, ("bits_per_ns",))
        positive(owner, self, ("latency_ns", "energy_pj_per_bit", "idle_mw", "serialiser_pj_per_bit"), zero=True)
        positive(owner, self, [name for name in ("buffer_flits", "ports") if getattr(self, name) is not None])

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
class Profile:
    """Other published values of some energies, for showing how far sources disagree; see `with_profile`.

    Args:
        name: Unique name.
        values: Dotted key of each constant that differs, with its number in the unit of the code.
        constants: The same for people, each with its source.
    """

    name: str
    values: tuple[tuple[str, float], ...]
    constants: tuple[Constant, ...]


@dataclass(frozen=True, kw_only=True)
class System:
    """Several chips in one package or board.

    Args:
        name: Name of the system.
        description: One line for people.
        chips: The dies, in file order.
        links: The die-to-die links.
        packet_header_bits: Header of a packet that carries one value or one event.
        constants: Every number of the file with its source, those of the profiles excepted.
        profiles: Other published values of its energies.
    """

    name: str
    description: str
    chips: tuple[Chip, ...]
    links: tuple[Link, ...]
    packet_header_bits: int
    constants: tuple[Constant, ...]
    profiles: tuple[Profile, ...] = ()

    def __post_init__(self) -> None:
        for name in ("chips", "links", "constants", "profiles"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.chips:
            raise ValueError(f"system {self.name} has no chips: add one")
        positive(f"system {self.name}", self, ("packet_header_bits",), zero=True)
        unique(f"system {self.name}: chip name", (chip.name for chip in self.chips))
        unique(f"system {self.name}: profile", (profile.name for profile in self.profiles))
        unique(f"system {self.name}: position", ((chip.column, chip.row) for chip in self.chips))
        unique(f"system {self.name}: link", (frozenset((link.a, link.b)) for link in self.links))
        for link in self.links:
            for end in (link.a, link.b):
                if end not in self.by_name:
                    raise ValueError(f"system {self.name}: link {link.name} names {end!r}, which is no chip")

    @cached_property
    def by_name(self) -> dict[str, Chip]:
        """Chips by name."""
        return {chip.name: chip for chip in self.chips}
