from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_cases import Counting, charged, dataset, hybrid, plain, same, settings, state

from axonal.spiking import boundaries_of, choose
from axonal.training import Point, Quality, evaluate, train

MODELS: list[tuple[Callable[[], nn.Module], float | None]] = [
    (plain, None),
    (hybrid, None),
    (hybrid, 2.5),
    (charged, 0.4),
]
NAMES = ["plain", "hybrid", "hybrid with a target", "hybrid with a target and a prior"]
runs = pytest.mark.parametrize(("make", "target"), MODELS, ids=NAMES)


class Interrupted(Exception):  # noqa: N818 - the plug that is pulled
    pass


def pulls_the_plug(at: int) -> Callable[[int, int, Point | None], None]:
    def watch(step: int, steps: int, point: Point | None) -> None:
        if step == at:
            raise Interrupted

    return watch


@runs
def test_equal_seeds_give_equal_curves_to_the_last_bit(make: Callable[[], nn.Module], target: float | None) -> None:
    finished = []
    for attempt in range(2):
        model = make()
        torch.manual_seed(100 + attempt)  # what others do with the global generator does not matter
        finished.append((train(model, dataset(), settings(traffic_target=target)), model))
    (one, first), (other, second) = finished
    assert one.curve == other.curve
    assert one.best == other.best
    assert same(first.state_dict(), second.state_dict())
    assert len({point.train_loss for point in one.curve}) == 4


def test_another_seed_gives_another_curve() -> None:
    one, other = (train(plain(), dataset(), settings(seed=seed)).curve for seed in (0, 1))
    assert [point.step for point in one] == [point.step for point in other]
    assert all(a.train_loss != b.train_loss for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("stops", [(3,), (6,), (24,), (7, 14, 20)], ids=str)
@runs
def test_a_run_that_was_interrupted_ends_like_an_unbroken_one(
    make: Callable[[], nn.Module], target: float | None, stops: tuple[int, ...], tmp_path: Path
) -> None:
    chosen, path = settings(traffic_target=target), tmp_path / "run.safetensors"
    unbroken, resumed = make(), make()
    expected = train(unbroken, dataset(), chosen)
    for stop in stops:
        with pytest.raises(Interrupted):
            train(resumed, dataset(), chosen, checkpoint=path, watch=pulls_the_plug(stop))
        resumed = make()
    found = train(resumed, dataset(), chosen, checkpoint=path)
    assert found.curve == expected.curve
    assert (found.best, found.steps, found.warnings) == (expected.best, expected.steps, expected.warnings)
    assert found.traffic_weight == expected.traffic_weight
    assert same(resumed.state_dict(), unbroken.state_dict())
    assert found.seconds > 0


def test_watch_is_told_of_each_step_and_of_each_evaluation() -> None:
    told: list[tuple[int, int, int | None]] = []
    trained = train(
        plain(), dataset(), settings(steps=10), watch=lambda a, b, point: told.append((a, b, point and point.step))
    )
    assert told == [(step, 10, step if step in (6, 10) else None) for step in range(1, 11)]
    assert [point.step for point in trained.curve] == [6, 10]


@runs
def test_model_ends_with_the_weights_that_were_best(make: Callable[[], nn.Module], target: float | None) -> None:
    model = make()
    trained = train(model, dataset(), settings(steps=48, traffic_target=target))
    assert trained.best in trained.curve
    split = dataset().validation
    quality = evaluate(model, dataset(), split.inputs, split.targets)
    assert (quality.value, quality.link_bits_per_element) == (
        trained.best.validation,
        trained.best.link_bits_per_element,
    )
    if target is None:
        assert trained.best.validation == max(point.validation for point in trained.curve)
        assert trained.best.validation > 0.8


def test_bytes_are_learned_and_fewer_bits_are_better() -> None:
    trained = train(Counting(), dataset("language", train=400), settings(steps=40, learning_rate=0.3))
    assert trained.best.validation == min(point.validation for point in trained.curve) < 1 < trained.curve[0].validation


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_early_when_nothing_gets_better(patience: int) -> None:
    trained = train(plain(), dataset(), settings(steps=600, learning_rate=1e-12, patience=patience))
    assert trained.stopped_early
    at = [point.step for point in trained.curve].index(trained.best.step)
    assert trained.steps == trained.curve[-1].step == trained.best.step + 6 * patience
    assert len(trained.curve) == at + 1 + patience


def test_patience_is_not_renewed_by_an_interruption(tmp_path: Path) -> None:
    chosen, path = settings(steps=600, learning_rate=1e-12, patience=3), tmp_path / "run.safetensors"
    expected = train(plain(), dataset(), chosen)
    for stop in (expected.steps - 12, expected.steps - 6):
        with pytest.raises(Interrupted):
            train(plain(), dataset(), chosen, checkpoint=path, watch=pulls_the_plug(stop))
    found = train(plain(), dataset(), chosen, checkpoint=path)
    assert (found.steps, found.stopped_early) == (expected.steps, True)


def test_a_run_to_the_end_did_not_stop_early() -> None:
    trained = train(plain(), dataset(), settings())
    assert not trained.stopped_early
    assert trained.steps == 24


def test_a_traffic_target_is_met_by_the_weights_that_are_kept() -> None:
    model = hybrid()
    split = dataset().validation
    before = evaluate(model, dataset(), split.inputs, split.targets).link_bits_per_element
    target = 0.9 * before
    trained = train(model, dataset(), settings(steps=120, traffic_target=target))
    meeting = [point for point in trained.curve if point.link_bits_per_element <= target]
    assert meeting, "the objective must reach its target in this time"
    assert trained.best.link_bits_per_element <= target
    assert trained.best.validation == max(point.validation for point in meeting)
    assert trained.warnings == ()


def rates_of(model: nn.Module) -> list[Quality]:
    split, found = dataset().validation, []
    for rate in range(boundaries_of(model)[0].rates):
        choose(model, rate)
        found.append(evaluate(model, dataset(), split.inputs, split.targets))
    return found


def test_one_run_holds_every_rate_at_its_target() -> None:
    model, targets = charged(rates=2), (0.4, 0.2)
    trained = train(model, dataset(), settings(steps=300, learning_rate=0.005, traffic_targets=targets))
    fine, coarse = rates_of(model)
    assert coarse.link_bits_per_element < 0.9 * fine.link_bits_per_element
    for quality, target in zip((fine, coarse), targets, strict=True):
        assert 0.5 * target < quality.link_bits_per_element <= target
        assert quality.value > 0.9
    assert (trained.best.excess, trained.warnings) == (0.0, ())


def test_an_interrupted_run_of_several_rates_ends_in_the_same_weights(tmp_path: Path) -> None:
    found = []
    for stop in (None, 12):
        model, path = hybrid(), tmp_path / f"{stop}.safetensors"
        boundaries_of(model)[0].offer(2)
        chosen = settings(traffic_targets=(1.0, 0.5))
        if stop is not None:
            with pytest.raises(Interrupted):
                train(model, dataset(), chosen, checkpoint=path, watch=pulls_the_plug(stop))
            model = hybrid()
            boundaries_of(model)[0].offer(2)
        train(model, dataset(), chosen, checkpoint=path)
        found.append(state(model))
    assert same(*found)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"traffic_targets": (1.0, 0.5)}, r"traffic_targets are 2, but the boundaries offer \[1\] rates"),
        ({"traffic_targets": (1.0, 0.0)}, r"traffic_target is 0\.0 bits"),
        ({"traffic_targets": (1.0,), "traffic_target": 1.0}, "give one"),
    ],
)
def test_targets_that_do_not_fit_the_rates_are_refused(targets: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(hybrid(), dataset(), settings(**targets))


def test_a_missed_target_is_said() -> None:
    trained = train(hybrid(), dataset(), settings(steps=2, traffic_target=1e-3))
    assert any("target 0.001: train longer" in warning for warning in trained.warnings)


def test_a_silent_boundary_is_said() -> None:
    model = hybrid()
    with torch.no_grad():
        model.boundaries[0].encoder.log_threshold.fill_(20.0)
    trained = train(model, dataset(), settings(steps=2))
    assert trained.warnings == ("boundary 0 sends nothing: raise traffic_target",)


def test_a_target_without_boundaries_is_refused() -> None:
    with pytest.raises(ValueError, match=r"traffic_target is 0\.5, but the model has no boundaries"):
        train(plain(), dataset(), settings(traffic_target=0.5))


class Wrong(nn.Module):
    """A loss that is not finite from a step on, or a gradient that is not from the first."""

    def __init__(self, *, gradient: bool) -> None:
        super().__init__()
        self.linear, self.gradient, self.calls = nn.Linear(16, 3), gradient, 0

    def forward(self, value: Tensor) -> Tensor:
        self.calls += self.training
        logits: Tensor = self.linear(value.flatten(1))
        if self.gradient:
            return logits + (logits * 0).sqrt()
        return logits / (self.calls < 4)


@pytest.mark.parametrize(
    ("gradient", "message"), [(False, "the loss became nan at step 3"), (True, "the gradient became nan at step 0")]
)
def test_numbers_that_are_not_finite_end_training_before_they_reach_the_weights(gradient: bool, message: str) -> None:
    model = Wrong(gradient=gradient)
    with pytest.raises(ValueError, match=rf"{message}: lower learning_rate \(now 0.02\)"):
        train(model, dataset(), settings())
    assert all(bool(torch.isfinite(tensor).all()) for tensor in state(model).values())


def test_the_global_generator_is_left_as_it_was() -> None:
    model = plain()
    before = torch.get_rng_state()
    train(model, dataset(), settings())
    assert torch.equal(torch.get_rng_state(), before)
