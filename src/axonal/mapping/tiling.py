"""Split the layers of one die into tiles and gather the tiles in groups, one for each core in use."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from axonal.hardware import Chip
from axonal.mapping.demand import load, stored_bits, tiles_needed
from axonal.mapping.infeasible import CORE_LEVERS, Infeasible, too_few_neurons
from axonal.workload import Layer

__all__ = ["MINIMUM_TILE_CYCLES", "Group", "groups"]

MINIMUM_TILE_CYCLES = 16
"""A layer is not split further when its tiles would work for fewer cycles.

A smaller tile saves less time than the broadcast of the layer's input to one more core costs:
crossing half a mesh of 8 by 8 takes about as many cycles.
"""

Group = dict[str, float]
"""Layers that share one core, each with the share of it that the core computes."""


def groups(layers: Sequence[Layer], chip: Chip) -> tuple[Group, ...]:
    """Tiles of the layers, gathered by core; at most as many groups as the die has cores.

    Each layer is split into equal tiles that fit a core. If the die has more cores than tiles,
    the layer with most operations a tile is split further as long as that is worth it.
    If it has fewer, tiles share cores.

    Raises:
        Infeasible: The memory of the die, or of the cores for some layer, does not suffice.
    """
    _check(layers, chip)
    tiles = {layer.name: tiles_needed(layer, chip.core) for layer in layers}
    if sum(tiles.values()) <= chip.cores:
        tiles = _spread(layers, chip, tiles)
        return tuple({layer.name: 1 / tiles[layer.name]} for layer in layers for _ in range(tiles[layer.name]))
    return _shared(layers, chip, tiles) or _poured(layers, chip)


def _check(layers: Sequence[Layer], chip: Chip) -> None:
    demand = sum(stored_bits(layer) for layer in layers)
    if demand > chip.sram_bits:
        levers = ("move a layer to another chip", *CORE_LEVERS)
        count = "1 layer" if len(layers) == 1 else f"{len(layers)} layers"
        raise Infeasible(f"{count} on chip {chip.name}", demand, chip.sram_bits, levers)
    for layer in layers:
        if tiles_needed(layer, chip.core) > layer.neurons:
            raise too_few_neurons(layer, chip, layer.neurons * chip.core.sram_bits)


def _spread(layers: Sequence[Layer], chip: Chip, tiles: dict[str, int]) -> dict[str, int]:
    """Tiles of each layer with the spare cores given, one by one, to the layer that takes longest."""
    tiles = dict(tiles)
    least = MINIMUM_TILE_CYCLES * chip.core.lanes
    heap = [(-load(layer) / tiles[layer.name], index) for index, layer in enumerate(layers)]
    heapq.heapify(heap)
    spare = chip.cores - sum(tiles.values())
    while heap and spare > 0:
        _, index = heapq.heappop(heap)
        layer = layers[index]
        more = tiles[layer.name] + 1
        if more <= layer.neurons and load(layer) / more >= least:
            tiles[layer.name] = more
            spare -= 1
            heapq.heappush(heap, (-load(layer) / more, index))
    return tiles


def _shared(layers: Sequence[Layer], chip: Chip, tiles: dict[str, int]) -> tuple[Group, ...] | None:
    """Tiles in order of decreasing memory, each to the least busy core that has room; `None` when one finds none.

    Least busy and not first fit: filling core after core would leave others idle.
    """
    found: list[Group] = [{} for _ in range(chip.cores)]
    room = [chip.core.sram_bits] * chip.cores
    busy = [0.0] * chip.cores
    for bits, operations, layer in _descending(layers, tiles):
        cores = [core for core in range(chip.cores) if room[core] >= bits]
        if not cores:
            return None
        core = min(cores, key=lambda core: (busy[core], core))
        room[core] -= bits
        busy[core] += operations
        found[core][layer.name] = found[core].get(layer.name, 0.0) + 1 / tiles[layer.name]
    return _in_order(found, layers)


def _descending(layers: Sequence[Layer], tiles: dict[str, int]) -> Iterable[tuple[int, float, Layer]]:
    """(bits, operations, layer) of each tile, the most demanding first."""
    items = [
        (-(-stored_bits(layer) // tiles[layer.name]), load(layer) / tiles[layer.name], -index)
        for index, layer in enumerate(layers)
        for _ in range(tiles[layer.name])
    ]
    return ((bits, operations, layers[-index]) for bits, operations, index in sorted(items, reverse=True))


def _poured(layers: Sequence[Layer], chip: Chip) -> tuple[Group, ...]:
    """Fill core after core to the brim, which always succeeds when the die has room; layers without memory go last."""
    found: list[Group] = [{} for _ in range(chip.cores)]
    room = [chip.core.sram_bits] * chip.cores
    core = 0
    for layer in layers:
        left = total = stored_bits(layer)
        while left:
            core += room[core] == 0
            taken = min(left, room[core])
            room[core] -= taken
            left -= taken
            found[core][layer.name] = taken / total
        poured = sorted((group[layer.name] for group in found if layer.name in group), reverse=True)
        if len(poured) > layer.neurons:
            raise too_few_neurons(layer, chip, int(sum(poured[: layer.neurons]) * total))
    busy = [sum(share * load(layer) for layer in layers if (share := group.get(layer.name, 0))) for group in found]
    for layer in layers:
        if not stored_bits(layer):
            core = busy.index(min(busy))
            busy[core] += load(layer)
            found[core][layer.name] = 1.0
    return _in_order(found, layers)


def _in_order(found: Sequence[Group], layers: Sequence[Layer]) -> tuple[Group, ...]:
    """The groups in use, sorted by their first layer, which the snake then follows."""
    order = {layer.name: index for index, layer in enumerate(layers)}
    return tuple(sorted(filter(None, found), key=lambda group: sorted(order[name] for name in group)))
