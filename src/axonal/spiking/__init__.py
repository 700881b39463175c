"""Spiking neurons, codes, boundaries between dies and the objective that keeps them quiet."""

from axonal.kernels import ATan, StraightThrough, Surrogate, Triangle
from axonal.spiking.boundary import Boundary, Decoder, Encoder
from axonal.spiking.codes import Code, Graded, Integer, Rate
from axonal.spiking.insertion import boundaries_of, calibrate, evaluating, exported, insert_boundaries
from axonal.spiking.neurons import IF, LIF, lif_step
from axonal.spiking.traffic import Sent, TrafficObjective, expected_bits, observed

__all__ = [
    "IF",
    "LIF",
    "ATan",
    "Boundary",
    "Code",
    "Decoder",
    "Encoder",
    "Graded",
    "Integer",
    "Rate",
    "Sent",
    "StraightThrough",
    "Surrogate",
    "TrafficObjective",
    "Triangle",
    "boundaries_of",
    "calibrate",
    "evaluating",
    "expected_bits",
    "exported",
    "insert_boundaries",
    "lif_step",
    "observed",
]
