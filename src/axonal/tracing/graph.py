"""From a module to one flat graph of ATen operators, and what flows through it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, fx, nn

from axonal.spiking import Boundary, exported

__all__ = ["flat_graph", "module_path", "operator_name", "run"]


def flat_graph(model: nn.Module, example: Tensor) -> fx.GraphModule:
    """The model as operators only; boundaries that were inserted are written out in place."""
    if not isinstance(model, fx.GraphModule) or not all(_is_flat(node, model) for node in model.graph.nodes):
        return exported(model, example)
    graph_module = copy.deepcopy(model)
    batch = torch.cat([example, example]) if len(example) == 1 else example
    inputs: dict[str, Tensor] = {}

    def keep(node: fx.Node, args: Any, result: Any) -> None:
        del result
        if _is_boundary(node, model):
            inputs[node.name] = args[0]

    run(graph_module, batch, keep)
    for node in list(graph_module.graph.nodes):
        if _is_boundary(node, graph_module):
            _write_out(graph_module, node, inputs[node.name])
    graph_module.recompile()
    return graph_module


def _is_boundary(node: fx.Node, model: nn.Module) -> bool:
    return node.op == "call_module" and isinstance(model.get_submodule(str(node.target)), Boundary)


def _is_flat(node: fx.Node, model: nn.Module) -> bool:
    return node.op not in ("call_module", "call_method") or _is_boundary(node, model)


def _write_out(graph_module: fx.GraphModule, node: fx.Node, value: Tensor) -> None:
    """Replace the call of a boundary by its operators, which name its parameters in place."""
    boundary = graph_module.get_submodule(str(node.target))
    inner = exported(boundary, value)
    own = {name for name, _ in [*boundary.named_parameters(), *boundary.named_buffers()]}
    for name, constant in inner.named_buffers():
        if name not in own:  # a constant of the code, which the export lifted out
            owner, _, leaf = name.rpartition(".")
            boundary.get_submodule(owner).register_buffer(leaf, constant)
    copies: dict[fx.Node, Any] = {}
    with graph_module.graph.inserting_before(node):
        for item in inner.graph.nodes:
            if item.op == "placeholder":
                copies[item] = node.args[0]
            elif item.op == "output":
                node.replace_all_uses_with(copies[item.args[0]])
            elif item.op == "get_attr":
                copies[item] = graph_module.graph.get_attr(f"{node.target}.{item.target}")
            else:
                copies[item] = graph_module.graph.node_copy(item, copies.__getitem__)
                copies[item].meta["nn_module_stack"] = _inside(str(node.target), item)
    graph_module.graph.erase_node(node)


def _inside(target: str, node: fx.Node) -> dict[str, tuple[str, Any]]:
    """The module stack of an operator of a boundary, seen from the whole model."""
    stack = node.meta.get("nn_module_stack") or {}
    return {key: (".".join(filter(None, (target, path))), kind) for key, (path, kind) in stack.items()}


class _Runner(fx.Interpreter):
    def __init__(self, model: fx.GraphModule, see: Callable[[fx.Node, Any, Any], None]) -> None:
        super().__init__(model)
        self.extra_traceback = False  # messages stay as they were written
        self.see = see

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        args, _ = self.fetch_args_kwargs_from_env(n)
        self.see(n, args, result)
        return result


@torch.no_grad()
def run(model: fx.GraphModule, example: Tensor, see: Callable[[fx.Node, Any, Any], None]) -> None:
    """Run the graph and show each node with its evaluated arguments and its result."""
    _Runner(model, see).run(example)


def operator_name(node: fx.Node) -> str:
    """`linear` for `aten.linear.default`, `add` for `aten.add_.Tensor`; the function's name for Python operators."""
    target: Any = node.target
    schema = getattr(target, "_schema", None)
    return str(schema.name.split("::")[-1]).removesuffix("_") if schema else str(getattr(target, "__name__", target))


def module_path(node: fx.Node) -> str:
    """Path of the innermost module that called the operator; empty for the model itself."""
    stack = node.meta.get("nn_module_stack") or {}
    paths: Iterable[str] = (str(path) for path, _ in stack.values())
    *_, last = ("", *paths)
    return "" if last.startswith("_empty_nn_module_stack") else last
