"""A mistake in what a user wrote: where it stands and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Problem", "SystemFileError", "did_you_mean", "nearest"]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake of a system file or of an override.

    Args:
        file: The file as it was named, or `--set` for an override.
        line: Line in the file, from 1; for an override, which one it is, from 1.
        key: Dotted path of the key, items of a list by their position from 0; empty for the file as a whole.
        value: What is written there, empty where nothing is.
        message: What would be right.
    """

    file: str
    line: int
    key: str
    value: str
    message: str

    def __str__(self) -> str:
        place = [self.key] if self.key else []
        place += [f"= {self.value!r}"] if self.value else []
        return ": ".join([f"{self.file}:{self.line}", *([" ".join(place)] if place else []), self.message])


class SystemFileError(ValueError):
    """A system that cannot be loaded; the message lists every mistake, one a line.

    Attributes:
        problems: The mistakes.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(wrong: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, if there is one.

    Example:
        >>> nearest("bandwith", ["latency", "bandwidth"])
        'bandwidth'
    """
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(name.casefold(), name)
    near = get_close_matches(wrong.casefold(), known, n=1)
    return known[near[0]] if near else None


def did_you_mean(wrong: str, names: Iterable[str]) -> str:
    """A near name as the tail of a message, or nothing.

    Example:
        >>> did_you_mean("bandwith", ["latency", "bandwidth"])
        ": did you mean 'bandwidth'?"
    """
    near = nearest(wrong, names)
    return f": did you mean {near!r}?" if near else ""
