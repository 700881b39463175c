"""Trace a model: count what it computes, measure what it sends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor, fx, nn

from axonal.tracing.edges import traffic
from axonal.tracing.graph import flat_graph, operator_name, run
from axonal.tracing.layering import Draft, Grouping, SymbolKind, group
from axonal.tracing.observing import Observed, observe
from axonal.tracing.operators import Counter, factors
from axonal.workload import Layer, Workload

__all__ = ["record", "trace"]

STATE_BITS = 16
"""Width of a membrane or recurrent state: assumed, as 8-bit inputs are accumulated."""


def trace(
    model: nn.Module,
    example: Tensor,
    *,
    activation_bits: int = 8,
    weight_bits: int = 8,
    counters: Mapping[str, Counter] | None = None,
) -> Workload:
    """Trace a model to a workload; the model is left as it was found.

    Args:
        model: Any module of one tensor that `torch.export` can trace, or what `insert_boundaries` returned.
        example: Real inputs with a leading batch axis; activity is the mean over them, counts are for one.
        activation_bits: Bits of a dense element inside a chip.
        weight_bits: Bits of a stored weight.
        counters: Operations of operators that Axonal does not know, by name.

    Raises:
        ValueError: When the model cannot be exported, holds values that are not finite, or uses an
            operator that cannot be counted (the message names it).
    """
    _refuse_not_finite(model, example)
    graph_module = flat_graph(model, example)
    observed = observe(graph_module, example, counters or {})
    grouping = group(graph_module.graph, observed.shapes)
    component = _components(grouping)
    members: list[list[Draft]] = [[] for _ in range(max(component) + 1)]
    for draft, number in zip(grouping.drafts, component, strict=True):
        members[number].append(draft)
    sizes = {name: parameter.numel() for name, parameter in graph_module.named_parameters(remove_duplicate=False)}
    layers = tuple(_layer(drafts, grouping, observed, sizes, weight_bits) for drafts in members)
    edges = traffic(layers, grouping, observed, component, activation_bits)
    return Workload(name=type(model).__name__, layers=layers, traffic=edges)


def record(model: nn.Module, example: Tensor, tensors: Iterable[str]) -> dict[str, np.ndarray]:
    """The values of named tensors (`Traffic.tensors`), one row for each example, flattened as they are sent.

    Raises:
        ValueError: When the model has no such tensor.
    """
    found: dict[str, list[np.ndarray]] = {name: [] for name in tensors}

    def see(node: fx.Node, args: Any, result: Any) -> None:
        del args
        if node.name in found:
            # A copy, because an operator in place may write over the tensor afterwards.
            found[node.name].append(result.detach().cpu().numpy().flatten())

    graph_module = flat_graph(model, example)
    for index in range(len(example)):
        run(graph_module, example[index : index + 1], see)
    if missing := [name for name, rows in found.items() if not rows]:
        raise ValueError(f"{type(model).__name__} has no tensor {missing[0]!r}: was it traced from this model?")
    return {name: np.stack(rows) for name, rows in found.items()}


def _refuse_not_finite(model: nn.Module, example: Tensor) -> None:
    if example.dim() == 0 or len(example) == 0:
        raise ValueError(f"example has shape {tuple(example.shape)}: it needs a leading batch axis of at least 1")
    if not torch.isfinite(example).all():
        raise ValueError("example holds NaN or infinity: give real inputs")
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise ValueError(f"parameter {name} holds NaN or infinity: train again, or load sound weights")


def _components(grouping: Grouping) -> list[int]:
    """Number of each layer's strongly connected component, numbered in topological order."""
    pairs = {
        (grouping.values[source].layer, value.layer)
        for node, value in grouping.values.items()
        for source in grouping.activations(node)
        if 0 <= value.layer != grouping.values[source].layer
    }
    ends = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    size = (len(grouping.drafts),) * 2
    count, labels = connected_components(
        coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), size), connection="strong"
    )
    return _in_order([int(label) for label in labels], int(count), pairs)


def _in_order(labels: list[int], count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """The labels renumbered so that each component comes after what it reads, and else as it first occurs."""
    after: list[set[int]] = [set() for _ in range(count)]
    for source, target in pairs:
        after[labels[target]] |= {labels[source]} - {labels[target]}
    waiting = list(dict.fromkeys(labels))
    order: dict[int, int] = {}
    while waiting:
        ready = next(label for label in waiting if after[label] <= order.keys())
        waiting.remove(ready)
        order[ready] = len(order)
    return [order[label] for label in labels]


@dataclass(kw_only=True)
class _Totals:
    """Operations of a layer so far."""

    macs: float = 0.0
    accumulates: float = 0.0
    elementwise_ops: float = 0.0
    dense_macs: float = 0.0
    event_driven: bool = False

    def add(self, node: fx.Node, grouping: Grouping, observed: Observed) -> None:
        """Add the operations of one operator, those that silent inputs leave out excepted."""
        counted = observed.counts[node]
        kinds, density = _event_inputs(node, grouping, observed)
        performed = counted.macs * density
        as_additions = bool(kinds) and all(kind.binary for kind in kinds)
        self.event_driven |= bool(kinds) or operator_name(node) == "embedding"
        self.dense_macs += counted.macs
        self.macs += 0.0 if as_additions else performed
        self.accumulates += counted.accumulates + (performed if as_additions else 0.0)
        self.elementwise_ops += counted.elementwise_ops


def _layer(
    drafts: list[Draft], grouping: Grouping, observed: Observed, sizes: Mapping[str, int], weight_bits: int
) -> Layer:
    totals = _Totals()
    for node in (node for draft in drafts for node in draft.nodes if node in observed.counts):
        totals.add(node, grouping, observed)
    steps = max([draft.calls for draft in drafts] + [observed.steps.get(n, 1) for d in drafts for n in d.anchors])
    neurons = max(1, sum(_neurons(draft, observed) for draft in drafts))
    main = max(drafts, key=lambda draft: sum(observed.counts[n].macs for n in draft.nodes if n in observed.counts))
    return Layer(
        name=drafts[0].name,
        kind=main.kind,
        weights=sum(_stored(draft, observed, sizes) for draft in drafts),
        weight_element_bits=weight_bits,
        neurons=neurons,
        time_steps=steps,
        state_bits=neurons * STATE_BITS if steps > 1 else 0,
        **vars(totals),
    )


def _stored(draft: Draft, observed: Observed, sizes: Mapping[str, int]) -> int:
    """Parameters that a layer stores; of a parameter that it reads in slices, only those slices.

    Buffers are no weights: statistics of a BatchNorm fold into its scale and shift, and
    masks and tables are made, not learned.
    """
    return sum(
        min(sum(observed.elements[node] for node in nodes), sum(sizes.get(name, 0) for name in names))
        for names, nodes in draft.constants.items()
    )


def _neurons(draft: Draft, observed: Observed) -> int:
    """Output elements of one time step."""
    nodes = draft.anchors or draft.nodes
    return math.prod(observed.shapes.get(nodes[0], ())) // observed.steps.get(nodes[0], 1) if nodes else 1


def _event_inputs(node: fx.Node, grouping: Grouping, observed: Observed) -> tuple[list[SymbolKind], float]:
    """The event operands of a multiplying operator, and the share of products that they leave."""
    kinds, density = [], 1.0
    for source in factors(operator_name(node), node.all_input_nodes):
        kind = grouping.values[source].symbols
        if kind is not None and not kind.dense_bits:
            kinds.append(kind)
            density *= observed.density[source]
    return kinds, density
