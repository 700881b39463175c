"""The packet formats once more, one bit at a time: slow, obvious, and written from their description alone."""

from __future__ import annotations

import math
import zlib

from axonal.wire import AddressEvent, Bitmap, Dense

KINDS = {Dense: 1, Bitmap: 2, AddressEvent: 3}
VERSION = 1


def field(value: int, width: int) -> list[int]:
    """The lowest `width` bits of a number, least significant first."""
    return [(value >> bit) & 1 for bit in range(width)]


def number(bits: list[int]) -> int:
    """The unsigned number that `field` wrote."""
    return sum(bit << place for place, bit in enumerate(bits))


def level_code(value: int) -> int:
    """Code of a non-zero level: the positive ones move down by one, so that zero has none."""
    return value - 1 if value > 0 else value


def level(code: int, value_bits: int, signed: bool) -> int:
    """The level of a code."""
    if signed and code >> (value_bits - 1):
        return code - (1 << value_bits)
    return code + 1


def envelope(kind: int, elements: int, payload_bits: list[int], version: int = VERSION) -> bytes:
    """A frame with a correct checksum around any payload, however wrong; padded to a byte with zero bits."""
    padded = payload_bits + [0] * (-len(payload_bits) % 8)
    payload = bytes(number(padded[at : at + 8]) for at in range(0, len(padded), 8))
    head = bytes([16 * version + kind]) + elements.to_bytes(3, "little")
    return head + zlib.crc32(head + payload).to_bytes(4, "little") + payload


def payload_of(fmt: Dense | Bitmap | AddressEvent, symbols: list[int]) -> list[int]:
    """The payload bits of a format, not padded."""
    if isinstance(fmt, Dense):
        return [bit for value in symbols for bit in field(value, fmt.element_bits)]
    values = [bit for value in symbols if value for bit in field(level_code(value), fmt.value_bits)]
    if isinstance(fmt, Bitmap):
        return [int(value != 0) for value in symbols] + values
    counts: list[int] = []
    addresses: list[int] = []
    for start in range(0, len(symbols), fmt.group):
        group = symbols[start : start + fmt.group]
        counts += field(sum(value != 0 for value in group), math.ceil(math.log2(fmt.group + 1)))
        for address, value in enumerate(group):
            if value:
                addresses += field(address, math.ceil(math.log2(fmt.group)))
    return counts + addresses + values


def pack(fmt: Dense | Bitmap | AddressEvent, symbols: list[int]) -> bytes:
    """The frame of a list of integers."""
    return envelope(KINDS[type(fmt)], len(symbols), payload_of(fmt, symbols))


def unpack(fmt: Dense | Bitmap | AddressEvent, frame: bytes, elements: int) -> list[int]:
    """The integers of a sound frame."""
    bits = [bit for byte in frame[8:] for bit in field(byte, 8)]

    def take(width: int) -> int:
        taken = number(bits[:width])
        del bits[:width]
        return taken

    if isinstance(fmt, Dense):
        codes = [take(fmt.element_bits) for _ in range(elements)]
        negative = 2 ** (fmt.element_bits - 1) if fmt.signed else math.inf
        return [code - 2**fmt.element_bits if code >= negative else code for code in codes]
    if isinstance(fmt, Bitmap):
        where = [index for index in range(elements) if take(1)]
    else:
        counts = [take(math.ceil(math.log2(fmt.group + 1))) for _ in range(math.ceil(elements / fmt.group))]
        width = math.ceil(math.log2(fmt.group))
        where = [fmt.group * owner + take(width) for owner, count in enumerate(counts) for _ in range(count)]
    symbols = [0] * elements
    for index in where:
        symbols[index] = level(take(fmt.value_bits), fmt.value_bits, fmt.signed)
    return symbols
