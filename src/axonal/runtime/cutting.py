"""Which node of a graph runs in which stage, and the graph of each stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, fx, nn

from axonal.mapping import Partition
from axonal.spiking import Boundary

__all__ = ["Cut", "cut_graph"]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A graph and the stage of each node.

    Args:
        root: The whole model.
        stages: How many stages there are.
        stage_of: By node; constants and sizes, which every stage makes for itself, are left out. A call of a boundary
            is in the stage of its sending half.
        readers: For each call of a boundary, the stages that read it.
        between: For each pair of neighbours, names of the values that cross from one to the next.
    """

    root: fx.GraphModule
    stages: int
    stage_of: Mapping[fx.Node, int]
    readers: Mapping[fx.Node, frozenset[int]]
    between: tuple[tuple[str, ...], ...]
    by_name: Mapping[str, fx.Node] = field(repr=False)

    @property
    def ordered(self) -> list[fx.Node]:
        """Nodes that have a stage, in the order of the graph."""
        return [node for node in self.root.graph.nodes if node in self.stage_of]

    @cached_property
    def ends(self) -> tuple[str, str]:
        """Names of the input and of the answer."""
        nodes = list(self.root.graph.nodes)
        source = next(node for node in nodes if node.op == "placeholder")
        return source.name, _answer(self.root).name

    @cached_property
    def crossing_names(self) -> tuple[str, ...]:
        """All that crosses anywhere, each once."""
        return tuple(dict.fromkeys(name for names in self.between for name in names))

    def sends(self, node: fx.Node, index: int) -> bool:
        """Whether a stage holds the sending half of a boundary."""
        return self.stage_of[node] == index

    def receives(self, node: fx.Node, index: int) -> bool:
        """Whether a stage holds a receiving half of a boundary."""
        return index in self.readers[node] and self.stage_of[node] != index

    def crosses(self, node: fx.Node) -> bool:
        """Whether a boundary has its halves in different stages."""
        return any(stage != self.stage_of[node] for stage in self.readers[node])

    def stage_graph(
        self, index: int, arriving: Sequence[str], leaving: Sequence[str], halves: Mapping[str, nn.Module]
    ) -> fx.GraphModule:
        """What a stage computes: from all that arrives to all that leaves, parameters named as in the whole."""
        return _Builder(cut=self, index=index, halves=halves).built(arriving, leaving)


def cut_graph(root: fx.GraphModule, partition: Partition) -> Cut:
    """Assign each node to a stage, by the boundaries of a partition of the model.

    Raises:
        ValueError: The partition is of another model, or the model answers several tensors.
    """
    _answer(root)
    order = {chip: number for number, chip in enumerate(partition.chips)}
    wanted = {
        (tensor, reader): order[partition.chip_of(edge.target)]
        for edge in partition.boundaries
        for tensor in edge.tensors
        for reader in edge.readers
    }
    stage_of: dict[fx.Node, int] = {}
    found = set()
    for node in root.graph.nodes:
        if node.op in ("get_attr", "output") or _is_size(node) or _floats(node, stage_of):
            continue
        stage_of[node] = 0
        for source in node.all_input_nodes:
            origin = source.args[0] if _is_boundary(source, root) else source
            key = (getattr(origin, "name", ""), node.name)
            if key in wanted:
                found.add(key)
            stage_of[node] = max(stage_of[node], stage_of.get(source, 0), wanted.get(key, 0))
    if missing := sorted(set(wanted) - found):
        tensor, reader = missing[0]
        raise ValueError(f"the model has no tensor {tensor!r} read by {reader!r}: give the partition of this model")
    readers = {
        node: frozenset(stage_of[user] for user in node.users if user in stage_of)
        for node in root.graph.nodes
        if _is_boundary(node, root)
    }
    stages = len(partition.chips)
    return Cut(
        root=root,
        stages=stages,
        stage_of=stage_of,
        readers=readers,
        between=_between(root, stages, stage_of),
        by_name={node.name: node for node in root.graph.nodes},
    )


def _answer(root: fx.GraphModule) -> fx.Node:
    answer = root.graph.output_node().args[0]
    if not isinstance(answer, fx.Node):
        raise ValueError("the model answers several tensors, must answer one: wrap it in a module that does")
    return answer


def _is_boundary(node: fx.Node, root: fx.GraphModule) -> bool:
    return node.op == "call_module" and isinstance(root.get_submodule(str(node.target)), Boundary)


def _is_size(node: fx.Node) -> bool:
    """The size of the batch, which a stage takes from what arrives."""
    return node.target is torch.ops.aten.sym_size.int


def _floats(node: fx.Node, stage_of: Mapping[fx.Node, int]) -> bool:
    """Whether a node follows from constants and sizes alone."""
    return node.op != "placeholder" and not any(source in stage_of for source in node.all_input_nodes)


def _between(root: fx.GraphModule, stages: int, stage_of: Mapping[fx.Node, int]) -> tuple[tuple[str, ...], ...]:
    """What is made up to a stage and read after it; what a boundary makes crosses as its symbols.

    Tokens that cross beside symbols are read by the receiving half, in the stages of those that read the boundary.
    """
    last: dict[fx.Node, int] = {}
    for node in stage_of:
        reading = [stage_of[user] for user in node.users if user in stage_of]
        for user in node.users:
            if _is_boundary(user, root) and node in user.args[1:]:
                reading += [stage_of[reader] for reader in user.users if reader in stage_of]
        last[node] = max(reading, default=stage_of[node])
    last[_answer(root)] = stages - 1
    ordered = [node for node in root.graph.nodes if node in stage_of]
    return tuple(
        tuple(node.name for node in ordered if stage_of[node] <= stage < last[node]) for stage in range(stages - 1)
    )


@dataclass(kw_only=True)
class _Builder:
    """The graph of one stage under way."""

    cut: Cut
    index: int
    halves: Mapping[str, nn.Module]
    graph: fx.Graph = field(default_factory=fx.Graph)
    copies: dict[fx.Node, fx.Node] = field(default_factory=dict)

    def built(self, arriving: Sequence[str], leaving: Sequence[str]) -> fx.GraphModule:
        root, by_name = self.cut.root, self.cut.by_name
        nodes = [by_name[name] for name in arriving]
        raw = [self.graph.placeholder(name) for name in arriving]
        symbols: dict[fx.Node, fx.Node] = {}
        for node, placeholder in zip(nodes, raw, strict=True):
            if node in self.cut.readers and self.index > 0:
                symbols[node] = placeholder
            else:
                self.copies[node] = self._as_read(node, placeholder)
        # The tokens of a boundary come before what is made of its symbols.
        for node, crossed in symbols.items():
            if self.cut.receives(node, self.index):
                more = [self.copies[other] for other in node.args[1:] if isinstance(other, fx.Node)]
                self.copies[node] = self._call(node, [crossed, *more])
        self._batch = self.graph.call_function(torch.ops.aten.sym_size.int, (raw[0], 0))
        for node in self.cut.ordered:
            if self.cut.stage_of[node] == self.index and node not in self.copies and node not in symbols:
                self._copy(node)
        self.graph.output(tuple(self._leaving(by_name[name], symbols) for name in leaving))
        made = fx.GraphModule(self._attributes(root), self.graph)
        made.graph.eliminate_dead_code()
        made.delete_all_unused_submodules()
        made.recompile()
        made.graph.lint()
        return made

    def _leaving(self, node: fx.Node, symbols: Mapping[fx.Node, fx.Node]) -> fx.Node:
        if node in symbols:
            return symbols[node]  # passes through
        made = self.copies[node]
        if self._whole(node) and node.name != self.cut.ends[1]:
            return self.graph.call_method("to", (made, torch.float32))
        return made

    def _as_read(self, node: fx.Node, placeholder: fx.Node) -> fx.Node:
        """Whole numbers cross as floats, and are whole numbers again."""
        if self.index > 0 and self._whole(node):
            return self.graph.call_method("to", (placeholder, node.meta["val"].dtype))
        return placeholder

    def _whole(self, node: fx.Node) -> bool:
        value = node.meta.get("val")
        return isinstance(value, Tensor) and not value.is_floating_point()

    def _copy(self, node: fx.Node) -> fx.Node:
        """The copy of a node, constants that it needs before it."""
        if node in self.copies:
            return self.copies[node]
        if _is_size(node):
            self.copies[node] = self._batch
            return self._batch
        for source in node.all_input_nodes:
            if source not in self.copies and (source not in self.cut.stage_of):
                self._copy(source)
        if node.name in self.halves:
            self.copies[node] = self._call(node, [self.copies[s] for s in node.args if isinstance(s, fx.Node)])
        else:
            self.copies[node] = self.graph.node_copy(node, self.copies.__getitem__)
        return self.copies[node]

    def _call(self, node: fx.Node, args: Iterable[fx.Node]) -> fx.Node:
        return self.graph.call_module(str(node.target), tuple(args))

    def _attributes(self, root: fx.GraphModule) -> dict[str, Any]:
        """Everything that the graph names, halves in place of their boundaries."""
        found: dict[str, Any] = {}
        halves = {str(self.cut.by_name[name].target): half for name, half in self.halves.items()}
        for node in self.graph.nodes:
            target = str(node.target)
            if node.op == "call_module":
                found[target] = halves.get(target) or root.get_submodule(target)
            elif node.op == "get_attr":
                found[target] = _attribute(root, target)
        return found


def _attribute(root: nn.Module, path: str) -> Any:
    owner, _, leaf = path.rpartition(".")
    return getattr(root.get_submodule(owner), leaf)
