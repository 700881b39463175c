"""The network of a whole package: the meshes of its dies and the links between them, as one fabric.

Where the dies tile a grid and every router of two facing sides is attached to their link, routers form one large mesh
with x-first routing. Any other package is routed by tables, up and then down the order of a spanning tree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np

from axonal.hardware import Chip, Link, System
from axonal.simulation.network.fabric import Draft, Fabric, grid
from axonal.simulation.network.routes import EAST, NORTH, SOUTH, WEST, Routing
from axonal.simulation.network.updown import Climb, climb
from axonal.simulation.portals import regular

__all__ = ["Package", "Unsupported", "package"]

_LONGEST_PERIOD = 128
"""Ticks of the slowest clock; finer ratios between clocks would make each cycle cost that many ticks."""

_DEEPEST = 1 << 14
"""Flits of a receive buffer that is sized to cover the credit loop of a link."""

_ROUTINGS = {"xy": Routing.XY, "yx": Routing.YX, "west_first": Routing.WEST_FIRST, "o1turn": Routing.O1TURN}


class Unsupported(ValueError):  # noqa: N818 - an answer about a system, as Infeasible is
    """The system is sound, but not one that the cycle-level engine can simulate."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Package:
    """A system as one fabric.

    Args:
        system: The machine.
        fabric: Its routers.
        first: For each chip, the router of its core 0.
        pitch: For each chip, the number of routers from one row to the next.
        climb: The order of the spanning tree where routes follow one.
        lanes: For each lane, the link and the die that sends.
    """

    system: System
    fabric: Fabric
    first: Mapping[str, int]
    pitch: Mapping[str, int]
    climb: Climb | None
    lanes: tuple[tuple[Link, str], ...]

    def router(self, chip: str, core: int) -> int:
        """Router of a core."""
        columns = self.system.by_name[chip].noc.columns
        return self.first[chip] + core // columns * self.pitch[chip] + core % columns

    @cached_property
    def core_of(self) -> tuple[tuple[str, int], ...]:
        """Chip and core of each router."""
        found: list[tuple[str, int]] = [("", 0)] * self.fabric.routers
        for chip in self.system.chips:
            for core in range(chip.cores):
                found[self.router(chip.name, core)] = (chip.name, core)
        return tuple(found)

    @cached_property
    def die_row(self) -> tuple[int, ...]:
        """Row of dies in which each router stands."""
        chips = self.system.by_name
        return tuple(chips[name].row for name, _ in self.core_of)

    @property
    def split(self) -> int:
        """Virtual channels below are for all but the second phase of multicasts."""
        return self.fabric.machine.split


@lru_cache(maxsize=64)
def package(system: System) -> Package:
    """The network of a system.

    Raises:
        Unsupported: Dies differ in what the engine needs to be equal (flit, virtual channels), or their clocks have no
            common tick.
    """
    _require_equal(system, "flit_bits", [chip.noc.flit_bits for chip in system.chips])
    _require_equal(system, "vcs", [chip.noc.router.vcs for chip in system.chips])
    if len(system.chips) == 1:
        return _single(system)
    return _tiled(system) if regular(system) else _irregular(system)


def _require_equal(system: System, name: str, values: list[int]) -> None:
    if len(set(values)) > 1:
        raise Unsupported(
            f"system {system.name}: {name} of the dies is {', '.join(map(str, sorted(set(values))))}, must be equal "
            "for the cycle-level engine: make the dies alike, or use the analytical engine"
        )


def _single(system: System) -> Package:
    chip = system.chips[0]
    noc = chip.noc
    fabric = grid(noc.columns, noc.rows, noc.router, routing=_ROUTINGS[noc.routing], wraps=noc.topology == "torus")
    fabric = replace(fabric, tick_ns=1 / noc.clock_ghz)
    return Package(
        system=system, fabric=fabric, first={chip.name: 0}, pitch={chip.name: noc.columns}, climb=None, lanes=()
    )


def _periods(system: System) -> tuple[dict[str, int], float]:
    """Ticks of a cycle of each die, and the length of a tick in ns."""
    exact = {chip.name: Fraction(1 / chip.noc.clock_ghz).limit_denominator(10_000) for chip in system.chips}
    unit = Fraction(
        math.gcd(*(period.numerator * (_common(exact) // period.denominator) for period in exact.values())),
        _common(exact),
    )
    ticks = {name: int(period / unit) for name, period in exact.items()}
    if max(ticks.values()) > _LONGEST_PERIOD:
        clocks = sorted({chip.noc.clock_ghz for chip in system.chips})
        raise Unsupported(
            f"system {system.name}: noc clocks of {', '.join(f'{clock:g}' for clock in clocks)} GHz have a common tick "
            f"of {float(unit):.4g} ns, must be at least 1/{_LONGEST_PERIOD} of a cycle: choose clocks in small ratios"
        )
    return ticks, float(unit)


def _common(exact: Mapping[str, Fraction]) -> int:
    return math.lcm(*(period.denominator for period in exact.values()))


def _placed(draft: Draft, system: System, first: Mapping[str, int], pitch: Mapping[str, int]) -> None:
    """Put the routers of all dies where they are, and join those within a die."""
    ticks, _ = _periods(system)
    widths = {chip.column: chip.noc.columns for chip in system.chips}
    heights = {chip.row: chip.noc.rows for chip in system.chips}
    for die, chip in enumerate(system.chips):
        noc, period = chip.noc, ticks[chip.name]
        left = sum(width for column, width in widths.items() if column < chip.column)
        top = sum(height for row, height in heights.items() if row < chip.row)
        number = np.add.outer(np.arange(noc.rows) * pitch[chip.name], np.arange(noc.columns)) + first[chip.name]
        for row in range(noc.rows):
            for column in range(noc.columns):
                draft.place(int(number[row, column]), left + column, top + row, noc.router, period, die)
    for chip in system.chips:
        _join_inside(draft, chip, first[chip.name], pitch[chip.name], ticks[chip.name])


def _join_inside(draft: Draft, chip: Chip, first: int, pitch: int, period: int) -> None:
    noc = chip.noc
    torus = noc.topology == "torus"
    ticks = noc.router.link_cycles * period
    for row in range(noc.rows):
        for column in range(noc.columns):
            here = first + row * pitch + column
            if column + 1 < noc.columns or (torus and noc.columns > 2):
                draft.join_both((here, EAST), (first + row * pitch + (column + 1) % noc.columns, WEST), ticks)
            if row + 1 < noc.rows or (torus and noc.rows > 2):
                draft.join_both((here, SOUTH), (first + (row + 1) % noc.rows * pitch + column, NORTH), ticks)


def _tiled(system: System) -> Package:
    at = {(chip.column, chip.row): chip for chip in system.chips}
    columns, rows = max(x for x, _ in at) + 1, max(y for _, y in at) + 1
    width = sum(at[x, 0].noc.columns for x in range(columns))
    height = sum(at[0, y].noc.rows for y in range(rows))
    first = {
        chip.name: sum(at[0, y].noc.rows for y in range(chip.row)) * width
        + sum(at[x, 0].noc.columns for x in range(chip.column))
        for chip in system.chips
    }
    pitch = dict.fromkeys(first, width)
    vcs = system.chips[0].noc.router.vcs
    if rows > 1 and vcs < 2:
        raise Unsupported(
            f"system {system.name}: vcs is {vcs}, must be >= 2 where dies stand in several rows: a multicast that "
            "leaves its row fans out in virtual channels of its own; raise it"
        )
    draft = Draft(width * height, 5, vcs)
    _placed(draft, system, first, pitch)
    lanes: list[tuple[Link, str]] = []
    for link in system.links:
        _attach(draft, system, link, _sides(system, link, first, pitch), lanes)
    # Multicasts that cross from row to row of dies fan out in virtual channels of their own.
    split = (vcs + 1) // 2 if rows > 1 else vcs
    fabric = draft.done(Routing.XY, split=split, tick_ns=_periods(system)[1])
    return Package(system=system, fabric=fabric, first=first, pitch=pitch, climb=None, lanes=tuple(lanes))


_Ends = list[tuple[tuple[int, int], tuple[int, int]]]
"""Pairs of attached routers, each with the port that faces the other die."""


def _sides(system: System, link: Link, first: Mapping[str, int], pitch: Mapping[str, int]) -> _Ends:
    """The routers of two facing sides that a link joins, and their ports there."""
    a, b = system.by_name[link.a], system.by_name[link.b]
    sideways = abs(b.column - a.column) >= abs(b.row - a.row)
    forward = b.column >= a.column if sideways else b.row > a.row
    here, there = (_side(chip, first, pitch, sideways, ahead) for chip, ahead in ((a, forward), (b, not forward)))
    adjacent = abs(b.column - a.column) + abs(b.row - a.row) == 1
    count = link.ports or (len(here) if len(here) == len(there) and adjacent else 1)
    ports = (EAST, WEST) if sideways else (SOUTH, NORTH)
    out, into = ports if forward else ports[::-1]
    return [((one, out), (other, into)) for one, other in zip(_middle(here, count), _middle(there, count), strict=True)]


def _side(chip: Chip, first: Mapping[str, int], pitch: Mapping[str, int], sideways: bool, forward: bool) -> list[int]:
    noc, start, step = chip.noc, first[chip.name], pitch[chip.name]
    if sideways:
        column = noc.columns - 1 if forward else 0
        return [start + row * step + column for row in range(noc.rows)]
    row = noc.rows - 1 if forward else 0
    return [start + row * step + column for column in range(noc.columns)]


def _middle(side: list[int], count: int) -> list[int]:
    """The middle so many of a side."""
    count = min(count, len(side))
    start = (len(side) - count + 1) // 2
    return side[start : start + count]


def _attach(draft: Draft, system: System, link: Link, ends: _Ends, lanes: list[tuple[Link, str]]) -> None:
    """Join the routers of a link; each direction is one lane that all of them share."""
    periods, tick_ns = _periods(system)
    flit_bits = system.by_name[link.a].noc.flit_bits
    service = flit_bits / link.bits_per_ns / tick_ns
    # A flit is there when its last bit is.
    ticks = max(0, math.ceil(link.latency_ns / tick_ns + service - 1e-9))
    for sender, receiver, backwards in ((link.a, link.b, False), (link.b, link.a, True)):
        lane = draft.new_lane(service)
        lanes.append((link, sender))
        router = system.by_name[receiver].noc.router
        period = max(periods[sender], periods[receiver])
        loop = 2 * ticks + (4 + router.routing_cycles + router.vc_allocation_cycles) * period
        loop += (router.switch_allocation_cycles + router.credit_cycles) * period
        needed = math.ceil(loop * min(1 / periods[sender], 1 / service)) + router.buffer_flits
        depth = link.buffer_flits or min(needed, _DEEPEST)
        for one, other in ends:
            start, end = (other, one) if backwards else (one, other)
            draft.join(start, end, ticks, lane, depth)


def _irregular(system: System) -> Package:
    """Routers numbered die by die, ports as needed, routed by tables."""
    first: dict[str, int] = {}
    total = 0
    for chip in system.chips:
        first[chip.name] = total
        total += chip.cores
    pitch = {chip.name: chip.noc.columns for chip in system.chips}
    ends = {link.name: _sides(system, link, first, pitch) for link in system.links}
    extra: dict[int, int] = {}
    moved: dict[str, _Ends] = {}
    for name, pairs in ends.items():
        moved[name] = [
            tuple((router, _fresh_port(extra, router)) for router, _ in pair)  # type: ignore[misc]
            for pair in pairs
        ]
    ports = 5 + max(extra.values(), default=0)
    draft = Draft(total, ports, system.chips[0].noc.router.vcs)
    _placed(draft, system, first, pitch)
    lanes: list[tuple[Link, str]] = []
    for link in system.links:
        _attach(draft, system, link, moved[link.name], lanes)
    order = climb(draft)
    fabric = draft.done(Routing.TABLE, tick_ns=_periods(system)[1], table=order.table, turns=order.turns)
    return Package(system=system, fabric=fabric, first=first, pitch=pitch, climb=order, lanes=tuple(lanes))


def _fresh_port(extra: dict[int, int], router: int) -> int:
    """The next port of a router beside its four in the mesh; the core's port comes after all of them."""
    extra[router] = extra.get(router, 0) + 1
    return 3 + extra[router]
