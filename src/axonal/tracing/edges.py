"""From reads across layers to the traffic between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from torch import fx

from axonal.tracing.graph import operator_name
from axonal.tracing.layering import Grouping, SymbolKind
from axonal.tracing.observing import Observed
from axonal.tracing.operators import renames
from axonal.workload import Layer, Traffic

__all__ = ["traffic"]


@dataclass(frozen=True, kw_only=True)
class _EdgeKey:
    source: int
    target: int
    tensor: str
    symbols: SymbolKind | None


_Reads = list[tuple[fx.Node, fx.Node]]
"""Tensors, each with the operator that reads it."""


def traffic(
    layers: Sequence[Layer], grouping: Grouping, observed: Observed, component: Sequence[int], activation_bits: int
) -> tuple[Traffic, ...]:
    """The traffic between finished layers.

    Args:
        layers: One for each component.
        grouping: Which values belong together.
        observed: What running the graph showed.
        component: Number of the component of each draft.
        activation_bits: Bits of a dense element.
    """
    repeating = {
        number
        for number, draft in zip(component, grouping.drafts, strict=True)
        if draft.calls > 1 or component.count(number) > 1
    }
    edges: dict[_EdgeKey, _Reads] = {}
    for source, node, target in _reads(grouping):
        layer = grouping.values[source].layer
        if component[layer] == component[target] or source not in observed.shapes:
            continue
        # The calls of a repeated layer share one edge.
        repeated = not repeating.isdisjoint((component[layer], component[target]))
        key = _EdgeKey(
            source=component[layer],
            target=component[target],
            tensor=f"calls of shape {observed.shapes[source]}" if repeated else source.name,
            symbols=grouping.values[source].symbols,
        )
        edges.setdefault(key, []).append((source, node))
    found = []
    for key, reads in edges.items():
        inside = {
            node for node, value in grouping.values.items() if value.layer >= 0 and component[value.layer] == key.target
        }
        scattered = not any(_feeds_products(reader, inside, observed) for _, reader in reads)
        found.append(replace(_traffic(layers, key, reads, observed, activation_bits), scattered=scattered))
    return tuple(found)


def _feeds_products(reader: fx.Node, inside: set[fx.Node], observed: Observed) -> bool:
    """Whether what an operator reads gets into a matrix product of its layer, each part of which needs all of it.

    Reshapes on the way count as part of the layer that reads.
    """
    seen, waiting = {reader}, [reader]
    while waiting:
        node = waiting.pop()
        count = observed.counts.get(node)
        if count is not None and count.macs and operator_name(node) != "fire":
            return True
        reached = {user for user in node.users if user in inside or renames(operator_name(user))}
        following = reached - seen
        seen.update(following)
        waiting += following
    return False


def _reads(grouping: Grouping) -> Iterable[tuple[fx.Node, fx.Node, int]]:
    """Each value that another layer reads, the operator through which it does, and that layer.

    A value that is only another shape of an earlier one counts as that one, and the
    operator that reshapes it as the reader.
    """
    for node, value in grouping.values.items():
        if value.layer < 0:
            continue
        for source in grouping.activations(node):
            if grouping.values[source].layer != value.layer:
                yield *_unwrapped(grouping, source, node), value.layer


def _unwrapped(grouping: Grouping, source: fx.Node, reader: fx.Node) -> tuple[fx.Node, fx.Node]:
    layer, target = grouping.values[source].layer, grouping.values[reader].layer
    while renames(operator_name(source)) and len(before := grouping.activations(source)) == 1:
        others = {
            grouping.values[user].layer for user in source.users if user in grouping.values and user is not reader
        }
        # Whoever puts a boundary before the reshape puts it before all that read the result.
        if others - {target} or grouping.values[before[0]].layer != layer:
            break
        source, reader = before[0], source
    return source, reader


def _traffic(
    layers: Sequence[Layer], key: _EdgeKey, reads: _Reads, observed: Observed, activation_bits: int
) -> Traffic:
    sources = list(dict.fromkeys(source for source, _ in reads))
    shape = observed.shapes[sources[0]]
    kind = key.symbols or SymbolKind(levels=1, signed=True, dense_bits=activation_bits)
    dense = kind.dense_bits > 0
    steps = kind.steps if len(sources) == 1 else len(sources)
    full = shape if len(sources) == 1 else (len(sources), *shape)
    elements = math.prod(full)
    return Traffic(
        source=layers[key.source].name,
        target=layers[key.target].name,
        tensors=tuple(source.name for source in sources),
        readers=tuple(dict.fromkeys(node.name for _, node in reads)),
        shape=full,
        group=elements // steps if steps > 1 and elements % steps == 0 else full[-1],
        element_bits=kind.dense_bits if dense else kind.value_bits + 1,
        symbols="dense" if dense else "event",
        value_bits=0 if dense else kind.value_bits,
        signed=kind.signed,
        events=min(float(elements), sum(observed.nonzero[source] for source in sources)),
        time_steps=steps,
    )
