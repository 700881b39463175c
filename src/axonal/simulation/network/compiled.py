"""The one way in which the network simulator compiles."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np

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
    made: Callable[P, R] = numba.njit(forceinline=True, **_OPTIONS)(_unsigned(function))
    return made


class _Unsigned(ast.NodeTransformer):
    """Makes each index an unsigned number."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.slice, ast.Tuple):
            node.slice.elts = [self._cast(item) for item in node.slice.elts]
        else:
            node.slice = self._cast(node.slice)
        return node

    @staticmethod
    def _cast(index: ast.expr) -> ast.expr:
        if isinstance(index, ast.Slice | ast.Constant):
            return index
        return ast.Call(func=ast.Name(id="_uintp", ctx=ast.Load()), args=[index], keywords=[])


def _unsigned(function: Callable[P, R]) -> Callable[P, R]:
    """The function with unsigned indices; as it is where its source is not at hand.

    Python counts negative indices from the end, so numba looks at the sign of every index, and at the length of the
    array. Ours are never negative: without these looks the engine is faster by a third.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except OSError:
        return function
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list, definition.returns = [], None
    for argument in definition.args.args:
        argument.annotation = None
    _Unsigned().visit(definition)
    ast.increment_lineno(ast.fix_missing_locations(tree), function.__code__.co_firstlineno - 1)
    code = compile(tree, function.__code__.co_filename, "exec")
    names = function.__globals__
    names["_uintp"] = np.uintp
    found: dict[str, Any] = {}
    exec(code, names, found)  # noqa: S102 - our own source, changed in its indices only
    made: Callable[P, R] = found[definition.name]
    return made
