"""Up*/down* routing on any network: `climb` makes the tables.

Links towards the root of a breadth-first spanning tree go up, the others down; a way goes up, then down, and never up
again. So no circle of packets can wait for each other (Schroeder et al., Autonet, 1991).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from axonal.simulation.network.fabric import Draft

__all__ = ["Climb", "climb"]

LARGEST = 4096
"""Routers of a network that is routed by tables, whose size is the square of it."""


@dataclass(frozen=True, kw_only=True)
class Climb:
    """The order of a spanning tree and the shortest ways that keep to it.

    Args:
        parent: Next router towards the root, -1 at the root.
        to_parent: Output that leads there.
        from_parent: Output of the parent that leads back.
        level: Links to the root.
        table: Next output towards a target, in the first phase (up) and the second (down), `(2, routers, routers)`.
        turns: 1 for outputs that lead down, `(routers, ports)`.
    """

    parent: NDArray[np.int32]
    to_parent: NDArray[np.int32]
    from_parent: NDArray[np.int32]
    level: NDArray[np.int32]
    table: NDArray[np.int8]
    turns: NDArray[np.int8]


def climb(draft: Draft) -> Climb:
    """The tables of a network; ways are shortest in cycles among those that go up first, then down.

    Raises:
        ValueError: The network is too large, or some routers cannot be reached.
    """
    if draft.routers > LARGEST:
        raise ValueError(
            f"a package that is no grid of equal dies has {draft.routers} routers, must be <= {LARGEST}: "
            "attach links to whole sides of dies in a full grid, or simulate fewer dies"
        )
    parent, to_parent, from_parent, level = _tree(draft)
    starts, ports = np.nonzero(draft.neighbour >= 0)
    ends = draft.neighbour[starts, ports]
    down = (level[ends] > level[starts]) | ((level[ends] == level[starts]) & (ends > starts))
    turns = np.zeros((draft.routers, draft.ports), np.int8)
    turns[starts, ports] = down
    table = _table(draft, starts, ports, ends, down)
    return Climb(parent=parent, to_parent=to_parent, from_parent=from_parent, level=level, table=table, turns=turns)


def _tree(draft: Draft) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Breadth first from the router in the middle."""
    routers = draft.routers
    parent, level = np.full(routers, -1, np.int32), np.full(routers, -1, np.int32)
    to_parent, from_parent = np.zeros(routers, np.int32), np.zeros(routers, np.int32)
    middle = np.abs(draft.column - draft.column.mean()) + np.abs(draft.row - draft.row.mean())
    root = int(middle.argmin())
    level[root] = 0
    pending = deque([root])
    while pending:
        here = pending.popleft()
        for port in range(draft.ports - 1):
            there = int(draft.neighbour[here, port])
            if there >= 0 and level[there] < 0:
                parent[there], level[there] = here, level[here] + 1
                from_parent[there], to_parent[there] = port, draft.entry[here, port]
                pending.append(there)
    if (level < 0).any():
        raise ValueError(f"{int((level < 0).sum())} routers are joined to no other die, must be 0: add a link")
    return parent, to_parent, from_parent, level


def _table(
    draft: Draft, starts: NDArray[np.int64], ports: NDArray[np.int64], ends: NDArray[np.int32], down: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Shortest ways backwards from each target, in a graph whose nodes are routers in either phase."""
    routers = draft.routers
    cost = 1.0 + draft.link_ticks[starts, ports] / draft.period[starts] + draft.stages[starts].sum(axis=1)
    # Node r: router r while going up is still allowed; node routers + r: afterwards. Edges lead backwards.
    again = ends + routers
    rows = np.concatenate([ends[~down], again[down], again[down]])
    cols = np.concatenate([starts[~down], starts[down], starts[down] + routers])
    weights = np.concatenate([cost[~down], cost[down], cost[down]])
    # Either phase may end at the target: a link without cost from its second node to its first.
    graph = csr_array((weights, (rows, cols)), shape=(2 * routers, 2 * routers))
    table = np.full((2, routers, routers), draft.ports - 1, np.int8)
    port_of = np.full((routers, routers), -1, np.int16)
    port_of[starts, ends] = ports
    first, second = (
        dijkstra(graph, indices=np.arange(routers) + shift, return_predecessors=True) for shift in (0, routers)
    )
    for phase, nodes in ((0, slice(0, routers)), (1, slice(routers, 2 * routers))):
        sooner = first[0][:, nodes] < second[0][:, nodes]
        before = np.where(sooner, first[1][:, nodes], second[1][:, nodes])
        targets, here = np.nonzero(before >= 0)
        following = before[targets, here] % routers
        table[phase, here, targets] = port_of[here, following]
    return table
