"""What running a graph on real inputs shows: shapes, operations, how many values are not zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx

from axonal.tracing.graph import module_path, operator_name, run
from axonal.tracing.operators import Count, Counter, counter, is_free

__all__ = ["Observed", "observe"]


@dataclass(kw_only=True)
class Observed:
    """What is known of each node.

    Args:
        computed: Nodes that depend on the input; the others are constants, known before any inference.
        full: Shape for the whole batch.
        shapes: Shape for one inference, without the batch axis.
        counts: Operations of one inference.
        nonzero: Mean non-zero elements of one inference.
        density: Share of non-zero elements.
        steps: Time steps of a spiking operator.
        elements: Elements for one inference, of parameters too.
    """

    computed: frozenset[fx.Node]
    full: dict[fx.Node, tuple[int, ...]] = field(default_factory=dict)
    shapes: dict[fx.Node, tuple[int, ...]] = field(default_factory=dict)
    counts: dict[fx.Node, Count] = field(default_factory=dict)
    nonzero: dict[fx.Node, float] = field(default_factory=dict)
    density: dict[fx.Node, float] = field(default_factory=dict)
    steps: dict[fx.Node, int] = field(default_factory=dict)
    elements: dict[fx.Node, int] = field(default_factory=dict)


def observe(graph_module: fx.GraphModule, example: Tensor, counters: Mapping[str, Counter]) -> Observed:
    """Run a flat graph on all examples to measure, and on the first one to count.

    Raises:
        ValueError: When a value is not finite or an operator cannot be counted.
    """
    observed = Observed(computed=_computed(graph_module.graph))
    run(graph_module, example, partial(_measure, observed, len(example)))
    run(graph_module, example[:1], partial(_count, observed, len(example), counters))
    return observed


def _computed(graph: fx.Graph) -> frozenset[fx.Node]:
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op == "placeholder" or not found.isdisjoint(node.all_input_nodes):
            found.add(node)
    return frozenset(found)


def _measure(observed: Observed, batch: int, node: fx.Node, args: Any, result: Any) -> None:
    del args
    tensor = _first(result)
    if not isinstance(tensor, Tensor) or node.op == "get_attr" or not tensor.numel():
        return
    _refuse_not_finite(node, tensor)
    nonzero = int(torch.count_nonzero(tensor))
    observed.full[node] = tuple(tensor.shape)
    observed.nonzero[node], observed.density[node] = nonzero / batch, nonzero / tensor.numel()


def _refuse_not_finite(node: fx.Node, tensor: Tensor) -> None:
    """Minus infinity is how attention masks; it may not come out of the model."""
    if not tensor.is_floating_point() or torch.isfinite(tensor).all():
        return
    if node.op == "output" or torch.isnan(tensor).any() or torch.isposinf(tensor).any():
        raise ValueError(f"{module_path(node) or 'the model'} produced NaN or infinity in {operator_name(node)}")


def _count(
    observed: Observed, batch: int, counters: Mapping[str, Counter], node: fx.Node, args: Any, result: Any
) -> None:
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
    if node.op == "call_function" and node in observed.computed and not is_free(name):
        observed.counts[node] = _counter(node, name, counters)(args, result)


def _counter(node: fx.Node, name: str, counters: Mapping[str, Counter]) -> Counter:
    try:
        return counters[name] if name in counters else counter(name)
    except KeyError:
        raise ValueError(
            f"operator {node.target} in {module_path(node) or 'the model'} cannot be counted: "
            f"give trace(..., counters={{{name!r}: function}}) its operations"
        ) from None


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple | list) and result else result


def _without_batch(single: tuple[int, ...], full: tuple[int, ...], batch: int) -> tuple[int, ...]:
    """The shape of one inference: the axis that counts the examples is dropped where there is one."""
    for axis, (one, many) in enumerate(zip(single, full, strict=False)):
        if one == 1 and many == batch:
            return (single[:axis] + single[axis + 1 :]) or (1,)
    return single or (1,)
