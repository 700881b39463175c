"""Where synthetic traffic goes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonal.simulation.network.patterns import Fixed
from axonal.simulation.network.spelling import known_traffic, pattern_of, trace_path
from axonal.simulation.network.traffic import matrix

SIZES = st.integers(1, 9)


@given(side=SIZES, name=st.sampled_from(["transpose", "neighbor", "bitcomp", "tornado"]))
def test_a_permutation_sends_each_node_to_one_node_and_none_twice(side: int, name: str) -> None:
    pattern = pattern_of(name, side, side)
    assert isinstance(pattern, Fixed)
    assert sorted(pattern.target) == list(range(side * side))


@given(columns=SIZES, rows=SIZES, name=st.sampled_from(["neighbor", "bitcomp", "tornado", "uniform"]))
def test_shares_of_each_source_add_up_to_one(columns: int, rows: int, name: str) -> None:
    shares = pattern_of(name, columns, rows).shares()
    assert shares.shape == (columns * rows, columns * rows)
    assert np.allclose(shares.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("transpose", (2, 5), (5, 2)),
        ("neighbor", (7, 3), (0, 4)),
        ("bitcomp", (1, 2), (6, 5)),
        ("tornado", (6, 1), (1, 4)),
    ],
)
def test_a_permutation_is_the_one_of_its_name(name: str, source: tuple[int, int], target: tuple[int, int]) -> None:
    pattern = pattern_of(name, 8, 8)
    assert isinstance(pattern, Fixed)
    assert pattern.target[source[0] + 8 * source[1]] == target[0] + 8 * target[1]


@pytest.mark.parametrize("text", ["uniform", "hotspot:27,28,35,36", "weights:27=9", "weights:0=0,3=2.5", "transpose"])
def test_drawn_targets_have_the_shares_of_the_pattern(text: str) -> None:
    pattern = pattern_of(text, 8, 8)
    drawn = pattern.targets(np.full(200_000, 9), np.random.default_rng(1))
    counts = np.bincount(drawn, minlength=64)
    expected = pattern.shares()[9] * len(drawn)
    assert (counts[expected == 0] == 0).all()
    assert np.abs(counts - expected).max() < 6 * np.sqrt(expected.max())


def test_a_heavy_node_is_drawn_nine_times_as_often_as_each_other() -> None:
    shares = pattern_of("weights:27=9", 8, 8).shares()
    assert np.allclose(shares[:, 27], 9 * shares[:, 0])
    assert np.allclose(shares[5, 5], shares[5, 0])


def test_the_matrix_of_a_load_has_it_in_every_row() -> None:
    assert np.allclose(matrix(pattern_of("hotspot:1,2", 4, 2), 0.25).sum(axis=1), 0.25)


def test_a_trace_is_told_from_a_pattern() -> None:
    assert str(trace_path("trace:a/b.csv")) == "a/b.csv"
    assert trace_path("uniform") is None
    assert "trace:FILE" in known_traffic()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unifrom", "'unifrom'.*did you mean 'uniform'"),
        ("Tornado", "did you mean 'tornado'"),
        ("", "must be one of uniform"),
        ("uniform:3", "'uniform:3', must be one of"),
        ("hotspot", "hotspot:27,28"),
        ("hotspot:64", "node 64, must be 0 to 63"),
        ("hotspot:-1", "node -1, must be 0 to 63"),
        ("hotspot:3,3", "twice"),
        ("hotspot:a", "'a' must be the number of a node"),
        ("weights:27", "'27' must be NODE=WEIGHT"),
        ("weights:27=9,27=8", "node 27 twice"),
        ("weights:1=-1", "outside of 0"),
        ("weights:1=nan", "outside of 0"),
        ("weights:99=2", "node 99, must be 0 to 63"),
    ],
)
def test_wrong_traffic_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pattern_of(text, 8, 8)


def test_a_transpose_needs_a_square() -> None:
    with pytest.raises(ValueError, match=re.escape("the mesh is 8x4, must be square")):
        pattern_of("transpose", 8, 4)
