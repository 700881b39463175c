from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_cases import edge, grid, linear, sequence, workloads

from axonal.hardware import System
from axonal.mapping import Infeasible, Placement, partition, place
from axonal.mapping.arrangement import Demand, arranged, hop_bits
from axonal.mapping.mesh import distances, position, snake
from axonal.mapping.pieces import pieces
from axonal.mapping.tiling import MINIMUM_TILE_CYCLES
from axonal.workload import Layer, Workload

SYSTEMS = st.builds(
    lambda dies, mesh, bits: grid(dies, 1, mesh=mesh, sram_bits=bits),
    st.integers(1, 3),
    st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 2), (4, 4)]),
    st.sampled_from([900, 2000, 1_000_000]),
)


def placed(workload: Workload, machine: System) -> Placement | None:
    try:
        return place(workload, partition(workload, machine), machine)
    except Infeasible:
        return None


@settings(deadline=None)
@given(workload=workloads(), machine=SYSTEMS)
def test_each_layer_is_placed_whole_on_its_die(workload: Workload, machine: System) -> None:
    found = placed(workload, machine)
    if found is None:
        return
    assert set(found.by_layer) == {layer.name for layer in workload.layers}
    for layer in workload.layers:
        tiles = found.by_layer[layer.name]
        assert sum(tile.share for tile in tiles) == pytest.approx(1, abs=1e-9)
        assert all(tile.share > 0 for tile in tiles)
        assert {tile.chip for tile in tiles} == {found.partition.chip_of(layer.name)}
        assert len({tile.core for tile in tiles}) == len(tiles) <= layer.neurons
        assert all(0 <= tile.core < machine.by_name[tile.chip].cores for tile in tiles)


@settings(deadline=None)
@given(workload=workloads(), machine=SYSTEMS)
def test_no_core_holds_more_than_its_memory(workload: Workload, machine: System) -> None:
    found = placed(workload, machine)
    if found is None:
        return
    stored: dict[tuple[str, int], float] = {}
    for tile in found.tiles:
        layer = workload.layer(tile.layer)
        bits = 0.0 if layer.kind in ("input", "output") else layer.weight_bits + layer.state_bits
        stored[tile.chip, tile.core] = stored.get((tile.chip, tile.core), 0.0) + tile.share * bits
    for (name, _), bits in stored.items():
        assert bits <= machine.by_name[name].core.sram_bits * (1 + 1e-9)


@settings(deadline=None)
@given(workload=workloads(), machine=SYSTEMS)
def test_whatever_can_be_partitioned_can_be_placed(workload: Workload, machine: System) -> None:
    try:
        found = partition(workload, machine)
    except Infeasible:
        return
    if all(layer.neurons >= 4 for layer in workload.layers):
        assert place(workload, found, machine).partition == found


@settings(deadline=None, max_examples=30)
@given(workload=workloads(), machine=SYSTEMS)
def test_placement_is_repeatable_and_survives_json(workload: Workload, machine: System) -> None:
    found = placed(workload, machine)
    if found is not None:
        assert found == placed(workload, machine)
        assert Placement.from_json(found.to_json()) == found


@pytest.mark.parametrize("text", ["{}", '{"tiles": [{"layer": "a"}], "partition": {}}'])
def test_json_that_is_no_placement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a p"):
        Placement.from_json(text)


def test_spare_cores_go_to_the_layer_that_takes_longest() -> None:
    layers = (linear("light", macs=2000), linear("heavy", macs=20_000))
    machine = grid(1, 1, mesh=(4, 4))
    workload = Workload(name="w", layers=layers, traffic=(edge("light", "heavy"),))
    tiles = place(workload, partition(workload, machine), machine).by_layer
    assert len(tiles["light"]) == 2
    assert len(tiles["heavy"]) == 14


def test_layer_is_not_split_below_a_few_cycles_of_work() -> None:
    machine = grid(1, 1, mesh=(4, 4))
    least = MINIMUM_TILE_CYCLES * machine.chips[0].core.lanes
    for tiles in (1, 3):
        workload = sequence(1, macs=float(tiles * least + least - 1))
        assert len(place(workload, partition(workload, machine), machine).by_layer["l0"]) == tiles


def test_layer_is_not_split_into_more_tiles_than_neurons() -> None:
    machine = grid(1, 1, mesh=(4, 4))
    workload = sequence(1, macs=1e6, neurons=3)
    assert len(place(workload, partition(workload, machine), machine).by_layer["l0"]) == 3


def test_layer_larger_than_a_core_takes_as_many_as_its_weights_need() -> None:
    machine = grid(1, 1, mesh=(4, 4), sram_bits=1000)
    workload = sequence(1, macs=1.0, weights=400)
    assert len(place(workload, partition(workload, machine), machine).by_layer["l0"]) == 4


def test_layers_share_cores_evenly_when_there_are_more_layers_than_cores() -> None:
    machine = grid(1, 1, mesh=(2, 1))
    workload = sequence(6)
    cores = [tile.core for tile in place(workload, partition(workload, machine), machine).tiles if tile.layer[0] == "l"]
    assert sorted(cores) == [0, 0, 0, 1, 1, 1]


def test_layers_whose_equal_tiles_do_not_pack_are_poured_into_the_cores() -> None:
    machine = grid(1, 1, mesh=(3, 1), sram_bits=1000)
    layers = (linear("a", weights=187), linear("b", weights=188))
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "b"),))
    found = place(workload, partition(workload, machine), machine)
    assert len({(tile.chip, tile.core) for tile in found.tiles}) == 3


def test_terminal_layers_sit_in_the_middle_of_the_west_and_east_side() -> None:
    machine = grid(1, 1, mesh=(4, 3))
    workload = sequence(1)
    found = place(workload, partition(workload, machine), machine).by_layer
    assert [position(machine.chips[0].noc, found[name][0].core) for name in ("in", "out")] == [(0, 1), (3, 1)]


def test_placement_of_layers_too_large_for_their_die_is_infeasible() -> None:
    workload = sequence(2, weights=300)
    roomy = partition(workload, grid(1, 1, sram_bits=2000))
    with pytest.raises(Infeasible, match=r"^2 layers on chip c0: 4.8 kbit .* needed, 4 kbit av"):
        place(workload, roomy, grid(1, 1, sram_bits=1000))


def test_layer_poured_into_more_cores_than_it_has_neurons_is_infeasible() -> None:
    machine = grid(1, 1, mesh=(3, 1), sram_bits=1000)
    layers = (linear("a", weights=75), linear("b", weights=75, neurons=1), linear("c", weights=225))
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "b"), edge("b", "c")))
    with pytest.raises(Infeasible, match=r"^layer b, .* at most 1 tile, on chip c0: 600 bit .* 400 bit av"):
        place(workload, partition(workload, machine), machine)


def test_workload_with_new_layers_needs_the_extended_partition() -> None:
    machine = grid(1, 1)
    found = partition(sequence(2), machine)
    with pytest.raises(KeyError, match="layer l2 is in no part of the partition"):
        place(sequence(3), found, machine)


@st.composite
def demands(draw: st.DrawFn) -> tuple[Demand, tuple[int, ...]]:
    columns, rows = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    count = columns * rows
    values = st.lists(st.integers(0, 20), min_size=count * count, max_size=count * count)
    half = np.triu(np.array(draw(values), dtype=float).reshape(count, count), 1)
    pull = np.array(draw(values), dtype=float).reshape(count, count)
    start = tuple(draw(st.permutations(range(count))))
    return Demand(flow=half + half.T, pull=pull, distance=distances(columns, rows)), start


def plain_hop_bits(demand: Demand, sites: tuple[int, ...]) -> float:
    """Slow twin of the objective."""
    total = sum(demand.pull[group, site] for group, site in enumerate(sites))
    for a, b in itertools.combinations(range(len(sites)), 2):
        total += demand.flow[a, b] * demand.distance[sites[a], sites[b]]
    return float(total)


@settings(deadline=None)
@given(demands())
def test_arrangement_is_one_that_no_swap_improves(case: tuple[Demand, tuple[int, ...]]) -> None:
    demand, start = case
    found = arranged(demand, start)
    cost = plain_hop_bits(demand, found)
    assert sorted(found) == sorted(start)
    assert hop_bits(demand, found) == cost <= plain_hop_bits(demand, start)
    for a, b in itertools.combinations(range(len(found)), 2):
        swapped = list(found)
        swapped[a], swapped[b] = swapped[b], swapped[a]
        assert plain_hop_bits(demand, tuple(swapped)) >= cost


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (4, 1), (1, 4), (3, 3), (4, 5)])
def test_snake_visits_each_router_once_in_single_hops(columns: int, rows: int) -> None:
    noc = grid(1, 1, mesh=(columns, rows)).chips[0].noc
    order = snake(noc)
    assert sorted(order) == list(range(columns * rows))
    assert all(distances(columns, rows)[a, b] == 1 for a, b in itertools.pairwise(order))


def best_ms(work: Callable[[], object]) -> float:
    durations = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        durations.append(1e3 * (time.perf_counter() - start))
    return min(durations)


@pytest.mark.parametrize("scattered", [False, True])
def test_sixty_layers_are_laid_on_four_dies_of_64_cores_in_milliseconds(scattered: bool) -> None:
    machine = grid(2, 2, mesh=(8, 8))
    workload = scattering(sequence(60, macs=1e6), scattered)
    residuals = tuple(edge(f"l{n}", f"l{n + 2}", tensor=f"l{n}", scattered=scattered) for n in range(58))
    workload = replace(workload, traffic=workload.traffic + residuals)
    found = partition(workload, machine)
    assert len({(tile.chip, tile.core) for tile in place(workload, found, machine).tiles}) == 256
    assert best_ms(lambda: partition(workload, machine)) < 30
    assert best_ms(lambda: place(workload, found, machine)) < 30


def scattering(workload: Workload, scattered: bool = True) -> Workload:
    return replace(workload, traffic=tuple(replace(item, scattered=scattered) for item in workload.traffic))


def carried(found: Placement, machine: System, pairs: Iterable[tuple[str, str]]) -> float:
    """Share * hops between tiles, each taking from every other what both have of their ranges."""
    noc = machine.chips[0].noc
    hops = distances(noc.columns, noc.rows)
    total = 0.0
    for names in pairs:
        source, target = (found.by_layer[name] for name in names)
        for size, (a, b) in pieces([tile.share for tile in source], [tile.share for tile in target]):
            total += size * hops[source[a].core, target[b].core]
    return total


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_matching_tiles_are_put_nearer_to_each_other_when_traffic_is_scattered(layers: int) -> None:
    machine = grid(1, 1, mesh=(6, 6))
    workload = sequence(layers, macs=1e6)
    workload = replace(workload, layers=workload.layers[1:-1], traffic=workload.traffic[1:-1])
    near, far = (place(item, partition(item, machine), machine) for item in (scattering(workload), workload))
    pairs = [(item.source, item.target) for item in workload.traffic]
    assert carried(near, machine, pairs) < 0.6 * carried(far, machine, pairs)


def test_tiles_of_a_layer_keep_the_order_of_its_neurons() -> None:
    machine = grid(1, 1, mesh=(4, 4))
    workload = sequence(2, macs=1e6)
    workload = scattering(replace(workload, layers=workload.layers[1:-1], traffic=workload.traffic[1:-1]))
    tiles = place(workload, partition(workload, machine), machine).by_layer
    hops = distances(4, 4)
    assert [tile.core for tile in tiles["l0"]] != sorted(tile.core for tile in tiles["l0"])
    assert all(hops[a.core, b.core] <= 2 for a, b in zip(tiles["l0"], tiles["l1"], strict=True))


def test_neighbouring_layers_are_put_close_to_each_other() -> None:
    machine = grid(1, 1, mesh=(8, 8))
    workload = Workload(
        name="w",
        layers=tuple(linear(f"l{n}", macs=1.0) for n in range(64)),
        traffic=tuple(edge(f"l{n}", f"l{n + 1}") for n in range(63)),
    )
    tiles = place(workload, partition(workload, machine), machine).by_layer
    hops = distances(8, 8)
    assert all(hops[tiles[f"l{n}"][0].core, tiles[f"l{n + 1}"][0].core] == 1 for n in range(63))


def test_costless_terminal_layers_do_not_take_a_core_away() -> None:
    machine = grid(1, 1, mesh=(1, 1))
    layers = (Layer(name="in", kind="input"), linear("l"), Layer(name="out", kind="output"))
    workload = Workload(name="w", layers=layers, traffic=(edge("in", "l"), edge("l", "out")))
    found = place(workload, partition(workload, machine), machine)
    assert [(tile.layer, tile.core, tile.share) for tile in found.tiles] == [("in", 0, 1), ("l", 0, 1), ("out", 0, 1)]


def test_die_without_computing_layers_can_be_placed() -> None:
    machine = grid(1, 1)
    layers = (Layer(name="in", kind="input"), Layer(name="out", kind="output"))
    workload = Workload(name="w", layers=layers, traffic=(edge("in", "out"),))
    found = place(workload, partition(workload, machine), machine)
    assert [(tile.layer, tile.core) for tile in found.tiles] == [("in", 2), ("out", 3)]
