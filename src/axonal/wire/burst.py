"""The packet format of events that come in bursts: silent groups cost a bit, the others are sent whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from axonal.wire.alphabet import Numbers, Symbols, flat_symbols
from axonal.wire.fields import Codes, check_end, join, read
from axonal.wire.frame import HEADER_BITS, MAX_ELEMENTS, CorruptFrame, Kind, check_size, open_frame, seal

__all__ = ["Burst"]


@dataclass(frozen=True, kw_only=True)
class Burst:
    """One presence bit for each group of elements, then every element of each group that is not silent.

    Elements of a group are sent at a fixed width, zeros included. The last group may be short.

    Args:
        group: Consecutive elements of a group.
        value_bits: Bits of an element, 1 to 32, zero being one of its codes.
        signed: Whether elements are in two's complement.

    Example:
        >>> fmt = Burst(group=4, value_bits=2)
        >>> symbols = np.array([0, 0, 0, 0, 1, 3, 0, 2, 0, 0, 0, 0])
        >>> fmt.exact_bits(symbols), round(fmt.bits(elements=12, events=3), 2)
        (75.0, 83.41)
    """

    group: int
    value_bits: int = 1
    signed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.group <= MAX_ELEMENTS:
            raise ValueError(f"group is {self.group}, must be 1 to {MAX_ELEMENTS}: split the tensor")
        if not 1 <= self.value_bits <= 32:
            raise ValueError(f"value_bits is {self.value_bits}, must be 1 to 32: quantise the elements")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the format is, for people."""
        return f"bursts in groups of {self.group} + {self.value_bits}-bit values"

    @cached_property
    def alphabet(self) -> Numbers:
        """The symbols that it can carry."""
        return Numbers(width=self.value_bits, signed=self.signed)

    def bits(self, elements: int, events: float) -> float:
        """Expected size of a frame in bits whose elements are events independently of each other.

        E = header + G + value_bits sum_g n_g (1 - (1 - p)**n_g), p = events / elements, for G groups of n_g elements.
        Unlike the other formats it is not linear but concave in `events`: a mean number of events bounds the mean
        size of such frames from above, and events that come together need fewer bits. See `exact_bits`.

        Raises:
            ValueError: A frame cannot carry so many elements, or there are more events than elements.
        """
        check_size(elements, events)
        if elements == 0:
            return float(HEADER_BITS)
        whole, rest = divmod(elements, self.group)
        silent = 1 - events / elements
        present = whole * self.group * (1 - silent**self.group) + rest * (1 - silent**rest)
        return HEADER_BITS + self._groups(elements) + present * self.value_bits

    def exact_bits(self, symbols: npt.NDArray[Any]) -> float:
        """Size of the frame of a tensor in bits, header included, before it is padded to a byte.

        Raises:
            TypeError: The array does not hold integers.
            ValueError: The format cannot carry a value, or a frame so many elements.
        """
        flat = self._flat(symbols)
        sent = int(self._sizes(flat.size)[self._present(flat)].sum())
        return float(HEADER_BITS + self._groups(flat.size) + sent * self.value_bits)

    def pack(self, symbols: npt.NDArray[Any]) -> bytes:
        """The frame of a tensor; see `Packer.pack`."""
        flat = self._flat(symbols)
        present = self._present(flat)
        sent = flat[np.repeat(present, self._sizes(flat.size))]
        sections: list[tuple[Codes, int]] = [
            (present.view(np.uint8), 1),
            (self.alphabet.encode(sent), self.value_bits),
        ]
        return seal(Kind.BURST, flat.size, join(sections))

    def unpack(self, frame: bytes, elements: int) -> Symbols:
        """The symbols of a frame; see `Packer.unpack`."""
        payload = open_frame(frame, Kind.BURST, elements)
        groups = self._groups(elements)
        present = read(payload, 0, groups, 1).view(np.bool_)
        sizes = self._sizes(elements)
        sent = int(sizes[present].sum())
        check_end(payload, groups + sent * self.value_bits)
        symbols = np.zeros(elements, dtype=np.int32)
        symbols[np.repeat(present, sizes)] = self.alphabet.decode(read(payload, groups, sent, self.value_bits))
        silent = np.flatnonzero(present & ~self._present(symbols))
        if silent.size:
            raise CorruptFrame(f"group {silent[0]} is declared present, holds only zeros")
        return symbols

    def _flat(self, symbols: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return flat_symbols(symbols, self.alphabet, "clip the values or raise value_bits")

    def _groups(self, elements: int) -> int:
        return -(-elements // self.group)

    def _sizes(self, elements: int) -> npt.NDArray[np.int64]:
        """Elements of each group, `(groups,)`."""
        return np.minimum(self.group, elements - self.group * np.arange(self._groups(elements)))

    def _present(self, flat: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Whether each group has an event, `(groups,)`."""
        starts = self.group * np.arange(self._groups(flat.size))
        return np.logical_or.reduceat(flat != 0, starts) if starts.size else np.zeros(0, dtype=np.bool_)
