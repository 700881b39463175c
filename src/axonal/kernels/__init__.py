"""Operators that a tracer can find and that carry their own gradients, each beside a plain reference."""

from axonal.kernels.neuron import fire, fire_reference, quantize
from axonal.kernels.surrogate import ATan, Noise, StraightThrough, Surrogate, Triangle

__all__ = ["ATan", "Noise", "StraightThrough", "Surrogate", "Triangle", "fire", "fire_reference", "quantize"]
