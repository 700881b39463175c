"""Predict what a placed workload costs: `simulate`, with an engine behind it."""

from axonal.simulation.analytical import Analytical
from axonal.simulation.engine import Engine, simulate

__all__ = ["Analytical", "Engine", "simulate"]
