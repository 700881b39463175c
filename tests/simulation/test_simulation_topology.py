from __future__ import annotations

import itertools

import pytest
import simulation_walk
from hypothesis import given
from hypothesis import strategies as st
from simulation_cases import QUICK, Case, cases, chip, crossed

from axonal.mapping.mesh import gateway, position
from axonal.simulation.topology import between, hops, route, tree
from axonal.simulation.transfers import transfers
from axonal.workload import Traffic

MESHES = st.tuples(st.integers(1, 6), st.integers(1, 6))


@st.composite
def multicasts(draw: st.DrawFn) -> tuple[int, int, tuple[int, ...]]:
    columns, rows = draw(MESHES)
    routers = st.integers(0, columns * rows - 1)
    return columns, draw(routers), tuple(sorted(draw(st.sets(routers, min_size=1, max_size=8))))


@given(multicasts())
def test_route_is_that_of_walking_along_the_row_and_the_column_in_the_order_asked_for(
    case: tuple[int, int, tuple[int, ...]],
) -> None:
    columns, source, targets = case
    start, end = ((n % columns, n // columns) for n in (source, targets[0]))
    for column_first, axes in ((False, (0, 1)), (True, (1, 0))):
        steps = route(columns, source, targets[0], column_first=column_first)
        found = [tuple((n % columns, n // columns) for n in step) for step in steps]
        assert found == simulation_walk.walk(start, end, axes)
        assert len(found) == hops(columns, source, targets[0])


@given(multicasts(), st.booleans())
def test_tree_enters_each_router_once_and_ends_only_at_targets(
    case: tuple[int, int, tuple[int, ...]], column_first: bool
) -> None:
    columns, source, targets = case
    channels = tree(columns, source, targets, column_first=column_first)
    entered = [end for _, end in channels]
    assert len(entered) == len(set(entered))
    assert source not in entered
    assert set(entered) | {source} >= set(targets)
    assert {end for end in entered if end not in {start for start, _ in channels}} <= set(targets)
    assert all(start == source or start in entered for start, _ in channels)


def sorted_moves(case: Case) -> list[list[Traffic]]:
    """Edges of each transfer, in the order of the transfers."""
    order = case.workload.order
    return sorted(
        simulation_walk.moved(case), key=lambda edges: (order[edges[0].source], min(order[it.target] for it in edges))
    )


@QUICK
@given(cases() | crossed())
def test_every_router_that_needs_all_of_a_tensor_gets_all_of_it(case: Case) -> None:
    pending = transfers(case.workload, case.placement, case.system)
    for transfer, edges in zip(pending, sorted_moves(case), strict=True):
        sources = simulation_walk.entries(edges, case)
        needs = {tile.core for layer in transfer.move.whole for tile in case.placement.by_layer[layer]}
        last = transfer.segments[-1]
        for router in needs:
            arriving = sum(share for (_, end), share in last.shares.items() if end == router) * transfer.moved_bits
            everything = simulation_walk.whole([simulation_walk.ALL], edges, case)
            assert arriving + sources.get(router, 0.0) == pytest.approx(everything)


@QUICK
@given(cases() | crossed())
def test_way_through_a_die_is_as_long_as_its_longest_walk(case: Case) -> None:
    found = [
        (segment.chip, segment.hops)
        for transfer in transfers(case.workload, case.placement, case.system)
        for segment in transfer.segments
    ]
    expected = []
    for edges in simulation_walk.moved(case):
        longest: dict[str, int] = {}
        for item in simulation_walk.walks(edges, case):
            longest[item.chip] = max(longest.get(item.chip, 0), len(item.steps))
        expected += list(longest.items())
    assert sorted(found) == sorted(expected)


@QUICK
@given(cases())
def test_a_tensor_is_on_one_die_more_than_it_crosses_links(case: Case) -> None:
    for transfer in transfers(case.workload, case.placement, case.system):
        names = [segment.chip for segment in transfer.segments]
        assert names[0] == transfer.move.source_chip
        assert names[-1] == transfer.move.target_chip
        assert [(c.source, c.target) for c in transfer.crossings] == list(itertools.pairwise(names))
        assert {frozenset((c.link.a, c.link.b)) for c in transfer.crossings} == {
            frozenset((c.source, c.target)) for c in transfer.crossings
        }


@pytest.mark.parametrize(
    ("column", "row", "expected"),
    [(3, 1, (3, 1)), (-1, 1, (0, 1)), (1, 2, (2, 2)), (1, -5, (2, 0)), (2, 2, (3, 1)), (4, 0, (3, 1)), (1, 1, (3, 1))],
)
def test_gateway_is_the_middle_of_the_side_that_faces_the_neighbour(
    column: int, row: int, expected: tuple[int, int]
) -> None:
    here, there = chip("a", 1, 1, mesh=(4, 3)), chip("b", column, row, mesh=(4, 3))
    assert position(here.noc, gateway(here, there)) == expected == simulation_walk.gate(here, there)


def test_tensor_that_stays_in_its_core_uses_no_channel() -> None:
    segment = between(chip("a", 0, 0, mesh=(2, 2)), ((3, 1.0),), (3,))
    assert (segment.shares, segment.hops, segment.injected, segment.ejected) == ({}, 0, {}, {})
    assert segment.places.size == segment.parts.size == 0
