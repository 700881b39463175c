"""Codes: how values become the symbols that cross a die boundary.

A code is a small frozen object. It says what its symbols look like on the wire,
turns currents into symbols and symbols back into currents; the parameters
(threshold, leak) are handed in. Codes compose: `SigmaDelta(Graded(2))`, `Burst(Graded(2), 8)`.
"""

from axonal.spiking.codes.code import Code, OneStep
from axonal.spiking.codes.dense import BitPlane, Bottleneck, Categorical, Float, Integer
from axonal.spiking.codes.graded import Graded, ternary
from axonal.spiking.codes.sparse import Burst, TopK
from axonal.spiking.codes.spikes import FewSpikes, Latency, Rate
from axonal.spiking.codes.streams import SigmaDelta

__all__ = [
    "BitPlane",
    "Bottleneck",
    "Burst",
    "Categorical",
    "Code",
    "FewSpikes",
    "Float",
    "Graded",
    "Integer",
    "Latency",
    "OneStep",
    "Rate",
    "SigmaDelta",
    "TopK",
    "ternary",
]
