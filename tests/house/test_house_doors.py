from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from inspect import isclass, isfunction, ismodule
from pkgutil import iter_modules
from types import ModuleType

import pytest
from house_paths import PACKAGE, environment

import axonal

ROOMS = sorted(f"axonal.{room.name}" for room in iter_modules([str(PACKAGE)]) if room.name != "__main__")


def _rank(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as the linter sorts them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _visible(room: ModuleType) -> set[str]:
    public = {name: value for name, value in vars(room).items() if not name.startswith("_") and not ismodule(value)}
    if hasattr(room, "__path__"):
        return {name for name, value in public.items() if type(value).__name__ != "_Feature"}
    # A file shows what it defines; what it imports is not its own.
    return {n for n, v in public.items() if (isclass(v) or isfunction(v)) and v.__module__ == room.__name__}


@pytest.mark.parametrize("name", ROOMS)
def test_all_of_a_room_is_sorted_and_names_what_is_visible(name: str) -> None:
    room = import_module(name)
    names = list(room.__all__)
    assert names == sorted(set(names), key=_rank)
    assert [n for n in names if not hasattr(room, n)] == []
    assert _visible(room) - set(names) == set()


def test_every_lazy_door_leads_to_the_object_of_its_room() -> None:
    assert sorted(axonal.__all__) == axonal.__all__ == sorted(axonal._DOORS)
    for name, room in axonal._DOORS.items():
        assert getattr(axonal, name) is getattr(import_module(room), name)
    assert set(axonal.__all__) <= set(dir(axonal))


def test_type_checkers_see_the_same_doors_as_python() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in guarded.body if isinstance(node, ast.ImportFrom)]
    assert {alias.name: node.module for node in imports for alias in node.names} == axonal._DOORS


def test_a_door_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'window'"):
        _ = axonal.window


def test_the_command_line_says_its_version() -> None:
    command = [sys.executable, "-m", "axonal", "--version"]
    found = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert found.stdout.strip() == f"axonal {axonal.__version__}"
    assert re.fullmatch(r"\d+\.\d+\.\d+", axonal.__version__)
