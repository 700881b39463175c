from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hardware_files import ALL_KEYS

from axonal.hardware import System, load, presets, with_scaled

FIELDS: Mapping[str, str] = {
    "packet_header": "packet_header_bits",
    "core.clock": "core.clock_ghz",
    "core.lanes": "core.lanes",
    "core.sram": "core.sram_bits",
    "core.leakage": "core.leakage_mw",
    "core.mac_energy": "core.energy.mac_pj",
    "core.accumulate_energy": "core.energy.accumulate_pj",
    "core.elementwise_energy": "core.energy.elementwise_pj",
    "core.sram_read_energy": "core.energy.sram_read_pj_per_bit",
    "core.sram_write_energy": "core.energy.sram_write_pj_per_bit",
    "noc.clock": "noc.clock_ghz",
    "noc.flit": "noc.flit_bits",
    "noc.hop_latency": "noc.hop_cycles",
    "noc.hop_energy": "noc.router_energy_pj_per_bit",
    "noc.router_energy": "noc.router_energy_pj_per_bit",
    "noc.wire_energy": "noc.wire_energy_pj_per_bit",
    "noc.router.vcs": "noc.router.vcs",
    "noc.router.buffer": "noc.router.buffer_flits",
    "noc.router.routing": "noc.router.routing_cycles",
    "noc.router.vc_allocation": "noc.router.vc_allocation_cycles",
    "noc.router.switch_allocation": "noc.router.switch_allocation_cycles",
    "noc.router.traversal": "noc.router.traversal_cycles",
    "noc.router.link": "noc.router.link_cycles",
    "noc.router.credit_delay": "noc.router.credit_cycles",
    "noc.router.leakage": "noc.router.leakage_mw",
    "core.neuron_update_energy": "core.energy.neuron_update_pj",
    "core.spike_energy": "core.energy.spike_pj",
    "core.packet_energy": "core.energy.packet_pj",
    "serialiser_energy": "serialiser_pj_per_bit",
    "buffer": "buffer_flits",
    "ports": "ports",
    "bandwidth": "bits_per_ns",
    "latency": "latency_ns",
    "energy": "energy_pj_per_bit",
    "idle_power": "idle_mw",
}
NAMES = ("quad_chiplet", "quad_serdes", "loihi_like", "snap_4x4_2", "all_keys.yaml")


@lru_cache
def loaded(name: str) -> System:
    """A preset, or the file with every key."""
    if name in presets():
        return load(name)
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(ALL_KEYS)
        return load(path)


EVERY = [(name, constant.key) for name in NAMES for constant in loaded(name).constants]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple | list) else None
    if items is None:
        yield path, value
        return
    for key, item in items:
        yield from leaves(item, f"{path}.{key}" if path else str(key))


def numbers(system: System) -> dict[str, object]:
    return {path: value for path, value in leaves(asdict(system)) if not path.startswith(("constants", "profiles"))}


def expected_places(system: System, key: str) -> set[str]:
    section, *rest = key.split(".")
    if section == "dies":
        return {f"chips.{index}.{FIELDS['.'.join(rest[1:])]}" for index in range(len(system.chips))}
    count = len(system.links)
    return {f"links.{index}.{FIELDS[rest[1]]}" for index in range(count)} if rest else {FIELDS[section]}


@pytest.mark.parametrize(("name", "key"), EVERY)
def test_scaling_a_constant_changes_exactly_its_own_numbers(name: str, key: str) -> None:
    system = loaded(name)
    before, after = numbers(system), numbers(with_scaled(system, key, 3.0))
    places = expected_places(system, key)
    assert places <= before.keys()
    for place in places:
        old, new = before[place], after[place]
        assert isinstance(old, int | float)
        assert new == old * 3
        assert type(new) is type(old)
    changed = {place for place in before if before[place] != after[place]}
    # Stages and hop follow each other.
    followers = ("noc.hop_cycles", "noc.router.link_cycles") if ".noc." in key else ()
    assert {place for place in changed if not place.endswith(followers)} <= places


@pytest.mark.parametrize(("name", "key"), EVERY)
def test_a_scaled_constant_says_so_and_keeps_its_source(name: str, key: str) -> None:
    system = loaded(name)
    scaled = with_scaled(system, key, 1.25)
    changed = [(old, new) for old, new in zip(system.constants, scaled.constants, strict=True) if old != new]
    ((old, new),) = changed
    assert (old.key, new.key, new.source) == (key, key, old.source)
    assert new.text == f"{old.text} x 1.25"


@pytest.mark.parametrize(("name", "key"), EVERY)
def test_scaling_there_and_back_restores_the_numbers(name: str, key: str) -> None:
    system = loaded(name)
    back = with_scaled(with_scaled(system, key, 2), key, 0.5)
    assert numbers(back) == numbers(system)


@pytest.mark.parametrize("key", ["lanes", "sram", "flit", "hop_latency", "packet_header"])
def test_whole_numbers_do_not_fall_below_one(key: str) -> None:
    system = load("quad_chiplet")
    (full,) = [constant.key for constant in system.constants if constant.key.split(".")[-1] == key]
    after = numbers(with_scaled(system, full, 1e-12))
    assert {after[place] for place in expected_places(system, full)} == {1}


def test_a_header_of_no_bits_stays_without_bits() -> None:
    bare = load("quad_chiplet", {"packet_header": "0 bit"})
    assert with_scaled(bare, "packet_header", 10).packet_header_bits == 0


def test_scaling_an_unknown_constant_names_the_near_one() -> None:
    with pytest.raises(ValueError, match=r"no constant 'links.ucie.enrgy': did you mean 'links.ucie.energy'"):
        with_scaled(load("quad_chiplet"), "links.ucie.enrgy", 2)


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_scaling_by_nothing_finite_and_positive_is_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="must be finite and > 0"):
        with_scaled(load("quad_chiplet"), "packet_header", factor)
