"""Sphinx settings of the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import axonal

project = "Axonal"
author = "the Axonal authors"
copyright = "the Axonal authors, Apache-2.0"
release = version = axonal.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Axonal {release}"

myst_heading_anchors = 3

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
python_maximum_signature_line_length = 80

_LITERAL = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SPECIAL = re.compile(r"([|*\\])")


def setup(app: Any) -> None:
    """Read docstrings, which use Markdown's back ticks and plain formulas, before Napoleon does."""
    app.connect("autodoc-process-docstring", _plain, priority=400)


def _plain(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    del app, what, name, obj, options
    lines[:] = [line if line.lstrip().startswith(">>>") else "".join(_escaped(line)) for line in lines]


def _escaped(line: str) -> Iterator[str]:
    """Single back ticks become literals; outside of them nothing is markup."""
    parts: Sequence[str] = _LITERAL.split(line)
    for index, part in enumerate(parts):
        yield f"``{part}``" if index % 2 else _SPECIAL.sub(r"\\\1", part)
