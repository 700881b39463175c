from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from tracing_cases import CellLoop, SelfAttention, normal

from axonal.tracing import trace
from axonal.tracing.operators import Count


@torch.library.custom_op("axonal_tests::mystery", mutates_args=())
def mystery(value: Tensor) -> Tensor:
    return value * 2


@mystery.register_fake
def _(value: Tensor) -> Tensor:
    return torch.empty_like(value)


class Unknown(nn.Module):
    def __init__(self, *, fourier: bool) -> None:
        super().__init__()
        self.linear, self.fourier = nn.Linear(4, 4), fourier

    def forward(self, value: Tensor) -> Tensor:
        value = self.linear(value)
        return torch.fft.rfft(value).abs() if self.fourier else mystery(value)


@pytest.mark.parametrize(("fourier", "name"), [(True, "fft_rfft"), (False, "mystery")])
def test_an_unknown_operator_is_named_and_can_be_counted_by_the_caller(fourier: bool, name: str) -> None:
    model, example = Unknown(fourier=fourier), normal(3, 4)
    with pytest.raises(ValueError, match=rf"operator .*{name}.* in the model cannot be counted: .*'{name}'") as caught:
        trace(model, example)
    assert "\n" not in str(caught.value)
    workload = trace(model, example, counters={name: lambda _, result: Count(macs=10 * result.numel())})
    plain = trace(model.linear, example).layers[1]
    assert sum(layer.macs for layer in workload.layers) == plain.macs + 10 * (3 if fourier else 4)


def test_a_counter_of_the_caller_goes_before_the_own_one() -> None:
    workload = trace(nn.Linear(4, 4), normal(3, 4), counters={"linear": lambda *_: Count(macs=1)})
    assert workload.layers[1].macs == 1


def test_a_mistake_in_the_callers_counter_is_shown_as_it_is() -> None:
    def broken(*_: object) -> Count:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        trace(nn.Linear(4, 4), normal(3, 4), counters={"linear": broken})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_parameter_that_is_not_finite_is_named(value: float) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    with torch.no_grad():
        model[1].bias[1] = value
    with pytest.raises(ValueError, match=r"parameter 1\.bias holds NaN or infinity"):
        trace(model, normal(3, 4))


def test_values_that_are_not_finite_are_refused_where_they_arise() -> None:
    norm = nn.BatchNorm1d(4)
    norm.running_var.fill_(float("nan"))
    with pytest.raises(ValueError, match=r"^1 produced NaN or infinity in batch_norm$"):
        trace(nn.Sequential(nn.Linear(4, 4), norm), normal(3, 4))
    large = nn.Sequential(nn.Linear(4, 4))
    nn.init.constant_(large[0].weight, 3e38)
    with pytest.raises(ValueError, match=r"^0 produced NaN or infinity in linear$"):
        trace(large, torch.full((3, 4), 2.0))


def test_an_example_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="example holds NaN or infinity"):
        trace(nn.Linear(4, 4), torch.full((3, 4), float("nan")))


class Masked(nn.Module):
    """Causal attention as it is often written, with minus infinity where no one may look."""

    def __init__(self, *, leaks: bool = False) -> None:
        super().__init__()
        self.query, self.leaks = nn.Linear(4, 4), leaks
        self.register_buffer("mask", torch.ones(5, 5, dtype=torch.bool).triu(1))

    def forward(self, value: Tensor) -> Tensor:
        scores = (self.query(value) @ value.mT).masked_fill(self.mask, float("-inf"))
        return scores if self.leaks else scores.softmax(-1) @ value


def test_masks_of_minus_infinity_are_no_fault() -> None:
    workload = trace(Masked(), normal(3, 5, 4))
    assert sum(layer.macs for layer in workload.layers) == 5 * 4 * 4 + 2 * 5 * 5 * 4
    with pytest.raises(ValueError, match="the model produced NaN or infinity in output"):
        trace(Masked(leaks=True), normal(3, 5, 4))


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, value: Tensor) -> Tensor:
        value = self.linear(value)
        return value if value.mean() > 0 else -value


def test_control_flow_that_depends_on_values_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"Gated cannot be traced .* control flow does not depend on values") as caught:
        trace(Gated(), normal(3, 4))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("example", [torch.tensor(1.0), torch.empty(0, 4)])
def test_an_example_without_a_batch_is_refused(example: Tensor) -> None:
    with pytest.raises(ValueError, match="needs a leading batch axis of at least 1"):
        trace(nn.Linear(4, 4), example)


def found(model: nn.Module) -> tuple[object, ...]:
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in model.modules()]
    state = {name: tensor.clone() for name, tensor in model.state_dict(keep_vars=False).items()}
    grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    flags = [(p.requires_grad, id(p)) for p in model.parameters()]
    return [m.training for m in model.modules()], hooks, flags, state, grads


def equal(one: object, other: object) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


class Everything(nn.Module):
    """Modules that treat training and evaluation differently, or keep something for themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop, self.attention = nn.BatchNorm1d(5), nn.Dropout(0.4), SelfAttention(need_weights=False)
        self.recurrent, self.loop = nn.GRU(8, 5, batch_first=True), CellLoop(nn.GRUCell(5, 6))

    def forward(self, value: Tensor) -> Tensor:
        mixed = self.drop(self.norm(self.attention(value)))
        result: Tensor = self.loop(self.recurrent(mixed)[0])
        return result


@pytest.mark.parametrize("gradients", [True, False])
def test_the_model_and_the_world_are_left_exactly_as_they_were(gradients: bool) -> None:
    torch.manual_seed(0)
    model, example = Everything(), normal(3, 5, 8)
    model.train()
    model.norm.eval()
    model.recurrent.weight_ih_l0.requires_grad_(False)
    model.drop.register_forward_hook(lambda *_: None)
    model(example).sum().backward()
    before, given, state = found(model), example.clone(), torch.get_rng_state()
    fast = torch.backends.mha.get_fastpath_enabled()
    with torch.set_grad_enabled(gradients):
        workload = trace(model, example)
        assert torch.is_grad_enabled() == gradients
    assert workload.weights == sum(parameter.numel() for parameter in model.parameters())
    assert equal(found(model), before)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(example, given)
    assert torch.backends.mha.get_fastpath_enabled() == fast
    model.eval()
    assert torch.equal(model(example), model(example))
