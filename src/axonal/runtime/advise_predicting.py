"""What a pipeline will do on a link, from what its stages and codecs take: closed forms, no clock and no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["CodecCost", "Cost", "HopCost", "Prediction", "Setting", "best_codec", "pays_below", "predicted"]

LOWEST_BITS_PER_NS, HIGHEST_BITS_PER_NS = 1e-4, 1e3
"""Rates between which a crossover is looked for: 100 kb/s to 1 Tb/s."""

_GRID = 141
_HALVINGS = 40


@dataclass(frozen=True, kw_only=True)
class HopCost:
    """All that goes from one stage to the next for a micro-batch.

    Args:
        message_bytes: Bytes of its messages, headers included.
        frame_bytes: Bytes of its frames alone.
        encode_ms: Time to make the messages.
        decode_ms: Time to read them.
    """

    message_bytes: int
    frame_bytes: int
    encode_ms: float
    decode_ms: float

    def __post_init__(self) -> None:
        _not_negative("hop", self, ("message_bytes", "frame_bytes", "encode_ms", "decode_ms"))


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a micro-batch takes on its way through the stages.

    Args:
        compute_ms: Time of each stage.
        hops: What lies between them, one less.
    """

    compute_ms: tuple[float, ...]
    hops: tuple[HopCost, ...]

    def __post_init__(self) -> None:
        if len(self.compute_ms) != len(self.hops) + 1:
            raise ValueError(
                f"hops has {len(self.hops)} items, must have {len(self.compute_ms) - 1}: one less than compute_ms"
            )
        if not all(math.isfinite(ms) and ms >= 0 for ms in self.compute_ms):
            raise ValueError(f"compute_ms is {self.compute_ms}, must be finite and >= 0")

    def work_ms(self, overhead_ms: float = 0.0) -> tuple[float, ...]:
        """Time of the processor of each rank: decode, compute, encode, and what a message costs beside."""
        return tuple(
            compute
            + (self.hops[place - 1].decode_ms + overhead_ms if place else 0.0)
            + (self.hops[place].encode_ms + overhead_ms if place < len(self.hops) else 0.0)
            for place, compute in enumerate(self.compute_ms)
        )


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where the pipeline runs.

    Args:
        rate_bits_per_ns: Link between neighbours, each direction (= Gb/s).
        round_trip_ns: Of that link.
        shared_cores: Cores that all ranks share, where they are processes of one machine; `None` where each rank has
            a core of its own.
        overhead_ms: What an engine takes for each message beside codecs and link, at each end.
        overlaps: Whether a message comes in while its receiver computes; if not, its transfer adds to the time of the
            receiving rank.
    """

    rate_bits_per_ns: float
    round_trip_ns: float = 0.0
    shared_cores: int | None = None
    overhead_ms: float = 0.0
    overlaps: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.rate_bits_per_ns < math.inf:
            raise ValueError(f"rate_bits_per_ns is {self.rate_bits_per_ns}, must be finite and > 0")
        _not_negative("setting", self, ("round_trip_ns", "overhead_ms"))
        if self.shared_cores is not None and self.shared_cores < 1:
            raise ValueError(f"shared_cores is {self.shared_cores}, must be >= 1, or None where none are shared")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """How fast a pipeline will be.

    Args:
        period_ms: From one micro-batch to the next, once the pipeline is full.
        latency_ms: Of one micro-batch alone.
        bound: What sets the period, for people: `rank 1`, `link 0->1` or `shared cores`.
    """

    period_ms: float
    latency_ms: float
    bound: str


def predicted(cost: Cost, setting: Setting) -> Prediction:
    """The period and the latency of a micro-batch.

    ```
    work[s]  = decode + compute + encode of rank s
    wire[h]  = bytes * 8 / rate of hop h
    period   = max(work, wire)                      where messages come in beside the computing
             = max(work[s] + wire[s - 1] + rtt)     where they do not
             and at least sum(work) / cores         where ranks share cores
    latency  = sum(work) + sum(wire + rtt / 2)
    ```
    """
    work = cost.work_ms(setting.overhead_ms)
    wire = [hop.message_bytes * 8 / setting.rate_bits_per_ns / 1e6 for hop in cost.hops]
    trip_ms = setting.round_trip_ns / 1e6
    if setting.overlaps:
        bounds = {f"rank {rank}": ms for rank, ms in enumerate(work)}
        bounds |= {f"link {hop}->{hop + 1}": ms for hop, ms in enumerate(wire)}
    else:
        waits = [0.0, *(ms + trip_ms for ms in wire)]
        bounds = {
            f"link {rank - 1}->{rank}" if wait > busy else f"rank {rank}": busy + wait
            for rank, (busy, wait) in enumerate(zip(work, waits, strict=True))
        }
    if setting.shared_cores is not None:
        bounds["shared cores"] = sum(work) / min(setting.shared_cores, len(work))
    bound = max(bounds, key=lambda name: bounds[name])
    return Prediction(
        period_ms=max(bounds[bound], 1e-9),
        latency_ms=sum(work) + sum(wire) + len(wire) * trip_ms / 2,
        bound=bound,
    )


def pays_below(sparse: Cost, dense: Cost, setting: Setting, margin: float = 0.0) -> float:
    """The link rate below which one coding beats another, in bits/ns: 0 never, infinity at every rate looked at.

    The rate of the setting itself is not used. Rates run from 1e-4 to 1e3 bits/ns; what is found there is bisected.

    Args:
        sparse: What is to win.
        dense: What it is held against.
        setting: Where both run.
        margin: By which share its throughput has to be larger.
    """
    span = math.log(HIGHEST_BITS_PER_NS / LOWEST_BITS_PER_NS)
    rates = [LOWEST_BITS_PER_NS * math.exp(span * place / (_GRID - 1)) for place in range(_GRID)]
    if not _wins(sparse, dense, setting, rates[0], margin):
        return 0.0
    losing = next((place for place, rate in enumerate(rates) if not _wins(sparse, dense, setting, rate, margin)), None)
    if losing is None:
        return math.inf
    low, high = rates[losing - 1], rates[losing]
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _wins(sparse, dense, setting, middle, margin) else (low, middle)
    return low


def _wins(sparse: Cost, dense: Cost, setting: Setting, rate_bits_per_ns: float, margin: float) -> bool:
    there = Setting(
        rate_bits_per_ns=rate_bits_per_ns,
        round_trip_ns=setting.round_trip_ns,
        shared_cores=setting.shared_cores,
        overhead_ms=setting.overhead_ms,
        overlaps=setting.overlaps,
    )
    return predicted(sparse, there).period_ms * (1 + margin) < predicted(dense, there).period_ms


class CodecCost(Protocol):
    """What one tensor takes in one codec."""

    @property
    def frame_bytes(self) -> float:
        """Length of its frame."""
        ...

    @property
    def encode_ms(self) -> float:
        """Time to make it."""
        ...

    @property
    def decode_ms(self) -> float:
        """Time to read it."""
        ...


def best_codec(rate_bits_per_ns: float, table: Mapping[str, CodecCost], *, busy_ms: float | None = None) -> str:
    """The codec with which a tensor crosses soonest; among equals the one that stands first.

    Without `busy_ms` the sum encode + transfer + decode is least: that is how long the other end waits for it, and no
    pipeline can lose by it. With `busy_ms`, the time of other work that each end does for every tensor while a transfer
    runs, the period max(busy + encode, transfer, busy + decode) is least, and among equals the sum.

    Args:
        rate_bits_per_ns: Of the link (= Gb/s).
        table: What each codec takes.
        busy_ms: Other work of either end for each tensor.

    Raises:
        ValueError: The table is empty, or the rate not positive.
    """
    if not table:
        raise ValueError("table is empty, must have a codec")
    if not rate_bits_per_ns > 0:
        raise ValueError(f"rate_bits_per_ns is {rate_bits_per_ns}, must be > 0")
    return min(table, key=lambda name: crossing_ms(rate_bits_per_ns, table[name], busy_ms))


def crossing_ms(rate_bits_per_ns: float, cost: CodecCost, busy_ms: float | None = None) -> tuple[float, ...]:
    """What `best_codec` minimises, the first number first."""
    wire = cost.frame_bytes * 8 / rate_bits_per_ns / 1e6
    whole = cost.encode_ms + wire + cost.decode_ms
    if busy_ms is None:
        return (whole,)
    return max(busy_ms + cost.encode_ms, wire, busy_ms + cost.decode_ms), whole


def _not_negative(owner: str, value: object, names: Sequence[str]) -> None:
    for name in names:
        number = getattr(value, name)
        if not (math.isfinite(number) and number >= 0):
            raise ValueError(f"{owner}: {name} is {number}, must be finite and >= 0")
