"""Figures that follow from what was measured: medians, gains over fp16, and how far `advise` was off."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axonal.runtime.advise_predicting import Cost, HopCost, Setting, predicted

REFERENCE = "fp16"
CALIBRATED = "int8"
"""The coding by whose processor time, on the fastest link, the overhead of the engine is set for all others."""

Result = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One coding at one rate, over all rounds.

    Args:
        median: Items (examples or tokens) a second.
        least: In the slowest round.
        most: In the fastest one.
        gain: Median of the ratios to fp16 of the same round.
        period_ms: Median time between two messages.
        quiet_ms: That of the round that was disturbed least by other work on the machine.
        bare_ms: What `advise` predicts with an engine that costs nothing and always overlaps.
        predicted_ms: What it predicts with the engine's measured overhead, and transfers that wait for their receiver.
    """

    median: float
    least: float
    most: float
    gain: float
    period_ms: float
    quiet_ms: float
    bare_ms: float | None
    predicted_ms: float | None

    def error(self, against: str = "median") -> float | None:
        """Predicted throughput over the measured one, less 1.

        Args:
            against: The `median` round, the `quiet` one, or the median and the `bare` model.
        """
        said = self.bare_ms if against == "bare" else self.predicted_ms
        return None if said is None else (self.quiet_ms if against == "quiet" else self.period_ms) / said - 1


def rates(result: Result) -> list[float]:
    return sorted({row["rate_mbit"] for row in result["rows"]})


def codings(result: Result) -> list[str]:
    return list(dict.fromkeys(row["coding"] for row in result["rows"]))


def rows(result: Result, coding: str, rate: float | None = None) -> list[Row]:
    return [row for row in result["rows"] if row["coding"] == coding and rate in (None, row["rate_mbit"])]


def cost_of(result: Result, coding: str) -> Cost | None:
    """What `advise` measured of a coding; `auto` has no cost of its own."""
    found = result["costs"].get(coding)
    if found is None:
        return None
    return Cost(compute_ms=tuple(found["compute_ms"]), hops=tuple(HopCost(**hop) for hop in found["hops"]))


def overhead_ms(result: Result) -> float:
    """Processor time of a message at one end beside compute and codec, in the calibrating coding's quietest round."""
    cost = cost_of(result, CALIBRATED)
    if cost is None:
        raise ValueError(f"result has no {CALIBRATED}: measure it")
    fastest = rows(result, CALIBRATED, rates(result)[-1])
    beside = [sum(row["processor_ms"]) / row["messages"] - sum(cost.work_ms()) for row in fastest]
    return max(0.0, min(beside) / 2)


def setting(result: Result, rate: float, *, bare: bool) -> Setting:
    """The link as it was probed, and the engine."""
    probes = [probe for probe in result["probes"] if probe["rate_mbit"] == rate]
    return Setting(
        rate_bits_per_ns=statistics.median(probe["rate_bits_per_ns"] for probe in probes),
        round_trip_ns=statistics.median(probe["round_trip_ns"] for probe in probes),
        shared_cores=result["cores"],
        overhead_ms=0.0 if bare else overhead_ms(result),
        overlaps=bare,
    )


def speed(result: Result, coding: str, rate: float) -> Speed:
    found = rows(result, coding, rate)
    base = {row["round"]: row["items_per_s"] for row in rows(result, REFERENCE, rate)}
    cost = cost_of(result, coding)
    each = [row["items_per_s"] for row in found]
    return Speed(
        median=statistics.median(each),
        least=min(each),
        most=max(each),
        gain=statistics.median(row["items_per_s"] / base[row["round"]] for row in found),
        period_ms=statistics.median(row["period_ms"] for row in found),
        quiet_ms=min(row["period_ms"] for row in found),
        bare_ms=predicted(cost, setting(result, rate, bare=True)).period_ms if cost else None,
        predicted_ms=predicted(cost, setting(result, rate, bare=False)).period_ms if cost else None,
    )


def quality(result: Result, coding: str) -> float:
    """Of `auto` that of the spikes: their codecs are exact."""
    known = result["quality"]
    found: float = known[coding if coding in known else next(name for name in known if name.startswith("spikes"))]
    return found


def loss(result: Result, coding: str) -> float:
    """How much worse than the dense network in 32-bit floats; negative where better."""
    behind = result["dense_quality"] - quality(result, coding)
    return float(behind if result["metric"] == "accuracy" else -behind)


def equal(result: Result, coding: str) -> bool:
    return loss(result, coding) <= result["tolerance"] + 1e-9


def best(result: Result, rate: float, *, spikes: bool | None = None, only_equal: bool = True) -> str | None:
    """The fastest coding of a kind."""
    found = [
        name
        for name in codings(result)
        if (spikes is None or name.startswith("spikes") == spikes) and (equal(result, name) or not only_equal)
    ]
    return max(found, key=lambda name: speed(result, name, rate).gain, default=None)


def errors(result: Result, rate: float, against: str = "median") -> list[float]:
    """How far predictions were off at a rate, without the one that the overhead was taken from."""
    found = {name: speed(result, name, rate).error(against) for name in codings(result)}
    if rate == rates(result)[-1]:
        del found[CALIBRATED]
    return [error for error in found.values() if error is not None]


def bytes_off(result: Result) -> list[tuple[float, float]]:
    """For each turn the mean bytes of a message, and the interface's payload over what the runtime counted, less 1."""
    return [
        (row["bytes_sent"] / row["messages"], row["interface_payload_bytes"] / row["bytes_sent"] - 1)
        for row in result["rows"]
    ]


def exact(result: Result) -> tuple[int, int]:
    """Turns whose forward bytes are those of the simulator's formats, of those for which there are any."""
    told = [row for row in result["rows"] if row["predicted_bytes_forward"] is not None]
    return sum(row["predicted_bytes_forward"] == row["bytes_forward"] for row in told), len(told)
