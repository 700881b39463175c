"""What a link's coder expects: counts and densities, in bits that the wire really takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from axonal import wire
from axonal.spiking import (
    Bottleneck,
    Boundary,
    Code,
    Counted,
    Density,
    Encoder,
    Graded,
    Noise,
    observed,
    span,
)
from axonal.spiking.priors import RateGradient

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other

Symbols = npt.NDArray[np.int64]


def tensor(symbols: Symbols, positions: int) -> Tensor:
    """Symbols `(N, channels)` as `inference position channel`."""
    return torch.from_numpy(symbols).float().view(-1, positions, symbols.shape[1])


def skewed(shape: tuple[int, ...], low: int, high: int, seed: int) -> Symbols:
    """Whole numbers, mostly small ones."""
    drawn = np.random.default_rng(seed).laplace(scale=0.8, size=shape)
    return drawn.round().clip(low, high).astype(np.int64)


def none(channels: int, positions: int) -> wire.Contexts:
    return wire.Contexts(parents=((),) * channels, positions=positions)


@st.composite
def contexts(draw: st.DrawFn) -> wire.Contexts:
    """Any parents of a few channels, some of them before the start of an inference."""
    channels, positions, order = draw(st.integers(1, 5)), draw(st.integers(1, 6)), draw(st.integers(0, 3))
    parents = []
    for channel in range(channels):
        pair = st.tuples(st.integers(1, positions + 2), st.integers(0, channels - 1))
        if channel:
            pair |= st.tuples(st.just(0), st.integers(0, channel - 1))
        parents.append(tuple(draw(st.lists(pair, min_size=order, max_size=order))))
    return wire.Contexts(parents=tuple(parents), positions=positions)


@given(where=contexts(), inferences=st.integers(1, 4), seed=st.integers(0, 9999))
@settings(deadline=None, max_examples=200)
def test_training_and_the_wire_choose_the_same_table_for_each_symbol(
    where: wire.Contexts, inferences: int, seed: int
) -> None:
    symbols = np.random.default_rng(seed).integers(-2, 3, (inferences * where.positions, where.channels))
    values = tensor(symbols, where.positions)
    counted = Counted(where.channels, -2, 2)
    counted.refit(values, where)
    rows = counted._rows(values.long())
    assert rows.shape == values.shape
    assert np.array_equal(rows.flatten(0, 1).numpy(), where.rows(symbols))
    assert len(counted.counts) == where.channels * where.number


@given(where=contexts(), seed=st.integers(0, 9999))
@settings(deadline=None, max_examples=30)
def test_bits_that_training_expects_are_those_of_the_tables_that_the_wire_codes_with(
    where: wire.Contexts, seed: int
) -> None:
    symbols = skewed((40 * where.positions, where.channels), -3, 3, seed)
    values = tensor(symbols, where.positions)
    counted = Counted(where.channels, -3, 3)
    counted.refit(values, where)
    packer = wire.Ranged.of(counted.tables(), low=-3, contexts=where)
    expected = float(counted.bits(values))
    assert packer.cost_bits(symbols) == pytest.approx(expected, rel=0.005)
    packed = packer.pack(symbols)
    assert np.array_equal(packer.unpack(packed, symbols.size), symbols.ravel())
    assert 8 * len(packed) <= 1.005 * expected + wire.HEADER_BITS + 40


def test_bits_are_the_logarithms_of_the_shares_that_were_counted() -> None:
    symbols = skewed((40_000, 2), -2, 2, seed=1)
    symbols[:, 1] = -symbols[:, 1].clip(0)
    values = tensor(symbols, 40)
    counted = Counted(2, -2, 2)
    counted.refit(values, None)
    entropy = 0.0
    for column in symbols.T:
        counts = np.unique(column, return_counts=True)[1]
        entropy -= float(counts @ np.log2(counts / len(column)))
    assert float(counted.bits(values)) == pytest.approx(entropy, rel=1e-3)
    table = counted.probabilities()
    torch.testing.assert_close(table.sum(-1), torch.ones(2))
    assert bool((table > 0).all()), "a symbol that was never seen can still be sent"


def test_a_fresh_prior_knows_nothing() -> None:
    counted = Counted(3, -2, 1)
    assert float(counted.bits(torch.zeros(5, 7, 3))) == pytest.approx(2 * 5 * 7 * 3)


def test_what_was_seen_fades_and_what_is_seen_counts() -> None:
    counted = Counted(1, 0, 1)
    counted.refit(torch.zeros(100, 10, 1), None)
    before = float(counted.bits(torch.ones(1, 1, 1)))
    for _ in range(100):
        counted.observe(torch.ones(10, 10, 1))
    assert float(counted.bits(torch.ones(1, 1, 1))) < 0.1 < before
    assert float(counted.counts.sum()) == pytest.approx(1000 * 0.98**100 + 100 * (1 - 0.98**100) / 0.02, rel=1e-4)


def test_a_channel_that_copies_another_costs_nearly_nothing_once_its_context_is_known() -> None:
    first = skewed((8000, 1), -1, 1, seed=3)
    symbols = np.concatenate([first, first], axis=1)
    values = tensor(symbols, 50)
    static, conditional = Counted(2, -1, 1), Counted(2, -1, 1)
    static.refit(values, None)
    conditional.refit(values, wire.chosen_contexts(symbols, 50, 1))
    assert float(conditional.bits(values)) < 0.52 * float(static.bits(values))
    static.refit(values, wire.chosen_contexts(symbols, 50, 1))
    assert float(static.bits(values)) == float(conditional.bits(values))


def test_symbols_that_are_ignored_as_parents_change_nothing() -> None:
    values = tensor(skewed((200, 3), -2, 2, seed=4), 10)
    plain, silent = Counted(3, -2, 2), Counted(3, -2, 2)
    plain.refit(values, None)
    silent.refit(values, wire.Contexts(parents=(((10, 0),),) * 3, positions=10))
    assert float(silent.bits(values)) == pytest.approx(float(plain.bits(values)), rel=0.01)


def gradient(counted: Counted, values: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(counted.bits(held := values.clone().requires_grad_()), held)
    return found


@given(seed=st.integers(0, 999), low=st.sampled_from([0, -4]), gradient_=st.sampled_from(["coded", "log", "l1"]))
@settings(deadline=None, max_examples=60)
def test_the_rate_never_pushes_silence_and_never_pushes_a_symbol_up(
    seed: int, low: int, gradient_: RateGradient
) -> None:
    values = tensor(skewed((60, 3), low, 4, seed), 6)
    counted = Counted(3, low, 4, gradient_)
    counted.refit(values, None)
    slopes = gradient(counted, values)
    assert not bool(slopes[values == 0].any())
    assert bool((slopes * values.sign() >= 0).all())
    assert float(counted.bits(values.clone().requires_grad_()).detach()) == float(counted.bits(values))


def test_a_large_symbol_is_pushed_by_what_silence_would_save_for_each_level() -> None:
    values = tensor(skewed((4000, 1), -4, 4, seed=5), 10)
    counted = Counted(1, -4, 4)
    counted.refit(values, None)
    cost = -torch.log2(counted.probabilities()[0])
    for symbol in (-4, -1, 2, 4):
        found = gradient(counted, torch.full((1, 1, 1), float(symbol)))
        assert float(found) == pytest.approx(float(cost[symbol + 4] - cost[4]) / symbol, rel=1e-5)


def test_a_channel_that_is_always_loud_is_not_pulled_towards_its_loudness() -> None:
    counted = Counted(1, -2, 2)
    counted.refit(torch.full((50, 10, 1), 2.0), None)
    assert not bool(gradient(counted, torch.full((1, 3, 1), 2.0)).any())


def test_a_value_between_two_symbols_costs_what_lies_between() -> None:
    counted = Counted(1, -2, 2)
    counted.refit(tensor(skewed((500, 1), -2, 2, seed=6), 10), None)
    at = [float(counted.bits(torch.full((1, 1, 1), value))) for value in (0.0, 0.25, 1.0, 2.0, 7.0)]
    assert at[1] == pytest.approx(0.75 * at[0] + 0.25 * at[2], rel=1e-5)
    assert at[3] == at[4]


def test_weights_with_other_contexts_are_loaded_as_they_are() -> None:
    symbols = skewed((400, 3), -1, 1, seed=7)
    values = tensor(symbols, 20)
    counted, fresh = Counted(3, -1, 1), Counted(3, -1, 1)
    counted.refit(values, wire.chosen_contexts(symbols, 20, 2))
    fresh.load_state_dict(counted.state_dict())
    assert torch.equal(fresh.parents, counted.parents)
    assert float(fresh.bits(values)) == float(counted.bits(values))
    fresh.observe(values)
    assert not torch.equal(fresh.counts, counted.counts), "what is loaded is a copy"
    counted.load_state_dict(Counted(3, -1, 1).state_dict())
    assert counted.parents.shape == (3, 0, 2)


@pytest.mark.parametrize("other", [Counted(3, -2, 2), Counted(2, -1, 1)], ids=["symbols", "channels"])
def test_weights_of_another_code_are_refused(other: Counted) -> None:
    with pytest.raises(RuntimeError, match="size mismatch for counts"):
        Counted(3, -1, 1).load_state_dict(other.state_dict())


def test_an_encoder_is_charged_by_its_prior_and_teaches_it_only_while_training() -> None:
    torch.manual_seed(0)
    encoder, value = Encoder(6, 0, Graded(2)), torch.randn(20, 5, 6) * 2
    encoder.charge_by(Counted(6, -2, 2))
    for mode, learned in ((False, 0), (True, 20 * 5 * 6)):
        with observed(encoder.train(mode)) as sent:
            encoder(value)
        bits = sent[0].bits()
        assert float(encoder.prior.counts.sum()) == learned
        assert float(bits.detach()) == pytest.approx(float(encoder.prior.bits(sent[0].symbols.detach())) / 20)


# Densities.


def laplace_entropy(scale: float, reach: int) -> float:
    """Bits of a rounded Laplace value."""
    edges = np.arange(-reach, reach + 2) - 0.5
    below = np.where(edges < 0, 0.5 * np.exp(edges / scale), 1 - 0.5 * np.exp(-edges / scale))
    mass = np.diff(below)
    mass = mass[mass > 1e-30]
    return float(-(mass * np.log2(mass)).sum())


def fitted_density(values: Tensor, *, low: int = -15, high: int = 15, **changes: Any) -> Density:
    torch.manual_seed(0)
    density = Density(values.shape[-1], low, high).eval()
    density.refit(values, **changes)
    return density


def test_a_density_learns_a_laplace_source_to_its_entropy() -> None:
    scales = (0.3, 1.0, 2.5)
    drawn = np.random.default_rng(8).laplace(scale=scales, size=(4000, 3)).round().clip(-15, 15)
    values = torch.from_numpy(drawn).float().view(-1, 20, 3)
    density = fitted_density(values[:100])
    rest = values[100:]
    for channel, scale in enumerate(scales):
        alone = float(-torch.log2(density.probability(rest).detach())[..., channel].mean())
        assert alone == pytest.approx(laplace_entropy(scale, 15), rel=0.04)


def test_probabilities_of_a_density_sum_to_one_and_each_symbol_can_be_sent() -> None:
    density = fitted_density(torch.zeros(50, 4, 2))
    table = density.probabilities()
    assert table.shape == (2, 31)
    torch.testing.assert_close(table.sum(-1), torch.ones(2))
    assert bool((table > 0).all())
    assert float(table[:, 15].min()) > 0.98, "a channel that is always silent is expected to be"


def test_a_density_has_all_its_mass_where_a_symbol_meets_a_mean_exactly() -> None:
    density = Density(1, -3, 3)
    exact, near = density.probability(torch.tensor([[0.0], [1e-4]]))
    torch.testing.assert_close(exact, near, rtol=1e-3, atol=0)


@pytest.mark.parametrize("value", [-40.0, 40.0])
def test_a_density_is_exact_and_has_a_gradient_far_from_its_means(value: float) -> None:
    density = Density(1, -63, 63, components=1).eval()
    with torch.no_grad():
        density.means.zero_()
        density.log_scales.fill_(1.0)
    held = torch.full((1, 1), value, requires_grad=True)
    mass = density.probability(held)
    exact = math.exp(-39.5 / math.e) - math.exp(-40.5 / math.e)
    assert float(mass.detach()) == pytest.approx(exact, rel=1e-3)
    (slope,) = torch.autograd.grad(-torch.log2(mass), held)
    assert float(slope) == pytest.approx(math.copysign(1 / math.e / math.log(2), value), rel=1e-3)


def test_refitting_follows_what_is_sent_now_and_leaves_no_gradients() -> None:
    density = fitted_density(torch.full((50, 4, 1), 3.0))
    assert float(density.probabilities()[0].argmax()) - 15 == 3
    density.refit(torch.full((50, 4, 1), -2.0), steps=300)
    assert float(density.probabilities()[0].argmax()) - 15 == -2
    assert all(parameter.grad is None for parameter in density.parameters())


def test_tables_of_a_density_cost_what_it_expects() -> None:
    symbols = skewed((4000, 3), -15, 15, seed=9)
    values = tensor(symbols, 20)
    density = fitted_density(values)
    tables = wire.quantised(density.probabilities().double().numpy())
    packer = wire.Ranged.of(tables, low=-15, contexts=none(3, 20))
    assert packer.cost_bits(symbols) == pytest.approx(float(density.bits(values).detach()), rel=0.01)


def test_a_density_pulls_symbols_to_where_they_are_expected_and_follows_them_step_by_step() -> None:
    density = fitted_density(torch.from_numpy(skewed((400, 1), -4, 4, seed=10)).float().view(-1, 20, 1))
    held = torch.tensor([[[-4.0]], [[4.0]]]).requires_grad_()
    before = float(density.bits(held).detach())
    for _ in range(20):
        density.observe(held)
    assert float(density.bits(held).detach()) < before
    density.bits(held).backward()  # type: ignore[no-untyped-call]
    assert held.grad is not None
    assert float(held.grad[0]) < 0 < float(held.grad[1])
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in density.parameters())


def test_a_density_in_training_charges_whole_values_as_they_are_and_learns_from_them_with_noise() -> None:
    density = fitted_density(torch.from_numpy(skewed((400, 2), -4, 4, seed=11)).float().view(-1, 20, 2))
    values = torch.from_numpy(skewed((4000, 2), -4, 4, seed=12)).float().view(-1, 20, 2)
    expected = float(density.bits(values).detach())
    density.train()
    torch.manual_seed(0)
    held = values.clone().requires_grad_()
    charged = density.bits(values, held)
    assert float(charged.detach()) == pytest.approx(expected, rel=1e-5)
    charged.backward()  # type: ignore[no-untyped-call]
    assert held.grad is not None
    # On average, a symbol feels what its cell costs more at its upper end than at its lower one.
    at = density.probability(torch.tensor([[1.5, 1.5], [0.5, 0.5]]).unsqueeze(1)).detach().log2()
    for channel in range(2):
        felt = held.grad[..., channel][values[..., channel] == 1].mean()
        assert float(felt) == pytest.approx(float(at[1, 0, channel] - at[0, 0, channel]), rel=0.1)


def test_a_density_in_training_adds_no_noise_to_values_that_have_some() -> None:
    density = fitted_density(torch.zeros(50, 4, 2))
    noisy = torch.rand(10, 4, 2)
    before = torch.get_rng_state()
    assert float(density.train().bits(noisy).detach()) == float(density.eval().bits(noisy).detach())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "code", [Bottleneck(), Bottleneck(noise=Noise()), Graded(2)], ids=["rounded", "noisy", "graded"]
)
def test_a_boundary_that_learns_only_to_be_cheap_sends_less_and_less(code: Code) -> None:
    torch.manual_seed(0)
    value = torch.randn(32, 16, 8) * torch.linspace(0.3, 3, 8)
    boundary = Boundary(8, 8, code)
    boundary.calibrate(value)
    boundary.encoder.log_threshold.data += 1.0
    prior = Density(8, *span(code)) if isinstance(code, Bottleneck) else Counted(8, *span(code))
    prior.refit(boundary.eval().encoder(value).detach(), *([None] if isinstance(prior, Counted) else []))
    boundary.encoder.charge_by(prior)
    optimizer = torch.optim.Adam([*boundary.encoder.input.parameters(), boundary.encoder.log_threshold], lr=5e-3)
    events = []
    for _ in range(60):
        with observed(boundary.train()) as sent:
            boundary(value)
        optimizer.zero_grad()
        sent[0].bits().backward()
        optimizer.step()
        events.append(int(boundary.eval().encoder(value).count_nonzero()))
    assert events[-1] < 0.9 * events[0]
    assert max(events) < 1.1 * events[0]
