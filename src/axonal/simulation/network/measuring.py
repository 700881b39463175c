"""One load on one network: `steady` traffic, a `burst`, or the `replay` of a trace, each measured as a `Point`."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from axonal.hardware import Router
from axonal.simulation.network.fabric import Fabric, grid
from axonal.simulation.network.packets import Ints, Packets
from axonal.simulation.network.patterns import Pattern
from axonal.simulation.network.points import Point, latencies, link_uses
from axonal.simulation.network.running import Run
from axonal.simulation.network.traffic import Arrivals, burst_packets

__all__ = ["Window", "burst", "compile_engine", "replay", "steady"]

BACKLOG = 0.05
"""Share of what was created by which the queues of the sources may grow while it is measured."""
GROWTH = 0.5
"""Share by which latency may grow from the first to the last measured period."""
SHORT_S = 0.05
"""A slice that takes less is followed by a longer one."""

SLICE = 1 << 20
"""Router cycles between two moments at which an interruption is heard."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """What is simulated of steady traffic.

    Args:
        warmup_cycles: Before anything is measured.
        period_cycles: Length of a measured period.
        periods: How many there are.
        drain_cycles: Longest wait for the measured packets, with traffic going on; twice what is measured without it.
        enough_cycles: Mean packet latency at which the wait ends early, for those who only ask whether it is reached.
    """

    warmup_cycles: int = 5000
    period_cycles: int = 5000
    periods: int = 3
    drain_cycles: int | None = None
    enough_cycles: float = math.inf

    def __post_init__(self) -> None:
        for name, value, least in (
            ("warmup_cycles", self.warmup_cycles, 0),
            ("period_cycles", self.period_cycles, 1),
            ("periods", self.periods, 1),
            ("drain_cycles", self.drain_cycles, 0),
        ):
            if value is not None and value < least:
                raise ValueError(f"{name} is {value}, must be >= {least}")

    @property
    def measured_cycles(self) -> int:
        """Cycles in which created packets count."""
        return self.periods * self.period_cycles

    @property
    def end_cycle(self) -> int:
        """End of the measured periods."""
        return self.warmup_cycles + self.measured_cycles

    @property
    def last_cycle(self) -> int:
        """Where the simulation ends, whatever has arrived."""
        return self.end_cycle + (2 * self.measured_cycles if self.drain_cycles is None else self.drain_cycles)


WINDOW = Window()


@cache
def compile_engine() -> None:
    """Compile the kernel, or load it from disk, so that this is not measured."""
    pattern = Packets.of(np.array([0]), np.array([1]), 1, np.array([0]))
    Run(grid(2, 1, Router(vcs=1, buffer_flits=1)), pattern).advance()


def steady(
    fabric: Fabric, pattern: Pattern, rate: float, *, packet_flits: int = 1, seed: int = 0, window: Window = WINDOW
) -> Point:
    """Open-loop traffic: warm-up, measured periods, and a drain until all packets created in them have arrived.

    Args:
        fabric: The network.
        pattern: Where packets go.
        rate: Flits per node and cycle.
        packet_flits: Length of a packet.
        seed: Of all that is drawn.
        window: How long it is simulated.

    Raises:
        ValueError: The pattern is for another network, or no packet was created while it was measured.
    """
    compile_engine()
    _require_fit(fabric, pattern)
    start_s = time.process_time()
    arrivals = Arrivals(pattern, rate, packet_flits, seed)
    run = Run(fabric, arrivals.until(window.warmup_cycles))
    _advance(run, window.warmup_cycles)
    before = run.state.flits.copy()
    for period in range(1, window.periods + 1):
        end = window.warmup_cycles + period * window.period_cycles
        run.extend(arrivals.until(end))
        _advance(run, end)
    flits = run.state.flits - before
    measured = run.packets.created >= window.warmup_cycles
    end = _drain(run, arrivals, measured, window)
    chosen = np.arange(len(run.packets)) < len(measured)
    chosen[: len(measured)] &= measured
    numbers = latencies(run, chosen)
    return Point(
        offered_flits_per_node_cycle=rate,
        accepted_flits_per_node_cycle=_ejected(fabric, flits) / window.measured_cycles / fabric.routers,
        saturated=not _arrived(run, measured) or _falls_behind(run, window) or _still_grows(run, chosen, window),
        cycles=end,
        cpu_s=time.process_time() - start_s,
        links=link_uses(fabric, flits, window.measured_cycles),
        **numbers,  # type: ignore[arg-type]
    )


def burst(fabric: Fabric, pattern: Pattern, packets_per_node: int, *, packet_flits: int = 1, seed: int = 0) -> Point:
    """Every node sends so many packets as fast as it can.

    Raises:
        ValueError: The pattern is for another network, or there is no packet.
        Deadlock: Flits stand still for good.
    """
    _require_fit(fabric, pattern)
    return replay(fabric, burst_packets(pattern, packets_per_node, packet_flits, seed), offered=1.0)


def replay(fabric: Fabric, packets: Packets, offered: float | None = None) -> Point:
    """Send packets, and wait until all have arrived.

    Args:
        fabric: The network.
        packets: What is sent.
        offered: Flits per node and cycle to be told; without, those created, spread over the cycles of their creation.

    Raises:
        ValueError: There is no packet, or one does not fit the network.
        Deadlock: Flits stand still for good.
    """
    compile_engine()
    start_s = time.process_time()
    run = Run(fabric, packets)
    _advance(run, 1 << 61)
    first, last = int(run.state.injected.min()), int(run.state.arrived.max())
    makespan = last + 1 - first
    flits = int(packets.flits.sum())
    span = int(packets.created.max() - packets.created.min()) + 1
    return Point(
        offered_flits_per_node_cycle=flits / span / fabric.routers if offered is None else offered,
        accepted_flits_per_node_cycle=flits / makespan / fabric.routers,
        makespan_cycles=makespan,
        cycles=last + 1,
        cpu_s=time.process_time() - start_s,
        links=link_uses(fabric, run.state.flits, makespan),
        **latencies(run, np.ones(len(packets), bool)),  # type: ignore[arg-type]
    )


def _require_fit(fabric: Fabric, pattern: Pattern) -> None:
    if pattern.nodes != fabric.routers:
        raise ValueError(
            f"traffic {pattern.name} is for {pattern.nodes} nodes, and the network has {fabric.routers}: "
            "make it for this network"
        )


def _advance(run: Run, until: int) -> bool:
    """Simulate up to a cycle in slices, so that an interruption is heard; whether all packets have arrived."""
    cycles = max(1, SLICE // run.fabric.routers)
    while run.now < until:
        before, start_s = run.now, time.perf_counter()
        if run.advance(min(until, before + cycles)):
            return True
        if time.perf_counter() - start_s < SHORT_S:
            cycles *= 2  # little happens here, perhaps nothing for a long time
    return False


def _drain(run: Run, arrivals: Arrivals, measured: NDArray[np.bool_], window: Window) -> int:
    """Go on until all measured packets have arrived, or for as long as allowed. Gives the cycle it ended at."""
    end = window.end_cycle
    step = max(100, window.period_cycles // 20)
    while not _arrived(run, measured) and end < window.last_cycle and _mean(run, measured) < window.enough_cycles:
        end = min(end + step, window.last_cycle)
        run.extend(arrivals.until(end))
        _advance(run, end)
    return end


def _mean(run: Run, measured: NDArray[np.bool_]) -> float:
    """Mean packet latency as it is now; that of packets under way can only grow."""
    arrived = run.state.arrived[: len(measured)][measured]
    end = np.where(arrived >= 0, arrived, run.now)
    return float((end - run.packets.created[: len(measured)][measured]).mean()) if len(end) else 0.0


def _arrived(run: Run, measured: NDArray[np.bool_]) -> bool:
    return bool((run.state.arrived[: len(measured)][measured] >= 0).all())


def _ejected(fabric: Fabric, flits: Ints) -> int:
    """Flits that went to the cores."""
    machine = fabric.machine
    return int(flits.reshape(machine.routers, machine.ports)[:, machine.ports - 1].sum())


def _falls_behind(run: Run, window: Window) -> bool:
    """Whether packets pile up at the sources while it is measured."""
    packets, injected = run.packets, run.state.injected

    def waiting(cycle: int) -> int:
        return int(packets.flits[(packets.created < cycle) & ((injected < 0) | (injected >= cycle))].sum())

    inside = (packets.created >= window.warmup_cycles) & (packets.created < window.end_cycle)
    allowed = BACKLOG * packets.flits[inside].sum() + 2 * run.fabric.routers * packets.flits.max()
    return bool(waiting(window.end_cycle) - waiting(window.warmup_cycles) > allowed)


def _still_grows(run: Run, chosen: NDArray[np.bool_], window: Window) -> bool:
    """Whether latency in the last measured period is clearly above that of the first."""
    if window.periods < 2:
        return False
    created = run.packets.created[chosen]
    arrived = run.state.arrived[chosen]
    latency = np.where(arrived >= 0, arrived, run.now) - created
    period = (created - window.warmup_cycles) // window.period_cycles
    first, last = latency[period == 0], latency[period == window.periods - 1]
    if min(len(first), len(last)) < 2:
        return False
    growth = float(last.mean() - first.mean())
    error = float(np.sqrt(first.var() / len(first) + last.var() / len(last)))
    return growth > GROWTH * float(first.mean()) and growth > 6 * error
