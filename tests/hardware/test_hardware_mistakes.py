from __future__ import annotations

from pathlib import Path

import pytest
from hardware_files import TWO_CHIPS, edited, line_of, problems
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axonal.hardware import Problem, SystemFileError, check, load


def test_the_file_that_the_mistakes_are_made_in_has_none(tmp_path: Path) -> None:
    assert problems(tmp_path, TWO_CHIPS) == ()


MISTAKES = {
    "negative bandwidth": ("2 GB/s", "-3 Gb/s", "links.wire.bandwidth", "must be > 0 Gb/s"),
    "no bandwidth": ("2 GB/s", "0 Gb/s", "links.wire.bandwidth", "must be > 0 Gb/s"),
    "negative energy": ("{value: 1 pJ/bit", "{value: -1 pJ/bit", "links.wire.energy", "must be >= 0 pJ/bit"),
    "fast clock": ("500 MHz", "101 GHz", "dies.compute.core.clock", "must be <= 100 GHz"),
    "no memory": ("64 KiB", "0 KiB", "dies.compute.core.sram", "must be >= 1 bit"),
    "no lanes": ("{value: 8,", "{value: 0,", "dies.compute.core.lanes", "must be >= 1"),
    "many lanes": ("{value: 8,", "{value: 65537,", "dies.compute.core.lanes", "must be <= 65536"),
    "lanes with a unit": ("{value: 8,", "{value: 8 bit,", "dies.compute.core.lanes", "expected a plain count"),
    "wide flit": ("4 B", "4097 bit", "dies.compute.noc.flit", "must be <= 4096 bit"),
    "part of a cycle": ("3 cycles", "2.5 cycles", "dies.compute.noc.hop_latency", "must be a whole number"),
    "unit missing": ("{value: 1 mW", "{value: 1", "links.wire.idle_power", "needs a unit; write for example `0.1 mW`"),
    "wrong dimension": ("{value: 1 pJ/bit", "{value: 1 pJ", "links.wire.energy", "expected an energy per bit, for"),
    "not a number": ("5000 ps", ".nan ns", "links.wire.latency", "expected a time, for example `8 ns`"),
    "not finite": ("5000 ps", "1e999 ns", "links.wire.latency", "must be a finite number"),
    "value empty": ("{value: 5000 ps", "{value: ", "links.wire.latency", "needs a value; write for example `8 ns`"),
    "source missing": ("5000 ps, source: assumed", "5000 ps", "links.wire.latency.source", "needs a source"),
    "source empty": ("5000 ps, source: assumed", "5 ns, source: ' '", "links.wire.latency.source", "needs a source"),
    "source of a list": ("5000 ps, source: assumed", "5 ns, source: [a]", "links.wire.latency.source", "must be text"),
    "bare number": ("{value: 5000 ps, source: assumed}", "5000 ps", "links.wire.latency", "needs a value and a source"),
    "list for a quantity": ("{value: 5000 ps, source: assumed}", "[5]", "links.wire.latency", "needs a value and a so"),
    "flat mesh": ("4x2", "0x8", "dies.compute.mesh", "must be columns x rows, 1x1 to 64x64, for example `8x8`"),
    "huge mesh": ("4x2", "65x8", "dies.compute.mesh", "must be columns x rows"),
    "unknown die": ("left, die: compute", "left, die: comptue", "chips.0.die", "no such die: did you mean 'compute'?"),
    "name taken": ("name: right", "name: left", "chips.1.name", "is taken by the chip on line 24"),
    "place taken": ("[1, 0]", "[0, 0]", "chips.1.at", "is taken by the chip on line 24"),
    "negative place": ("[1, 0]", "[-1, 0]", "chips.1.at.0", "must be a whole number, 0 to 1023"),
    "place in 3d": ("[1, 0]", "[1, 0, 0]", "chips.1.at", "has 3 entries, must be <= 2"),
    "bad name": ("  wire:", "  my-wire:", "links.my-wire", "must be 1 to 64 letters, digits or `_`"),
    "unknown chip": ("- [left, right]", "- [left, rihgt]", "links.wire.between.0", "'rihgt': did you mean 'right'?"),
    "link to itself": ("- [left, right]", "- [left, left]", "links.wire.between.0", "joins a chip to itself"),
    "link of three": ("- [left, right]", "- [left, right, left]", "links.wire.between.0", "has 3 entries"),
    "no links": ("between:\n      - [left, right]", "between: []", "links.wire.between", "has 0 entries, must be >= 1"),
    "unknown version": ("schema: 1", "schema: 2", "schema", "must be <= 1"),
    "no version": ("schema: 1", "schema: one", "schema", "must be a whole number"),
    "misspelt key": ("bandwidth:", "bandwith:", "links.wire.bandwith", "unknown key: did you mean 'bandwidth'?"),
    "misspelt source": ("5000 ps, source", "5000 ps, sorce", "links.wire.latency.sorce", "did you mean 'source'?"),
    "merge key": (
        "    idle_power",
        "    <<: {}\n    idle_power",
        "links.wire.<<",
        "unknown key; known here: bandw",
    ),
    "empty name": ("name: pair", "name: ''", "name", "must not be empty"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_gives_one_problem_with_its_line_and_key(mistake: str, tmp_path: Path) -> None:
    old, new, key, message = MISTAKES[mistake]
    text = edited((old, new))
    (problem,) = problems(tmp_path, text)
    assert problem.key == key
    assert message in problem.message
    assert problem.line == line_of(old, TWO_CHIPS)
    assert str(problem).startswith(f"{tmp_path / 'file.yaml'}:{problem.line}: {key}")


def test_a_key_given_twice_is_reported_with_both_lines(tmp_path: Path) -> None:
    text = edited(("    idle_power", "    latency: {value: 1 ns, source: assumed}\n    idle_power"))
    (problem,) = problems(tmp_path, text)
    lines = line_of("    latency: {value: 5000", text), line_of("    latency: {value: 1 ns", text)
    assert (problem.key, problem.line) == ("links.wire.latency", lines[0])
    assert f"on lines {lines[0]} and {lines[1]}" in problem.message


def test_a_link_given_twice_is_reported_in_either_direction(tmp_path: Path) -> None:
    text = TWO_CHIPS + "      - [right, left]\n"
    (problem,) = problems(tmp_path, text)
    assert (problem.key, problem.line) == ("links.wire.between.1", text.count("\n"))
    assert problem.value == "[right, left]"
    assert f"the link on line {text.count(chr(10)) - 1} already joins these chips" in problem.message


def test_a_chip_out_of_reach_is_named(tmp_path: Path) -> None:
    text = edited(("links:", "  - {name: island, die: compute, at: [2, 0]}\nlinks:"))
    (problem,) = problems(tmp_path, text)
    assert (problem.key, problem.value) == ("chips.2.name", "island")
    assert problem.line == line_of("island", text)
    assert "no links lead from left to island" in problem.message


def test_a_die_that_no_chip_uses_is_reported(tmp_path: Path) -> None:
    start, end = TWO_CHIPS.index("  compute:"), TWO_CHIPS.index("chips:")
    spare = TWO_CHIPS[start:end].replace("compute", "spare")
    (problem,) = problems(tmp_path, TWO_CHIPS[:end] + spare + TWO_CHIPS[end:])
    assert (problem.key, problem.line) == ("dies.spare", line_of("chips:", TWO_CHIPS))
    assert "no chip uses this die" in problem.message


def test_a_missing_key_is_named_with_an_example(tmp_path: Path) -> None:
    line = "    latency: {value: 5000 ps, source: assumed}\n"
    (problem,) = problems(tmp_path, edited((line, "")))
    assert (problem.key, problem.line) == ("links.wire.latency", line_of("  wire:", TWO_CHIPS))
    assert problem.message == 'needs the key `latency`, for example `{value: 8 ns, source: "..."}`'


def test_a_bare_number_is_answered_with_how_to_write_it(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, edited(("{value: 64 KiB, source: assumed}", "64 KiB")))
    assert problem.value == "64 KiB"
    assert '`{value: 64 KiB, source: "..."}`' in problem.message


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    names = ["negative bandwidth", "flat mesh", "unknown die", "place taken", "source missing", "no lanes"]
    names += ["unknown chip", "unit missing", "empty name"]
    misspelt = ("20 fJ, source", "20 fJ, sorce")
    found = problems(tmp_path, edited(*[MISTAKES[name][:2] for name in names], misspelt))
    expected = [*(MISTAKES[name][2] for name in names), "dies.compute.core.mac_energy.sorce"]
    assert sorted(problem.key for problem in found) == sorted(expected)
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_value_and_source_of_one_quantity_are_both_reported(tmp_path: Path) -> None:
    found = problems(tmp_path, edited(("{value: 5000 ps, source: assumed}", "{value: 5000}")))
    assert sorted(problem.key for problem in found) == ["links.wire.latency", "links.wire.latency.source"]


def test_a_quantity_over_several_lines_is_reported_at_its_value(tmp_path: Path) -> None:
    block = "latency:\n      source: >-\n        a table\n        of a book\n      value: -1 ns\n"
    text = edited(("latency: {value: 5000 ps, source: assumed}\n", block))
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.value) == (line_of("value: -1 ns", text), "-1 ns")


def test_a_problem_reads_as_file_line_key_value_and_bound() -> None:
    where = {"file": "file.yaml", "line": 12, "key": "links.ucie.bandwidth", "value": "-3 Gb/s"}
    problem = Problem(**where, message="must be > 0 Gb/s")  # type: ignore[arg-type]
    assert str(problem) == "file.yaml:12: links.ucie.bandwidth = '-3 Gb/s': must be > 0 Gb/s"


def test_loading_a_file_with_mistakes_lists_them_one_a_line(tmp_path: Path) -> None:
    found = problems(tmp_path, edited(("2 GB/s", "-3 Gb/s"), ("4x2", "0x8")))
    with pytest.raises(SystemFileError) as caught:
        load(tmp_path / "file.yaml")
    assert caught.value.problems == found
    assert str(caught.value).splitlines() == [str(problem) for problem in found]
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 1, "is empty"),
        (b"# only a comment\n", 1, "is empty"),
        (b"- a\n- b\n", 1, "must be a mapping that starts with `schema: 1`"),
        (b"just words", 1, "must be a mapping that starts with `schema: 1`"),
        (b"schema: 1\nname: [a\n", 2, "is not YAML"),
        (b"schema: 1\nname: a: b\n", 2, "is not YAML"),
        (b"schema: 1\n\tname: a\n", 2, "is not YAML"),
        (b"schema: *nothing\n", 1, "is not YAML"),
        (b"schema: 1\n---\nschema: 1\n", 2, "is not YAML"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe\x00", 1, "is not text"),
        (b"schema: 1\nname: \x00\n", 2, "is not text"),
        (b"[" * 700, 1, "is nested too deeply"),
        (b"name:\n  " + b"[" * 300 + b"]" * 300, 2, "is nested too deeply"),
        (b"name: &a [*a]\n", 1, "inside of what it repeats"),
        (b" " * (4 * 2**20 + 1), 1, "must be <= 4194304"),
    ],
)
def test_a_file_that_is_no_system_is_one_problem(content: bytes, line: int, message: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, content)
    assert problem.line == line
    assert message in problem.message
    assert problem.key == ""


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    (problem,) = problems(tmp_path, "a0: &a0 [x]\n" + "\n".join(levels))
    assert "write fewer aliases" in problem.message


def test_a_directory_is_one_problem(tmp_path: Path) -> None:
    (problem,) = check(tmp_path)
    assert "is a directory" in problem.message


def test_a_missing_file_is_one_problem(tmp_path: Path) -> None:
    (problem,) = check(tmp_path / "nothing.yaml")
    assert problem.message == "there is no such file"
    with pytest.raises(SystemFileError, match="there is no such file"):
        load(str(tmp_path / "nothing.yaml"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_with_a_line_garbled_loads_or_is_answered_with_problems_inside_it(
    tmp_path: Path, data: st.DataObject
) -> None:
    lines = TWO_CHIPS.splitlines()
    index = data.draw(st.integers(min_value=0, max_value=len(lines) - 1))
    lines[index] = data.draw(st.sampled_from(["", "?", "- x", "  a: b", lines[index][:-4], lines[index] * 2, "[1]: 2"]))
    found = problems(tmp_path, "\n".join(lines))
    assert found or load(tmp_path / "file.yaml").chips
    assert all(1 <= problem.line <= len(lines) and problem.message for problem in found)
