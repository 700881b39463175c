from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spiking_models import hybrid
from torch import Tensor, nn

from axonal import wire
from axonal.spiking import (
    Boundary,
    Code,
    Encoder,
    Graded,
    Integer,
    Rate,
    TrafficObjective,
    boundaries_of,
    expected_bits,
    observed,
)
from axonal.spiking.traffic import symbol_traffic

CODES: tuple[Code, ...] = (Graded(2), Graded(4), Graded(0, signed=False), Rate(4), Integer(1), Integer(8))


def symbols_of(code: Code, activity: float, seed: int, *, batch: int = 5) -> Tensor:
    """Symbols of which about that share is not zero (dense codes aside)."""
    source = torch.Generator().manual_seed(seed)
    current = torch.rand(batch, 3, 40, generator=source) * code.levels + 1
    current = torch.where(torch.rand(current.shape, generator=source) < activity, current, 0.0)
    return code.encode(current, torch.ones(40), torch.full((40,), 0.5))


@given(code=st.sampled_from(CODES), activity=st.sampled_from([0.0, 0.02, 0.3, 1.0]), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=80)
def test_expected_bits_are_the_mean_of_what_the_wire_needs_for_the_real_symbols(
    code: Code, activity: float, seed: int
) -> None:
    rows = symbols_of(code, activity, seed).to(torch.int32).numpy()
    counts = [int((row != 0).sum()) for row in rows]
    elements = rows[0].size
    traffic = symbol_traffic(rows[0].shape, code, sum(counts) / len(counts))
    needed = {
        packet_format: math.fsum(packet_format.bits(elements, count) for count in counts) / len(counts)
        for packet_format in wire.sizing.candidates(traffic)
    }
    best = min(needed, key=needed.__getitem__)
    for row, count in zip(rows, counts, strict=True):
        assert len(best.pack(row)) == math.ceil(best.bits(elements, count) / 8)
    value = expected_bits(symbols_of(code, activity, seed), code)
    assert float(value) == pytest.approx(needed[best], rel=1e-7)


@pytest.mark.parametrize("code", [code for code in CODES if code.symbols == "event"], ids=repr)
@pytest.mark.parametrize("activity", [0.02, 0.2, 1.0])
def test_gradient_of_the_bits_points_towards_fewer_and_smaller_events(code: Code, activity: float) -> None:
    symbols = symbols_of(code, activity, seed=3)
    symbols = (
        symbols * torch.where(torch.rand(symbols.shape) < 0.5, -1, 1) if code.signed else symbols
    ).requires_grad_()
    expected_bits(symbols, code).backward()
    assert symbols.grad is not None
    sent = symbols.detach() != 0
    assert bool((symbols.grad * symbols.detach().sign() > 0)[sent].all())
    assert not symbols.grad[~sent].any()


def test_a_dense_code_has_no_bits_to_save() -> None:
    symbols = symbols_of(Integer(8), 0.5, seed=0).requires_grad_()
    bits = expected_bits(symbols, Integer(8))
    assert float(bits.detach()) == wire.HEADER_BITS + 8 * 120
    (gradient,) = torch.autograd.grad(bits, symbols, allow_unused=True)
    assert gradient is None or not gradient.any()


@pytest.mark.parametrize("code", CODES, ids=repr)
@pytest.mark.parametrize("batch", [1, 3, 7])
def test_a_batch_without_a_single_silent_neuron_has_a_size(code: Code, batch: int) -> None:
    symbols = torch.ones(batch, *((4,) if code.time_steps > 1 else ()), 37)
    assert float(expected_bits(symbols, code)) >= wire.HEADER_BITS + 37


def test_what_was_sent_is_collected_in_order_and_nothing_stays_behind() -> None:
    _, example, made = hybrid("mlp", Graded(2), neurons=0.5)
    made.zero_grad()
    with torch.no_grad(), observed(made) as sent:
        made(example)
    boundaries = boundaries_of(made)
    assert len(sent) == len(boundaries) == 5
    value = [boundary.encoder.code for boundary in boundaries]
    assert [item.code for item in sent] == value
    assert [item.elements for item in sent] == [6] * 5
    assert all(item.symbols.shape == (4, 3) for item in sent)
    made(example)
    assert len(sent) == 5
    assert not any(module._forward_hooks for module in made.modules())


def test_hooks_are_removed_when_the_model_fails() -> None:
    encoder = Encoder(4, 2, Graded(2))
    with pytest.raises(RuntimeError), observed(encoder):
        encoder(torch.ones(2, 3))
    assert not encoder._forward_hooks


def test_weight_grows_above_the_target_and_shrinks_below_it() -> None:
    objective = TrafficObjective(target_bits=2.0, warmup_steps=1, weight=0.5)
    objective.penalty(torch.tensor(2.0))
    weights = [objective.weight]
    for bits in (3.0, 2.5, 2.0, 1.9, 0.0):
        objective.penalty(torch.tensor(bits))
        weights.append(objective.weight)
    assert weights[0] < weights[1] < weights[2] == weights[3] > weights[4] > weights[5]


@given(bits=st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
@settings(deadline=None, max_examples=40)
def test_weight_stays_within_its_bounds_whatever_is_measured(bits: list[float]) -> None:
    objective = TrafficObjective(target_bits=1.0)
    for value in bits:
        penalty = objective.penalty(torch.tensor(value))
        assert objective.low <= objective.weight <= objective.high
        assert float(penalty) >= 0


def test_target_falls_from_what_was_measured_first_to_the_final_one() -> None:
    objective = TrafficObjective(target_bits=1.0, warmup_steps=10)
    targets = []
    for _ in range(15):
        objective.penalty(torch.tensor(8.0))
        targets.append(objective.current_target())
    assert all(later < earlier for earlier, later in pairwise(targets[:10]))
    assert targets[0] < 8
    assert targets[9:] == [1.0] * 6


def test_target_never_rises_to_what_was_measured() -> None:
    objective = TrafficObjective(target_bits=1.0, warmup_steps=10)
    objective.penalty(torch.tensor(0.3))
    assert objective.current_target() == 1.0


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan])
def test_a_target_that_is_none_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match=r"target_bits is .*, must be > 0"):
        TrafficObjective(target_bits=target)


@pytest.mark.parametrize("target", [1.6, 2.4])
def test_objective_holds_the_bits_at_the_target(target: float) -> None:
    torch.manual_seed(0)
    value = torch.randn(64, 64)
    boundary = Boundary(64, 64, Graded(3))
    boundary.calibrate(value)
    objective = TrafficObjective(target_bits=target, warmup_steps=40)
    optimizer, history = torch.optim.Adam(boundary.parameters(), lr=0.01), []
    for _ in range(250):
        with observed(boundary) as sent:
            loss = nn.functional.mse_loss(boundary(value), value)
        bits = sent[0].bits() / sent[0].elements
        optimizer.zero_grad()
        (loss + objective.penalty(bits)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        history.append(float(bits.detach()))
    assert history[0] > target
    assert sum(history[-30:]) / 30 == pytest.approx(target, rel=0.1)
