"""What is sent over the links: three trained networks in two stages, each in every coding that can carry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import thin

from axonal.data import load as load_data
from axonal.runtime.advise_measuring import Candidate
from axonal.runtime.crossing import Crossing
from axonal.runtime.host import host_system
from axonal.runtime.stages import FLOAT_CODECS, SYMBOL_CODECS, Stage
from axonal.study.cache import Cache
from axonal.study.comparing import Study
from axonal.study.executing import Execution, Prepared, judged, prepared, studied
from axonal.study.recipes import VARIANTS, Network, recipe
from axonal.study.watching import Silent
from axonal.study.workers import one_thread

STAGES = 2

AUTO = "auto"

THIN_STEPS = 4000
"""Of the boundaries of `thin`: with those of the recipe none is as good as the dense network."""
QUICK_STEPS = 100
THIN_VARIANTS = {
    **VARIANTS,
    "low_rank": replace(VARIANTS["low_rank"], neurons=0.25),
    # Trained for its answers alone: held at few bits, or with fewer channels, neither is as good as the dense network.
    "hybrid": replace(VARIANTS["hybrid"], neurons=0.5, has_target=False),
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One network.

    Args:
        title: Name for people.
        data: Its dataset.
        full: Whether it is trained as `axonal compare` trains, or in the quick way.
        training: That, for people.
        micro_batch: Examples of a message.
        items: What of an example is counted: 1, or the tokens of a window.
        judged: Test examples of its quality.
        tolerance: By how much a coding may be worse than the dense network in 32-bit floats.
    """

    title: str
    data: str
    full: bool
    training: str
    micro_batch: int
    items: int = 1
    judged: int = 10_000
    tolerance: float = 0.005


SUBJECTS: Mapping[str, Subject] = {
    "thin": Subject(
        title="digits, two thin layers (bound by communication)",
        data="digits",
        full=True,
        training=f"trained as by `axonal compare`, with {THIN_STEPS} steps for each boundary",
        micro_batch=128,
    ),
    "digits": Subject(
        title="digits, CNN of five blocks",
        data="digits",
        full=True,
        training="trained as by `axonal run --full`",
        micro_batch=128,
    ),
    "pydocs": Subject(
        title="pydocs (bytes), RWKV 0.4 M",
        data="pydocs",
        full=True,
        training="trained as by `axonal run --full`",
        micro_batch=8,
        items=128,
        judged=512,
        tolerance=0.02,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Coding:
    """A way in which tensors cross.

    Args:
        name: For people.
        variant: Which of the trained models.
        codec: Name of the codec, or `auto`.
    """

    name: str
    variant: str
    codec: str

    @property
    def spikes(self) -> bool:
        """Whether events cross."""
        return self.variant == "hybrid"

    def codecs(self, stages: Sequence[Stage]) -> dict[str, str]:
        """Codec by name of each tensor that it can carry; the others keep theirs."""
        return {item.name: self.codec for item in crossings(stages) if self.codec in item.codecs}


CODINGS = (
    *(Coding(name=codec, variant="dense", codec=codec) for codec in FLOAT_CODECS),
    Coding(name="int8, learned", variant="ann", codec="dense"),
    Coding(name="low-rank + int8", variant="low_rank", codec="dense"),
    Coding(name="one bit", variant="one_bit", codec="dense"),
    *(Coding(name=f"spikes, {codec}", variant="hybrid", codec=codec) for codec in SYMBOL_CODECS if codec != "dense"),
    Coding(name=f"spikes, {AUTO}", variant="hybrid", codec=AUTO),
)


def crossings(stages: Sequence[Stage]) -> tuple[Crossing, ...]:
    return tuple(item for stage in stages[:-1] for item in stage.outputs)


def ready(name: str, variant: str, data_dir: Path | None, cache: Path, *, quick: bool = False) -> Prepared:
    """A trained network with or without boundaries, in two stages; `quick` is for a look at whether all works."""
    subject = SUBJECTS[name]
    full = subject.full and not quick
    if name != "thin":
        execution = Execution(
            model=subject.data, stages=STAGES, variant=variant, full=full, data_dir=data_dir, cache=cache
        )
        return prepared(execution)
    dataset = load_data(subject.data, data_dir)
    plan = recipe(dataset, quick=not full)
    plan = replace(plan, boundary=replace(plan.boundary, steps=THIN_STEPS if full else QUICK_STEPS))
    study = Study(
        dataset=dataset,
        system=host_system(STAGES),
        network=Network(name="thin", build=thin.thin, task=dataset.task),
        plan=plan,
        cache=Cache(cache),
        watcher=Silent(),
    )
    with one_thread():
        return studied(study, None if variant == "dense" else THIN_VARIANTS[variant])


def quality(model: Prepared, stages: Sequence[Stage], codec: str | None, most: int) -> float:
    """Quality where each tensor that crosses was encoded and decoded; not at all where there is no codec."""
    found = judged(model, stages, codec, most)
    return float("nan") if found is None else found


def candidate(coding: Coding, stages: tuple[Stage, ...]) -> Candidate:
    """What `advise` weighs."""
    return Candidate(name=coding.name, stages=stages, codecs=coding.codecs(stages), spikes=coding.spikes)
