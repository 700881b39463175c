"""When synthetic and recorded packets come into being."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonal.simulation.network.packets import Packets
from axonal.simulation.network.patterns import uniform
from axonal.simulation.network.traces import read_trace
from axonal.simulation.network.traffic import Arrivals, burst_packets

NAMES = ("source", "target", "flits", "created", "flavour")


def arrivals(rate: float = 0.2, flits: int = 2, seed: int = 3) -> Arrivals:
    return Arrivals(uniform(4, 4), rate, flits, seed)


def columns(packets: Packets) -> list[list[int]]:
    return [getattr(packets, name).tolist() for name in NAMES]


@given(cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_packets_do_not_depend_on_the_pieces_in_which_they_are_asked_for(cuts: list[int]) -> None:
    whole, source = arrivals().until(3000), arrivals()
    pieces = [source.until(cut) for cut in [*sorted(cuts), 3000]]
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = joined.joined(piece)
    assert columns(joined) == columns(whole)


def test_seeds_give_equal_packets_again_and_other_seeds_others() -> None:
    assert columns(arrivals().until(500)) == columns(arrivals().until(500))
    assert columns(arrivals(seed=4).until(500)) != columns(arrivals().until(500))


@pytest.mark.parametrize(("rate", "flits"), [(0.3, 1), (0.8, 4), (0.02, 8)])
def test_each_node_and_cycle_has_a_packet_with_the_probability_of_the_load(rate: float, flits: int) -> None:
    cycles = 200_000
    packets = arrivals(rate, flits).until(cycles)
    expected = rate / flits * cycles
    for node in range(16):
        assert abs((packets.source == node).sum() - expected) < 6 * np.sqrt(expected)
    pairs = packets.source + 16 * packets.created
    assert len(np.unique(pairs)) == len(pairs), "no node makes two packets in a cycle"


def test_gaps_between_packets_of_a_node_are_geometric() -> None:
    packets = arrivals(0.2, 1).until(200_000)
    gaps = np.diff(packets.created[packets.source == 5])
    assert np.mean(gaps == 1) == pytest.approx(0.2, abs=0.01)
    assert np.mean(gaps == 2) == pytest.approx(0.16, abs=0.01)


def test_at_full_load_every_node_makes_a_packet_in_every_cycle() -> None:
    packets = arrivals(1.0, 1).until(10)
    assert packets.created.tolist() == [cycle for cycle in range(10) for _ in range(16)]


@pytest.mark.parametrize("rate", [0, -0.1, 1.01, float("nan"), 1e-300])
def test_a_load_that_no_node_can_send_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="must be > 0"):
        arrivals(rate)


def test_packet_i_of_a_burst_is_created_at_cycle_i() -> None:
    packets = burst_packets(uniform(4, 4), 3, 5, seed=0)
    assert packets.created.tolist() == [0] * 16 + [1] * 16 + [2] * 16
    assert packets.source.tolist() == list(range(16)) * 3
    assert set(packets.flits) == {5}


def test_a_trace_gives_its_packets_in_the_order_of_cycles(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("cycle, source,target,flits\n9,1,2,3\n\n4,0,15,1\n9,0,0,2\n")
    packets = read_trace(path, 16)
    assert columns(packets)[:4] == [[0, 1, 0], [15, 2, 0], [1, 3, 2], [4, 9, 9]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: the header is ''"),
        ("cycle,source,target\n", "line 1: the header is 'cycle,source,target', must be"),
        ("cycle,source,target,flits\n", "0 packets, must be at least 1"),
        ("cycle,source,target,flits\n1,2,3\n", "line 2: 3 values, must be 4"),
        ("cycle,source,target,flits\n1,2,3,1\n1,2,x,1\n", "line 3: target is 'x', must be a whole number"),
        ("cycle,source,target,flits\n1,2,3.5,1\n", "line 2: target is '3.5'"),
        ("cycle,source,target,flits\n-1,2,3,1\n", "line 2: cycle is -1, must be 0 to"),
        ("cycle,source,target,flits\n1,16,3,1\n", "line 2: source is 16, must be 0 to 15"),
        ("cycle,source,target,flits\n1,2,3,0\n", "line 2: flits is 0, must be 1 to"),
        ("cycle,source,target,flits\n99999999999999999999,2,3,1\n", "line 2: cycle is"),
    ],
)
def test_a_wrong_trace_is_refused_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"a.csv.*{words}"):
        read_trace(path, 16)


def test_what_is_no_text_is_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is no CSV text"):
        read_trace(path, 16)
