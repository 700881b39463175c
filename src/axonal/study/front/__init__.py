"""The front of boundary codes: one dense network, many ways across the cut, quality against real bits."""

from axonal.study.front.dominance import bits_at, front, summary
from axonal.study.front.families import FAMILIES, Family
from axonal.study.front.request import FrontRequest
from axonal.study.front.results import merged, read_points, write_points
from axonal.study.front.running import pareto

__all__ = [
    "FAMILIES",
    "Family",
    "FrontRequest",
    "bits_at",
    "front",
    "merged",
    "pareto",
    "read_points",
    "summary",
    "write_points",
]
