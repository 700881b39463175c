from __future__ import annotations

import pytest
import torch
from torch import Tensor, fx, nn
from tracing_cases import OPERATORS, REFERENCES, Apply, CellLoop, normal, traced

from axonal.spiking import ATan, lif_step
from axonal.tracing import trace
from axonal.workload import Workload


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", REFERENCES)
def test_every_parameter_of_a_reference_network_is_stored_once(name: str) -> None:
    model, _, workload = traced(name)
    assert workload.weights == parameters(model) > 0


@pytest.mark.parametrize("name", ["gru, deep", "lstm", "gru cell", "attention", "conv2d, groups and stride"])
def test_every_parameter_of_a_module_is_stored_once(name: str) -> None:
    make, shape, _ = OPERATORS[name]
    model = make()
    assert trace(model, normal(2, *shape)).weights == parameters(model)


def test_buffers_are_no_weights() -> None:
    norm = nn.BatchNorm1d(5)
    workload = trace(nn.Sequential(nn.Linear(4, 5), norm), normal(3, 4))
    assert workload.weights == 4 * 5 + 5 + 2 * 5


def test_a_parameter_that_layers_share_in_slices_is_stored_in_slices() -> None:
    model = Apply(lambda x, w: (x @ w[:, :3]).relu() @ w[:3, 3:], 4, 6)
    first, second = (layer for layer in trace(model, normal(2, 4)).layers if layer.kind == "matmul")
    assert (first.weights, second.weights) == (12, 9)


@pytest.mark.parametrize("name", REFERENCES)
def test_workloads_survive_a_round_trip_through_json(name: str) -> None:
    workload = traced(name)[2]
    assert Workload.from_json(workload.to_json()) == workload


@pytest.mark.parametrize("name", REFERENCES)
def test_layers_are_connected_in_order_from_the_input_to_the_output(name: str) -> None:
    workload = traced(name)[2]
    assert [workload.layers[index].kind for index in (0, -1)] == ["input", "output"]
    for layer in workload.layers[1:]:
        assert any(True for _ in workload.into(layer.name)), layer.name
    for layer in workload.layers[:-1]:
        assert any(True for _ in workload.out_of(layer.name)), layer.name


def test_layers_are_named_after_the_modules_that_own_their_weights() -> None:
    names = [layer.name for layer in traced("cnn")[2].layers]
    assert names == ["input", *(f"blocks.{number}.convolution" for number in range(5)), "head", "output"]


def test_tracing_twice_gives_the_same_workload() -> None:
    model, example, workload = traced("rwkv")
    assert trace(model, example) == workload


@pytest.mark.parametrize("steps", [2, 7])
@pytest.mark.parametrize("cell", [nn.GRUCell, nn.LSTMCell])
def test_a_loop_over_time_is_one_layer_with_time_steps(cell: type[nn.GRUCell], steps: int) -> None:
    model = CellLoop(cell(5, 6))
    workload = trace(model, normal(3, steps, 5))
    assert [layer.name for layer in workload.layers] == ["input", "before", "cell", "head", "output"]
    layer = workload.layer("cell")
    assert (layer.time_steps, layer.neurons, layer.weights) == (steps, 6, parameters(model.cell))
    assert layer.state_bits > 0
    (into,), (out,) = workload.into("cell"), workload.out_of("cell")
    assert into.elements == steps * 5
    assert out.elements == 6, "only the last state is read"


class Accumulating(nn.Module):
    """A spiking layer stepped by hand; each step's spikes are read."""

    def __init__(self, *, recurrent: bool) -> None:
        super().__init__()
        self.linear, self.head = nn.Linear(4, 6), nn.Linear(6, 2)
        self.back = nn.Linear(6, 6) if recurrent else None
        self.leak, self.threshold = nn.Parameter(torch.full((6,), 0.5)), nn.Parameter(torch.full((6,), 0.2))

    def forward(self, value: Tensor) -> Tensor:
        membrane = spikes = value.new_zeros(value.shape[0], 6)
        total = 0
        for step in value.unbind(1):
            current = self.linear(step)
            if self.back is not None:
                current = current + self.back(spikes)
            spikes, membrane = lif_step(current, membrane, self.leak, self.threshold, ATan())
            total = total + self.head(spikes)
        assert isinstance(total, Tensor)
        return total


@pytest.mark.parametrize("recurrent", [False, True])
def test_neurons_stepped_by_hand_are_one_spiking_layer_with_time_steps(recurrent: bool) -> None:
    model = Accumulating(recurrent=recurrent)
    workload = trace(model, normal(3, 5, 4))
    spiking = workload.layer("fire")
    assert (spiking.time_steps, spiking.weights) == (5, 12 if model.back is None else 12 + parameters(model.back))
    (edge,) = workload.out_of("fire")
    assert (edge.symbols, edge.value_bits, edge.time_steps, edge.elements) == ("event", 0, 5, 30)
    assert workload.layer("head").event_driven


class Branches(nn.Module):
    """A residual stream that several layers read."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.left, self.right, self.norm = (
            nn.Linear(5, 5),
            nn.Linear(5, 5),
            nn.Linear(5, 5),
            nn.LayerNorm(5),
        )

    def forward(self, value: Tensor) -> Tensor:
        stream = self.first(value).relu()
        stream = stream + self.left(stream)
        result: Tensor = stream + self.right(self.norm(stream))
        return result


def test_a_residual_stream_is_one_tensor_for_all_its_readers() -> None:
    workload = trace(Branches(), normal(3, 5))
    for layer in workload.layers[:-1]:
        assert len({edge.tensors for edge in workload.out_of(layer.name)}) == 1, layer.name


def test_repeating_an_input_over_time_sends_it_once() -> None:
    workload = traced("mlp spiking")[2]
    (edge,) = workload.out_of("input")
    assert edge.elements == 9


def test_a_model_that_another_tool_wrote_down_counts_the_same() -> None:
    model, example = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)), normal(3, 4)
    written = fx.symbolic_trace(model)
    ours, theirs = trace(model, example), trace(written, example)
    assert [layer.macs for layer in ours.layers] == [layer.macs for layer in theirs.layers]
    assert [edge.events for edge in ours.traffic] == [edge.events for edge in theirs.traffic]


class Signalled(nn.Module):
    """Does something to spikes before a layer reads them."""

    def __init__(self, change: object) -> None:
        super().__init__()
        self.leak, self.threshold = nn.Parameter(torch.full((4,), 0.5)), nn.Parameter(torch.full((4,), 0.5))
        self.offset, self.head, self.change = nn.Parameter(torch.rand(4)), nn.Linear(4, 2), change

    def forward(self, value: Tensor) -> Tensor:
        spikes, _ = lif_step(value, torch.zeros_like(value), self.leak, self.threshold, ATan())
        result: Tensor = self.head(self.change(spikes, self.offset))  # type: ignore[operator]
        return result


@pytest.mark.parametrize(
    ("change", "seen_as"),
    [
        (lambda s, _: s, "spikes"),
        (lambda s, _: s.unsqueeze(1).roll(1, -1).squeeze(1), "spikes"),
        (lambda s, _: nn.functional.pad(s[:, 1:], (0, 1)), "spikes"),
        (lambda s, _: torch.cat([s[:, :2], s[:, :2]], 1), "spikes"),
        (lambda s, _: s + s.flip(-1), "graded"),
        (lambda s, _: torch.add(s, s.flip(-1), alpha=2), "dense"),
        (lambda s, _: s + 1, "dense"),
        (lambda s, _: s * 0.5, "dense"),
        (lambda s, _: s.mean(-1, keepdim=True).expand(-1, 4), "dense"),
        (lambda s, w: torch.cat([s[:, :2], w[:2].expand(s.shape[0], 2)], 1), "dense"),
        (lambda s, _: nn.functional.pad(s[:, 1:], (0, 1), value=0.3), "dense"),
    ],
)
def test_values_count_as_events_only_where_they_certainly_are(change: object, seen_as: str) -> None:
    layer = trace(Signalled(change), torch.tensor([[-1.0, 1.0, 1.0, -1.0]] * 3)).layer("head")
    assert layer.event_driven == (seen_as != "dense")
    assert (layer.macs == 0) == (seen_as == "spikes")
    assert (layer.macs == layer.dense_macs) == (seen_as == "dense")


def test_a_sum_of_spikes_needs_bits_for_its_value() -> None:
    kinds = {edge.source: edge.value_bits for edge in traced("rwkv spiking")[2].traffic if edge.symbols == "event"}
    assert (kinds["spike"], kinds["blocks.0.spikes.0"], kinds["blocks.0.spikes.1"]) == (0, 1, 2)


def test_addresses_of_spikes_are_local_to_a_time_step() -> None:
    edges = [edge for edge in traced("cnn spiking")[2].traffic if edge.symbols == "event"]
    assert edges
    for edge in edges:
        assert edge.time_steps == 3
        assert edge.group == edge.elements / 3
