"""The one way in which the network simulator compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

__all__ = ["compiled", "inlined"]

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function in machine code, made at its first call and kept on disk; no wrap-around of negative indices."""
    made: Callable[P, R] = numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False, _nrt=False)(function)
    return made


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a part of another compiled function.

    It becomes a part of its caller's code: called, it would be handed copies of some sixty arrays' descriptions.
    """
    made: Callable[P, R] = numba.njit(nogil=True, error_model="numpy", boundscheck=False, _nrt=False, forceinline=True)(function)
    return made
