"""Routers and the links between them: `Fabric`, and `grid`, which makes a mesh or torus of equal routers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from axonal.hardware import Router
from axonal.simulation.network.arrays import Machine
from axonal.simulation.network.routes import EAST, NORTH, SOUTH, WEST, Routing

__all__ = ["Boundary", "Draft", "Fabric", "FabricLink", "grid"]

LARGEST = 1 << 20
"""Routers of one fabric; larger ones would not leave room for the numbers of units in 32 bits."""

LARGEST_VCS, LARGEST_PORTS = 62, 16
"""Sets of virtual channels are kept in the bits of one number, and there is a table of all sets of ports."""


@dataclass(frozen=True, kw_only=True)
class FabricLink:
    """A directed link between two routers.

    Args:
        router: Router that sends.
        port: Its output.
        beyond: Router that receives.
        kind: `noc` inside a die, `d2d` between dies.
    """

    router: int
    port: int
    beyond: int
    kind: Literal["noc", "d2d"]


@dataclass(frozen=True, kw_only=True)
class Fabric:
    """A network of routers, ready to be simulated.

    Args:
        machine: Its numbers.
        links: Its links, in the order of routers and ports.
        tick_ns: Length of a tick; 1 where times are in cycles.
        die: Number of the die of each router, shape `(routers,)`.
    """

    machine: Machine
    links: tuple[FabricLink, ...]
    tick_ns: float = 1.0
    die: np.ndarray = field(repr=False)

    @property
    def routers(self) -> int:
        """Number of routers, and of cores."""
        return self.machine.routers

    @cached_property
    def longest_event_ticks(self) -> int:
        """Upper bound of the delay of anything that the engine schedules."""
        machine = self.machine
        period, stages = int(machine.period.max()), int(machine.stages[:, 3:].max())
        queued = 0.0  # in front of a lane, for as many flits as the buffers behind it hold
        for lane, service in enumerate(machine.lane_service):
            routers, ports = np.nonzero(machine.lane == lane)
            room = machine.depth[machine.neighbour[routers, ports], machine.entry[routers, ports]].sum() * machine.vcs
            queued = max(queued, room * service)
        alone = 8 * period + 2 * stages + 2 * int(machine.link_ticks.max())
        # Flits that come faster than their receiver takes them wait on the link, one in each of its cycles.
        return alone + math.ceil(queued) + 2 + int(machine.depth.max()) * machine.vcs * period


class Draft:
    """A fabric in the making: routers first, then their links."""

    def __init__(self, routers: int, ports: int, vcs: int) -> None:
        if not 1 <= routers <= LARGEST:
            raise ValueError(f"the network has {routers} routers, must be 1 to {LARGEST}: simulate fewer dies")
        if not 1 <= vcs <= LARGEST_VCS:
            raise ValueError(f"vcs is {vcs}, must be 1 to {LARGEST_VCS}")
        if ports > LARGEST_PORTS:
            raise ValueError(f"a router has {ports} ports, must be <= {LARGEST_PORTS}: join a die to fewer others")
        self.routers, self.ports, self.vcs = routers, ports, vcs
        self.neighbour = np.full((routers, ports), -1, np.int32)
        self.entry = np.zeros((routers, ports), np.int32)
        self.before = np.full((routers, ports), -1, np.int32)
        self.exit = np.zeros((routers, ports), np.int32)
        self.link_ticks = np.zeros((routers, ports), np.int64)
        self.lane = np.full((routers, ports), -1, np.int32)
        self.services: list[float] = []
        self.period = np.ones(routers, np.int64)
        self.stages = np.zeros((routers, 5), np.int64)
        self.speculative = np.zeros(routers, np.int8)
        self.depth = np.zeros((routers, ports), np.int32)
        self.column = np.zeros(routers, np.int32)
        self.row = np.zeros(routers, np.int32)
        self.die = np.zeros(routers, np.int32)
        self.links: list[FabricLink] = []

    def place(self, number: int, column: int, row: int, router: Router, period: int = 1, die: int = 0) -> None:
        """Say what a router is and where it stands.

        Raises:
            ValueError: The router has stages that the engine does not have.
        """
        _require_stages(router)
        self.column[number], self.row[number], self.die[number] = column, row, die
        self.period[number] = period
        stages = (
            router.routing_cycles,
            router.vc_allocation_cycles,
            router.switch_allocation_cycles,
            router.traversal_cycles,
            router.credit_cycles,
        )
        self.stages[number] = np.array(stages) * period
        self.speculative[number] = router.speculative
        self.depth[number] = router.buffer_flits

    def new_lane(self, ticks_per_flit: float) -> int:
        """A lane that several links may share; a flit occupies it for so long."""
        self.services.append(ticks_per_flit)
        return len(self.services) - 1

    def join(
        self, start: tuple[int, int], end: tuple[int, int], ticks: int, lane: int = -1, buffer_flits: int | None = None
    ) -> None:
        """Lead an output `(router, port)` to an input `(router, port)`."""
        (router, port), (beyond, entry) = start, end
        self.neighbour[router, port], self.entry[router, port] = beyond, entry
        self.before[beyond, entry], self.exit[beyond, entry] = router, port
        self.link_ticks[router, port], self.lane[router, port] = ticks, lane
        if buffer_flits is not None:
            self.depth[beyond, entry] = buffer_flits
        kind: Literal["noc", "d2d"] = "noc" if self.die[router] == self.die[beyond] else "d2d"
        self.links.append(FabricLink(router=router, port=port, beyond=beyond, kind=kind))

    def join_both(self, one: tuple[int, int], other: tuple[int, int], ticks: int) -> None:
        """The same, there and back."""
        self.join(one, other, ticks)
        self.join(other, one, ticks)

    def done(
        self,
        routing: Routing,
        *,
        wraps: bool = False,
        split: int | None = None,
        tick_ns: float = 1.0,
        table: np.ndarray | None = None,
        turns: np.ndarray | None = None,
    ) -> Fabric:
        """The fabric.

        Args:
            routing: How packets find their way.
            wraps: Whether the grid is a torus.
            split: Virtual channels below are for all but the second phase of multicasts; all when `None`.
            tick_ns: Length of a tick.
            table: Next outputs of table routing, shape `(2, routers, routers)`.
            turns: Where its second phase begins, shape `(routers, ports)`.
        """
        nothing = np.zeros((2, 0, 0), np.int8)
        machine = Machine(
            routers=self.routers,
            ports=self.ports,
            vcs=self.vcs,
            routing=int(routing),
            neighbour=self.neighbour,
            entry=self.entry,
            before=self.before,
            exit=self.exit,
            link_ticks=self.link_ticks,
            lane=self.lane,
            lane_service=np.array(self.services or [1.0], np.float64),
            period=self.period,
            stages=self.stages,
            speculative=self.speculative,
            depth=self.depth,
            base=np.concatenate([[0], np.cumsum(np.repeat(self.depth.reshape(-1), self.vcs), dtype=np.int64)]),
            column=self.column,
            row=self.row,
            columns=int(self.column.max()) + 1,
            rows=int(self.row.max()) + 1,
            wraps=int(wraps),
            split=self.vcs if split is None else split,
            table=nothing if table is None else table,
            turns=np.zeros((self.routers, self.ports), np.int8) if turns is None else turns,
            output_of=np.tile(np.arange(self.ports, dtype=np.int32), self.ports * self.vcs),
            channel_of=np.repeat(np.arange(self.ports * self.vcs, dtype=np.int32), self.ports),
            port_of=np.repeat(np.arange(self.ports, dtype=np.int32), self.vcs),
            vc_of=np.tile(np.arange(self.vcs, dtype=np.int32), self.ports),
            first_of=np.array([0, *((bits & -bits).bit_length() - 1 for bits in range(1, 1 << self.ports))], np.int8),
        )
        links = tuple(sorted(self.links, key=lambda link: (link.router, link.port)))
        return Fabric(machine=machine, links=links, tick_ns=tick_ns, die=self.die)


def _require_stages(router: Router) -> None:
    """The engine allocates for at least a cycle, and speculates on allocations of exactly one."""
    allocations = (router.vc_allocation_cycles, router.switch_allocation_cycles)
    if min(allocations) < 1:
        raise ValueError(f"allocations of a router take {allocations} cycles, must be >= 1 each")
    if router.speculative and allocations != (1, 1):
        raise ValueError(
            f"a speculative router has allocations of {allocations} cycles, must be 1 and 1: "
            "there is nothing to speculate on while a longer one runs; drop speculation or shorten them"
        )


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """A die boundary through a mesh: the links east of a column, both ways.

    Args:
        after_column: Column whose east links they are.
        link_cycles: Latency of each.
        cycles_per_flit: How long a flit occupies each.
        rows_per_lane: Rows that share one lane.
    """

    after_column: int
    link_cycles: int = 1
    cycles_per_flit: float = 1.0
    rows_per_lane: int = 1


def grid(
    columns: int,
    rows: int,
    router: Router,
    *,
    routing: Routing = Routing.XY,
    wraps: bool = False,
    boundaries: Iterable[Boundary] = (),
) -> Fabric:
    """A mesh, or with `wraps` a torus, of equal routers; router `row * columns + column`.

    Args:
        columns: Routers in x.
        rows: Routers in y.
        router: Each of them, and the channel behind it.
        routing: How packets find their way.
        wraps: Whether opposite sides are joined.
        boundaries: Columns of links that join dies.

    Raises:
        ValueError: The routing may deadlock there, or a boundary lies outside.
    """
    cuts = {item.after_column: item for item in boundaries}
    for cut in cuts.values():
        if not 0 <= cut.after_column < columns - 1:
            raise ValueError(f"a die boundary after column {cut.after_column}, must be 0 to {columns - 2}")
    if wraps and routing not in (Routing.XY, Routing.YX):
        raise ValueError(f"routing {routing.name} may deadlock on a torus: use xy or yx, or a mesh")
    if router.vcs < 2 and (wraps or routing == Routing.O1TURN):
        raise ValueError(f"vcs is {router.vcs}, must be >= 2 for a torus or O1TURN to be free of deadlock")
    draft = Draft(columns * rows, 5, router.vcs)
    for number in range(columns * rows):
        column = number % columns
        draft.place(number, column, number // columns, router, die=sum(cut < column for cut in cuts))
    for number in range(columns * rows):
        column, row = number % columns, number // columns
        if column + 1 < columns:
            _join_east(draft, number, cuts.get(column), router.link_cycles, row)
        if row + 1 < rows:
            draft.join_both((number, SOUTH), (number + columns, NORTH), router.link_cycles)
    if wraps:
        _close(draft, columns, rows, router.link_cycles)
    return draft.done(routing, wraps=wraps)


def _close(draft: Draft, columns: int, rows: int, ticks: int) -> None:
    """Join the ends of rows and columns to rings."""
    for row in range(rows if columns > 1 else 0):
        draft.join_both((row * columns + columns - 1, EAST), (row * columns, WEST), ticks)
    for column in range(columns if rows > 1 else 0):
        draft.join_both(((rows - 1) * columns + column, SOUTH), (column, NORTH), ticks)


def _join_east(draft: Draft, number: int, cut: Boundary | None, ticks: int, row: int) -> None:
    """The two directed links between a router and its eastern neighbour."""
    one, other = (number, EAST), (number + 1, WEST)
    if cut is None:
        draft.join_both(one, other, ticks)
        return
    if row % cut.rows_per_lane == 0:
        draft.new_lane(cut.cycles_per_flit)
        draft.new_lane(cut.cycles_per_flit)
    last = len(draft.services) - 1
    draft.join(one, other, cut.link_cycles, last - 1)
    draft.join(other, one, cut.link_cycles, last)
