"""What is computed and what is moved: `Workload`, `Layer`, `Traffic`.

A workload is the hand-over from the torch side to everything that simulates,
places or draws. It is frozen, knows nothing of any machine, and survives a
round trip through JSON unchanged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

__all__ = ["Layer", "LayerKind", "Symbols", "Traffic", "Workload"]

LayerKind = Literal[
    "input", "embedding", "linear", "convolution", "matmul", "elementwise", "spike", "encode", "decode", "output"
]
"""What a layer mainly does. `encode` and `decode` are the two sides of a boundary."""

Symbols = Literal["dense", "event"]
"""`dense`: every element carries a value. `event`: zeros are silent."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One node of a workload; every count is for one inference.

    Args:
        name: Unique name, the path of the module that owns the operator.
        kind: What the layer mainly does.
        macs: Multiply-accumulates that are performed; an event-driven layer
            performs those of the events that arrive (measured, hence a float).
        accumulates: Additions without a multiplication.
        elementwise_ops: Other arithmetic (ReLU, exp, division, comparison, ...).
        dense_macs: Multiply-accumulates if no input were ever silent.
        weights: Stored parameters.
        weight_element_bits: Bits of each stored parameter.
        neurons: Output elements a time step.
        time_steps: How often the layer runs for one inference.
        state_bits: Bits of neuron state kept between time steps.
        event_driven: Whether silent inputs cost nothing.
    """

    name: str
    kind: LayerKind
    macs: float = 0.0
    accumulates: float = 0.0
    elementwise_ops: float = 0.0
    dense_macs: float = 0.0
    weights: int = 0
    weight_element_bits: int = 8
    neurons: int = 1
    time_steps: int = 1
    state_bits: int = 0
    event_driven: bool = False

    def __post_init__(self) -> None:
        where, kinds = f"layer {self.name}", get_args(LayerKind)
        _require(self.kind in kinds, f"{where}: kind {self.kind!r} is none of {kinds}")
        for name in ("macs", "accumulates", "elementwise_ops", "dense_macs"):
            value = getattr(self, name)
            _require(math.isfinite(value) and value >= 0, f"{where}: {name} is {value}, must be finite and >= 0")
        least = {"weights": 0, "neurons": 1, "time_steps": 1, "state_bits": 0, "weight_element_bits": 1}
        for name, low in least.items():
            _require(getattr(self, name) >= low, f"{where}: {name} is {getattr(self, name)}, must be >= {low}")

    @property
    def weight_bits(self) -> int:
        """Bits of all stored parameters."""
        return self.weights * self.weight_element_bits

    @property
    def operations(self) -> float:
        """Everything the layer's arithmetic units perform for one inference."""
        return self.macs + self.accumulates + self.elementwise_ops


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """One edge of a workload: a tensor that moves from one layer to another.

    Args:
        source: Name of the layer that produces it.
        target: Name of the layer that consumes it.
        tensors: Names of the values in the traced graph, one for each call of the source.
            Edges with equal `tensors` carry the same data to different targets.
        readers: Names of the operators of the target, in the traced graph, that read them.
        shape: Shape for one inference, time steps included, batch axis excluded.
        group: Elements of one vector along the channel axis; addresses may be local to it.
        element_bits: Bits of an element when every element is sent.
        symbols: `dense`, or `event` when zeros need not be sent.
        value_bits: Bits an event carries beside its address (0: a plain spike).
        signed: Whether values may be negative.
        events: Mean number of non-zero elements of one inference, measured.
        time_steps: How many of the leading steps the shape holds.
        scattered: Whether each part of the target needs only its own share of the elements
            (a residual, an element-wise layer); otherwise every part needs all of them.
    """

    source: str
    target: str
    tensors: tuple[str, ...]
    readers: tuple[str, ...] = ()
    shape: tuple[int, ...]
    group: int
    element_bits: int = 8
    symbols: Symbols = "dense"
    value_bits: int = 0
    signed: bool = False
    events: float
    time_steps: int = 1
    scattered: bool = False

    def __post_init__(self) -> None:
        where = f"traffic {self.source} -> {self.target}"
        object.__setattr__(self, "shape", tuple(self.shape))
        object.__setattr__(self, "tensors", tuple(self.tensors))
        object.__setattr__(self, "readers", tuple(self.readers))
        _require(bool(self.tensors), f"{where}: names no tensor")
        _require(self.symbols in get_args(Symbols), f"{where}: symbols {self.symbols!r} is none of {get_args(Symbols)}")
        _require(bool(self.shape) and all(n > 0 for n in self.shape), f"{where}: shape {self.shape} must be positive")
        _require(1 <= self.element_bits <= 32, f"{where}: element_bits is {self.element_bits}, must be 1 to 32")
        _require(0 <= self.value_bits <= 32, f"{where}: value_bits is {self.value_bits}, must be 0 to 32")
        _require(self.time_steps >= 1, f"{where}: time_steps is {self.time_steps}, must be >= 1")
        _require(
            self.group >= 1 and self.elements % self.group == 0,
            f"{where}: group {self.group} does not divide {self.elements} elements",
        )
        _require(0 <= self.events <= self.elements, f"{where}: events is {self.events}, must be 0 to {self.elements}")

    @property
    def elements(self) -> int:
        """Elements of one inference, all time steps."""
        return math.prod(self.shape)

    @property
    def activity(self) -> float:
        """Mean non-zero elements per element and time step, in [0, 1]."""
        return self.events / self.elements


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A frozen, acyclic graph of layers (in topological order) and the traffic between them."""

    name: str
    layers: tuple[Layer, ...]
    traffic: tuple[Traffic, ...]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in ("layers", "traffic", "notes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _require(bool(self.layers), f"workload {self.name} has no layers")
        _require(len(self.order) == len(self.layers), f"workload {self.name} names a layer twice")
        for edge in self.traffic:
            for end in (edge.source, edge.target):
                _require(end in self.order, f"workload {self.name}: traffic names {end!r}, which is no layer")
            _require(
                self.order[edge.source] < self.order[edge.target],
                f"workload {self.name}: {edge.source} -> {edge.target} runs against the order of the layers",
            )

    @cached_property
    def order(self) -> dict[str, int]:
        """Position of each layer by name."""
        return {layer.name: index for index, layer in enumerate(self.layers)}

    def layer(self, name: str) -> Layer:
        """The layer of that name; KeyError when there is none."""
        return self.layers[self.order[name]]

    def into(self, name: str) -> Iterator[Traffic]:
        """Traffic that arrives at a layer."""
        return (edge for edge in self.traffic if edge.target == name)

    def out_of(self, name: str) -> Iterator[Traffic]:
        """Traffic that leaves a layer."""
        return (edge for edge in self.traffic if edge.source == name)

    @property
    def weights(self) -> int:
        """Stored parameters of all layers."""
        return sum(layer.weights for layer in self.layers)

    def to_json(self) -> str:
        """The workload as JSON text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Workload:
        """The workload that `to_json` wrote; ValueError when a field is missing, unknown or out of bounds."""
        data: dict[str, Any] = json.loads(text)
        try:
            layers = tuple(Layer(**item) for item in data.pop("layers"))
            traffic = tuple(Traffic(**item) for item in data.pop("traffic"))
            return cls(layers=layers, traffic=traffic, **data)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a workload: {error}") from error
