"""From templates to pages, and from drawings to pictures that stand alone."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from axonal.views.svg import Svg

__all__ = ["rendered", "standalone"]

MARGIN = 12
VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)" width="[\d.]+" height="[\d.]+"')
"""Size of a drawing, as `axonal.views.svg` writes it."""


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("axonal.views"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def rendered(template: str, **values: Any) -> str:
    """A page from one of the templates; what it does not know is an error, not a gap."""
    return _environment().get_template(template).render(**values)


def standalone(picture: Svg) -> str:
    """A drawing as a file of its own: with a margin, its name space, and the colours of a light and a dark page."""
    style = files("axonal.views").joinpath("templates", "drawing.css").read_text(encoding="utf-8")
    style += "svg { background: var(--paper); font-family: system-ui, Roboto, 'Liberation Sans', Arial, sans-serif; }\n"
    head, _, rest = picture.partition(">")
    head = VIEW.sub(_with_margin, head, count=1)
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>\n{style}</style>{rest}\n'


def _with_margin(found: re.Match[str]) -> str:
    width, height = (f"{float(side) + 2 * MARGIN:g}" for side in found.groups())
    return f'viewBox="{-MARGIN} {-MARGIN} {width} {height}" width="{width}" height="{height}"'
