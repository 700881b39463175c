from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hardware_files import TWO_CHIPS, edited, problems

from axonal.hardware import Chip, Link, System, SystemFileError, check, json_schema, load, preset_text, presets

PAGE = Path(__file__).parents[2] / "docs" / "systems.md"
EVERY = pytest.mark.parametrize("name", presets())


def test_the_presets_are_listed_by_name() -> None:
    families = [f"snap_{mesh}_{dies}" for mesh in ("4x4", "8x8") for dies in (2, 4, 16, 64)]
    assert presets() == ("loihi_like", "quad_chiplet", "quad_serdes", "simba_like", *families)


@EVERY
def test_every_preset_loads_under_its_own_name_without_mistakes(name: str, tmp_path: Path) -> None:
    assert load(name).name == name
    assert problems(tmp_path, preset_text(name)) == ()


@EVERY
def test_every_number_of_a_preset_has_a_source_that_says_how_it_was_obtained(name: str) -> None:
    system = load(name)
    assert len({constant.key for constant in system.constants}) == len(system.constants)
    constants = [*system.constants, *(constant for profile in system.profiles for constant in profile.constants)]
    assert len(constants) == preset_text(name).count("value:")
    for constant in constants:
        assert constant.source.isprintable()
        assert any(word in constant.source for word in ("read", "recalled", "assumed", "measured")), constant.key


@pytest.mark.parametrize("name", ["quad_chiplet", "quad_serdes", "loihi_like", "snap_4x4_4", "snap_8x8_4"])
def test_a_preset_is_four_dies_in_a_square_with_a_link_between_neighbours(name: str) -> None:
    system = load(name)
    places = {chip.name: (chip.column, chip.row) for chip in system.chips}
    assert places == {"c0": (0, 0), "c1": (1, 0), "c2": (0, 1), "c3": (1, 1)}
    for link in system.links:
        (x0, y0), (x1, y1) = places[link.a], places[link.b]
        assert abs(x0 - x1) + abs(y0 - y1) == 1
    assert len(system.links) == 4


@pytest.mark.parametrize("mesh", ["4x4", "8x8"])
@pytest.mark.parametrize("dies", [2, 4, 16, 64])
def test_members_of_a_family_differ_only_in_size(mesh: str, dies: int) -> None:
    system, smallest = load(f"snap_{mesh}_{dies}"), load("snap_4x4_2")
    side = int(mesh[0])
    assert len(system.chips) == dies
    assert {chip.cores for chip in system.chips} == {side * side}
    assert (system.constants, system.profiles) == (smallest.constants, smallest.profiles)
    columns = max(chip.column for chip in system.chips) + 1
    rows = dies // columns
    assert len(system.links) == columns * (rows - 1) + rows * (columns - 1)


def test_the_quads_differ_only_in_their_links() -> None:
    chiplet, serdes = load("quad_chiplet"), load("quad_serdes")
    assert chiplet.chips == serdes.chips
    assert chiplet.packet_header_bits == serdes.packet_header_bits
    assert chiplet.links[0].energy_pj_per_bit < serdes.links[0].energy_pj_per_bit
    assert chiplet.links[0].latency_ns < serdes.links[0].latency_ns


def test_quantities_reach_the_system_in_the_units_of_the_code(tmp_path: Path) -> None:
    assert problems(tmp_path, TWO_CHIPS) == ()
    system = load(tmp_path / "file.yaml")
    link = Link(a="left", b="right", kind="wire", bits_per_ns=16, latency_ns=5, energy_pj_per_bit=1, idle_mw=1)
    assert system.links == (link,)
    left, right = system.chips
    assert (left.name, left.column, left.row, left.die) == ("left", 0, 0, "compute")
    assert right == replace(left, name="right", column=1)
    assert (left.noc.columns, left.noc.rows, left.cores) == (4, 2, 8)
    assert (left.core.clock_ghz, left.core.lanes, left.core.sram_bits) == (0.5, 8, 64 * 8192)
    assert left.core.leakage_mw == pytest.approx(0.02)
    energy = left.core.energy
    assert (energy.mac_pj, energy.accumulate_pj, energy.elementwise_pj) == pytest.approx((0.02, 0.01, 0.02))
    assert (energy.sram_read_pj_per_bit, energy.sram_write_pj_per_bit) == pytest.approx((0.05, 0.06))
    noc = left.noc
    assert (noc.clock_ghz, noc.flit_bits, noc.hop_cycles, noc.hop_energy_pj_per_bit) == (1, 32, 3, 0.1)
    assert system.packet_header_bits == 16


def test_a_single_chip_needs_no_links(tmp_path: Path) -> None:
    text = edited(("  - {name: right, die: compute, at: [1, 0]}\n", ""))
    assert problems(tmp_path, text[: text.index("links:")]) == ()
    assert load(tmp_path / "file.yaml").links == ()


def test_an_anchor_may_repeat_a_whole_quantity(tmp_path: Path) -> None:
    old = "{value: 20 fJ, source: assumed}", "{value: 0.02 pJ, source: assumed}"
    assert problems(tmp_path, edited((old[0], f"&mac {old[0]}"), (old[1], "*mac"))) == ()
    energy = load(tmp_path / "file.yaml").chips[0].core.energy
    assert energy.elementwise_pj == energy.mac_pj


def test_a_thousand_chips_are_within_bounds_and_one_more_is_not(tmp_path: Path) -> None:
    def chain(chips: int) -> str:
        head = TWO_CHIPS[: TWO_CHIPS.index("  - {name: left")]
        rows = "".join(f"  - {{name: c{i}, die: compute, at: [{i % 32}, {i // 32}]}}\n" for i in range(chips))
        links = TWO_CHIPS[TWO_CHIPS.index("links:") : TWO_CHIPS.index("      - [left")]
        return head + rows + links + "".join(f"      - [c{i}, c{i + 1}]\n" for i in range(chips - 1))

    assert problems(tmp_path, chain(1024)) == ()
    (problem,) = problems(tmp_path, chain(1025))
    assert problem.message == "has 1025 entries, must be <= 1024"


def test_an_unknown_name_is_answered_with_the_near_preset() -> None:
    message = (
        f"unknown system 'quad_chiplt': did you mean 'quad_chiplet'? presets: {', '.join(presets())}, "
        "or give a YAML file"
    )
    for door in (load, preset_text):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            door("quad_chiplt")
        assert str(caught.value) == message


def test_a_strange_name_is_unknown_and_suggests_nothing() -> None:
    with pytest.raises(ValueError, match=r"^unknown system 'x': presets: "):
        load("x")


def test_an_override_replaces_a_constant_and_says_so() -> None:
    plain = load("quad_chiplet")
    system = load("quad_chiplet", {"links.ucie.energy": "5000 fJ/bit"})
    assert {link.energy_pj_per_bit for link in system.links} == {5.0}
    changed = [constant for constant in system.constants if constant not in plain.constants]
    assert [(item.key, item.text, item.source) for item in changed] == [
        ("links.ucie.energy", "5000 fJ/bit", "set by the user (--set)")
    ]
    assert replace(system, links=plain.links, constants=plain.constants) == plain


def test_an_override_may_resize_the_mesh() -> None:
    assert {chip.cores for chip in load("quad_chiplet", {"dies.compute.mesh": "4x3"}).chips} == {12}


def test_wrong_overrides_are_all_reported_with_their_number() -> None:
    overrides = {
        "links.ucie.enery": "5 pJ/bit",
        "links.ucie.latency": "2 ns",
        "links.ucie.bandwidth": "-3 Gb/s",
        "dies.compute.mesh": "0x8",
        "mac_energy": "1 pJ",
        "name": "other",
    }
    with pytest.raises(SystemFileError) as caught:
        load("quad_chiplet", overrides)
    assert str(caught.value).splitlines() == [
        "--set:1: links.ucie.enery = '5 pJ/bit': unknown key: did you mean 'links.ucie.energy'?",
        "--set:3: links.ucie.bandwidth = '-3 Gb/s': must be > 0 Gb/s",
        "--set:4: dies.compute.mesh = '0x8': must be columns x rows, 1x1 to 64x64, for example `8x8`",
        "--set:5: mac_energy = '1 pJ': unknown key: did you mean 'dies.compute.core.mac_energy'?",
        "--set:6: name = 'other': unknown key",
    ]


def test_an_override_leaves_later_loads_alone() -> None:
    load("quad_chiplet", {"packet_header": "8 bit"})
    assert load("quad_chiplet").packet_header_bits == 26


def test_the_json_schema_knows_every_key_and_refuses_others() -> None:
    schema = json_schema()
    core = schema["$defs"]["CoreEntry"]
    assert "sram_read_energy" in core["required"]
    keys = {"schema", "name", "description", "packet_header", "dies", "chips", "links", "profiles"}
    assert set(schema["properties"]) == keys
    models = [schema, *schema["$defs"].values()]
    assert all(model["additionalProperties"] is False for model in models)


def documented_example() -> str:
    (complete,) = [part.split("```")[0] for part in PAGE.read_text().split("```yaml\n") if part.startswith("schema: 1")]
    return complete


def test_the_documented_example_is_a_system_without_mistakes(tmp_path: Path) -> None:
    assert problems(tmp_path, documented_example()) == ()


def test_the_documented_mistakes_read_as_check_reports_them(tmp_path: Path) -> None:
    edits = (
        ("mesh: 4x4", "mesh: 0x8"),
        ("100 uW", "100"),
        ("name: right, die: compute", "name: right, die: comptue"),
        ("32 GB/s", "-3 Gb/s"),
        (', source: "UCIe overview, adapter and PHY"', ""),
        ("    energy: {value: 0.5", "    enery: {value: 0.5"),
    )
    found = problems(tmp_path, edited(*edits, text=documented_example()))
    shown = "\n".join(str(replace(problem, file="my_system.yaml")) for problem in found)
    assert f"```text\n{shown}\n```" in PAGE.read_text(), shown


def test_the_page_names_every_key_of_the_layout() -> None:
    page = PAGE.read_text()
    schema = json_schema()
    keys = {key for model in (schema, *schema["$defs"].values()) for key in model["properties"]}
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_importing_the_hardware_does_not_import_torch() -> None:
    code = "import sys, axonal.hardware; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_system_made_by_hand_is_held_to_its_bounds() -> None:
    system = load("quad_chiplet")
    link, chip = system.links[0], system.chips[0]
    with pytest.raises(ValueError, match="link c0-c1: bits_per_ns is 0, must be finite and > 0"):
        replace(link, bits_per_ns=0)
    with pytest.raises(ValueError, match="mac_pj is nan"):
        replace(chip.core.energy, mac_pj=float("nan"))
    with pytest.raises(ValueError, match="columns is 0"):
        replace(chip.noc, columns=0)
    with pytest.raises(ValueError, match="chip name c0 is given 2 times"):
        replace(system, chips=(*system.chips, replace(chip, column=9)))
    with pytest.raises(ValueError, match=r"position \(0, 0\) is given 2 times"):
        replace(system, chips=(*system.chips, replace(chip, name="c9")))
    with pytest.raises(ValueError, match="link c0-c9 names 'c9', which is no chip"):
        replace(system, links=(replace(link, b="c9"),))
    with pytest.raises(ValueError, match="link c0-c1 is given 2 times"):
        replace(system, links=(link, replace(link, a=link.b, b=link.a)))
    with pytest.raises(ValueError, match="has no chips"):
        replace(system, chips=())


def test_chips_are_found_by_name() -> None:
    system: System = load("quad_serdes")
    chip: Chip = system.by_name["c2"]
    assert chip is system.chips[2]
    assert check(Path("nowhere.yaml"))
