"""The page "Describe your own chip" shows files that load and messages that are real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hardware_files import edited, problems

from axonal.hardware import json_schema, load

PAGE = (Path(__file__).parents[2] / "docs" / "describe_your_chip.md").read_text()
FILES = [part.split("```")[0] for part in PAGE.split("```yaml\n")[1:] if part.startswith("schema: 1")]
START, BOARD, EVERY_KEY = FILES

ENERGY = '      hop_energy: {value: 0.12 pJ/bit, source: "gate-level power, typical corner"}\n'
POWER = '    idle_power: {value: 15 mW, source: "measured, lanes trained and idle"}\n'
MISTAKES = {
    "unit": ("value: 16 Gb/s", "value: 16"),
    "dimension": ("0.12 pJ/bit", "0.12 pJ"),
    "braces": ('lanes: {value: 32, source: "data sheet rev. 3, table 1"}', "lanes: 32"),
    "source": (', source: "measured, pad to pad"', ""),
    "case": ("400 MHz", "400 Mhz"),
    "stages": (ENERGY, ENERGY + "      router: {vc_allocation: {value: 2 cycles, source: RTL}, speculative: false}\n"),
    "pair": ("hop_energy", "router_energy"),
    "torus": (ENERGY, ENERGY + "      topology: torus\n      routing: west_first\n"),
    "ports": (POWER, POWER + "    ports: {value: 4, source: layout}\n"),
    "profile": (
        "between: neighbours\n",
        "between: neighbours\nprofiles:\n  rev_2:\n    links.bord.energy: {value: 6 pJ/bit, source: measured}\n",
    ),
}


def shown(folder: Path, text: str) -> list[str]:
    return [str(replace(problem, file="my_board.yaml")) for problem in problems(folder, text)]


def test_the_page_starts_from_a_file_with_the_gaps_that_it_shows(tmp_path: Path) -> None:
    found = "\n".join(shown(tmp_path, START))
    assert f"$ axonal check my_board.yaml\n{found}\n```" in PAGE, found


def test_the_worked_example_is_a_system_without_mistakes(tmp_path: Path) -> None:
    assert shown(tmp_path, BOARD) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_of_the_page_reads_as_check_reports_it(mistake: str, tmp_path: Path) -> None:
    (line,) = shown(tmp_path, edited(MISTAKES[mistake], text=BOARD))
    assert f"\n{line}\n" in PAGE, line


def test_the_page_shows_no_message_that_is_not_tried(tmp_path: Path) -> None:
    tried = {line for edit in MISTAKES.values() for line in shown(tmp_path, edited(edit, text=BOARD))}
    tried |= {*shown(tmp_path, START), "my_board.yaml: fine"}
    assert {line for line in PAGE.splitlines() if line.startswith("my_board.yaml:")} == tried


def test_the_file_with_every_key_loads_and_has_them_all(tmp_path: Path) -> None:
    assert shown(tmp_path, EVERY_KEY) == []
    schema = json_schema()
    keys = {key for model in (schema, *schema["$defs"].values()) for key in model["properties"]}
    # The sum of two energies and the chips one by one are the other forms of what the file gives.
    missing = {key for key in keys if f"{key}:" not in EVERY_KEY}
    assert missing == {"hop_energy"}


def test_optional_keys_have_the_defaults_that_the_page_says(tmp_path: Path) -> None:
    lines = [line for line in EVERY_KEY.splitlines() if "optional, 0" not in line]
    text = "\n".join(lines)
    router = text[text.index("      topology:") : text.index("chips:")]
    short = text.replace(router, "\n").replace(text[text.index("profiles:") :], "")
    assert problems(tmp_path, short) == ()
    plain = load(tmp_path / "file.yaml")
    assert problems(tmp_path, EVERY_KEY) == ()
    full = load(tmp_path / "file.yaml")
    assert plain.chips == full.chips
    assert plain.links == full.links
