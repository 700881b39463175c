"""Ways of training: after a teacher, in half precision, and target after target."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from training_cases import Counting, charged, dataset, hybrid, plain, settings

from axonal.data import Dataset, Split
from axonal.models import mlp, rwkv
from axonal.spiking import LIF, BitPlane, Bottleneck, Code, FewSpikes, Graded, Latency, Noise, observed
from axonal.training import evaluate, train
from axonal.training.tasks import distance


class Contrary(nn.Module):
    """Knows the answers, and gives the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.gain, self.dropout, self.calls = nn.Parameter(torch.tensor(40.0)), nn.Dropout(0.9), 0

    def forward(self, value: Tensor) -> Tensor:
        self.calls += 1
        assert not torch.is_grad_enabled()
        assert not self.training
        return self.dropout(value[:, 0, :3].mean(-1).roll(1, dims=-1)) * self.gain


def agreement(model: nn.Module, teacher: nn.Module) -> float:
    with torch.no_grad():
        mine, theirs = (net.eval()(dataset().validation.inputs).argmax(-1) for net in (model, teacher))
    return float((mine == theirs).float().mean())


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_distillation_without_a_teacher_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"distillation is {share}, but there is no teacher: pass one"):
        train(plain(), dataset(), settings(distillation=share))


def test_distillation_alone_follows_the_teacher_and_not_the_data() -> None:
    model, teacher = plain(), Contrary().train()
    trained = train(model, dataset(), settings(steps=96, distillation=1.0), teacher=teacher)
    assert trained.curve[-1].validation < 0.1
    assert trained.curve[-1].train_loss < trained.curve[0].train_loss
    assert teacher.training
    assert teacher.gain.grad is None


def test_the_more_distillation_the_nearer_to_the_teacher() -> None:
    found = []
    for share in (0.0, 0.3, 1.0):
        model, teacher = plain(), Contrary()
        # A single evaluation: its weights are the last ones, whatever they are worth.
        train(model, dataset(), settings(steps=96, evaluate_every=96, distillation=share), teacher=teacher)
        assert teacher.calls == (96 if share else 0)
        found.append(agreement(model, teacher))
    assert found[0] <= found[1] <= found[2]
    assert found[0] < 0.2
    assert found[2] > 0.9


def test_the_distance_of_answers_is_nothing_only_where_they_are_equal() -> None:
    torch.manual_seed(0)
    mine, theirs = torch.randn(5, 7, 4), torch.randn(5, 7, 4)
    assert float(distance(mine, mine + 3.0)) == pytest.approx(0, abs=1e-6)
    expected = sum(
        float((p.softmax(-1) * (p.log_softmax(-1) - q.log_softmax(-1))).sum())
        for p, q in zip(theirs.flatten(0, 1), mine.flatten(0, 1), strict=True)
    )
    assert float(distance(mine, theirs)) == pytest.approx(expected / 35, rel=1e-5)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_distillation_that_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"distillation is {share}, must be 0 to 1"):
        settings(distillation=share)


@pytest.mark.parametrize(
    "code",
    [Graded(3), Graded(3, surrogate=Noise()), FewSpikes(3), BitPlane(3), Latency(4), Bottleneck(7)],
    ids=repr,
)
def test_half_precision_is_for_the_products_of_training_steps_alone(code: Code) -> None:
    model = hybrid(code)
    products: set[tuple[bool, torch.dtype]] = set()
    crossing: set[torch.dtype] = set()
    encoder = model.boundaries[0].encoder

    def see(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        products.add((module.training, args[0].dtype))

    def across(_: nn.Module, __: tuple[Tensor, ...], symbols: Tensor) -> None:
        crossing.add(symbols.dtype)

    handles = [encoder.register_forward_pre_hook(see), encoder.register_forward_hook(across)]
    trained = train(model, dataset(), settings(steps=24, bfloat16=True))
    for handle in handles:
        handle.remove()
    assert products == {(True, torch.bfloat16), (False, torch.float32)}
    assert crossing == {torch.float32}
    assert all(tensor.dtype == torch.float32 for tensor in model.state_dict().values())
    assert all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values())
    assert trained.best.validation > 0.5
    split = dataset().validation
    assert evaluate(model, dataset(), split.inputs, split.targets).value == trained.best.validation


@pytest.mark.parametrize("task", ["classification", "language"])
def test_spiking_networks_are_trained_in_half_precision_too(task: str) -> None:
    torch.manual_seed(0)
    model: nn.Module = rwkv.Rwkv(8, 1, 2, spiking=True) if task == "language" else mlp.Mlp(16, 8, 3, time_steps=3)
    spikes: set[torch.dtype] = set()
    for module in model.modules():
        if isinstance(module, LIF):
            module.register_forward_hook(lambda _, __, sent: spikes.add(sent.dtype))
    trained = train(model, dataset(task), settings(steps=6, bfloat16=True))
    assert spikes == {torch.float32}
    assert trained.curve[-1].train_loss < 10
    assert all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values())


def test_half_precision_learns_nearly_the_same() -> None:
    losses = [train(charged(), dataset(), settings(bfloat16=half)).curve[-1].train_loss for half in (False, True)]
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], abs=0.1)


def test_the_weight_of_the_traffic_is_carried_to_the_next_target() -> None:
    unmet, met = (train(charged(), dataset(), settings(traffic_target=target)) for target in (1e-3, 100.0))
    assert unmet.traffic_weight > 0.02 > met.traffic_weight
    further = train(charged(), dataset(), settings(traffic_target=1e-3, traffic_weight=unmet.traffic_weight))
    assert further.traffic_weight > unmet.traffic_weight
    assert train(hybrid(), dataset(), settings(traffic_weight=0.7)).traffic_weight == 0.7


@pytest.mark.parametrize(("name", "value"), [("traffic_weight", 0.0), ("traffic_rate", -1.0)])
def test_weights_of_the_traffic_that_would_never_move_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}, must be > 0"):
        settings(**{name: value})


def test_a_prior_holds_the_traffic_at_a_target_that_evaluation_measures_too() -> None:
    model = charged()
    split = dataset().validation
    trained = train(model, dataset(), settings(steps=150, evaluate_every=25, traffic_target=0.3, traffic_weight=0.1))
    assert trained.best.link_bits_per_element <= 0.3
    with torch.no_grad(), observed(model.eval()) as sent:
        model(split.inputs)
    prior = sent[0].prior
    assert prior is not None
    assert float(prior.bits(sent[0].symbols)) / len(split) / 64 == pytest.approx(
        trained.best.link_bits_per_element, rel=1e-5
    )


def words(bytes_per_symbol: float) -> Dataset:
    """A text of words that repeat, so many bytes each."""
    split = Split(inputs=(torch.arange(200) % 7).to(torch.int16), targets=torch.empty(0, dtype=torch.int64))
    return replace(
        dataset("language"),
        train=split,
        validation=split,
        test=split,
        classes=300,
        bytes_per_symbol=bytes_per_symbol,
    )


def test_words_are_judged_by_the_bytes_that_they_stand_for() -> None:
    found = []
    for size in (1.0, 4.0):
        data = words(size)
        inputs, targets = data.test.inputs[:160].long().view(-1, 8), data.test.inputs[1:161].long().view(-1, 8)
        found.append(evaluate(Counting(), data, inputs, targets, batch=7).value)
    assert found[1] == pytest.approx(found[0] / 4)
    trained = train(Counting(), words(4.0), settings(steps=20, learning_rate=0.3))
    assert trained.best.validation < found[1]
