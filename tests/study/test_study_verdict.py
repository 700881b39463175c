"""The verdict on made-up results: it pays only where it pays, and the sentence says nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonal.study.judge import TOLERANCE, verdict

RATIO = st.floats(0.01, 20) | st.sampled_from([1.0, 0.999, 1.001, 2.0])
LOSS = st.floats(-0.3, 0.3) | st.just(0.0)
METRIC = st.sampled_from(["accuracy", "bits_per_byte"])


def judged(*, energy: float, latency: float, loss: float = 0.0, metric: str = "accuracy", bits: float = 0.2) -> Any:
    return verdict(made_up(energy=energy, latency=latency, loss=loss, metric=metric, bits=bits))


def made_up(**figures: Any) -> dict[str, Any]:
    """A result with these ratios hybrid / ANN; the loss is what the hybrid is worse by, in the unit of the metric."""
    higher = figures["metric"] == "accuracy"
    value = 0.6
    hybrid_value = value - figures["loss"] if higher else value + figures["loss"]
    quality = {"metric": figures["metric"], "higher_is_better": higher}
    return {
        "system": {"name": "my_machine"},
        "variants": {
            "ann": {"quality": {**quality, "value": value}, "energy_pj": {"total": 100.0, "d2d": 3.0}},
            "hybrid": {"quality": {**quality, "value": hybrid_value}, "bits_per_boundary_element": 0.9},
        },
        "ratios": {
            "hybrid_over_ann": {
                "energy": figures["energy"],
                "latency": figures["latency"],
                "link_bits_packed": figures["bits"],
            }
        },
        "sweeps": {"pays_above_pj_per_bit": 1234.5, "pays_below_bits_per_ns": None},
    }


@given(energy=RATIO, latency=RATIO, loss=LOSS, metric=METRIC)
def test_it_pays_only_at_equal_quality_when_nothing_is_worse_and_something_is_better(
    energy: float, latency: float, loss: float, metric: str
) -> None:
    found = judged(energy=energy, latency=latency, loss=loss, metric=metric)
    if found["pays"]:
        assert loss <= TOLERANCE[metric] + 1e-6
        assert max(energy, latency) <= 1
        assert min(energy, latency) < 1
    if loss <= TOLERANCE[metric] - 1e-6 and max(energy, latency) <= 1 and min(energy, latency) < 1:
        assert found["pays"]


@pytest.mark.parametrize(
    ("energy", "latency", "loss", "pays"),
    [
        (0.9, 0.9, 0.0, True),
        (1.0, 0.9, 0.0, True),
        (0.9, 1.0, 0.01, True),
        (1.0, 1.0, 0.0, False),
        (1.0, 1.0, -0.1, False),
        (0.5, 1.01, 0.0, False),
        (1.01, 0.5, 0.0, False),
        (0.5, 0.5, 0.011, False),
        (0.5, 0.5, -0.2, True),
    ],
)
def test_the_bounds_of_paying(energy: float, latency: float, loss: float, pays: bool) -> None:
    assert judged(energy=energy, latency=latency, loss=loss)["pays"] is pays


@given(energy=RATIO, latency=RATIO, loss=LOSS, metric=METRIC, bits=st.floats(0.01, 3))
def test_the_sentence_names_the_system_and_agrees_with_the_flag(
    energy: float, latency: float, loss: float, metric: str, bits: float
) -> None:
    found = judged(energy=energy, latency=latency, loss=loss, metric=metric, bits=bits)
    sentence = found["sentence"]
    assert "my_machine" in sentence
    assert sentence.endswith(".")
    assert ("pays" in sentence) is found["pays"]
    assert ("does not pay" in sentence) is not found["pays"]
    assert not re.search(r"\de[+-]?\d|nan|inf", sentence), "a number is written for machines"


@given(loss=LOSS, metric=METRIC)
def test_the_sentence_says_worse_where_quality_is_worse(loss: float, metric: str) -> None:
    sentence = judged(energy=0.5, latency=0.5, loss=loss, metric=metric)["sentence"]
    if loss > 1e-3:
        assert "worse quality" in sentence
    if loss < -1e-3:
        assert "better quality" in sentence
    assert ("beyond the tolerance" in sentence) is (loss > TOLERANCE[metric] + 1e-9) or abs(loss) < 1e-6


@pytest.mark.parametrize(("bits", "words"), [(0.2, "5.0x fewer bits"), (1.5, "1.5x more bits")])
def test_the_sentence_says_which_of_the_two_sends_more(bits: float, words: str) -> None:
    assert words in judged(energy=0.5, latency=0.5, bits=bits)["sentence"]


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0.5, "50 % less energy"), (1.0, "equal energy"), (1.074, "7.4 % more energy"), (2.48, "2.5x the energy")],
)
def test_changes_are_said_in_plain_words(ratio: float, words: str) -> None:
    assert words in judged(energy=ratio, latency=0.9)["sentence"]


def test_where_it_does_not_win_the_sentence_says_where_it_would() -> None:
    sentence = judged(energy=1.1, latency=1.2)["sentence"]
    assert "it would win on energy above 1200 pJ/bit and on latency at no bandwidth" in sentence
    assert "would win" not in judged(energy=0.9, latency=0.8)["sentence"]


@pytest.mark.parametrize("missing", ["ann", "hybrid"])
def test_there_is_no_verdict_without_both_sides(missing: str) -> None:
    result = made_up(energy=0.5, latency=0.5, loss=0.0, metric="accuracy", bits=0.2)
    del result["variants"][missing]
    found = verdict(result)
    assert found["pays"] is False
    assert "pays" not in found["sentence"]
