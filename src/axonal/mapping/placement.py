"""Which piece of a layer runs on which core: `Placement`, `Tile`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from axonal.mapping.parts import Partition

__all__ = ["Placement", "Tile"]


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Some consecutive output neurons of a layer, on one core.

    The tiles of a layer, in their order, cover its neurons once; so each holds a range of [0, 1).

    Args:
        layer: Name of the layer.
        chip: Name of the die.
        core: `row * columns + column` in the mesh of the die.
        share: Fraction of the layer's neurons, operations, weights and state.
    """

    layer: str
    chip: str
    core: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Which tile of which layer runs on which core; the shares of each layer sum to 1.

    Args:
        tiles: All tiles, in the order of the workload's layers, those of a layer in the order of its neurons.
        partition: Which layer runs on which die.
    """

    tiles: tuple[Tile, ...]
    partition: Partition

    @cached_property
    def by_layer(self) -> Mapping[str, tuple[Tile, ...]]:
        """Tiles of each layer by name."""
        found: dict[str, list[Tile]] = {}
        for tile in self.tiles:
            found.setdefault(tile.layer, []).append(tile)
        return {layer: tuple(tiles) for layer, tiles in found.items()}

    def to_json(self) -> str:
        """The placement as JSON text."""
        partition = json.loads(self.partition.to_json())
        return json.dumps({"tiles": [asdict(tile) for tile in self.tiles], "partition": partition}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Placement:
        """The placement that `to_json` wrote; ValueError when a field is missing or unknown."""
        data: dict[str, Any] = json.loads(text)
        try:
            tiles = tuple(Tile(**item) for item in data.pop("tiles"))
            return cls(tiles=tiles, partition=Partition.from_json(json.dumps(data.pop("partition"))), **data)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a placement: {error}") from error
