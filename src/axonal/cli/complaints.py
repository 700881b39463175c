"""Every failure of a verb: one line on standard error and an exit status."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import typer
from rich.console import Console
from rich.markup import escape

__all__ = ["complaining"]

BAD_INPUT, DOES_NOT_FIT, FAULT, INTERRUPTED = 2, 3, 4, 130

P = ParamSpec("P")


def complaining(verb: Callable[P, None]) -> Callable[P, None]:
    """The verb, which ends in one line and a non-zero exit status where it would have ended in a traceback.

    2 bad input, 3 does not fit, 4 run-time fault, 130 interrupted.
    """

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except (typer.Exit, BrokenPipeError):
            raise
        except KeyboardInterrupt as stop:
            _complain(str(stop) or "stopped: what was trained is kept; run the same command again to go on from there")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            _complain(_words(error))
            raise typer.Exit(_severity(error)) from None

    return run


def _complain(text: str) -> None:
    Console(stderr=True, soft_wrap=True, emoji=False).print(f"[bold red]error:[/] {escape(text)}", highlight=False)


def _severity(error: Exception) -> int:
    from axonal.mapping import Infeasible  # noqa: PLC0415 - keeps `--help` fast

    if isinstance(error, Infeasible):
        return DOES_NOT_FIT
    bad_input = ValueError | FileNotFoundError | FileExistsError | NotADirectoryError | IsADirectoryError
    return BAD_INPUT if isinstance(error, bad_input) else FAULT


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    if isinstance(error, ValueError | OSError):
        return str(error) or type(error).__name__
    reason = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return f"out of memory ({reason}): close other programs" if reason else "out of memory: close other programs"
    from axonal.runtime.errors import RuntimeFault  # noqa: PLC0415 - keeps `--help` fast

    if isinstance(error, RuntimeFault):
        return f"{type(error).__name__}: {error}"
    return f"unexpected {type(error).__name__}: {reason} ({_place(error)}): please report this line"


def _place(error: Exception) -> str:
    """Where it was raised, so that a report without a traceback still says where to look."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"
