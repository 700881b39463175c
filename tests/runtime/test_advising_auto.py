"""Codecs that are chosen while a pipeline runs: the right one, the next one when the link changes, and no flapping."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from test_advising import FAST, SLOW, SYMBOLS, VALUES

from axonal.runtime.advise_auto import AutoCoder, AutoSettings, LinkRate, Sample
from axonal.runtime.advise_predicting import best_codec
from axonal.runtime.lanes import Lanes
from axonal.wire import MESSAGE_BYTES

PLAIN = Sample(frame_bytes=500_000, encode_ms=1.0, decode_ms=1.0)
SMALL = Sample(frame_bytes=100_000, encode_ms=4.0, decode_ms=3.0)
TABLE = {"bitmap": PLAIN, "range": SMALL}


def test_the_best_codec_depends_on_the_rate() -> None:
    assert best_codec(FAST, TABLE) == "bitmap"
    assert best_codec(SLOW, TABLE) == "range"
    even = (PLAIN.frame_bytes - SMALL.frame_bytes) * 8 / 5e6
    assert best_codec(even * 1.001, TABLE) == "bitmap"
    assert best_codec(even * 0.999, TABLE) == "range"


def test_beside_other_work_the_slower_of_work_and_link_counts() -> None:
    rate = 500_000 * 8 / 6e6  # a bitmap takes 6 ms
    assert best_codec(rate, TABLE) == "bitmap"
    assert best_codec(rate, TABLE, busy_ms=0.0) == "range"
    assert best_codec(rate, TABLE, busy_ms=10.0) == "bitmap"
    with pytest.raises(ValueError, match="table is empty"):
        best_codec(rate, {})
    with pytest.raises(ValueError, match="rate_bits_per_ns is 0"):
        best_codec(0.0, TABLE)


def test_the_rate_of_a_link_follows_what_crosses() -> None:
    link = LinkRate(memory=0.5)
    link.saw(125_000, 1.0, limited=True)
    assert link.bits_per_ns == 1.0
    for _ in range(20):
        link.saw(125_000, 10.0, limited=True)
    assert link.bits_per_ns == pytest.approx(0.1, rel=1e-3)


def test_what_the_link_did_not_hold_up_only_raises_its_rate() -> None:
    link = LinkRate(memory=0.5, bits_per_ns=1.0)
    link.saw(1000, 50.0, limited=False)
    assert link.bits_per_ns == 1.0
    link.saw(1_000_000, 1.0, limited=False)
    assert 1.0 < link.bits_per_ns < 8.0
    link.saw(0, 0.0, limited=True)
    assert link.bits_per_ns > 1.0


def telling(dear_ns: int = 1_000_000) -> Iterator[int]:
    """The clock of trials: the bitmap, tried first, takes no time, every other codec so long to encode."""
    now = 0
    for trial in itertools.count():
        yield now
        now += dear_ns if trial else 0
        yield now
        yield now


@pytest.fixture
def auto() -> tuple[AutoCoder, Lanes]:
    lanes = Lanes([SYMBOLS, VALUES])
    coder = AutoCoder(lanes, settings=AutoSettings(patience=3, sample_every=4), clock=itertools.count().__next__)
    return coder, lanes


def sparse(rows: int = 4096) -> np.ndarray:
    return (np.random.default_rng(1).random((rows, 32)) < 0.02).astype(np.float32)


def send(coder: AutoCoder, lanes: Lanes, rate: float, times: int = 12) -> list[dict[str, str]]:
    """So many steps over a link of that rate; a bitmap takes no time, any other frame 0.1 ms more at each end."""
    changes = []
    values = sparse()
    for _ in range(times):
        _, frame = lanes.encoded(0, values)
        coder.encoded(0, values, len(frame), encode_ms=0.0 if lanes.chosen("s") == "bitmap" else 0.1)
        size = len(frame) + MESSAGE_BYTES
        coder.crossed(size, size * 8 / rate / 1e6)
        changes.append(coder.step())
    return changes


def test_auto_settles_on_the_bitmap_where_the_link_is_fast(auto: tuple[AutoCoder, Lanes]) -> None:
    coder, lanes = auto
    lanes.choose("s", "range")
    assert send(coder, lanes, 1000.0, times=20)[-1] == {}
    assert lanes.chosen("s") == "bitmap"


def test_auto_settles_on_a_smaller_coding_where_it_is_slow(auto: tuple[AutoCoder, Lanes]) -> None:
    coder, lanes = auto
    changes = send(coder, lanes, SLOW)
    assert lanes.chosen("s") not in ("bitmap", "dense")
    assert [bool(item) for item in changes[:3]] == [False, False, True]
    assert sum(map(bool, changes)) == 1


def test_auto_follows_when_the_rate_changes(auto: tuple[AutoCoder, Lanes]) -> None:
    coder, lanes = auto
    send(coder, lanes, SLOW)
    assert lanes.chosen("s") != "bitmap"
    send(coder, lanes, 1000.0, times=60)
    assert lanes.chosen("s") == "bitmap"
    send(coder, lanes, SLOW, times=30)
    assert lanes.chosen("s") != "bitmap"


@pytest.fixture
def torn() -> tuple[AutoCoder, float]:
    """One that knows all codecs, and the rate at which the bitmap is as good as the best of the others."""
    coder = AutoCoder(Lanes([SYMBOLS]), settings=AutoSettings(patience=2), clock=telling().__next__)
    values = sparse()
    coder.encoded(0, values, 100, 0.0)
    table = dict(coder.table("s"))
    bitmap = table.pop("bitmap")
    assert bitmap.encode_ms == 0
    smallest = min(item.frame_bytes for item in table.values())
    return coder, (bitmap.frame_bytes - smallest) * 8 / 1e6


def test_auto_does_not_change_for_a_small_gain(torn: tuple[AutoCoder, float]) -> None:
    coder, even = torn
    for tilt in (0.97, 1.03) * 10 + (0.97,) * 10:
        coder.link.bits_per_ns = even * tilt
        assert coder.step() == {}


def test_auto_does_not_flap_with_a_link_that_does(torn: tuple[AutoCoder, float]) -> None:
    coder, even = torn
    for tilt in (0.1, 10.0) * 10:
        coder.link.bits_per_ns = even * tilt
        assert coder.step() == {}
    changes = []
    for _ in range(2):
        coder.link.bits_per_ns = even * 0.1
        changes.append(coder.step())
    assert [bool(item) for item in changes] == [False, True]


def test_auto_leaves_codecs_alone_that_would_change_numbers(auto: tuple[AutoCoder, Lanes]) -> None:
    coder, lanes = auto
    values = np.ones((64, VALUES.channels), dtype=np.float32)
    for _ in range(10):
        coder.encoded(1, values, 100, 0.1)
        coder.crossed(100_000, 1000.0)
        coder.step()
    assert lanes.chosen("v") == "fp32"
    assert coder.table("v") == {}


def test_auto_takes_codecs_that_it_was_given() -> None:
    lanes = Lanes([VALUES])
    coder = AutoCoder(
        lanes,
        rate_bits_per_ns=SLOW,
        among={"v": ("fp32", "int8")},
        settings=AutoSettings(patience=1),
        clock=itertools.count().__next__,
    )
    values = np.ones((64, VALUES.channels), dtype=np.float32)
    coder.encoded(0, values, 100, 0.1)
    assert coder.step() == {"v": "int8"}
    with pytest.raises(ValueError, match="'gap' does not carry v"):
        AutoCoder(lanes, among={"v": ("gap",)})


def test_auto_changes_nothing_before_it_knows_the_link(auto: tuple[AutoCoder, Lanes]) -> None:
    coder, lanes = auto
    values = sparse()
    for _ in range(10):
        coder.encoded(0, values, 100, 0.1)
        assert coder.step() == {}
    assert lanes.chosen("s") == "bitmap"


@pytest.mark.parametrize(("name", "value"), [("sample_every", 0), ("patience", 0), ("better", -1.0), ("memory", 1.0)])
def test_settings_of_auto_are_bounded(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        AutoSettings(**{name: value})  # type: ignore[arg-type]
