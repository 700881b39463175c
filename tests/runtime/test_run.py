"""The door `run`: a model in processes of its own, its answers, its bytes, and what it leaves as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from pipeline_acts import lesson_of
from pipeline_models import cut

from axonal.runtime.pipeline import PipelineSettings
from axonal.runtime.running import Learning, RunSettings, run
from axonal.training import TrainingSettings, loss_of

PLAN = PipelineSettings(schedule="1f1b", micro_batches=4, timeout_s=60.0, heartbeat_s=5.0)


def test_a_run_answers_as_one_process_and_sends_what_was_predicted() -> None:
    piece = cut("cnn", 2, "graded")
    found = run(piece.model, piece.partition, piece.inputs[:21], RunSettings(micro_batch=4, pipeline=PLAN))
    with torch.no_grad():
        wanted = torch.cat([piece.whole(some) for some in torch.split(piece.inputs[:20], 4)])
    assert found.answers is not None
    assert torch.equal(found.answers[:20], wanted)
    assert len(found.answers) == 21
    assert found.inferences == 32  # the last batch was filled up
    assert found.counts.bytes_forward == found.predicted_bytes_forward
    assert found.counts.bytes_sent == found.counts.bytes_received
    assert found.counts.bytes_forward < min(found.baseline_bytes_forward.values())
    report = found.report
    assert report.link_bits_packed * found.inferences == pytest.approx(8 * found.counts.bytes_forward)
    assert sum(item.packed_bits for item in report.boundaries) == pytest.approx(report.link_bits_packed)
    assert found.losses == ()
    assert found.to_json()["predicted_bytes_forward"] == found.predicted_bytes_forward


def test_a_run_that_trains_leaves_the_model_of_the_caller_as_it_was() -> None:
    piece = cut("skips", 2, "leaky")
    with torch.no_grad():
        lesson = lesson_of(piece.inputs, piece.whole(piece.inputs), micro_batch=4, steps=3)
    before = copy.deepcopy(piece.model.state_dict())
    learning = Learning(
        settings=TrainingSettings(steps=3, batch=16, learning_rate=0.01), batches=lesson.batch, loss=loss_of
    )
    settings = RunSettings(micro_batch=4, pipeline=PLAN, learning=learning)
    found = run(piece.model, piece.partition, piece.inputs[:16], settings)
    after = piece.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert len(found.losses) == 3
    with torch.no_grad():
        inputs, targets = lesson.batch(0)
        untrained = piece.whole(inputs)
    assert found.losses[0] == pytest.approx(float(loss_of(untrained, targets)), rel=1e-5)
    assert found.answers is not None
    assert not torch.equal(found.answers, untrained)
    assert found.predicted_bytes_forward is None  # of weights that only the ranks have
    assert found.training.bytes_backward > 0


def test_what_does_not_go_together_is_refused_by_the_caller() -> None:
    piece = cut("skips", 2, "leaky")
    with pytest.raises(ValueError, match="ranks is 0, must be >= 1"):
        RunSettings(ranks=0)
    with pytest.raises(ValueError, match="micro_batch is 0, must be >= 1"):
        RunSettings(micro_batch=0)
    with pytest.raises(ValueError, match="inputs have 3 examples, must be at least 4: lower micro_batch"):
        run(piece.model, piece.partition, piece.inputs[:3], RunSettings(micro_batch=4, pipeline=PLAN))
