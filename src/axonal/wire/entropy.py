"""The entropy-coded packet format: symbols cost what a table says they are worth, -log2 of their probability."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from axonal.wire import rans
from axonal.wire.alphabet import Span, Symbols, flat_symbols
from axonal.wire.fields import check_end, join, read
from axonal.wire.frame import HEADER_BITS, CorruptFrame, Kind, check_elements, open_frame, seal
from axonal.wire.tables import MAX_ALPHABET, PRECISION_BITS, Contexts

__all__ = ["Ranged"]

_TOTAL = 1 << PRECISION_BITS
_LONG_STATE_BYTES = 4

_Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Ranged:
    """Every symbol is sent in about log2(2**PRECISION_BITS / frequency) bits, by the table of its context.

    The payload is the last state of the coder, in 3 bytes where they hold it and else in 4, and then its 16-bit
    words, all little-endian. A frame that would not be shorter that way has every symbol at a fixed width instead,
    and says so by its kind. `Ranged.of` makes a format from an array.

    Args:
        frequencies: Little-endian 16-bit integers >= 1, `(channels * contexts.number, alphabet)`, each row of the
            sum `2**PRECISION_BITS`.
        low: The smallest symbol, that of the first column.
        contexts: Which row is the table of a symbol.
        adaptive: Whether the tables follow the symbols of a frame; each frame starts from `frequencies`.

    Example:
        >>> from axonal.wire.tables import quantised
        >>> contexts = Contexts(parents=((),), positions=100)
        >>> fmt = Ranged.of(quantised(np.array([[0.95, 0.05]])), low=0, contexts=contexts)
        >>> symbols = np.zeros((1000, 1), dtype=np.int8)
        >>> symbols[::20] = 1
        >>> frame = fmt.pack(symbols)
        >>> round(fmt.cost_bits(symbols)), 8 * len(frame), fmt.worst_case_bits(1000)
        (286, 368, 1064)
        >>> bool((fmt.unpack(frame, elements=1000) == symbols.ravel()).all())
        True
    """

    frequencies: bytes
    low: int
    contexts: Contexts
    adaptive: bool = False

    def __post_init__(self) -> None:
        rows = self.channels * self.contexts.number
        if not self.frequencies or len(self.frequencies) % (2 * rows):
            raise ValueError(
                f"frequencies have {len(self.frequencies)} bytes, must be a positive multiple of {2 * rows}, 2 for "
                f"each symbol of {self.channels} channels of {self.contexts.number} contexts: change either"
            )
        if self.alphabet_size > MAX_ALPHABET:
            raise ValueError(f"alphabet has {self.alphabet_size} symbols, must be <= {MAX_ALPHABET}: clip the symbols")
        table = self.table
        if not table.all():
            raise ValueError(
                f"frequencies[{np.flatnonzero(~table.all(axis=1))[0]}] hold a 0, must be >= 1: quantise them"
            )
        wrong = np.flatnonzero(table.sum(axis=1) != _TOTAL)
        if wrong.size:
            row = int(wrong[0])
            raise ValueError(f"frequencies[{row}] sum to {table[row].sum()}, must sum to {_TOTAL}: quantise them")
        _ = self.alphabet

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(
        cls, frequencies: npt.NDArray[np.integer[Any]], low: int, contexts: Contexts, adaptive: bool = False
    ) -> Ranged:
        """The format of an array of frequencies, `(channels * contexts.number, alphabet)`.

        Raises:
            ValueError: The array has another shape, a frequency below 1, or a row another sum than
                `2**PRECISION_BITS`.
        """
        rows = contexts.channels * contexts.number
        if frequencies.ndim != 2 or len(frequencies) != rows:
            raise ValueError(f"frequencies have the shape {frequencies.shape}, must have ({rows}, alphabet)")
        if frequencies.size and not 1 <= int(frequencies.min()) <= int(frequencies.max()) <= _TOTAL:
            raise ValueError(
                f"frequencies are {frequencies.min()} to {frequencies.max()}, must be 1 to {_TOTAL}: quantise them"
            )
        return cls(frequencies=frequencies.astype("<u2").tobytes(), low=low, contexts=contexts, adaptive=adaptive)

    @property
    def name(self) -> str:
        """What the format is, for people."""
        kind = "adaptive entropy code" if self.adaptive else "entropy code"
        return f"{kind} of {self.alphabet_size} symbols in {self.contexts.number} contexts"

    @property
    def channels(self) -> int:
        """Symbols of a position."""
        return self.contexts.channels

    @property
    def alphabet_size(self) -> int:
        """Symbols of a table."""
        return len(self.frequencies) // (2 * self.channels * self.contexts.number)

    @cached_property
    def alphabet(self) -> Span:
        """The symbols that it can carry."""
        return Span(low=self.low, size=self.alphabet_size)

    @property
    def table(self) -> npt.NDArray[np.uint16]:
        """The frequencies, read-only, `(channels * contexts.number, alphabet)`."""
        return np.frombuffer(self.frequencies, dtype="<u2").reshape(-1, self.alphabet_size)

    def cost_bits(self, symbols: npt.NDArray[Any]) -> float:
        """Ideal length of symbols, sum log2(2**PRECISION_BITS / frequency), in bits and without the frame around them.

        Args:
            symbols: As for `pack`.

        Raises:
            TypeError: As for `pack`.
            ValueError: As for `pack`.
        """
        used = self._intervals(self._flat(symbols)) & rans.FREQUENCY_MASK
        counts = np.bincount(used, minlength=1)
        found = np.flatnonzero(counts)
        return float(counts[found] @ (PRECISION_BITS - np.log2(found)))

    def worst_case_bits(self, elements: int) -> int:
        """The most bits that a frame of so many symbols has, header and padding included."""
        check_elements(elements)
        return HEADER_BITS + 8 * self._plain_bytes(elements)

    def pack(self, symbols: npt.NDArray[Any]) -> bytes:
        """The frame of symbols.

        Args:
            symbols: Integers `(N, channels)`, or of another shape with the same elements in C order; N is a multiple
                of `contexts.positions`.

        Raises:
            TypeError: The array does not hold integers.
            ValueError: A symbol is outside the alphabet, the number of channels or of positions is wrong, or a frame
                cannot carry so many elements.
        """
        flat = self._flat(symbols)
        plain_bytes = self._plain_bytes(flat.size)
        words = np.empty(plain_bytes // 2, dtype=np.uint16)
        free, state = rans.encoded(self._intervals(flat), rans.divisors(), words)
        if free >= 0:
            state_bytes = (int(state).bit_length() + 7) // 8
            head = int(state).to_bytes(max(state_bytes, _LONG_STATE_BYTES - 1), "little")
            if len(head) + 2 * (words.size - free) < plain_bytes:
                payload = np.frombuffer(head + words[free:].astype("<u2").tobytes(), dtype=np.uint8)
                return seal(self._kind, flat.size, payload)
        return seal(Kind.UNRANGED, flat.size, join([(self.alphabet.encode(flat), self.alphabet.width)]))

    def unpack(self, frame: bytes, elements: int) -> Symbols:
        """The symbols of a frame, flat, `(elements,)`.

        Args:
            frame: The bytes that `pack` made.
            elements: Elements of the tensor, which the receiver knows beforehand.

        Raises:
            CorruptFrame: `pack` cannot have made these bytes from so many elements.
            ValueError: `elements` is more than a frame can carry, or not a multiple of those of an inference.
        """
        check_elements(elements)
        self._check_positions(elements)
        if frame[:1] and frame[0] % 16 == Kind.UNRANGED:
            payload = open_frame(frame, Kind.UNRANGED, elements)
            width = self.alphabet.width
            check_end(payload, elements * width)
            return self.alphabet.decode(read(payload, 0, elements, width))
        payload = open_frame(frame, self._kind, elements)
        if payload.size >= self._plain_bytes(elements):
            raise CorruptFrame(f"payload has {payload.size} bytes, must have fewer than {self._plain_bytes(elements)}")
        return self._decoded(payload, elements)

    def _decoded(self, payload: _Bytes, elements: int) -> Symbols:
        state, words = _opened(payload)
        symbols = np.empty(elements, dtype=np.int32)
        where, near = (self._geometry, self._lags), self._neighbours()
        if self.adaptive:
            used, state = rans.adaptive_decoded(*where, *self._model(), symbols, near, words, state)
        else:
            used, state = rans.static_decoded(*where, self._starts, symbols, near, words, state)
        if used < 0:
            raise CorruptFrame(f"payload ends after {words.size} words, before its {elements} symbols do")
        if used != words.size:
            raise CorruptFrame(f"payload has {words.size} words, must have {used}")
        if state != rans.LOWEST_STATE:
            raise CorruptFrame(f"payload ends in state {state}, must end in {rans.LOWEST_STATE}")
        return symbols

    @property
    def _kind(self) -> Kind:
        return Kind.ADAPTIVE if self.adaptive else Kind.RANGED

    @cached_property
    def _geometry(self) -> rans.Geometry:
        contexts = self.contexts
        return rans.Geometry(
            channels=self.channels,
            positions=contexts.positions,
            order=contexts.order,
            number=contexts.number,
            margin=int(contexts.backs.max(initial=0)) * self.channels,
            low=self.low,
            size=self.alphabet_size,
        )

    @cached_property
    def _lags(self) -> npt.NDArray[np.int64]:
        own = np.arange(self.channels)[:, None]
        return (self.contexts.backs * self.channels + own - self.contexts.origins).ravel()

    @cached_property
    def _starts(self) -> npt.NDArray[np.uint16]:
        """Where the interval of each symbol starts, and the total, `(rows * (alphabet + 1),)`."""
        table = self.table
        starts = np.zeros((len(table), self.alphabet_size + 1), dtype=np.uint16)
        starts[:, 1:] = np.cumsum(table, axis=1)
        return starts.ravel()

    def _model(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The levels of an adaptive frame at its start, and how often each table was used."""
        own = np.arange(self.alphabet_size + 1)
        levels = (self._starts.reshape(-1, own.size) - own) << rans.FRACTION_BITS
        return levels.ravel(), np.zeros(len(levels), dtype=np.int64)

    def _neighbours(self) -> _Bytes:
        return np.zeros(self._geometry.margin + self.contexts.positions * self.channels, dtype=np.uint8)

    def _plain_bytes(self, elements: int) -> int:
        return -(-elements * self.alphabet.width // 8)

    def _intervals(self, flat: Symbols) -> npt.NDArray[np.uint32]:
        intervals = np.empty(flat.size, dtype=np.uint32)
        if flat.size == 0:
            return intervals
        if self.adaptive:
            rans.adaptive_intervals(self._geometry, self._lags, *self._model(), flat, self._neighbours(), intervals)
        else:
            rans.static_intervals(self._geometry, self._lags, self._starts, flat, self._neighbours(), intervals)
        return intervals

    def _flat(self, symbols: npt.NDArray[Any]) -> Symbols:
        if symbols.ndim > 1 and symbols.shape[-1] != self.channels:
            raise ValueError(f"symbols have {symbols.shape[-1]} channels, must have {self.channels}")
        flat = flat_symbols(symbols, self.alphabet, "clip the values or change low and frequencies")
        self._check_positions(flat.size)
        return np.ascontiguousarray(flat, dtype=np.int32)

    def _check_positions(self, elements: int) -> None:
        inference = self.contexts.positions * self.channels
        if elements % inference:
            raise ValueError(
                f"elements is {elements}, must be a multiple of {inference}, those of {self.contexts.positions} "
                f"positions of {self.channels} channels: pad the inference"
            )


def _opened(payload: _Bytes) -> tuple[int, npt.NDArray[np.uint16]]:
    """The state at the start of a payload, and the words after it."""
    state_bytes = _LONG_STATE_BYTES - payload.size % 2
    if payload.size < state_bytes:
        raise CorruptFrame(f"payload has {payload.size} bytes, needs at least {_LONG_STATE_BYTES - 1}")
    state = int.from_bytes(payload[:state_bytes].tobytes(), "little")
    lowest = rans.LOWEST_STATE if state_bytes < _LONG_STATE_BYTES else 1 << 8 * (_LONG_STATE_BYTES - 1)
    if not lowest <= state <= rans.HIGHEST_STATE:
        raise CorruptFrame(f"payload starts with state {state}, must be {lowest} to {rans.HIGHEST_STATE}")
    words = np.frombuffer(payload[state_bytes:].tobytes(), dtype="<u2").astype(np.uint16)
    return state, words
