"""Where on a mesh the groups of tiles go: swap descent on a quadratic assignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Demand", "arranged", "hop_bits"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a placement has to carry, for n sites.

    Args:
        flow: Bits between each two groups, symmetric with a zero diagonal, shape `(n, n)`;
            sites without tiles are groups without flow.
        pull: Bits * hops to fixed routers (gateways, entrance, exit) for each group at each site, shape `(n, n)`.
        distance: Hops between each two sites, shape `(n, n)`.
    """

    flow: _Floats
    pull: _Floats
    distance: _Floats


def hop_bits(demand: Demand, sites: Sequence[int]) -> float:
    """Sum of bits * hops when group i sits at `sites[i]`."""
    chosen = np.asarray(sites)
    between = float((demand.flow * demand.distance[np.ix_(chosen, chosen)]).sum()) / 2
    return between + float(demand.pull[np.arange(len(chosen)), chosen].sum())


def arranged(demand: Demand, start: Sequence[int]) -> tuple[int, ...]:
    """Swap the pair that saves most until no swap saves anything (or each site moved a few times over).

    With F the flow, D the distances under the present sites and C = F D, swapping r and s changes the sum by
    C_rs + C_sr - C_rr - C_ss + 2 F_rs D_rs + (P_rs + P_sr - P_rr - P_ss), P being the pull. All terms are whole
    numbers below 2^53, hence exact, so that the result does not depend on the order of summation.
    """
    sites = np.asarray(start)
    groups = np.arange(len(sites))
    flow, whole_pull = np.rint(demand.flow), np.rint(demand.pull)
    for _ in range(4 * len(sites)):
        distance = demand.distance[np.ix_(sites, sites)]
        carried = flow @ distance + whole_pull[:, sites]
        own = carried[groups, groups]
        change = carried + carried.T - own[:, None] - own + 2 * flow * distance
        best = int(change.argmin())
        first, second = divmod(best, len(sites))
        if change[first, second] >= 0:
            break
        sites[[first, second]] = sites[[second, first]]
    return tuple(int(site) for site in sites)
