"""How far a run has come: its evaluations, its best weights, and both on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from axonal.spiking import TrafficObjective
from axonal.training.checkpoints import load_checkpoint, save_checkpoint
from axonal.training.rescue import Rescue
from axonal.training.settings import TrainingSettings
from axonal.training.tasks import Quality

__all__ = ["Learner", "Point", "Progress", "excesses"]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One evaluation during training.

    Args:
        step: Steps before it.
        train_loss: Mean since the evaluation before.
        validation: Quality on the validation split, a mean over the rates that are offered.
        link_bits_per_element: Bits per boundary element, as well.
        excess: Bits per boundary element above the target, of the rate that exceeds its own the most.
    """

    step: int
    train_loss: float
    validation: float
    link_bits_per_element: float
    excess: float = 0.0

    def order(self, *, higher: bool) -> tuple[float, float]:
        """Larger is better: first the traffic target, then the quality."""
        return -self.excess, self.validation if higher else -self.validation


def excesses(found: Sequence[Quality], settings: TrainingSettings) -> list[float]:
    """Bits per boundary element above the target at each rate; none where the traffic is left alone."""
    pairs = zip(found, settings.targets, strict=False)
    return [max(0.0, quality.link_bits_per_element - target) for quality, target in pairs]


@dataclass(frozen=True, kw_only=True)
class Learner:
    """What a step changes: the model, its optimiser and the weights of the traffic, one for each rate."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    objectives: tuple[TrafficObjective, ...] = ()
    teacher: nn.Module | None = None
    rescue: Rescue = field(default_factory=Rescue)


@dataclass(kw_only=True)
class Progress:
    """Everything that a resumed run needs beside the learner's state."""

    step: int = 0
    seconds: float = 0.0
    curve: list[Point] = field(default_factory=list)
    best: Point | None = None
    loss_sum: float = 0.0
    since_best: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def note(self, found: Sequence[Quality], settings: TrainingSettings, model: nn.Module, *, higher: bool) -> Point:
        """Keep an evaluation, and the weights when they are the best so far."""
        previous = self.curve[-1].step if self.curve else 0
        point = Point(
            step=self.step,
            train_loss=self.loss_sum / (self.step - previous),
            validation=fmean(quality.value for quality in found),
            link_bits_per_element=fmean(quality.link_bits_per_element for quality in found),
            excess=max(excesses(found, settings), default=0.0),
        )
        self.curve.append(point)
        self.loss_sum = 0.0
        better = self.best is None or point.order(higher=higher) > self.best.order(higher=higher)
        # The traffic target is still falling while it is not met: that is no lack of progress.
        self.since_best = 0 if better or point.excess > 0 else self.since_best + 1
        if better:
            self.best = point
            self.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        return point

    def save(self, path: Path, learner: Learner) -> None:
        """Write a checkpoint; OSError when that fails."""
        tensors = {f"model/{name}": tensor for name, tensor in learner.model.state_dict().items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self.weights.items()}
        for index, state in learner.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{name}": torch.as_tensor(value) for name, value in state.items()}
        facts = {
            "step": self.step,
            "seconds": self.seconds,
            "since_best": self.since_best,
            "curve": [asdict(point) for point in self.curve],
            "best": asdict(self.best) if self.best else None,
            "objectives": [asdict(objective) for objective in learner.objectives],
            "rescue": asdict(learner.rescue),
        }
        save_checkpoint(path, {name: tensor.clone() for name, tensor in tensors.items()}, facts)

    @classmethod
    def resumed(cls, path: Path, learner: Learner) -> Progress:
        """Read a checkpoint back into the learner, which stays as it is when the checkpoint does not fit.

        Raises:
            ValueError: When the checkpoint is corrupt or of another run.
        """
        tensors, facts = load_checkpoint(path)
        try:
            weights = _fitting(_under("model/", tensors), learner.model.state_dict())
            progress = cls(
                step=facts["step"],
                seconds=facts["seconds"],
                since_best=facts["since_best"],
                curve=[Point(**point) for point in facts["curve"]],
                best=Point(**facts["best"]),
                weights=_fitting(_under("best/", tensors), weights),
            )
            state = _optimizer_state(tensors, learner.optimizer)
            noted = [TrafficObjective(**objective) for objective in facts["objectives"]]
            if len(noted) != len(learner.objectives):
                raise ValueError(f"it has {len(noted)} traffic targets, must have {len(learner.objectives)}")
            rescue = Rescue(**facts["rescue"])
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"checkpoint {path} is of another run ({error}): delete it to train again") from error
        learner.model.load_state_dict(weights)
        learner.optimizer.load_state_dict(state)
        for objective, before in zip(learner.objectives, noted, strict=True):
            vars(objective).update(vars(before))
        vars(learner.rescue).update(vars(rescue))
        return progress


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _fitting(found: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, when names and shapes are the wanted ones."""
    if odd := sorted(found.keys() ^ wanted.keys()):
        raise ValueError(f"only one of both has {odd[0]}")
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape:
            raise ValueError(f"{name} is {list(tensor.shape)}, must be {list(wanted[name].shape)}")
    return found


def _optimizer_state(tensors: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """State of the optimiser, when it is of as many parameters of the same shapes."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in _under("optimizer/", tensors).items():
        index, name = key.split("/")
        if tensor.dim() and tensor.shape != parameters[int(index)].shape:
            raise ValueError(f"optimiser state {key} is {list(tensor.shape)}")
        state.setdefault(int(index), {})[name] = tensor
    if not state.keys() <= set(range(len(parameters))):
        raise ValueError(f"optimiser state is of {len(state)} parameters, must be of {len(parameters)}")
    return {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
