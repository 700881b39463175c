"""A workload as the partitioner sees it: layers on a line, and tensors between their positions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from axonal.mapping.demand import is_terminal, load
from axonal.mapping.moves import link_bits
from axonal.workload import Layer, Workload

__all__ = ["Spine", "Strand", "compute_layers", "spine_of"]


@dataclass(frozen=True, kw_only=True)
class Strand:
    """One tensor on the spine.

    Args:
        source: Position that produces it.
        targets: Positions behind the source that consume it, ascending, at least one.
        bits: Whole bits of one crossing; integers keep sums exact, hence ties real.
    """

    source: int
    targets: tuple[int, ...]
    bits: int


@dataclass(frozen=True, kw_only=True)
class Spine:
    """The layers that are cut into ranges, in order, and what moves between them.

    Args:
        layers: All layers but `input` and `output` ones.
        anchors: Position of each layer by name; a terminal layer has that of its neighbour.
        strands: Tensors between different positions.
    """

    layers: tuple[Layer, ...]
    anchors: Mapping[str, int]
    strands: tuple[Strand, ...]

    @cached_property
    def arriving(self) -> tuple[tuple[int, ...], ...]:
        """For each position the indices of the strands that it consumes."""
        found: list[list[int]] = [[] for _ in self.layers]
        for index, strand in enumerate(self.strands):
            for position in strand.targets:
                found[position].append(index)
        return tuple(tuple(item) for item in found)

    @cached_property
    def live(self) -> tuple[tuple[int, ...], ...]:
        """For each cut, the positions before it that something behind it still consumes from."""
        return tuple(
            tuple(sorted({strand.source for strand in self.strands if strand.source < cut <= strand.targets[-1]}))
            for cut in range(len(self.layers) + 1)
        )


def spine_of(workload: Workload) -> Spine:
    """The spine of a workload."""
    layers = tuple(layer for layer in workload.layers if not is_terminal(layer))
    anchors = _anchors(workload, {layer.name: index for index, layer in enumerate(layers)})
    return Spine(layers=layers, anchors=anchors, strands=_strands(workload, anchors))


def _anchors(workload: Workload, positions: Mapping[str, int]) -> dict[str, int]:
    """Positions with terminals added: an output joins its last producer, then an input its first consumer.

    In this order nothing ever moves backwards along the spine.
    """
    anchors = dict(positions)
    ends = [layer for layer in workload.layers if is_terminal(layer)]
    for layer in ends:
        if layer.kind == "output":
            producers = (positions[edge.source] for edge in workload.into(layer.name) if edge.source in positions)
            anchors[layer.name] = max(producers, default=0)
    for layer in ends:
        if layer.kind == "input":
            consumers = (anchors[edge.target] for edge in workload.out_of(layer.name) if edge.target in anchors)
            anchors[layer.name] = min(consumers, default=0)
    return anchors


def _strands(workload: Workload, anchors: Mapping[str, int]) -> tuple[Strand, ...]:
    targets: dict[tuple[str, tuple[str, ...]], set[int]] = {}
    bits: dict[tuple[str, tuple[str, ...]], int] = {}
    for edge in workload.traffic:
        key = edge.source, edge.tensors
        bits.setdefault(key, math.ceil(link_bits(edge)))
        targets.setdefault(key, set()).add(anchors[edge.target])
    strands = []
    for (source, tensors), positions in targets.items():
        start = anchors[source]
        if behind := tuple(sorted(position for position in positions if position > start)):
            strands.append(Strand(source=start, targets=behind, bits=bits[source, tensors]))
    return tuple(strands)


def compute_layers(spine: Spine) -> int:
    """Number of layers that compute."""
    return sum(load(layer) > 0 for layer in spine.layers)
