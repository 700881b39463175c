"""What is measured of steady traffic, bursts, sweeps and the search for saturation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from axonal.hardware import Router
from axonal.simulation.network.fabric import Boundary, Fabric, grid
from axonal.simulation.network.measuring import Window, burst, replay, steady
from axonal.simulation.network.packets import Packets
from axonal.simulation.network.patterns import Pattern
from axonal.simulation.network.points import Point
from axonal.simulation.network.searching import loads, saturation, sweep
from axonal.simulation.network.spelling import pattern_of

WINDOW = Window(warmup_cycles=500, period_cycles=1000)


def mesh(columns: int = 4, rows: int = 4, **more: object) -> Fabric:
    return grid(columns, rows, Router(vcs=2, buffer_flits=4), **more)  # type: ignore[arg-type]


def pattern(text: str = "uniform", columns: int = 4, rows: int = 4) -> Pattern:
    return pattern_of(text, columns, rows)


def at(rate: float, text: str = "uniform", seed: int = 1) -> Point:
    return steady(mesh(), pattern(text), rate, packet_flits=2, seed=seed, window=WINDOW)


def test_at_low_load_a_packet_takes_its_hops_and_the_flits_after_its_head() -> None:
    point = at(0.01)
    assert point.packet_latency_cycles == pytest.approx(5 * point.routers_traversed + 2 + 1, rel=0.01)
    assert not point.saturated


def test_what_is_offered_is_accepted_while_the_network_keeps_up() -> None:
    point = at(0.2)
    assert point.accepted_flits_per_node_cycle == pytest.approx(0.2, rel=0.05)
    assert not point.saturated
    assert point.packet_latency_cycles >= point.network_latency_cycles
    assert point.packet_latency_max_cycles >= point.packet_latency_p99_cycles >= point.packet_latency_cycles


@pytest.mark.parametrize(("rate", "text"), [(1.0, "uniform"), (0.5, "hotspot:5"), (1.0, "transpose")])
def test_a_saturated_network_is_said_to_be_so_in_bounded_time(rate: float, text: str) -> None:
    point = at(rate, text)
    assert point.saturated
    assert point.cycles <= WINDOW.last_cycle
    assert point.accepted_flits_per_node_cycle < 0.9 * rate


def test_a_hotspot_accepts_what_one_ejection_port_can_take() -> None:
    point = at(0.5, "hotspot:5")
    assert point.accepted_flits_per_node_cycle * 16 == pytest.approx(1, abs=0.05)


def test_equal_seeds_give_equal_points_and_others_do_not() -> None:
    def numbers(seed: int) -> dict[str, object]:
        found = at(0.2, seed=seed).numbers()
        del found["cpu_s"]
        return found

    assert numbers(1) == numbers(1)
    assert numbers(1) != numbers(2)


def test_a_wait_that_is_long_enough_ends_early() -> None:
    short = steady(
        mesh(), pattern(), 1.0, seed=1, window=Window(warmup_cycles=500, period_cycles=1000, enough_cycles=100)
    )
    assert short.packet_latency_cycles >= 100
    assert short.cycles < WINDOW.last_cycle


def test_every_flit_that_arrived_was_carried_by_the_links_of_its_way() -> None:
    packets = Packets.of(np.array([0, 3]), np.array([2, 3]), np.array([5, 4]), np.array([0, 0]))
    point = replay(mesh(), packets)
    carried = {(link.source, link.target): link.flits_per_cycle * (point.makespan_cycles or 0) for link in point.links}
    assert {ends: flits for ends, flits in carried.items() if flits} == {
        ((0, 0), (1, 0)): pytest.approx(5),
        ((1, 0), (2, 0)): pytest.approx(5),
    }


def test_a_slow_boundary_is_busier_than_its_flits_say() -> None:
    cut = Boundary(after_column=1, link_cycles=10, cycles_per_flit=4)
    point = burst(mesh(boundaries=(cut,)), pattern("bitcomp"), 20, packet_flits=2)
    between = [link for link in point.links if link.kind == "d2d"]
    assert len(between) == 8
    for link in between:
        assert link.utilization == pytest.approx(4 * link.flits_per_cycle)
    assert max(link.utilization for link in point.links) <= 1


def test_rows_that_share_a_lane_are_as_busy_as_the_lane() -> None:
    cut = Boundary(after_column=1, cycles_per_flit=2, rows_per_lane=4)
    point = burst(mesh(boundaries=(cut,)), pattern("bitcomp"), 10)
    east = [link for link in point.links if link.kind == "d2d" and link.target[0] > link.source[0]]
    together = 2 * sum(link.flits_per_cycle for link in east)
    assert [link.utilization for link in east] == pytest.approx([together] * 4)


def test_a_burst_cannot_be_shorter_than_its_busiest_link_is_busy() -> None:
    point = burst(mesh(), pattern("transpose"), 32, packet_flits=4)
    busiest = max(link.flits_per_cycle for link in point.links)
    assert busiest <= 1
    assert point.makespan_cycles is not None
    assert point.packets == 32 * 16
    assert point.makespan_cycles > 32 * 4 * 3


def test_a_makespan_is_counted_from_the_first_injection() -> None:
    def span(start: int) -> int | None:
        return replay(mesh(), Packets.of(np.array([0]), np.array([15]), 1, np.array([start]))).makespan_cycles

    assert span(0) == span(1000) == 5 * 7 + 2 + 1


def test_what_was_not_measured_is_not_made_up() -> None:
    with pytest.raises(ValueError, match="no packet was created"):
        steady(mesh(), pattern(), 1e-9, window=Window(warmup_cycles=0, period_cycles=10))


def test_a_pattern_for_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="for 9 nodes, and the network has 16"):
        steady(mesh(), pattern("uniform", 3, 3), 0.1)


@pytest.mark.parametrize("name", ["warmup_cycles", "period_cycles", "periods", "drain_cycles"])
def test_a_window_without_length_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is -1, must be >="):
        Window(**{name: -1})


def test_loads_of_a_sweep_are_round_and_reach_its_end() -> None:
    assert loads(0.05, 0.5, 0.05)[-1] == 0.5
    assert loads(0.05, 0.5, 0.05)[2] == 0.15
    assert loads(0.1, 0.35, 0.1) == (0.1, 0.2, 0.3)
    assert loads(0.3, 0.3, 0.1) == (0.3,)


def fake(limit: float) -> object:
    """Packets that take 1 / (1 - load / limit), as in a queue."""

    def measure(rate: float, enough_cycles: float = 0) -> Point:
        latency = 30 / (1 - rate / limit) if rate < limit else 1e9
        return Point(
            offered_flits_per_node_cycle=rate,
            accepted_flits_per_node_cycle=min(rate, limit),
            packet_latency_cycles=latency,
            packet_latency_p99_cycles=latency,
            packet_latency_max_cycles=int(latency),
            network_latency_cycles=latency,
            routers_traversed=5,
            packets=1,
            cycles=1,
            cpu_s=0,
        )

    return measure


@pytest.mark.parametrize("limit", [0.02, 0.142, 0.42, 0.9])
def test_saturation_is_where_packets_take_three_times_as_long(limit: float) -> None:
    seen: list[Point] = []
    found = saturation(fake(limit), watch=seen.append)  # type: ignore[arg-type]
    assert found == pytest.approx(limit - (limit - 0.005) / 3, rel=0.01)
    assert seen[0].offered_flits_per_node_cycle == 0.005
    assert len(seen) < 20


def test_a_network_that_is_saturated_at_once_is_looked_at_under_lower_loads() -> None:
    slow = grid(2, 1, Router(vcs=1, buffer_flits=2), boundaries=[Boundary(after_column=0, cycles_per_flit=1000)])
    window = Window(warmup_cycles=20_000, period_cycles=100_000)
    found = saturation(
        lambda rate, enough_cycles=math.inf: steady(
            slow, pattern("uniform", 2, 1), rate, window=replace(window, enough_cycles=enough_cycles)
        ),
        precision=0.2,
    )
    assert found is not None
    assert 0.0005 < found < 0.003


def test_a_network_that_carries_all_that_is_sent_never_saturates() -> None:
    assert saturation(fake(10)) is None  # type: ignore[arg-type]


def test_points_of_a_sweep_are_there_one_by_one() -> None:
    points = sweep(fake(0.5), (0.1, 0.2))  # type: ignore[arg-type]
    assert next(points).offered_flits_per_node_cycle == 0.1
    assert next(points).offered_flits_per_node_cycle == 0.2
