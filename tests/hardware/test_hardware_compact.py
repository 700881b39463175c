from __future__ import annotations

from pathlib import Path

import pytest
from hardware_files import ALL_KEYS, TWO_CHIPS, edited, line_of, problems

from axonal.hardware import load, with_profile

LISTED = TWO_CHIPS[TWO_CHIPS.index("chips:\n") : TWO_CHIPS.index("links:")]
PAIRS = "between:\n      - [left, right]\n"


def compact(grid: str = "3x2", between: str = "neighbours") -> str:
    return edited((LISTED, f"chips: {{die: compute, grid: {grid}}}\n"), (PAIRS, f"between: {between}\n"))


def test_a_grid_is_the_list_of_its_chips_row_by_row(tmp_path: Path) -> None:
    assert problems(tmp_path, compact()) == ()
    system = load(tmp_path / "file.yaml")
    assert [(chip.name, chip.column, chip.row) for chip in system.chips] == [
        (f"c{3 * row + column}", column, row) for row in range(2) for column in range(3)
    ]
    pairs = {frozenset((link.a, link.b)) for link in system.links}
    assert pairs == {frozenset((f"c{a}", f"c{b}")) for a, b in ((0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5))}


def test_a_grid_may_be_overridden_and_its_pairs_listed(tmp_path: Path) -> None:
    assert problems(tmp_path, compact("2x1", "[[c1, c0]]")) == ()
    assert load(tmp_path / "file.yaml").links[0].name == "c1-c0"
    assert problems(tmp_path, compact()) == ()
    assert len(load(tmp_path / "file.yaml", {"chips.grid": "5x5"}).links) == 40


def test_listed_chips_may_be_joined_to_their_neighbours(tmp_path: Path) -> None:
    assert problems(tmp_path, edited((PAIRS, "between: neighbours\n"))) == ()
    assert [link.name for link in load(tmp_path / "file.yaml").links] == ["left-right"]


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        (compact("33x32"), "chips.grid", "must be columns x rows of chips, 1 to 1024 altogether, for example `4x4`"),
        (compact("0x2"), "chips.grid", "must be columns x rows of chips, 1 to 1024 altogether, for example `4x4`"),
        (compact().replace("die: compute, ", ""), "chips.die", "needs the key `die`"),
        (
            compact().replace("die: compute", "die: comptue"),
            "chips.die",
            "there is no such die: did you mean 'compute'?",
        ),
        (
            compact(between="neighbors"),
            "links.wire.between",
            "must be the word `neighbours`, or a list of pairs such as `[left, right]`",
        ),
        (compact(between="[[c0, c9]]"), "links.wire.between.0", "there is no chip 'c9'"),
        (
            compact("2x2", "[[c0, c1]]"),
            "chips",
            "no links lead from c0 to c2, c3: add a pair to `between` of a link",
        ),
        (
            edited(("[1, 0]", "[1, 1]"), (PAIRS, "between: neighbours\n")),
            "chips.1.name",
            "no links lead from left to right: add a pair to `between` of a link",
        ),
    ],
)
def test_a_mistake_in_the_compact_form_is_one_problem(text: str, key: str, message: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.key == key
    assert problem.message.startswith(message)


def test_two_links_between_all_neighbours_are_one_problem(tmp_path: Path) -> None:
    text = compact()
    link = text[text.index("  wire:") :]
    (problem,) = problems(tmp_path, text + link.replace("wire", "other"))
    line = line_of("between: neighbours", text)
    assert (problem.key, problem.message) == (
        "links.other.between",
        f"the link on line {line} already joins these chips: remove one",
    )


def test_a_profile_changes_its_own_constants_and_says_so(tmp_path: Path) -> None:
    assert problems(tmp_path, ALL_KEYS) == ()
    system = load(tmp_path / "file.yaml")
    dear = with_profile(system, "dear")
    assert [link.energy_pj_per_bit for link in dear.links] == [10.0]
    assert {chip.core.energy.mac_pj for chip in dear.chips} == {0.23}
    changed = {new.key: (new.text, new.source) for new in dear.constants if new not in system.constants}
    assert changed == {
        "links.wire.energy": ("10 pJ/bit", "a paper"),
        "dies.compute.core.mac_energy": ("230 fJ", "another paper"),
    }
    assert [constant.key for constant in dear.constants] == [constant.key for constant in system.constants]
    assert dear.profiles == ()


def test_an_unknown_profile_is_answered_with_those_that_are_there() -> None:
    system = load("quad_serdes")
    with pytest.raises(ValueError, match="no profile 'horowitz': did you mean 'horowitz_45nm'"):
        with_profile(system, "horowitz")
    with pytest.raises(ValueError, match="no profile 'x'; profiles: horowitz_45nm, nn_baton_16nm, gemini_12nm"):
        with_profile(system, "x")
    with pytest.raises(ValueError, match="no profile 'x': it has none"):
        with_profile(with_profile(system, "gemini_12nm"), "x")


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        (
            "links.wire.energy:",
            "links.wire.enrgy:",
            "links.wire.enrgy",
            "no such constant: did you mean 'links.wire.ener",
        ),
        ("10 pJ/bit", "10 pJ", "links.wire.energy", "expected an energy per bit"),
        ("10 pJ/bit", "-1 pJ/bit", "links.wire.energy", "must be >= 0 pJ/bit"),
        (
            "links.wire.energy: {value: 10 pJ/bit",
            "links.wire.latency: {value: 9 ns",
            "links.wire.latency",
            "only energies",
        ),
        ("{value: 10 pJ/bit, source: a paper}", "10 pJ/bit", "links.wire.energy", "needs a value and a source"),
    ],
)
def test_a_mistake_in_a_profile_is_one_problem(old: str, new: str, key: str, message: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, edited((old, new), text=ALL_KEYS))
    assert problem.key == f"profiles.dear.{key}"
    assert message in problem.message


def test_a_value_of_a_profile_may_be_overridden() -> None:
    system = load("quad_serdes", {"profiles.gemini_12nm.dies.compute.noc.hop_energy": "0.5 pJ/bit"})
    assert with_profile(system, "gemini_12nm").chips[0].noc.hop_energy_pj_per_bit == 0.5
