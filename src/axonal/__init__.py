"""Dense computation inside each die, learnable sparse spikes between dies.

The doors are imported lazily (PEP 562), so that `import axonal.simulation`
stays free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from axonal.mapping import partition, place
    from axonal.report import Report
    from axonal.runtime import run
    from axonal.simulation import simulate
    from axonal.study import compare
    from axonal.tracing import trace
    from axonal.training import train
    from axonal.workload import Layer, Traffic, Workload

__version__ = "0.1.0"

_DOORS = {
    "Layer": "axonal.workload",
    "Report": "axonal.report",
    "Traffic": "axonal.workload",
    "Workload": "axonal.workload",
    "compare": "axonal.study",
    "partition": "axonal.mapping",
    "place": "axonal.mapping",
    "run": "axonal.runtime",
    "simulate": "axonal.simulation",
    "trace": "axonal.tracing",
    "train": "axonal.training",
}

__all__ = [
    "Layer",
    "Report",
    "Traffic",
    "Workload",
    "compare",
    "partition",
    "place",
    "run",
    "simulate",
    "trace",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _DOORS:
        raise AttributeError(f"module 'axonal' has no attribute {name!r}")
    return getattr(import_module(_DOORS[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
