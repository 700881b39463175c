"""Boundaries that are lost come back, and never in silence."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, fx
from training_cases import charged, dataset, hybrid, same, settings

from axonal.spiking import (
    Boundary,
    Categorical,
    Code,
    Encoder,
    Float,
    Graded,
    Integer,
    Sent,
    TopK,
    boundaries_of,
    observed,
)
from axonal.training import Point, evaluate, train
from axonal.training.rescue import FACTOR, PATIENCE, Rescue


def encoder_of(model: fx.GraphModule) -> Encoder:
    return boundaries_of(model)[0].encoder


def lost(log_threshold: float, make: object = hybrid) -> fx.GraphModule:
    """A network whose boundary has thresholds far from what crosses it."""
    model: fx.GraphModule = make()  # type: ignore[operator]
    with torch.no_grad():
        encoder_of(model).log_threshold.fill_(log_threshold)
    return model


def saturated(model: fx.GraphModule) -> float:
    with torch.no_grad(), observed(model.eval()) as sent:
        model(dataset().validation.inputs)
    return sent[0].saturated


def test_a_silent_boundary_is_brought_back_and_it_is_said() -> None:
    model = lost(2.0)
    split = dataset().validation
    assert evaluate(model, dataset(), split.inputs, split.targets).silent == (0,)
    trained = train(model, dataset(), settings(steps=60))
    quality = evaluate(model, dataset(), split.inputs, split.targets)
    assert quality.silent == ()
    assert quality.activity > 0
    assert trained.warnings[0] == "boundary 0 sent nothing for 10 steps at step 9: thresholds lowered x0.5"
    assert not any("sends nothing" in warning for warning in trained.warnings)


def test_a_saturated_boundary_is_brought_back_and_it_is_said() -> None:
    model = lost(-9.0)
    assert saturated(model) > 0.98
    trained = train(model, dataset(), settings(steps=60, learning_rate=1e-4))
    assert saturated(model) < 0.98
    assert trained.warnings[0] == "boundary 0 was saturated for 10 steps at step 9: thresholds raised x2"


@pytest.mark.parametrize("log_threshold", [2.0, -9.0], ids=["silent", "saturated"])
@pytest.mark.parametrize("stop", [7, 17, 24])
@pytest.mark.parametrize(("make", "target"), [(hybrid, None), (charged, 0.4)], ids=["free", "charged"])
def test_a_rescue_is_the_same_after_an_interruption(
    log_threshold: float, stop: int, make: object, target: float | None, tmp_path: Path
) -> None:
    chosen, path = settings(steps=30, learning_rate=1e-4, traffic_target=target), tmp_path / "run.safetensors"
    unbroken, resumed = lost(log_threshold, make), lost(log_threshold, make)
    expected = train(unbroken, dataset(), chosen)
    assert any("thresholds" in warning for warning in expected.warnings)

    def pull(step: int, _: int, __: Point | None) -> None:
        if step == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(lost(log_threshold, make), dataset(), chosen, checkpoint=path, watch=pull)
    found = train(resumed, dataset(), chosen, checkpoint=path)
    assert found.warnings == expected.warnings
    assert same(resumed.state_dict(), unbroken.state_dict())


def watched(rescue: Rescue, encoder: Encoder, symbols: Tensor, steps: int) -> float:
    """Factor by which the thresholds are changed when these symbols are sent for some steps."""
    before = float(encoder.log_threshold.detach()[0])
    for step in range(steps):
        rescue.watch([Sent(symbols, encoder.code, 4, encoder=encoder)], step)
    return math.exp(float(encoder.log_threshold.detach()[0]) - before)


@pytest.mark.parametrize(
    ("code", "symbols", "factor"),
    [
        (Graded(2), torch.zeros(3, 4), 1 / FACTOR),
        (Graded(2), torch.full((3, 4), -2.0), FACTOR),
        (Graded(2), torch.full((3, 4), 0.4), 1 / FACTOR),
        (Graded(2), torch.tensor([[2.0, 2.0, -2.0, 1.0]] * 3), 1.0),
        (TopK(2), torch.tensor([[8.0, 8.0, 0.0, 0.0]] * 3), 1.0),
        (Integer(8), torch.zeros(3, 4), 1 / FACTOR),
        (Integer(1), torch.ones(3, 4), 1.0),
        (Categorical(2), torch.tensor([[0.0, 1.0, 1.0, 0.0]] * 3), 1.0),
        (Float(), torch.zeros(3, 4), 1.0),
    ],
    ids=repr,
)
def test_a_boundary_is_lost_after_some_steps_in_a_row_that_say_nothing(
    code: Code, symbols: Tensor, factor: float
) -> None:
    encoder, rescue = Encoder(4, 0, code), Rescue()
    assert watched(rescue, encoder, symbols, PATIENCE - 1) == pytest.approx(1)
    assert watched(rescue, encoder, symbols, 1) == pytest.approx(factor)
    assert sum("thresholds" in note for note in rescue.notes) == (factor != 1)
    assert watched(rescue, encoder, symbols, 2 * PATIENCE) == pytest.approx(factor**2)
    assert sum("thresholds" in note for note in rescue.notes) == 3 * (factor != 1)


def test_a_single_step_that_speaks_starts_the_count_again() -> None:
    encoder, rescue = Encoder(4, 0, Graded(2)), Rescue()
    silent, speaks = torch.zeros(3, 4), torch.eye(4)[:3]
    for _ in range(3):
        assert watched(rescue, encoder, silent, PATIENCE - 1) == pytest.approx(1)
        assert watched(rescue, encoder, speaks, 1) == pytest.approx(1)
    assert rescue.notes == []


def test_only_the_boundary_that_is_lost_is_changed() -> None:
    boundaries, rescue = [Boundary(4, 0, Graded(2)) for _ in range(3)], Rescue()
    for step in range(PATIENCE):
        symbols = [torch.eye(4), torch.zeros(4, 4), torch.full((4, 4), 2.0)]
        rescue.watch([Sent(s, Graded(2), 4, encoder=b.encoder) for s, b in zip(symbols, boundaries, strict=True)], step)
    found = [float(boundary.encoder.log_threshold.detach()[0]) for boundary in boundaries]
    assert found == pytest.approx([0, -math.log(FACTOR), math.log(FACTOR)])
    assert [note.partition(" for")[0] for note in rescue.notes] == [
        "boundary 1 sent nothing",
        "boundary 2 was saturated",
    ]


def test_a_dense_boundary_that_sends_the_same_everywhere_is_said_to_once() -> None:
    encoder, rescue = Encoder(4, 0, Integer(1)), Rescue()
    watched(rescue, encoder, torch.ones(3, 4), 3 * PATIENCE)
    assert [note.startswith("boundary 0 sends the same symbol everywhere") for note in rescue.notes] == [True]
