"""Faults: whatever happens to a rank, all others end by a named error, in bounded time, and never by a signal."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pipeline_acts import refused
from pipeline_forks import Group, ranks
from pipeline_models import cut
from snapshots_acts import Trouble, answering

from axonal.runtime.pipeline import PipelineSettings

BEAT_S, TIMEOUT_S = 1.5, 10.0

SLACK_S = 25.0
"""What a busy machine adds: start, compilation, a late turn."""

FAULTS = {
    "the sender is killed": (Trouble(rank=0, kind="kill"), {"PeerLost"}, "rank 0"),
    "the receiver is killed": (Trouble(rank=2, kind="kill"), {"PeerLost"}, "rank 2"),
    "a rank is killed in training": (Trouble(rank=1, kind="kill", training=True), {"PeerLost"}, "rank 1"),
    "a rank is killed before a sum": (Trouble(rank=1, kind="sum", training=True), {"PeerLost"}, ""),
    "the sender is killed in the middle of a message": (Trouble(rank=0, kind="half"), {"PeerLost"}, "rank 0"),
    "a rank is stopped": (Trouble(rank=1, kind="stop"), {"PeerLost"}, "rank 1 has not been heard of for"),
    "a rank is stopped in training": (Trouble(rank=2, kind="stop", training=True), {"PeerLost"}, "rank 2"),
    "a rank is slow": (Trouble(rank=1, kind="slow"), {"PeerTimeout", "PeerLost"}, ""),
    "a rank fails by itself": (Trouble(rank=1, kind="raise"), {"PeerLost"}, "the weights have gone bad"),
    "a frame is garbled": (Trouble(rank=1, kind="garble"), {"CorruptFrame", "PeerLost"}, "CRC-32"),
    "a message is zeros": (Trouble(rank=0, kind="zeros"), {"CorruptFrame", "PeerLost"}, "must start with"),
    "a message is short": (Trouble(rank=1, kind="short", training=True), {"CorruptFrame", "PeerLost"}, ""),
}


@pytest.mark.parametrize("what", list(FAULTS))
def test_all_others_end_by_name_and_in_time(what: str) -> None:
    trouble, kinds, text = FAULTS[what]
    piece = cut("cnn", 3, "leaky")
    plan = PipelineSettings(schedule="1f1b", micro_batches=4, timeout_s=TIMEOUT_S, heartbeat_s=BEAT_S, gradient="fp32")
    started = time.monotonic()
    bound_s = TIMEOUT_S + 4 * BEAT_S + SLACK_S
    others = [rank for rank in range(3) if rank != trouble.rank]
    with Group(3, answering, piece.stages(), piece.inputs, plan, trouble) as group:
        survivors = group.endings(60.0, others)
        failed = group.endings(60.0, [trouble.rank]) if trouble.kind == "raise" else []
    for ending in survivors:
        assert ending.named, ending
        assert ending.fault in kinds, ending
        assert ending.ended_s - started < bound_s
        assert ending.text
    assert any(text in ending.text for ending in survivors), survivors
    if "CorruptFrame" in kinds:
        assert "CorruptFrame" in {ending.fault for ending in survivors}
    if failed:
        assert failed[0].fault == "ValueError"
        assert all("ValueError: the weights have gone bad" in ending.text for ending in survivors)


def _others() -> dict[str, tuple[dict[str, Any], str]]:
    piece = cut("skips", 2, "leaky")
    return {
        "axonal": ({"axonal": "0.0.1"}, "install one release everywhere"),
        "wire": ({"wire": "9"}, "install one release everywhere"),
        "torch": ({"torch": "1.0"}, "install one release everywhere"),
        "weights": ({"weights": "other"}, "give every rank the same weights"),
        "codecs": ({"codecs": "bitmap"}, "allow the same codecs"),
        "layout": ({"stages": cut("skips", 2).stages()}, "start every rank with the same model"),
        "schedule": (
            {"plan": PipelineSettings(schedule="gpipe", micro_batches=3)},
            "start every rank with the same schedule",
        ),
        "ranks": ({"ranks": "7"}, "start as many ranks as the model has stages"),
        "": ({}, piece.stages()[0].layout and ""),
    }


@pytest.mark.parametrize("field", ["axonal", "wire", "torch", "weights", "codecs", "layout", "schedule", "ranks", ""])
def test_ranks_that_differ_are_refused_by_the_field_before_anything_moves(field: str) -> None:
    piece = cut("skips", 2, "leaky")
    change, lever = _others()[field]
    plan = PipelineSettings(schedule="gpipe", micro_batches=2, timeout_s=TIMEOUT_S, heartbeat_s=BEAT_S)
    endings = ranks(2, refused, piece.stages(), piece.inputs, plan, own=[{}, change], deadline_s=60.0)
    for ending in endings:
        if not field:
            assert ending.value == "made"
        else:
            assert (ending.fault, ending.reason, ending.exit_code) == ("Refused", field, 1), ending
            assert f"refused ({field})" in ending.text
            assert lever in ending.text


def test_a_rank_that_never_comes_is_told_in_time() -> None:
    piece = cut("skips", 2, "leaky")
    plan = PipelineSettings(schedule="gpipe", timeout_s=3.0, heartbeat_s=BEAT_S)
    started = time.monotonic()
    (ending, _) = ranks(2, absent, piece.stages(), piece.inputs, plan, deadline_s=60.0)
    assert ending.exit_code == 1
    assert ending.fault == "PeerTimeout", ending
    assert ending.ended_s - started < 3.0 + SLACK_S


def absent(rank: int, stages: Any, inputs: Any, plan: PipelineSettings) -> str:
    """Rank 1 has gone before it says anything."""
    return "gone" if rank else refused(rank, stages, inputs, plan, {})
