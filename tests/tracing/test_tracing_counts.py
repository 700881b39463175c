from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from tracing_cases import OPERATORS, REFERENCES, CellLoop, counted_by_torch, normal, traced

from axonal.tracing import trace


@pytest.mark.parametrize("name", OPERATORS)
def test_macs_equal_the_formula_and_torchs_own_counter(name: str) -> None:
    make, shape, by_hand = OPERATORS[name]
    model, example = make(), normal(3, *shape)
    macs = sum(layer.macs for layer in trace(model, example).layers)
    assert macs == by_hand
    assert macs == counted_by_torch(model, example)


@pytest.mark.parametrize("name", [name for name in REFERENCES if "spiking" not in name])
def test_macs_of_the_reference_networks_equal_torchs_own_counter(name: str) -> None:
    model, example, workload = traced(name)
    assert sum(layer.macs for layer in workload.layers) == counted_by_torch(model, example) > 0
    assert all(layer.macs == layer.dense_macs for layer in workload.layers)


@pytest.mark.parametrize("name", [name for name in REFERENCES if "spiking" in name])
def test_dense_macs_of_the_spiking_networks_equal_torchs_own_counter(name: str) -> None:
    model, example, workload = traced(name)
    synaptic = sum(layer.dense_macs for layer in workload.layers if layer.kind != "spike")
    assert synaptic == counted_by_torch(model, example) > 0


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("name", ["conv2d, groups and stride", "attention", "gru", "lstm cell"])
def test_counts_are_for_one_inference_whatever_the_batch(name: str, batch: int) -> None:
    make, shape, by_hand = OPERATORS[name]
    workload = trace(make(), normal(batch, *shape))
    assert sum(layer.macs for layer in workload.layers) == by_hand


def test_embedding_moves_vectors_without_a_multiplication() -> None:
    layer = trace(nn.Embedding(10, 6), torch.randint(0, 10, (3, 4))).layer("embedding")
    assert (layer.kind, layer.macs, layer.accumulates, layer.weights) == ("embedding", 0, 24, 60)


@pytest.mark.parametrize(
    ("module", "operations"), [(nn.ReLU(), 5), (nn.SiLU(), 10), (nn.BatchNorm1d(5), 10), (nn.Dropout(), 0)], ids=str
)
def test_arithmetic_is_counted_for_each_element(module: nn.Module, operations: int) -> None:
    workload = trace(nn.Sequential(nn.Linear(4, 5), module), normal(3, 4))
    assert [layer.kind for layer in workload.layers] == ["input", "linear", "output"]
    assert workload.layers[1].elementwise_ops == operations
    assert workload.layers[1].accumulates == 5, "the bias"


def test_operators_in_place_count_like_their_twins() -> None:
    def of(inplace: bool) -> nn.Sequential:
        return nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace), nn.SiLU(inplace), nn.Hardtanh(inplace=inplace))

    example = normal(3, 4)
    there, beside = (trace(of(inplace), example).layers[1] for inplace in (True, False))
    assert there == beside
    assert there.elementwise_ops == 5 + 10 + 5


def test_cell_with_computed_weights_counts_like_a_plain_one() -> None:
    plain, normed = nn.GRUCell(5, 6), parametrizations.weight_norm(nn.GRUCell(5, 6), "weight_hh")
    counts = [trace(CellLoop(cell), normal(2, 4, 5)).layer("cell").macs for cell in (plain, normed)]
    assert counts[0] == counts[1] == 4 * 3 * 6 * (5 + 6)


class Spiked(nn.Module):
    """Spikes, silent where the input is below one, into a layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        from axonal.spiking import IF  # noqa: PLC0415

        self.spike, self.layer = IF(1, time_axis=1, channel_axis=-1), layer

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layer(self.spike(value.unsqueeze(-1)).squeeze(-1))
        return result


@pytest.mark.parametrize("layer", [nn.Linear(6, 7), nn.Linear(6, 7, bias=False), nn.Conv1d(4, 3, 2)], ids=str)
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_event_driven_layers_add_once_for_each_event_and_synapse(layer: nn.Module, share: float) -> None:
    example = (torch.arange(5 * 24).view(5, 4, 6) % 4 < 4 * share).float()
    model = Spiked(layer)
    workload = trace(model, example)
    found, (edge,) = workload.layer("layer"), workload.into("layer")
    bias = layer.bias.numel() * found.neurons // layer.bias.numel() if layer.bias is not None else 0
    assert edge.activity == share
    assert found.event_driven
    assert found.macs == 0
    assert found.dense_macs == counted_by_torch(model, example)
    assert found.accumulates == found.dense_macs * share + bias


def test_additions_of_a_spiking_linear_layer_are_its_real_events_times_its_outputs() -> None:
    example = (normal(7, 4, 6) > 0.5).float()
    layer = trace(Spiked(nn.Linear(6, 9, bias=False)), example).layer("layer")
    assert layer.accumulates == pytest.approx(float(example.sum()) / 7 * 9, rel=1e-12)


class OneStep(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(6, 5)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.cell(value[:, 0])
        return result


@pytest.mark.parametrize("module", [nn.LayerNorm(6), nn.GRU(6, 6, batch_first=True), OneStep()], ids=str)
def test_layers_that_compute_on_silence_are_not_event_driven(module: nn.Module) -> None:
    example = (normal(3, 4, 6) > 0.5).float()
    for layer in trace(Spiked(module), example).layers:
        assert not layer.event_driven, layer.name
