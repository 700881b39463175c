from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor, nn
from training_cases import Counting, dataset, hybrid, images, plain, settings

from axonal import wire
from axonal.spiking.traffic import symbol_traffic
from axonal.training import Quality, evaluate, examples, metric
from axonal.training.progress import Point, Progress
from axonal.training.tasks import batch_at


@pytest.mark.parametrize("task", ["classification", "language"])
def test_a_batch_is_a_function_of_seed_and_step_alone(task: str) -> None:
    data = dataset(task)
    order = [7, 0, 3, 11, 7]
    there = {step: batch_at(data, settings(), step) for step in order}
    torch.rand(5)
    back = {step: batch_at(data, settings(steps=99), step) for step in reversed(order)}
    for step in order:
        assert all(torch.equal(a, b) for a, b in zip(there[step], back[step], strict=True))
    assert not torch.equal(there[0][0], there[3][0])
    assert not torch.equal(there[0][0], batch_at(data, settings(seed=1), 0)[0])


def rows(inputs: Tensor) -> list[tuple[float, ...]]:
    return [tuple(row) for row in inputs.flatten(1).tolist()]


@pytest.mark.parametrize("batch", [1, 15, 16, 90, 400])
def test_an_epoch_shows_every_example_once(batch: int) -> None:
    data, epochs = dataset(), []
    each = max(1, 90 // batch)
    for epoch in range(2):
        steps = range(epoch * each, (epoch + 1) * each)
        epochs.append([row for step in steps for row in rows(batch_at(data, settings(batch=batch), step)[0])])
    for seen in epochs:
        assert len(seen) == len(set(seen)) > 90 - batch
        assert set(seen) <= set(rows(data.train.inputs))
        if 90 % batch == 0 or batch > 90:
            assert len(seen) == 90
    assert epochs[0] != epochs[1]


def test_inputs_and_targets_stay_together() -> None:
    data = dataset()
    known = dict(zip(rows(data.train.inputs), data.train.targets.tolist(), strict=True))
    inputs, targets = batch_at(data, settings(), 3)
    assert [known[row] for row in rows(inputs)] == targets.tolist()
    tokens, following = batch_at(dataset("language"), settings(), 3)
    assert tokens.shape == following.shape == (16, 8)
    assert torch.equal(following, (tokens + 1) % 7)


@given(count=st.integers(1, 60), limit=st.integers(1, 60))
@hypothesis_settings(deadline=None, max_examples=60)
def test_a_limit_takes_examples_evenly_from_end_to_end(count: int, limit: int) -> None:
    split = images(count, 0)
    inputs, targets = examples(dataset(), split, 8, limit)
    assert len(inputs) == len(targets) == min(count, limit)
    known = rows(split.inputs)
    places = [known.index(row) for row in rows(inputs)]
    assert places[0] == 0
    assert limit == 1 or places[-1] == count - 1
    gaps = {b - a for a, b in pairwise(places)}
    assert not gaps or (min(gaps) >= 1 and max(gaps) - min(gaps) <= 1)


@pytest.mark.parametrize("batch", [7, 45, 128])
def test_accuracy_is_the_share_of_right_answers(batch: int) -> None:
    model, split = plain(), dataset().validation
    quality = evaluate(model, dataset(), split.inputs, split.targets, batch)
    with torch.no_grad():
        right = int((model.eval()(split.inputs).argmax(-1) == split.targets).sum())
    assert quality == Quality(value=right / 45, link_bits_per_element=0.0, activity=0.0, silent=())


def test_a_model_that_knows_nothing_needs_eight_bits_for_a_byte() -> None:
    model, data = Counting(), dataset("language")
    nn.init.zeros_(model.table.weight)
    quality = evaluate(model, data, *examples(data, data.validation, 8))
    assert quality.value == pytest.approx(8.0, rel=1e-6)


@pytest.mark.parametrize("batch", [9, 45])
def test_traffic_is_what_the_wire_needs_for_the_symbols(batch: int) -> None:
    model, split = hybrid(), dataset().validation
    encoder = model.boundaries[0].encoder
    with torch.no_grad():
        hidden = model.get_submodule("boundaries.0")
        seen: list[Tensor] = []
        handle = hidden.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        model(split.inputs)
        handle.remove()
        symbols = encoder(seen[0])
    quality = evaluate(model, dataset(), split.inputs, split.targets, batch)
    bits = []
    for some in symbols.split(batch):
        traffic = symbol_traffic((32,), encoder.code, float(torch.count_nonzero(some)) / batch)
        bits.append(wire.bits(wire.cheapest(traffic), traffic))
    assert quality.link_bits_per_element == pytest.approx(sum(bits) / len(bits) / 64, rel=1e-6)
    assert quality.activity == pytest.approx(float(torch.count_nonzero(symbols)) / symbols.numel())
    assert quality.silent == ()


def test_evaluation_leaves_each_module_in_its_mode() -> None:
    model, split = plain(), dataset().validation
    model.train()
    model[2].eval()
    modes = [module.training for module in model.modules()]
    evaluate(model, dataset(), split.inputs, split.targets)
    assert [module.training for module in model.modules()] == modes
    with pytest.raises(RuntimeError):
        evaluate(model, dataset(), torch.zeros(4, 1, 3, 3), torch.zeros(4, dtype=torch.int64))
    assert [module.training for module in model.modules()] == modes


def test_metrics_say_which_way_is_better() -> None:
    assert metric("classification") == ("accuracy", True)
    assert metric("language") == ("bits_per_byte", False)


points = st.tuples(st.floats(0, 3), st.floats(0, 1))


@given(seen=st.lists(points, min_size=1, max_size=12), target=st.none() | st.floats(0.1, 3), higher=st.booleans())
@hypothesis_settings(deadline=None, max_examples=200)
def test_the_best_evaluation_meets_the_target_whenever_one_does(
    seen: list[tuple[float, float]], target: float | None, higher: bool
) -> None:
    progress, model = Progress(), nn.Linear(1, 1)
    chosen = settings(traffic_target=target)
    for step, (bits, value) in enumerate(seen, start=1):
        progress.step = step
        nn.init.constant_(model.weight, step)
        quality = Quality(value=value, link_bits_per_element=bits, activity=0.5, silent=())
        progress.note([quality], chosen, model, higher=higher)
    best = progress.best
    assert isinstance(best, Point)
    assert progress.weights["weight"].item() == best.step
    meeting = [value for bits, value in seen if target is None or bits <= target]
    if meeting:
        assert target is None or best.link_bits_per_element <= target
        assert best.validation == (max(meeting) if higher else min(meeting))
    else:
        assert best.link_bits_per_element == min(bits for bits, _ in seen)


def test_the_rate_that_exceeds_its_target_the_most_decides() -> None:
    progress, model, chosen = Progress(), nn.Linear(1, 1), settings(traffic_targets=(1.0, 0.5))
    for bits in ((1.0, 0.7), (1.1, 0.5), (0.2, 0.8)):
        progress.step += 1
        found = [Quality(value=0.5, link_bits_per_element=each, activity=0.5, silent=()) for each in bits]
        progress.note(found, chosen, model, higher=True)
    assert [point.excess for point in progress.curve] == pytest.approx([0.2, 0.1, 0.3])
    assert progress.best is progress.curve[1]


def test_patience_is_spared_while_the_target_is_not_met() -> None:
    progress, model, chosen = Progress(), nn.Linear(1, 1), settings(traffic_target=1.0)
    patience = []
    for bits, value in ((0.9, 0.5), (0.9, 0.4), (2.0, 0.9), (2.0, 0.9), (1.0, 0.5), (1.0, 0.5), (1.0, 0.6)):
        progress.step += 1
        quality = Quality(value=value, link_bits_per_element=bits, activity=0.5, silent=())
        progress.note([quality], chosen, model, higher=True)
        patience.append(progress.since_best)
    assert patience == [0, 1, 0, 0, 1, 2, 0]


@given(steps=st.integers(1, 300))
@hypothesis_settings(deadline=None, max_examples=40)
def test_learning_rate_warms_up_to_its_peak_and_falls(steps: int) -> None:
    chosen = settings(steps=steps, learning_rate=0.1)
    rates = [chosen.rate_at(step) for step in range(steps)]
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.1)
    assert min(rates) > 0
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


@pytest.mark.parametrize("name", ["steps", "batch", "window", "evaluate_every", "patience", "validation_examples"])
def test_settings_that_are_no_counts_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 0, must be >= 1"):
        settings(**{name: 0})


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 0.0), ("learning_rate", math.nan), ("traffic_target", 0.0), ("traffic_target", math.nan)],
)
def test_settings_that_no_training_can_have_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        settings(**{name: value})
