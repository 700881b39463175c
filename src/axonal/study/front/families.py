"""The codes of a front, dense controls among them: what crosses, what holds its traffic, how it is coded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from axonal.data.dataset import Task
from axonal.kernels import ATan, Noise, Triangle
from axonal.spiking import (
    BitPlane,
    Bottleneck,
    Boundary,
    Burst,
    Categorical,
    Code,
    Counted,
    Density,
    FewSpikes,
    Float,
    Graded,
    Integer,
    Latency,
    Rate,
    SigmaDelta,
    TopK,
    span,
    ternary,
)
from axonal.spiking.priors import Prior, RateGradient

__all__ = ["FAMILIES", "Family", "described", "family"]

NEURONS = 1 / 2
"""Neurons of a projection for each channel."""

SPIKE_BITS = 2.0
"""Bits of a neuron where their number follows from the target: few say more than many that are mostly silent."""

BLOCK = 4
"""Pixels, in height and width, of a block that is projected together."""

Sized = Callable[[int, float], tuple[int, Code]]
"""From channels and target to neurons (0: the channels themselves) and the code."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A code, swept over targets.

    Args:
        key: Stable name.
        label: Name for people.
        control: Whether it is one of the dense controls that spikes have to beat.
        code: What crosses; of codes whose size follows from the target, any.
        neurons: Neurons for each channel: 0 for the channels themselves, `None` for half of them.
        sweep: How targets are met. `held`: by the traffic objective, one run that lowers its target step by step;
            `chosen`: by the objective, too, but one boundary offers all targets, to choose from at run time;
            `sized`: by the size of the code, one run for each; `fixed`: not at all, one run.
        sized: Neurons and code for a target, for `sized`; where the objective holds targets, a run for each.
        patch: Pixels of an image, in height and width, that are projected together.
        prior: What the objective charges by: counts of symbols, a density, or packets without an entropy coder.
        gradient: How the bits act on the symbols.
        parents: Symbols known to the receiver that choose the table of another; 0 is a factorised prior.
        distillation: Share of the loss that is the distance to the dense network's answers; the recipe's when `None`.
        tokens: Whether the tokens of a language model cross, too, so that the receiver can guess from them.
        adaptive: Whether each position has a gain of its own.
        stretch: Factor on the training steps.
    """

    key: str
    label: str
    code: Code
    control: bool = False
    neurons: float | None = None
    sweep: Literal["held", "chosen", "sized", "fixed"] = "held"
    sized: Sized | None = None
    patch: int = 2
    prior: Literal["counted", "density", "packets"] = "counted"
    gradient: RateGradient = "coded"
    parents: int = 2
    distillation: float | None = None
    tokens: bool = False
    adaptive: bool = False
    stretch: float = 1.0

    def shape(self, features: int, target: float) -> tuple[int, Code]:
        """Neurons and code of a boundary of so many channels."""
        if self.sized is not None:
            return self.sized(features, target)
        share = NEURONS if self.neurons is None else self.neurons
        return (max(1, round(share * features)) if share else 0), self.code

    def boundary(self, features: int, target: float, task: Task, channel_axis: int, classes: int) -> Boundary:
        """A boundary without prior; `classes` is the alphabet of a language model."""
        tokens = classes if self.tokens and task == "language" else 0
        patch = self.patch if channel_axis == 1 else 1
        neurons, code = self.shape(features * patch**2, target)
        made = Boundary(features, neurons, code, channel_axis, patch, tokens)
        if self.adaptive:
            made.encoder.adapt()
        return made

    def fresh_prior(self, boundary: Boundary) -> Prior | None:
        """The prior of a boundary; none where packets are charged, or symbols are no whole numbers."""
        code = boundary.encoder.code
        if not code.levels or self.prior == "packets":
            return None
        words = code.words if isinstance(code, Categorical) else 1
        channels = boundary.encoder.channels * code.time_steps // words
        low, high = span(code)
        if self.prior == "density":
            return Density(channels, low, high)
        return Counted(channels, low, high, self.gradient)


def _asked(code: Code, bits: float) -> Sized:
    """As many neurons as the target asks for, at so many bits of each."""
    return lambda features, target: (max(1, round(target * features / bits)), code)


def _top_k(features: int, target: float) -> tuple[int, Code]:
    return 0, TopK(max(1, min(features, round(target * features / 6))), 4)


def _product(features: int, target: float) -> tuple[int, Code]:
    groups = max(1, min(features, round(target * features / 4)))
    return 16 * groups, Categorical(16)


LONG = 6.0
"""Factor on the training steps of the long runs."""

_GRADED = Family(key="graded", label="projection + graded spikes", code=Graded(2))

_NARROW = replace(
    _GRADED,
    key="graded_narrow",
    label="as many neurons as the target asks for, 3-bit graded spikes",
    code=Graded(3),
    sized=_asked(Graded(3), SPIKE_BITS),
)

_LOW_RANK = Family(
    key="low_rank",
    label="low rank + int8",
    control=True,
    code=Integer(8),
    sweep="sized",
    sized=_asked(Integer(8), 6.0),
)
_LOW_RANK4 = replace(
    _LOW_RANK, key="low_rank4", label="low rank + int4", code=Integer(4), sized=_asked(Integer(4), 3.0)
)

_BOTTLENECK = Family(
    key="bottleneck", label="entropy bottleneck", control=True, code=Bottleneck(), prior="density", parents=0
)
_BOTTLENECK_RESIDUAL = replace(
    _BOTTLENECK,
    key="bottleneck_residual",
    label="residual of the tokens' guess + entropy bottleneck",
    tokens=True,
)

_ALL = (
    _GRADED,
    replace(_GRADED, key="graded_factorised", label="the same, factorised prior", parents=0),
    replace(_GRADED, key="graded_log", label="the same, log-magnitude objective", gradient="log"),
    replace(_GRADED, key="graded_noise", label="the same, trained with noise", code=Graded(2, surrogate=Noise())),
    replace(_GRADED, key="graded_atan", label="the same, ATan gradient", code=Graded(2, surrogate=ATan())),
    replace(
        _GRADED, key="graded_triangle", label="the same, triangular gradient", code=Graded(2, surrogate=Triangle())
    ),
    replace(_GRADED, key="graded_undistilled", label="the same, not distilled", distillation=0.0),
    replace(_GRADED, key="graded_adaptive", label="the same, a gain for each position", adaptive=True),
    replace(_GRADED, key="graded_chosen", label="the same, target chosen at run time", sweep="chosen"),
    _NARROW,
    replace(_NARROW, key="graded_block", label="the same for 4x4 pixels", patch=BLOCK),
    replace(
        _NARROW, key="graded_block_long", label="the same for 4x4 pixels, trained 6x as long", patch=BLOCK, stretch=LONG
    ),
    replace(_GRADED, key="graded_residual", label="residual of the tokens' guess + graded spikes", tokens=True),
    replace(_GRADED, key="graded_residual_long", label="the same, trained 6x as long", tokens=True, stretch=LONG),
    replace(_GRADED, key="graded_long", label="projection + graded spikes, trained 6x as long", stretch=LONG),
    replace(
        _NARROW,
        key="graded_residual_narrow",
        label="residual of the tokens' guess + as many neurons as the target asks for, 3-bit graded spikes",
        tokens=True,
    ),
    replace(
        _GRADED,
        key="graded_residual_adaptive",
        label="residual of the tokens' guess + graded spikes, a gain for each token",
        tokens=True,
        adaptive=True,
    ),
    replace(
        _GRADED,
        key="graded_residual_chosen",
        label="residual of the tokens' guess + graded spikes, target chosen at run time",
        tokens=True,
        sweep="chosen",
    ),
    replace(_GRADED, key="graded3", label="projection + 3-bit graded spikes", code=Graded(3)),
    replace(_GRADED, key="graded4", label="projection + 4-bit graded spikes", code=Graded(4)),
    replace(_GRADED, key="graded_plain", label="graded spikes, no projection", neurons=0.0),
    replace(_GRADED, key="graded_pixel", label="one pixel a position", patch=1),
    replace(_GRADED, key="graded_wide", label="as many neurons as channels", neurons=1.0),
    replace(_GRADED, key="ternary", label="projection + ternary spikes", code=ternary()),
    replace(_GRADED, key="few_spikes", label="projection + few spikes (4 steps)", code=FewSpikes(4)),
    replace(_GRADED, key="bit_plane", label="projection + bit planes (3)", code=BitPlane(3)),
    replace(_GRADED, key="latency", label="projection + latency (4 slots)", code=Latency(4)),
    replace(_GRADED, key="rate", label="projection + rate, LIF (4 steps)", code=Rate(4)),
    replace(_GRADED, key="rate_if", label="projection + rate, IF (4 steps)", code=Rate(4, leaky=False)),
    replace(_GRADED, key="burst", label="projection + bursts of 4", code=Burst(Graded(2), 4)),
    replace(_GRADED, key="sigma_delta", label="projection + sigma-delta", code=SigmaDelta(Graded(2))),
    *(
        Family(
            key=f"packets_{name}",
            label=f"{words}, held at its packet bits",
            code=code,
            neurons=neurons,
            patch=1,
            prior="packets",
        )
        for name, words, code, neurons in (
            ("graded3", "few neurons, 3-bit graded spikes", Graded(3), 0.3),
            ("graded2", "graded spikes", Graded(2), 0.5),
            ("ternary", "ternary spikes", ternary(), 0.75),
        )
    ),
    Family(key="fp16", label="fp16", control=True, code=Float(), neurons=0.0, sweep="fixed"),
    *(
        Family(
            key=f"int{bits}",
            label=f"int{bits}, learned steps",
            control=True,
            code=Integer(bits),
            # A sign needs axes on both sides of zero, which what a ReLU sends has not.
            neurons=1.0 if bits == 1 else 0.0,
            patch=1 if bits == 1 else 2,
            sweep="fixed",
        )
        for bits in (8, 4, 3, 2, 1)
    ),
    _LOW_RANK,
    _LOW_RANK4,
    replace(_LOW_RANK4, key="low_rank4_block", label="low rank of 4x4 pixels + int4", patch=BLOCK),
    replace(
        _LOW_RANK4,
        key="low_rank4_block_long",
        label="low rank of 4x4 pixels + int4, trained 6x as long",
        patch=BLOCK,
        stretch=LONG,
    ),
    Family(key="top_k", label="top-k, 4 bits", control=True, code=TopK(1), sweep="sized", sized=_top_k),
    Family(
        key="product",
        label="product quantisation",
        control=True,
        code=Categorical(16),
        sweep="sized",
        sized=_product,
    ),
    Family(
        key="relu_l1",
        label="ReLU + L1",
        control=True,
        code=Graded(4, signed=False),
        neurons=0.0,
        gradient="l1",
    ),
    _BOTTLENECK,
    replace(
        _BOTTLENECK,
        key="bottleneck_noise",
        label="entropy bottleneck, noise for the receiver",
        code=Bottleneck(noise=Noise()),
    ),
    replace(
        _BOTTLENECK,
        key="bottleneck_block",
        label="entropy bottleneck of 4x4 pixels, as many neurons as the target asks for",
        sized=_asked(Bottleneck(), SPIKE_BITS),
        patch=BLOCK,
    ),
    replace(_BOTTLENECK, key="bottleneck_long", label="entropy bottleneck, trained 6x as long", stretch=LONG),
    _BOTTLENECK_RESIDUAL,
    replace(
        _BOTTLENECK_RESIDUAL,
        key="bottleneck_residual_long",
        label="the same, trained 6x as long",
        stretch=LONG,
    ),
    replace(
        _BOTTLENECK_RESIDUAL,
        key="bottleneck_residual_narrow",
        label="residual of the tokens' guess + entropy bottleneck, as many neurons as the target asks for",
        sized=_asked(Bottleneck(), SPIKE_BITS),
    ),
    Family(
        key="int2_long",
        label="int2, trained 6x as long",
        control=True,
        code=Integer(2),
        neurons=0.0,
        sweep="fixed",
        stretch=LONG,
    ),
)

FAMILIES = {item.key: item for item in _ALL}
"""All codes by name: spikes first, then the dense controls."""


def family(key: str) -> Family:
    """The family of that name.

    Raises:
        ValueError: There is none.
    """
    if key not in FAMILIES:
        raise ValueError(f"unknown code {key!r}: use some of {', '.join(FAMILIES)}")
    return FAMILIES[key]


def described(item: Family) -> dict[str, object]:
    """What a point says of its code."""
    return {"code": item.key, "label": item.label, "control": item.control}
