"""The seam `Codec`: how the 32-bit floats of a tensor become a frame, and come back."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = ["Codec", "Floats"]

Floats = npt.NDArray[np.float32]
"""A tensor as a process holds it, `(rows, channels)`, contiguous."""


@runtime_checkable
class Codec(Protocol):
    """How a tensor of a process crosses; both ends know shape, levels and sign, the frame says the rest."""

    @property
    def name(self) -> str:
        """Stable name."""
        ...

    @property
    def number(self) -> int:
        """What stands for it in the header of a message, 1 to 255."""
        ...

    @property
    def exact(self) -> bool:
        """Whether the receiver gets every value as it was."""
        ...

    def capacity_bytes(self, elements: int) -> int:
        """Longest frame of so many elements, in bytes."""
        ...

    def encode(self, values: Floats) -> bytes:
        """The frame of a tensor, envelope included.

        Args:
            values: `(rows, channels)`; whole numbers where the codec carries symbols.

        Raises:
            ValueError: A value is none that the codec carries, or a frame cannot carry so many.
        """
        ...

    def decode(self, frame: bytes | memoryview, out: Floats) -> None:
        """Fill a tensor from its frame.

        Raises:
            CorruptFrame: `encode` cannot have made these bytes from such a tensor; `out` is undefined then.
        """
        ...
