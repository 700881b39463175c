from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, fx, nn
from tracing_cases import REFERENCES, CellLoop, normal, traced

from axonal import wire
from axonal.kernels import ATan, fire
from axonal.spiking import Boundary, Code, Graded, Integer, Rate, calibrate, insert_boundaries, observed
from axonal.spiking.codes import OneStep
from axonal.tracing import record, trace
from axonal.workload import Traffic, Workload

DENSE = [name for name in REFERENCES if "spiking" not in name]


def inner(workload: Workload) -> list[Traffic]:
    """Edges of floating-point tensors between the layers of the network."""
    ends = {layer.name for layer in workload.layers if layer.kind in ("input", "output")}
    return [edge for edge in workload.traffic if not ends & {edge.source, edge.target}]


def hybrid(model: nn.Module, example: Tensor, edges: list[Traffic], code: Code, neurons: float) -> fx.GraphModule:
    made = insert_boundaries(
        model, example, edges, lambda features, axis: Boundary(features, math.ceil(neurons * features), code, axis)
    )
    calibrate(made, example)
    return made


@cache
def hybrid_traced(name: str, code: Code, neurons: float) -> tuple[fx.GraphModule, Tensor, Workload]:
    """A reference network with boundaries on a few edges; inside the chips an element has 11 bits."""
    model, example, workload = traced(name)
    edges = inner(workload)
    made = hybrid(model, example, edges[1 :: max(2, len(edges) // 3)], code, neurons)
    return made, example, trace(made, example, activation_bits=11)


def sent(workload: Workload) -> list[Traffic]:
    """Edges that carry symbols."""
    return [edge for edge in workload.traffic if edge.symbols == "event" or edge.element_bits != 11]


@pytest.mark.parametrize("name", REFERENCES)
def test_events_are_the_mean_of_the_non_zero_values_that_are_recorded(name: str) -> None:
    model, example, workload = traced(name)
    rows = record(model, example, {tensor for edge in workload.traffic for tensor in edge.tensors})
    for edge in workload.traffic:
        values = np.concatenate([rows[tensor] for tensor in edge.tensors], axis=1)
        assert values.shape == (len(example), edge.elements)
        assert edge.events == np.count_nonzero(values) / len(example), edge
        if edge.symbols == "event":
            assert np.array_equal(values, np.rint(values))
            assert 0 <= values.min() <= values.max() <= 2**edge.value_bits


@pytest.mark.parametrize("name", [name for name in REFERENCES if "spiking" in name])
def test_a_spiking_network_sends_some_but_not_all_of_its_events(name: str) -> None:
    edges = [edge for edge in traced(name)[2].traffic if edge.symbols == "event"]
    assert any(0 < edge.activity < 1 for edge in edges)


CODES: list[tuple[Code, float]] = [(Graded(2), 0.5), (Graded(3), 0), (Rate(3), 0.5), (Integer(8), 0), (Integer(4), 0.5)]

hybrids = pytest.mark.parametrize(
    ("name", "code", "neurons"),
    [(name, *case) for name in DENSE for case in (CODES[::3] if name == "rwkv" else CODES)],
    ids=str,
)
"""Reference networks and codes; the largest network with two of them."""


@hybrids
def test_packed_rows_of_a_hybrid_have_the_bits_that_the_edges_say(name: str, code: Code, neurons: float) -> None:
    made, example, workload = hybrid_traced(name, code, neurons)
    edges = sent(workload)
    assert len({edge.tensors for edge in edges}) == len(made.boundaries) > 0
    rows = record(made, example, (tensor for edge in edges for tensor in edge.tensors))
    for edge in edges:
        packet_format, found = wire.cheapest(edge), []
        for row in np.concatenate([rows[tensor] for tensor in edge.tensors], axis=1):
            symbols = row.astype(np.int32)
            assert np.array_equal(symbols, row)
            bits = packet_format.bits(edge.elements, np.count_nonzero(symbols))
            frame = packet_format.pack(symbols)
            assert len(frame) == math.ceil(bits / 8)
            assert np.array_equal(packet_format.unpack(frame, edge.elements), symbols)
            found.append(bits)
        assert np.mean(found) == pytest.approx(wire.bits(packet_format, edge), rel=1e-12)


@hybrids
def test_training_expects_the_bits_that_the_trace_measures(name: str, code: Code, neurons: float) -> None:
    made, example, workload = hybrid_traced(name, code, neurons)
    with torch.no_grad(), observed(made) as items:
        made(example)
    edges = {edge.tensors: edge for edge in sent(workload)}.values()
    measured = sorted(wire.bits(wire.cheapest(edge), edge) for edge in edges)
    assert sorted(float(item.bits()) for item in items) == pytest.approx(measured, rel=1e-7)


@hybrids
def test_edges_of_a_hybrid_carry_what_the_code_declares(name: str, code: Code, neurons: float) -> None:
    for edge in sent(hybrid_traced(name, code, neurons)[2]):
        assert edge.symbols == code.symbols
        assert edge.signed == code.signed
        assert edge.time_steps == code.time_steps
        assert (edge.value_bits if code.symbols == "event" else edge.element_bits) == code.value_bits


@hybrids
def test_hybrids_keep_every_layer_and_name_the_sides_of_their_boundaries(name: str, code: Code, neurons: float) -> None:
    names = {layer.name for layer in traced(name)[2].layers}
    made, _, workload = hybrid_traced(name, code, neurons)
    assert names <= workload.order.keys()
    sides = [layer for layer in workload.layers if layer.name.startswith("boundaries.")]
    for layer in sides:
        assert layer.kind == ("encode" if ".encoder" in layer.name else "decode")
        assert layer.event_driven == (layer.kind == "decode" and code.symbols == "event")
    if neurons:
        for number in range(len(made.boundaries)):
            assert workload.layer(f"boundaries.{number}.encoder.input").dense_macs > 0
            assert workload.layer(f"boundaries.{number}.decoder.output").dense_macs > 0
    assert workload.weights == sum(parameter.numel() for parameter in made.parameters())


@pytest.mark.parametrize("name", ["cnn", "rwkv"])
@pytest.mark.parametrize("seed", range(2))
def test_layers_keep_their_names_wherever_the_network_is_cut(name: str, seed: int) -> None:
    model, example, dense = traced(name)
    chosen = np.random.default_rng(seed).random(len(dense.traffic)) < (0.4 if name == "cnn" else 0.15)
    edges = [edge for edge, cut in zip(inner(dense), chosen, strict=False) if cut]
    assert edges
    workload = trace(hybrid(model, example, edges, Graded(2), 0.5), example)
    assert {layer.name for layer in dense.layers} <= workload.order.keys()
    assert {edge.source for edge in workload.traffic if edge.target.endswith(".encoder.input")} <= dense.order.keys()


def test_the_calls_of_a_loop_share_one_boundary() -> None:
    torch.manual_seed(0)
    model, example = CellLoop(nn.GRUCell(5, 6)), normal(3, 4, 5)
    (edge,) = trace(model, example).into("cell")
    assert len(edge.tensors) == edge.time_steps == 4
    made = hybrid(model, example, [edge], Integer(16), 1)
    assert len(made.boundaries) == 1
    with torch.no_grad():
        torch.testing.assert_close(made(example), model(example), rtol=0, atol=1e-3)
    workload = trace(made, example)
    (edge,) = (edge for edge in workload.traffic if edge.element_bits == 16)
    assert (edge.elements, edge.time_steps) == (4 * 5, 4)


def test_recorded_values_are_those_before_an_operator_in_place() -> None:
    class Overwriting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 5)

        def forward(self, value: Tensor) -> Tensor:
            return self.linear(value).relu_()

    model, example = Overwriting(), normal(6, 4)
    with torch.no_grad():
        expected = model.linear(example).numpy()
    assert expected.min() < 0
    np.testing.assert_allclose(record(model, example, ["linear"])["linear"], expected, rtol=1e-5, atol=1e-6)


def test_a_tensor_that_the_model_does_not_have_cannot_be_recorded() -> None:
    with pytest.raises(ValueError, match=r"Linear has no tensor 'nowhere': was it traced from this model\?"):
        record(nn.Linear(4, 4), normal(2, 4), ["nowhere"])


@dataclass(frozen=True)
class Offset(OneStep):
    """A code of a user, which holds a constant."""

    symbols = "event"
    levels = 1
    value_bits = 0
    signed = False

    def encode(self, current: Tensor, threshold: Tensor, leak: Tensor) -> Tensor:
        shifted = current + torch.tensor([0.25, -0.25])
        return fire(shifted.unsqueeze(0), leak, threshold, levels=1, signed=False, surrogate=ATan()).squeeze(0)


def test_a_code_may_hold_constants_of_its_own() -> None:
    model, example = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 3)), normal(5, 4)
    (edge,) = inner(trace(model, example))
    made = hybrid(model, example, [edge], Offset(), 1)
    (edge,) = (edge for edge in trace(made, example).traffic if edge.symbols == "event")
    assert edge.elements == 2
    assert not any("lifted" in name for name, _ in made.named_buffers()), "the model itself stays as it was"


@pytest.mark.parametrize("batch", [1, 3])
def test_shapes_leave_out_the_batch(batch: int) -> None:
    make: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = REFERENCES
    shapes = set()
    for size in (4, batch):
        model, example = make["cnn"]()
        shapes.add(tuple(edge.shape for edge in trace(model, example[:size]).traffic))
    assert len(shapes) == 1
