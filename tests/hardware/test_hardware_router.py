from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hardware_files import ALL_KEYS, TWO_CHIPS, edited, line_of, problems
from hypothesis import given
from hypothesis import strategies as st

from axonal.hardware import Router, System, load, with_scaled

HOP = "      hop_latency: {value: 3 cycles, source: assumed}\n"
ENERGY = "      hop_energy: {value: 0.1 pJ/bit, source: assumed}\n"


def with_noc(*lines: str) -> str:
    """The small file with lines added to its mesh."""
    return edited((HOP, HOP + "".join(f"      {line}\n" for line in lines)))


def loaded(folder: Path, text: str) -> System:
    assert problems(folder, text) == ()
    return load(folder / "file.yaml")


def stages(router: Router) -> tuple[int, ...]:
    return (
        router.routing_cycles,
        router.vc_allocation_cycles,
        router.switch_allocation_cycles,
        router.traversal_cycles,
        router.link_cycles,
    )


@given(st.integers(1, 1000))
def test_the_usual_router_takes_exactly_the_cycles_of_its_hop(hop_cycles: int) -> None:
    assert Router.of(hop_cycles).hop_cycles == hop_cycles


@pytest.mark.parametrize(
    ("hop_cycles", "expected", "speculative"),
    [
        (8, (1, 1, 1, 1, 4), False),
        (5, (1, 1, 1, 1, 1), False),
        (4, (0, 1, 1, 1, 1), False),
        (3, (0, 1, 1, 1, 1), True),
        (2, (0, 1, 1, 1, 0), True),
        (1, (0, 1, 1, 0, 0), True),
    ],
)
def test_a_shorter_hop_gives_up_one_stage_after_the_other(
    hop_cycles: int, expected: tuple[int, ...], speculative: bool
) -> None:
    router = Router.of(hop_cycles)
    assert (stages(router), router.speculative) == (expected, speculative)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["usual", "slow allocation"]))
def test_a_router_made_to_last_longer_or_shorter_keeps_its_buffers(old: int, new: int, kind: str) -> None:
    router = replace(Router.of(old), vcs=2, buffer_flits=3, credit_cycles=1, leakage_mw=0.5)
    if kind != "usual":
        router = replace(router, vc_allocation_cycles=3)
    changed = router.lasting(new)
    assert changed.hop_cycles == new
    assert (changed.vcs, changed.buffer_flits, changed.credit_cycles, changed.leakage_mw) == (2, 3, 1, 0.5)
    if kind == "usual":
        assert changed.lasting(old) == router


def test_a_file_without_routers_has_the_usual_ones(tmp_path: Path) -> None:
    noc = loaded(tmp_path, TWO_CHIPS).chips[0].noc
    assert noc.router == Router.of(3)
    assert (noc.router.vcs, noc.router.buffer_flits, noc.router.credit_cycles) == (4, 8, 0)
    assert (noc.topology, noc.routing) == ("mesh", "xy")
    assert (noc.router_energy_pj_per_bit, noc.wire_energy_pj_per_bit) == (0.1, 0.0)


def test_every_key_of_a_file_reaches_the_system(tmp_path: Path) -> None:
    system = loaded(tmp_path, ALL_KEYS)
    chip, link = system.chips[0], system.links[0]
    assert (chip.core.energy.neuron_update_pj, chip.core.energy.spike_pj, chip.core.energy.packet_pj) == (3, 4, 5)
    noc = chip.noc
    assert (noc.topology, noc.routing, noc.hop_cycles) == ("torus", "yx", 7)
    assert (noc.router_energy_pj_per_bit, noc.wire_energy_pj_per_bit) == (0.1, 0.05)
    assert noc.hop_energy_pj_per_bit == pytest.approx(0.15)
    assert (stages(noc.router), noc.router.speculative) == ((1, 1, 2, 1, 3), True)
    assert (noc.router.vcs, noc.router.buffer_flits, noc.router.credit_cycles) == (2, 6, 1)
    assert noc.router.leakage_mw == pytest.approx(0.002)
    assert (link.serialiser_pj_per_bit, link.buffer_flits, link.ports) == (0.25, 32, 2)


def test_the_link_takes_what_given_stages_leave_of_the_hop(tmp_path: Path) -> None:
    router = loaded(tmp_path, with_noc("router: {speculative: false}")).chips[0].noc.router
    assert (stages(router), router.hop_cycles) == ((0, 1, 1, 1, 0), 3)


MISTAKES = {
    "stages too long": (
        ("router: {vc_allocation: {value: 4 cycles, source: a}}",),
        "the stages of the router and the link take 5 cycles, hop_latency is 3 cycles: change one of them",
    ),
    "link too long": (
        ("router: {link: {value: 2 cycles, source: a}}",),
        "the stages of the router and the link take 4 cycles, hop_latency is 3 cycles: change one of them",
    ),
    "adaptive torus": (
        ("topology: torus", "routing: west_first"),
        "routing 'west_first' may deadlock on a torus: use xy or yx, or topology mesh",
    ),
    "one channel": (
        ("topology: torus", "router: {vcs: {value: 1, source: a}}"),
        "topology torus needs 2 virtual channels to be free of deadlock, has 1: raise vcs",
    ),
    "two energies": (
        ("wire_energy: {value: 1 pJ/bit, source: a}",),
        "has `hop_energy` beside `wire_energy`: give the sum or the two parts, not both",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_network_that_does_not_fit_together_is_one_problem(mistake: str, tmp_path: Path) -> None:
    lines, message = MISTAKES[mistake]
    (problem,) = problems(tmp_path, with_noc(*lines))
    assert (problem.key, problem.message) == ("dies.compute.noc", message)


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ("topology: ring", "dies.compute.noc.topology", "must be 'mesh' or 'torus'"),
        ("routing: zigzag", "dies.compute.noc.routing", "must be 'xy', 'yx', 'west_first' or 'o1turn'"),
        ("router: {speculative: maybe}", "dies.compute.noc.router.speculative", "must be `true` or `false`"),
        ("router: {vsc: {value: 2, source: a}}", "dies.compute.noc.router.vsc", "unknown key: did you mean 'vcs'?"),
        (
            "router: {buffer: {value: 8, source: a}}",
            "dies.compute.noc.router.buffer",
            "needs a unit; write for example `8 flits`",
        ),
    ],
)
def test_a_wrong_word_of_a_network_is_named_with_what_is_known(
    line: str, key: str, message: str, tmp_path: Path
) -> None:
    text = with_noc(line)
    (problem,) = problems(tmp_path, text)
    assert (problem.key, problem.line, problem.message) == (key, line_of(line, text), message)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ((ENERGY, ""), "needs the key `hop_energy`, or `router_energy` and `wire_energy`, for example "),
        (("hop_energy", "router_energy"), "needs the key `wire_energy`, for example "),
    ],
)
def test_a_missing_energy_of_a_hop_is_named(edit: tuple[str, str], message: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, edited(edit))
    assert problem.message.startswith(message)


def test_a_network_made_by_hand_is_held_to_the_same_rules() -> None:
    noc = load("quad_chiplet").chips[0].noc
    with pytest.raises(ValueError, match=r"hop_cycles is 9, must be the 5 cycles .* by router.lasting\(9\)"):
        replace(noc, hop_cycles=9)
    assert replace(noc, hop_cycles=9, router=noc.router.lasting(9)).router.link_cycles == 5
    with pytest.raises(ValueError, match="topology is 'ring', must be one of mesh, torus"):
        replace(noc, topology="ring")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="router: vcs is 0"):
        replace(noc.router, vcs=0)


def test_a_longer_stage_makes_a_longer_hop(tmp_path: Path) -> None:
    system = loaded(tmp_path, ALL_KEYS)
    noc = with_scaled(system, "dies.compute.noc.router.switch_allocation", 3).chips[0].noc
    assert (noc.router.switch_allocation_cycles, noc.hop_cycles) == (6, 11)


@pytest.mark.parametrize(("ports", "fine"), [(4, True), (5, False)])
def test_a_link_is_attached_to_no_more_routers_than_its_side_has(ports: int, fine: bool, tmp_path: Path) -> None:
    found = problems(tmp_path, edited(("ports: {value: 2", f"ports: {{value: {ports}"), text=ALL_KEYS))
    assert (found == ()) is fine
    for problem in found:
        assert problem.key == "links.wire.ports"
        assert problem.message.startswith("must be <= 4, ")


def test_topology_and_routing_may_be_overridden() -> None:
    system = load("quad_chiplet", {"dies.compute.noc.topology": "torus", "dies.compute.noc.routing": "yx"})
    assert {(chip.noc.topology, chip.noc.routing) for chip in system.chips} == {("torus", "yx")}
