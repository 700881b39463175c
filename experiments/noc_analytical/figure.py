"""The errors of all systems as a drawing."""

from __future__ import annotations

from typing import Any

from axonal.views.axes import Frame, Linear, Logarithmic, horizontal_axis, vertical_axis
from axonal.views.rendering import standalone
from axonal.views.svg import drawing, group, label, line, path

__all__ = ["errors"]

NAMES = ("30 % of saturation", "60 %", "80 %")
BARS_PERCENT = (1.5, 5.0, 10.0)


def errors(rows: list[dict[str, Any]]) -> str:
    """Share of the systems whose latency is predicted within an error, one curve for each load."""
    size = (720.0, 400.0)
    frame = Frame(left=46, top=28, right=size[0] - 130, bottom=size[1] - 46)
    across = Logarithmic(low=0.03, high=100, start=frame.left, end=frame.right)
    up = Linear(low=0, high=1, start=frame.bottom, end=frame.top)
    curves = []
    for place, name in enumerate(NAMES):
        sizes = sorted(max(abs(row["points"][place]["error"]) * 100, 0.03) for row in rows)
        points = [(across(value), up((rank + 1) / len(sizes))) for rank, value in enumerate(sizes)]
        mean = sum(sizes) / len(sizes)
        at = frame.top + 40 + 34 * place
        curves.append(
            group(
                path([(frame.left, frame.bottom), *points, (frame.right, up(1))], "mean-line"),
                line((across(mean), frame.bottom), (across(mean), frame.bottom - 10), "whisker"),
                label((frame.right + 8, at), name, "ink"),
                label((frame.right + 8, at + 14), f"mean {mean:.2f}, aim {BARS_PERCENT[place]:g}", "tick"),
                class_=f"v{place}",
            )
        )
    return standalone(
        drawing(
            size,
            "Share of systems whose packet latency is predicted within an error",
            vertical_axis(frame, up, up.ticks(5), lambda value: f"{value:.0%}"),
            horizontal_axis(frame, across, across.ticks(8), lambda value: f"{value:g}"),
            label((0, 14), f"Share of {len(rows)} random systems with an error of at most", "axis-title"),
            label(
                (frame.right, frame.bottom + 36),
                "|predicted / simulated - 1| of packet latency, %",
                "axis-title",
                "end",
            ),
            *curves,
        )
    )
