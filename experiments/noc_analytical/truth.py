"""What the cycle-level engine measures in steady state, for `cases`; run as a program it writes a table of it."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from cases import Case, case

from axonal.simulation.network.flows import Flows, Paths
from axonal.simulation.network.lonely import alone
from axonal.simulation.network.packets import Packets
from axonal.simulation.network.running import Run

WARM_CYCLES = 5000
PERIOD_CYCLES = 5000
ENOUGH_PACKETS = 20000
FRACTIONS = (0.3, 0.6, 0.8)
SATURATED = 3.0


def bernoulli(one: Case, load: float, cycles: int, random: np.random.Generator) -> Packets:
    """Packets of every source, in every cycle with its probability; `load` in flits per router and cycle."""
    rates = one.weights * (load / one.flits)
    chance = np.minimum(rates.sum(1), 1.0)
    source, created = [], []
    for node, probability in enumerate(chance):
        ticks = np.flatnonzero(random.random(cycles) < probability)
        source.append(np.full(len(ticks), node))
        created.append(ticks)
    sources = np.concatenate(source)
    below = np.cumsum(one.weights, axis=1) / np.maximum(one.weights.sum(1, keepdims=True), 1e-30)
    coins = random.random(len(sources))
    targets = np.empty(len(sources), np.int64)
    for node in range(len(chance)):
        mine = sources == node
        targets[mine] = np.searchsorted(below[node], coins[mine], side="right").clip(max=len(chance) - 1)
    return Packets.of(sources, targets, one.flits, np.concatenate(created))


def zero_load(one: Case, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Latency of each pair alone in the network; tests hold it equal to that of the cycle-level engine."""
    pairs, inverse = np.unique(source * one.fabric.routers + target, return_inverse=True)
    ends = pairs // one.fabric.routers, pairs % one.fabric.routers
    flows = Flows(source=ends[0], target=ends[1], packets_per_cycle=np.zeros(len(pairs)), flits=one.flits)
    return alone(one.fabric, flows, Paths.of(one.fabric, flows)).cycles[inverse]


def measured_cycles(one: Case, load: float, periods: int) -> int:
    """As many as asked for, and more where few packets are created in them: means of few packets are noise."""
    packets_per_cycle = load / one.flits * one.fabric.routers
    return min(max(periods * PERIOD_CYCLES, int(periods * ENOUGH_PACKETS / 3 / packets_per_cycle)), 30 * PERIOD_CYCLES)


def measure(one: Case, load: float, periods: int, seed: int) -> dict[str, float]:
    """Mean latencies of the packets that are created after the warm-up, at an offered load; infinite when unstable.

    The mean over packets is freed from the luck of which pairs were drawn: what is averaged is the latency beyond
    that of the empty network, whose mean over all pairs is known.
    """
    end = WARM_CYCLES + measured_cycles(one, load, periods)
    packets = bernoulli(one, load, end + 1500, np.random.default_rng([seed, one.number, int(load * 1e6)]))
    run = Run(one.fabric, packets)
    run.state.clock[1] = (
        1 << 40
    )  # Never skip a tick: the count of flits inside falls too fast and would end up negative.
    measured = (packets.created >= WARM_CYCLES) & (packets.created < end)
    for _ in range(4):
        if run.advance(run.now + (end if run.now == 0 else PERIOD_CYCLES)) or (run.state.arrived[measured] >= 0).all():
            break
    latency = (run.state.arrived - packets.created)[measured].astype(float)
    late = run.state.arrived[measured] < 0
    if late.any() or not measured.any():
        return {"load": load, "packet": np.inf, "network": np.inf, "zero": np.nan, "packets": int(measured.sum())}
    empty = zero_load(one, packets.source[measured], packets.target[measured])
    network = (run.state.arrived - run.state.injected)[measured].astype(float)
    source, target = np.nonzero(one.weights)
    exact = zero_load(one, source, target)
    mean = float((exact * one.weights[source, target]).sum() / one.weights.sum())
    return {
        "load": load,
        "packet": mean + float((latency - empty).mean()),
        "network": mean + float((network - empty).mean()),
        "zero": mean,
        "packets": int(measured.sum()),
        "stderr": float((latency - empty).std() / np.sqrt(len(empty))),
    }


def ceiling(one: Case) -> float:
    """A load that no network of this kind exceeds: of the busiest source, and of the busiest target."""
    return float(min(1.0 / one.weights.sum(1).max(), 1.0 / one.weights.sum(0).max()))


def saturation(one: Case, high: float, periods: int = 1, steps: int = 7) -> float:
    """Load below `high` where the latency is three times that of the empty network, by bisection."""
    source, target = np.nonzero(one.weights)
    empty = zero_load(one, source, target)
    limit = SATURATED * float((empty * one.weights[source, target]).sum() / one.weights.sum())
    low = 0.0
    for step in range(steps):
        middle = high / 3 if step == 0 and one.fabric.routers > 30 else (low + high) / 2
        result = measure(one, middle, periods, 7)
        low, high = (middle, high) if result["packet"] < limit else (low, middle)
    return (low + high) / 2


def points_of(one: Case, periods: int = 3) -> tuple[float, list[dict[str, float]]]:
    """The saturation load, and what is measured at parts of it.

    A network a little beyond saturation takes long to show it: where the last point does, saturation is sought again,
    below it and for longer.
    """
    limit = saturation(one, ceiling(one))
    for _ in range(3):
        points = [measure(one, fraction * limit, periods, 1) for fraction in reversed(FRACTIONS)]
        if points[0]["packet"] < SATURATED * points[0]["zero"]:
            break
        limit = saturation(one, FRACTIONS[-1] * limit, periods)
    return limit, points[::-1]


def table(numbers: Iterable[int], path: Path, periods: int = 3) -> None:
    """Write the points of cases, one line each as they are ready; those that are there already stay."""
    there = {json.loads(line)["number"] for line in path.read_text().splitlines()} if path.exists() else set()
    for number in numbers:
        if number in there:
            continue
        started = time.perf_counter()
        one = case(number)
        limit, points = points_of(one, periods)
        row = {
            "number": number,
            "name": one.name,
            "saturation": limit,
            "points": points,
            "seconds": time.perf_counter() - started,
        }
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("path", type=Path)
    arguments = parser.parse_args()
    table(range(arguments.first, arguments.last), arguments.path)
