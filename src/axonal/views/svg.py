"""Scalable drawings as text: elements, labels, markers. Everything that is not already a drawing is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

__all__ = [
    "Figure",
    "Svg",
    "boxes",
    "drawing",
    "element",
    "group",
    "hatched",
    "label",
    "line",
    "marker",
    "path",
    "rectangle",
    "spread",
    "text_width",
]

Anchor = Literal["start", "middle", "end"]


class Svg(str):
    """Markup that was built here and is safe to put in a page as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """The markup itself: what keeps a template from escaping it again."""
        return str(self)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One picture drawn twice, so that its letters keep their size on a desk and on a phone."""

    wide: Svg
    narrow: Svg


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"{value:.2f}".rstrip("0").rstrip(".")


def element(name: str, *children: str, **attributes: str | float) -> Svg:
    """One element; a trailing underscore of an attribute is dropped, an inner one becomes a hyphen.

    Example:
        >>> element("text", "a < b", class_="note", stroke_width=1.5)
        '<text class="note" stroke-width="1.5">a &lt; b</text>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items() if value != ""
    )
    inside = "".join(child if isinstance(child, Svg) else escape(child) for child in children)
    return Svg(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")


def group(*children: Svg, **attributes: str | float) -> Svg:
    """Elements that belong together."""
    return element("g", *children, **attributes)


def hint(content: str) -> tuple[Svg, ...]:
    """The title that a pointer shows over an element; nothing for an empty one."""
    return (element("title", content),) if content else ()


def drawing(size: tuple[float, float], description: str, *children: Svg, css: str = "") -> Svg:
    """A whole drawing of some width and height in pixels, described for those who cannot see it."""
    width, height = size
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        width=width,
        height=height,
        class_=f"drawing {css}".strip(),
        role="img",
        aria_label=description,
    )


def label(at: tuple[float, float], content: str, css: str = "", anchor: Anchor = "start") -> Svg:
    """Text on the baseline of a point."""
    return element("text", content, x=at[0], y=at[1], class_=css, text_anchor="" if anchor == "start" else anchor)


def line(
    start: tuple[float, float], end: tuple[float, float], css: str, title: str = "", width: float | str = ""
) -> Svg:
    """A straight stroke."""
    return element("line", *hint(title), x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=css, stroke_width=width)


def path(points: Sequence[tuple[float, float]], css: str, title: str = "", width: float | str = "") -> Svg:
    """A stroke through points."""
    steps = "L".join(f"{_value(x)} {_value(y)}" for x, y in points)
    return element("path", *hint(title), d=f"M{steps}", class_=css, stroke_width=width)


def rectangle(at: tuple[float, float], size: tuple[float, float], css: str, title: str = "", radius: float = 0) -> Svg:
    """A box from its upper left corner."""
    return element(
        "rect",
        *hint(title),
        x=at[0],
        y=at[1],
        width=max(size[0], 0),
        height=max(size[1], 0),
        rx=radius or "",
        class_=css,
    )


def hatched(at: tuple[float, float], size: tuple[float, float], title: str = "", pitch: float = 4) -> Svg:
    """A pale box with slanting strokes: drawn one by one, because a pattern would have to be referred to."""
    (left, top), (width, height) = at, size
    strokes = []
    offset = pitch / 2
    while offset < width + height:
        # The stroke from the upper edge at `offset` down to the left, cut off at both sides of the box.
        above, below = max(offset - width, 0.0), min(offset, height)
        ends = [f"{_value(left + offset - down)} {_value(top + down)}" for down in (above, below)]
        strokes.append("M" + "L".join(ends))
        offset += pitch
    lines = element("path", d="".join(strokes), class_="hatch")
    return group(*hint(title), rectangle(at, size, "wait"), *([lines] if strokes else []))


def boxes(spans: Sequence[tuple[float, float]], rows: tuple[float, float], css: str, title: str = "") -> Svg:
    """Boxes of one height, from left to right, as one path; those that touch become one.

    Args:
        spans: Left and right of each, ascending.
        rows: Top and height.
        css: Class of the path.
        title: What a pointer shows.
    """
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1] + 0.01:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    top, height = _value(rows[0]), _value(rows[1])
    steps = "".join(f"M{_value(start)} {top}h{_value(end - start)}v{height}H{_value(start)}z" for start, end in joined)
    return element("path", *hint(title), d=steps, class_=css)


def marker(kind: str, at: tuple[float, float], radius: float, css: str, title: str = "") -> Svg:
    """A point of a shape that can be told from the others without colour."""
    x, y = at
    if kind == "circle":
        return element("circle", *hint(title), cx=x, cy=y, r=radius, class_=css)
    corners = {
        "square": [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
        "diamond": [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
        "triangle": [(0, -1.2), (1.1, 0.85), (-1.1, 0.85)],
        "wedge": [(0, 1.2), (1.1, -0.85), (-1.1, -0.85)],
    }[kind]
    points = " ".join(f"{_value(x + radius * dx)},{_value(y + radius * dy)}" for dx, dy in corners)
    return element("polygon", *hint(title), points=points, class_=css)


def text_width(content: str, size: float = 12) -> float:
    """Width in pixels that a text needs at most in the usual system fonts (an estimate on the safe side)."""
    narrow = sum(character in "il.,:;|!'()[] ·j" for character in content)
    return size * (0.62 * (len(content) - narrow) + 0.36 * narrow)


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions moved as little as needed so that neighbours keep a distance and stay within bounds.

    Example:
        >>> spread([10, 11, 40], gap=8, low=0, high=50)
        [6.5, 14.5, 40.0]
    """
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    blocks: list[tuple[float, list[int]]] = []
    for index in order:
        centre, members = min(max(positions[index], low), high), [index]
        while blocks and blocks[-1][0] + gap * (len(blocks[-1][1]) + len(members)) / 2 > centre:
            _, before = blocks.pop()
            members = before + members
            half = gap * (len(members) - 1) / 2
            centre = sum(positions[member] for member in members) / len(members)
            centre = min(max(centre, low + half), high - half)
        blocks.append((centre, members))
    placed = [0.0] * len(positions)
    for centre, members in blocks:
        for rank, member in enumerate(members):
            placed[member] = centre + gap * (rank - (len(members) - 1) / 2)
    return placed
