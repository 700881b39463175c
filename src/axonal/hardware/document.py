"""YAML text as plain values that remember their line.

The YAML is composed but not constructed: every scalar stays the text that the
user wrote (`0x8` is not turned into 8), and a key given twice can be reported
beside all other mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from axonal.hardware.problem import Problem, SystemFileError

__all__ = ["Document", "Place", "Tree", "dotted", "parse", "read_file"]

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | None"
Place: TypeAlias = tuple[str | int, ...]

_LARGEST_BYTES = 4 * 2**20
_MOST_PARTS = 200_000
_DEEPEST = 16
_TOO_DEEP = "is nested too deeply for a system file"


@dataclass(frozen=True, kw_only=True)
class Document:
    """The content of a file, and where each part of it stands.

    Args:
        file: The file as the user named it.
        tree: Its content.
        lines: Line of each part, from 1.
        problems: Mistakes of the YAML that do not hide the rest.
        overridden: Parts that an override replaced, with the number of the override.
    """

    file: str
    tree: Tree
    lines: Mapping[Place, int]
    problems: tuple[Problem, ...] = ()
    overridden: Mapping[Place, int] = field(default_factory=dict)

    def at(self, place: Place) -> Tree:
        """What stands there; None where nothing does."""
        tree = self.tree
        for part in place:
            if isinstance(tree, dict) and isinstance(part, str):
                tree = tree.get(part)
            elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
                tree = tree[part]
            else:
                return None
        return tree

    def line(self, place: Place) -> int:
        """Line of that part, or of the nearest part that holds it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problem(self, place: Place, message: str) -> Problem:
        """A mistake at that part of the file; a quantity is named by its key and shown by its value."""
        if isinstance(self.at((*place, "value")), str):
            place = (*place, "value")
        tree = self.at(place)
        key = place[:-1] if place[-1:] == ("value",) and not isinstance(tree, dict) else place
        number = self.overridden.get(place)
        file, line = (self.file, self.line(place)) if number is None else ("--set", number)
        return Problem(file=file, line=line, key=dotted(key), value=_shown(tree), message=message)

    def quantities(self) -> Iterator[tuple[str, Place, dict[str, Tree]]]:
        """Dotted key, place and content of everything that is written with a `value`, in file order."""
        return _quantities(self.tree, ())


def dotted(place: Place) -> str:
    """The place as one dotted key."""
    return ".".join(map(str, place))


def _quantities(tree: Tree, place: Place) -> Iterator[tuple[str, Place, dict[str, Tree]]]:
    if not isinstance(tree, dict):
        return
    if isinstance(tree.get("value"), str):
        yield dotted(place), place, tree
        return
    for key, item in tree.items():
        yield from _quantities(item, (*place, key))


def _text(node: ScalarNode) -> str:
    # The round-trip parser marks the folds of `>` text with a bell, to fold them again when saving.
    return str(node.value).replace("\a", "") if node.style == ">" else str(node.value)


def _shown(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    if isinstance(tree, list) and tree and all(isinstance(item, str) for item in tree):
        return f"[{', '.join(map(str, tree))}]"
    return ""


def read_file(path: Path) -> Document:
    """The content of a YAML file.

    Raises:
        SystemFileError: There is no such file, it is no text, or the text is no YAML mapping.
    """
    try:
        if path.is_dir():
            raise _refused(path, "is a directory, must be a YAML file")
        # A pipe or device may never end.
        if path.exists() and not path.is_file():
            raise _refused(path, "is not an ordinary file, must be a YAML file")
        if path.stat().st_size > _LARGEST_BYTES:
            raise _refused(path, f"has {path.stat().st_size} bytes, must be <= {_LARGEST_BYTES} for a system file")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _refused(path, "there is no such file") from None
    except UnicodeDecodeError:
        raise _refused(path, "is not text (UTF-8), must be a YAML file") from None
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    return parse(text, str(path))


def parse(text: str, file: str) -> Document:
    """The content of YAML text.

    Raises:
        SystemFileError: The text is no YAML mapping.
    """
    node = _compose(text, file)
    if node is None:
        raise _refused(file, "is empty, must be a mapping that starts with `schema: 1`")
    builder = _Builder(file=file)
    tree = builder.build(node, ())
    if not isinstance(tree, dict):
        raise _refused(file, "must be a mapping that starts with `schema: 1`")
    document = Document(file=file, tree=tree, lines=builder.lines)
    return replace(document, problems=tuple(document.problem(*item) for item in builder.found))


def _compose(text: str, file: str) -> Any:
    yaml = YAML(typ="rt")
    # An anchor may be set anew; without this, doing so is a warning of Python's on the side.
    yaml.composer.warn_double_anchors = False
    try:
        return yaml.compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # What is never closed is missed behind the last line.
        line = min(line, len(text.splitlines()))
        raise _refused(file, f"is not YAML: {error.problem or error.context}", line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refused(file, "is not text: it holds a control character", line) from None
    except YAMLError as error:
        raise _refused(file, f"is not YAML: {error}") from None
    except RecursionError:
        raise _refused(file, _TOO_DEEP) from None


def _refused(file: str | Path, message: str, line: int = 1) -> SystemFileError:
    return SystemFileError([Problem(file=str(file), line=line, key="", value="", message=message)])


@dataclass(kw_only=True)
class _Builder:
    file: str
    lines: dict[Place, int] = field(default_factory=dict)
    found: list[tuple[Place, str]] = field(default_factory=list)
    open: set[int] = field(default_factory=set)
    parts: int = 0

    def build(self, node: Node, place: Place) -> Tree:
        line = node.start_mark.line + 1
        self.lines.setdefault(place, line)
        self.parts += 1
        if self.parts > _MOST_PARTS:
            raise _refused(self.file, f"has more than {_MOST_PARTS} parts: write fewer aliases (*name)", line)
        if isinstance(node, ScalarNode):
            return None if node.tag == "tag:yaml.org,2002:null" else _text(node)
        if len(place) > _DEEPEST:
            raise _refused(self.file, _TOO_DEEP, line)
        if id(node) in self.open:
            raise _refused(self.file, "an alias (*name) stands inside of what it repeats", line)
        self.open.add(id(node))
        tree = self._mapping(node, place) if isinstance(node, MappingNode) else self._list(node, place)
        self.open.remove(id(node))
        return tree

    def _list(self, node: Node, place: Place) -> list[Tree]:
        return [self.build(item, (*place, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Tree]:
        tree: dict[str, Tree] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = str(key.value) if isinstance(key, ScalarNode) else ""
            if not name:
                self.found.append((place, f"a key on line {line} is not a plain word"))
            elif name in tree:
                self._twice((*place, name), line)
            else:
                # A mapping is found by its key; a single value by itself, for it may start on a later line.
                self.lines[*place, name] = value.start_mark.line + 1 if isinstance(value, ScalarNode) else line
                tree[name] = self.build(value, (*place, name))
        return tree

    def _twice(self, place: Place, line: int) -> None:
        self.found.append((place, f"the key is given twice, on lines {self.lines[place]} and {line}: remove one"))
