"""What one trained boundary measures on the test split: quality, coded bits, energy and latency on the link."""

from __future__ import annotations

from typing import Any

from torch import nn

from axonal.data import Dataset
from axonal.hardware import System
from axonal.spiking import Boundary, boundaries_of
from axonal.study.front.charging import charge
from axonal.study.front.coding import Weighed, sent_by, weigh
from axonal.study.front.recipes import FrontRecipe
from axonal.study.provenance import commit
from axonal.training import Judge, examples, metric

__all__ = ["measured"]

BITS = {
    "bits_per_element": "real",
    "estimated_bits_per_element": "estimated",
    "bits_per_element_static": "static",
    "bits_per_element_single": "single",
    "bits_per_element_packets": "packets",
}
"""Names of a point, and of the costs of `Coded` that they are, for each element."""


def measured(model: nn.Module, data: Dataset, plan: FrontRecipe, system: System, parents: int) -> dict[str, Any]:
    """Judge a model, and weigh what its boundaries send.

    Args:
        model: The trained model.
        data: What it was trained on; tables are learned on its training split and coders chosen on the validation
            split.
        plan: How many examples of each.
        system: The machine whose first link is charged.
        parents: Parents of the conditional coder.
    """
    window = plan.dense.window
    inputs, targets = examples(data, data.test, window, plan.test_examples)
    judge = Judge(data, targets)
    sent = (
        sent_by(model, examples(data, data.train, window, plan.fit_examples)[0]),
        sent_by(model, examples(data, data.validation, window, plan.fit_examples // 4)[0]),
        sent_by(model, inputs, judge),
    )
    weighed = Weighed(
        boundaries=tuple(weigh(*three, parents=parents, frame=plan.frame) for three in zip(*sent, strict=True))
    )
    return {
        "quality": judge.value,
        "quality_metric": metric(data.task)[0],
        **{name: weighed.per_element(cost) for name, cost in BITS.items()},
        **{name: weighed.total(name) for name in ("elements", "symbols", "events")},
        "neurons": [_neurons(boundary) for boundary in boundaries_of(model)],
        "coders": [item.coder for item in weighed.boundaries],
        "frame_inferences": plan.frame,
        **_charged(model, weighed, system),
        "data": data.name,
        "system": system.name,
        "commit": commit(),
    }


def _neurons(boundary: Boundary) -> int:
    """Neurons of its projection, 0 without one."""
    return boundary.encoder.channels if isinstance(boundary.encoder.input, nn.Linear) else 0


def _features(boundary: Boundary) -> int:
    layer = boundary.encoder.input
    return layer.in_features if isinstance(layer, nn.Linear) else boundary.encoder.channels


def _charged(model: nn.Module, weighed: Weighed, system: System) -> dict[str, Any]:
    """Energy and latency of one inference on the link, entropy-coded and as packets."""
    found: dict[str, Any] = {}
    for way, entropy_coded in (("coded", True), ("packets", False)):
        charges = [
            charge(
                coded,
                system,
                features=_features(boundary),
                neurons=_neurons(boundary),
                entropy_coded=entropy_coded,
                adaptive=boundary.encoder.adaptive,
            )
            for boundary, coded in zip(boundaries_of(model), weighed.boundaries, strict=True)
        ]
        found[f"energy_pj_{way}"] = sum(item.energy_pj for item in charges)
        found[f"link_pj_{way}"] = sum(item.link_pj for item in charges)
        found[f"latency_ns_{way}"] = sum(item.latency_ns for item in charges)
        if entropy_coded:
            found["coder_pj"] = sum(item.coder_pj for item in charges)
            found["coder_bound"] = any(item.coder_bound for item in charges)
    return found
