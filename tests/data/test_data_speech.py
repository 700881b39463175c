"""Spoken digits: energies of bands, and splits by recording."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from axonal.data import load
from axonal.data.speech import BANDS, FRAMES, log_mel

Trust = Callable[[str, bytes], None]
RATE_HZ, LENGTH = 8_000, 6_500


def tone(hertz: float, loudness: float = 8_000.0, samples: int = LENGTH) -> np.ndarray:
    return (loudness * np.sin(2 * np.pi * hertz * np.arange(samples) / RATE_HZ)).round().astype(np.int16)


def centre_hertz(band: int) -> float:
    """The frequency in the middle of a band: bands are equally wide on the mel scale."""
    top = 2595 * np.log10(1 + RATE_HZ / 2 / 700)
    return float(700 * (10 ** (top * (band + 1) / (BANDS + 1) / 2595) - 1))


def test_silence_is_zero() -> None:
    assert not log_mel(np.zeros(LENGTH, dtype=np.int16)).any()
    assert not log_mel(np.zeros(0, dtype=np.int16)).any()


@pytest.mark.parametrize("band", [2, 5, 9, 14, 20, 25, 31])
def test_a_pure_tone_is_loudest_in_its_band(band: int) -> None:
    frames = log_mel(tone(centre_hertz(band)))
    assert frames.shape == (FRAMES, BANDS)
    assert set(frames.argmax(axis=1).tolist()) == {band}


@given(st.integers(0, 9_000), st.integers(0, 99), st.sampled_from([1, 100, 32_767]))
@settings(deadline=None, max_examples=25)
def test_any_sound_lies_between_zero_and_one(samples: int, seed: int, loudness: int) -> None:
    sound = np.random.default_rng(seed).integers(-loudness - 1, loudness + 1, samples).astype(np.int16)
    frames = log_mel(sound)
    assert frames.shape == (FRAMES, BANDS)
    assert frames.dtype == np.float32
    assert 0 <= frames.min() <= frames.max() <= 1


def test_a_louder_sound_is_larger_everywhere_and_ten_times_is_twenty_decibels() -> None:
    noise = np.random.default_rng(0).integers(-300, 300, LENGTH)
    soft, loud = (log_mel((noise * factor).astype(np.int16)) for factor in (1, 10))
    assert (loud > soft).all()
    np.testing.assert_allclose(loud - soft, 20 / 90, atol=1e-3)


def test_a_short_sound_ends_in_silence_and_a_long_one_is_cut() -> None:
    short = log_mel(tone(700, samples=2_000))
    assert short[:18].max(axis=1).min() > 0.3
    assert not short[20:].any()
    np.testing.assert_array_equal(log_mel(tone(700, samples=9_000)), log_mel(tone(700)))


def test_a_frame_sees_its_own_time_alone() -> None:
    sound = tone(500)
    changed = sound.copy()
    changed[3_000:3_100] = 0
    differs = (log_mel(changed) != log_mel(sound)).any(axis=1)
    assert np.flatnonzero(differs).tolist() == [29, 30]


def test_recordings_are_split_by_their_number(tmp_path: Path, trust: Trust) -> None:
    takes = [0, 4, 5, 9, 10, 30, 49]
    pieces = [tone(200 * (1 + n), samples=1_000 + n) for n in range(len(takes))]
    file = io.BytesIO()
    np.savez(
        file,
        samples=np.concatenate(pieces),
        offsets=np.cumsum([0, *map(len, pieces)]),
        digit=np.arange(len(takes), dtype=np.uint8),
        index=np.array(takes),
    )
    trust("fsdd/fsdd.npz", file.getvalue())
    (tmp_path / "fsdd.npz").write_bytes(file.getvalue())
    dataset = load("fsdd", tmp_path)
    assert [split.targets.tolist() for split in dataset.splits] == [[4, 5, 6], [2, 3], [0, 1]]
    assert torch.equal(dataset.test.inputs[1, 0], torch.from_numpy(log_mel(pieces[1])))
    (tmp_path / "fsdd.npz").write_bytes(file.getvalue()[:-20])
    with pytest.raises(ValueError, match="download it again"):
        load("fsdd", tmp_path)
