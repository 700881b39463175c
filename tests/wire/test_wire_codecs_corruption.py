from __future__ import annotations

import tracemalloc
import zlib

import numpy as np
import pytest
import wire_codecs_plain as slow
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from wire_bit_by_bit import field
from wire_codec_cases import CAPPED, SYMBOL_CODECS, Draw, Floats, draws, quick, received, symbols, uneven
from wire_ranged_plain import envelope

from axonal.wire import CODECS, MAX_ELEMENTS, Codec, CorruptFrame, codec

ZIPPED, CHANNELWISE, GAPS, SCALED, LARGEST = 9, 10, 8, 14, 15


def made_of(name: str, channels: int = 24, levels: int = 3, signed: bool = True) -> Codec:
    return codec(name, levels=levels, signed=signed, channels=channels)


def sparse(seed: int = 0) -> Floats:
    """Small, and of a kind that all capped codecs shorten."""
    return symbols(64, 24, 3, True, 0.04 * uneven(24, seed) / uneven(24, seed).mean(), seed)


def resealed(frame: bytes, payload: bytes) -> bytes:
    """Another payload in the frame, with a checksum that says it is right."""
    return frame[:4] + zlib.crc32(frame[:4] + payload).to_bytes(4, "little") + payload


def refused_or_in_range(made: Codec, frame: bytes, like: Floats) -> None:
    """Whatever the bytes are: `CorruptFrame`, or a tensor that could have been sent."""
    try:
        arrived = received(made, frame, like)
    except CorruptFrame:
        return
    if made.name == "dense":
        assert np.abs(arrived + 0.5).max(initial=0) <= 2.0**8
    elif made.name in SYMBOL_CODECS:
        made.encode(arrived)
    elif made.name in ("int8", "int4"):
        assert np.isfinite(arrived).all()
    else:
        assert made.name != "top_k" or not np.isnan(arrived).any()


@pytest.mark.parametrize("name", CODECS)
def test_no_flip_of_a_single_bit_passes(name: str) -> None:
    tensor = sparse()[:16]
    made = made_of(name)
    frame = made.encode(tensor)
    for bit in range(0, 8 * len(frame), 1 if len(frame) < 200 else 7):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptFrame):
            made.decode(bytes(flipped), np.empty_like(tensor))


@quick
@given(draw=draws(), kept=st.floats(0, 1, exclude_max=True), tail=st.binary(min_size=1, max_size=20))
def test_truncated_and_extended_frames_are_refused(draw: Draw, kept: float, tail: bytes) -> None:
    made, tensor = draw
    frame = made.encode(tensor)
    for wrong in (frame[: int(kept * len(frame))], frame + tail, tail + frame):
        with pytest.raises(CorruptFrame):
            received(made, wrong, tensor)


@quick
@given(draw=draws(), frame=st.binary(max_size=300))
def test_random_bytes_are_refused(draw: Draw, frame: bytes) -> None:
    made, tensor = draw
    with pytest.raises(CorruptFrame):
        received(made, frame, tensor)


@quick
@given(draw=draws(), rows=st.integers(0, 60))
def test_a_frame_of_another_number_of_elements_is_refused(draw: Draw, rows: int) -> None:
    made, tensor = draw
    rows += rows >= len(tensor)
    with pytest.raises(CorruptFrame, match="elements, must be"):
        received(made, made.encode(tensor), np.empty((rows, tensor.shape[1]), dtype=np.float32))


@pytest.mark.parametrize("name", CODECS)
def test_a_frame_of_another_codec_is_refused(name: str) -> None:
    tensor = sparse()
    for other in CODECS:
        frame = made_of(other).encode(tensor)
        if other == name or (other == "bitmap" and name in CAPPED):
            continue
        with pytest.raises(CorruptFrame):
            received(made_of(name), frame, tensor)


@pytest.mark.parametrize("name", CODECS)
def test_changed_payloads_with_a_sound_checksum_do_no_harm(name: str) -> None:
    rng = np.random.default_rng(CODECS.index(name))
    for turn in range(1500):
        tensor = sparse(turn % 7)
        made = made_of(name)
        frame = made.encode(tensor)
        payload = bytearray(frame[8:])
        for _ in range(int(rng.integers(1, 5))):
            place = int(rng.integers(len(payload))) if turn % 3 else int(rng.integers(min(16, len(payload))))
            payload[place] = int(rng.choice([0, 255, 254, int(rng.integers(256))]))
        if turn % 4 == 3:
            payload = payload[: int(rng.integers(len(payload) + 1))]
        if turn % 4 == 2:
            payload += rng.bytes(int(rng.integers(1, 30)))
        refused_or_in_range(made, resealed(frame, bytes(payload)), tensor)


KINDS = {"gap": GAPS, "bitmap_zstd": ZIPPED, "range": CHANNELWISE, "int8": SCALED, "int4": SCALED, "top_k": LARGEST}


@pytest.mark.parametrize("name", KINDS)
@quick
@given(
    payload=st.one_of(
        st.binary(max_size=400),
        st.tuples(st.sampled_from([0, 1, 2, 3]), st.binary(max_size=40)).map(
            lambda p: bytes([p[0]]) + p[1] + bytes(300)
        ),
    ),
    rows=st.integers(0, 70),
    channels=st.integers(1, 70),
    levels=st.sampled_from([1, 3, 127]),
    signed=st.booleans(),
)
def test_any_payload_with_a_sound_checksum_does_no_harm(
    name: str, payload: bytes, rows: int, channels: int, levels: int, signed: bool
) -> None:
    made = made_of(name, channels, levels, signed)
    frame = envelope(KINDS[name], rows * channels, payload)
    refused_or_in_range(made, frame, np.empty((rows, channels), dtype=np.float32))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "how it is sent"),
        (b"\x04" + bytes(40), "how it is sent"),
        (b"\x00\xff\xff", "positions lead beyond"),
        (b"\x00" + bytes(400), "positions lead beyond"),
        (b"\x00" + b"\xff" * 12 + b"\x00", "payload has 1 bytes, must have 0"),
        (b"\x01" + b"\xff" * 12 + b"\x00" * 6, "values have 6 bytes, need at least 10"),
        (b"\x01" + b"\xff" * 12 + bytes(6) + bytes(4), "values start with state 0"),
        (b"\x01" + b"\xff" * 12 + bytes(6) + b"\0\x80\0\0" + b"\x01", "have 1 bytes of words"),
        (b"\x01" + b"\xff" * 12 + bytes(6) + b"\0\x80\0\0" + b"\x01\x01", "use 0 of 1 words"),
    ],
)
def test_impossible_range_payloads_are_refused_by_reason(payload: bytes, reason: str) -> None:
    frame = envelope(CHANNELWISE, 64 * 24, payload)
    with pytest.raises(CorruptFrame, match=reason):
        received(made_of("range"), frame, sparse())


def test_a_channel_of_a_hand_written_range_frame_is_read() -> None:
    gaps = [0, 0, 1, *field(1, 2)], [1, *field(3, 2)], [*([0] * 12), 1, *field(2, 2)]
    bits = [*field(2, 4), *(bit for gap in gaps for bit in gap)]
    frame = envelope(CHANNELWISE, 64, b"\x00" + slow.octets(bits))
    tensor = np.zeros((64, 1), dtype=np.float32)
    tensor[[9, 13]] = 1
    np.testing.assert_array_equal(received(made_of("range", 1, 1, False), frame, tensor), tensor)


def test_values_beyond_the_levels_are_refused() -> None:
    tensor = np.full((1, 8), 4, dtype=np.float32)
    for name in ("bitmap", "address"):
        frame = made_of(name, 8, 4, False).encode(tensor)
        with pytest.raises(CorruptFrame, match="beyond 3"):
            received(made_of(name, 8, 3, False), frame, tensor)


@pytest.mark.parametrize("name", CODECS)
def test_a_small_frame_that_declares_much_is_refused_before_memory_is_taken(name: str) -> None:
    channels = 4095
    rows = MAX_ELEMENTS // channels
    made = made_of(name, channels)
    out = np.empty((rows, channels), dtype=np.float32)
    frame = resealed(made.encode(np.zeros((rows, channels), dtype=np.float32))[:8], bytes(8))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFrame):
            made.decode(frame, out)
        # The codec of channels has their presence bits in memory before it reads the first of them.
        assert tracemalloc.get_traced_memory()[1] < (out.size // 2 if name in ("gap", "range") else 100_000)
    finally:
        tracemalloc.stop()


def test_a_zstd_frame_that_would_grow_large_is_refused_before_memory_is_taken() -> None:
    bomb = zstandard.ZstdCompressor(level=1).compress(bytes(1 << 30))
    unsized = zstandard.ZstdCompressor(level=1, write_content_size=False).compress(bytes(1 << 20))
    tensor = sparse()
    tracemalloc.start()
    try:
        for stream in (bomb, unsized, b"", b"\x28\xb5\x2f\xfd", bytes(20)):
            with pytest.raises(CorruptFrame):
                received(made_of("bitmap_zstd"), envelope(ZIPPED, tensor.size, b"\x00" + stream), tensor)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("unit", [np.nan, np.inf, -1.0, 3e38])
def test_impossible_units_are_refused(unit: float) -> None:
    payload = np.array([unit], dtype="<f4").tobytes() + bytes(24)
    with pytest.raises(CorruptFrame, match="unit"):
        received(made_of("int8"), envelope(SCALED, 24, payload), np.empty((1, 24), dtype=np.float32))


def test_integers_that_no_sender_makes_are_refused() -> None:
    unit = np.array([1], dtype="<f4").tobytes()
    for name, payload in (
        ("int8", b"\x80\x00\x00"),
        ("int4", b"\x08\x00"),
        ("int4", b"\x00\x10"),
        ("int4", b"\x80\x00"),
    ):
        with pytest.raises(CorruptFrame, match="integer below"):
            received(made_of(name, 3), envelope(SCALED, 3, unit + payload), np.empty((1, 3), dtype=np.float32))
