"""The one way in which the network simulator compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba

__all__ = ["compiled", "inlined"]

P = ParamSpec("P")
R = TypeVar("R")


_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "_nrt": False}
"""Without numba's run-time (`_nrt`), which code that makes no arrays does not need: it would count a reference each
time that one of the arrays is looked at, and take thirty times as long."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function in machine code, made at its first call and kept on disk."""
    made: Callable[P, R] = numba.njit(cache=True, **_OPTIONS)(function)
    return made


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a part of another compiled function.

    It becomes a part of its caller's code: called, it would be handed copies of some sixty arrays' descriptions.
    """
    made: Callable[P, R] = numba.njit(forceinline=True, **_OPTIONS)(function)
    return made
