"""Calibration: tensors that are not kind to a solver, directions that matter, patches, words, and bits that are met."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from spiking_codes import WHOLE
from spiking_models import inner_edges
from torch import Tensor, fx, nn
from torch.nn import functional

from axonal.spiking import (
    BitPlane,
    Boundary,
    Categorical,
    Code,
    Counted,
    FewSpikes,
    Float,
    Graded,
    Integer,
    Latency,
    Rate,
    SigmaDelta,
    arranged,
    boundaries_of,
    calibrate,
    insert_boundaries,
    span,
    ternary,
)
from axonal.spiking.boundary import patches
from axonal.spiking.calibration import meet
from axonal.tracing import trace


@pytest.mark.parametrize("seed", range(20))
def test_calibration_stays_finite_when_most_channels_are_silent(seed: int) -> None:
    torch.manual_seed(seed)
    value = torch.randn(64, 256) @ torch.randn(256, 256)
    value = torch.where(torch.rand(256) < 0.6, torch.zeros(()), value).relu()
    boundary = Boundary(256, 64, Graded(3))
    boundary.calibrate(value)
    assert all(torch.isfinite(parameter).all() for parameter in boundary.parameters())
    assert torch.isfinite(boundary(value)).all()


def test_calibration_of_a_constant_tensor_reproduces_it() -> None:
    value = torch.full((8, 4), 3.0)
    boundary = Boundary(4, 4, Graded(2))
    boundary.calibrate(value)
    assert torch.allclose(boundary(value), value, atol=1e-4)


@torch.no_grad()
def lost(boundary: Boundary, value: Tensor) -> float:
    """Mean square error in units of the variance around the mean."""
    return float((boundary.eval()(value) - value).square().mean() / (value - value.mean()).square().mean())


@pytest.mark.parametrize("code", [*(code for code in WHOLE if not isinstance(code, Categorical)), Float()], ids=repr)
@pytest.mark.parametrize("neurons", [0, 12])
def test_every_code_starts_from_something_that_says_more_than_nothing(code: Code, neurons: int) -> None:
    torch.manual_seed(0)
    value = torch.randn(40, 7, 6) @ torch.randn(6, 6)
    boundary = Boundary(6, neurons, code)
    boundary.calibrate(value)
    assert all(bool(torch.isfinite(parameter).all()) for parameter in boundary.parameters())
    # Without weights, a code of one sign can say nothing of the other half.
    assert lost(boundary, value) < (0.95 if code.signed or neurons else 1.0)


def test_times_of_channels_without_weights_are_calibrated_by_what_they_read_as() -> None:
    torch.manual_seed(0)
    value = torch.rand(500, 4) * 3
    boundary = Boundary(4, 0, Latency(16, signed=False))
    boundary.calibrate(value)
    assert lost(boundary, value) < 0.35


# Directions that matter.


def felt_little(seed: int) -> tuple[nn.Sequential, Tensor]:
    """A model whose answers read what varies least in its stream."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4))
    spread = torch.tensor([6.0, 6.0, 6.0, 5.0, 5.0, 5.0, 1.0, 1.0])
    mixed = torch.linalg.qr(torch.randn(8, 8))[0]
    with torch.no_grad():
        model[0].weight.copy_(mixed * spread)
        model[1].weight.copy_(torch.cat([torch.zeros(4, 6), 3 * torch.randn(4, 2)], dim=1) @ mixed.T)
    return model, torch.randn(400, 8)


def cut(model: nn.Module, example: Tensor, make: Callable[[int, int], Boundary]) -> fx.GraphModule:
    return insert_boundaries(model, example[:4], inner_edges(trace(model, example[:4])), make)


@torch.no_grad()
def task_loss(made: nn.Module, model: nn.Module, value: Tensor) -> float:
    """Divergence of the answers."""
    mine, theirs = (net.eval()(value).log_softmax(-1) for net in (made, model))
    return float(functional.kl_div(mine, theirs, log_target=True, reduction="batchmean"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("code", [Graded(4), Integer(8)], ids=repr)
def test_axes_that_the_answers_feel_lose_less_of_the_task_than_the_widest(code: Code, seed: int) -> None:
    model, value = felt_little(seed)
    losses = []
    for sensitive in (False, True):
        torch.manual_seed(1)
        made = cut(model, value, lambda features, axis: Boundary(features, 2, code, axis))
        calibrate(made, value, sensitive=sensitive)
        losses.append(task_loss(made, model, value))
    assert losses[1] < 0.3 * losses[0]


def test_directions_weighted_by_what_is_felt_still_put_the_value_together_again() -> None:
    torch.manual_seed(0)
    value, gradient = torch.randn(300, 6) * torch.linspace(0.1, 3, 6), torch.randn(300, 6) * torch.rand(6)
    boundary = Boundary(6, 6, Integer(12))
    boundary.calibrate(value, gradient)
    assert lost(boundary, value) < 1e-5


def test_gradients_that_vanish_leave_the_plain_axes() -> None:
    torch.manual_seed(0)
    value = torch.randn(300, 6) * torch.linspace(0.1, 3, 6)
    plain, weighted = Boundary(6, 2, Integer(12)), Boundary(6, 2, Integer(12))
    plain.calibrate(value)
    weighted.calibrate(value, torch.zeros_like(value))
    assert all(bool(torch.isfinite(parameter).all()) for parameter in weighted.parameters())
    assert lost(weighted, value) == pytest.approx(lost(plain, value), rel=1e-2)


def test_what_a_boundary_feels_does_not_depend_on_those_after_it_which_are_not_calibrated_yet() -> None:
    torch.manual_seed(0)
    model, value = nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 3)), torch.randn(50, 5)
    first = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        made = cut(model, value, lambda features, axis: Boundary(features, 3, Graded(2), axis))
        torch.manual_seed(0)
        calibrate(made, value, sensitive=True)
        boundaries = boundaries_of(made)
        assert len(boundaries) == 2
        assert not any(boundary._forward_hooks for boundary in boundaries)
        first.append(boundaries[0].encoder.input.weight.detach())  # type: ignore[union-attr]
    assert torch.equal(first[0], first[1])


def test_what_is_felt_of_many_inputs_does_not_depend_on_how_many_are_taken_at_a_time() -> None:
    torch.manual_seed(0)
    model, value = nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 3)), torch.randn(50, 5)
    with torch.no_grad():
        model[1].weight.mul_(100)  # answers that leave nothing to chance when some are drawn
    found = []
    for at_once in (7, 1000):
        torch.manual_seed(1)
        made = cut(model, value, lambda features, axis: Boundary(features, 3, Graded(2), axis))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("axonal.spiking.insertion.FELT_AT_ONCE", at_once)
            calibrate(made, value, sensitive=True)
        found.append(boundaries_of(made)[0].encoder.input.weight.detach())  # type: ignore[union-attr]
    torch.testing.assert_close(*found)


# Patches.


@pytest.mark.parametrize("code", [Graded(2), FewSpikes(3), SigmaDelta(), Categorical(4), Integer(8)], ids=repr)
@pytest.mark.parametrize("patch", [1, 2, 3])
def test_what_arrives_of_an_image_in_patches_has_the_shape_of_what_was_sent(code: Code, patch: int) -> None:
    torch.manual_seed(0)
    value = torch.randn(3, 2, 6, 12)
    boundary = Boundary(2, 8, code, 1, patch)
    boundary.calibrate(value, torch.randn_like(value))
    steps = (code.time_steps,) if code.time_steps > 1 else ()
    assert boundary.encoder(patches(value, boundary.patch)).shape == (3, *steps, 6 // patch, 12 // patch, 8)
    assert boundary(value).shape == value.shape


@pytest.mark.parametrize(("patch", "neurons"), [(2, 12), (2, 15), (3, 27), (2, 0)])
def test_patches_come_back_in_their_place_with_enough_neurons_and_fine_steps(patch: int, neurons: int) -> None:
    torch.manual_seed(0)
    value = torch.randn(40, 3, 6, 6) + torch.arange(3.0).view(3, 1, 1)
    boundary = Boundary(3, neurons, Integer(14), 1, patch)
    boundary.calibrate(value)
    assert lost(boundary, value) < 1e-4


def test_pixels_that_resemble_each_other_need_fewer_neurons_in_patches() -> None:
    torch.manual_seed(0)
    value = torch.randn(100, 4, 3, 3).repeat_interleave(2, -1).repeat_interleave(2, -2)
    value = value + 0.1 * torch.randn_like(value)
    pixel, patches = Boundary(4, 1, Integer(8), 1), Boundary(4, 4, Integer(8), 1, 2)
    pixel.calibrate(value)
    patches.calibrate(value)
    assert lost(patches, value) < 0.1
    assert lost(pixel, value) > 0.5


@pytest.mark.parametrize(("patch", "axis"), [(0, 1), (2, -1)])
def test_patches_of_what_is_no_image_are_refused(patch: int, axis: int) -> None:
    with pytest.raises(ValueError, match=rf"patch is {patch}, must be >= 1, and 1 for what is no image"):
        Boundary(4, 2, Graded(2), axis, patch)


def test_an_image_that_is_no_multiple_of_its_patches_arrives_in_its_own_shape() -> None:
    torch.manual_seed(0)
    value = torch.randn(8, 4, 7, 5)
    boundary = Boundary(4, 16, Integer(8), 1, 2)
    boundary.calibrate(value)
    arrived = boundary(value).detach()
    assert arrived.shape == value.shape
    assert float((arrived - value).norm() / value.norm()) < 0.1


# Code words.


def test_more_code_words_lose_less() -> None:
    torch.manual_seed(0)
    value = torch.randn(600, 4)
    losses = []
    for words in (2, 4, 16, 64):
        boundary = Boundary(4, 2 * words, Categorical(words))
        boundary.calibrate(value)
        losses.append(lost(boundary, value))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.1


def test_the_nearest_code_word_wins() -> None:
    torch.manual_seed(0)
    value = torch.randn(300, 3)
    boundary = Boundary(3, 8, Categorical(8))
    boundary.calibrate(value)
    words = boundary.decoder.output.weight.T
    with torch.no_grad():
        nearest = torch.cdist(value, words).argmin(-1)
        assert torch.equal(boundary.encoder(value).argmax(-1), nearest)
        torch.testing.assert_close(boundary(value), words[nearest])


@pytest.mark.parametrize("samples", [1, 3, 40])
def test_code_words_may_be_more_than_the_samples(samples: int) -> None:
    torch.manual_seed(0)
    value = torch.randn(samples, 4)
    boundary = Boundary(4, 32, Categorical(16))
    boundary.calibrate(value)
    found = boundary(value).detach()
    assert bool(torch.isfinite(found).all())
    assert samples > 3 or float((found - value).abs().max()) < 1e-4


@pytest.mark.parametrize("neurons", [0, 15, 80])
def test_code_words_that_are_no_whole_groups_are_refused(neurons: int) -> None:
    with pytest.raises(ValueError, match=r"must be a multiple of 16 \(words\).*change neurons or words"):
        Boundary(4, neurons, Categorical(16)).calibrate(torch.randn(50, 4))


# Bits that are met.


def counted_bits(boundary: Boundary, value: Tensor) -> float:
    """Bits of an element under tables that know the symbols."""
    with torch.no_grad():
        symbols = arranged(boundary.eval().encoder(patches(value, boundary.patch)), boundary.encoder.code)
        counted = Counted(symbols.shape[-1], *span(boundary.encoder.code))
        counted.refit(symbols, None)
        return float(counted.bits(symbols)) / value.numel()


@pytest.mark.parametrize(
    "code", [Graded(2), Graded(4), ternary(), Latency(4), FewSpikes(3), BitPlane(3), Rate(3), SigmaDelta()], ids=repr
)
@pytest.mark.parametrize("target", [0.4, 0.1])
@pytest.mark.parametrize("neurons", [0, 6])
def test_thresholds_are_raised_until_the_bits_are_met_and_never_above(code: Code, target: float, neurons: int) -> None:
    torch.manual_seed(0)
    value = torch.randn(200, 5, 6) @ torch.randn(6, 6)
    boundary = Boundary(6, neurons, code)
    boundary.calibrate(value)
    assert counted_bits(boundary, value) > target
    before, rate = boundary.encoder.log_threshold.detach().clone(), partial(counted_bits, boundary, value)
    meet(boundary, rate, target)
    assert 0.75 * target < rate() <= target
    raised = boundary.encoder.log_threshold.detach() - before
    torch.testing.assert_close(raised, raised[:1].expand_as(raised))
    assert float(raised[0]) > 0


@pytest.mark.parametrize("neurons", [0, 4])
def test_what_meets_its_bits_is_left_alone_and_else_a_symbol_is_worth_its_threshold(neurons: int) -> None:
    torch.manual_seed(0)
    value = torch.randn(300, 4)
    boundary = Boundary(4, neurons, Graded(8))
    boundary.calibrate(value)
    before = {name: tensor.clone() for name, tensor in boundary.state_dict().items()}
    meet(boundary, partial(counted_bits, boundary, value), 20.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in boundary.state_dict().items())
    meet(boundary, partial(counted_bits, boundary, value), 2.0)
    factor = (boundary.encoder.log_threshold.detach()[0] - before["encoder.log_threshold"][0]).exp()
    if neurons:
        found, expected = boundary.decoder.output.weight.detach(), before["decoder.output.weight"] * factor
    else:
        found, expected = boundary.decoder.log_scale.detach().exp(), before["decoder.log_scale"].exp() * factor
    torch.testing.assert_close(found, expected)
    assert lost(boundary, value) < 0.3


def test_a_target_that_no_threshold_meets_ends_in_silence() -> None:
    torch.manual_seed(0)
    boundary, value = Boundary(4, 4, Graded(2)), torch.randn(50, 4)
    boundary.calibrate(value)
    meet(boundary, lambda: 1.0, 0.5)
    assert not bool(boundary.encoder(value).any())
    assert all(bool(torch.isfinite(parameter).all()) for parameter in boundary.parameters())
