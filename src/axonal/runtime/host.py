"""Processes on real machines as a `System`, so that what a run measured can be held against what is predicted."""

from __future__ import annotations

from dataclasses import dataclass

from axonal.hardware import Chip, Constant, Core, EnergyTable, Link, Noc, System
from axonal.runtime.probing import Probe

__all__ = ["HostLink", "host_system"]

MEMORY_BITS = 8 * 2**30
"""A GiB for the weights of a rank, 8 bits each."""

MACS_PER_NS = 16.0
RATE_BITS_PER_NS = 1.0
ROUND_TRIP_NS = 200_000.0

_LANES = 16
_INSIDE_BITS = 4096
"""Inside a process tensors stay where they are: its mesh of one core moves nothing."""


@dataclass(frozen=True, kw_only=True)
class HostLink:
    """The link between neighbouring ranks, in place of that of a probe.

    Args:
        rate_bits_per_ns: Payload in each direction (= Gb/s).
        round_trip_ns: Time there and back.
        source: Where the two are from.
    """

    rate_bits_per_ns: float
    round_trip_ns: float
    source: str

    def __post_init__(self) -> None:
        for name in ("rate_bits_per_ns", "round_trip_ns"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}, must be finite and > 0: say what the link does")
        if not self.source.strip():
            raise ValueError("source is empty, must say who measured or assumed the link")


def host_system(stages: int, probe: Probe | None = None, *, link: HostLink | None = None) -> System:
    """So many ranks in a row, each one core of which a thread computes.

    Energies are 0, for nobody measures what a host draws: a report of it has times and bits to be read, no energy.

    Args:
        stages: Ranks.
        probe: What was measured; usual figures are assumed where there is none.
        link: The link, where it is not that of the probe.

    Raises:
        ValueError: `stages` is not 1 to 1024.
    """
    if not 1 <= stages <= 1024:
        raise ValueError(f"stages is {stages}, must be 1 to 1024")
    joined = link or _link(probe)
    macs_per_ns = probe.macs_per_ns if probe else MACS_PER_NS
    compute_source = (
        f"{probe.source}: product of 32-bit matrices on one thread" if probe else "assumed: one core of a server"
    )
    core = _core(macs_per_ns)
    chips = tuple(
        Chip(name=f"rank{number}", column=number, row=0, core=core, noc=_inside(core), die="host")
        for number in range(stages)
    )
    between = tuple(
        Link(
            a=f"rank{number}",
            b=f"rank{number + 1}",
            kind="tcp",
            bits_per_ns=joined.rate_bits_per_ns,
            latency_ns=joined.round_trip_ns / 2,
            energy_pj_per_bit=0.0,
            idle_mw=0.0,
        )
        for number in range(stages - 1)
    )
    return System(
        name="host",
        description=f"{stages} {'process' if stages == 1 else 'processes in a row'}, TCP between neighbours",
        chips=chips,
        links=between,
        packet_header_bits=0,
        constants=_constants(core, joined, compute_source),
    )


def _link(probe: Probe | None) -> HostLink:
    if probe is None:
        return HostLink(
            rate_bits_per_ns=RATE_BITS_PER_NS,
            round_trip_ns=ROUND_TRIP_NS,
            source="assumed: gigabit Ethernet through one switch",
        )
    return HostLink(rate_bits_per_ns=probe.rate_bits_per_ns, round_trip_ns=probe.round_trip_ns, source=probe.source)


def _core(macs_per_ns: float) -> Core:
    """Lanes and clock whose product is the rate; the lanes are few, for a layer takes whole cycles."""
    free = EnergyTable(
        mac_pj=0.0, accumulate_pj=0.0, elementwise_pj=0.0, sram_read_pj_per_bit=0.0, sram_write_pj_per_bit=0.0
    )
    return Core(clock_ghz=macs_per_ns / _LANES, lanes=_LANES, sram_bits=MEMORY_BITS, leakage_mw=0.0, energy=free)


def _inside(core: Core) -> Noc:
    return Noc(
        columns=1,
        rows=1,
        clock_ghz=core.clock_ghz,
        flit_bits=_INSIDE_BITS,
        hop_cycles=1,
        router_energy_pj_per_bit=0.0,
    )


def _constants(core: Core, link: HostLink, compute_source: str) -> tuple[Constant, ...]:
    unmodelled = "not modelled: the energy of a host is not measured"
    once = "assumed: chosen so that clock x lanes is the measured rate"
    inside = "assumed: a process moves no tensor inside itself"
    rows = [
        ("packet_header", "0 bit", "assumed: ranks send packed frames, never a packet for each value"),
        ("dies.host.core.clock", f"{core.clock_ghz:g} GHz", compute_source),
        ("dies.host.core.lanes", str(core.lanes), once),
        ("dies.host.core.sram", "1 GiB", "assumed: enough for any model that a rank holds"),
        ("dies.host.core.leakage", "0 mW", unmodelled),
        *((f"dies.host.core.{name}_energy", "0 pJ", unmodelled) for name in ("mac", "accumulate", "elementwise")),
        *((f"dies.host.core.sram_{way}_energy", "0 pJ/bit", unmodelled) for way in ("read", "write")),
        ("dies.host.noc.clock", f"{core.clock_ghz:g} GHz", inside),
        ("dies.host.noc.flit", f"{_INSIDE_BITS} bit", inside),
        ("dies.host.noc.hop_latency", "1 cycles", inside),
        ("dies.host.noc.hop_energy", "0 pJ/bit", unmodelled),
        ("links.tcp.bandwidth", f"{link.rate_bits_per_ns:g} Gb/s", link.source),
        ("links.tcp.latency", f"{link.round_trip_ns / 2:g} ns", f"half of the round trip, {link.source}"),
        ("links.tcp.energy", "0 pJ/bit", unmodelled),
        ("links.tcp.idle_power", "0 mW", unmodelled),
    ]
    return tuple(Constant(key=key, text=text, source=source) for key, text, source in rows)
