"""Insert boundaries into a model from outside: its code stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, fx, nn

from axonal.spiking.boundary import Boundary
from axonal.workload import Traffic

__all__ = ["boundaries_of", "calibrate", "exported", "insert_boundaries"]

BoundaryMaker = Callable[[int, int], Boundary]
"""From `(features, channel_axis)` to the boundary of one tensor."""


def exported(model: nn.Module, example: Tensor) -> fx.GraphModule:
    """The model as a graph of ATen operators, with parameters of its own and a free batch axis.

    Dropout is inert and BatchNorm uses its stored statistics (evaluation mode), as
    in fine-tuning. The model itself is left untouched.

    Args:
        model: Any module of one tensor that `torch.export` can trace.
        example: Input with a leading batch axis.

    Raises:
        ValueError: When the model depends on values or is not a function of one tensor.
    """
    modes = [(module, module.training) for module in model.modules()]
    batch = torch.cat([example, example]) if len(example) == 1 else example
    try:
        model.eval()
        program = torch.export.export(model, (batch,), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{type(model).__name__} cannot be traced ({type(error).__name__}: {reason}): "
            "a model must be a function of one tensor whose control flow does not depend on values"
        ) from error
    finally:
        for module, training in modes:
            module.training = training
    module = copy.deepcopy(program.module(check_guards=False))
    return fx.GraphModule(module, module.graph)


def boundaries_of(model: nn.Module) -> list[Boundary]:
    """The boundaries in a model, in the order of its graph."""
    return [module for module in model.modules() if isinstance(module, Boundary)]


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
        ValueError: When the model has no such tensor.
    """
    graph_module = exported(model, example)
    nodes = {node.name: node for node in graph_module.graph.nodes}
    readers: dict[tuple[str, ...], set[str]] = {}
    for edge in boundaries:
        readers.setdefault(edge.tensors, set()).update(edge.readers)
    inserted = nn.ModuleList()
    graph_module.boundaries = inserted
    for tensors, reading in readers.items():
        for name in tensors:
            if name not in nodes:
                raise ValueError(f"{type(model).__name__} has no tensor {name!r}: was it traced from this model?")
        shape = nodes[tensors[0]].meta["val"].shape
        axis = _channel_axis(nodes[tensors[0]])
        inserted.append(make(int(shape[axis]), axis))
        for name in tensors:
            _insert(graph_module.graph, nodes[name], f"boundaries.{len(inserted) - 1}", reading)
    graph_module.graph.lint()
    graph_module.recompile()
    return graph_module


def _insert(graph: fx.Graph, source: fx.Node, target: str, reading: set[str]) -> None:
    users = [user for user in source.users if user.name in reading]
    with graph.inserting_after(source):
        node = graph.call_module(target, (source,))
    node.meta["nn_module_stack"] = {target: (target, Boundary)}
    for user in users:
        user.replace_input_with(source, node)


def _channel_axis(node: fx.Node) -> int:
    """Images (`batch channel height width`) have their channels second, all else last."""
    return 1 if node.meta["val"].dim() == 4 else -1


@torch.no_grad()
def calibrate(model: fx.GraphModule, inputs: Tensor) -> None:
    """Calibrate every boundary of a model on one batch, front to back.

    Args:
        model: What `insert_boundaries` returned.
        inputs: A batch of inputs.
    """
    for boundary in boundaries_of(model):
        hook = boundary.register_forward_pre_hook(lambda module, args: module.calibrate(args[0]))
        model(inputs)
        hook.remove()
