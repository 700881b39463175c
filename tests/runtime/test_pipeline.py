"""Pipelines of real processes: the same numbers as one process, by every schedule, and every byte accounted for."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from pipeline_acts import Lesson, alone, changing, inferred, lesson_of, taught, total
from pipeline_forks import ranks
from pipeline_models import Piece, cut

from axonal.mapping import place
from axonal.runtime.host import host_system
from axonal.runtime.pipeline import PipelineSettings
from axonal.runtime.predicting import cheapest_codecs, predicted_bytes
from axonal.simulation import simulate
from axonal.spiking import boundaries_of
from axonal.tracing import trace
from axonal.wire.frame import HEADER_BITS

MODELS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "dense": (("cnn", 4), {}),
    "leaky": (("cnn", 3, "leaky"), {}),
    "patches": (("cnn", 2, "graded"), {"patch": 2}),
    "relayed": (("skips", 4, "leaky"), {}),
    "graded": (("cnn", 2, "graded"), {}),
    "tokens": (("rwkv", 2, "graded"), {"tokens": True}),
    "tokens far": (("rwkv", 4, "graded"), {"tokens": True}),
}

RUNS = [
    ("patches", 2, "gpipe"),
    ("tokens", 2, "1f1b"),
    ("leaky", 3, "1f1b"),
    ("dense", 4, "gpipe"),
    ("relayed", 4, "1f1b"),
    ("dense", 2, "interleaved_1f1b"),
    ("relayed", 2, "zero_bubble"),
    ("relayed", 2, "interleaved_1f1b"),
    ("tokens far", 2, "looped_bfs"),
]
"""Model, ranks, schedule."""


def piece_of(name: str) -> Piece:
    given, named = MODELS[name]
    return cut(*given, **named)


def plan_of(schedule: str = "gpipe", gradient: str = "fp32", **named: Any) -> PipelineSettings:
    return PipelineSettings(
        schedule=schedule, gradient=gradient, micro_batches=4, timeout_s=60.0, heartbeat_s=5.0, **named
    )


@cache
def lesson(name: str) -> Lesson:
    piece = piece_of(name)
    with torch.no_grad():
        return lesson_of(piece.inputs, piece.whole(piece.inputs))


@cache
def one_process(name: str) -> dict[str, Any]:
    return alone(copy.deepcopy(piece_of(name).model), lesson(name))


@cache
def trained(name: str, number: int, schedule: str, gradient: str = "fp32") -> list[dict[str, Any]]:
    endings = ranks(number, taught, piece_of(name).stages(), plan_of(schedule, gradient), lesson(name))
    assert [ending.text for ending in endings] == [""] * number
    return [ending.value for ending in endings]


def far(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / max(float(np.linalg.norm(wanted)), 1e-12))


@pytest.mark.parametrize(("name", "number", "schedule"), RUNS)
def test_losses_and_gradients_are_those_of_one_process(name: str, number: int, schedule: str) -> None:
    parts, wanted = trained(name, number, schedule), one_process(name)
    # Later steps follow from gradients that were added up in another order.
    assert parts[-1]["losses"][0] == wanted["losses"][0]
    assert np.allclose(parts[-1]["losses"], wanted["losses"], rtol=1e-5)
    seen = set()
    for part in parts:
        for learned in ("gradients", "parameters"):
            for key, value in part[learned].items():
                assert far(value, wanted[learned].get(key, np.zeros_like(value))) < 1e-5, (learned, key)
                seen.add(key)
    assert seen == set(wanted["parameters"])
    assert all(part["norm"] == pytest.approx(wanted["norm"], rel=1e-5) for part in parts)


@pytest.mark.parametrize(("name", "number", "schedule"), RUNS)
def test_copies_of_shared_parameters_stay_equal(name: str, number: int, schedule: str) -> None:
    held: dict[str, np.ndarray] = {}
    copies = 0
    for part in trained(name, number, schedule):
        for key, value in part["parameters"].items():
            copies += key in held
            assert np.array_equal(held.setdefault(key, value), value), key
    assert bool(copies) == (name not in ("dense", "patches"))


@pytest.mark.parametrize(("name", "number", "schedule"), RUNS)
def test_what_ranks_sent_is_what_ranks_received(name: str, number: int, schedule: str) -> None:
    parts = trained(name, number, schedule)
    counts = total(parts)
    assert counts.bytes_sent == counts.bytes_received
    assert counts.bytes_headers == 48 * counts.frames
    assert sum(frames for frames, _, _ in counts.by_crossing.values()) + _gradients(name) == counts.frames


def _gradients(name: str) -> int:
    """Messages back: one for each that went forward, but for tokens, whose nothing travels raw."""
    stages, plan = piece_of(name).stages(), lesson(name)
    learned = sum(crossing.levels <= 127 for stage in stages[:-1] for crossing in stage.outputs)
    return learned * plan.micro_batches * plan.steps


@pytest.mark.parametrize("name", ["patches", "tokens"])
def test_gradients_of_eight_bits_change_losses_little_and_cost_little(name: str) -> None:
    parts, wanted = trained(name, 2, "1f1b", "int8"), one_process(name)
    assert parts[-1]["losses"][0] == wanted["losses"][0]  # the first answers owe nothing to gradients
    assert np.allclose(parts[-1]["losses"], wanted["losses"], rtol=2e-3)
    exact = total(trained(name, 2, "1f1b", "fp32"))
    assert total(parts).bytes_backward < 0.45 * exact.bytes_backward
    assert total(parts).frames == exact.frames


def test_a_batch_of_another_size_is_no_batch_for_training() -> None:
    for part in trained("patches", 2, "gpipe"):
        assert part["uneven"] == "inputs have 7 examples, must be 8: 4 micro-batches of 2"


INFERENCES = [("patches", 2), ("leaky", 3), ("tokens far", 4), ("relayed", 2), ("dense", 2)]
CODED: Mapping[str, tuple[str, ...]] = {"patches": ("bitmap", "address", "dense"), "leaky": ("address",)}


@pytest.mark.parametrize(("name", "number"), INFERENCES)
def test_answers_are_those_of_one_process_and_bytes_those_of_the_formats(name: str, number: int) -> None:
    piece = piece_of(name)
    stages, inputs = piece.stages(), piece.inputs[:21]  # a batch of 16, and one of 5 that is filled up
    for codec in CODED.get(name, ("",)):
        chosen = {c.name: codec for s in stages[:-1] for c in s.outputs if codec in c.codecs}
        plan = plan_of("gpipe" if len(stages) == number else "looped_bfs", codecs=chosen)
        endings = ranks(number, inferred, stages, inputs, plan, 4)
        assert [ending.text for ending in endings] == [""] * number
        with torch.no_grad():
            wanted = torch.cat([piece.whole(some) for some in torch.split(inputs[:20], 4)])
            last = piece.whole(torch.cat([inputs[20:], inputs[20:].expand(3, *inputs.shape[1:])]))[:1]
        answers = endings[-1].value["answers"]
        assert np.array_equal(answers, torch.cat([wanted, last]).numpy())
        assert all(ending.value["answers"] is None for ending in endings[:-1])
        counts = total([ending.value for ending in endings])
        filled = torch.cat([inputs, inputs[-1:].expand(11, *inputs.shape[1:])])
        predicted = predicted_bytes(stages, torch.split(filled, 4), chosen)
        if any(c.levels == 0 for s in stages[:-1] for c in s.outputs):
            assert predicted is None  # the formats of the simulator carry no floats
        else:
            assert counts.bytes_forward == predicted
        assert counts.bytes_backward == 0
        assert counts.bytes_sent == counts.bytes_received


@pytest.mark.parametrize("name", ["graded", "leaky"])
def test_the_simulator_foretells_the_frames(name: str) -> None:
    piece = piece_of(name)
    number = len(piece.partition.chips)
    stages, batch = piece.stages(), 4
    codecs = cheapest_codecs(stages, piece.inputs)
    workload = trace(piece.model, piece.inputs)
    system = host_system(number)
    report = simulate(workload, place(workload, piece.partition.extended(workload), system), system)
    found = predicted_bytes(stages, torch.split(piece.inputs, batch), codecs)
    assert found is not None
    # A frame of several examples has one header, and is filled up to a byte.
    frames = (len(piece.inputs) // batch) * sum(len(stage.outputs) for stage in stages[:-1])
    headers = frames * HEADER_BITS
    alone_headers = sum(len(stage.outputs) for stage in stages[:-1]) * HEADER_BITS
    bits = len(piece.inputs) * (report.link_bits_packed - alone_headers) + headers
    assert bits <= 8 * found + 1e-6 * bits
    assert 8 * found < bits + 8 * frames + 1e-6 * bits


def test_a_codec_that_changes_in_mid_run_is_followed() -> None:
    piece = piece_of("leaky")
    names = ("bitmap", "gap", "dense", "range", "address", "bitmap_zstd", "bitmap")
    endings = ranks(3, changing, piece.stages(), piece.inputs, plan_of(), names)
    assert [ending.text for ending in endings] == [""] * 3
    with torch.no_grad():
        wanted = torch.cat([piece.whole(some) for some in torch.split(piece.inputs[:16], 4)]).numpy()
    assert all(np.array_equal(answers, wanted) for answers in endings[-1].value["answers"])
    assert set(endings[0].value["codecs"][-1]) == set(names)


def test_what_does_not_go_together_is_refused_with_the_lever() -> None:
    leaky, dense = piece_of("leaky"), piece_of("dense")
    cases = [
        (2, leaky, plan_of(), "3 stages on 2 ranks: stages must be a multiple of ranks"),
        (1, leaky, plan_of(), "schedule gpipe takes 1 stage a rank, there are 3: use one of"),
        (2, dense, plan_of("1f1b"), "schedule 1f1b takes 1 stage a rank, there are 2: use one of interleaved_1f1b"),
        (2, piece_of("patches"), plan_of(codecs={"boundaries_0": "zip"}), "codec 'zip' does not carry boundaries_0"),
    ]
    for number, piece, plan, text in cases:
        for ending in ranks(number, inferred, piece.stages(), piece.inputs, plan, 4):
            assert ending.fault == "ValueError"
            assert text in ending.text
    for ending in ranks(1, inferred, leaky.stages()[:1], leaky.inputs, plan_of(), 4):
        assert "stages are 1, must be >= 2" in ending.text


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ({"schedule": "2f2b"}, "schedule is '2f2b', must be one of gpipe"),
        ({"micro_batches": 0}, "micro_batches is 0, must be >= 1"),
        ({"timeout_s": 0.0}, "timeout_s is 0.0, must be > 0"),
        ({"heartbeat_s": math.nan}, "heartbeat_s is nan, must be > 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(named: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        PipelineSettings(**named)


def test_models_of_these_tests_have_what_they_are_named_for() -> None:
    assert any(boundary.known is not None for boundary in boundaries_of(piece_of("tokens").model))
    assert all(boundary.patch == 2 for boundary in boundaries_of(piece_of("patches").model))
    assert all(boundary.encoder.code.leaky for boundary in boundaries_of(piece_of("leaky").model))
