"""Which layer runs on which die: `Partition`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from axonal.mapping.moves import moves
from axonal.workload import Traffic, Workload

__all__ = ["Partition", "boundaries_of"]


@dataclass(frozen=True, kw_only=True)
class Partition:
    """Which layer runs on which die.

    Args:
        chips: Names of the dies in use, in the order in which the network runs through them.
        assignment: (layer, die) in the order of the workload.
        boundaries: Traffic that crosses dies, one edge for each tensor and target die, with all readers there.
        balance_used: How far above the ideal load a die was allowed to be; more than asked for if nothing else fitted.
    """

    chips: tuple[str, ...]
    assignment: tuple[tuple[str, str], ...]
    boundaries: tuple[Traffic, ...]
    balance_used: float

    @cached_property
    def homes(self) -> Mapping[str, str]:
        """Die of each layer by name."""
        return dict(self.assignment)

    def chip_of(self, layer: str) -> str:
        """Die of a layer.

        Raises:
            KeyError: The partition does not know the layer.
        """
        try:
            return self.homes[layer]
        except KeyError:
            raise KeyError(f"layer {layer} is in no part of the partition: use partition.extended(workload)") from None

    def crossing(self, workload: Workload) -> tuple[Traffic, ...]:
        """Traffic of a workload of these layers that crosses dies, one edge for each tensor and target die."""
        return boundaries_of(workload, {layer.name: self.chip_of(layer.name) for layer in workload.layers})

    def extended(self, workload: Workload) -> Partition:
        """The same assignment for another workload of the same network, which may have more (or fewer) layers.

        A new `decode` joins the first known layer that it leads to, any other new layer its
        first producer; a new layer without producer the first known layer that it leads to.

        Raises:
            ValueError: A new layer leads neither to nor from any known one.
        """
        homes: dict[str, str] = {}
        for layer in workload.layers:
            homes[layer.name] = self.homes.get(layer.name) or _home(workload, layer.name, homes, self.homes)
        assignment = tuple(homes.items())
        used = set(homes.values())
        return replace(
            self,
            chips=tuple(chip for chip in self.chips if chip in used),
            assignment=assignment,
            boundaries=boundaries_of(workload, homes),
        )

    def to_json(self) -> str:
        """The partition as JSON text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Partition:
        """The partition that `to_json` wrote; ValueError when a field is missing or unknown."""
        data: dict[str, Any] = json.loads(text)
        try:
            boundaries = tuple(Traffic(**item) for item in data.pop("boundaries"))
            assignment = tuple((layer, chip) for layer, chip in data.pop("assignment"))
            return cls(chips=tuple(data.pop("chips")), assignment=assignment, boundaries=boundaries, **data)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a partition: {error}") from error


def boundaries_of(workload: Workload, homes: Mapping[str, str]) -> tuple[Traffic, ...]:
    """Traffic that crosses dies, ordered by source layer.

    The one edge for each tensor and target die is the first of those that carry the tensor there;
    it names the readers of all of them, so that whoever replaces the tensor reaches them all.
    """
    return tuple(move.edge for move in moves(workload, homes) if move.crosses)


def _home(workload: Workload, name: str, earlier: Mapping[str, str], known: Mapping[str, str]) -> str:
    producers = [earlier[edge.source] for edge in workload.into(name)]
    if producers and workload.layer(name).kind != "decode":
        return producers[0]
    ahead = _known_ahead(workload, name, known)
    if ahead is None and not producers:
        raise ValueError(f"layer {name} has neither a known producer nor a known consumer: partition the workload anew")
    return ahead or producers[0]


def _known_ahead(workload: Workload, name: str, known: Mapping[str, str]) -> str | None:
    """Die of the first known layer, in the order of the workload, that follows."""
    reached = {name}
    for layer in workload.layers[workload.order[name] + 1 :]:
        if any(edge.source in reached for edge in workload.into(layer.name)):
            if layer.name in known:
                return known[layer.name]
            reached.add(layer.name)
    return None
