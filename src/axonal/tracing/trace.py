"""Trace a model: count what it computes, measure what it sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor, fx, nn

from axonal.tracing.graph import flat_graph, module_path, operator_name, run
from axonal.tracing.layering import Draft, Grouping, SymbolKind, group
from axonal.tracing.operators import ANCHORS, Count, Counter, counter, is_free, renames
from axonal.workload import Layer, LayerKind, Traffic, Workload

__all__ = ["record", "trace"]

STATE_BITS = 16
"""Width of a membrane or recurrent state: assumed, as 8-bit inputs are accumulated."""


@dataclass(frozen=True, kw_only=True)
class _Widths:
    activation_bits: int
    weight_bits: int


@dataclass(kw_only=True)
class _Observed:
    """What running the graph showed of each node: `shapes` for one inference, without the batch axis."""

    full: dict[fx.Node, tuple[int, ...]] = field(default_factory=dict)
    shapes: dict[fx.Node, tuple[int, ...]] = field(default_factory=dict)
    counts: dict[fx.Node, Count] = field(default_factory=dict)
    nonzero: dict[fx.Node, float] = field(default_factory=dict)
    density: dict[fx.Node, float] = field(default_factory=dict)
    steps: dict[fx.Node, int] = field(default_factory=dict)
    elements: dict[fx.Node, int] = field(default_factory=dict)


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
    observed = _observe(graph_module, example, counters or {})
    grouping = group(graph_module.graph, observed.shapes)
    widths = _Widths(activation_bits=activation_bits, weight_bits=weight_bits)
    component = _components(graph_module.graph, grouping)
    sizes = {name: tensor.numel() for name, tensor in [*graph_module.named_parameters(), *graph_module.named_buffers()]}
    members: list[list[Draft]] = [[] for _ in range(max(component) + 1)]
    for draft, number in zip(grouping.drafts, component, strict=True):
        members[number].append(draft)
    layers = [_layer(drafts, grouping, observed, sizes, widths) for drafts in members]
    edges = _edges(graph_module.graph, grouping, observed, component)
    traffic = [_traffic(layers, key, group_, observed, widths) for key, group_ in edges.items()]
    return Workload(name=type(model).__name__, layers=tuple(layers), traffic=tuple(traffic))


def record(model: nn.Module, example: Tensor, tensors: Iterable[str]) -> dict[str, np.ndarray]:
    """The values of named tensors (`Traffic.tensors`), one row for each example, flattened as they are sent."""
    wanted = set(tensors)
    found: dict[str, list[np.ndarray]] = {name: [] for name in wanted}

    def see(node: fx.Node, args: Any, result: Any) -> None:
        del args
        if node.name in wanted:
            found[node.name].append(result.detach().cpu().numpy().ravel())

    graph_module = flat_graph(model, example)
    for one in example.split(1):
        run(graph_module, one, see)
    if missing := [name for name in wanted if not found[name]]:
        raise ValueError(f"{type(model).__name__} has no tensor {missing[0]!r}")
    return {name: np.stack(rows) for name, rows in found.items()}


def _refuse_not_finite(model: nn.Module, example: Tensor) -> None:
    if example.dim() == 0 or len(example) == 0:
        raise ValueError(f"example has shape {tuple(example.shape)}: it needs a leading batch axis of at least 1")
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise ValueError(f"parameter {name} holds NaN or infinity: train again, or load sound weights")


def _observe(graph_module: fx.GraphModule, example: Tensor, counters: Mapping[str, Counter]) -> _Observed:
    observed, batch = _Observed(), len(example)

    def measure(node: fx.Node, args: Any, result: Any) -> None:
        tensor = _first(result)
        if isinstance(tensor, Tensor) and node.op != "get_attr" and tensor.numel():
            nonzero = int(torch.count_nonzero(tensor))
            observed.full[node] = tuple(tensor.shape)
            observed.nonzero[node], observed.density[node] = nonzero / batch, nonzero / tensor.numel()
            if tensor.is_floating_point() and not torch.isfinite(tensor).all() and not is_free(operator_name(node)):
                raise ValueError(f"{module_path(node) or 'the model'} produced NaN or infinity in {operator_name(node)}")

    def count(node: fx.Node, args: Any, result: Any) -> None:
        tensor = _first(result)
        if not isinstance(tensor, Tensor):
            return
        observed.elements[node] = tensor.numel()
        if node.op == "get_attr":
            return
        observed.shapes[node] = _without_batch(tuple(tensor.shape), observed.full.get(node, ()), batch)
        name = operator_name(node)
        if name == "fire":
            observed.steps[node] = int(args[0].shape[0])
        if node.op == "call_function" and not is_free(name) and name != "getitem":
            observed.counts[node] = _counted(node, name, args, result, counters)

    run(graph_module, example, measure)
    run(graph_module, example[:1], count)
    return observed


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple | list) and result else result


def _without_batch(single: tuple[int, ...], full: tuple[int, ...], batch: int) -> tuple[int, ...]:
    """The shape of one inference: the axis that counts the examples is dropped where there is one."""
    for axis, (one, many) in enumerate(zip(single, full, strict=False)):
        if one == 1 and many == batch:
            return (single[:axis] + single[axis + 1 :]) or (1,)
    return single or (1,)


def _counted(node: fx.Node, name: str, args: Any, result: Any, counters: Mapping[str, Counter]) -> Count:
    try:
        return counters[name](args, result) if name in counters else counter(name)(args, result)
    except KeyError:
        raise ValueError(
            f"operator {node.target} in {module_path(node) or 'the model'} cannot be counted: "
            f"give trace(..., counters={{{name!r}: function}}) its operations"
        ) from None


def _components(graph: fx.Graph, grouping: Grouping) -> list[int]:
    """Number of each layer's strongly connected component, numbered in topological order."""
    pairs = {
        (grouping.values[source].layer, grouping.values[node].layer)
        for node in grouping.values
        for source in grouping.activations(node)
        if 0 <= grouping.values[node].layer != grouping.values[source].layer
    }
    n = len(grouping.drafts)
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    count, labels = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), (n, n)), connection="strong")
    after: list[set[int]] = [set() for _ in range(count)]
    for a, b in pairs:
        if labels[a] != labels[b]:
            after[labels[b]].add(int(labels[a]))
    first = {int(label): index for index, label in reversed(list(enumerate(labels)))}
    order: dict[int, int] = {}
    while len(order) < count:
        ready = [c for c in range(count) if c not in order and after[c] <= set(order)]
        order[min(ready, key=first.__getitem__)] = len(order)
    return [order[int(label)] for label in labels]


def _reads(graph: fx.Graph, grouping: Grouping) -> Iterable[tuple[fx.Node, fx.Node, int]]:
    """Each value that another layer reads, the operator through which it does, and that layer.

    A value that is only another shape of an earlier one counts as that one, and the
    operator that reshapes it as the reader.
    """
    for node in graph.nodes:
        if node not in grouping.values or grouping.values[node].layer < 0:
            continue
        for source in grouping.activations(node):
            if grouping.values[source].layer != grouping.values[node].layer:
                yield *_unwrapped(grouping, source, node), grouping.values[node].layer


def _unwrapped(grouping: Grouping, source: fx.Node, reader: fx.Node) -> tuple[fx.Node, fx.Node]:
    layer = grouping.values[source].layer
    while renames(operator_name(source)) and len(before := grouping.activations(source)) == 1:
        read_inside = any(grouping.values[user].layer == layer for user in source.users if user in grouping.values)
        if read_inside or grouping.values[before[0]].layer != layer:
            break
        source, reader = before[0], source
    return source, reader


def _layer(
    drafts: list[Draft], grouping: Grouping, observed: _Observed, sizes: Mapping[str, int], widths: _Widths
) -> Layer:
    total = {"macs": 0.0, "accumulates": 0.0, "elementwise_ops": 0.0, "dense_macs": 0.0}
    event_driven = False
    for node in (node for draft in drafts for node in draft.nodes if node in observed.counts):
        counted = observed.counts[node]
        kinds, density = _event_inputs(node, grouping, observed)
        performed = counted.macs * density
        event_driven |= bool(kinds) or operator_name(node) == "embedding"
        as_additions = bool(kinds) and all(kind.binary for kind in kinds)
        total["dense_macs"] += counted.macs
        total["macs"] += 0.0 if as_additions else performed
        total["accumulates"] += counted.accumulates + (performed if as_additions else 0.0)
        total["elementwise_ops"] += counted.elementwise_ops
    steps = max([draft.calls for draft in drafts] + [observed.steps.get(n, 1) for d in drafts for n in d.anchors])
    neurons = sum(_neurons(draft, observed) for draft in drafts)
    main = max(drafts, key=lambda draft: sum(observed.counts[n].macs for n in draft.nodes if n in observed.counts))
    return Layer(
        name=drafts[0].name,
        kind=main.kind,
        weights=sum(_stored(draft, observed, sizes) for draft in drafts),
        weight_element_bits=widths.weight_bits,
        neurons=max(1, neurons),
        time_steps=steps,
        state_bits=max(1, neurons) * STATE_BITS if steps > 1 else 0,
        event_driven=event_driven,
        **total,
    )


def _stored(draft: Draft, observed: _Observed, sizes: Mapping[str, int]) -> int:
    """Parameters that a layer stores; of a parameter that it reads in slices, only those slices."""
    return sum(
        min(sum(observed.elements[node] for node in nodes), sum(sizes[name] for name in names))
        for names, nodes in draft.constants.items()
    )


def _neurons(draft: Draft, observed: _Observed) -> int:
    """Output elements of one time step."""
    node = (draft.anchors or draft.nodes or [None])[0]
    shape = observed.shapes.get(node, ()) if node is not None else ()
    return int(np.prod(shape, dtype=np.int64)) // observed.steps.get(node, 1) if node is not None else 1


def _event_inputs(node: fx.Node, grouping: Grouping, observed: _Observed) -> tuple[list[SymbolKind], float]:
    """The event operands of a multiplying operator, and the share of products that they leave."""
    if operator_name(node) not in ANCHORS or operator_name(node) in ("fire", "quantize"):
        return [], 1.0
    kinds, density = [], 1.0
    for source in grouping.activations(node):
        kind = grouping.values[source].symbols
        if kind is not None and not kind.dense_bits:
            kinds.append(kind)
            density *= observed.density[source]
    return kinds, density


@dataclass(frozen=True, kw_only=True)
class _EdgeKey:
    source: int
    target: int
    tensor: str
    symbols: SymbolKind | None


def _edges(
    graph: fx.Graph, grouping: Grouping, observed: _Observed, component: list[int]
) -> dict[_EdgeKey, list[tuple[fx.Node, fx.Node]]]:
    """Reads across layers; the calls of a repeated layer share one edge."""
    edges: dict[_EdgeKey, list[tuple[fx.Node, fx.Node]]] = {}
    for source, node, target in _reads(graph, grouping):
        layer = grouping.values[source].layer
        a, b = component[layer], component[target]
        if a == b or source not in observed.shapes:
            continue
        repeated = component.count(a) > 1 or grouping.drafts[layer].calls > 1
        tensor = f"calls of shape {observed.shapes[source]}" if repeated else source.name
        key = _EdgeKey(source=a, target=b, tensor=tensor, symbols=grouping.values[source].symbols)
        edges.setdefault(key, []).append((source, node))
    return edges


def _traffic(
    layers: list[Layer], key: _EdgeKey, reads: list[tuple[fx.Node, fx.Node]], observed: _Observed, widths: _Widths
) -> Traffic:
    sources = list(dict.fromkeys(source for source, _ in reads))
    shape = observed.shapes[sources[0]]
    kind = key.symbols or SymbolKind(levels=1, signed=True, dense_bits=widths.activation_bits)
    dense = kind.dense_bits > 0
    steps = kind.steps if len(sources) == 1 else len(sources)
    full = shape if len(sources) == 1 else (len(sources), *shape)
    elements = int(np.prod(full, dtype=np.int64))
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
