"""A number as it is shown, tied to the place of the result that it is from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from axonal.views.numbers import DASH, exact, is_number, significant
from axonal.views.variants import lookup

__all__ = ["Cell", "Number", "derived", "number"]


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number as it is shown, and where it is from.

    Args:
        text: What people read.
        title: The exact value with its unit.
        key: Dotted path in the result; empty for a number that was derived here.
        value: The number as JSON writes it; empty for a derived one.
    """

    text: str
    title: str
    key: str = ""
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: a number, perhaps with a spread, or nothing at all."""

    main: Number | None = None
    spread: Number | None = None
    best: bool = False

    @property
    def text(self) -> str:
        """The cell without its spread as plain text."""
        return self.main.text if self.main else DASH


def number(
    result: Mapping[str, Any],
    key: str,
    words: Callable[[float], str] = significant,
    title: Callable[[float], str] = exact,
) -> Number | None:
    """The number at a dotted path of the result in the given words; `None` where there is none."""
    value = lookup(result, key)
    if not is_number(value):
        return None
    return Number(text=words(value), title=title(value), key=key, value=exact(value))


def derived(
    result: Mapping[str, Any], keys: tuple[str, str], sign: str, words: Callable[[float], str]
) -> Number | None:
    """Difference (`-`) or quotient (`/`) of two numbers of the result; `None` where it does not exist."""
    first, second = (lookup(result, key) for key in keys)
    if not (is_number(first) and is_number(second)) or (sign == "/" and not second):
        return None
    value = first / second if sign == "/" else first - second
    return Number(text=words(value), title=f"{exact(first)} {sign} {exact(second)}")
