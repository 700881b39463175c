from __future__ import annotations

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_bit_by_bit import KINDS, envelope, field, number
from wire_cases import NAMED, AnyFormat, cases, formats, names, quick, random_symbols

from axonal.wire import MAX_ELEMENTS, AddressEvent, Bitmap, CorruptFrame, Dense

Case = tuple[AnyFormat, npt.NDArray[np.int64]]

each_named = pytest.mark.parametrize("fmt", NAMED, ids=names)


def flipped(frame: bytes, bit: int) -> bytes:
    return (int.from_bytes(frame, "little") ^ 1 << bit).to_bytes(len(frame), "little")


@each_named
def test_no_flip_of_a_single_bit_of_a_small_frame_passes(fmt: AnyFormat) -> None:
    frame = fmt.pack(random_symbols(fmt, 21, 0.4, seed=5))
    for bit in range(8 * len(frame)):
        with pytest.raises(CorruptFrame):
            fmt.unpack(flipped(frame, bit), 21)


@quick
@given(case=cases(), place=st.floats(0, 1, exclude_max=True))
def test_a_flipped_bit_is_refused_anywhere(case: Case, place: float) -> None:
    fmt, symbols = case
    frame = fmt.pack(symbols)
    with pytest.raises(CorruptFrame):
        fmt.unpack(flipped(frame, int(place * 8 * len(frame))), symbols.size)


@quick
@given(case=cases(), kept=st.floats(0, 1, exclude_max=True))
def test_a_truncated_frame_is_refused(case: Case, kept: float) -> None:
    fmt, symbols = case
    frame = fmt.pack(symbols)
    with pytest.raises(CorruptFrame):
        fmt.unpack(frame[: int(kept * len(frame))], symbols.size)


@quick
@given(case=cases(), tail=st.binary(min_size=1, max_size=20))
def test_an_extended_frame_is_refused(case: Case, tail: bytes) -> None:
    fmt, symbols = case
    with pytest.raises(CorruptFrame):
        fmt.unpack(fmt.pack(symbols) + tail, symbols.size)


@quick
@given(fmt=formats(), elements=st.integers(0, 300), frame=st.binary(max_size=400))
def test_random_bytes_are_refused(fmt: AnyFormat, elements: int, frame: bytes) -> None:
    with pytest.raises(CorruptFrame):
        fmt.unpack(frame, elements)


@quick
@given(case=cases(max_size=40), edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 1)), max_size=3))
def test_a_payload_with_a_sound_checksum_is_refused_or_is_what_pack_makes(
    case: Case, edits: list[tuple[int, int]]
) -> None:
    fmt, symbols = case
    bits = [bit for byte in fmt.pack(symbols)[8:] for bit in field(byte, 8)]
    for place, bit in edits:
        bits[place % max(len(bits), 1) : place % max(len(bits), 1) + 1] = [bit]
    frame = envelope(KINDS[type(fmt)], symbols.size, bits)
    try:
        received = fmt.unpack(frame, symbols.size)
    except CorruptFrame:
        return
    assert fmt.pack(received) == frame


@quick
@given(case=cases(max_size=40), other=st.integers(0, 60))
def test_a_frame_of_another_number_of_elements_is_refused(case: Case, other: int) -> None:
    fmt, symbols = case
    other += other >= symbols.size
    with pytest.raises(CorruptFrame, match=f"declares {symbols.size} elements, must be {other}"):
        fmt.unpack(fmt.pack(symbols), other)


@each_named
def test_a_frame_of_another_kind_or_version_is_refused(fmt: AnyFormat) -> None:
    frame = fmt.pack(random_symbols(fmt, 21, 0.4, seed=5))
    bits = [bit for byte in frame[8:] for bit in field(byte, 8)]
    assert envelope(KINDS[type(fmt)], 21, bits) == frame
    for kind in set(range(16)) - {KINDS[type(fmt)]}:
        with pytest.raises(CorruptFrame, match=f"format kind {kind}, must be"):
            fmt.unpack(envelope(kind, 21, bits), 21)
    for version in set(range(16)) - {1}:
        with pytest.raises(CorruptFrame, match=f"version {version}, must be 1"):
            fmt.unpack(envelope(KINDS[type(fmt)], 21, bits, version), 21)


def test_a_wrong_checksum_is_named() -> None:
    frame = bytearray(Bitmap().pack(np.ones(9, dtype=np.int8)))
    frame[4] ^= 1
    with pytest.raises(CorruptFrame, match="CRC-32"):
        Bitmap().unpack(bytes(frame), 9)


def address_frame(elements: int, *fields: tuple[int, int]) -> bytes:
    """A frame of address events from `(value, width)`, sound but for what the fields say."""
    return envelope(KINDS[AddressEvent], elements, [bit for value, width in fields for bit in field(value, width)])


def test_a_sound_address_frame_written_by_hand_is_accepted() -> None:
    frame = address_frame(7, (2, 3), (1, 3), (0, 3), (4, 3), (1, 3))
    assert AddressEvent(group=5).unpack(frame, 7).tolist() == [1, 0, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([(6, 3), (0, 3), *[(address, 3) for address in range(6)]], "group 0 declares 6 events, has 5"),
        ([(0, 3), (3, 3), (0, 3), (1, 3), (2, 3)], "group 1 declares 3 events, has 2"),
        ([(1, 3), (0, 3), (5, 3)], "has the address 5, must be below 5"),
        ([(0, 3), (1, 3), (2, 3)], "is at element 7, must be below 7"),
        ([(2, 3), (0, 3), (3, 3), (1, 3)], "not ascending"),
        ([(2, 3), (0, 3), (3, 3), (3, 3)], "not ascending"),
        ([(1, 3)], "payload has 1 bytes, must have 2"),
        ([(1, 3), (0, 3), (2, 3), (0, 8)], "payload has 3 bytes, must have 2"),
        ([(0, 3), (0, 3), (1, 2)], "non-zero padding after its 6 bits"),
    ],
)
def test_impossible_address_events_with_a_sound_checksum_are_refused(
    fields: list[tuple[int, int]], reason: str
) -> None:
    with pytest.raises(CorruptFrame, match=reason):
        AddressEvent(group=5).unpack(address_frame(7, *fields), 7)


@each_named
def test_non_zero_padding_is_refused_with_a_sound_checksum(fmt: AnyFormat) -> None:
    for elements in range(1, 17):
        symbols = random_symbols(fmt, elements, 0.5, seed=elements)
        used = int(fmt.bits(elements, int(np.count_nonzero(symbols)))) - 64
        bits = [bit for byte in fmt.pack(symbols)[8:] for bit in field(byte, 8)]
        for place in range(used, len(bits)):
            padded = [*bits[:place], 1, *bits[place + 1 :]]
            with pytest.raises(CorruptFrame, match="non-zero padding"):
                fmt.unpack(envelope(KINDS[type(fmt)], elements, padded), elements)


def test_a_bitmap_that_promises_more_values_than_follow_is_refused() -> None:
    with pytest.raises(CorruptFrame, match="payload has 2 bytes, must have 3"):
        Bitmap(value_bits=8).unpack(envelope(KINDS[Bitmap], 8, field(0b11, 8) + field(7, 8)), 8)


@pytest.mark.parametrize(
    ("fmt", "payload"),
    [
        (Dense(element_bits=32), field(2**31, 32)),
        (Bitmap(value_bits=31), [1, *field(2**31 - 1, 31)]),
        (Bitmap(value_bits=32), [1, *field(2**32 - 1, 32)]),
        (Bitmap(value_bits=32, signed=True), [1, *field(2**31 - 1, 32)]),
        (AddressEvent(group=1, value_bits=32, signed=True), [1, *field(2**31 - 1, 32)]),
    ],
    ids=str,
)
def test_a_code_beyond_32_bit_integers_is_refused(fmt: AnyFormat, payload: list[int]) -> None:
    with pytest.raises(CorruptFrame, match=r"must be at most 2147483647"):
        fmt.unpack(envelope(KINDS[type(fmt)], 1, payload), 1)


@pytest.mark.parametrize(
    ("fmt", "payload"),
    [
        (AddressEvent(group=MAX_ELEMENTS, value_bits=32), field(MAX_ELEMENTS, 24)),
        (AddressEvent(group=1), [1] * 64),
        (Bitmap(value_bits=32), [1] * 64),
        (Dense(element_bits=32), [1] * 64),
    ],
    ids=str,
)
def test_a_small_frame_that_declares_much_is_refused_before_memory_is_taken(fmt: AnyFormat, payload: list[int]) -> None:
    frame = envelope(KINDS[type(fmt)], MAX_ELEMENTS, payload)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFrame, match="payload has"):
            fmt.unpack(frame, MAX_ELEMENTS)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_the_hand_written_fields_read_back() -> None:
    assert all(number(field(value, 9)) == value for value in range(512))
