"""The arrays that codecs take and fill, checked and flat."""

from __future__ import annotations

from typing import cast

import numpy as np

from axonal.wire.codec import Floats
from axonal.wire.frame import check_elements

__all__ = ["flat_floats", "flat_target"]


def flat_floats(values: Floats, channels: int = 0) -> Floats:
    """The floats of a tensor in C order.

    Args:
        values: `(rows, channels)`.
        channels: How many there must be; 0 where any number may.

    Raises:
        TypeError: They are no 32-bit floats.
        ValueError: The shape is another one, or a frame cannot carry so many.
    """
    _check(values, channels)
    check_elements(values.size)
    flat = np.ascontiguousarray(values).reshape(-1).view()
    # Compiled code has a version for read-only memory and one for the other: it always gets the first.
    flat.flags.writeable = False
    return flat


def flat_target(out: Floats, channels: int = 0) -> Floats:
    """The memory of a tensor that is to be filled; errors as for `flat_floats`, and where it is not contiguous."""
    _check(out, channels)
    check_elements(out.size)
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError("out must be contiguous and writeable: fill a new array and copy it")
    return out.reshape(-1)


def _check(values: Floats, channels: int) -> None:
    if cast("np.dtype[np.generic]", values.dtype) != np.float32:
        raise TypeError(f"tensor holds {values.dtype}, must hold float32: convert it")
    if values.ndim != 2:
        raise ValueError(f"tensor has the shape {values.shape}, must have (rows, channels): reshape it")
    if channels and values.shape[1] != channels:
        raise ValueError(f"tensor has {values.shape[1]} channels, must have {channels}: make a codec for its shape")
