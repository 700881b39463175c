"""Predict what a placed workload costs: `simulate`, with an engine behind it."""

from axonal.simulation.analytical import Analytical
from axonal.simulation.cycle import CycleLevel
from axonal.simulation.engine import Engine, HandOver, simulate
from axonal.simulation.network.package import Unsupported

__all__ = ["Analytical", "CycleLevel", "Engine", "HandOver", "Unsupported", "simulate"]
