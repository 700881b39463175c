"""The door `advise`: which coding a pipeline should use on this link, and whether spikes pay here at all."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from torch import Tensor

from axonal.runtime.advise_measuring import Candidate, measured
from axonal.runtime.advise_predicting import HIGHEST_BITS_PER_NS, Cost, Prediction, Setting, pays_below, predicted
from axonal.runtime.probe_machine import Clock, processor_clock
from axonal.runtime.probing import Probe

__all__ = ["Advice", "AdviseSettings", "Advised", "Crossover", "advise", "weighed"]

SCHEMA = "axonal-advice-1"

ENGINE_MS = 0.6
"""Processor time that `Pipeline` takes for each message at each end beside codecs: 0.45 to 0.63 ms in
`experiments/runtime` (digits, two ranks on two cores of a busy machine); more where ranks disturb each other."""

_BUSY = 1.3
"""Time by the clock over processor time of one thread, from which on others are in the way."""


@dataclass(frozen=True, kw_only=True)
class AdviseSettings:
    """How candidates are measured and weighed.

    Args:
        rounds: How often everything is timed.
        margin: By which share spikes have to be faster to be worth it: less is within what timing tells.
        tolerance: By how much the quality of a candidate may be worse than that of the reference.
        shared_cores: Cores that all ranks share; when `None`, those of the machine where the probe had no peer, and
            one of its own for each rank elsewhere.
        overhead_ms: What the engine takes for each message at each end, beside codec and link.
        overlaps: Whether messages come in while their receiver computes; gloo begins when the receiver is ready.
        wall: Nanoseconds of the clock on the wall.
        clock: Nanoseconds by which work is timed; processor time of this thread when not given.
    """

    rounds: int = 15
    margin: float = 0.05
    tolerance: float = 0.02
    shared_cores: int | None = None
    overhead_ms: float = ENGINE_MS
    overlaps: bool = False
    wall: Clock = field(default=time.perf_counter_ns, repr=False)
    clock: Clock = field(default_factory=processor_clock, repr=False)

    def __post_init__(self) -> None:
        for name in ("margin", "tolerance", "overhead_ms"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}, must be finite and >= 0")

    def on(self, probe: Probe) -> Setting:
        """Where the pipeline runs, on a link that was probed; ranks of a loopback share the cores of that machine."""
        cores = probe.machine.cores if self.shared_cores is None and probe.link.loopback else self.shared_cores
        return Setting(
            rate_bits_per_ns=probe.rate_bits_per_ns,
            round_trip_ns=probe.round_trip_ns,
            shared_cores=cores,
            overhead_ms=self.overhead_ms,
            overlaps=self.overlaps,
        )


@dataclass(frozen=True, kw_only=True)
class Advised:
    """One candidate, measured and predicted.

    Args:
        name: Its name.
        spikes: Whether spikes cross.
        quality: How good its answers are; `None` where unknown.
        good_enough: Whether that is about the quality of the reference, or better, or unknown.
        cost: What was measured for a micro-batch.
        prediction: What a pipeline does with that on this link.
        examples_per_s: Throughput.
        gain: Throughput over that of the reference.
    """

    name: str
    spikes: bool
    quality: float | None
    good_enough: bool
    cost: Cost
    prediction: Prediction
    examples_per_s: float
    gain: float


@dataclass(frozen=True, kw_only=True)
class Crossover:
    """Below which link rate spikes beat a dense coding.

    Args:
        spikes: Name of the spiking candidate.
        dense: Name of the dense one.
        below_bits_per_ns: The rate (= Gb/s); 0 where they never do, infinite where they do at all rates up to 1e3.
        comparable: Whether the dense one is good enough to be a rival.
    """

    spikes: str
    dense: str
    below_bits_per_ns: float
    comparable: bool


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to use on a link.

    Args:
        setting: The link and the machine.
        link: Who was at the other end, for people.
        examples: Examples of a micro-batch.
        reference: Name of the candidate that gains are relative to.
        candidates: In the order in which they were given.
        crossovers: Every spiking candidate against every dense one.
        best: Name of the fastest candidate that is good enough.
        use_spikes: Whether spikes pay here.
        verdict: The answer in words.
        notes: What a reader must know of the figures.
    """

    setting: Setting
    link: str
    examples: int
    reference: str
    candidates: tuple[Advised, ...]
    crossovers: tuple[Crossover, ...]
    best: str
    use_spikes: bool
    verdict: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The advice as JSON values; a rate without end is `null`."""
        found: dict[str, Any] = {"schema": SCHEMA, **asdict(self)}
        for item in found["crossovers"]:
            item["at_every_rate"] = math.isinf(item["below_bits_per_ns"])
            item["below_bits_per_ns"] = None if item["at_every_rate"] else item["below_bits_per_ns"]
        return found

    def to_json(self) -> str:
        """The advice as JSON text."""
        return json.dumps(self.to_dict(), indent=1)


def advise(
    candidates: Sequence[Candidate], inputs: Tensor, probe: Probe, settings: AdviseSettings | None = None
) -> Advice:
    """Measure candidates on this machine, and predict what each does as a pipeline over the link of a probe.

    Args:
        candidates: Spiking and dense ones, at least one that is dense.
        inputs: One micro-batch of typical inputs, batch axis first: frames of spikes are as long as these make them.
        probe: The link.
        settings: How they are measured and weighed.

    Raises:
        ValueError: There is no dense candidate, or two have one name.
    """
    settings = settings or AdviseSettings()
    _check(candidates)
    started_ns, had_ns = settings.wall(), settings.clock()
    costs = measured(candidates, inputs, rounds=settings.rounds, clock=settings.clock)
    waited = (settings.wall() - started_ns) / max(1, settings.clock() - had_ns)
    found = weighed(candidates, costs, len(inputs), settings.on(probe), settings)
    return replace(found, link=probe.link.peer, notes=tuple(_notes(probe, waited)))


def _notes(probe: Probe, waited: float) -> Iterator[str]:
    if waited > _BUSY:
        yield (
            f"this machine is busy: measuring took {waited:.1f} times the processor time that it got, and a run now "
            "may be as much slower than is said here, which is for free cores"
        )
    if probe.link.loopback:
        yield "no network was measured: give the address of a peer that runs `axonal probe --listen`"


def weighed(
    candidates: Sequence[Candidate], costs: Sequence[Cost], examples: int, setting: Setting, settings: AdviseSettings
) -> Advice:
    """The advice that follows from what was measured; no clock, no network.

    Args:
        candidates: As for `advise`.
        costs: What each takes for a micro-batch.
        examples: Of a micro-batch.
        setting: Where the pipeline runs.
        settings: How candidates are weighed.

    Raises:
        ValueError: As for `advise`.
    """
    _check(candidates)
    reference = _reference(candidates)
    predictions = [predicted(cost, setting) for cost in costs]
    base_ms = predictions[candidates.index(reference)].period_ms
    advised = tuple(
        Advised(
            name=candidate.name,
            spikes=candidate.spikes,
            quality=candidate.quality,
            good_enough=_good_enough(candidate, reference, settings.tolerance),
            cost=cost,
            prediction=prediction,
            examples_per_s=1e3 * examples / prediction.period_ms,
            gain=base_ms / prediction.period_ms,
        )
        for candidate, cost, prediction in zip(candidates, costs, predictions, strict=True)
    )
    crossovers = _crossovers(advised, setting, settings.margin)
    best, use_spikes = _best(advised, settings.margin)
    return Advice(
        setting=setting,
        link="",
        examples=examples,
        reference=reference.name,
        candidates=advised,
        crossovers=crossovers,
        best=best.name,
        use_spikes=use_spikes,
        verdict=_verdict(advised, crossovers, best, setting),
    )


def _check(candidates: Sequence[Candidate]) -> None:
    names = [candidate.name for candidate in candidates]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"candidate {twice[0]} is given twice, names must be unique")
    if all(candidate.spikes for candidate in candidates):
        raise ValueError("candidates has no dense one, must have at least one to hold spikes against: add fp16")


def _reference(candidates: Sequence[Candidate]) -> Candidate:
    """The dense candidate that crosses in fp16; where there is none, the first dense one."""
    dense = [candidate for candidate in candidates if not candidate.spikes]
    return next((candidate for candidate in dense if candidate.crosses_in("fp16")), dense[0])


def _good_enough(candidate: Candidate, reference: Candidate, tolerance: float) -> bool:
    if candidate.quality is None or reference.quality is None:
        return True
    behind = reference.quality - candidate.quality
    return (-behind if candidate.lower_is_better else behind) <= tolerance


def _crossovers(advised: Sequence[Advised], setting: Setting, margin: float) -> tuple[Crossover, ...]:
    return tuple(
        Crossover(
            spikes=sparse.name,
            dense=dense.name,
            below_bits_per_ns=pays_below(sparse.cost, dense.cost, setting, margin),
            comparable=dense.good_enough,
        )
        for sparse in advised
        if sparse.spikes
        for dense in advised
        if not dense.spikes
    )


def _best(advised: Sequence[Advised], margin: float) -> tuple[Advised, bool]:
    """The fastest candidate that is good enough; spikes only where they are faster by more than the margin."""
    dense = max((item for item in advised if not item.spikes and item.good_enough), key=lambda item: item.gain)
    sparse = max(
        (item for item in advised if item.spikes and item.good_enough), key=lambda item: item.gain, default=None
    )
    pays = sparse is not None and sparse.gain > (1 + margin) * dense.gain
    return (sparse, True) if sparse is not None and pays else (dense, False)


def _verdict(advised: Sequence[Advised], crossovers: Sequence[Crossover], best: Advised, setting: Setting) -> str:
    rate = _rate(setting.rate_bits_per_ns)
    good = [item for item in advised if item.good_enough]
    dense = max((item for item in good if not item.spikes), key=lambda item: item.gain)
    if best.spikes:
        return (
            f"use {best.name}: {_many(best.examples_per_s)} examples/s at {rate}, "
            f"{best.gain / dense.gain:.2f} times the {_many(dense.examples_per_s)} of {dense.name}, "
            f"the best dense coding{_begin([best.name], advised, crossovers, 'it pays')}"
        )
    sparse = [item for item in good if item.spikes]
    if not sparse:
        why = "none of them is about as good as the dense network" if len(good) < len(advised) else "none was given"
        return f"do not use spikes here: {why}; use {dense.name}, {_many(dense.examples_per_s)} examples/s at {rate}"
    rival = max(sparse, key=lambda item: item.gain)
    return (
        f"do not use spikes here: at {rate} {rival.name} would do {_many(rival.examples_per_s)} examples/s, "
        f"{dense.name} does {_many(dense.examples_per_s)} (bound by {dense.prediction.bound})"
        f"{_begin([item.name for item in sparse], advised, crossovers, 'spikes begin to pay')}"
    )


def _rate(bits_per_ns: float) -> str:
    return f"{bits_per_ns:.3g} Gb/s" if bits_per_ns >= 0.1 else f"{1e3 * bits_per_ns:.3g} Mb/s"


def _many(count: float) -> str:
    return f"{count:,.0f}" if count >= 100 else f"{count:.3g}"


def _begin(names: Sequence[str], advised: Sequence[Advised], crossovers: Sequence[Crossover], what: str) -> str:
    """Below which rate one of these beats every dense rival."""
    rates = {
        name: min(item.below_bits_per_ns for item in crossovers if item.spikes == name and item.comparable)
        for name in names
    }
    name = max(rates, key=lambda key: rates[key])
    rivals = [item for item in crossovers if item.spikes == name and item.comparable]
    last = min(rivals, key=lambda item: item.below_bits_per_ns)
    if rates[name] == 0:
        where = f"at no rate, for {last.dense} is as fast or faster at all of them"
    elif math.isinf(rates[name]):
        where = f"at every rate up to {HIGHEST_BITS_PER_NS:g} Gb/s"
    else:
        where = f"below {_rate(rates[name])} ({name} against {last.dense})"
    return f"; {what} {where}" if len(advised) > 1 else ""
