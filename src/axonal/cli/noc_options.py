"""The options of `axonal noc`, each checked by name before anything is simulated, and made into a `Setting`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from axonal.cli.parsing import integers
from axonal.hardware import Router
from axonal.simulation.network.fabric import Boundary
from axonal.simulation.network.measuring import Window
from axonal.simulation.network.routes import Routing
from axonal.simulation.network.searching import loads
from axonal.simulation.network.setting import Setting
from axonal.simulation.network.spelling import pattern_of, trace_path
from axonal.simulation.network.traffic import RAREST

__all__ = ["Words", "chosen"]

ROUTINGS = {"xy": Routing.XY, "yx": Routing.YX, "west-first": Routing.WEST_FIRST, "o1turn": Routing.O1TURN}
WIDEST = 256
BUFFERS = 1 << 28
"""Flits of all buffers together; more would not fit into the memory of usual machines."""
MOST_LOADS = 1000
MOST_PACKETS = 50_000_000
"""Of one load; each takes about a hundred bytes of memory."""
RATE = 0.1
STAGES = {"routing": 0, "VC allocation": 1, "switch allocation": 1, "traversal": 0}
"""The least number of cycles of each stage of a router."""
D2D_LATENCY_CYCLES, D2D_CYCLES_PER_FLIT, ROWS_PER_LANE = 10, 1.0, 1


@dataclass(frozen=True, kw_only=True)
class Words:
    """The options as they were typed; none where one was not."""

    mesh: str
    traffic: str
    routing: str
    torus: bool
    rate: float | None
    sweep: str | None
    find_saturation: bool
    burst: int | None
    packet_flits: int
    vcs: int
    buffer: int
    pipeline: str
    speculative: bool
    credit_delay: int
    link_latency: int
    d2d_after_column: str | None
    d2d_latency: int | None
    d2d_cycles_per_flit: float | None
    rows_per_lane: int | None
    warmup: int
    cycles: int
    seed: int


def chosen(words: Words) -> tuple[Setting, tuple[float, ...]]:
    """Network and traffic, and the loads to be simulated in flits per node and cycle.

    Raises:
        ValueError: An option is out of its bounds, or contradicts another; says which.
    """
    setting, rates = _setting(words), _rates(words)
    nodes, window = setting.columns * setting.rows, setting.window
    cycles = window.warmup_cycles + window.measured_cycles
    each, option = cycles * max(rates) / setting.packet_flits, f"--cycles {words.cycles} with --warmup {words.warmup}"
    if words.burst is not None:
        each, option = words.burst, f"--burst {words.burst}"
    if nodes * each > MOST_PACKETS and trace_path(words.traffic) is None:
        raise ValueError(
            f"{option} makes {nodes * each:.3g} packets on {nodes} nodes, must be <= {MOST_PACKETS:.3g}: choose less"
        )
    return setting, rates


def _setting(words: Words) -> Setting:
    columns, rows = _mesh(words.mesh)
    router = _router(words, columns * rows)
    routing = _routing(words)
    if router.vcs < 2 and (words.torus or routing == Routing.O1TURN):
        why = "--torus" if words.torus else "--routing o1turn"
        raise ValueError(f"--vcs is {router.vcs}, must be >= 2 with {why} to be free of deadlock: raise it")
    _bounded(
        "--packet-flits", words.packet_flits, 1, 4096, "a longer packet would hold its path for thousands of cycles"
    )
    _bounded("--seed", words.seed, 0, 2**63 - 1, "choose another one")
    _bounded("--warmup", words.warmup, 0, 10**9, "choose fewer cycles")
    _bounded("--cycles", words.cycles, 1, 10**9, "it is the length of each of the three measured periods")
    if words.burst is not None:
        _bounded("--burst", words.burst, 1, 10**7, "it is the number of packets of each node")
    if trace_path(words.traffic) is None:
        _named("--traffic", lambda: pattern_of(words.traffic, columns, rows))
    elif words.burst is not None:
        raise ValueError(f"--burst {words.burst} and --traffic {words.traffic} exclude each other: leave out one")
    return Setting(
        columns=columns,
        rows=rows,
        router=router,
        routing=routing,
        torus=words.torus,
        boundaries=_boundaries(words, columns, rows),
        traffic=words.traffic,
        packet_flits=words.packet_flits,
        packets_per_node=words.burst,
        seed=words.seed,
        window=Window(warmup_cycles=words.warmup, period_cycles=words.cycles),
    )


def _rates(words: Words) -> tuple[float, ...]:
    if words.rate is not None:
        _rate("--rate", words.rate)
    own = None if words.burst is None else f"--burst {words.burst}"
    own = own or (f"--traffic {words.traffic}" if trace_path(words.traffic) else None)
    for option, given in (("--sweep", words.sweep is not None), ("--find-saturation", words.find_saturation)):
        if own and given:
            raise ValueError(
                f"{option} needs steady traffic, and {own} has a load of its own: leave out one of the two"
            )
    if words.sweep is None:
        return (RATE if words.rate is None else words.rate,)
    if words.rate is not None:
        raise ValueError(f"--rate {words.rate:g} and --sweep {words.sweep} exclude each other: leave out one")
    return _sweep(words.sweep)


def _mesh(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)[xX](\d+)", text.strip())
    columns, rows = (int(part) for part in found.groups()) if found else (0, 0)
    if not (1 <= columns <= WIDEST and 1 <= rows <= WIDEST):
        raise ValueError(f"--mesh is {text!r}, must be COLUMNSxROWS from 1x1 to {WIDEST}x{WIDEST}, for example 8x8")
    return columns, rows


def _router(words: Words, nodes: int) -> Router:
    _bounded("--vcs", words.vcs, 1, 62, "each input needs a virtual channel")
    _bounded("--buffer", words.buffer, 1, 4096, "it is the depth of each virtual channel in flits")
    flits = 5 * nodes * words.vcs * words.buffer
    if flits > BUFFERS:
        raise ValueError(
            f"--buffer {words.buffer} with --vcs {words.vcs} makes {flits} flits of buffers on {nodes} routers, "
            f"must be <= {BUFFERS}: choose fewer of them or a smaller --mesh"
        )
    _bounded("--credit-delay", words.credit_delay, 0, 10_000, "it is in cycles")
    _bounded("--link-latency", words.link_latency, 0, 10_000, "it is in cycles")
    stages = integers("--pipeline", words.pipeline, "1,1,1,1")
    if len(stages) != 4:
        raise ValueError(
            f"--pipeline is {words.pipeline!r}, {len(stages)} numbers, must be 4: routing, virtual-channel allocation, "
            "switch allocation, traversal, for example 1,1,1,1"
        )
    for (name, least), value in zip(STAGES.items(), stages, strict=True):
        _bounded(f"--pipeline {words.pipeline}: {name}", value, least, 1000, "it is in cycles")
    if words.speculative and stages[1:3] != (1, 1):
        raise ValueError(
            f"--speculative with --pipeline {words.pipeline}: both allocations must take 1 cycle, for example 0,1,1,1"
        )
    return Router(
        routing_cycles=stages[0],
        vc_allocation_cycles=stages[1],
        switch_allocation_cycles=stages[2],
        traversal_cycles=stages[3],
        link_cycles=words.link_latency,
        speculative=words.speculative,
        vcs=words.vcs,
        buffer_flits=words.buffer,
        credit_cycles=words.credit_delay,
    )


def _routing(words: Words) -> Routing:
    if words.routing not in ROUTINGS:
        near = get_close_matches(words.routing.casefold(), ROUTINGS, n=1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"--routing is {words.routing!r}, must be one of {', '.join(ROUTINGS)}{hint}")
    if words.torus and words.routing not in ("xy", "yx"):
        raise ValueError(
            f"--routing {words.routing} may deadlock with --torus, must be xy or yx: choose one of them, or a mesh"
        )
    return ROUTINGS[words.routing]


def _boundaries(words: Words, columns: int, rows: int) -> tuple[Boundary, ...]:
    if words.d2d_after_column is None:
        details = (words.d2d_latency, words.d2d_cycles_per_flit, words.rows_per_lane)
        for option, value in zip(("--d2d-latency", "--d2d-cycles-per-flit", "--rows-per-lane"), details, strict=True):
            if value is not None:
                raise ValueError(f"{option} is {value:g}, and no links are between dies: give --d2d-after-column, too")
        return ()
    cuts = integers("--d2d-after-column", words.d2d_after_column, "3 or 3,7")
    latency = D2D_LATENCY_CYCLES if words.d2d_latency is None else words.d2d_latency
    service = D2D_CYCLES_PER_FLIT if words.d2d_cycles_per_flit is None else words.d2d_cycles_per_flit
    lane_rows = ROWS_PER_LANE if words.rows_per_lane is None else words.rows_per_lane
    if columns < 2:
        raise ValueError(f"--d2d-after-column is {words.d2d_after_column} and the mesh has 1 column: widen --mesh")
    for cut in cuts:
        _bounded(
            "--d2d-after-column", cut, 0, columns - 2, f"columns are counted from 0, and {columns - 1} is the last"
        )
    if len(set(cuts)) < len(cuts):
        raise ValueError(f"--d2d-after-column is {words.d2d_after_column}, must be different columns: remove one")
    _bounded("--d2d-latency", latency, 1, 100_000, "it is in cycles")
    _bounded("--rows-per-lane", lane_rows, 1, rows, "rows that share one lane between dies")
    if not (math.isfinite(service) and 0.001 <= service <= 10_000):
        raise ValueError(f"--d2d-cycles-per-flit is {service:g}, must be 0.001 to 10000: it is the time of one flit")
    return tuple(
        Boundary(after_column=cut, link_cycles=latency, cycles_per_flit=service, rows_per_lane=lane_rows)
        for cut in cuts
    )


def _rate(option: str, value: float) -> None:
    if not RAREST <= value <= 1:
        raise ValueError(
            f"{option} is {value:g} flits per node and cycle, must be > 0 and <= 1: a node sends one flit a cycle"
        )


def _sweep(text: str) -> tuple[float, ...]:
    try:
        first, last, step = (float(part) for part in text.split(":"))
    except ValueError:
        raise ValueError(f"--sweep is {text!r}, must be FIRST:LAST:STEP, for example 0.05:0.5:0.05") from None
    for value in (first, last):
        _rate(f"--sweep {text}", value)
    if not (step > 0 and last >= first):
        raise ValueError(f"--sweep is {text!r}, must rise from FIRST to LAST by a STEP > 0, for example 0.05:0.5:0.05")
    if (last - first) / step > MOST_LOADS:
        raise ValueError(f"--sweep {text} has more than {MOST_LOADS} loads: choose a longer step")
    return loads(first, last, step)


def _bounded(option: str, value: int, low: int, high: int, lever: str) -> None:
    if not low <= value <= high:
        raise ValueError(f"{option} is {value}, must be {low} to {high}: {lever}")


def _named(option: str, make: Callable[[], object]) -> None:
    """Say the option in front of a complaint about its value."""
    try:
        make()
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None
