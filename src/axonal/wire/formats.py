"""The packet formats: `Dense`, `Bitmap` and `AddressEvent`, and the seams `Packer` and `Format` that they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from axonal.wire.alphabet import Levels, Numbers, Symbols, flat_symbols
from axonal.wire.fields import Codes, check_end, container, join, read
from axonal.wire.frame import HEADER_BITS, MAX_ELEMENTS, CorruptFrame, Kind, check_size, open_frame, seal

__all__ = ["AddressEvent", "Bitmap", "Dense", "Format", "Packer", "pack", "unpack"]


@runtime_checkable
class Packer(Protocol):
    """How a tensor of integers becomes bytes and is read again; values that compare equal pack equal bytes."""

    @property
    def name(self) -> str:
        """What the format is, for people."""
        ...

    def pack(self, symbols: npt.NDArray[Any]) -> bytes:
        """The frame of a tensor.

        Args:
            symbols: Integers of any shape, taken in C order.

        Raises:
            TypeError: The array does not hold integers.
            ValueError: The format cannot carry a value, or a frame so many elements.
        """
        ...

    def unpack(self, frame: bytes, elements: int) -> Symbols:
        """The symbols of a frame, flat, `(elements,)`.

        Args:
            frame: The bytes that `pack` made.
            elements: Elements of the tensor, which the receiver knows beforehand.

        Raises:
            CorruptFrame: `pack` cannot have made these bytes from so many elements.
            ValueError: `elements` is more than a frame can carry.
        """
        ...


@runtime_checkable
class Format(Packer, Protocol):
    """A packer whose size follows from the number of events alone."""

    def bits(self, elements: int, events: float) -> float:
        """Size of a frame in bits, header included, before it is padded to a byte.

        Linear in `events`, so that the mean number of events gives the mean size; only `Burst`, which asks where the
        events are, says what is expected of independent ones.

        Args:
            elements: Elements of the tensor.
            events: Non-zero elements, or their mean.

        Raises:
            ValueError: A frame cannot carry so many elements, or there are more events than elements.
        """
        ...


def pack(fmt: Packer, symbols: npt.NDArray[Any]) -> bytes:
    """The frame of a tensor in a format; see `Packer.pack`."""
    return fmt.pack(symbols)


def unpack(fmt: Packer, frame: bytes, elements: int) -> Symbols:
    """The symbols of a frame in a format, flat; see `Packer.unpack`."""
    return fmt.unpack(frame, elements)


def _with_values(name: str, value_bits: int) -> str:
    return f"{name} + {value_bits}-bit values" if value_bits else name


_EVENT_LEVER = "clip the values or raise value_bits"


@dataclass(frozen=True, kw_only=True)
class Dense:
    """Every element is sent.

    Args:
        element_bits: Bits of an element, 1 to 32.
        signed: Whether elements are in two's complement.
    """

    element_bits: int
    signed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.element_bits <= 32:
            raise ValueError(f"element_bits is {self.element_bits}, must be 1 to 32: quantise the elements")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the format is, for people."""
        return f"dense {self.element_bits} bit"

    @cached_property
    def alphabet(self) -> Numbers:
        """The symbols that it can carry."""
        return Numbers(width=self.element_bits, signed=self.signed)

    def bits(self, elements: int, events: float) -> float:
        """Size of a frame in bits; see `Format.bits`."""
        check_size(elements, events)
        return float(HEADER_BITS + elements * self.element_bits)

    def pack(self, symbols: npt.NDArray[Any]) -> bytes:
        """The frame of a tensor; see `Packer.pack`."""
        flat = flat_symbols(symbols, self.alphabet, "clip the values or raise element_bits")
        return seal(Kind.DENSE, flat.size, join([(self.alphabet.encode(flat), self.element_bits)]))

    def unpack(self, frame: bytes, elements: int) -> Symbols:
        """The symbols of a frame; see `Packer.unpack`."""
        payload = open_frame(frame, Kind.DENSE, elements)
        check_end(payload, elements * self.element_bits)
        return self.alphabet.decode(read(payload, 0, elements, self.element_bits))


@dataclass(frozen=True, kw_only=True)
class Bitmap:
    """One presence bit for each element, then the value of each non-zero one, in order.

    Args:
        value_bits: Bits of a value, 0 to 32; 0 when every non-zero is 1.
        signed: Whether values may be negative.
    """

    value_bits: int = 0
    signed: bool = False

    def __post_init__(self) -> None:
        _ = self.alphabet

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the format is, for people."""
        return _with_values("bitmap", self.value_bits)

    @cached_property
    def alphabet(self) -> Levels:
        """The symbols that it can carry beside zero."""
        return Levels(width=self.value_bits, signed=self.signed)

    def bits(self, elements: int, events: float) -> float:
        """Size of a frame in bits; see `Format.bits`."""
        check_size(elements, events)
        return float(HEADER_BITS + elements + events * self.value_bits)

    def pack(self, symbols: npt.NDArray[Any]) -> bytes:
        """The frame of a tensor; see `Packer.pack`."""
        flat = flat_symbols(symbols, self.alphabet, _EVENT_LEVER)
        present = flat != 0
        sections: list[tuple[Codes, int]] = [(present.view(np.uint8), 1)]
        if self.value_bits:
            values = self.alphabet.encode(flat[np.flatnonzero(present)])
            sections.append((values, self.value_bits))
        return seal(Kind.BITMAP, flat.size, join(sections))

    def unpack(self, frame: bytes, elements: int) -> Symbols:
        """The symbols of a frame; see `Packer.unpack`."""
        payload = open_frame(frame, Kind.BITMAP, elements)
        present = read(payload, 0, elements, 1).view(np.bool_)
        events = int(np.count_nonzero(present))
        check_end(payload, elements + events * self.value_bits)
        symbols = present.astype(np.int32)
        if self.value_bits:
            values = read(payload, elements, events, self.value_bits)
            symbols[np.flatnonzero(present)] = self.alphabet.decode(values)
        return symbols


@dataclass(frozen=True, kw_only=True)
class AddressEvent:
    """Each non-zero element is sent as its address in a group of elements, and its value.

    The payload holds the event counts of all groups, then all addresses, then all
    values: with the counts in front, the receiver knows where everything lies
    without following the groups one by one. The last group may be short.

    Args:
        group: Elements of a group.
        value_bits: Bits of a value, 0 to 32; 0 when every non-zero is 1.
        signed: Whether values may be negative.
    """

    group: int
    value_bits: int = 0
    signed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.group <= MAX_ELEMENTS:
            raise ValueError(f"group is {self.group}, must be 1 to {MAX_ELEMENTS}: split the tensor")
        _ = self.alphabet

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the format is, for people."""
        return _with_values(f"address events in groups of {self.group}", self.value_bits)

    @property
    def count_bits(self) -> int:
        """Bits that say how many events a group has: ceil(log2(group + 1))."""
        return self.group.bit_length()

    @property
    def address_bits(self) -> int:
        """Bits that say which element of a group an event is: ceil(log2(group))."""
        return (self.group - 1).bit_length()

    @cached_property
    def alphabet(self) -> Levels:
        """The symbols that it can carry beside zero."""
        return Levels(width=self.value_bits, signed=self.signed)

    def bits(self, elements: int, events: float) -> float:
        """Size of a frame in bits; see `Format.bits`."""
        check_size(elements, events)
        return float(HEADER_BITS + self._groups(elements) * self.count_bits + events * self._event_bits)

    def pack(self, symbols: npt.NDArray[Any]) -> bytes:
        """The frame of a tensor; see `Packer.pack`."""
        flat = flat_symbols(symbols, self.alphabet, _EVENT_LEVER)
        index = np.flatnonzero(flat != 0)
        owner = index // self.group
        counts = np.bincount(owner, minlength=self._groups(flat.size)).astype(container(self.count_bits))
        addresses = (index - owner * self.group).astype(container(self.address_bits))
        values = self.alphabet.encode(flat[index])
        sections: list[tuple[Codes, int]] = [
            (counts, self.count_bits),
            (addresses, self.address_bits),
            (values, self.value_bits),
        ]
        return seal(Kind.ADDRESS_EVENT, flat.size, join(sections))

    def unpack(self, frame: bytes, elements: int) -> Symbols:
        """The symbols of a frame; see `Packer.unpack`."""
        payload = open_frame(frame, Kind.ADDRESS_EVENT, elements)
        counts = self._read_counts(payload, elements)
        events = int(counts.sum())
        start = counts.size * self.count_bits
        check_end(payload, start + events * self._event_bits)
        index = self._read_index(payload, start, counts, elements)
        values = read(payload, start + events * self.address_bits, events, self.value_bits)
        symbols = np.zeros(elements, dtype=np.int32)
        symbols[index] = self.alphabet.decode(values)
        return symbols

    @property
    def _event_bits(self) -> int:
        return self.address_bits + self.value_bits

    def _groups(self, elements: int) -> int:
        return -(-elements // self.group)

    def _read_counts(self, payload: npt.NDArray[np.uint8], elements: int) -> npt.NDArray[np.int64]:
        """Events of each group, `(groups,)`, none more than the group has elements."""
        counts = read(payload, 0, self._groups(elements), self.count_bits).astype(np.int64)
        sizes = np.minimum(self.group, elements - self.group * np.arange(counts.size))
        if np.any(counts > sizes):
            worst = int(np.argmax(counts - sizes))
            raise CorruptFrame(f"group {worst} declares {counts[worst]} events, has {sizes[worst]} elements")
        return counts

    def _read_index(
        self, payload: npt.NDArray[np.uint8], start: int, counts: npt.NDArray[np.int64], elements: int
    ) -> npt.NDArray[np.int64]:
        """Position of each event in the tensor, `(events,)`, ascending."""
        addresses = read(payload, start, int(counts.sum()), self.address_bits).astype(np.int64)
        if addresses.size and int(addresses.max()) >= self.group:
            raise CorruptFrame(f"an event has the address {addresses.max()}, must be below {self.group}")
        index = np.repeat(self.group * np.arange(counts.size), counts) + addresses
        if np.any(index[1:] <= index[:-1]):
            raise CorruptFrame("addresses of a group are not ascending")
        if index.size and int(index[-1]) >= elements:
            raise CorruptFrame(f"an event is at element {index[-1]}, must be below {elements}")
        return index
