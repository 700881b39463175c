"""The network's latency under load in closed form: `predict`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.contention import Waits, demand_of, mean_wait, solve
from axonal.simulation.network.fabric import Fabric
from axonal.simulation.network.flows import Flows, Paths
from axonal.simulation.network.lonely import alone_cycles
from axonal.simulation.network.routes import Routing

__all__ = ["Prediction", "predict"]

F64 = NDArray[np.float64]

TRUSTED = 0.85
"""Share of the predicted saturation load up to which a prediction is valid."""
SATURATED = 3.0
"""Saturation is where the mean latency is so many times that of the empty network."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What is expected of a network under load.

    Args:
        packet_latency_cycles: Mean over packets, from creation to the ejection of the tail.
        network_latency_cycles: The same from the injection of the head.
        flow_latency_cycles: Mean packet latency of each flow.
        channel_flits_per_cycle: Load of each output, shape `(routers, ports)`; the last port is the ejection.
        channel_wait_cycles: Mean wait of a packet for each output, behind it and in the buffer before it.
        saturation_scale: Factor of all rates at which the network saturates.
        valid: Whether the prediction is within its range.
        reason: Why it is not.
    """

    packet_latency_cycles: float
    network_latency_cycles: float
    flow_latency_cycles: F64 = field(repr=False)
    channel_flits_per_cycle: F64 = field(repr=False)
    channel_wait_cycles: F64 = field(repr=False)
    saturation_scale: float
    valid: bool
    reason: str = ""


def predict(fabric: Fabric, flows: Flows) -> Prediction:
    """Latencies and loads of flows on a fabric.

    Raises:
        ValueError: A flow starts or ends outside of the fabric.
    """
    machine = fabric.machine
    paths = Paths.of(fabric, flows)
    alone = alone_cycles(fabric, flows, paths)
    rates = flows.packets_per_cycle
    total = max(float(rates.sum()), 1e-300)
    empty = float((alone * rates).sum()) / total
    demand = demand_of(machine, flows, paths)
    waits = Waits.none(machine, len(paths.entry))
    solve(machine, demand, 1.0, waits)
    latency = empty + mean_wait(machine, demand, waits)
    source = float((demand.source_rate * waits.source).sum()) / total
    out = paths.exit
    step = waits.queue[paths.entry] + waits.turn + waits.stretch * demand.visible + waits.lane[out]
    summed = np.concatenate([[0.0], np.cumsum(step[paths.turn])])
    flow = alone + waits.source[flows.source] + summed[paths.start[1:]] - summed[paths.start[:-1]]
    channels = machine.routers * machine.ports
    shape = (machine.routers, machine.ports)
    load = np.bincount(out, demand.rate * demand.flits, minlength=channels)
    weight = np.maximum(np.bincount(out, demand.rate, minlength=channels), 1e-300)
    wait = np.bincount(out, demand.rate * step, minlength=channels) / weight
    low, high = 0.0, 1.0
    while high < 1e9 and empty + _wait_at(fabric, demand, waits, high) < SATURATED * empty:
        low, high = high, 2 * high
    for _ in range(10):
        middle = (low + high) / 2
        if empty + _wait_at(fabric, demand, waits, middle) < SATURATED * empty:
            low = middle
        else:
            high = middle
    scale = (low + high) / 2
    reason = ""
    if scale * TRUSTED < 1:
        reason = f"the load is {1 / scale:.2f} of that of saturation, must be <= {TRUSTED}: lower it or simulate cycles"
    elif machine.routing == Routing.WEST_FIRST:
        reason = "routing is west_first, which adapts to load: simulate cycles or take xy"
    return Prediction(
        packet_latency_cycles=latency,
        network_latency_cycles=latency - source,
        flow_latency_cycles=flow,
        channel_flits_per_cycle=load.reshape(shape),
        channel_wait_cycles=wait.reshape(shape),
        saturation_scale=scale,
        valid=not reason,
        reason=reason,
    )


def _wait_at(fabric: Fabric, demand: object, waits: Waits, scale: float) -> float:
    waits = Waits.none(fabric.machine, len(waits.turn))
    solve(fabric.machine, demand, scale, waits)  # type: ignore[arg-type]
    return mean_wait(fabric.machine, demand, waits)  # type: ignore[arg-type]
