"""Stages: a model that is cut says what the whole one says, bit for bit, and its parameters are divided among them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
import torch
from pipeline_models import Piece, cut
from torch import Tensor, nn

from axonal.mapping import partition
from axonal.runtime.host import host_system
from axonal.runtime.stages import Stage, parameters_in_common, split, weights_of
from axonal.spiking import Boundary, boundaries_of
from axonal.tracing import trace

CASES: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "cnn, dense": (("cnn", 4), {}),
    "cnn, patches": (("cnn", 2, "graded"), {"patch": 2}),
    "cnn, leaky": (("cnn", 3, "leaky"), {}),
    "cnn, several steps": (("cnn", 4, "steps"), {}),
    "rwkv, dense": (("rwkv", 3), {}),
    "rwkv, tokens": (("rwkv", 4, "graded"), {"tokens": True}),
    "rwkv, differences": (("rwkv", 2, "differences"), {}),
    "skips, dense": (("skips", 2), {}),
    "skips, leaky": (("skips", 4, "leaky"), {}),
    "skips, unsigned": (("skips", 3, "unsigned"), {}),
    "skips, integers": (("skips", 3, "integers"), {}),
    "skips, values": (("skips", 4, "values"), {}),
}


@pytest.fixture(scope="module", params=list(CASES))
def piece(request: pytest.FixtureRequest) -> Piece:
    given, named = CASES[request.param]
    return cut(*given, **named)


def through(stages: tuple[Stage, ...], inputs: Tensor) -> Tensor:
    tensors: tuple[Tensor, ...] = (inputs,)
    for stage in stages:
        for crossing, tensor in zip(stage.inputs, tensors, strict=True):
            assert tuple(tensor.shape) == (len(inputs), *crossing.shape)
        tensors = stage(*tensors)
    return tensors[0]


@torch.no_grad()
def test_stages_say_what_the_whole_model_says_for_any_batch(piece: Piece) -> None:
    stages = piece.stages()
    assert len(stages) == len(piece.partition.chips)
    for batch in (1, 3, len(piece.inputs)):
        inputs = piece.inputs[:batch]
        assert torch.equal(through(stages, inputs), piece.whole(inputs))


@torch.no_grad()
def test_what_crosses_is_what_the_crossing_says(piece: Piece) -> None:
    tensors: tuple[Tensor, ...] = (piece.inputs,)
    stages = piece.stages()
    for stage, after in pairwise(stages):
        assert stage.outputs == after.inputs
        tensors = stage(*tensors)
        for crossing, tensor in zip(stage.outputs, tensors, strict=True):
            assert tensor.dtype == torch.float32
            crossing.floats(tensor, len(piece.inputs))  # refuses values that the crossing does not carry


def test_each_parameter_is_in_one_stage_or_is_named_as_shared(piece: Piece) -> None:
    stages = piece.stages()
    owners = Counter(name for stage in stages for name, _ in stage.graph.named_parameters())
    assert set(owners) == {name for name, _ in piece.model.named_parameters()}
    shared = parameters_in_common(stages)
    assert set(shared) == {name for name, count in owners.items() if count > 1}
    assert all(len(set(indices)) == owners[name] for name, indices in shared.items())
    # A leak is the sender's and the receiver's, so is what tokens tell; a decoder is that of each stage that reads.
    boundaries = boundaries_of(piece.model)
    parts = {name.split(".")[2] for name in shared}
    assert parts <= {"encoder", "decoder", "known"}
    assert ("encoder" in parts) == any(boundary.encoder.code.leaky for boundary in boundaries)
    assert ("known" in parts) == any(boundary.known is not None for boundary in boundaries)
    assert all(name.endswith("encoder.leak_logit") for name in shared if ".encoder." in name)


def test_gradients_of_stages_are_those_of_the_whole(piece: Piece) -> None:
    with torch.no_grad():
        answers = piece.whole(piece.inputs)
    weight = torch.linspace(-1, 1, answers.numel()).view_as(answers)
    mine, whole = _parameters(piece.stages()), dict(piece.model.named_parameters())
    found, wanted = (
        torch.autograd.grad((said * weight).sum(), [parameters[name] for name in sorted(whole)], allow_unused=True)
        for said, parameters in ((through(piece.stages(), piece.inputs), mine), (piece.whole(piece.inputs), whole))
    )
    for name, gradient, expected in zip(sorted(whole), found, wanted, strict=True):
        if expected is None or gradient is None:
            assert gradient is expected, name
        else:  # what several read is added up in another order
            assert float((gradient - expected).norm()) <= 1e-5 * float(expected.norm()), name


def _parameters(stages: tuple[Stage, ...]) -> dict[str, nn.Parameter]:
    return {name: value for stage in stages for name, value in stage.graph.named_parameters()}


def test_a_tensor_that_is_read_far_away_is_relayed_by_the_stages_between() -> None:
    stages = cut("skips", 4, "leaky").stages()
    crossed = [{crossing.name for crossing in stage.outputs} for stage in stages[:-1]]
    relayed = [before & after for before, after in pairwise(crossed)]
    assert any(relayed)
    for names, stage in zip(relayed, stages[1:-1], strict=False):
        arriving = {crossing.name: number for number, crossing in enumerate(stage.inputs)}
        leaving = {crossing.name: number for number, crossing in enumerate(stage.outputs)}
        tensors = tuple(torch.ones(2, *crossing.shape) for crossing in stage.inputs)
        left = stage(*tensors)
        assert all(torch.equal(left[leaving[name]], tensors[arriving[name]]) for name in names)


def test_tokens_cross_whole_beside_the_symbols_that_they_foretell() -> None:
    stages = cut("rwkv", 4, "graded", tokens=True).stages()
    for stage in stages[:-1]:
        (tokens,) = (crossing for crossing in stage.outputs if crossing.levels > 127)
        assert tokens.codecs == ("dense",)
        assert not tokens.replaced  # the model without boundaries sends none
    assert [crossing.levels for crossing in stages[-1].outputs] == [0]


def test_the_layout_names_model_and_cut_but_not_weights() -> None:
    first, again = cut("cnn", 4).stages(), split(cut("cnn", 4).model, cut("cnn", 4).inputs[:8], cut("cnn", 4).partition)
    assert {stage.layout for stage in (*first, *again)} == {first[0].layout}
    others = [cut("cnn", 2, "graded", patch=2), cut("cnn", 3, "leaky"), cut("rwkv", 3), cut("skips", 2)]
    assert len({first[0].layout, *(piece.stages()[0].layout for piece in others)}) == 5


def test_the_digest_of_weights_changes_with_any_of_them() -> None:
    stages = cut("skips", 3, "unsigned").stages()
    digests = {weights_of(stages)}
    names = _parameters(stages)
    with torch.no_grad():
        for parameter in names.values():
            kept = parameter.flatten()[0].clone()
            parameter.flatten()[0] += 1
            digests.add(weights_of(stages))
            parameter.flatten()[0] = kept
    assert len(digests) == len(names) + 1
    assert weights_of(stages) in digests


def test_the_partition_of_another_model_is_refused_with_the_tensor_that_is_missing() -> None:
    piece, other = cut("skips", 3, "unsigned"), cut("cnn", 4)
    with pytest.raises(ValueError, match=r"has no tensor 'relu_1' read by .*: give the partition of this model"):
        split(piece.model, piece.inputs[:4], other.partition)


class Mixing(nn.Module):
    """A tensor between two layers has lost the batch axis."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, value: Tensor) -> Tensor:
        turned = self.first(value).T.contiguous()
        result: Tensor = self.second(turned.relu().T)
        return result


def test_a_tensor_without_a_batch_axis_cannot_cross_and_is_named() -> None:
    model, inputs = Mixing(), torch.randn(4, 6)
    parts = partition(trace(model, inputs), host_system(2))
    with pytest.raises(ValueError, match=r"\w+ crosses dies with shape \(6, 4\), must have the batch \(4\) first"):
        split(model, inputs, parts)


class Pair(nn.Module):
    """Two answers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, value: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.first(value)
        return hidden, self.second(hidden)


def test_a_model_of_several_answers_is_refused_with_what_to_do() -> None:
    model, inputs = Pair(), torch.randn(4, 6)
    parts = partition(trace(model, inputs), host_system(2))
    with pytest.raises(ValueError, match="answers several tensors, must answer one: wrap it"):
        split(model, inputs, parts)


def test_a_boundary_within_a_stage_stays_whole() -> None:
    piece = cut("cnn", 3, "leaky")
    parts = partition(piece.workload, host_system(2))
    stages = split(piece.model, piece.inputs[:4], parts)
    inside = [module for stage in stages for module in stage.modules() if isinstance(module, Boundary)]
    assert inside
    with torch.no_grad():
        assert torch.equal(through(stages, piece.inputs), piece.whole(piece.inputs))
