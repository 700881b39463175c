from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import mapping_by_force
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_cases import chip, grid, star, system

from axonal.hardware import System
from axonal.mapping.dies import chain, die_paths


@st.composite
def systems(draw: st.DrawFn) -> System:
    count = draw(st.integers(1, 7))
    chips = [chip(f"c{n}", n % 3, n // 3) for n in range(count)]
    tree = [(draw(st.integers(0, n - 1)), n) for n in range(1, count)]
    more = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=4))
    pairs = {(min(a, b), max(a, b)): None for a, b in tree + more if a != b}
    return system(chips, list(pairs))


def joined(machine: System) -> set[tuple[str, str]]:
    return {(link.a, link.b) for link in machine.links} | {(link.b, link.a) for link in machine.links}


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (4, 1), (1, 3), (2, 2), (3, 3), (4, 4), (8, 8)])
def test_chain_of_a_grid_visits_each_die_once_and_steps_only_over_links(columns: int, rows: int) -> None:
    machine = grid(columns, rows)
    path = chain(machine)
    assert path[0] == "c0"
    assert sorted(path) == sorted(item.name for item in machine.chips)
    assert all(step in joined(machine) for step in pairwise(path))


@given(systems())
def test_chain_starts_at_the_first_die_and_reaches_every_die_once(machine: System) -> None:
    path = chain(machine)
    assert path[0] == machine.chips[0].name
    assert sorted(path) == sorted(item.name for item in machine.chips)


def test_ring_whose_positions_are_no_snake_is_still_walked_over_its_links() -> None:
    machine = system([chip(f"c{n}", n, 0) for n in range(5)], [(0, 2), (2, 4), (4, 1), (1, 3), (3, 0)])
    assert chain(machine) in {("c0", "c2", "c4", "c1", "c3"), ("c0", "c3", "c1", "c4", "c2")}


def test_star_which_has_no_path_through_all_dies_falls_back_to_depth_first_order() -> None:
    assert chain(star(4)) == ("c0", "c1", "c2", "c3", "c4")


def test_die_that_no_link_reaches_is_left_out_of_the_chain() -> None:
    machine = grid(3, 1)
    assert chain(replace(machine, links=machine.links[:1])) == ("c0", "c1")


@given(systems())
def test_die_paths_are_as_short_as_those_of_floyd_and_warshall(machine: System) -> None:
    table = mapping_by_force.hop_table(machine)
    paths = die_paths(machine)
    assert {ends: len(path) - 1 for ends, path in paths.items()} == table
    for (start, end), path in paths.items():
        assert (path[0], path[-1]) == (start, end)
        assert all(step in joined(machine) for step in pairwise(path))


@pytest.mark.parametrize(("columns", "rows"), [(2, 2), (3, 2), (4, 3)])
def test_die_paths_of_a_grid_go_along_the_row_before_they_change_it(columns: int, rows: int) -> None:
    machine = grid(columns, rows)
    machine = replace(machine, links=tuple(reversed(machine.links)))
    at = {item.name: (item.column, item.row) for item in machine.chips}
    for path in die_paths(machine).values():
        turns = [at[a][1] != at[b][1] for a, b in pairwise(path)]
        assert turns == sorted(turns)
