"""Insert boundaries into a model from outside: its code stays as it is."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from axonal.spiking.boundary import Boundary
from axonal.workload import Traffic

__all__ = ["boundaries_of", "calibrate", "choose", "evaluating", "exported", "insert_boundaries"]

BoundaryMaker = Callable[[int, int], Boundary]
"""From `(features, channel_axis)` to the boundary of one tensor."""

FELT_AT_ONCE = 128
"""Inputs whose gradients are taken at a time: large alphabets make large answers."""

_PLACE = "boundaries"
"""Attribute of a hybrid model that holds its boundaries."""


def exported(model: nn.Module, example: Tensor) -> fx.GraphModule:
    """The model as a graph of ATen operators, with parameters of its own and a free batch axis.

    Dropout is inert and BatchNorm uses its stored statistics (evaluation mode), as
    in fine-tuning. The model itself is left untouched. Several results come back as
    one flat tuple.

    Args:
        model: Any module of one tensor that `torch.export` can trace.
        example: Input with a leading batch axis.

    Raises:
        ValueError: When the model depends on values or is not a function of one tensor.
    """
    batch = torch.cat([example, example]) if len(example) == 1 else example
    try:
        with evaluating(model), _plain_attention(), warnings.catch_warnings():
            # A recurrent layer sorts its own weights while it runs; the export puts them back, and says so.
            warnings.filterwarnings("ignore", r"The tensor attributes? .* assigned during export", UserWarning)
            program = torch.export.export(model, (batch,), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    except Exception as error:
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        raise ValueError(
            f"{type(model).__name__} cannot be traced ({type(error).__name__}: {reason}): "
            "a model must be a function of one tensor whose control flow does not depend on values"
        ) from error
    if not program.range_constraints:  # no size is left open
        raise ValueError(
            f"{type(model).__name__} fixes the batch size to {len(batch)}: "
            "its first axis must be the batch, of any size: write value.shape[0], not len(value) or a number"
        )
    flat = program.module(check_guards=False)
    graph = flat.graph
    # The export's own code for nested inputs and outputs cannot be copied without a warning, and is not needed.
    graph.set_codegen(fx.graph.CodeGen())
    if program.call_spec.out_spec.is_leaf():
        output: Any = graph.output_node()
        output.args = (output.args[0][0],)
    return copy.deepcopy(fx.GraphModule(flat, graph))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block, each module's own mode after it."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Keeps away the fused attention of evaluation mode, which is one opaque operator."""
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def boundaries_of(model: nn.Module) -> list[Boundary]:
    """The boundaries in a model, in the order of its graph."""
    return [module for module in model.modules() if isinstance(module, Boundary)]


def choose(model: nn.Module, rate: int) -> None:
    """Let all boundaries of a model send at one of the rates that they offer from now on.

    Raises:
        ValueError: One of them does not offer it.
    """
    for boundary in boundaries_of(model):
        boundary.choose(rate)


def insert_boundaries(
    model: nn.Module, example: Tensor, boundaries: Iterable[Traffic], make: BoundaryMaker
) -> fx.GraphModule:
    """A copy of the model in which each tensor that crosses dies passes through a boundary.

    Args:
        model: The model that was traced to the workload whose edges these are.
        example: Input with a leading batch axis, as for `trace`.
        boundaries: Edges that cross dies, e.g. `partition.boundaries`. Edges with equal `tensors` share a boundary.
        make: Builds one boundary from `(features, channel_axis)`.

    Returns:
        A module with the same parameter names, plus `boundaries.<i>...`.

    Raises:
        ValueError: When the model has no such tensor or reader, or has boundaries already.
    """
    graph_module = exported(model, example)
    if hasattr(graph_module, _PLACE):
        raise ValueError(f"{type(model).__name__} has an attribute {_PLACE!r} already: insert all boundaries at once")
    readers: dict[tuple[str, ...], set[str]] = {}
    for edge in boundaries:
        readers.setdefault(edge.tensors, set()).update(edge.readers)
    nodes = {node.name: node for node in graph_module.graph.nodes}
    inserted = nn.ModuleList()
    graph_module.add_module(_PLACE, inserted)
    for names, reading in readers.items():
        sources = [_source(model, nodes, name) for name in names]
        axis = _channel_axis(sources[0])
        inserted.append(make(int(sources[0].meta["val"].shape[axis]), axis))
        told = (_tokens(model, graph_module.graph),) if inserted[-1].known is not None else ()
        for source in sources:
            _insert(graph_module.graph, source, f"{_PLACE}.{len(inserted) - 1}", reading, told)
    graph_module.graph.lint()
    graph_module.recompile()
    return graph_module


def _tokens(model: nn.Module, graph: fx.Graph) -> fx.Node:
    """The input of a language model."""
    node: fx.Node = next(node for node in graph.nodes if node.op == "placeholder")
    value = node.meta.get("val")
    if not isinstance(value, Tensor) or value.is_floating_point() or value.dim() != 2:
        raise ValueError(f"{type(model).__name__} reads no tokens `batch token`: use boundaries without tokens")
    return node


def _source(model: nn.Module, nodes: dict[str, fx.Node], name: str) -> fx.Node:
    if name not in nodes or not isinstance(nodes[name].meta.get("val"), Tensor):
        raise ValueError(f"{type(model).__name__} has no tensor {name!r}: was it traced from this model?")
    return nodes[name]


def _insert(graph: fx.Graph, source: fx.Node, target: str, reading: set[str], more: tuple[fx.Node, ...]) -> None:
    users = [user for user in source.users if user.name in reading]
    if not users:
        raise ValueError(f"none of {sorted(reading)} reads tensor {source.name!r}: was it traced from this model?")
    with graph.inserting_after(source):
        node = graph.call_module(target, (source, *more))
    node.meta["nn_module_stack"] = {target: (target, Boundary)}
    for user in users:
        user.replace_input_with(source, node)


def _channel_axis(node: fx.Node) -> int:
    """Images (`batch channel height width`) have their channels second, all else last."""
    return 1 if node.meta["val"].dim() == 4 else -1


def calibrate(model: fx.GraphModule, inputs: Tensor, *, sensitive: bool = False) -> None:
    """Calibrate every boundary of a model on one batch, front to back.

    Args:
        model: What `insert_boundaries` returned.
        inputs: A batch of inputs.
        sensitive: Whether directions count by what the model's answers feel of them (its Fisher information), for
            a model that answers logits; else all alike.
    """
    boundaries = boundaries_of(model)
    for number, boundary in enumerate(boundaries):
        found = (
            _felt(model, boundary, boundaries[number + 1 :], inputs) if sensitive else _seen(model, boundary, inputs)
        )
        boundary.calibrate(*found)


@torch.no_grad()
def _seen(model: fx.GraphModule, boundary: Boundary, inputs: Tensor) -> tuple[Tensor, None, Tensor | None]:
    """What a boundary is given; several tensors may share one: it is to suit them all."""
    seen: list[tuple[Tensor, ...]] = []
    hook = boundary.register_forward_pre_hook(lambda _, args: seen.append(args))
    try:
        model(inputs)
    finally:
        hook.remove()
    return torch.cat([args[0] for args in seen]), None, _told(seen)


def _told(seen: list[tuple[Tensor, ...]]) -> Tensor | None:
    return torch.cat([args[1] for args in seen]) if len(seen[0]) > 1 else None


def _felt(
    model: fx.GraphModule, boundary: Boundary, later: Iterable[Boundary], inputs: Tensor
) -> tuple[Tensor, Tensor, Tensor | None]:
    """What a boundary is given, and the gradient there of the loss of answers drawn from the model itself.

    The later ones, which are not calibrated yet, pass on what they are given: their random weights would blur it.
    """
    seen: list[tuple[Tensor, ...]] = []
    slopes: list[Tensor] = []

    def bypass(_: nn.Module, args: tuple[Tensor, ...], __: Tensor) -> Tensor:
        value = args[0].detach().requires_grad_()
        seen.append((value, *args[1:]))
        return value

    hooks = [boundary.register_forward_hook(bypass)]
    hooks += [other.register_forward_hook(lambda _, args, __: args[0]) for other in later]
    # A generator of its own: the same model and inputs give the same axes in any company.
    source = torch.Generator().manual_seed(0)
    try:
        with torch.enable_grad(), evaluating(model):
            for some in torch.split(inputs, FELT_AT_ONCE):
                before = len(seen)
                logits = model(some).flatten(0, -2)
                drawn = torch.multinomial(logits.detach().softmax(-1), 1, generator=source).squeeze(1)
                loss = torch.nn.functional.cross_entropy(logits, drawn, reduction="sum")
                slopes += torch.autograd.grad(loss, [args[0] for args in seen[before:]])
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat([args[0].detach() for args in seen]), torch.cat(slopes), _told(seen)
