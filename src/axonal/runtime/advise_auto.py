"""Choosing codecs while a pipeline runs: what the link does now, what each codec takes now, and no haste."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from axonal.runtime.advise_predicting import best_codec, crossing_ms
from axonal.runtime.crossing import Crossing
from axonal.runtime.lanes import Lanes, codec_for
from axonal.runtime.probe_machine import Clock
from axonal.wire.codec import Floats
from axonal.wire.message import MESSAGE_BYTES

__all__ = ["AutoCoder", "AutoSettings", "LinkRate", "Sample"]


@dataclass(frozen=True, kw_only=True)
class AutoSettings:
    """How eager the choice is.

    Args:
        sample_every: One frame in so many is also made in one other codec, to keep its figures fresh.
        better: By which share of the time of a crossing another codec has to be better.
        patience: How often in a row it has to be, before it is taken.
        memory: Weight of what was known when something new is seen, from 0 to below 1.
        busy_ms: Other work of a rank for each tensor, where it is known; see `best_codec`.
    """

    sample_every: int = 32
    better: float = 0.1
    patience: int = 5
    memory: float = 0.8
    busy_ms: float | None = None

    def __post_init__(self) -> None:
        for name in ("sample_every", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be >= 1")
        if not self.better >= 0:
            raise ValueError(f"better is {self.better}, must be >= 0")
        if not 0 <= self.memory < 1:
            raise ValueError(f"memory is {self.memory}, must be from 0 to below 1: 0 believes the last sample alone")


@dataclass(kw_only=True)
class LinkRate:
    """An estimate of the rate of a link: bits over time, both forgotten at the same pace.

    Args:
        memory: What is left of both when a sample comes.
        bits_per_ns: What was probed before; 0 where nothing is known.
    """

    memory: float
    bits_per_ns: float = 0.0
    _bits: float = field(default=0.0, repr=False)
    _ns: float = field(default=0.0, repr=False)

    def saw(self, size_bytes: int, took_ms: float, *, limited: bool) -> None:
        """Learn from something that crossed.

        Args:
            size_bytes: How much.
            took_ms: How long.
            limited: Whether it was the link that took the time. If not, the link is at least that fast: the estimate
                rises to it where it is lower, and never falls.
        """
        if size_bytes <= 0 or took_ms <= 0:
            return
        bits, ns = 8.0 * size_bytes, 1e6 * took_ms
        if not limited and bits / ns <= self.bits_per_ns:
            return
        # What was known before the first sample counts as much as that.
        if not self._ns and self.bits_per_ns:
            self._bits, self._ns = self.bits_per_ns * ns, ns
        self._bits, self._ns = self.memory * self._bits + bits, self.memory * self._ns + ns
        self.bits_per_ns = self._bits / self._ns


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a tensor took in a codec, of late.

    Args:
        frame_bytes: Length of its message.
        encode_ms: Time to make it.
        decode_ms: Time to read it.
    """

    frame_bytes: float
    encode_ms: float
    decode_ms: float

    def then(self, later: Sample, memory: float) -> Sample:
        """This and a later one, mixed."""
        return Sample(
            frame_bytes=memory * self.frame_bytes + (1 - memory) * later.frame_bytes,
            encode_ms=memory * self.encode_ms + (1 - memory) * later.encode_ms,
            decode_ms=memory * self.decode_ms + (1 - memory) * later.decode_ms,
        )


@dataclass(kw_only=True)
class _Lane:
    """What is known of one crossing."""

    crossing: Crossing
    names: tuple[str, ...]
    table: dict[str, Sample] = field(default_factory=dict)
    frames: int = 0
    wanted: str = ""
    times: int = 0


class AutoCoder:
    """Chooses the codec of each crossing of this rank, by the rate of the link and by what codecs take.

    Call `encoded` for each frame that was made (a hook of `Lanes`) and `crossed` for each message that crossed, then
    `step` once a step. Nothing here waits or starts a thread.

    Numbers stay as they are: only exact codecs are chosen between, which are those of symbols, unless others are named
    in `among`.

    Args:
        lanes: Where codecs are chosen.
        rate_bits_per_ns: What a probe found; 0 where nothing is known, and then nothing is changed until something
            crosses.
        among: Codecs to choose between by name of what crosses, in place of the exact ones.
        settings: How eager the choice is.
        clock: Nanoseconds.

    Raises:
        ValueError: `among` names a codec that is not allowed there.
    """

    def __init__(
        self,
        lanes: Lanes,
        *,
        rate_bits_per_ns: float = 0.0,
        among: Mapping[str, Sequence[str]] | None = None,
        settings: AutoSettings | None = None,
        clock: Clock = time.perf_counter_ns,
    ) -> None:
        self.settings = settings or AutoSettings()
        self.link = LinkRate(memory=self.settings.memory, bits_per_ns=rate_bits_per_ns)
        self._lanes, self._clock = lanes, clock
        self._by_number = [
            _Lane(crossing=crossing, names=_names(crossing, (among or {}).get(crossing.name)))
            for crossing in lanes.crossings
        ]

    def encoded(self, number: int, values: Floats, frame_bytes: int, encode_ms: float) -> None:
        """Learn from a frame that is about to be sent; now and then, try what another codec would make of it.

        Args:
            number: Of the crossing.
            values: The tensor.
            frame_bytes: Length of its frame.
            encode_ms: Time to make it.
        """
        lane = self._by_number[number]
        used = self._lanes.chosen(lane.crossing.name)
        if len(lane.names) < 2 or used not in lane.names:
            return
        if not lane.table:
            for name in lane.names:
                self._try(lane, name, values)
        elif used in lane.table:
            seen = Sample(
                frame_bytes=frame_bytes + MESSAGE_BYTES, encode_ms=encode_ms, decode_ms=lane.table[used].decode_ms
            )
            lane.table[used] = lane.table[used].then(seen, self.settings.memory)
        lane.frames += 1
        if lane.frames % self.settings.sample_every == 0:
            turn = lane.frames // self.settings.sample_every
            self._try(lane, lane.names[turn % len(lane.names)], values)

    def crossed(self, size_bytes: int, took_ms: float, *, limited: bool = True) -> None:
        """Learn from a message that crossed; see `LinkRate.saw`."""
        self.link.saw(size_bytes, took_ms, limited=limited)

    def step(self) -> dict[str, str]:
        """Choose again; what was changed, by name of what crosses."""
        changed = {}
        for lane in self._by_number:
            if lane.table and self.link.bits_per_ns > 0 and self._decides(lane):
                self._lanes.choose(lane.crossing.name, lane.wanted)
                changed[lane.crossing.name] = lane.wanted
        return changed

    def table(self, name: str) -> Mapping[str, Sample]:
        """What each codec takes of late for what is called `name`."""
        return dict(self._by_number[self._lanes.numbers[name]].table)

    def _decides(self, lane: _Lane) -> bool:
        """Whether another codec has been better for long enough."""
        used = self._lanes.chosen(lane.crossing.name)
        rate, busy_ms = self.link.bits_per_ns, self.settings.busy_ms
        best = best_codec(rate, lane.table, busy_ms=busy_ms)
        times_ms = {name: crossing_ms(rate, lane.table[name], busy_ms)[0] for name in (best, used)}
        if times_ms[best] * (1 + self.settings.better) >= times_ms[used]:
            lane.wanted, lane.times = "", 0
            return False
        lane.times = lane.times + 1 if best == lane.wanted else 1
        lane.wanted = best
        if lane.times < self.settings.patience:
            return False
        lane.times = 0
        return True

    def _try(self, lane: _Lane, name: str, values: Floats) -> None:
        made = codec_for(name, lane.crossing)
        if name not in lane.table:
            made.decode(made.encode(values), np.empty_like(values))  # the first call compiles
        started = self._clock()
        frame = made.encode(values)
        between = self._clock()
        made.decode(frame, np.empty_like(values))
        seen = Sample(
            frame_bytes=len(frame) + MESSAGE_BYTES,
            encode_ms=(between - started) / 1e6,
            decode_ms=(self._clock() - between) / 1e6,
        )
        lane.table[name] = lane.table[name].then(seen, self.settings.memory) if name in lane.table else seen


def _names(crossing: Crossing, given: Sequence[str] | None) -> tuple[str, ...]:
    found = tuple(given) if given is not None else crossing.codecs
    made = {name: codec_for(name, crossing) for name in found}
    return found if given is not None else tuple(name for name, item in made.items() if item.exact)
