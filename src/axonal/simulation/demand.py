"""What a placed workload asks of the network: packets, and the tasks that release them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from axonal.mapping import Placement, Tile
from axonal.simulation.network.package import Package
from axonal.simulation.network.packets import Packets, Tree
from axonal.simulation.network.tasks import Tasks
from axonal.simulation.network.ways import way
from axonal.simulation.plan import Plan, depths, readers, room
from axonal.simulation.replay import Replay
from axonal.simulation.schedule import tile_ns
from axonal.simulation.topology import Layout, ways
from axonal.simulation.transfers import Transfer, needs
from axonal.workload import Workload

__all__ = ["Demand", "Shape", "demand"]

_ROUNDING = 1e-9
"""A number of flits that is whole but for rounding needs no further flit."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How traffic is cut.

    Args:
        packet_flits: Longest packet.
        inferences: How many inferences follow each other closely.
        streams: Whether packets leave while their layer runs, in equal parts over its time or, with time steps, one
            part at the end of each; otherwise all leave at its end.
        plan: How the tasks of several inferences mix on the cores; one inference after the other where it is missing.
    """

    packet_flits: int
    inferences: int = 1
    streams: bool = False
    plan: Plan | None = None


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Packets and tasks of some inferences; those of the first come first.

    Args:
        packets: All packets.
        tasks: All tasks, for each inference one for each tile.
        tiles: The tiles, in the order of the tasks.
        transfers: The transfers; message `i + n * inference` is transfer i of n, further messages are no tensors.
    """

    packets: Packets
    tasks: Tasks
    tiles: tuple[Tile, ...]
    transfers: tuple[Transfer, ...]


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A part of a tensor on its way from one tile."""

    message: int
    source: int
    targets: tuple[int, ...]
    flits: int
    share: float


_Packet = tuple[_Piece, Tree | int, int]
"""The piece that a packet is of, where it goes, and its flits."""


def demand(
    workload: Workload,
    placement: Placement,
    package: Package,
    pending: Sequence[Transfer],
    shape: Shape,
    replay: Replay | None = None,
) -> Demand:
    """Packets and tasks of a placed workload.

    A layer's tile is a task; it runs on its core, in the order of the workload, when all tensors that its layer reads
    are there. What it produces goes in packets to the tiles that need it, as multicasts where several do.
    """
    tiles = tuple(tile for layer in workload.layers for tile in placement.by_layer[layer.name])
    chains: list[list[_Piece]] = [[] for _ in tiles]
    first_tile = _first_tiles(workload, placement)
    for number, transfer in enumerate(pending):
        for tile, piece in _pieces(number, transfer, placement, package, replay, shape.streams):
            chains[first_tile[transfer.move.edge.source] + tile].append(piece)
    chains = [sorted(pieces, key=lambda piece: piece.share) for pieces in chains] if shape.streams else chains
    cuts = [list(_cut(pieces, package, shape.packet_flits)) for pieces in chains]
    return Demand(
        packets=_packets(cuts, shape),
        tasks=_tasks(workload, package, pending, tiles, cuts, shape),
        tiles=tiles,
        transfers=tuple(pending),
    )


def _first_tiles(workload: Workload, placement: Placement) -> dict[str, int]:
    found, count = {}, 0
    for layer in workload.layers:
        found[layer.name] = count
        count += len(placement.by_layer[layer.name])
    return found


def _pieces(
    number: int, transfer: Transfer, placement: Placement, package: Package, replay: Replay | None, streams: bool
) -> Iterator[tuple[int, _Piece]]:
    """Index of the tile that sends, and what it sends; what stays in its core is not sent."""
    move = transfer.move
    tiles = placement.by_layer[move.edge.source]
    sources: Layout = tuple((index, tile.share) for index, tile in enumerate(tiles))
    whole, scattered = needs(move, placement)
    bits = transfer.moved_bits
    flit_bits = package.system.by_name[move.source_chip].noc.flit_bits
    steps = move.edge.time_steps if streams else 1
    start = 0.0
    for size, index, cores in ways(sources, whole, scattered):
        source = package.router(tiles[index].chip, tiles[index].core)
        targets = tuple(sorted({package.router(move.target_chip, core) for core in cores} - {source}))
        span = (start, start + size)
        parts = replay.parts(move.edge, span, steps, bits) if replay else (size * bits / steps,) * steps
        for step, part in enumerate(parts if targets else ()):
            flits = math.ceil(part / flit_bits - _ROUNDING)
            yield index, _Piece(message=number, source=source, targets=targets, flits=flits, share=(step + 1) / steps)
        start += size


def _packets(cuts: Sequence[Sequence[_Packet]], shape: Shape) -> Packets:
    trees: dict[Tree, int] = {}
    sources: list[int] = []
    targets: list[int] = []
    flits: list[int] = []
    for piece, goal, length in chain.from_iterable(cuts):
        sources.append(piece.source)
        targets.append(goal if isinstance(goal, int) else -1 - trees.setdefault(goal, len(trees)))
        flits.append(length)
    count = shape.inferences
    created = np.zeros(len(sources) * count, np.int64)
    return Packets(
        source=np.tile(np.array(sources, np.int64), count),
        target=np.tile(np.array(targets, np.int64), count),
        flits=np.tile(np.array(flits, np.int64), count),
        created=created,
        flavour=np.tile(np.arange(len(sources), dtype=np.int64) % 2, count),
        trees=tuple(trees),
    )


def _cut(pieces: Sequence[_Piece], package: Package, longest: int) -> Iterator[_Packet]:
    """The packets of a tile, in order."""
    for piece in pieces:
        for goal in way(package, piece.source, piece.targets):
            rest = piece.flits
            while rest > 0:
                yield piece, goal, min(rest, longest)
                rest -= longest


def _running(
    workload: Workload, tiles: Sequence[Tile], package: Package
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Core and ticks of each tile; what computes nothing has a core of its own, so that it waits for none."""
    cores, ticks = np.zeros(len(tiles), np.int64), np.zeros(len(tiles), np.int64)
    for index, tile in enumerate(tiles):
        operations = workload.layer(tile.layer).operations * tile.share
        cores[index] = package.router(tile.chip, tile.core) if operations else package.fabric.routers + index
        duration = tile_ns(operations, package.system.by_name[tile.chip].core)
        ticks[index] = math.ceil(duration / package.fabric.tick_ns - _ROUNDING)
    return cores, ticks


def _tasks(
    workload: Workload,
    package: Package,
    pending: Sequence[Transfer],
    tiles: Sequence[Tile],
    cuts: Sequence[Sequence[_Packet]],
    shape: Shape,
) -> Tasks:
    count, routers = shape.inferences, package.fabric.routers
    cores, ticks = _running(workload, tiles, package)
    by_layer: dict[str, list[int]] = {}
    for index, tile in enumerate(tiles):
        by_layer.setdefault(tile.layer, []).append(index)
    leaving, waiting = _messages(pending, tiles, by_layer, count)
    left = np.bincount([task for tasks in waiting for task in tasks], minlength=len(tiles) * count)
    first, last, message, share = _chained(cuts)
    return Tasks(
        core=np.tile(cores, count).astype(np.int32),
        ticks=np.tile(ticks, count),
        left=left.astype(np.int32),
        first=_repeated(first, count, len(message)),
        last=_repeated(last, count, len(message)),
        streams=np.full(len(tiles) * count, shape.streams, np.int8),
        **dict(zip(("core_start", "core_task"), _in_order(cores, routers + len(tiles), shape), strict=True)),
        **dict(zip(("out_start", "out_message"), _flat(leaving), strict=True)),
        **dict(zip(("in_start", "in_task"), _flat(waiting), strict=True)),
        message=_repeated(message, count, len(pending)),
        share=np.tile(share, count),
    )


def _messages(
    pending: Sequence[Transfer], tiles: Sequence[Tile], by_layer: Mapping[str, Sequence[int]], count: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Messages that each task sends, and tasks that wait for each message.

    First the tensors of each inference. Then, without packets, a word of each layer that it is done: a tensor has
    `room` for a few inferences. So a layer may be as far ahead as a pipeline needs, and no further.
    """
    numbers = {layer: number for number, layer in enumerate(by_layer)}
    tensors: dict[str, list[int]] = {}
    for number, transfer in enumerate(pending):
        tensors.setdefault(transfer.move.edge.source, []).append(number)
    sources = readers(pending)
    words = len(pending) * count
    leaving = [
        [
            *(number + inference * len(pending) for number in tensors.get(tile.layer, ())),
            words + inference * len(numbers) + numbers[tile.layer],
        ]
        for inference in range(count)
        for tile in tiles
    ]
    waiting = [
        [task + inference * len(tiles) for layer in item.move.targets for task in by_layer[layer]]
        for inference in range(count)
        for item in pending
    ]
    depth = depths(sources, numbers)
    for inference in range(count):
        for layer in numbers:
            ahead = (
                (source, inference + room(depth[layer] - depth[source])) for source in sorted(sources.get(layer, ()))
            )
            waiting.append(
                [task + later * len(tiles) for source, later in ahead if later < count for task in by_layer[source]]
            )
    return leaving, waiting


def _chained(
    cuts: Sequence[Sequence[_Packet]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """First and last packet of each tile, and for each packet its message and the part of the task before it leaves."""
    first, last = np.full(len(cuts), -1, np.int64), np.full(len(cuts), -1, np.int64)
    message: list[int] = []
    share: list[float] = []
    for index, cut in enumerate(cuts):
        if cut:
            first[index], last[index] = len(message), len(message) + len(cut) - 1
        stepped = len({piece.share for piece, _, _ in cut}) > 1
        message += [piece.message for piece, _, _ in cut]
        share += [piece.share if stepped else (place + 1) / len(cut) for place, (piece, _, _) in enumerate(cut)]
    return first, last, np.array(message, np.int64), np.array(share, np.float64)


def _repeated(values: NDArray[np.int64], count: int, shift: int) -> NDArray[np.int32]:
    """The values for each inference, shifted by what one inference has of them; -1 stays."""
    rows = values + shift * np.arange(count)[:, None]
    return np.where(values >= 0, rows, -1).reshape(-1).astype(np.int32)


def _flat(lists: Sequence[Sequence[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Starts and values of lists."""
    starts = np.concatenate([[0], np.cumsum([len(items) for items in lists])])
    return starts.astype(np.int32), np.array([item for items in lists for item in items], np.int32)


def _in_order(cores: NDArray[np.int64], total: int, shape: Shape) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Tasks of each core, in the order of the plan, those that start together in that of the workload.

    What a task needs starts no later in the plan, and stands before it in the workload, so tasks cannot wait for each
    other in a circle.
    """
    every = np.tile(cores, shape.inferences)
    when = np.repeat(np.arange(float(shape.inferences)), len(cores))
    if shape.plan:
        when = when * shape.plan.interval_ticks + np.tile(shape.plan.starts, shape.inferences)
    order = np.lexsort((np.arange(len(every)), when, every)).astype(np.int32)
    sizes = np.bincount(every, minlength=total)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32), order
