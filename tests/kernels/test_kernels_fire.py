from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from kernels_unrolled import SURROGATES, fire_unrolled, gradients, neurons, quick
from torch import Tensor, nn

from axonal.kernels import ATan, Surrogate, fire, fire_reference


def random_neurons(steps: int, seed: int, *, width: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    source = torch.Generator().manual_seed(seed)
    current = torch.randn(steps, 3, width, generator=source, dtype=torch.float64) * 2
    leak = torch.rand(width, generator=source, dtype=torch.float64)
    threshold = torch.rand(width, generator=source, dtype=torch.float64) + 0.3
    return tuple(tensor.requires_grad_() for tensor in (current, leak, threshold))  # type: ignore[return-value]


@given(neurons())
@quick
def test_fire_equals_its_plain_reference(case: tuple[Tensor, Tensor, Tensor, int, bool]) -> None:
    current, leak, threshold, levels, signed = case
    symbols = fire(current, leak, threshold, levels=levels, signed=signed, surrogate=ATan())
    assert symbols.tolist() == fire_reference(current, leak, threshold, levels=levels, signed=signed).tolist()


@given(neurons())
@quick
def test_symbols_are_whole_numbers_within_the_levels(case: tuple[Tensor, Tensor, Tensor, int, bool]) -> None:
    current, leak, threshold, levels, signed = case
    symbols = fire(current, leak, threshold, levels=levels, signed=signed, surrogate=ATan())
    assert torch.equal(symbols, symbols.round())
    assert float(symbols.max()) <= levels
    assert float(symbols.min()) >= (-levels if signed else 0)


@given(neurons())
@quick
def test_what_comes_in_is_sent_or_kept_when_nothing_leaks(case: tuple[Tensor, Tensor, Tensor, int, bool]) -> None:
    current, _, threshold, levels, _ = case
    symbols = fire(current, torch.ones(1), threshold, levels=levels, signed=True, surrogate=ATan())
    kept = (current - threshold * symbols).cumsum(0)
    silent = symbols.abs() < levels
    assert bool((kept.abs() < threshold)[silent].all())


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize(("levels", "signed"), [(1, False), (1, True), (3, False), (4, True)])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)
def test_gradient_equals_autograd_through_the_unrolled_loop(
    steps: int, levels: int, signed: bool, surrogate: Surrogate
) -> None:
    inputs = random_neurons(steps, seed=steps + levels)
    fast = fire(*inputs, levels=levels, signed=signed, surrogate=surrogate)
    slow = fire_unrolled(*inputs, levels=levels, signed=signed, surrogate=surrogate)
    assert torch.equal(fast.detach(), slow.detach())
    assert float(fast.detach().abs().sum()) > 0, "a silent case would compare nothing"
    names = ("current", "leak", "threshold")
    for name, ours, autograd in zip(names, gradients(fast, inputs), gradients(slow, inputs), strict=True):
        torch.testing.assert_close(ours, autograd, rtol=1e-9, atol=1e-12, msg=lambda text, name=name: f"{name}: {text}")
        assert bool(ours.any()) == (name != "leak" or steps > 1), f"{name}: the first step has nothing to leak"


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 5), (3, 1)])
def test_gradient_of_a_shared_parameter_is_the_sum_over_those_that_share_it(shape: tuple[int, ...]) -> None:
    current, _, _ = random_neurons(4, seed=1)
    leak = torch.full(shape, 0.6, dtype=torch.float64, requires_grad=True)
    threshold = torch.full(shape, 0.8, dtype=torch.float64, requires_grad=True)
    inputs = (current, leak, threshold)
    fast = fire(*inputs, levels=2, signed=True, surrogate=ATan())
    slow = fire_unrolled(*inputs, levels=2, signed=True, surrogate=ATan())
    for ours, autograd in zip(gradients(fast, inputs), gradients(slow, inputs), strict=True):
        torch.testing.assert_close(ours, autograd, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 3])
def test_fire_passes_the_checks_of_torch_for_custom_operators(steps: int) -> None:
    arguments = (*random_neurons(steps, seed=2), 2, True, "ATan", 2.0)
    results = torch.library.opcheck(torch.ops.axonal.fire.default, arguments)
    assert set(results.values()) == {"SUCCESS"}


class Spiking(nn.Module):
    """Weights before and after a neuron, and learnable neuron parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(4, 5), nn.Linear(5, 2)
        self.leak = nn.Parameter(torch.full((5,), 0.5))
        self.threshold = nn.Parameter(torch.full((5,), 0.4))

    def forward(self, value: Tensor) -> Tensor:
        spikes = fire(self.before(value), self.leak, self.threshold, levels=2, signed=True, surrogate=ATan())
        result: Tensor = self.after(spikes)
        return result


def gradients_of(model: nn.Module, value: Tensor, like: nn.Module) -> list[Tensor]:
    model(value).square().sum().backward()
    found = dict(model.named_parameters())
    gradients = [found[name].grad for name, _ in like.named_parameters()]
    assert all(gradient is not None and gradient.any() for gradient in gradients)
    return [gradient.clone() for gradient in gradients if gradient is not None]


def test_gradient_of_the_exported_model_equals_the_eager_one() -> None:
    torch.manual_seed(0)
    model, value = Spiking(), torch.randn(3, 2, 4)
    eager = gradients_of(model, value, model)
    model.zero_grad()
    exported = torch.export.export(model, (value,)).module()
    assert all(torch.equal(a, b) for a, b in zip(gradients_of(exported, value, model), eager, strict=True))


def test_gradient_of_the_compiled_model_equals_the_eager_one() -> None:
    torch.manual_seed(0)
    model, value = Spiking(), torch.randn(3, 2, 4)
    eager = gradients_of(model, value, model)
    model.zero_grad()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    compiled(value).square().sum().backward()
    for parameter, gradient in zip(model.parameters(), eager, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_fire_refuses_a_neuron_without_levels() -> None:
    with pytest.raises(ValueError, match="levels is 0, must be >= 1"):
        fire(*random_neurons(1, seed=0), levels=0, signed=False, surrogate=ATan())


def test_fire_refuses_a_surrogate_that_its_gradient_could_not_find_again() -> None:
    @dataclass(frozen=True)
    class Mine(ATan):
        width: float = 3.0

    with pytest.raises(ValueError, match=r"surrogate .*Mine.* is none of ATan, StraightThrough, Triangle"):
        fire(*random_neurons(1, seed=0), levels=1, signed=False, surrogate=Mine())
