from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from house_paths import PACKAGE, PYPROJECT, ROOT, sources

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_ARGUMENTS = PYPROJECT["tool"]["ruff"]["lint"]["pylint"]["max-args"]
FORBIDDEN_ROOMS = {"utils", "util", "common", "helpers", "misc", "core"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sources(PACKAGE):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def _functions() -> Iterator[tuple[str, Path, Function]]:
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield f"{path}:{node.lineno} {node.name}", path, node


def test_no_file_is_too_long_to_read() -> None:
    folders = (PACKAGE, ROOT / "tests", ROOT / "experiments", ROOT / "benchmarks")
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for folder in folders for p in sources(folder)}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_too_long_to_read() -> None:
    # The signature of a verb of the command line is the list of its options: it does not count.
    lengths = {name: (node.end_lineno or 0) - node.body[0].lineno + 1 for name, _, node in _functions()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def test_no_function_takes_too_many_arguments_without_saying_why() -> None:
    found = []
    for name, path, node in _functions():
        arguments = node.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        first = (ROOT / path).read_text(encoding="utf-8").splitlines()[node.lineno - 1]
        if len([n for n in names if n not in ("self", "cls")]) > MOST_ARGUMENTS and "PLR0913" not in first:
            found.append(name)
    assert found == []


def test_only_the_command_line_prints() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert [place for place in found if "axonal/cli/" not in place] == []


def test_no_room_is_named_for_nothing() -> None:
    assert [path for path in PACKAGE.rglob("*") if path.stem in FORBIDDEN_ROOMS] == []
