"""What the receiver reads of a code: how close it is to the current, and where its gradient goes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spiking_codes import ALL, NEURONS, currents, read, sent
from torch import Tensor

from axonal.spiking import (
    BitPlane,
    Bottleneck,
    Burst,
    Code,
    Encoder,
    FewSpikes,
    Float,
    Graded,
    Integer,
    Latency,
    Noise,
    Rate,
    SigmaDelta,
    ternary,
)

THRESHOLDS = st.sampled_from([0.25, 1.0, 3.0])
fast = settings(deadline=None, max_examples=40)


def ratios(low: float, high: float, seed: int, *, places: int = 50) -> Tensor:
    """Currents in thresholds, uniform within `[low, high)`, shape `1 places NEURONS`."""
    source = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(1, places, NEURONS, generator=source)


def error(code: Code, ratio: Tensor, threshold: float) -> Tensor:
    """What is missing of a current, in thresholds."""
    return ratio - read(code, sent(code, ratio * threshold, threshold))


@given(steps=st.integers(2, 8), threshold=THRESHOLDS, seed=st.integers(0, 99))
@fast
def test_few_spikes_miss_less_than_a_threshold_within_their_range(steps: int, threshold: float, seed: int) -> None:
    missing = error(FewSpikes(steps), ratios(0, 2**steps - 1e-3, seed), threshold)
    assert -1e-3 < float(missing.min()) <= float(missing.max()) < 1


@given(bits=st.integers(2, 8), threshold=THRESHOLDS, seed=st.integers(0, 99))
@fast
def test_bit_planes_miss_at_most_half_a_threshold_within_their_range(bits: int, threshold: float, seed: int) -> None:
    half = 2 ** (bits - 1)
    assert float(error(BitPlane(bits), ratios(-half - 0.5, half - 0.5, seed), threshold).abs().max()) <= 0.501


@pytest.mark.parametrize("code", [FewSpikes(4), BitPlane(4)], ids=repr)
def test_each_plane_left_out_at_the_end_doubles_the_error_at_most(code: Code) -> None:
    ratio = ratios(-7 if code == BitPlane(4) else 0, 7, seed=1)
    symbols = sent(code, ratio)
    for kept in range(1, 5):
        shorter = symbols.clone()
        shorter[:, kept:] = 0
        assert float((ratio - read(code, shorter)).abs().max()) <= 2 ** (4 - kept) + 0.5


@given(slots=st.sampled_from([1, 2, 4, 8, 16, 32, 64]), threshold=THRESHOLDS, seed=st.integers(0, 99))
@fast
def test_a_latency_reads_as_the_least_current_that_fires_so_early(slots: int, threshold: float, seed: int) -> None:
    ratio = ratios(-1.5, 1.5, seed)
    symbols = sent(Latency(slots), ratio * threshold, threshold)
    value = read(Latency(slots), symbols)
    time = slots + 1 - symbols.abs()
    fired = symbols != 0
    torch.testing.assert_close(value[fired], (symbols.sign() / time)[fired])
    assert not bool(value[~fired].any())
    assert float(ratio.abs()[~fired].amax()) <= 1 / slots + 1e-5
    # It fires not before its membrane has reached the threshold, and then at once.
    assert bool((ratio.abs() * time >= 1 - 1e-5)[fired].all())
    assert bool((ratio.abs() * (time - 1) < 1 + 1e-5)[fired].all())


@given(bits=st.integers(2, 8), threshold=THRESHOLDS, seed=st.integers(0, 99))
@fast
def test_graded_events_miss_less_than_a_threshold_and_never_overshoot(bits: int, threshold: float, seed: int) -> None:
    code = Graded(bits)
    ratio = ratios(-code.levels - 0.99, code.levels + 0.99, seed)
    missing = error(code, ratio, threshold) * ratio.sign()
    assert -1e-3 < float(missing.min()) <= float(missing.max()) < 1 + 1e-3


@pytest.mark.parametrize("code", [Integer(4), Integer(8), Bottleneck(7)], ids=repr)
def test_numbers_miss_at_most_half_a_step_within_their_range(code: Code) -> None:
    assert float(error(code, ratios(-7.5, 7.5, seed=2), 0.7).abs().max()) <= 0.501


def test_half_precision_keeps_eleven_bits() -> None:
    ratio = currents(3, spread=100)
    assert float(((ratio - read(Float(), sent(Float(), ratio))) / ratio).abs().max()) <= 2**-11
    assert not torch.equal(sent(Float(), ratio), ratio)


@given(steps=st.integers(1, 20), seed=st.integers(0, 99))
@fast
def test_an_integrated_rate_misses_less_than_one_spike(steps: int, seed: int) -> None:
    missing = error(Rate(steps, leaky=False), ratios(0, 1, seed), 1.0) * steps
    assert -1e-3 < float(missing.min()) <= float(missing.max()) < 1 + 1e-3


@given(leak=st.sampled_from([0.3, 0.9, 1.0]), bits=st.integers(1, 4), seed=st.integers(0, 99))
@fast
def test_the_memory_of_a_stream_is_never_more_than_a_threshold_off(leak: float, bits: int, seed: int) -> None:
    code = SigmaDelta(Graded(bits))
    # What changes must fit into one event: that is the range of a stream.
    step = code.levels / 2
    value = torch.linspace(0, 6, 40).view(1, -1, 1).add(2 * ratios(0, 1, seed, places=40)).sin() * step / 2
    symbols = sent(code, value, 1.0, leak)
    assert float((value - read(code, symbols, leak)).abs().max()) < 1 + 1e-4


@pytest.mark.parametrize("value", [-3.4, 0.6, 1.0, 5.7])
def test_a_stream_that_does_not_change_falls_silent_when_nothing_leaks(value: float) -> None:
    code = SigmaDelta(ternary())
    symbols = sent(code, torch.full((1, 20, NEURONS), value), 1.0, leak=1.0)
    assert not bool(symbols[:, 6:].any())
    assert bool((symbols.sum(1) == int(value)).all())


def test_a_stream_goes_on_sending_when_its_memory_leaks() -> None:
    symbols = sent(SigmaDelta(ternary()), torch.full((1, 60, NEURONS), 3.0), 1.0, leak=0.9)
    assert bool(symbols[:, 40:].any())


def test_the_memory_of_a_stream_is_the_same_for_one_leak_and_for_many_alike() -> None:
    symbols = currents(5, 2, 7).round()
    one, many = (SigmaDelta().amplitudes(symbols, torch.full((size,), 0.8)) for size in (1, NEURONS))
    held, slow = torch.zeros(2, NEURONS), []
    for step in symbols.unbind(1):
        held = 0.8 * held + step
        slow.append(held)
    torch.testing.assert_close(one, many)
    torch.testing.assert_close(many, torch.stack(slow, dim=1))


@pytest.mark.parametrize("code", ALL, ids=repr)
@pytest.mark.parametrize("training", [False, True])
def test_finite_gradients_reach_current_threshold_and_a_leak_that_counts(code: Code, training: bool) -> None:
    torch.manual_seed(0)
    encoder, value = Encoder(NEURONS, 0, code).train(training), currents(6, 4, 5, spread=1.5).requires_grad_()
    symbols = encoder(value)
    leak = encoder.leak() if code.leaky else None
    amplitudes = code.amplitudes(symbols, leak)
    (amplitudes * torch.linspace(-1, 1, amplitudes.numel()).view_as(amplitudes)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in encoder.named_parameters()} | {"value": value.grad}
    assert {"log_threshold", "value"} <= gradients.keys()
    assert ("leak_logit" in gradients) == code.leaky
    for name, gradient in gradients.items():
        assert gradient is not None, name
        assert bool(torch.isfinite(gradient).all()), name
        # A single step has nothing to leak.
        assert bool(gradient.any()) or (code == Rate(1) and name == "leak_logit"), name


@pytest.mark.parametrize("code", [*ALL, Rate(3)], ids=repr)
def test_gradients_stay_finite_at_zero_and_far_beyond_the_range(code: Code) -> None:
    encoder = Encoder(NEURONS, 0, code).eval()
    value = torch.tensor([0.0, -0.0, 1e-30, 1.0, -1.0, 1e4]).repeat(2).repeat(1, 3, 1).requires_grad_()
    symbols = encoder(value)
    code.amplitudes(symbols, encoder.leak() if code.leaky else None).sum().backward()
    assert value.grad is not None
    assert bool(torch.isfinite(symbols).all())
    assert bool(torch.isfinite(value.grad).all())


@pytest.mark.parametrize(("code", "low", "high"), [(FewSpikes(4), -0.9, 15.9), (BitPlane(4), -8.4, 7.4)], ids=repr)
def test_the_value_of_weighted_spikes_has_gradient_one_inside_the_range_and_none_beyond(
    code: Code, low: float, high: float
) -> None:
    for inside, bounds in ((1.0, (low, high)), (0.0, (high + 1, high + 9)), (0.0, (low - 9, low - 1))):
        ratio = ratios(*bounds, seed=7).requires_grad_()
        read(code, sent(code, ratio)).sum().backward()
        assert ratio.grad is not None
        torch.testing.assert_close(ratio.grad, torch.full_like(ratio, inside))


def test_the_gradient_of_a_burst_is_that_of_neurons_that_all_speak() -> None:
    slopes = []
    for code in (Burst(Graded(2), 4), Graded(2)):
        value = currents(8).requires_grad_()
        (sent(code, value) * torch.linspace(-1, 1, NEURONS)).sum().backward()
        slopes.append(value.grad)
    assert slopes[0] is not None
    assert torch.equal(slopes[0], slopes[1])


@pytest.mark.parametrize(
    ("code", "bias"), [(Bottleneck(9, noise=Noise()), 0.0), (Graded(4, surrogate=Noise()), 0.5)], ids=repr
)
def test_noise_stands_for_the_mean_of_what_is_sent(code: Code, bias: float) -> None:
    torch.manual_seed(0)
    ratio = torch.tensor([[-6.3, -2.5, -1.2, 1.0, 1.7, 4.4]]).repeat(20_000, 1)
    noisy = code.relaxed(ratio, torch.ones(1), torch.zeros(1))
    torch.testing.assert_close(noisy.mean(0), ratio[0] - bias * ratio[0].sign(), atol=0.02, rtol=0)
    spread = noisy.std(0)
    torch.testing.assert_close(spread, torch.full_like(spread, 12**-0.5), atol=0.02, rtol=0)


def test_noise_in_the_silent_zone_is_on_average_half_the_current_and_joins_what_lies_beyond() -> None:
    torch.manual_seed(0)
    code = Graded(4, surrogate=Noise())
    ratio = torch.tensor([[-0.8, 0.0, 0.4, 0.999, 1.001]]).repeat(20_000, 1)
    found = code.relaxed(ratio, torch.ones(1), torch.zeros(1)).mean(0)
    torch.testing.assert_close(found, torch.tensor([-0.4, 0.0, 0.2, 0.5, 0.5]), atol=0.02, rtol=0)
