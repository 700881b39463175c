"""Points of fronts: fabricated ones, and those of one tiny real front."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from study_runs import Counting
from torch import nn

from axonal.data import Dataset
from axonal.study.cache import content_key
from axonal.study.front import FrontRequest, pareto, running

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other

CODES = ("graded", "int2", "low_rank", "bottleneck", "fp16")
TARGETS = (0.5, 0.2)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A front, and what was seen on the way.

    Args:
        request: What was asked for.
        points: What came of it.
        watcher: Counts the steps that were trained.
        keys: Facts that named something in the cache, as text.
    """

    request: FrontRequest
    points: list[dict[str, Any]]
    watcher: Counting
    keys: tuple[str, ...]

    def of(self, code: str) -> list[dict[str, Any]]:
        return [point for point in self.points if point["code"] == code]


def drawn(request: FrontRequest, watcher: Counting | None = None) -> Drawn:
    """A front, drawn for real."""
    watcher, keys = watcher or Counting(), []

    def noted(facts: Mapping[str, Any]) -> str:
        keys.append(json.dumps(facts, default=str))
        return content_key(facts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "content_key", noted)
        points = pareto(request, watcher)
    return Drawn(request=request, points=points, watcher=watcher, keys=tuple(keys))


def asked(folder: Path, **changes: Any) -> FrontRequest:
    """A request for a front that takes seconds."""
    usual: dict[str, Any] = {
        "data": "digits",
        "network": "mlp",
        "codes": CODES,
        "targets": TARGETS,
        "seeds": (0,),
        "steps": (6, 3),
        "cache": folder,
    }
    return FrontRequest(**(usual | changes))


@cache
def base_front(folder: Path) -> Drawn:
    """One real front, for every test that only reads it."""
    return drawn(asked(folder / "front_base"))


def point(code: str, bits: float, quality: float, **changes: Any) -> dict[str, Any]:
    """A fabricated point, of accuracy against a dense network of 0.9."""
    return {
        "code": code,
        "control": code.startswith(("int", "bottleneck")),
        "target": bits,
        "seed": 0,
        "quality": quality,
        "quality_metric": "accuracy",
        "dense_quality": 0.9,
        "bits_per_element": bits,
        "estimated_bits_per_element": bits,
        "bits_per_element_packets": 3 * bits,
        "commit": "0",
        "data": "made",
        "network": "up",
        "system": "here",
        **changes,
    }


def single(dataset: Dataset, spiking: bool) -> nn.Module:
    """A network that cannot be cut."""
    return nn.Sequential(nn.Flatten(), nn.Linear(dataset.train.inputs[0].numel(), dataset.classes))
