from __future__ import annotations

import re
import threading

import numpy as np
import pytest
import wire_codecs_plain as slow
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from wire_codec_cases import (
    CAPPED,
    FLOAT_CODECS,
    SYMBOL_CODECS,
    Draw,
    Floats,
    draws,
    quick,
    received,
    symbol_tensors,
    symbols,
    uneven,
)

from axonal.wire import CODECS, AddressEvent, Bitmap, Codec, Dense, codec, codec_by_number, entropy_bound_bits

Case = tuple[Floats, int, bool]


@quick
@given(draws(SYMBOL_CODECS))
def test_symbols_arrive_as_they_were(draw: Draw) -> None:
    made, tensor = draw
    assert made.exact
    np.testing.assert_array_equal(received(made, made.encode(tensor), tensor), tensor)


@quick
@given(draws())
def test_no_frame_is_longer_than_its_capacity(draw: Draw) -> None:
    made, tensor = draw
    assert len(made.encode(tensor)) <= made.capacity_bytes(tensor.size)


@quick
@given(symbol_tensors())
def test_bitmap_address_and_dense_frames_are_those_that_the_simulator_counts(case: Case) -> None:
    tensor, levels, signed = case
    channels, whole = tensor.shape[1], tensor.astype(np.int64)
    width = slow.value_bits(levels, signed)
    formats = {
        "bitmap": Bitmap(value_bits=width, signed=signed),
        "address": AddressEvent(group=channels, value_bits=width, signed=signed),
        "dense": Dense(element_bits=levels.bit_length() + signed, signed=signed),
    }
    for name, fmt in formats.items():
        assert codec(name, levels=levels, signed=signed, channels=channels).encode(tensor) == fmt.pack(whole)


@quick
@given(symbol_tensors())
def test_capped_codecs_are_no_longer_than_the_bitmap_and_take_one(case: Case) -> None:
    tensor, levels, signed = case
    plain = codec("bitmap", levels=levels, signed=signed, channels=tensor.shape[1]).encode(tensor)
    for name in CAPPED:
        made = codec(name, levels=levels, signed=signed, channels=tensor.shape[1])
        frame = made.encode(tensor)
        assert len(frame) < len(plain) or frame == plain
        np.testing.assert_array_equal(received(made, plain, tensor), tensor)


@quick
@given(symbol_tensors(most_rows=300))
def test_gap_frames_equal_those_made_one_event_at_a_time(case: Case) -> None:
    tensor, levels, signed = case
    channels = tensor.shape[1]
    plain = codec("bitmap", levels=levels, signed=signed, channels=channels).encode(tensor)
    payload = slow.gap_payload(tensor.astype(int).ravel().tolist(), slow.value_bits(levels, signed))
    made = codec("gap", levels=levels, signed=signed, channels=channels)
    assert made.encode(tensor) == slow.frame_or(slow.GAPS, payload, plain, tensor.size)


@quick
@given(symbol_tensors(most_rows=300, most_channels=20))
def test_range_frames_equal_those_made_one_event_at_a_time(case: Case) -> None:
    tensor, levels, signed = case
    channels = tensor.shape[1]
    plain = codec("bitmap", levels=levels, signed=signed, channels=channels).encode(tensor)
    payload = slow.channelwise_payload(tensor.astype(np.int64), levels, signed)
    made = codec("range", levels=levels, signed=signed, channels=channels)
    assert made.encode(tensor) == slow.frame_or(slow.CHANNELWISE, payload, plain, tensor.size)


@pytest.mark.parametrize("rates", [0.05, uneven(96)], ids=["even", "uneven"])
def test_zipped_bits_are_those_of_the_bitmap_in_one_order_or_the_other(rates: float | Floats) -> None:
    tensor = symbols(200, 96, 1, False, rates)
    frame = codec("bitmap_zstd", levels=1, signed=False, channels=96).encode(tensor)
    stream = zstandard.ZstdDecompressor().decompress(frame[9:])
    turned = tensor.T if frame[8] else tensor
    assert stream == np.packbits(turned.ravel() != 0, bitorder="little").tobytes()


@pytest.mark.parametrize(("levels", "signed"), [(1, False), (3, True)])
@pytest.mark.parametrize("rates", [0.05, uneven(512)], ids=["even", "uneven"])
def test_the_range_codec_is_within_6_percent_of_the_entropy(levels: int, signed: bool, rates: float | Floats) -> None:
    tensor = symbols(32 * 256, 512, levels, signed, rates)
    frame = codec("range", levels=levels, signed=signed, channels=512).encode(tensor)
    assert 1 <= 8 * len(frame) / entropy_bound_bits(tensor) < 1.06


def test_channels_with_tables_of_their_own_cost_less_than_the_entropy_of_all() -> None:
    rng = np.random.default_rng(0)
    low, high = rng.choice([1, 2, 3, 4], (4096, 8), p=[0.94, 0.02, 0.02, 0.02]), np.full((4096, 8), 4)
    tensor = np.where(rng.random((4096, 16)) < 0.2, np.hstack((low, high)), 0).astype(np.float32)
    frame = codec("range", levels=4, signed=False, channels=16).encode(tensor)
    assert 8 * len(frame) < 1.06 * entropy_bound_bits(tensor)


def test_the_entropy_bound_is_that_of_each_channel() -> None:
    tensor = np.array([[0, 1, -1], [0, 0, 0], [0, 1, 1], [0, 0, 0]])
    assert entropy_bound_bits(tensor) == pytest.approx(0 + 4 + 6)
    with pytest.raises(ValueError, match=r"shape \(4,\)"):
        entropy_bound_bits(tensor[:, 0])


@pytest.mark.parametrize("name", SYMBOL_CODECS)
@pytest.mark.parametrize("stranger", [0.5, -1.0, 4.0, 1e30, -1e30, np.nan, np.inf, -np.inf, 1e-30])
@pytest.mark.parametrize("place", [(0, 0), (99, 12)])
def test_what_is_no_symbol_is_refused_with_value_and_bound(name: str, stranger: float, place: tuple[int, int]) -> None:
    tensor = symbols(100, 13, 3, False, 0.2)
    tensor[place] = stranger
    made = codec(name, levels=3, signed=False, channels=13)
    named = re.escape(f"{stranger:g}")
    with pytest.raises(ValueError, match=rf"element \d+ is {named}, must be a whole number 0 to 3"):
        made.encode(tensor)


@pytest.mark.parametrize("name", SYMBOL_CODECS)
def test_negative_zero_is_zero(name: str) -> None:
    tensor = np.full((5, 7), -0.0, dtype=np.float32)
    made = codec(name, levels=1, signed=False, channels=7)
    assert made.encode(tensor) == made.encode(np.zeros_like(tensor))


@pytest.mark.parametrize("name", CODECS)
def test_names_and_numbers_are_stable_and_lead_to_the_same_codec(name: str) -> None:
    numbers = [1, 2, 3, 4, 5, 6, 16, 17, 18, 19, 20, 21]
    made = codec(name, levels=3, signed=True, channels=8)
    assert isinstance(made, Codec)
    assert (made.name, made.number) == (name, numbers[CODECS.index(name)])
    assert codec_by_number(made.number, levels=3, signed=True, channels=8) == made


def test_unknown_codecs_and_impossible_tensors_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no codec 'morse', must be one of bitmap, address"):
        codec("morse", levels=1, signed=False, channels=1)
    with pytest.raises(ValueError, match="no codec number 255, must be one of 1, 2"):
        codec_by_number(255, levels=1, signed=False, channels=1)
    for name in SYMBOL_CODECS:
        for levels in (0, 128):
            with pytest.raises(ValueError, match=f"levels is {levels}, must be 1 to 127"):
                codec(name, levels=levels, signed=False, channels=1)
    for name in ("address", "int8", "int4", "top_k"):
        with pytest.raises(ValueError, match="channels is 0, must be 1 to"):
            codec(name, levels=1, signed=False, channels=0)


@pytest.mark.parametrize("name", CODECS)
def test_tensors_of_another_type_or_shape_are_refused(name: str) -> None:
    made = codec(name, levels=1, signed=False, channels=4)
    tensor = np.ones((3, 4), dtype=np.float32)
    frame = made.encode(tensor)
    with pytest.raises(TypeError, match="tensor holds float64, must hold float32"):
        made.encode(tensor.astype(np.float64))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must have \\(rows, channels\\)"):
        made.encode(tensor.ravel())
    with pytest.raises(ValueError, match="contiguous and writeable"):
        made.decode(frame, np.ones((4, 3), dtype=np.float32).T)
    with pytest.raises(ValueError, match="split the tensor"):
        made.encode(np.broadcast_to(np.float32(0), (2**22, 4)))
    if name in ("address", "int8", "int4", "top_k"):
        with pytest.raises(ValueError, match="has 3 channels, must have 4"):
            made.encode(tensor.reshape(4, 3))


@pytest.mark.parametrize("name", CODECS)
def test_memory_of_any_order_and_place_gives_the_same_frame(name: str) -> None:
    tensor = symbols(50, 64, 1, False, 0.1)
    made = codec(name, levels=1, signed=False, channels=64)
    frame = made.encode(tensor)
    for other in (np.asfortranarray(tensor), np.repeat(tensor, 2, axis=0)[::2], np.frombuffer(tensor.tobytes(), "f4")):
        assert made.encode(other.reshape(50, 64)) == frame
    for offset in range(4):
        view = memoryview(bytearray(offset) + frame)[offset:]
        np.testing.assert_array_equal(received(made, view, tensor), received(made, frame, tensor))


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (1, 300), (300, 1), (64, 64), (63, 65), (65, 127)])
def test_tensors_of_any_shape_cross(name: str, shape: tuple[int, int]) -> None:
    tensor = symbols(*shape, 2, True, 0.2)
    made = codec(name, levels=2, signed=True, channels=shape[1])
    arrived = received(made, made.encode(tensor), tensor)
    if name not in ("top_k", "int8", "int4"):
        np.testing.assert_array_equal(arrived, tensor)


@quick
@given(seed=st.integers(0, 1000), name=st.sampled_from(CODECS))
def test_a_frame_depends_on_the_tensor_alone(seed: int, name: str) -> None:
    tensor = symbols(30, 20, 3, True, 0.2, seed)
    made = codec(name, levels=3, signed=True, channels=20)
    frames = list[bytes]()
    threads = [threading.Thread(target=lambda: frames.append(made.encode(tensor))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(frames) == 3
    assert len(set(frames)) == 1


def test_every_codec_is_either_of_symbols_or_of_floats() -> None:
    assert (*SYMBOL_CODECS, *FLOAT_CODECS) == CODECS
