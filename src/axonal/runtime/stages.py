"""Split a model where its tensors cross dies: one part for each stage, the two halves of a boundary apart."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from axonal.mapping import Partition
from axonal.runtime.crossing import Crossing
from axonal.runtime.cutting import Cut, cut_graph
from axonal.spiking import Boundary, Encoder, Receiving, Sending, exported

__all__ = ["FLOAT_CODECS", "SYMBOL_CODECS", "Stage", "parameters_in_common", "split", "weights_of"]

FLOAT_CODECS = ("fp32", "fp16", "bf16", "int8", "int4", "top_k")
"""What a tensor that is no symbols may cross in, the default first."""

SYMBOL_CODECS = ("bitmap", "address", "gap", "bitmap_zstd", "range", "dense")
"""What events may cross in, the default first."""


class Stage(nn.Module):
    """The piece of a model on one die: a function of the tensors that arrive to those that leave.

    Symbols and whole numbers (tokens) cross as 32-bit floats, `(batch, ...)`.

    Args:
        graph: What it computes.
        inputs: What arrives; of the first stage, the input of the model.
        outputs: What leaves; of the last stage, the answer of the model.
        layout: Text on which all stages must agree.
        index: Its number, from 0.
        stages: How many there are.
    """

    def __init__(
        self,
        graph: fx.GraphModule,
        inputs: tuple[Crossing, ...],
        outputs: tuple[Crossing, ...],
        *,
        layout: str,
        index: int,
        stages: int,
    ) -> None:
        super().__init__()
        self.graph = graph
        self.inputs, self.outputs, self.layout = inputs, outputs, layout
        self.index, self.stages = index, stages
        self.names = frozenset(graph.state_dict())
        """Parameters and buffers as the whole model names them."""

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """What leaves, in the order of `outputs`."""
        found: tuple[Tensor, ...] = self.graph(*tensors)
        return found


@dataclass(frozen=True, kw_only=True)
class _Shapes:
    """What an example run tells of the tensors that cross.

    Args:
        shapes: By node, without the batch axis where that leads.
        dtypes: By node.
    """

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, torch.dtype]


def split(model: nn.Module, example: Tensor, partition: Partition) -> tuple[Stage, ...]:
    """The stages of a model, in the order in which the partition runs through its dies.

    Weights are shared with the model where it is a graph already (`insert_boundaries`), copied where it is not.

    Args:
        model: What was traced to the workload of the partition, or what `insert_boundaries` made of it.
        example: Inputs, batch axis first, from which shapes are taken.
        partition: Of the model without boundaries.

    Raises:
        ValueError: The model cannot be exported or cut there: a tensor that crosses has no batch axis, or is none.
    """
    graph_module = model if isinstance(model, fx.GraphModule) else exported(model, example)
    graph_module.eval()
    cut = cut_graph(graph_module, partition)
    sizes = _observed(graph_module, example)
    crossings = {name: _crossing(name, cut, graph_module, sizes, len(example)) for name in cut.crossing_names}
    source, answer = cut.ends
    ends = {name: _plain(name, sizes, len(example)) for name in (source, answer)}
    layout = _layout(cut, graph_module, crossings)
    found = []
    for index in range(cut.stages):
        arriving = [source] if index == 0 else list(cut.between[index - 1])
        leaving = [answer] if index == cut.stages - 1 else list(cut.between[index])
        graph = cut.stage_graph(index, arriving, leaving, _halves(cut, graph_module, index, sizes))
        found.append(
            Stage(
                graph,
                tuple(ends[source] if index == 0 else crossings[name] for name in arriving),
                tuple(ends[answer] if index == cut.stages - 1 else crossings[name] for name in leaving),
                layout=layout,
                index=index,
                stages=cut.stages,
            ).eval()
        )
    return tuple(found)


def _halves(cut: Cut, root: fx.GraphModule, index: int, sizes: _Shapes) -> dict[str, nn.Module]:
    """For each call of a boundary in a stage, the half of it that runs there; whole where both ends do."""
    found: dict[str, nn.Module] = {}
    for node in cut.readers:
        boundary = root.get_submodule(str(node.target))
        if not isinstance(boundary, Boundary):
            raise TypeError(f"{node.target} is {type(boundary).__name__}, must be a Boundary")
        if cut.sends(node, index) and cut.crosses(node):
            found[node.name] = Sending(boundary)
        elif cut.receives(node, index):
            found[node.name] = Receiving(boundary, sizes.shapes[node.name][-2:])
    return found


class _Observer(fx.Interpreter):
    def __init__(self, model: fx.GraphModule) -> None:
        super().__init__(model)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, torch.dtype] = {}

    def run_node(self, n: fx.Node) -> object:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.shapes[n.name], self.dtypes[n.name] = tuple(result.shape), result.dtype
        return result


@torch.no_grad()
def _observed(model: fx.GraphModule, example: Tensor) -> _Shapes:
    """Shapes and types of all tensors, and under the name `NAME/symbols` those of the symbols of boundaries."""
    observer = _Observer(model)
    hooks = []
    calls: dict[nn.Module, list[str]] = {}
    for node in model.graph.nodes:
        if node.op == "call_module" and isinstance(model.get_submodule(str(node.target)), Boundary):
            calls.setdefault(model.get_submodule(str(node.target)), []).append(node.name)
    for boundary, names in calls.items():

        def keep(_: nn.Module, __: object, symbols: Tensor, names: list[str] = names) -> None:
            for name in names:
                observer.shapes[f"{name}/symbols"], observer.dtypes[f"{name}/symbols"] = (
                    tuple(symbols.shape),
                    symbols.dtype,
                )

        hooks.append(boundary.get_submodule("encoder").register_forward_hook(keep))
    try:
        observer.run(example)
    finally:
        for hook in hooks:
            hook.remove()
    return _Shapes(shapes=observer.shapes, dtypes=observer.dtypes)


def _crossing(name: str, cut: Cut, root: fx.GraphModule, sizes: _Shapes, batch: int) -> Crossing:
    """How a value crosses: symbols of a boundary, whole numbers, or values."""
    node = cut.by_name[name]
    if node not in cut.readers:
        return _plain(name, sizes, batch)
    encoder = root.get_submodule(f"{node.target}.encoder")
    if not isinstance(encoder, Encoder):
        raise TypeError(f"{node.target}.encoder is {type(encoder).__name__}, must be an Encoder")
    code = encoder.code
    shape = _without_batch(f"{name}/symbols", sizes.shapes, batch)
    replaced = math.prod(_without_batch(name, sizes.shapes, batch))
    if not code.levels:
        return Crossing(name=name, shape=shape, codecs=FLOAT_CODECS, dense_elements=replaced)
    if code.symbols == "dense":
        levels: int = (1 << (code.value_bits - code.signed)) - 1
        codecs: tuple[str, ...] = ("dense",)
    else:
        levels, codecs = code.levels, SYMBOL_CODECS
    return Crossing(name=name, shape=shape, levels=levels, signed=code.signed, codecs=codecs, dense_elements=replaced)


def _plain(name: str, sizes: _Shapes, batch: int) -> Crossing:
    whole = not sizes.dtypes[name].is_floating_point
    codecs = ("dense",) if whole else FLOAT_CODECS
    return Crossing(
        name=name,
        shape=_without_batch(name, sizes.shapes, batch),
        levels=_LARGEST if whole else 0,
        codecs=codecs,
        dense_elements=0 if whole else None,
    )


_LARGEST = 2**16 - 1
"""Largest whole number, a token's, that crosses: two bytes."""


def _without_batch(name: str, shapes: Mapping[str, tuple[int, ...]], batch: int) -> tuple[int, ...]:
    shape = shapes.get(name)
    if shape is None:
        raise ValueError(f"{name} crosses dies and is no tensor: cut the model elsewhere")
    if not shape or shape[0] != batch:
        raise ValueError(f"{name} crosses dies with shape {shape}, must have the batch ({batch}) first: cut elsewhere")
    return shape[1:]


def _layout(cut: Cut, root: fx.GraphModule, crossings: Mapping[str, Crossing]) -> str:
    """Which layers run where, what crosses in which shape, and which parameters there are."""
    lines = [f"stage {cut.stage_of[node]}: {node.name} {node.target}" for node in cut.ordered]
    lines += [f"crosses {stage}: {', '.join(names)}" for stage, names in enumerate(cut.between)]
    lines += [f"{name}: {item.shape} {item.levels} {item.signed}" for name, item in crossings.items()]
    lines += [f"{name} {tuple(value.shape)}" for name, value in root.state_dict().items()]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return f"{cut.stages} stages, {len(crossings)} tensors cross, {digest}"


def parameters_in_common(stages: Sequence[Stage]) -> dict[str, tuple[int, ...]]:
    """Parameters that several stages use, each with the numbers of these stages."""
    owners: dict[str, list[int]] = {}
    for stage in stages:
        for name, _ in stage.graph.named_parameters():
            owners.setdefault(name, []).append(stage.index)
    return {name: tuple(indices) for name, indices in owners.items() if len(indices) > 1}


def weights_of(stages: Sequence[Stage]) -> str:
    """A digest of all parameters and buffers."""
    digest = hashlib.sha256()
    for stage in stages:
        for name, value in sorted(stage.graph.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
