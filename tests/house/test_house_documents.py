from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from itertools import chain
from pathlib import Path

import pytest
import torch
from house_paths import PYPROJECT, ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import axonal

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "experiments").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
LABEL = re.compile(r"^\(([\w-]+)\)=$", re.MULTILINE)


def _python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text))
    return {*headings, *LABEL.findall(text)}


def _broken(page: Path) -> Iterator[str]:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_of_a_page_resolves(page: Path) -> None:
    assert list(_broken(page)) == []


def test_the_readme_names_what_a_newcomer_and_what_ci_run() -> None:
    for command in ("make demo", "make test", "make check"):
        assert command in README


def test_the_readme_shows_the_very_commands_of_the_demonstration() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    demo = re.search(r"^demo:.*?\n\n", makefile, re.MULTILINE | re.DOTALL)
    assert demo is not None
    commands = re.findall(r"\$\(AXONAL\) (compare .*?) &&", demo.group())
    assert len(commands) == 2
    for command in commands:
        assert f"axonal {command}" in README


def test_the_python_example_of_the_readme_runs() -> None:
    (example,) = _python_blocks(README)
    short, changed = re.subn(r"steps=\d+", "steps=2", example)
    assert changed == 2
    torch.manual_seed(0)
    said = StringIO()
    with redirect_stdout(said):
        exec(compile(short, "README.md", "exec"), {})  # noqa: S102 - it is our own README
    bits, latency_ns, energy_pj = map(float, said.getvalue().split())
    assert min(bits, latency_ns, energy_pj) > 0


def test_the_quickstart_shows_the_example_of_the_readme() -> None:
    assert _python_blocks(README)[0] in _python_blocks((ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8"))


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] in (axonal.__version__, "Unreleased")
    assert axonal.__version__ in versions


def test_every_decision_gives_choice_reasons_what_was_rejected_and_the_price() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [page.name[:3] for page in pages] == [f"{number:03}" for number in range(1, len(pages) + 1)]
    for page in pages:
        assert re.findall(r"\*\*(\w+)\.\*\*", page.read_text(encoding="utf-8")) == [
            "Choice",
            "Reasons",
            "Rejected",
            "Price",
        ]


def test_constraints_pin_every_direct_requirement_to_a_version_that_it_allows() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines)
    assert [name for name, version in pins.items() if not re.fullmatch(r"[\d.]+(?:[a-z]+\d+)?", version)] == []
    by_name = {canonicalize_name(name): version for name, version in pins.items()}
    project = PYPROJECT["project"]
    for text in chain(project["dependencies"], *project["optional-dependencies"].values()):
        requirement = Requirement(text)
        assert requirement.specifier.contains(by_name[canonicalize_name(requirement.name)]), requirement
