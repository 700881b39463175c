"""The door `partition`: layers to dies."""

from __future__ import annotations

import math

from axonal.hardware import Chip, System
from axonal.mapping.cutting import Cuts, Stages, Tightest, best_cuts, tightest_fit
from axonal.mapping.demand import load, stored_bits
from axonal.mapping.dies import chain, die_paths
from axonal.mapping.infeasible import CORE_LEVERS, Infeasible, too_few_neurons
from axonal.mapping.parts import Partition, boundaries_of
from axonal.mapping.spine import Spine, compute_layers, spine_of
from axonal.workload import Workload

__all__ = ["partition"]

_FIRST_RELAXATION = 0.125
"""Where doubling starts when perfect balance was asked for."""


def partition(workload: Workload, system: System, *, balance: float = 0.25) -> Partition:
    """Assign consecutive layers to the dies along a path through the package so that the fewest bits cross dies.

    Minimises the sum over unique tensors and target dies of bits * links on the way, where bits are
    those of the cheapest packet format. Each die's memory must hold its weights and neuron state, and

        load <= (1 + balance) * ideal,   ideal = max(total load / dies used, heaviest layer)

    where load counts operations. All dies are used if that many layers compute. `input` and `output`
    layers cost nothing and stay with their neighbour.

    Args:
        workload: What is computed.
        system: The machine.
        balance: Allowed excess over the ideal load; doubled until something fits, and recorded. Where the
            default suffices and no layer exceeds total / dies, each of up to four dies gets at least 1/16 of the load,
            so that a small read-out has none to itself, however few bits lead to it.

    Raises:
        Infeasible: The memory does not suffice, however the layers are cut.
        ValueError: `balance` is negative or not finite.
    """
    if not (math.isfinite(balance) and balance >= 0):
        raise ValueError(f"balance is {balance}, must be finite and >= 0")
    spine = spine_of(workload)
    names = chain(system)
    used = names[: max(1, min(len(names), compute_layers(spine)))]
    chips = tuple(system.by_name[name] for name in used)
    paths = die_paths(system)
    hops = tuple(tuple(len(paths[a, b]) - 1 for a in used) for b in used)
    cuts, balance_used = _balanced_cuts(spine, chips, hops, balance) if spine.layers else ((0,), balance)
    homes = {layer.name: used[_stage(spine.anchors[layer.name], cuts)] for layer in workload.layers}
    return Partition(
        chips=used,
        assignment=tuple(homes.items()),
        boundaries=boundaries_of(workload, homes),
        balance_used=balance_used,
    )


def _balanced_cuts(
    spine: Spine, chips: tuple[Chip, ...], hops: tuple[tuple[int, ...], ...], balance: float
) -> tuple[Cuts, float]:
    """The best cuts and the balance that they needed."""
    loads = [load(layer) for layer in spine.layers]
    total = sum(loads)
    ideal = max(total / len(chips), *loads)
    while True:
        limit = (1 + balance) * ideal
        cuts = best_cuts(spine, Stages(chips=chips, hops=hops, load_limit=limit))
        if cuts is not None:
            return cuts, balance
        if limit >= total:
            raise _diagnosis(spine, chips)
        balance = max(2 * balance, _FIRST_RELAXATION)


def _stage(position: int, cuts: Cuts) -> int:
    return next((stage for stage, end in enumerate(cuts) if position < end), len(cuts) - 1)


def _diagnosis(spine: Spine, chips: tuple[Chip, ...]) -> Infeasible:
    """Why no cut fits."""
    demand = sum(stored_bits(layer) for layer in spine.layers)
    bound = sum(chip.sram_bits for chip in chips)
    tightest = tightest_fit(spine, chips)
    if len(tightest.layers) == 1:
        return _too_large(spine, chips, tightest)
    more = "add a chip" if compute_layers(spine) > len(chips) else "split a layer over two chips"
    levers = (more, *CORE_LEVERS)
    if demand > bound:
        where = "1 chip" if len(chips) == 1 else f"{len(chips)} chips"
        return Infeasible(f"weights and state of the network on {where}", demand, bound, levers)
    first, last = tightest.layers[0], tightest.layers[-1]
    subject = f"layers {first} to {last} on chip {tightest.chip} under the best cut"
    return Infeasible(subject, tightest.demand_bits, tightest.bound_bits, levers)


def _too_large(spine: Spine, chips: tuple[Chip, ...], tightest: Tightest) -> Infeasible:
    """Why one layer does not fit even a die of its own."""
    layer = next(layer for layer in spine.layers if layer.name == tightest.layers[0])
    chip = next(chip for chip in chips if chip.name == tightest.chip)
    if layer.neurons < chip.cores:
        return too_few_neurons(layer, chip, tightest.bound_bits)
    subject = f"layer {layer.name} on chip {chip.name}"
    levers = ("split the layer over two chips", *CORE_LEVERS)
    return Infeasible(subject, tightest.demand_bits, tightest.bound_bits, levers)
