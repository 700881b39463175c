"""A mesh with its traffic as one value, `Setting`, and what is found about it: `explore` gives a `Study`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from axonal.hardware import Router
from axonal.simulation.network.fabric import Boundary, Fabric, grid
from axonal.simulation.network.flows import Flows
from axonal.simulation.network.measuring import Window, burst, compile_engine, replay, steady
from axonal.simulation.network.points import Point
from axonal.simulation.network.queueing import predict_many
from axonal.simulation.network.routes import Routing
from axonal.simulation.network.searching import Measure, saturation, sweep
from axonal.simulation.network.spelling import pattern_of, trace_path
from axonal.simulation.network.traces import read_trace

__all__ = ["Follower", "Forecast", "Setting", "Study", "explore"]

SCHEMA_VERSION = 1

MOST_NODES_PREDICTED = 256
"""Larger networks have more pairs of nodes than the closed form goes through in a moment."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A mesh or torus of equal routers, and the traffic on it.

    Args:
        columns: Routers in x.
        rows: Routers in y.
        router: Each of them, and the channel behind it.
        routing: How packets find their way.
        torus: Whether opposite sides are joined.
        boundaries: Columns of links that join dies.
        traffic: As it is written on the command line.
        packet_flits: Length of a packet; a trace says its own.
        packets_per_node: Size of a burst; none for steady traffic.
        seed: Of all that is drawn.
        window: How long steady traffic is simulated.
    """

    columns: int = 8
    rows: int = 8
    router: Router = field(default_factory=Router)
    routing: Routing = Routing.XY
    torus: bool = False
    boundaries: tuple[Boundary, ...] = ()
    traffic: str = "uniform"
    packet_flits: int = 1
    packets_per_node: int | None = None
    seed: int = 0
    window: Window = field(default_factory=Window)

    def fabric(self) -> Fabric:
        """The network.

        Raises:
            ValueError: It cannot be made, or may deadlock.
        """
        return grid(
            self.columns,
            self.rows,
            self.router,
            routing=self.routing,
            wraps=self.torus,
            boundaries=self.boundaries,
        )

    def measure(self) -> Measure:
        """What gives a point at a load in flits per node and cycle; bursts and traces have their own load.

        Raises:
            ValueError: Network or traffic cannot be made.
            OSError: The trace cannot be read.
        """
        fabric, trace = self.fabric(), trace_path(self.traffic)
        if trace is not None:
            packets = read_trace(trace, fabric.routers, self.seed)
            return _whatever_the_load(lambda: replay(fabric, packets))
        pattern, many = pattern_of(self.traffic, self.columns, self.rows), self.packets_per_node
        if many is not None:
            flits, seed = self.packet_flits, self.seed
            return _whatever_the_load(lambda: burst(fabric, pattern, many, packet_flits=flits, seed=seed))
        return lambda rate, enough_cycles=math.inf: steady(
            fabric,
            pattern,
            rate,
            packet_flits=self.packet_flits,
            seed=self.seed,
            window=replace(self.window, enough_cycles=enough_cycles),
        )

    def predicted(self, rates: Sequence[float]) -> tuple[Forecast, ...]:
        """The closed form's latency at some loads; nothing for bursts, traces and networks too large for it."""
        nodes = self.columns * self.rows
        if self.packets_per_node is not None or trace_path(self.traffic) is not None or nodes > MOST_NODES_PREDICTED:
            return ()
        shares = pattern_of(self.traffic, self.columns, self.rows).shares()
        points = predict_many(self.fabric(), Flows.of(shares / self.packet_flits, self.packet_flits), np.array(rates))
        latencies, valid = points.packet_latency_cycles.tolist(), points.valid.tolist()
        return tuple(
            Forecast(
                offered_flits_per_node_cycle=rate,
                packet_latency_cycles=cycles if math.isfinite(cycles) else None,
                valid=sure,
            )
            for rate, cycles, sure in zip(rates, latencies, valid, strict=True)
        )

    def parameters(self) -> dict[str, Any]:
        """All of it as JSON values; what does not apply is left out."""
        router, window = self.router, self.window
        trace = trace_path(self.traffic) is not None
        found: dict[str, Any] = {
            "topology": f"{self.columns}x{self.rows} {'torus' if self.torus else 'mesh'}",
            "traffic": self.traffic,
            "routing": self.routing.name.lower().replace("_", "-"),
            "vcs": router.vcs,
            "buffer_flits": router.buffer_flits,
            "pipeline_cycles": [
                router.routing_cycles,
                router.vc_allocation_cycles,
                router.switch_allocation_cycles,
                router.traversal_cycles,
            ],
            "speculative": router.speculative,
            "credit_delay_cycles": router.credit_cycles,
            "link_latency_cycles": router.link_cycles,
            "die_boundaries": [asdict(boundary) for boundary in self.boundaries],
            "seed": self.seed,
        }
        if not trace:
            found["packet_flits"] = self.packet_flits
        if self.packets_per_node is not None:
            found["packets_per_node"] = self.packets_per_node
        elif not trace:
            found["warmup_cycles"] = window.warmup_cycles
            found["measured_cycles"] = window.measured_cycles
        return found


def _whatever_the_load(make: Callable[[], Point]) -> Measure:
    def measure(rate: float, enough_cycles: float = math.inf) -> Point:
        del rate, enough_cycles
        return make()

    return measure


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the closed form says of a load.

    Args:
        offered_flits_per_node_cycle: The load.
        packet_latency_cycles: Mean latency of packets; `None` where it says that the network saturates.
        valid: Whether the load is within its range.
    """

    offered_flits_per_node_cycle: float
    packet_latency_cycles: float | None
    valid: bool


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was found about a setting.

    Args:
        setting: What was simulated.
        points: Each load.
        saturation_load: Load at which latency is three times that at a low one.
        searched: Whether it was looked for; with a load of none, the network carries all that its nodes can send.
        analytical: What the closed form says of each load, where it says anything.
    """

    setting: Setting
    points: tuple[Point, ...] = ()
    saturation_load: float | None = None
    searched: bool = False
    analytical: tuple[Forecast, ...] = ()

    def document(self) -> dict[str, Any]:
        """All of it as JSON values, as `axonal.views.write_noc` takes them; the links are those of the last point."""
        return {
            "schema_version": SCHEMA_VERSION,
            "parameters": self.setting.parameters(),
            "mesh": {"columns": self.setting.columns, "rows": self.setting.rows},
            "points": [point.numbers() for point in self.points],
            "saturation_load": self.saturation_load,
            "analytical": [asdict(item) for item in self.analytical],
            "links": [
                {**asdict(link), "source": list(link.source), "target": list(link.target)}
                for link in (self.points[-1].links if self.points else ())
            ],
        }


class Follower(Protocol):
    """Who is told how a study goes on."""

    def begin(self, title: str, steps: int | None) -> None:
        """A sweep of so many loads, or a search of unknown length, begins."""

    def found(self, study: Study, point: Point) -> None:
        """There is one more point, of the study or of the search for saturation."""


def explore(setting: Setting, rates: tuple[float, ...], follower: Follower, *, find_saturation: bool = False) -> Study:
    """Measure each load, and with `find_saturation` look for the load at which the network saturates.

    Args:
        setting: Network and traffic.
        rates: Loads in flits per node and cycle; exactly one for bursts and traces, whatever it is.
        follower: Told of every point, so that an interruption loses no finished one.
        find_saturation: Whether to look for it.

    Raises:
        ValueError: Network or traffic cannot be made.
        Deadlock: Flits stand still for good.
    """
    measure = setting.measure()
    follower.begin("preparing (compiled once, then kept on disk)", None)
    compile_engine()
    study = Study(setting=setting, analytical=setting.predicted(rates))
    follower.begin("simulating", len(rates))
    for point in sweep(measure, rates):
        study = replace(study, points=(*study.points, point))
        follower.found(study, point)
    if not find_saturation:
        return study
    follower.begin("looking for saturation", None)
    load = saturation(measure, watch=lambda point: follower.found(study, point))
    return replace(study, saturation_load=load, searched=True)
