"""In which order cores run the tasks of several inferences, so that these overlap like the stages of a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.transfers import Transfer

__all__ = ["Plan", "depths", "planned", "readers", "room"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """When each task of each inference would start if inferences did not get in each other's way.

    Args:
        starts: Start of each task of one inference.
        interval_ticks: From one inference to the next.
    """

    starts: NDArray[np.int64]
    interval_ticks: float


def readers(pending: Iterable[Transfer]) -> dict[str, set[str]]:
    """Sources of the tensors that each layer reads."""
    found: dict[str, set[str]] = {}
    for transfer in pending:
        for layer in transfer.move.targets:
            found.setdefault(layer, set()).add(transfer.move.edge.source)
    return found


def depths(sources: Mapping[str, set[str]], layers: Iterable[str]) -> dict[str, int]:
    """Layers on the longest way to each, in the order of the workload."""
    found: dict[str, int] = {}
    for layer in layers:
        found[layer] = 1 + max((found[source] for source in sources.get(layer, ())), default=-1)
    return found


def room(layers_on_the_way: int) -> int:
    """Inferences of which a tensor may be somewhere between the start of its source and the end of its reader.

    As many as there are stages: each layer on the way is one, each transfer is one, and so is the source itself. With
    fewer, equally long stages would have to wait for each other.

    Args:
        layers_on_the_way: Layers from the source to the reader, the reader included.

    Example:
        >>> room(1)
        3
    """
    return 2 * layers_on_the_way + 1


def planned(
    pending: Sequence[Transfer],
    layers: Sequence[str],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    busy_ticks: float,
) -> Plan:
    """The plan with the shortest interval that the busiest resource and the room for tensors allow.

    interval = max(busy ticks, max over tensors of (end of reader - start of source) / inferences that have room)

    Args:
        pending: The transfers.
        layers: Layer of each task of one inference, in the order of the workload.
        starts: When each task starts where the machine is otherwise idle.
        ends: When it ends.
        busy_ticks: For how long the busiest resource works for one inference.
    """
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for layer, start, end in zip(layers, starts.tolist(), ends.tolist(), strict=True):
        first[layer] = min(first.get(layer, start), start)
        last[layer] = max(last.get(layer, end), end)
    sources = readers(pending)
    depth = depths(sources, first)
    narrow = [
        (last[layer] - first[source]) / room(depth[layer] - depth[source])
        for layer, each in sources.items()
        for source in each
    ]
    return Plan(starts=starts, interval_ticks=max(busy_ticks, *narrow))
