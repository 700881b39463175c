"""Bursts of random systems: the predicted makespan and the simulated one."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import Case

from axonal.simulation.network.flows import Flows
from axonal.simulation.network.packets import Packets
from axonal.simulation.network.queueing import burst
from axonal.simulation.network.running import Run

PACKETS_PER_NODE = 64


def compare(one: Case) -> dict[str, Any]:
    """Every node that sends at all has 64 packets at the start, to targets drawn from the traffic matrix."""
    random = np.random.default_rng(one.number)
    count = one.fabric.routers
    senders = np.flatnonzero(one.weights.sum(1) > 0)
    source = np.repeat(senders, PACKETS_PER_NODE)
    drawn = [random.choice(count, PACKETS_PER_NODE, p=one.weights[node] / one.weights[node].sum()) for node in senders]
    target = np.concatenate(drawn)
    run = Run(one.fabric, Packets.of(source, target, one.flits, np.zeros(len(source), np.int64)))
    run.state.clock[1] = 1 << 40  # As in `truth`.
    run.advance()
    pairs, packets = np.unique(source * count + target, return_counts=True)
    flows = Flows(source=pairs // count, target=pairs % count, packets_per_cycle=np.zeros(len(pairs)), flits=one.flits)
    result = burst(one.fabric, flows, packets)
    simulated = int(run.state.arrived.max())
    return {
        "name": one.name,
        "busiest": result.busiest,
        "simulated_cycles": simulated,
        "ratio": round(result.makespan_cycles / simulated, 4),
        "work_ratio": round(result.work_cycles / simulated, 4),
    }
