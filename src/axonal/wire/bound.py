"""The least number of bits that a lossless code of independent symbols can take."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["entropy_bound_bits"]


def entropy_bound_bits(values: npt.NDArray[Any]) -> float:
    """The entropy of a tensor whose channels each have a distribution of their own, in bits.

    H = sum over channels and symbols of n log2(N / n), n being how often a symbol comes in the N rows. No code that
    takes symbols to be independent gets below it, and each has to say the distributions beside.

    Args:
        values: Whole numbers, `(rows, channels)`.

    Raises:
        ValueError: The array has another number of dimensions.
    """
    if values.ndim != 2:
        raise ValueError(f"tensor has the shape {values.shape}, must have (rows, channels): reshape it")
    rows = len(values)
    total_bits = 0.0
    for symbol in np.unique(values):
        counts = np.count_nonzero(values == symbol, axis=0)
        counts = counts[counts > 0]
        total_bits += float(counts @ np.log2(rows / counts))
    return total_bits
