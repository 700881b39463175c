"""Group the operators of a graph into layers.

An operator with weights, a matrix product, a normalisation or a spike begins a
layer. Arithmetic joins the newest layer it reads from when nothing else reads that
value, or when both belong to the same module; otherwise it begins a layer, so that
a residual stream is one tensor for whoever cuts it. Joining only ever the newest
layer keeps the graph acyclic. Calls that share weights are one layer; what a
recurrent loop ties together is one layer too.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, fx

from axonal.spiking import Decoder, Encoder
from axonal.tracing.graph import module_path, operator_name
from axonal.tracing.operators import ANCHORS, is_free, is_shaped, keeps_symbols, selects
from axonal.workload import LayerKind

__all__ = ["Draft", "Grouping", "SymbolKind", "Value", "group"]


@dataclass(frozen=True, kw_only=True)
class SymbolKind:
    """What is known of a value that is made of symbols.

    Args:
        levels: Largest magnitude.
        signed: Whether values may be negative.
        dense_bits: Bits of each element of a quantised value; 0 for events.
        steps: Time steps that the value holds.
    """

    levels: int
    signed: bool
    dense_bits: int = 0
    steps: int = 1

    @property
    def value_bits(self) -> int:
        """Bits of an event's value."""
        return math.ceil(math.log2(self.levels)) + self.signed

    @property
    def binary(self) -> bool:
        """Whether a symbol is 0 or 1, so that a multiplication is an addition."""
        return self.levels == 1 and not self.signed and not self.dense_bits

    def plus(self, other: SymbolKind) -> SymbolKind | None:
        """The kind of a sum of events; nothing is known of sums of quantised values."""
        if self.dense_bits or other.dense_bits:
            return None
        return SymbolKind(
            levels=self.levels + other.levels, signed=self.signed or other.signed, steps=max(self.steps, other.steps)
        )


@dataclass(frozen=True, kw_only=True)
class Value:
    """Where a node's result comes from: a layer, or only parameters.

    Args:
        layer: Number of the layer; -1 for what is known before any inference.
        weights: Names of the parameters that a constant comes from.
        constant: What a constant is; equal texts, equal values.
        symbols: What is known of the symbols that a layer yields.
    """

    layer: int = -1
    weights: frozenset[str] = frozenset()
    constant: str = ""
    symbols: SymbolKind | None = None


@dataclass(kw_only=True)
class Draft:
    """A layer under construction."""

    name: str
    kind: LayerKind
    path: str
    calls: int = 1
    anchors: list[fx.Node] = field(default_factory=list)
    nodes: list[fx.Node] = field(default_factory=list)
    constants: dict[frozenset[str], set[fx.Node]] = field(default_factory=dict)

    def reads(self, node: fx.Node, grouping: Grouping) -> None:
        """Note the constants of a node, by the parameters they come from."""
        for source in node.all_input_nodes:
            if (value := grouping.values.get(source)) and value.layer < 0 and value.weights:
                self.constants.setdefault(value.weights, set()).add(source)


@dataclass(kw_only=True)
class Grouping:
    """The layers of a graph and where each value belongs."""

    drafts: list[Draft] = field(default_factory=list)
    values: dict[fx.Node, Value] = field(default_factory=dict)
    shared: dict[tuple[str, ...], int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def begin(self, name: str, kind: LayerKind, path: str) -> int:
        """A new layer; its name is made unique."""
        unique, copy = name, 2
        while unique in self.names:
            unique, copy = f"{name}#{copy}", copy + 1
        self.names.add(unique)
        self.drafts.append(Draft(name=unique, kind=kind, path=path))
        return len(self.drafts) - 1

    def activations(self, node: fx.Node) -> list[fx.Node]:
        """Inputs of a node that belong to layers."""
        return [source for source in node.all_input_nodes if self.values.get(source, Value()).layer >= 0]


def group(graph: fx.Graph, tensors: Iterable[fx.Node]) -> Grouping:
    """Group the nodes of a flat graph.

    Args:
        graph: Operators, parameters, one input.
        tensors: The nodes whose results are tensors (or tuples of them).
    """
    grouping, data = Grouping(), set(tensors)
    for node in graph.nodes:
        if node.op == "placeholder":
            grouping.values[node] = Value(layer=grouping.begin("input", "input", ""))
        elif node.op == "get_attr":
            grouping.values[node] = Value(weights=frozenset([str(node.target)]), constant=str(node.target))
        elif node.op == "call_function" and node in data:
            _assign(grouping, node)
        elif node.op == "output":
            grouping.values[node] = Value(layer=grouping.begin("output", "output", ""))
    _absorb(grouping)
    return grouping


def _absorb(grouping: Grouping) -> None:
    """Arithmetic that only one layer reads becomes the first thing that this layer does.

    A layer whose only successor takes it in cannot close a cycle.
    """
    for index in reversed(range(len(grouping.drafts))):
        draft = grouping.drafts[index]
        if draft.kind != "elementwise" and (draft.kind != "decode" or draft.anchors):
            continue
        readers = {
            grouping.values[user].layer
            for node in draft.nodes
            for user in node.users
            if user in grouping.values and grouping.values[user].layer != index
        }
        if len(readers) != 1 or grouping.drafts[(reader := readers.pop())].kind in ("output", "encode", "decode"):
            continue
        heir = grouping.drafts[reader]
        heir.nodes[:0] = draft.nodes
        for node in draft.nodes:
            heir.reads(node, grouping)
            grouping.values[node] = replace(grouping.values[node], layer=reader)
        draft.nodes = []
    kept = [index for index, draft in enumerate(grouping.drafts) if draft.nodes or draft.kind in ("input", "output")]
    number = {index: position for position, index in enumerate(kept)}
    grouping.drafts = [grouping.drafts[index] for index in kept]
    grouping.values = {
        node: replace(value, layer=number.get(value.layer, -1)) for node, value in grouping.values.items()
    }


def _assign(grouping: Grouping, node: fx.Node) -> None:
    weights = frozenset(
        name
        for source in node.all_input_nodes
        if (value := grouping.values.get(source)) and value.layer < 0
        for name in value.weights
    )
    sources = [] if is_shaped(operator_name(node)) else grouping.activations(node)
    if not sources:
        grouping.values[node] = Value(weights=weights, constant=_constant(grouping, node))
        return
    index = _layer_of(grouping, node, weights, sources)
    draft = grouping.drafts[index]
    draft.nodes.append(node)
    draft.reads(node, grouping)
    grouping.values[node] = Value(layer=index, symbols=_symbols(grouping, node, sources))


def _constant(grouping: Grouping, node: fx.Node) -> str:
    """The formula of a constant, shortened."""

    def name(source: fx.Node) -> str:
        value = grouping.values.get(source)
        return value.constant if value and value.constant else source.name

    formula = f"{node.target} {fx.map_arg((node.args, dict(node.kwargs)), name)}"
    return hashlib.sha256(formula.encode()).hexdigest()


def _layer_of(grouping: Grouping, node: fx.Node, weights: frozenset[str], sources: list[fx.Node]) -> int:
    name = operator_name(node)
    newest = max(grouping.values[source].layer for source in sources)
    if is_free(name):
        return newest
    if (name not in ANCHORS or _in_place(node)) and _joins(grouping, node, newest, sources):
        return newest
    if name in ANCHORS:
        return _anchor(grouping, node, name, weights)
    path = module_path(node)
    return grouping.begin(f"{path}:{name}" if path else name, _kind(node, "elementwise"), path)


def _in_place(node: fx.Node) -> bool:
    """Whether an operator turns each value into a symbol where it stands, without a state that time carries on.

    A neuron of the model may be stepped by hand: its state is then carried outside of the operator.
    """
    one_step = operator_name(node) == "fire" and _steps(node) == 1 and _kind(node, "spike") == "encode"
    return one_step or operator_name(node) == "quantize"


def _steps(fire: fx.Node) -> int:
    """Length of the time axis of a `fire` operator."""
    current = fire.all_input_nodes[0].meta.get("val")
    return current.shape[0] if isinstance(current, Tensor) and isinstance(current.shape[0], int) else 1


def _anchor(grouping: Grouping, node: fx.Node, name: str, weights: frozenset[str]) -> int:
    key = (name, *(grouping.values[n].constant for n in node.all_input_nodes if grouping.values[n].weights))
    if weights and key in grouping.shared:
        index = grouping.shared[key]
        grouping.drafts[index].calls += 1
    else:
        path = module_path(node)
        owned = bool(path) and bool(weights) and all(weight.startswith(f"{path}.") for weight in weights)
        label = path if owned else f"{path}:{name}" if path else name
        index = grouping.shared[key] = grouping.begin(label, _kind(node, ANCHORS[name]), path)
    grouping.drafts[index].anchors.append(node)
    return index


def _joins(grouping: Grouping, node: fx.Node, newest: int, sources: list[fx.Node]) -> bool:
    draft, kind = grouping.drafts[newest], _kind(node, "elementwise")
    if draft.kind == "input" or (draft.kind != kind and (kind == "decode" or draft.kind in ("encode", "decode"))):
        return False
    if draft.kind == "elementwise" and draft.path == module_path(node):
        return True
    return all(len(source.users) == 1 for source in sources if grouping.values[source].layer == newest)


def _kind(node: fx.Node, kind: LayerKind) -> LayerKind:
    """Operators of a boundary belong to its side of the link, whatever they compute."""
    owners = {
        str(owner).rpartition(".")[2].rstrip("'>") for _, owner in (node.meta.get("nn_module_stack") or {}).values()
    }
    if Encoder.__name__ in owners:
        return "encode"
    return "decode" if Decoder.__name__ in owners else kind


def _symbols(grouping: Grouping, node: fx.Node, sources: list[fx.Node]) -> SymbolKind | None:
    """The kind of symbols that a node yields, where it certainly yields symbols."""
    name = operator_name(node)
    args: Any = node.args
    if name == "fire":
        current = sources[0].meta.get("val")
        steps = int(current.shape[0]) if isinstance(current, Tensor) and isinstance(current.shape[0], int) else 1
        return SymbolKind(levels=args[3], signed=args[4], steps=steps)
    if name == "quantize":
        return SymbolKind(levels=2 ** max(0, args[2] - 1), signed=args[2] > 1, dense_bits=args[2])
    kinds = [kind for source in sources if (kind := grouping.values[source].symbols) is not None]
    if len(kinds) < len(sources):
        return None
    if name == "add" and len(kinds) == 2:
        return kinds[0].plus(kinds[1]) if node.kwargs.get("alpha", 1) == 1 else None
    if len(set(kinds)) != 1 or not keeps_symbols(name) or not _only_symbols(grouping, node, sources):
        return None
    return replace(kinds[0], steps=1) if selects(name) else kinds[0]


def _only_symbols(grouping: Grouping, node: fx.Node, sources: list[fx.Node]) -> bool:
    """Whether neither parameters nor a padding value are mixed with the symbols."""
    parameters = any(
        grouping.values[source].weights
        for source in node.all_input_nodes
        if source in grouping.values and source not in sources
    )
    padding = node.args[-1] if operator_name(node) in ("pad", "constant_pad_nd") else 0
    return not parameters and (not isinstance(padding, int | float) or padding == 0)
