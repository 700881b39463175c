"""From templates to pages, and from drawings to pictures that stand alone."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from axonal.views.svg import Svg

__all__ = ["rendered", "standalone"]


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
    """A drawing as a file of its own: with its name space and the colours of both a light and a dark page."""
    style = files("axonal.views").joinpath("templates", "drawing.css").read_text(encoding="utf-8")
    style += "svg { background: var(--paper); font-family: system-ui, Roboto, 'Liberation Sans', Arial, sans-serif; }\n"
    head, _, rest = picture.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>\n{style}</style>{rest}\n'
