from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_cases import differences, outcome_of, package, random_packets, reclocked, task_graph, with_multicasts

from axonal.hardware import Router
from axonal.simulation.network import plain
from axonal.simulation.network.fabric import Boundary, Draft, Fabric, grid
from axonal.simulation.network.packets import Packets
from axonal.simulation.network.routes import EAST, WEST, Routing
from axonal.simulation.network.running import Run
from axonal.simulation.network.tasks import Tasks

EXAMPLES = settings(deadline=None, max_examples=80, derandomize=True)
"""Each example takes some ten milliseconds, nearly all of them in the plain twin."""

UNTIL = 20_000


@st.composite
def routers(draw: st.DrawFn, *, vcs: int = 1) -> Router:
    """Any pipeline, at least so many virtual channels."""
    speculative = draw(st.booleans())
    allocation = st.just(1) if speculative else st.integers(1, 3)
    return Router(
        routing_cycles=draw(st.integers(0, 2)),
        vc_allocation_cycles=draw(allocation),
        switch_allocation_cycles=draw(allocation),
        traversal_cycles=draw(st.integers(0, 2)),
        link_cycles=draw(st.integers(0, 3)),
        speculative=speculative,
        vcs=draw(st.integers(vcs, 4)),
        buffer_flits=draw(st.integers(1, 8)),
        credit_cycles=draw(st.integers(0, 2)),
    )


@st.composite
def packets_for(draw: st.DrawFn, nodes: int) -> Packets:
    """Few or many packets, all at once or one after the other."""
    return random_packets(
        nodes,
        draw(st.integers(1, 80)),
        draw(st.integers(0, 1 << 20)),
        longest=draw(st.integers(1, 8)),
        within=draw(st.sampled_from((1, 15, 150))),
    )


def assert_twins_agree(fabric: Fabric, packets: Packets, tasks: Tasks | None = None) -> None:
    run = Run(fabric, packets, tasks)
    assert run.advance(UNTIL)
    assert differences(outcome_of(run), plain.simulate(fabric, packets, tasks, until=UNTIL)) == {}


SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4))


@EXAMPLES
@given(data=st.data(), shape=SHAPES, routing=st.sampled_from(list(Routing)[:4]))
def test_compiled_and_plain_engine_agree_on_meshes(
    data: st.DataObject, shape: tuple[int, int], routing: Routing
) -> None:
    router = data.draw(routers(vcs=2 if routing == Routing.O1TURN else 1))
    assert_twins_agree(grid(*shape, router, routing=routing), data.draw(packets_for(shape[0] * shape[1])))


@EXAMPLES
@given(data=st.data(), shape=SHAPES, routing=st.sampled_from((Routing.XY, Routing.YX)))
def test_compiled_and_plain_engine_agree_on_tori(data: st.DataObject, shape: tuple[int, int], routing: Routing) -> None:
    fabric = grid(*shape, data.draw(routers(vcs=2)), routing=routing, wraps=True)
    assert_twins_agree(fabric, data.draw(packets_for(fabric.routers)))


@settings(EXAMPLES, max_examples=40)
@given(data=st.data(), router=routers(), seed=st.integers(0, 1 << 20))
def test_compiled_and_plain_engine_agree_on_adaptive_routes_under_load(
    data: st.DataObject, router: Router, seed: int
) -> None:
    packets = random_packets(16, data.draw(st.integers(50, 200)), seed, longest=3, within=15)
    assert_twins_agree(grid(4, 4, router, routing=Routing.WEST_FIRST), packets)


@EXAMPLES
@given(
    data=st.data(),
    router=routers(),
    rows=st.integers(1, 4),
    latency=st.integers(0, 9),
    service=st.sampled_from((1.0, 2.0, 1.5, 4 / 3, 0.75, 0.5, 0.3, 3.7)),
    shared=st.integers(1, 4),
)
def test_compiled_and_plain_engine_agree_on_die_boundaries_whose_rows_share_lanes(
    data: st.DataObject, router: Router, rows: int, latency: int, service: float, shared: int
) -> None:
    cut = Boundary(after_column=1, link_cycles=latency, cycles_per_flit=service, rows_per_lane=shared)
    assert_twins_agree(grid(3, rows, router, boundaries=[cut]), data.draw(packets_for(3 * rows)))


@EXAMPLES
@given(data=st.data(), router=routers(vcs=2), shape=SHAPES, periods=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_compiled_and_plain_engine_agree_on_mixed_clocks(
    data: st.DataObject, router: Router, shape: tuple[int, int], periods: list[int]
) -> None:
    routing = data.draw(st.sampled_from(list(Routing)[:4]))
    fabric = reclocked(grid(*shape, router, routing=routing), tuple(periods))
    assert_twins_agree(fabric, data.draw(packets_for(fabric.routers)))


@st.composite
def edges_of_packages(draw: st.DrawFn) -> list[tuple[int, int]]:
    """A tree of routers with some more links."""
    count = draw(st.integers(2, 8))
    edges = {(draw(st.integers(0, number - 1)), number) for number in range(1, count)}
    more = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=5))
    return sorted(edges | {(min(pair), max(pair)) for pair in more if pair[0] != pair[1]})


@EXAMPLES
@given(
    data=st.data(),
    router=routers(),
    edges=edges_of_packages(),
    ticks=st.integers(0, 3),
    periods=st.sampled_from(((1,), (2, 3), (4, 1))),
)
def test_compiled_and_plain_engine_agree_on_packages_with_tables(
    data: st.DataObject, router: Router, edges: list[tuple[int, int]], ticks: int, periods: tuple[int, ...]
) -> None:
    services = tuple(data.draw(st.lists(st.sampled_from((0.5, 1.0, 1.5, 3.0)), max_size=len(edges))))
    fabric = package(edges, router, ticks=ticks, periods=periods, services=services)
    assert_twins_agree(fabric, data.draw(packets_for(fabric.routers)))


@EXAMPLES
@given(data=st.data(), router=routers())
def test_compiled_and_plain_engine_agree_where_all_links_share_one_lane(data: st.DataObject, router: Router) -> None:
    edges = [(0, 1), (0, 2), (0, 3), (1, 4), (2, 5), (3, 4), (4, 5)]
    fabric = package(edges, router, services=(1.5,) * len(edges))
    lanes = np.minimum(fabric.machine.lane, 0)
    assert_twins_agree(replace(fabric, machine=fabric.machine._replace(lane=lanes)), data.draw(packets_for(6)))


@EXAMPLES
@given(data=st.data(), router=routers(vcs=2), shape=SHAPES, seed=st.integers(0, 1 << 20), wraps=st.booleans())
def test_compiled_and_plain_engine_agree_on_multicasts(
    data: st.DataObject, router: Router, shape: tuple[int, int], seed: int, wraps: bool
) -> None:
    routing = Routing.XY if wraps else data.draw(st.sampled_from((Routing.XY, Routing.WEST_FIRST, Routing.O1TURN)))
    packets = data.draw(packets_for(shape[0] * shape[1]))
    packets = with_multicasts(packets, *shape, seed, longest=router.buffer_flits)
    assert_twins_agree(grid(*shape, router, routing=routing, wraps=wraps), packets)


@settings(EXAMPLES, max_examples=40)
@given(router=routers(), shape=SHAPES, count=st.integers(1, 30), seed=st.integers(0, 1 << 20))
def test_compiled_and_plain_engine_agree_on_tasks(
    router: Router, shape: tuple[int, int], count: int, seed: int
) -> None:
    packets, tasks = task_graph(*shape, count, seed, longest=router.buffer_flits)
    assert_twins_agree(grid(*shape, router), packets, tasks)


@EXAMPLES
@given(router=routers(), flits=st.integers(1, 4), columns=st.integers(1, 4))
def test_an_empty_network_takes_as_long_as_the_stages_say(router: Router, flits: int, columns: int) -> None:
    router = replace(router, buffer_flits=64, switch_allocation_cycles=1)
    packets = Packets.of(np.array([0]), np.array([columns - 1]), flits, np.array([5]))
    last_link = 1
    stages = router.hop_cycles - router.link_cycles
    expected = 2 + columns * stages + (columns - 1) * router.link_cycles + last_link + flits - 1
    outcome = plain.simulate(grid(columns, 1, router), packets, until=UNTIL)
    assert outcome.arrived[0] - outcome.injected[0] == expected
    assert_twins_agree(grid(columns, 1, router), packets)


# Makespans of BookSim2, commit 28f43299, which counts the cycle of the last arrival, too: 8 x 8 mesh, every node sends
# 16 packets to the next column and row.
@pytest.mark.parametrize(
    ("flits", "router", "cuts", "makespan"),
    [
        (1, Router(vcs=1, buffer_flits=8), [], 123),
        (4, Router(vcs=4, buffer_flits=8, routing_cycles=0), [], 126),
        (4, Router(vcs=1, buffer_flits=4, credit_cycles=2), [], 216),
        (4, Router(vcs=4, buffer_flits=8), [Boundary(after_column=3, link_cycles=10, cycles_per_flit=4)], 330),
    ],
)
def test_the_plain_engine_takes_as_long_as_booksim(
    flits: int, router: Router, cuts: list[Boundary], makespan: int
) -> None:
    nodes = np.arange(64)
    target = (nodes % 8 + 1) % 8 + 8 * ((nodes // 8 + 1) % 8)
    packets = Packets.of(np.tile(nodes, 16), np.tile(target, 16), flits, np.zeros(64 * 16, np.int64))
    assert plain.simulate(grid(8, 8, router, boundaries=cuts), packets, until=UNTIL).arrived.max() + 1 == makespan


def test_long_stages_are_not_taken_for_a_standstill() -> None:
    router = Router(routing_cycles=3, vc_allocation_cycles=3, vcs=1, buffer_flits=1)
    packets = Packets.of(np.array([0, 0]), np.array([1, 1]), 1, np.array([0, 5000]))
    run = Run(grid(2, 1, router), packets)
    assert run.advance()
    assert run.state.arrived[0] == 2 + 2 * router.hop_cycles


def test_flits_that_arrive_together_at_a_slower_router_keep_their_order() -> None:
    draft = Draft(2, 5, 1)
    fast = Router(routing_cycles=0, speculative=True, vcs=1, buffer_flits=8)
    draft.place(0, 0, 0, fast, period=1)
    draft.place(1, 1, 0, fast, period=4)
    draft.join((0, EAST), (1, WEST), 1)
    draft.join((1, WEST), (0, EAST), 1)
    packets = Packets.of(np.zeros(4, int), np.ones(4, int), np.array([2, 1, 2, 1]), np.zeros(4, int))
    assert_twins_agree(draft.done(Routing.XY), packets)


def test_flits_that_leave_a_shared_lane_together_keep_their_order() -> None:
    # The first row goes on alone when the lane is far behind, and gets more than one flit a tick through it.
    cut = Boundary(after_column=0, link_cycles=1, cycles_per_flit=0.6, rows_per_lane=4)
    router = Router(routing_cycles=0, speculative=True, vcs=1, buffer_flits=32)
    source = np.array([0] * 30 + [2, 4, 6])
    flits = np.array([2, 1] * 15 + [16, 16, 16])
    packets = Packets.of(source, source + 1, flits, np.zeros(33, int))
    assert_twins_agree(grid(2, 4, router, boundaries=[cut]), packets)


def test_a_task_releases_all_of_its_packets() -> None:
    packets = Packets.of(np.zeros(3, int), np.ones(3, int), 1, np.zeros(3, int))
    nothing = np.zeros(0, np.int32)
    tasks = Tasks(
        core=np.zeros(1, np.int32),
        ticks=np.full(1, 7),
        left=np.zeros(1, np.int32),
        first=np.zeros(1, np.int32),
        last=np.full(1, 2, np.int32),
        streams=np.zeros(1, np.int8),
        core_start=np.array([0, 1, 1], np.int32),
        core_task=np.zeros(1, np.int32),
        out_start=np.array([0, 1], np.int32),
        out_message=np.zeros(1, np.int32),
        in_start=np.zeros(2, np.int32),
        in_task=nothing,
        message=np.zeros(3, np.int32),
        share=np.ones(3),
    )
    assert_twins_agree(grid(2, 1, Router()), packets, tasks)
