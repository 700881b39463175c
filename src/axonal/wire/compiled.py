"""The one way in which the wire compiles its loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba

__all__ = ["compiled"]

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function in machine code, made at its first call and kept on disk."""
    made: Callable[P, R] = numba.njit(cache=True, **_OPTIONS)(function)
    return made
