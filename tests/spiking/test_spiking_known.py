"""What the receiver guesses from tokens that it is given, too."""

from __future__ import annotations

import math

import pytest
import torch
from spiking_models import language_model
from torch import Tensor

from axonal.spiking import Boundary, Graded, Integer, boundaries_of, calibrate, insert_boundaries, observed
from axonal.spiking.known import Known
from axonal.tracing import trace

ALPHABET, FEATURES = 12, 5


def source(seed: int, *, batch: int = 40, length: int = 30, alphabet: int = ALPHABET) -> tuple[Tensor, Tensor]:
    """Tokens, and a tensor that is a sum of a table of the present one and a smaller one of the one before."""
    torch.manual_seed(seed)
    now, before = torch.randn(alphabet, FEATURES) * 3 + 2, torch.randn(alphabet, FEATURES)
    tokens = torch.randint(0, alphabet, (batch, length))
    earlier = torch.cat([tokens[:, :1], tokens[:, :-1]], dim=1)
    return tokens, now[tokens] + before[earlier]


@torch.no_grad()
def left(known: Known, tokens: Tensor, value: Tensor) -> float:
    """Share of the variance that the guess leaves."""
    rest = (value - known(tokens)).flatten(0, 1)
    return float(rest.var(0, correction=0).sum() / value.flatten(0, 1).var(0, correction=0).sum())


def test_the_guess_of_one_token_is_the_mean_given_that_token() -> None:
    tokens, value = source(0)
    value = value + 0.5 * torch.randn_like(value)
    known = Known(ALPHABET, FEATURES, reach=1)
    known.fit(tokens, value)
    flat, index = value.flatten(0, 1), tokens.flatten()
    guess = known(torch.arange(ALPHABET)[:, None])[:, 0].detach() + flat.mean(0)
    for token in range(ALPHABET):
        torch.testing.assert_close(guess[token], flat[index == token].mean(0), atol=0.3, rtol=0.05)


def test_each_token_further_back_leaves_less() -> None:
    tokens, value = source(1)
    shares = []
    for reach in (1, 2, 3):
        known = Known(ALPHABET, FEATURES, reach=reach)
        known.fit(tokens, value)
        shares.append(left(known, tokens, value))
    assert 0.3 > shares[0] > 10 * shares[1]
    assert shares[1] < 0.01
    assert shares[2] < 1.01 * shares[1]


def test_nothing_is_guessed_where_tokens_say_nothing() -> None:
    tokens, _ = source(2)
    value = torch.randn(*tokens.shape, FEATURES)
    known = Known(ALPHABET, FEATURES)
    known.fit(tokens, value)
    fresh, other = source(3)[0], torch.randn(*tokens.shape, FEATURES)
    assert left(known, tokens, value) > 0.9
    assert left(known, fresh, other) < 1.1


def test_a_token_that_was_never_seen_is_guessed_as_the_mean_of_all() -> None:
    tokens, value = source(4)
    known = Known(ALPHABET + 1, FEATURES)
    known.fit(tokens, value)
    assert not bool(known(torch.full((1, 1), ALPHABET)).any())


def test_tables_of_a_large_alphabet_share_few_axes_and_still_guess() -> None:
    torch.manual_seed(5)
    features = 96
    low = torch.randn(2000, 4) @ torch.randn(4, features)
    tokens = torch.randint(0, 2000, (100, 200))
    value = low[tokens]
    known = Known(2000, features, reach=2)
    assert sum(parameter.numel() for parameter in known.parameters()) == 2 * 2000 * 64 + 64 * features
    known.fit(tokens, value)
    # Ten sights of each token against four of the mean: (4 / 14)^2 is left.
    assert left(known, tokens, value) < 0.15


@pytest.mark.parametrize(("size", "bits"), [(2, 1), (256, 8), (257, 9), (10_000, 14)])
def test_a_token_crosses_in_the_bits_that_name_it(size: int, bits: int) -> None:
    assert Known(size, 2, reach=1).token_bits == bits


@pytest.mark.parametrize("length", [1, 2, 3, 9])
def test_a_guess_looks_back_only_and_windows_may_be_shorter_than_its_reach(length: int) -> None:
    torch.manual_seed(6)
    known, tokens = Known(ALPHABET, FEATURES), torch.randint(0, ALPHABET, (3, 9))
    whole = known(tokens)
    torch.testing.assert_close(known(tokens[:, :length]), whole[:, :length])


def boundary(tokens: int, code: Graded | Integer) -> Boundary:
    torch.manual_seed(0)
    return Boundary(FEATURES, FEATURES, code, tokens=tokens)


def test_a_boundary_with_tokens_sends_less_for_the_same_error() -> None:
    tokens, value = source(7)
    errors, events = [], []
    for made in (boundary(ALPHABET, Graded(4)), boundary(0, Graded(4))):
        made.calibrate(value, tokens=tokens if made.known is not None else None)
        with torch.no_grad():
            made.encoder.log_threshold.fill_(math.log(0.5))
            made.decoder.output.weight.mul_(0.5 / made.decoder.output.weight.norm(dim=0))
        with observed(made) as sent, torch.no_grad():
            errors.append(float((made(value, tokens) - value).square().mean()))
        events.append(sent[0].events)
    assert errors[0] < 1.1 * errors[1]
    assert events[0] < 0.5 * events[1]


def test_tokens_are_charged_for_with_and_without_a_prior() -> None:
    tokens, value = source(8)
    with_tokens, plain = boundary(ALPHABET, Graded(2)), boundary(0, Graded(2))
    assert with_tokens.encoder.side_bits == 4
    with observed(with_tokens) as charged, observed(plain) as free, torch.no_grad():
        with_tokens.encoder.load_state_dict(plain.encoder.state_dict())
        with_tokens.known.requires_grad_(False)  # type: ignore[union-attr]
        for table in with_tokens.known.tables:  # type: ignore[union-attr]
            table.get_parameter("weight").zero_()
        with_tokens(value, tokens)
        plain(value)
    assert float(charged[0].bits()) == pytest.approx(float(free[0].bits()) + 4 * value.shape[1])


def test_a_language_model_takes_a_boundary_that_reads_its_tokens() -> None:
    model, tokens, edge = language_model()
    made = insert_boundaries(
        model, tokens, [edge], lambda features, axis: Boundary(features, features, Integer(16), axis, tokens=16)
    )
    (found,) = boundaries_of(made)
    assert found.known is not None
    torch.manual_seed(0)
    calibrate(made, tokens, sensitive=True)
    with torch.no_grad():
        expected, answers = model.eval()(tokens), made(tokens)
        assert float((answers - expected).norm() / expected.norm()) < 1e-2
        torch.testing.assert_close(made(tokens[:2]), answers[:2], rtol=1e-4, atol=1e-4)
        seen = []
        handle = found.register_forward_pre_hook(lambda _, args: seen.append(args[1]))
        made(tokens)
        handle.remove()
    assert torch.equal(seen[0], tokens)
    made(tokens).square().sum().backward()
    for name, parameter in found.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.any()), name


def test_a_model_that_reads_no_tokens_is_refused() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, FEATURES), torch.nn.ReLU(), torch.nn.Linear(FEATURES, 3))
    example = torch.randn(4, 6)
    (edge,) = trace(model, example).into("2")
    with pytest.raises(ValueError, match=r"reads no tokens `batch token`: use boundaries without tokens"):
        insert_boundaries(model, example, [edge], lambda features, _: Boundary(features, 2, Graded(2), tokens=16))


@pytest.mark.parametrize(("tokens", "patch", "axis"), [(-1, 1, -1), (16, 1, 1), (16, 2, 1)])
def test_images_have_no_tokens(tokens: int, patch: int, axis: int) -> None:
    with pytest.raises(ValueError, match=f"tokens is {tokens}, must be >= 0, and 0 for an image"):
        Boundary(FEATURES, 2, Graded(2), axis, patch, tokens)
