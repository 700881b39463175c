"""Spiking neurons, codes, boundaries between dies and the objective that keeps them quiet."""

from axonal.kernels import ATan, Noise, StraightThrough, Surrogate, Triangle
from axonal.spiking.boundary import Boundary, Decoder, Encoder, Receiving, Sending
from axonal.spiking.codes import (
    BitPlane,
    Bottleneck,
    Burst,
    Categorical,
    Code,
    FewSpikes,
    Float,
    Graded,
    Integer,
    Latency,
    Rate,
    SigmaDelta,
    TopK,
    ternary,
)
from axonal.spiking.insertion import boundaries_of, calibrate, choose, evaluating, exported, insert_boundaries
from axonal.spiking.neurons import IF, LIF, lif_step
from axonal.spiking.priors import Counted, Density, Prior, arranged, span
from axonal.spiking.traffic import Sent, TrafficObjective, expected_bits, observed

__all__ = [
    "IF",
    "LIF",
    "ATan",
    "BitPlane",
    "Bottleneck",
    "Boundary",
    "Burst",
    "Categorical",
    "Code",
    "Counted",
    "Decoder",
    "Density",
    "Encoder",
    "FewSpikes",
    "Float",
    "Graded",
    "Integer",
    "Latency",
    "Noise",
    "Prior",
    "Rate",
    "Receiving",
    "Sending",
    "Sent",
    "SigmaDelta",
    "StraightThrough",
    "Surrogate",
    "TopK",
    "TrafficObjective",
    "Triangle",
    "arranged",
    "boundaries_of",
    "calibrate",
    "choose",
    "evaluating",
    "expected_bits",
    "exported",
    "insert_boundaries",
    "lif_step",
    "observed",
    "span",
    "ternary",
]
