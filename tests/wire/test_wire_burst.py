from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_bit_by_bit import envelope, field
from wire_cases import quick

from axonal.wire import HEADER_BITS, MAX_ELEMENTS, AddressEvent, Bitmap, Burst, CorruptFrame, Dense, Format

Symbols = npt.NDArray[np.int64]
KIND = 4


@st.composite
def cases(draw: st.DrawFn) -> tuple[Burst, Symbols]:
    """A format and a flat tensor that it can carry, zeros and the extremes being likely."""
    group = draw(st.sampled_from([1, 2, 3, 7, 8, 9, 64, 1000]))
    fmt = Burst(group=group, value_bits=draw(st.sampled_from([1, 2, 3, 8, 13, 32])), signed=draw(st.booleans()))
    low, high = fmt.alphabet.low, fmt.alphabet.high
    value = st.one_of(st.just(0), st.just(0), st.sampled_from([low, high]), st.integers(low, high))
    return fmt, np.array(draw(st.lists(value, max_size=200)), dtype=np.int64)


def plain(fmt: Burst, symbols: list[int]) -> bytes:
    """The frame, one bit at a time."""
    groups = [symbols[at : at + fmt.group] for at in range(0, len(symbols), fmt.group)]
    bits = [int(any(group)) for group in groups]
    bits += [bit for group in groups if any(group) for value in group for bit in field(value, fmt.value_bits)]
    return envelope(KIND, len(symbols), bits)


@quick
@given(cases())
def test_what_is_packed_is_unpacked_exactly(case: tuple[Burst, Symbols]) -> None:
    fmt, symbols = case
    received = fmt.unpack(fmt.pack(symbols), symbols.size)
    assert received.dtype == np.int32
    np.testing.assert_array_equal(received, symbols)


@quick
@given(cases())
def test_packed_bytes_equal_those_made_bit_by_bit(case: tuple[Burst, Symbols]) -> None:
    fmt, symbols = case
    assert fmt.pack(symbols) == plain(fmt, symbols.tolist())


@quick
@given(cases())
def test_a_frame_has_its_exact_bits_and_less_than_a_byte_more(case: tuple[Burst, Symbols]) -> None:
    fmt, symbols = case
    assert 0 <= 8 * len(fmt.pack(symbols)) - fmt.exact_bits(symbols) <= 7


@pytest.mark.parametrize("group", [1, 4, 30])
@pytest.mark.parametrize("activity", [0.0, 0.02, 0.3, 1.0])
def test_bits_are_the_mean_over_independent_events(group: int, activity: float) -> None:
    fmt = Burst(group=group, value_bits=3)
    rng = np.random.default_rng(1)
    exact_bits = [fmt.exact_bits(5 * (rng.random(1003) < activity)) for _ in range(300)]
    assert np.mean(exact_bits) == pytest.approx(fmt.bits(1003, 1003 * activity), rel=0.01)


@quick
@given(case=cases(), events=st.floats(0, 1), more=st.floats(0, 1))
def test_bits_are_concave_and_between_the_silent_and_the_whole(
    case: tuple[Burst, Symbols], events: float, more: float
) -> None:
    fmt, symbols = case
    size = symbols.size
    one, other, between = (fmt.bits(size, size * share) for share in (events, more, (events + more) / 2))
    assert between >= (one + other) / 2 - 1e-6
    groups = -(-size // fmt.group)
    assert HEADER_BITS + groups == fmt.bits(size, 0) <= one <= fmt.bits(size, size)
    assert fmt.bits(size, size) == HEADER_BITS + groups + size * fmt.value_bits


def test_events_that_come_together_need_less_than_scattered_ones() -> None:
    fmt, near, far = Burst(group=16, value_bits=4), np.zeros(1600, dtype=int), np.zeros(1600, dtype=int)
    near[:160], far[::10] = 3, 3
    assert fmt.exact_bits(near) < fmt.bits(1600, 160) < fmt.exact_bits(far)
    rivals = (Bitmap(value_bits=3), AddressEvent(group=16, value_bits=3), Dense(element_bits=4))
    assert fmt.exact_bits(near) < min(rival.bits(1600, 160) for rival in rivals)


def test_groups_of_one_send_a_bitmap_and_the_values() -> None:
    symbols = np.array([0, 3, 0, 0, 1])
    assert Burst(group=1, value_bits=2).exact_bits(symbols) == Bitmap(value_bits=2).bits(5, 2)


def test_it_is_a_format_whose_bytes_never_change() -> None:
    fmt = Burst(group=4, value_bits=2)
    assert isinstance(fmt, Format)
    assert str(fmt) == "bursts in groups of 4 + 2-bit values"
    symbols = np.array([0, 0, 0, 0, 1, 3, 0, 2, 0, 0])
    assert fmt.pack(symbols) == bytes.fromhex("140a0000 bbbe4afb 6a04")
    assert fmt.unpack(Burst(group=4, value_bits=2).pack(symbols[:0]), 0).size == 0


@pytest.mark.parametrize(
    ("bits", "reason"),
    [
        ([0, 1, 0, 0, 0, 0], "group 1 is declared present, holds only zeros"),
        ([1, 0, *[0, 1] * 3, 1], "non-zero padding after its 8 bits|payload has 2 bytes"),
        ([1, 1, *[0, 1] * 3], "payload has 1 bytes, must have 2"),
        ([0, 0, 1], "non-zero padding after its 2 bits"),
        ([], "payload has 0 bytes, needs at least 1"),
    ],
)
def test_impossible_bursts_with_a_sound_checksum_are_refused(bits: list[int], reason: str) -> None:
    with pytest.raises(CorruptFrame, match=reason):
        Burst(group=3, value_bits=2).unpack(envelope(KIND, 5, bits), 5)


@quick
@given(case=cases(), payload=st.binary(max_size=40))
def test_random_payloads_with_a_sound_checksum_are_refused_or_are_what_pack_makes(
    case: tuple[Burst, Symbols], payload: bytes
) -> None:
    fmt, symbols = case
    frame = envelope(KIND, symbols.size, [bit for byte in payload for bit in field(byte, 8)])
    try:
        received = fmt.unpack(frame, symbols.size)
    except CorruptFrame:
        return
    assert fmt.pack(received) == frame


@quick
@given(case=cases(), place=st.floats(0, 1, exclude_max=True))
def test_a_flipped_bit_is_refused_anywhere(case: tuple[Burst, Symbols], place: float) -> None:
    fmt, symbols = case
    broken = bytearray(fmt.pack(symbols))
    byte, bit = divmod(int(place * 8 * len(broken)), 8)
    broken[byte] ^= 1 << bit
    with pytest.raises(CorruptFrame):
        fmt.unpack(bytes(broken), symbols.size)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"group": 0}, f"group is 0, must be 1 to {MAX_ELEMENTS}"),
        ({"group": 4, "value_bits": 0}, "value_bits is 0, must be 1 to 32"),
        ({"group": 4, "value_bits": 33}, "value_bits is 33, must be 1 to 32"),
    ],
)
def test_formats_that_are_none_are_refused(fields: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Burst(**fields)


def test_symbols_that_do_not_fit_are_refused() -> None:
    fmt = Burst(group=4, value_bits=2)
    with pytest.raises(ValueError, match=r"symbol 4 is above 3.*raise value_bits"):
        fmt.pack(np.array([4]))
    with pytest.raises(TypeError, match="must be integers"):
        fmt.exact_bits(np.array([1.0]))
    with pytest.raises(ValueError, match="events is 5, must be 0 to 4"):
        fmt.bits(4, 5)
