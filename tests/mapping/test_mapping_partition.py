from __future__ import annotations

import pickle
from dataclasses import replace

import mapping_by_force
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mapping_cases import chip, edge, grid, linear, sequence, star, system, workloads

from axonal.hardware import System
from axonal.mapping import Infeasible, Partition, partition
from axonal.mapping.dies import chain
from axonal.workload import Layer, Workload

TIGHT = st.sampled_from([100, 400, 1600, 1_000_000])
SYSTEMS = st.one_of(
    st.builds(lambda n, bits: grid(n, 1, sram_bits=bits), st.integers(1, 4), TIGHT),
    st.builds(lambda bits: grid(2, 2, sram_bits=bits), TIGHT),
    st.builds(lambda bits: star(3, sram_bits=bits), TIGHT),
)


def cost(workload: Workload, found: Partition, machine: System) -> mapping_by_force.Cost:
    inner = [layer for layer in workload.layers if layer.kind not in ("input", "output")]
    loads = [sum(layer.operations for layer in inner if found.chip_of(layer.name) == name) for name in found.chips]
    return mapping_by_force.crossing_bits(workload, found.homes, machine), max(loads)


@settings(max_examples=150, deadline=None)
@given(workload=workloads(), machine=SYSTEMS, balance=st.sampled_from([0.0, 0.3, 0.5, 2.0]))
def test_partition_is_as_good_as_the_best_of_all_cuts(workload: Workload, machine: System, balance: float) -> None:
    computing = sum(layer.macs > 0 for layer in workload.layers)
    assume(any(layer.kind not in ("input", "output") for layer in workload.layers))
    path = chain(machine)[: max(1, min(len(machine.chips), computing))]
    try:
        found = partition(workload, machine, balance=balance)
    except Infeasible:
        assert mapping_by_force.best(workload, machine, path, balance=1e9) is None
        return
    assert cost(workload, found, machine) == mapping_by_force.best(workload, machine, path, found.balance_used)
    if found.balance_used > balance:
        assert mapping_by_force.best(workload, machine, path, balance) is None


@settings(deadline=None)
@given(workload=workloads(), machine=SYSTEMS)
def test_infeasible_always_misses_some_bits_and_names_a_lever(workload: Workload, machine: System) -> None:
    try:
        partition(workload, machine)
    except Infeasible as error:
        caught = error
    else:
        return
    assert caught.gap_bits > 0
    assert caught.levers
    assert "\n" not in str(caught)
    assert all(lever in str(caught) for lever in caught.levers)


@given(workload=workloads())
def test_partition_is_consecutive_complete_and_uses_all_its_dies(workload: Workload) -> None:
    machine = grid(2, 2)
    found = partition(workload, machine)
    assert [name for name, _ in found.assignment] == [layer.name for layer in workload.layers]
    computing = [found.chips.index(found.chip_of(layer.name)) for layer in workload.layers if layer.macs]
    assert computing == sorted(computing)
    assert set(computing) == set(range(max(1, min(4, len(computing))))) or not computing
    assert found == partition(workload, machine)


@given(workload=workloads())
def test_terminal_layers_stay_with_a_neighbour(workload: Workload) -> None:
    found = partition(workload, grid(3, 1))
    for layer in workload.layers:
        if layer.kind == "input" and (ahead := [e.target for e in workload.out_of(layer.name)]):
            assert found.chip_of(layer.name) in {found.chip_of(name) for name in ahead}


@given(workload=workloads())
def test_boundaries_are_the_tensors_that_cross_each_once_for_a_target_die(workload: Workload) -> None:
    found = partition(workload, grid(2, 2))
    expected = {
        (e.source, e.tensors, found.chip_of(e.target))
        for e in workload.traffic
        if found.chip_of(e.source) != found.chip_of(e.target)
    }
    keys = [(e.source, e.tensors, found.chip_of(e.target)) for e in found.boundaries]
    assert len(keys) == len(set(keys))
    assert set(keys) == expected
    assert found.crossing(workload) == found.boundaries


@given(workload=workloads())
def test_boundary_names_each_reader_on_the_target_die_once_in_the_order_of_the_layers(workload: Workload) -> None:
    found = partition(workload, grid(2, 2))
    order = [layer.name for layer in workload.layers]
    for kept in found.boundaries:
        merged = [
            item
            for item in sorted(workload.traffic, key=lambda item: order.index(item.target))
            if (item.source, item.tensors) == (kept.source, kept.tensors)
            and found.chip_of(item.target) == found.chip_of(kept.target)
        ]
        readers: list[str] = []
        for item in merged:
            readers += [name for name in item.readers if name not in readers]
        assert kept == replace(merged[0], readers=tuple(readers))


def test_tensor_for_two_layers_of_a_die_keeps_the_readers_of_both() -> None:
    layers = (linear("a", macs=4000), linear("b"), linear("c"), linear("d", macs=1000))
    traffic = (
        edge("a", "c", tensor="t", readers=("mm", "add")),
        edge("a", "b", tensor="t", readers=("view", "mm"), scattered=True),
        edge("a", "d", tensor="u", readers=("other",)),
    )
    found = partition(Workload(name="w", layers=layers, traffic=traffic), grid(2, 1), balance=0.0)
    assert [(item.target, item.readers) for item in found.boundaries] == [
        ("b", ("view", "mm", "add")),
        ("d", ("other",)),
    ]


@given(workload=workloads())
def test_workload_survives_json_with_readers_and_scattered_traffic(workload: Workload) -> None:
    assert Workload.from_json(workload.to_json()) == workload


@given(workload=workloads())
def test_partition_survives_json(workload: Workload) -> None:
    found = partition(workload, grid(2, 2))
    assert Partition.from_json(found.to_json()) == found


@pytest.mark.parametrize("text", ["{}", '{"chips": [], "assignment": [], "boundaries": [], "other": 1}'])
def test_json_that_is_no_partition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a partition"):
        Partition.from_json(text)


def test_network_is_cut_where_the_tensor_is_small() -> None:
    workload = sequence(4, sizes=[64, 64, 8, 64, 64])
    found = partition(workload, grid(2, 1), balance=1.0)
    assert [item.source for item in found.boundaries] == ["l1"]
    assert partition(sequence(4, sizes=[64, 64, 64, 8, 64]), grid(2, 1), balance=1.0).boundaries[0].source == "l2"


def test_balance_forbids_the_smallest_cut_where_it_leaves_one_die_too_much() -> None:
    workload = sequence(4, sizes=[64, 64, 64, 8, 64])
    assert partition(workload, grid(2, 1), balance=0.0).boundaries[0].source == "l1"


def test_small_read_out_has_no_die_to_itself_by_default() -> None:
    workload = sequence(13, sizes=[64] * 12 + [8, 64])
    small = replace(workload.layer("l12"), macs=10.0)
    workload = replace(workload, layers=(*workload.layers[:-2], small, workload.layers[-1]))
    machine = grid(2, 2)
    assert partition(workload, machine, balance=0.5).boundaries[-1].target == "l12"
    found = partition(workload, machine)
    assert found.balance_used == 0.25
    assert found.chip_of("l12") == found.chip_of("l11") == found.chip_of("l10")


def test_balance_is_relaxed_until_memory_suffices_and_recorded() -> None:
    layers = tuple(linear(f"l{n}", weights=10 if n else 990, macs=100 if n else 1) for n in range(5))
    workload = Workload(name="w", layers=layers, traffic=tuple(edge(f"l{n}", f"l{n + 1}") for n in range(4)))
    machine = system([chip("a", 0, 0, sram_bits=1980), chip("b", 1, 0, sram_bits=1000)], [(0, 1)])
    found = partition(workload, machine, balance=0.0)
    assert found.balance_used == 1.0
    assert dict(found.assignment) == {"l0": "a", "l1": "b", "l2": "b", "l3": "b", "l4": "b"}


def test_network_with_fewer_computing_layers_than_dies_uses_the_first_dies() -> None:
    assert partition(sequence(2), grid(2, 2)).chips == ("c0", "c1")


def test_network_that_does_not_compute_stays_on_the_first_die() -> None:
    layers = (Layer(name="in", kind="input"), Layer(name="out", kind="output"))
    found = partition(Workload(name="w", layers=layers, traffic=(edge("in", "out"),)), grid(2, 1))
    assert found.assignment == (("in", "c0"), ("out", "c0"))
    assert found.boundaries == ()


def test_network_too_large_for_the_system_says_how_much_is_missing_and_what_helps() -> None:
    with pytest.raises(Infeasible) as caught:
        partition(sequence(5, weights=130_000), grid(2, 2, sram_bits=256_250))
    assert caught.value.demand_bits == 5_200_000
    assert caught.value.bound_bits == 4_100_000
    assert caught.value.gap_bits == 1_100_000
    message = str(caught.value)
    assert "5.2 Mbit of memory needed, 4.1 Mbit available, 1.1 Mbit short; add a chip" in message
    assert all(lever in message for lever in caught.value.levers)


def test_layer_too_large_for_a_die_is_named_with_the_die() -> None:
    layers = (linear("small"), linear("fc2", weights=1000))
    workload = Workload(name="w", layers=layers, traffic=(edge("small", "fc2"),))
    with pytest.raises(Infeasible, match=r"^layer fc2 on chip c1: 8 kbit of memory needed, 4 kbit av"):
        partition(workload, grid(2, 1, sram_bits=1000))


def test_layer_with_fewer_neurons_than_the_cores_it_needs_is_infeasible() -> None:
    workload = Workload(name="w", layers=(linear("head", weights=1000, neurons=2),), traffic=())
    with pytest.raises(Infeasible, match=r"at most 2 tiles, on chip c0: 8 kbit of memory needed, 6 kbit av"):
        partition(workload, grid(1, 1, sram_bits=3000))


def test_more_chips_are_no_lever_for_a_network_with_too_few_layers_to_use_them() -> None:
    layers = (linear("a", weights=600), Layer(name="b", kind="spike", state_bits=4800, neurons=64))
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "b"),))
    with pytest.raises(Infeasible, match=r"the network on 1 chip: .* short; split a layer over two chips, raise"):
        partition(workload, grid(2, 1, sram_bits=2000))


def test_layers_that_fit_in_sum_but_in_no_consecutive_parts_are_infeasible() -> None:
    workload = sequence(3, weights=600)
    with pytest.raises(Infeasible, match=r"^layers l\d to l\d on chip c\d under the best cut: 9.6 kbit .* 8 kbit av"):
        partition(workload, grid(2, 1, sram_bits=2000))


def test_infeasible_survives_the_way_between_processes() -> None:
    error = Infeasible("layers", 30, 20, ("add a chip",))
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(copied) == str(error) == "layers: 30 bit of memory needed, 20 bit available, 10 bit short; add a chip"
    assert copied.levers == error.levers


@pytest.mark.parametrize("balance", [-0.1, float("nan"), float("inf")])
def test_balance_out_of_bounds_is_refused(balance: float) -> None:
    with pytest.raises(ValueError, match="balance is"):
        partition(sequence(2), grid(2, 1), balance=balance)


def with_boundary(workload: Workload, source: str, target: str) -> Workload:
    """The workload with an encoder and a decoder between two layers."""
    layers: list[Layer] = []
    for layer in workload.layers:
        if layer.name == target:
            layers.append(Layer(name="decoder", kind="decode"))
        layers.append(layer)
        if layer.name == source:
            layers.append(Layer(name="encoder", kind="encode"))
    kept = tuple(item for item in workload.traffic if (item.source, item.target) != (source, target))
    added = (edge(source, "encoder"), edge("encoder", "decoder", events=3), edge("decoder", target))
    return replace(workload, layers=tuple(layers), traffic=(*kept, *added))


def test_extended_partition_keeps_encoders_with_producers_and_decoders_with_consumers() -> None:
    workload = sequence(4)
    found = partition(workload, grid(2, 1))
    cut = found.boundaries[0]
    longer = with_boundary(workload, cut.source, cut.target)
    extended = found.extended(longer)
    assert extended.chip_of("encoder") == found.chip_of(cut.source)
    assert extended.chip_of("decoder") == found.chip_of(cut.target)
    assert [(item.source, item.target) for item in extended.boundaries] == [("encoder", "decoder")]
    assert all(extended.chip_of(layer.name) == found.chip_of(layer.name) for layer in workload.layers)
    assert extended.balance_used == found.balance_used


def test_extended_partition_puts_other_new_layers_with_their_first_producer() -> None:
    workload = sequence(4)
    found = partition(workload, grid(2, 1))
    last = workload.layers[-2].name
    extra = Layer(name="extra", kind="elementwise")
    longer = replace(workload, layers=(*workload.layers, extra), traffic=(*workload.traffic, edge(last, "extra")))
    assert found.extended(longer).chip_of("extra") == found.chip_of(last)


def test_extended_partition_drops_layers_that_are_gone() -> None:
    workload = sequence(4)
    found = partition(workload, grid(2, 1))
    shorter = replace(workload, layers=workload.layers[:-1], traffic=workload.traffic[:-1])
    assert dict(found.extended(shorter).assignment).keys() == {layer.name for layer in shorter.layers}


@given(workload=workloads())
def test_partition_extended_by_nothing_is_itself(workload: Workload) -> None:
    found = partition(workload, grid(2, 2))
    assert replace(found.extended(workload), chips=found.chips) == found


def test_extension_by_a_layer_without_neighbours_is_refused() -> None:
    workload = sequence(4)
    lonely = replace(workload, layers=(*workload.layers, linear("lonely")))
    with pytest.raises(ValueError, match="lonely"):
        partition(workload, grid(2, 1)).extended(lonely)


def test_unknown_layer_has_no_die() -> None:
    with pytest.raises(KeyError, match=r"use partition\.extended"):
        partition(sequence(2), grid(2, 1)).chip_of("nobody")
