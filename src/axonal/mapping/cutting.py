"""Exact dynamic programming over the positions at which a spine is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count

from axonal.hardware import Chip
from axonal.mapping.demand import holds, load, room_for, stored_bits
from axonal.mapping.spine import Spine, compute_layers

__all__ = ["Cuts", "Stages", "Tightest", "best_cuts", "tightest_fit"]

_SLACK = 1 + 1e-9
"""Loads are sums of floats: a load that equals the limit but for rounding is within it."""

Cuts = tuple[int, ...]
"""End of each stage's range of positions; the last one is the length of the spine."""

_Frontier = dict[tuple[int, tuple[int, ...]], tuple[int, float, Cuts]]
"""(next position, stage of each live source) -> (bits so far, heaviest load so far, cuts so far)."""


@dataclass(frozen=True, kw_only=True)
class Stages:
    """The dies that take consecutive ranges of the spine.

    Args:
        chips: One die for each stage.
        hops: Links between the dies of each two stages.
        load_limit: Operations that no stage may exceed.
    """

    chips: tuple[Chip, ...]
    hops: Sequence[Sequence[int]]
    load_limit: float


@dataclass(frozen=True, kw_only=True)
class Tightest:
    """The stage that decides whether a network fits: what it needs and what its die has."""

    layers: tuple[str, ...]
    chip: str
    demand_bits: int
    bound_bits: int


def best_cuts(spine: Spine, stages: Stages) -> Cuts | None:
    """The cuts that move the fewest bits over links; among those the lightest heaviest stage, then the earliest cuts.

    The bits of a range depend on earlier cuts only through the stages of the sources that
    are still live, so partial answers that agree in these (and in their position) compete
    and only the best survives. Sequential networks have one or two live sources, so that
    the work grows as stages * layers^2; it never exceeds that of trying all cuts.

    Returns:
        `None` when no cut keeps every stage within memory and load with something to compute on each.
    """
    length, last = len(spine.layers), len(stages.chips) - 1
    frontier: _Frontier = {(0, ()): (0, 0.0, ())}
    for stage in range(last + 1):
        following: _Frontier = {}
        for (start, homes), (bits, heaviest, cuts) in frontier.items():
            home = dict(zip(spine.live[start], homes, strict=True))
            for end, crossing, weight in _ranges(spine, stages, stage, start, home):
                if stage == last and end != length:
                    continue
                key = end, tuple(home.get(source, stage) for source in spine.live[end])
                offer = bits + crossing, max(heaviest, weight), (*cuts, end)
                following[key] = min(offer, following.get(key, offer))
        frontier = following
    found = frontier.get((length, ()))
    return found[2] if found else None


def _ranges(
    spine: Spine, stages: Stages, stage: int, start: int, home: dict[int, int]
) -> Iterator[tuple[int, int, float]]:
    """Each allowed end of the range that starts at `start`, the bits that move into it, and its load."""
    chip, hops = stages.chips[stage], stages.hops[stage]
    idle_allowed = compute_layers(spine) == 0
    stored = crossing = 0
    weight = 0.0
    arrived: set[int] = set()
    for position in range(start, len(spine.layers)):
        layer = spine.layers[position]
        stored += stored_bits(layer)
        weight += load(layer)
        if stored > chip.sram_bits or weight > stages.load_limit * _SLACK or not holds(layer, chip):
            return
        for index in spine.arriving[position]:
            strand = spine.strands[index]
            if strand.source < start and index not in arrived:
                arrived.add(index)
                crossing += strand.bits * hops[home[strand.source]]
        if weight > 0 or idle_allowed:
            yield position + 1, crossing, weight


def tightest_fit(spine: Spine, chips: Sequence[Chip]) -> Tightest:
    """The stage that lacks most memory (or has least to spare) under the cuts that make this lack smallest."""
    length = len(spine.layers)
    computing = list(accumulate((load(layer) > 0 for layer in spine.layers), initial=0))
    idle_allowed = computing[-1] == 0
    worst: dict[int, tuple[int, int, int, int]] = {0: (-(1 << 62), 0, 0, 0)}
    for stage, chip in enumerate(chips):
        following: dict[int, tuple[int, int, int, int]] = {}
        for start, so_far in worst.items():
            for end, lack in zip(count(start + 1), _lacks(spine, chip, start), strict=False):
                if idle_allowed or computing[end] > computing[start]:
                    offer = max(so_far, (lack, stage, start, end))
                    following[end] = min(offer, following.get(end, offer))
        worst = following
    lack, stage, start, end = worst[length]
    return _tightest(spine, chips[stage], start, end, lack)


def _lacks(spine: Spine, chip: Chip, start: int) -> Iterator[int]:
    """Bits that the die lacks for the layers from `start` to each possible end; negative where some are left."""
    stored, alone = 0, -(1 << 62)
    for layer in spine.layers[start:]:
        stored += stored_bits(layer)
        alone = max(alone, stored_bits(layer) - room_for(layer, chip))
        yield max(stored - chip.sram_bits, alone)


def _tightest(spine: Spine, chip: Chip, start: int, end: int, lack: int) -> Tightest:
    layers = spine.layers[start:end]
    together = sum(stored_bits(layer) for layer in layers)
    culprit = max(layers, key=lambda layer: stored_bits(layer) - room_for(layer, chip))
    if together - chip.sram_bits < lack:
        layers, together = (culprit,), stored_bits(culprit)
    return Tightest(
        layers=tuple(layer.name for layer in layers), chip=chip.name, demand_bits=together, bound_bits=together - lack
    )
