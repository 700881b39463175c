"""The codecs once more in plain Python, one symbol at a time: slow, and written from their descriptions alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from wire_bit_by_bit import field
from wire_ranged_plain import envelope

Floats = npt.NDArray[np.float32]
GAPS, CHANNELWISE = 8, 10
TOTAL = 2**14
LOWEST = 2**15
WEIGHTS = [*(round(4096 * 2 ** (-0.75 * step)) for step in range(15)), 0]
MIDDLES = [round(4096 * 2 ** (-0.75 * (step + 0.5))) for step in range(14)]


def octets(bits: Sequence[int]) -> bytes:
    """Bits as bytes, the first one lowest, zeros behind the last."""
    return bytes(sum(bit << place for place, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))


def value_bits(levels: int, signed: bool) -> int:
    """Bits of the value of an event."""
    return math.ceil(math.log2(levels)) + signed


def codes(values: Sequence[int], width: int) -> list[int]:
    """The values of events as bits."""
    return [bit for value in values for bit in field((value - (value > 0)) % 2**width, width)]


def gap_payload(symbols: Sequence[int], width: int) -> bytes:
    """The payload of gap bytes, however long."""
    places = [place for place, symbol in enumerate(symbols) if symbol]
    stream = bytearray(len(places).to_bytes(3, "little"))
    for before, place in zip([-1, *places], places, strict=False):
        full, rest = divmod(place - before - 1, 255)
        stream += bytes([255] * full + [rest])
    return bytes(stream) + octets(codes([symbols[place] for place in places], width))


def channel_bits(column: Sequence[bool]) -> tuple[int, list[int]]:
    """What says how a channel is sent, and its bits."""
    events, rows = sum(column), len(column)
    if not events:
        return 15, []
    full = events > (math.sqrt(5) - 1) / 2 * rows
    share = events / rows if full else 1 - events / rows
    shift = 0
    while share > (math.sqrt(5) - 1) / 2 and shift < 9:
        share, shift = share * share, shift + 1
    mode = 9 + min(shift, 5) if full else shift
    shift = (1, 2, 3, 4, 6)[mode - 10] if full else shift
    places = [row for row, event in enumerate(column) if event != full]
    ends = [*places, rows] if not places or places[-1] < rows - 1 else places
    bits: list[int] = []
    for before, place in zip([-1, *ends], ends, strict=False):
        quotient, rest = divmod(place - before - 1, 1 << shift)
        bits += [0] * quotient + [1] + field(rest, shift)
    return mode, bits


def position_bits(present: npt.NDArray[np.bool_]) -> list[int]:
    """The positions of the events of all channels."""
    channels = [channel_bits(column.tolist()) for column in present.T]
    return [bit for mode, _ in channels for bit in field(mode, 4)] + [bit for _, bits in channels for bit in bits]


def steps_of(counts: Sequence[int]) -> list[int]:
    """How much rarer each value is than the most frequent one."""
    most = max(counts)
    return [sum(4096 * count < most * middle for middle in MIDDLES) if count else 15 for count in counts]


def frequencies(steps: Sequence[int]) -> list[int]:
    """The table of steps."""
    weights = [WEIGHTS[step] for step in steps]
    made = [1 + (weight * (TOTAL - len(steps)) // sum(weights) if sum(weights) else 0) for weight in weights]
    made[steps.index(min(steps))] += TOTAL - sum(made)
    return made


def level_payload(tensor: npt.NDArray[np.int64], low: int, high: int) -> bytes:
    """The values of all events by the tables of their channels."""
    alphabet = [value for value in range(low, high + 1) if value]
    counts = [[int(np.sum(column == value)) for value in alphabet] for column in tensor.T]
    shared = steps_of([sum(column) for column in zip(*counts, strict=True)])
    tables, own = [shared], []
    for column in counts:
        steps = steps_of(column)
        pairs = zip(column, frequencies(shared), frequencies(steps), strict=True)
        own.append(sum(n * math.log2(mine / ours) for n, ours, mine in pairs) > 4 * len(alphabet))
        tables += [steps] if own[-1] else []
    of_channel = [frequencies(tables[sum(own[: place + 1])] if flag else shared) for place, flag in enumerate(own)]
    state, words = LOWEST, list[int]()
    for channel, value in reversed([(at % len(own), v) for at, v in enumerate(tensor.ravel().tolist()) if v]):
        table, code = of_channel[channel], alphabet.index(value)
        if state >= table[code] * 2**17:
            words.append(state % 2**16)
            state //= 2**16
        state = state // table[code] * TOTAL + sum(table[:code]) + state % table[code]
    head = octets(own) + octets([bit for table in tables for step in table for bit in field(step, 4)])
    return head + state.to_bytes(4, "little") + b"".join(word.to_bytes(2, "little") for word in reversed(words))


def channelwise_payload(tensor: npt.NDArray[np.int64], levels: int, signed: bool) -> bytes:
    """The payload of gaps along channels and coded values, however long."""
    events = [value for value in tensor.ravel().tolist() if value]
    packed = octets(codes(events, value_bits(levels, signed)))
    way = 0
    if packed:
        coded = level_payload(tensor, -levels if signed else 0, levels)
        if 8 * len(coded) < len(events) * value_bits(levels, signed):
            way, packed = 1, coded
    by_channel, by_row = position_bits(tensor != 0), position_bits(tensor.reshape(-1, 1) != 0)
    shorter = len(tensor) < 4096 and len(by_row) < len(by_channel)
    return bytes([way + 2 * shorter]) + octets(by_row if shorter else by_channel) + packed


def frame_or(kind: int, payload: bytes, plain: bytes, elements: int) -> bytes:
    """The frame of a payload, or that of the bitmap when the payload is no shorter."""
    return envelope(kind, elements, payload) if len(payload) + 8 < len(plain) else plain


def scaled(tensor: Floats, most: int) -> Iterator[tuple[np.float32, list[int]]]:
    """Unit and integers of each row."""
    for row in tensor:
        unit = np.float32(np.abs(row).max()) / np.float32(most)
        inverse = np.float32(1) / unit if unit >= np.float32(2.0**-126) else np.float32(0)
        yield (unit if inverse else np.float32(0)), [int(np.rint(value * inverse)) for value in row]


def largest(tensor: Floats, kept: int) -> Floats:
    """The tensor without all but the largest elements of each row, as halves."""
    result = np.zeros_like(tensor)
    for row, line in zip(result, tensor, strict=True):
        places = np.argsort(-np.abs(line), kind="stable")[:kept]
        with np.errstate(over="ignore"):
            row[places] = line[places].astype(np.float16)
    return result
