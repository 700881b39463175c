"""How to train: one frozen value, so that it can name a cached result."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["TrainingSettings"]


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of one training run.

    Args:
        steps: Optimiser steps at most.
        batch: Examples, or windows of text, of one step.
        window: Bytes of one window of text; ignored for classification.
        learning_rate: Peak of the schedule (linear warm-up, then a cosine to 5 %).
        weight_decay: Decoupled weight decay, on matrices only.
        evaluate_every: Steps between evaluations on the validation split.
        patience: Evaluations without improvement before training stops early.
        validation_examples: Examples or windows of the validation split that are used.
        traffic_target: Bits per boundary element to reach; `None` leaves the traffic alone.
        traffic_targets: Targets of boundaries that offer as many rates, one for each, instead of `traffic_target`: the
            steps take turns.
        traffic_weight: Weight of the traffic at the start; it is adapted from there.
        traffic_rate: Largest relative change of that weight in one step.
        traffic_limit: Largest value of that weight: a target that is out of reach must not drown the task.
        distillation: Share of the loss that is the distance to the teacher's answers, in [0, 1].
        bfloat16: Whether matrix products of training steps are in bfloat16; evaluations never are.
        seed: Order of the data.
    """

    steps: int
    batch: int = 64
    window: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    evaluate_every: int = 50
    patience: int = 10
    validation_examples: int = 512
    traffic_target: float | None = None
    traffic_targets: tuple[float, ...] = ()
    traffic_weight: float = 0.02
    traffic_rate: float = 0.1
    traffic_limit: float = 20.0
    distillation: float = 0.0
    bfloat16: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "window", "evaluate_every", "patience", "validation_examples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be >= 1")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"learning_rate is {self.learning_rate}, must be inside (0, 1)")
        for target in self.targets:
            if not target > 0:
                raise ValueError(f"traffic_target is {target} bits per boundary element, must be > 0")
        if self.traffic_target is not None and self.traffic_targets:
            raise ValueError(
                f"traffic_target is {self.traffic_target} and traffic_targets are {self.traffic_targets}: give one"
            )
        for name in ("traffic_weight", "traffic_rate", "traffic_limit"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, must be > 0")
        if not 0 <= self.distillation <= 1:
            raise ValueError(f"distillation is {self.distillation}, must be 0 to 1")

    @property
    def targets(self) -> tuple[float, ...]:
        """Bits per boundary element to reach, one for each rate; none where the traffic is left alone."""
        return self.traffic_targets or (() if self.traffic_target is None else (self.traffic_target,))

    def rate_at(self, step: int) -> float:
        """Learning rate of a step: a linear warm-up, then a cosine to 5 % of the peak."""
        warmup = max(1, self.steps // 20)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, self.steps - warmup)
        return self.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
