"""The door `place`: tiles to cores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axonal.hardware import Chip, System
from axonal.mapping.arrangement import Demand, arranged
from axonal.mapping.demand import is_terminal
from axonal.mapping.dies import die_paths
from axonal.mapping.mesh import distances, entrance, exit_, gateway, snake
from axonal.mapping.moves import Move, moves, noc_bits
from axonal.mapping.parts import Partition
from axonal.mapping.pieces import pieces
from axonal.mapping.placement import Placement, Tile
from axonal.mapping.tiling import Group, groups
from axonal.workload import Layer, Workload

__all__ = ["place"]

_End = NDArray[np.float64] | int
"""Where bits leave or arrive on a die: a weight for each group (padded to the number of cores), or a fixed router."""


@dataclass(frozen=True, kw_only=True)
class _Flow:
    """Bits that move on a die.

    Args:
        bits: Bits of the whole tensor.
        departure: Where they come from, each tile sending its share.
        arrival: Where they go to, each tile being weighted with the part of them that it takes.
        matched: Whether a tile takes only what the sending tiles hold of its own range of the elements.
    """

    bits: float
    departure: _End
    arrival: _End
    matched: bool = False


def place(workload: Workload, partition: Partition, system: System) -> Placement:
    """Split each layer into tiles along its output neurons and give each tile a core of the layer's die.

    A layer has at least as many equal tiles as its weights and state need cores; cores to spare go to the layers
    that take longest (`tiling`). Tiles follow the order of the layers along a snake through the mesh, then pairs
    are swapped as long as the sum of bits * hops falls (`arrangement`); tiles that share a core move together.
    Between two tiles these are the bits that the one holds and the other needs, so that matching tiles of layers
    with scattered traffic end up near each other.
    `input` and `output` layers take one tile at the middle of the west and east side, without occupying the core.

    Args:
        workload: What is computed.
        partition: Which layer runs on which die; covers all layers of the workload.
        system: The machine.

    Raises:
        Infeasible: The memory of a die does not suffice.
        KeyError: The partition does not know a layer.
    """
    homes = {layer.name: partition.chip_of(layer.name) for layer in workload.layers}
    pending = moves(workload, homes)
    tiles: list[Tile] = []
    for name in dict.fromkeys(homes.values()):
        die = _die([layer for layer in workload.layers if homes[layer.name] == name], system.by_name[name])
        tiles += _tiles(die, arranged(_demand(_flows(die, pending, system), die.chip), snake(die.chip.noc)))
    tiles.sort(key=lambda tile: workload.order[tile.layer])
    return Placement(tiles=tuple(tiles), partition=partition)


@dataclass(frozen=True, kw_only=True)
class _Die:
    """The tiles of one die before they have cores.

    Args:
        chip: The die.
        groups: Layers that share a core, with their shares.
        fixed: Router of each terminal layer.
    """

    chip: Chip
    groups: tuple[Group, ...]
    fixed: Mapping[str, int]

    def sharing(self, layer: str) -> _End:
        """A layer of which each tile sends, or takes, its share."""
        return self._end(layer, [group.get(layer, 0.0) for group in self.groups])

    def receiving(self, layer: str) -> _End:
        """A layer of which each tile takes everything."""
        return self._end(layer, [float(layer in group) for group in self.groups])

    def _end(self, layer: str, values: Sequence[float]) -> _End:
        if layer in self.fixed:
            return self.fixed[layer]
        weights = np.zeros(self.chip.cores)
        weights[: len(values)] = values
        return weights


def _die(layers: Sequence[Layer], chip: Chip) -> _Die:
    ends = {"input": entrance(chip.noc), "output": exit_(chip.noc)}
    fixed = {layer.name: ends[layer.kind] for layer in layers if is_terminal(layer)}
    return _Die(chip=chip, groups=groups([layer for layer in layers if not is_terminal(layer)], chip), fixed=fixed)


def _flows(die: _Die, pending: Sequence[Move], system: System) -> Iterable[_Flow]:
    """What moves on the die from or to one of its layers; a gateway stands for whatever is on another die."""
    chip, paths = die.chip, die_paths(system)
    for move in pending:
        if chip.name not in (move.source_chip, move.target_chip):
            continue
        path = [system.by_name[name] for name in paths[move.source_chip, move.target_chip]]
        leaves, stays = move.source_chip == chip.name, move.target_chip == chip.name
        bits, departure = noc_bits(move.edge), die.sharing(move.edge.source) if leaves else gateway(chip, path[-2])
        if not stays:
            yield _Flow(bits=bits, departure=departure, arrival=gateway(chip, path[1]))
            continue
        for layer in move.whole:
            yield _Flow(bits=bits, departure=departure, arrival=die.receiving(layer))
        for layer in move.scattered:
            yield _Flow(bits=bits, departure=departure, arrival=die.sharing(layer), matched=True)


def _demand(flows: Iterable[_Flow], chip: Chip) -> Demand:
    distance = distances(chip.noc.columns, chip.noc.rows)
    flow, pull = np.zeros_like(distance), np.zeros_like(distance)
    for item in flows:
        departure, arrival = item.departure, item.arrival
        if isinstance(departure, int):
            if not isinstance(arrival, int):
                pull += item.bits * np.outer(arrival, distance[departure])
        elif isinstance(arrival, int):
            pull += item.bits * np.outer(departure, distance[arrival])
        else:
            pairs = item.bits * (_overlaps(departure, arrival) if item.matched else np.outer(departure, arrival))
            flow += pairs + pairs.T
    np.fill_diagonal(flow, 0)
    return Demand(flow=flow, pull=pull, distance=distance)


def _overlaps(departure: NDArray[np.float64], arrival: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the tensor that one tile holds and the other needs, for each two groups."""
    result = np.zeros((len(departure), len(arrival)))
    for size, (sender, receiver) in pieces(departure.tolist(), arrival.tolist()):
        result[sender, receiver] += size
    return result


def _tiles(die: _Die, cores: Sequence[int]) -> list[Tile]:
    chip = die.chip.name
    terminals = [Tile(layer=layer, chip=chip, core=core, share=1.0) for layer, core in die.fixed.items()]
    return terminals + [
        Tile(layer=layer, chip=chip, core=core, share=share)
        for group, core in zip(die.groups, cores, strict=False)
        for layer, share in group.items()
    ]
