"""What is offered to a network on average: `Flows`, and `Paths`, their way through its channels."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.arrays import Machine
from axonal.simulation.network.compiled import compiled
from axonal.simulation.network.fabric import Fabric
from axonal.simulation.network.routes import Routing

__all__ = ["Flows", "Paths", "walk"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Flows:
    """Streams of packets with one entry each in all arrays.

    Args:
        source: Router.
        target: Router.
        packets_per_cycle: Rate; each cycle brings a packet with this probability.
        flits: Length of each packet.
        batch_packets: Packets that a source creates at once, 1 for a Bernoulli source.

    Raises:
        ValueError: Shapes differ, or a rate, length or batch is outside its bounds.
    """

    source: I64
    target: I64
    packets_per_cycle: F64
    flits: I64
    batch_packets: float = 1.0

    def __post_init__(self) -> None:
        source = np.atleast_1d(np.asarray(self.source, np.int64))
        object.__setattr__(self, "source", source)
        for name, kind in (("target", np.int64), ("packets_per_cycle", np.float64), ("flits", np.int64)):
            values = np.asarray(getattr(self, name), kind)
            if values.ndim and values.shape != source.shape:
                raise ValueError(
                    f"{name} has shape {values.shape}, source {source.shape}: give one value for each flow"
                )
            object.__setattr__(self, name, np.ascontiguousarray(np.broadcast_to(values, source.shape)))
        for name, low in (("source", 0), ("target", 0), ("packets_per_cycle", 0), ("flits", 1)):
            values = getattr(self, name)
            if len(values) and not (values >= low).all():
                raise ValueError(f"{name} of a flow is {values.min()}, must be >= {low}")
        if not self.batch_packets >= 1:
            raise ValueError(f"batch_packets is {self.batch_packets}, must be >= 1: a source creates whole packets")

    @classmethod
    def of(cls, packets_per_cycle: F64, flits: int) -> Flows:
        """Flows between all pairs whose entry of a matrix, shape `(routers, routers)`, is not 0."""
        source, target = np.nonzero(packets_per_cycle)
        rates = np.asarray(packets_per_cycle, np.float64)[source, target]
        return cls(source=source, target=target, packets_per_cycle=rates, flits=np.full(len(source), flits))

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where flows pass: flow f takes the turns `turn[start[f]:start[f + 1]]`, from its router to its ejection.

    A turn is a way through a router, from an input to an output. Channels have the number `router * ports + port`;
    of outputs the last port is the ejection, of inputs the injection. Turns are in the order of their outputs.

    Args:
        start: First step of each flow.
        turn: Turn of each step.
        entry: Input channel of each turn.
        exit: Output channel of each turn.
    """

    start: I64
    turn: I64 = field(repr=False)
    entry: I64 = field(repr=False)
    exit: I64 = field(repr=False)

    @classmethod
    def of(cls, fabric: Fabric, flows: Flows) -> Paths:
        """The paths of flows; remembered for a few fabrics.

        Raises:
            ValueError: A flow starts or ends outside of the fabric.
        """
        machine = fabric.machine
        for name in ("source", "target"):
            ends = getattr(flows, name)
            if len(ends) and ends.max() >= machine.routers:
                raise ValueError(f"{name} of a flow is {ends.max()}, must be 0 to {machine.routers - 1}")
        key = (_way(machine), flows.source.tobytes(), flows.target.tobytes())
        if key in _KNOWN:
            _KNOWN.move_to_end(key)
            return _KNOWN[key]
        start, entry, out = walk(machine, flows.source, flows.target)
        together, turn = np.unique(out * machine.ports + entry % machine.ports, return_inverse=True)
        exits = together // machine.ports
        paths = cls(
            start=start,
            turn=turn.astype(np.int64),
            entry=exits // machine.ports * machine.ports + together % machine.ports,
            exit=exits,
        )
        _KNOWN[key] = paths
        if len(_KNOWN) > 16:
            _KNOWN.popitem(last=False)
        return paths

    @property
    def hops(self) -> I64:
        """Routers that a packet of each flow passes, the first and the last one included."""
        return np.diff(self.start)


_KNOWN: OrderedDict[tuple[object, ...], Paths] = OrderedDict()


def _way(machine: Machine) -> tuple[object, ...]:
    """What the way of packets depends on: fabrics that agree in it share their paths."""
    table = hash(machine.table.tobytes()) if machine.routing == Routing.TABLE else 0
    return (
        (machine.routers, machine.ports, machine.columns, machine.rows, machine.wraps, machine.routing, table),
        machine.neighbour.tobytes(),
        machine.column.tobytes(),
        machine.row.tobytes(),
    )


def walk(machine: Machine, source: I64, target: I64) -> tuple[I64, I64, I64]:
    """First step of each flow, and the input and the output channel of each step.

    Of routings that leave a choice it takes x first.
    """
    start = np.zeros(len(source) + 1, np.int64)
    empty = np.zeros(0, np.int64)
    _walk(machine, source, target, start, empty, empty)
    np.cumsum(start, out=start)
    entry, out = np.zeros(start[-1], np.int64), np.zeros(start[-1], np.int64)
    _walk(machine, source, target, start, entry, out)
    return start, entry, out


@compiled
def _shorter(at: int, to: int, size: int, wraps: int) -> int:
    """Signed steps along one dimension."""
    steps = to - at
    if wraps == 1:
        if steps < 0:
            steps += size
        if 2 * steps > size:
            steps -= size
    return steps


@compiled
def _next(machine: Machine, router: int, target: int, phase: int) -> int:
    """The output towards a target."""
    if machine.routing == 4:
        return int(machine.table[phase, router, target])
    dx = _shorter(machine.column[router], machine.column[target], machine.columns, machine.wraps)
    dy = _shorter(machine.row[router], machine.row[target], machine.rows, machine.wraps)
    if dx != 0 and (machine.routing != 1 or dy == 0):
        return 0 if dx > 0 else 1
    return 2 if dy > 0 else 3


@compiled
def _walk(machine: Machine, source: I64, target: I64, start: I64, entry: I64, out: I64) -> None:
    """Count the steps of flow f in `start[f + 1]`, or, with room for them, write them."""
    ports = machine.ports
    counts = entry.size == 0
    for flow in range(source.size):
        router, port, phase, step = source[flow], ports - 1, 0, 0 if counts else start[flow]
        while True:
            leaves = ports - 1 if router == target[flow] else _next(machine, router, target[flow], phase)
            if not counts:
                entry[step] = router * ports + port
                out[step] = router * ports + leaves
            step += 1
            if leaves == ports - 1:
                break
            if machine.routing == 4 and machine.turns[router, leaves] == 1:
                phase = 1
            router, port = machine.neighbour[router, leaves], machine.entry[router, leaves]
        if counts:
            start[flow + 1] = step
