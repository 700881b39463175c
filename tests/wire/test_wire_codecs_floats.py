from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt
import pytest
import wire_codecs_plain as slow
from hypothesis import given
from hypothesis import strategies as st
from wire_codec_cases import Floats, quick, received

from axonal.wire import Codec, Int4Codec, Int8Codec, TopKCodec, codec

EVERY_HALF = np.arange(65536, dtype=np.uint32).astype(np.uint16).view(np.float16)
SCALED: tuple[type[Int8Codec] | type[Int4Codec], ...] = (Int8Codec, Int4Codec)


def made(name: str, channels: int = 1) -> Codec:
    return codec(name, levels=1, signed=False, channels=channels)


def crossed(name: str, tensor: npt.NDArray[np.float32]) -> Floats:
    it = made(name, tensor.shape[1])
    return received(it, it.encode(tensor), tensor)


def patterns() -> Floats:
    """Floats of all kinds: every half, their midpoints and neighbours, and random patterns."""
    halves = EVERY_HALF.astype(np.float32)[EVERY_HALF.view(np.uint16) & 0x7FFF < 0x7C00]
    ordered = np.sort(halves)
    middles = (ordered[1:] + ordered[:-1]) / 2
    near = [np.nextafter(middles, np.float32(side)) for side in (-1e9, 1e9)]
    bits = np.random.default_rng(0).integers(0, 2**32, 200_000, dtype=np.uint32)
    special = np.array([65519.996, 65520, -65520, np.inf, -np.inf, np.nan, 3.4e38, 1e-45], dtype=np.float32)
    return np.concatenate([halves, middles, *near, bits.view(np.float32), special]).reshape(1, -1)


def test_fp32_is_exact_to_the_bit() -> None:
    tensor = patterns()
    assert made("fp32").exact
    np.testing.assert_array_equal(crossed("fp32", tensor).view(np.uint32), tensor.view(np.uint32))


def test_fp16_rounds_as_numpy_does() -> None:
    tensor = patterns()
    with np.errstate(over="ignore", invalid="ignore"):
        expected = tensor.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(crossed("fp16", tensor), expected)


def test_every_half_is_read_as_numpy_reads_it() -> None:
    halves = EVERY_HALF[~np.isnan(EVERY_HALF)].astype(np.float32).reshape(1, -1)
    np.testing.assert_array_equal(crossed("fp16", halves).view(np.uint32), halves.view(np.uint32))


def bfloat16(value: float) -> float:
    """The nearest float with zeros in its lower half, ties to the even one."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    down = bits & 0xFFFF0000
    rest = bits - down
    up = rest > 0x8000 or (rest == 0x8000 and bool(down & 0x10000))
    (result,) = struct.unpack("<f", struct.pack("<I", down + 0x10000 * up))
    return float(result)


def test_bf16_rounds_to_nearest_even_and_keeps_what_is_no_number() -> None:
    tensor = patterns()[:, -60_000:]
    numbers = np.where(np.isnan(tensor), np.float32(0), tensor)
    expected = np.array([bfloat16(value) for value in numbers.ravel().tolist()], dtype=np.float32)
    np.testing.assert_array_equal(crossed("bf16", numbers).ravel(), expected)
    strange = np.array([0x7F800001, 0x7FFFFFFF, 0xFFFFFFFF, 0xFF800001], dtype=np.uint32).view(np.float32)
    assert np.isnan(crossed("bf16", strange.reshape(1, -1))).all()


tensors = st.builds(
    lambda rows, channels, scale, seed: (
        np.clip(np.random.default_rng(seed).standard_normal((rows, channels)), -3, 3) * scale
    ).astype(np.float32),
    st.integers(1, 30),
    st.integers(1, 70),
    st.sampled_from([0.0, 1e-44, 1e-37, 1e-3, 1.0, 1e38]),
    st.integers(0, 999),
)


@quick
@given(tensor=tensors, kind=st.sampled_from(SCALED))
def test_scaled_integers_are_those_of_each_row_alone(tensor: Floats, kind: type[Int8Codec] | type[Int4Codec]) -> None:
    it = kind(channels=tensor.shape[1])
    arrived = received(it, it.encode(tensor), tensor)
    for row, (unit, integers) in zip(arrived, slow.scaled(tensor, it.most), strict=True):
        np.testing.assert_array_equal(row, np.array(integers, dtype=np.float32) * unit)
    worst = np.maximum(np.abs(tensor).max(axis=1, keepdims=True) / it.most, 2.0**-126)
    assert np.all(np.abs(arrived - tensor) <= worst * (0.5 + 1e-4) + worst * (worst <= 2.0**-126) * it.most)


@pytest.mark.parametrize("kind", SCALED)
def test_rows_of_zeros_and_of_the_largest_floats_stay_finite(kind: type[Int8Codec] | type[Int4Codec]) -> None:
    most = np.finfo(np.float32).max
    tensor = np.array([[0, 0, 0], [most, -most, 1], [1, 0, -1]], dtype=np.float32)
    it = kind(channels=3)
    arrived = received(it, it.encode(tensor), tensor)
    np.testing.assert_allclose(arrived, tensor, rtol=1e-5, atol=1.0)


@pytest.mark.parametrize("name", ["int8", "int4", "top_k"])
@pytest.mark.parametrize("stranger", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_refused_by_value(name: str, stranger: float) -> None:
    tensor = np.ones((3, 5), dtype=np.float32)
    tensor[1, 2] = stranger
    with pytest.raises(ValueError, match=f"element 7 is {stranger}, must be finite"):
        made(name, 5).encode(tensor)


@quick
@given(tensor=tensors, share=st.sampled_from([0.01, 1 / 16, 0.3, 1.0]), coarse=st.booleans())
def test_top_k_sends_the_largest_of_each_row(tensor: Floats, share: float, coarse: bool) -> None:
    # Coarse tensors have many equal elements.
    tensor = np.round(tensor) if coarse else tensor
    it = TopKCodec(channels=tensor.shape[1], share=share)
    frame = it.encode(tensor)
    assert len(frame) == it.capacity_bytes(tensor.size)
    np.testing.assert_array_equal(received(it, frame, tensor), slow.largest(tensor, it.kept))


@pytest.mark.parametrize(("share", "kept"), [(0.01, 1), (1 / 16, 4), (0.1, 7), (0.3, 20), (1.0, 64)])
def test_the_share_is_rounded_up_and_its_places_take_the_shorter_way(share: float, kept: int) -> None:
    it = TopKCodec(channels=64, share=share)
    assert it.kept == kept
    assert it.capacity_bytes(10 * 64) == 8 + 10 * min(2 * kept, 8) + 10 * kept * 2


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"share is {share}, must be above 0"):
        TopKCodec(channels=4, share=share)
