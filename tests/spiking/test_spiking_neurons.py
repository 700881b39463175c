from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from axonal.spiking import IF, LIF, ATan, StraightThrough, Surrogate, Triangle, lif_step


def looped(neurons: LIF, current: Tensor) -> Tensor:
    """`batch time channel` step by step."""
    membrane, spikes = torch.zeros_like(current[:, 0]), []
    for step in current.unbind(1):
        fired, membrane = lif_step(step, membrane, neurons.leak(), neurons.log_threshold.exp(), neurons.surrogate)
        spikes.append(fired)
    return torch.stack(spikes, dim=1)


def gradients(output: Tensor, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view(output.shape)
    return torch.autograd.grad((output * weights).sum(), inputs)


@pytest.mark.parametrize("surrogate", [ATan(), Triangle(), StraightThrough()], ids=repr)
@pytest.mark.parametrize("kind", [LIF, IF])
def test_neurons_over_time_equal_a_loop_of_steps(kind: type[LIF], surrogate: Surrogate) -> None:
    torch.manual_seed(0)
    neurons = kind(3, surrogate=surrogate, threshold=0.7).double()
    with torch.no_grad():
        neurons.log_threshold.add_(torch.randn(3) * 0.3)
        neurons.leak_logit.add_(torch.randn(3))
    current = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    layer, loop = neurons(current), looped(neurons, current)
    assert torch.equal(layer, loop)
    assert 0 < float(layer.detach().mean()) < 1
    inputs = [current, *(parameter for parameter in neurons.parameters() if parameter.requires_grad)]
    for ours, stepped in zip(gradients(layer, inputs), gradients(loop, inputs), strict=True):
        torch.testing.assert_close(ours, stepped, rtol=1e-9, atol=1e-12)
        assert ours.any()


def test_neurons_that_integrate_have_no_leak_to_learn() -> None:
    neurons = IF(4)
    neurons(torch.rand(2, 3, 4)).sum().backward()
    assert neurons.leak_logit.grad is None
    assert neurons.log_threshold.grad is not None
    assert [name for name, parameter in neurons.named_parameters() if parameter.requires_grad] == ["log_threshold"]


@given(st.lists(st.integers(0, 8), min_size=1, max_size=12))
@settings(deadline=None, max_examples=50)
def test_integrating_neurons_lose_no_charge(eighths: list[int]) -> None:
    current = torch.tensor(eighths).view(1, -1, 1) / 8
    spikes = IF(1)(current).detach()
    assert 0 <= float(current.sum() - spikes.sum()) < 1


@pytest.mark.parametrize(("time_axis", "channel_axis"), [(0, 1), (1, 2), (1, -1), (-2, -1), (-1, 0), (3, -3), (2, 1)])
def test_time_and_channels_may_lie_on_any_axes(time_axis: int, channel_axis: int) -> None:
    torch.manual_seed(0)
    value = torch.randn(3, 4, 5, 6)
    neurons = LIF(value.shape[channel_axis], time_axis=time_axis, channel_axis=channel_axis)
    plain = LIF(value.shape[channel_axis])
    for layer in (neurons, plain):
        nn.init.normal_(layer.leak_logit, generator=torch.Generator().manual_seed(1))
        nn.init.normal_(layer.log_threshold, generator=torch.Generator().manual_seed(2))
    usual = value.movedim((time_axis, channel_axis), (1, -1))
    assert torch.equal(neurons(value).movedim((time_axis, channel_axis), (1, -1)), plain(usual))


def test_a_shorter_sequence_has_the_same_first_spikes() -> None:
    current = torch.randn(2, 6, 3)
    neurons = LIF(3)
    assert torch.equal(neurons(current)[:, :4], neurons(current[:, :4]))


@pytest.mark.parametrize(
    ("settings_", "message"),
    [({"leak": 1.0}, r"leak is 1.0, must be inside \(0, 1\)"), ({"threshold": 0.0}, "threshold is 0.0, must be > 0")],
)
def test_impossible_neurons_are_refused(settings_: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LIF(2, **settings_)  # type: ignore[arg-type]
