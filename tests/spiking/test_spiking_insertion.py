from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from spiking_models import MODELS, Residual, hybrid, inner_edges, traced
from torch import Tensor, nn

from axonal.spiking import Boundary, Graded, Integer, boundaries_of, calibrate, exported, insert_boundaries
from axonal.tracing import trace

NAMES = sorted(MODELS)


def whole(features: int, axis: int) -> Boundary:
    return Boundary(features, features, Integer(16), axis)


@pytest.mark.parametrize("neurons", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_boundaries_that_lose_nearly_nothing_change_nearly_nothing(name: str, neurons: int) -> None:
    model, example, made = hybrid(name, Integer(16), neurons=neurons)
    with torch.no_grad():
        expected, found = model.eval()(example), made(example)
    assert float((found - expected).norm() / expected.norm()) < 1e-3
    assert not torch.equal(found, expected)


@pytest.mark.parametrize("name", NAMES)
def test_each_crossing_tensor_has_one_boundary_and_each_weight_its_name(name: str) -> None:
    model, _, made = hybrid(name, Integer(8), neurons=0)
    assert len(boundaries_of(made)) == len({edge.tensors for edge in inner_edges(traced(name)[2])})
    ours, found = model.state_dict(), made.state_dict()
    for key, tensor in ours.items():
        if not key.endswith("num_batches_tracked"):  # a counter that evaluation never reads
            assert torch.equal(found[key], tensor), key
    assert all(key.startswith("boundaries.") for key in found.keys() - ours.keys())


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_weight_through_the_boundaries(name: str) -> None:
    model, example, made = hybrid(name, Graded(3), neurons=1)
    made = copy.deepcopy(made)
    made(example).square().sum().backward()
    for key, parameter in made.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_batch_size_is_free(name: str) -> None:
    _, example, made = hybrid(name, Integer(8), neurons=0)
    with torch.no_grad():
        at_once = made(example)
        for batch in (1, 3):
            torch.testing.assert_close(made(example[:batch]), at_once[:batch], rtol=1e-4, atol=1e-5)


def test_the_model_itself_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = Residual()
    model.train()
    model.right.eval()
    calls: list[str] = []
    model.left.register_forward_hook(lambda *_: calls.append("left"))
    example = torch.randn(4, 6)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    state, workload = torch.get_rng_state(), trace(model, example)
    made = insert_boundaries(model, example, inner_edges(workload), lambda n, axis: Boundary(n, 0, Integer(16), axis))
    calibrate(made, example)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert len(model.left._forward_hooks) == 1
    calls.clear()
    model(example)
    assert calls == ["left"]
    with torch.no_grad():
        next(made.parameters()).add_(1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


class Fan(nn.Module):
    """Two layers read one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.left, self.right = nn.Linear(6, 8), nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, value: Tensor) -> Tensor:
        shared = self.first(value).unsqueeze(1)
        return self.left(shared) - self.right(shared)


def test_only_the_readers_of_an_edge_read_through_its_boundary() -> None:
    torch.manual_seed(0)
    model, example = Fan(), torch.randn(4, 6)
    edges = [edge for edge in inner_edges(trace(model, example)) if edge.source == "first"]
    assert {edge.target for edge in edges} == {"left", "right"}
    assert len({edge.tensors for edge in edges}) == 1
    mute = Boundary(8, 0, Integer(8))
    with torch.no_grad():
        mute.decoder.log_scale.fill_(-100)
        shared = model.first(example).unsqueeze(1)
        sent = {"left": shared, "right": shared}
        for edge in edges:
            made = insert_boundaries(model, example, [edge], lambda *_: mute)
            heard = sent | {edge.target: torch.zeros_like(shared)}
            torch.testing.assert_close(made(example), model.left(heard["left"]) - model.right(heard["right"]))


@pytest.mark.parametrize("change", ["tensors", "readers"])
def test_edges_of_another_model_are_refused(change: str) -> None:
    model, example, workload = traced("mlp")
    edge = replace(inner_edges(workload)[0], **{change: ("nowhere",)})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"nowhere.*was it traced from this model\?"):
        insert_boundaries(model, example, [edge], whole)


def test_boundaries_cannot_be_inserted_twice() -> None:
    _, example, made = hybrid("mlp", Integer(8), neurons=0)
    with pytest.raises(ValueError, match="has an attribute 'boundaries' already: insert all boundaries at once"):
        insert_boundaries(made, example, inner_edges(traced("mlp")[2])[:1], whole)


class Branching(nn.Module):
    def forward(self, value: Tensor) -> Tensor:
        return value + 1 if value.sum() > 0 else value - 1


class Fixed(nn.Module):
    def forward(self, value: Tensor) -> Tensor:
        return torch.stack([row * number for number, row in enumerate(value)])


class Empty(nn.Module):
    def forward(self, _: Tensor) -> Tensor:
        raise AssertionError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Branching, r"Branching cannot be traced .* control flow does not depend on values"),
        (Fixed, r"Fixed fixes the batch size to 3"),
        (Empty, r"Empty cannot be traced \(AssertionError: no reason given\)"),
        (lambda: nn.Bilinear(2, 2, 2), r"Bilinear cannot be traced .* a function of one tensor"),
    ],
)
def test_models_that_no_graph_can_hold_are_refused_in_one_line(make: Callable[[], nn.Module], message: str) -> None:
    model = make()
    with pytest.raises(ValueError, match=message) as caught:
        exported(model, torch.ones(3, 2))
    assert "\n" not in str(caught.value)
    assert model.training


class Several(nn.Module):
    def forward(self, value: Tensor) -> dict[str, Tensor | tuple[Tensor]]:
        return {"twice": value * 2, "nested": (value + 1,)}


def test_several_results_come_back_as_one_flat_tuple() -> None:
    value = torch.randn(2, 3)
    twice, more = exported(Several(), value)(value)
    assert torch.equal(twice, value * 2)
    assert torch.equal(more, value + 1)
