"""What a partitioned network costs: `Report` and its parts.

The simulator predicts a report and the runtime measures one, in the same type,
so that a prediction can be held against a measurement.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["BoundaryBits", "Breakdown", "Comparison", "LinkLoad", "Profile", "Report", "Span", "Wait"]


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """Energy of one inference by component, in pJ."""

    compute_pj: float
    memory_pj: float
    noc_pj: float
    d2d_pj: float
    static_pj: float

    @property
    def total_pj(self) -> float:
        """Sum of the components."""
        return self.compute_pj + self.memory_pj + self.noc_pj + self.d2d_pj + self.static_pj


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The same inference at other constants, where published sources disagree.

    Args:
        name: Name of the profile in the system file.
        energy: Energy of one inference with its constants.
    """

    name: str
    energy: Breakdown


@dataclass(frozen=True, kw_only=True)
class BoundaryBits:
    """One edge that crosses dies, and what it puts on the links for one inference.

    Args:
        source: Layer that sends.
        target: Layer that receives.
        source_chip: Die that sends.
        target_chip: Die that receives.
        link_hops: Die-to-die links on the way.
        format: Packet format that carries it, for people.
        elements: Elements of the tensor, all time steps.
        events: Mean non-zero elements.
        packed_bits: Bits of one crossing in the packet format, header included.
        packetised_bits: Bits of one crossing with one packet for each value or event.
    """

    source: str
    target: str
    source_chip: str
    target_chip: str
    link_hops: int
    format: str
    elements: int
    events: float
    packed_bits: float
    packetised_bits: float


@dataclass(frozen=True, kw_only=True)
class LinkLoad:
    """Bits over one directed channel for one inference.

    Args:
        name: Unique name of the channel.
        kind: `noc` inside a die, `d2d` between dies.
        chip: Die that the channel starts in.
        source: Mesh position `(column, row)` it starts at; for `d2d` the package position of the die.
        target: Where it ends, in the same coordinates.
        bits: Bits moved.
        busy_ns: Time the channel is occupied.
        waited_ns: Time that flits stood in front of it, summed over flits; 0 where it was not counted.
        utilization: Share of each interval of `Report.interval_ns` in which it is occupied; empty where it was
            not counted.
    """

    name: str
    kind: Literal["noc", "d2d"]
    chip: str
    source: tuple[int, int]
    target: tuple[int, int]
    bits: float
    busy_ns: float
    waited_ns: float = 0.0
    utilization: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Span:
    """One bar of the timeline of a single inference.

    A `wait` is a stall: the resource has work that it could do if something else, given in the name, were there.
    """

    name: str
    resource: str
    kind: Literal["compute", "noc", "d2d", "wait"]
    chip: str
    start_ns: float
    duration_ns: float


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Who waited for whom during one inference.

    Args:
        waiter: A layer or a tensor on its way, for people.
        holder: What it waited for: a layer that was not done, a core, a channel, a link.
        duration_ns: How long, all together.
    """

    waiter: str
    holder: str
    duration_ns: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Ratios predicted / measured of two reports of the same workload; `None` where either side has no figure."""

    latency_ratio: float | None
    throughput_ratio: float | None
    link_bits_ratio: float | None
    energy_ratio: float | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """Cost of one inference.

    Args:
        latency_ns: From the arrival of the input to the end of the last layer, machine otherwise idle.
        throughput_per_s: Inferences a second in the pipelined steady state.
        link_bits_packed: Bits over die-to-die links, every boundary in its packet format.
        link_bits_packetised: The same with one packet for each value or event.
        energy: Energy by component; `None` where it was not modelled (a measured report).
        boundaries: The edges that cross dies.
        links: Load of each used channel.
        timeline: When each layer and each transfer ran.
        bottleneck: The resource that bounds the throughput, for people.
        engine: How it came about: `analytical`, `cycle-level`, or a measurement's name.
        interval_ns: Length of the intervals of `LinkLoad.utilization`; 0 where loads over time were not counted.
        waits: Who waited for whom, longest first.
        profiles: Energy at other constants, where sources disagree.
        notes: What a reader must know of the figures.
        valid: Whether the engine was within its range; the notes say why not.
    """

    latency_ns: float
    throughput_per_s: float
    link_bits_packed: float
    link_bits_packetised: float
    energy: Breakdown | None
    boundaries: tuple[BoundaryBits, ...] = ()
    links: tuple[LinkLoad, ...] = ()
    timeline: tuple[Span, ...] = ()
    bottleneck: str = ""
    engine: str = "analytical"
    interval_ns: float = 0.0
    waits: tuple[Wait, ...] = ()
    profiles: tuple[Profile, ...] = ()
    notes: tuple[str, ...] = ()
    valid: bool = True

    def against(self, other: Report) -> Comparison:
        """This report relative to another one: 1 everywhere means that they agree."""

        def ratio(mine: float | None, theirs: float | None) -> float | None:
            return mine / theirs if mine is not None and theirs else None

        mine, theirs = self.energy, other.energy
        return Comparison(
            latency_ratio=ratio(self.latency_ns, other.latency_ns),
            throughput_ratio=ratio(self.throughput_per_s, other.throughput_per_s),
            link_bits_ratio=ratio(self.link_bits_packed, other.link_bits_packed),
            energy_ratio=ratio(mine.total_pj, theirs.total_pj) if mine and theirs else None,
        )

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """The report that `to_json` wrote; ValueError when a field is missing or unknown."""
        data: dict[str, Any] = json.loads(text)
        try:
            energy = data.pop("energy")
            parts = {"boundaries": BoundaryBits, "links": LinkLoad, "timeline": Span, "waits": Wait}
            lists: dict[str, Any] = {
                name: tuple(kind(**_tuples(item)) for item in data.pop(name)) for name, kind in parts.items()
            }
            profiles = tuple(
                Profile(name=item["name"], energy=Breakdown(**item["energy"])) for item in data.pop("profiles")
            )
            return cls(energy=Breakdown(**energy) if energy else None, profiles=profiles, **lists, **_tuples(data))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a report: {error}") from error


def _tuples(item: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}
