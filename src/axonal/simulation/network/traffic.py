"""When synthetic packets come into being: `Arrivals` at random for as long as one asks, `burst_packets` all at once."""

from __future__ import annotations

import numpy as np

from axonal.simulation.network.packets import Ints, Packets
from axonal.simulation.network.patterns import Floats, Pattern

__all__ = ["Arrivals", "burst_packets", "matrix"]

BATCH = 1 << 14
"""Gaps that are drawn at a time; fixed, so that equal seeds give equal packets however they are asked for."""

RAREST = 1e-9
"""Smallest load; gaps of smaller ones would not fit into the numbers of cycles."""


class Arrivals:
    """Open-loop traffic: each node makes a packet in each cycle with the same probability, whatever the network does.

    Cycles and nodes are one row of trials, cycle after cycle; the gaps between two successes are geometric.

    Args:
        pattern: Where packets go.
        rate: Flits per node and cycle.
        packet_flits: Length of a packet.
        seed: Of all that is drawn.

    Raises:
        ValueError: The rate is not a share of what a node can send.
    """

    def __init__(self, pattern: Pattern, rate: float, packet_flits: int, seed: int) -> None:
        if packet_flits < 1:
            raise ValueError(f"packet_flits is {packet_flits}, must be >= 1")
        if not RAREST <= rate <= 1:
            raise ValueError(
                f"rate is {rate:g} flits per node and cycle, must be > 0 (at least {RAREST:g}) and <= 1: "
                "a node sends one flit a cycle at most"
            )
        self.pattern, self.packet_flits = pattern, packet_flits
        self.probability = rate / packet_flits
        streams = np.random.SeedSequence(seed).spawn(3)
        self._gaps, self._targets, self._coins = map(np.random.default_rng, streams)
        self._trials = np.zeros(0, np.int64)
        self._last = -1

    def until(self, cycle: int) -> Packets:
        """The packets created before a cycle that were not given yet."""
        end = cycle * self.pattern.nodes
        parts = [self._trials]
        while self._last < end:
            parts.append(self._last + np.cumsum(self._gaps.geometric(self.probability, BATCH)))
            self._last = int(parts[-1][-1])
        trials = np.concatenate(parts)
        count = int(np.searchsorted(trials, end))
        now, self._trials = trials[:count], trials[count:]
        source = now % self.pattern.nodes
        return Packets.of(
            source,
            self.pattern.targets(source, self._targets),
            self.packet_flits,
            now // self.pattern.nodes,
            flavour=self._coins.integers(0, 2, count),
        )


def burst_packets(pattern: Pattern, packets_per_node: int, packet_flits: int, seed: int) -> Packets:
    """A burst: packet i of every node is created at cycle i, and nothing after them.

    Raises:
        ValueError: There is no packet.
    """
    if packets_per_node < 1:
        raise ValueError(f"packets_per_node is {packets_per_node}, must be >= 1")
    targets, coins = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    source: Ints = np.tile(np.arange(pattern.nodes), packets_per_node)
    return Packets.of(
        source,
        pattern.targets(source, targets),
        packet_flits,
        np.repeat(np.arange(packets_per_node), pattern.nodes),
        flavour=coins.integers(0, 2, len(source)),
    )


def matrix(pattern: Pattern, rate: float) -> Floats:
    """Mean flits per cycle from each source (row) to each target (column).

    Args:
        pattern: Where packets go.
        rate: Flits per node and cycle.
    """
    return rate * pattern.shares()
