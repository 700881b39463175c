from __future__ import annotations

import pytest
import torch
from torch import Tensor

from axonal.spiking import Boundary, Code, Counted, Graded, Integer, Rate, observed
from axonal.spiking.calibration import meet, thresholds

CODES: tuple[Code, ...] = (Graded(2), Graded(0, signed=False), Rate(1), Rate(3), Integer(1), Integer(8))


@pytest.mark.parametrize("code", CODES, ids=repr)
@pytest.mark.parametrize("neurons", [0, 3, 9])
@pytest.mark.parametrize(("shape", "axis"), [((2, 6), -1), ((2, 4, 6), -1), ((2, 6, 5, 4), 1)])
def test_what_arrives_has_the_shape_of_what_was_sent(
    code: Code, neurons: int, shape: tuple[int, ...], axis: int
) -> None:
    boundary, value = Boundary(6, neurons, code, axis), torch.randn(shape)
    boundary.calibrate(value)
    symbols = boundary.encoder(value)
    steps = (code.time_steps,) if code.time_steps > 1 else ()
    places = tuple(n for position, n in enumerate(shape) if position != axis % len(shape))
    assert symbols.shape == (places[0], *steps, *places[1:], neurons or 6)
    assert boundary(value).shape == value.shape
    assert torch.equal(boundary(value), boundary.decoder(symbols))


@torch.no_grad()
def relative_error(boundary: Boundary, value: Tensor) -> float:
    """Mean square error in units of the variance around the channels' means."""
    centred = value.movedim(boundary.encoder.channel_axis, -1).flatten(0, -2)
    return float((boundary(value) - value).square().mean() / (centred - centred.mean(0)).square().mean())


@pytest.mark.parametrize(("places", "axis"), [((200,), -1), ((20, 10), -1), ((20, 3, 3), 1)])
def test_calibrated_integers_lose_little(places: tuple[int, ...], axis: int) -> None:
    torch.manual_seed(0)
    value = (torch.randn(*places, 6) * torch.linspace(0.1, 3, 6) + 2).movedim(-1, axis)
    boundary = Boundary(6, 6, Integer(8), axis)
    before = relative_error(boundary, value)
    boundary.calibrate(value)
    assert relative_error(boundary, value) < 1e-3 < before


@pytest.mark.parametrize("code", [Graded(3), Rate(16), Integer(8), Integer(4)], ids=repr)
def test_a_calibrated_boundary_without_weights_follows_positive_values(code: Code) -> None:
    torch.manual_seed(0)
    value = torch.rand(200, 6) * 5
    boundary = Boundary(6, 0, code)
    boundary.calibrate(value)
    assert relative_error(boundary, value) < 0.25


def test_a_calibrated_sign_says_more_than_the_mean() -> None:
    torch.manual_seed(0)
    value = torch.randn(300, 4) + 5
    boundary = Boundary(4, 4, Integer(1))
    boundary.calibrate(value)
    assert relative_error(boundary, value) < 0.7


@pytest.mark.parametrize("code", [Integer(8), Integer(4), Graded(4)], ids=repr)
@pytest.mark.parametrize("seed", range(4))
def test_principal_axes_lose_no_more_than_random_ones(code: Code, seed: int) -> None:
    torch.manual_seed(seed)
    value = torch.randn(300, 3) @ torch.randn(3, 12) + 0.05 * torch.randn(300, 12)
    principal, random = Boundary(12, 3, code), Boundary(12, 3, code)
    principal.calibrate(value)
    axes = torch.linalg.qr(torch.randn(12, 3))[0].T
    mean = value.mean(0)
    gain = thresholds(random.encoder.code, (value - mean) @ axes.T)
    with torch.no_grad():
        random.encoder.input.weight.copy_(axes)  # type: ignore[operator, union-attr]
        random.encoder.input.bias.copy_(-axes @ mean)  # type: ignore[operator, union-attr]
        random.encoder.log_threshold.copy_(gain.log())
        random.decoder.output.weight.copy_((axes * gain[:, None]).T)
        random.decoder.output.bias.copy_(mean)
    assert relative_error(principal, value) < relative_error(random, value)


@pytest.mark.parametrize("code", CODES, ids=repr)
@pytest.mark.parametrize(
    "value", [torch.randn(1, 5), torch.full((4, 5), 3.0), torch.zeros(2, 5)], ids=["one", "flat", "zero"]
)
@pytest.mark.parametrize("neurons", [0, 2, 5, 8])
def test_calibration_on_poor_data_leaves_sound_parameters(code: Code, value: Tensor, neurons: int) -> None:
    boundary = Boundary(5, neurons, code)
    boundary.calibrate(value)
    assert all(bool(torch.isfinite(parameter).all()) for parameter in boundary.parameters())
    assert bool(torch.isfinite(boundary(value)).all())


def test_neurons_beyond_the_channels_change_nothing_at_first_but_can_learn() -> None:
    torch.manual_seed(0)
    value = torch.randn(100, 4)
    exact, wide = Boundary(4, 4, Integer(8)), Boundary(4, 7, Integer(8))
    exact.calibrate(value)
    wide.calibrate(value)
    torch.testing.assert_close(wide(value), exact(value))
    (wide(value) - value).square().sum().backward()
    gradient = wide.decoder.output.weight.grad
    assert gradient is not None
    assert bool(gradient.any(0).all()), "a neuron that no weight reads and that reads nothing stays so"


@pytest.mark.parametrize("code", [Graded(2), Rate(3), Integer(4)], ids=repr)
@pytest.mark.parametrize("neurons", [0, 3])
def test_gradients_reach_every_parameter_and_the_value(code: Code, neurons: int) -> None:
    torch.manual_seed(0)
    boundary = Boundary(6, neurons, code)
    value = torch.randn(50, 6, requires_grad=True)
    boundary.calibrate(value.detach())
    boundary(value).square().sum().backward()
    assert value.grad is not None
    assert value.grad.any()
    for name, parameter in boundary.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


@pytest.mark.parametrize(("features", "neurons"), [(0, 1), (3, -1)])
def test_impossible_boundaries_are_refused(features: int, neurons: int) -> None:
    with pytest.raises(ValueError, match=f"features >= 1 and neurons >= 0, not {features} and {neurons}"):
        Boundary(features, neurons, Integer(8))


def test_positions_that_matter_less_are_sent_in_coarser_steps() -> None:
    torch.manual_seed(0)
    value = torch.randn(64, 10, 5)
    matters = (torch.arange(10) % 2).to(value.dtype)  # every other position, and the first channel tells which
    value[..., 0] = 2 * matters - 1
    boundary = Boundary(5, 5, Graded(3))
    boundary.calibrate(value)
    plain = boundary(value).detach()
    boundary.encoder.adapt()
    assert torch.equal(boundary(value), plain)
    boundary.encoder.charge_by(Counted(5, -7, 7))
    boundary.encoder.prior.refit(boundary.encoder(value).detach(), None)
    optimizer = torch.optim.Adam(boundary.parameters(), lr=0.02)
    for _ in range(150):
        with observed(boundary.train()) as sent:
            arrived = boundary(value)
        error = ((arrived - value).square().mean(-1) * matters).mean()
        optimizer.zero_grad()
        (error + 0.02 * sent[0].bits() / 50).backward()
        optimizer.step()
    events = boundary.eval().encoder(value).count_nonzero(dim=(0, 2)).double()
    assert float(events[matters == 0].mean()) < 0.3 * float(events[matters == 1].mean())


@torch.no_grad()
def test_a_boundary_that_offers_rates_is_the_same_at_first_and_each_is_met_on_its_own() -> None:
    torch.manual_seed(0)
    boundary, value = Boundary(6, 6, Graded(3)), torch.randn(400, 6)
    boundary.calibrate(value)
    before = boundary(value)
    boundary.offer(2)
    assert boundary.rates == 2
    assert torch.equal(boundary(value), before)
    first = boundary.encoder(value)
    boundary.choose(1)
    meet(boundary, lambda: float(boundary.encoder(value).abs().sum()), float(first.abs().sum()) / 2)
    coarse = boundary.encoder(value)
    assert 0 < float(coarse.abs().sum()) <= float(first.abs().sum()) / 2
    # A symbol stands for as much as the current that makes it, at either rate.
    assert relative_error(boundary, value) < 0.5
    boundary.choose(0)
    assert torch.equal(boundary.encoder(value), first)


@pytest.mark.parametrize(("rates", "rate"), [(1, 1), (3, 3), (3, -1)])
def test_a_rate_that_is_not_offered_is_refused(rates: int, rate: int) -> None:
    boundary = Boundary(4, 4, Graded(2))
    if rates > 1:
        boundary.offer(rates)
    with pytest.raises(ValueError, match=f"rate is {rate}, must be 0 to {rates - 1}: offer more rates"):
        boundary.choose(rate)


def test_a_boundary_offers_one_rate_at_least() -> None:
    with pytest.raises(ValueError, match="rates is 0, must be >= 1"):
        Boundary(4, 4, Graded(2)).offer(0)


def test_each_rate_is_charged_by_a_prior_of_its_own() -> None:
    torch.manual_seed(0)
    boundary, value = Boundary(4, 4, Graded(2)), torch.randn(100, 4)
    boundary.calibrate(value)
    boundary.offer(2)
    boundary.encoder.charge_by(Counted(4, -3, 3), Counted(4, -3, 3))
    for rate in (0, 1):
        boundary.choose(rate)
        with observed(boundary.train()) as sent:
            boundary(value)
        sent[0].bits()
        assert sent[0].prior is boundary.encoder.priors[rate]
    assert all(float(prior.counts.sum()) == 400 for prior in boundary.encoder.priors)
