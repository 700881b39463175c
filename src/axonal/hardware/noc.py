"""The network of a die: what a router does in which cycle, and the mesh or torus made of such routers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from axonal.hardware.bounds import positive

__all__ = ["DEFAULT_BUFFER_FLITS", "DEFAULT_VCS", "Noc", "Router", "Routing", "Topology", "network_fault"]

Topology = Literal["mesh", "torus"]
Routing = Literal["xy", "yx", "west_first", "o1turn"]
"""`xy` and `yx`: along the row first, or the column; `west_first`: adaptive once no way west is left;
`o1turn`: each packet takes one of the two dimension orders."""

DEFAULT_VCS = 4
DEFAULT_BUFFER_FLITS = 8
"""The depth that BookSim2 (Jiang et al., ISPASS 2013) takes when its configuration names none."""

_STAGES: dict[int, dict[str, Any]] = {
    1: {"routing_cycles": 0, "speculative": True, "traversal_cycles": 0, "link_cycles": 0},
    2: {"routing_cycles": 0, "speculative": True, "link_cycles": 0},
    3: {"routing_cycles": 0, "speculative": True},
    4: {"routing_cycles": 0},
}


@dataclass(frozen=True, kw_only=True)
class Router:
    """A virtual-channel router with credits, and the channel to the next one.

    Args:
        routing_cycles: Choosing the output; 0 with look-ahead, where the router before has chosen it.
        vc_allocation_cycles: Giving a packet a virtual channel of the next router.
        switch_allocation_cycles: Giving a flit its turn at the crossbar.
        traversal_cycles: Crossing the switch; 0 when that happens in the cycle of the allocation.
        link_cycles: The channel to the next router; 0 when that is part of the traversal.
        speculative: Whether both allocations happen at the same time.
        vcs: Virtual channels of each input.
        buffer_flits: Depth of the buffer of each virtual channel.
        credit_cycles: Delay of a credit beside the cycle in which it travels back.
        leakage_mw: Power drawn all the time.
    """

    routing_cycles: int = 1
    vc_allocation_cycles: int = 1
    switch_allocation_cycles: int = 1
    traversal_cycles: int = 1
    link_cycles: int = 1
    speculative: bool = False
    vcs: int = DEFAULT_VCS
    buffer_flits: int = DEFAULT_BUFFER_FLITS
    credit_cycles: int = 0
    leakage_mw: float = 0.0

    def __post_init__(self) -> None:
        stages = ("routing_cycles", "vc_allocation_cycles", "switch_allocation_cycles", "traversal_cycles")
        positive("router", self, (*stages, "link_cycles", "credit_cycles", "leakage_mw"), zero=True)
        positive("router", self, ("vcs", "buffer_flits"))

    @property
    def hop_cycles(self) -> int:
        """Cycles from one router to the next at zero load: all stages, of parallel ones the longer, and the link."""
        allocations = (self.vc_allocation_cycles, self.switch_allocation_cycles)
        allocation = max(allocations) if self.speculative else sum(allocations)
        return self.routing_cycles + allocation + self.traversal_cycles + self.link_cycles

    @classmethod
    def of(cls, hop_cycles: int) -> Router:
        """The pipeline that is usual for a hop of so many cycles.

        From 5 on, each stage takes a cycle and the link the rest. 4: the output is chosen one router ahead.
        3: both allocations in one cycle, too. 2: switch and link in one cycle, too. 1: all in one cycle.

        Example:
            >>> Router.of(7).link_cycles, Router.of(3).speculative
            (3, True)
        """
        return cls(link_cycles=hop_cycles - 4) if hop_cycles > 4 else cls(**_STAGES[max(1, hop_cycles)])

    @classmethod
    def of_stages(cls, hop_cycles: int, stages: Mapping[str, Any]) -> Router:
        """The usual pipeline of a hop with some stages as given; where the link is not, it takes what is left.

        Args:
            hop_cycles: Cycles of all stages together.
            stages: Fields of stages, `link_cycles` and `speculative`, by name.

        Raises:
            ValueError: The stages do not sum to the cycles of the hop.
        """
        router = replace(cls.of(hop_cycles), **stages)
        left = hop_cycles - router.hop_cycles
        if left and "link_cycles" not in stages and router.link_cycles + left >= 0:
            return replace(router, link_cycles=router.link_cycles + left)
        if left:
            least = router.hop_cycles - (0 if "link_cycles" in stages else router.link_cycles)
            raise ValueError(
                f"the stages of the router and the link take {least} cycles, hop_latency is {hop_cycles} cycles: "
                "change one of them"
            )
        return router

    def lasting(self, hop_cycles: int) -> Router:
        """This router with a hop of so many cycles.

        Stages that are the usual ones stay so; otherwise the link takes the difference, or, where it is too short
        for that, all stages become the usual ones.
        """
        link_cycles = self.link_cycles + hop_cycles - self.hop_cycles
        if link_cycles < 0 or self == self._with_stages_of(Router.of(self.hop_cycles)):
            return self._with_stages_of(Router.of(hop_cycles))
        return replace(self, link_cycles=link_cycles)

    def _with_stages_of(self, other: Router) -> Router:
        return replace(
            other,
            vcs=self.vcs,
            buffer_flits=self.buffer_flits,
            credit_cycles=self.credit_cycles,
            leakage_mw=self.leakage_mw,
        )


_USUAL = cast("Router", None)
"""Stands for the usual router only until a `Noc` is made: whoever reads the field finds a router."""


@dataclass(frozen=True, kw_only=True)
class Noc:
    """A network-on-chip, one router at each core.

    A hop is a router and the channel that leaves it.

    Args:
        columns: Routers in x.
        rows: Routers in y.
        clock_ghz: Clock of routers and links.
        flit_bits: Bits a link moves each cycle.
        hop_cycles: Cycles from one router to the next at zero load (router pipeline and link).
        router_energy_pj_per_bit: Energy of the router, for each hop.
        wire_energy_pj_per_bit: Energy of the channel, for each hop; 0 where the router's figure holds it.
        router: Stages and buffers of each router; left out, they are those of `Router.of(hop_cycles)`.
        topology: `mesh`, or `torus` with rows and columns closed to rings.
        routing: How packets choose their way.
    """

    columns: int
    rows: int
    clock_ghz: float
    flit_bits: int
    hop_cycles: int
    router_energy_pj_per_bit: float
    wire_energy_pj_per_bit: float = 0.0
    router: Router = _USUAL
    topology: Topology = "mesh"
    routing: Routing = "xy"

    def __post_init__(self) -> None:
        positive("mesh", self, ("columns", "rows", "clock_ghz", "flit_bits", "hop_cycles"))
        positive("mesh", self, ("router_energy_pj_per_bit", "wire_energy_pj_per_bit"), zero=True)
        object.__setattr__(self, "router", self.router or Router.of(self.hop_cycles))
        if self.router.hop_cycles != self.hop_cycles:
            raise ValueError(
                f"mesh: hop_cycles is {self.hop_cycles}, must be the {self.router.hop_cycles} cycles of the router's "
                f"stages and link: also replace the router, for example by router.lasting({self.hop_cycles})"
            )
        fault = network_fault(self.topology, self.routing, self.router.vcs)
        if fault:
            raise ValueError(f"mesh: {fault}")

    @property
    def bits_per_ns(self) -> float:
        """Bandwidth of one channel (= Gb/s)."""
        return self.flit_bits * self.clock_ghz

    @property
    def hop_energy_pj_per_bit(self) -> float:
        """Energy of router and channel for each hop."""
        return self.router_energy_pj_per_bit + self.wire_energy_pj_per_bit


def network_fault(topology: str, routing: str, vcs: int) -> str:
    """Why the three do not go together; empty when they do."""
    if topology not in get_args(Topology):
        return f"topology is {topology!r}, must be one of {', '.join(get_args(Topology))}"
    if routing not in get_args(Routing):
        return f"routing is {routing!r}, must be one of {', '.join(get_args(Routing))}"
    if topology == "torus" and routing not in ("xy", "yx"):
        return f"routing {routing!r} may deadlock on a torus: use xy or yx, or topology mesh"
    if vcs < 2 and (topology == "torus" or routing == "o1turn"):
        what = "topology torus" if topology == "torus" else "routing o1turn"
        return f"{what} needs 2 virtual channels to be free of deadlock, has {vcs}: raise vcs"
    return ""
