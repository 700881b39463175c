"""What is trained for which data, and which five ways it is trained."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from axonal.data import Dataset
from axonal.models import cnn, mlp, rwkv, speech
from axonal.spiking import Boundary, Code, Graded, Integer, evaluating
from axonal.training import TrainingSettings, examples

__all__ = [
    "NETWORKS",
    "VARIANTS",
    "Network",
    "Recipe",
    "Variant",
    "network",
    "recipe",
]

FEW_EXAMPLES = 5000
"""Training sets below this size are learned in few steps."""

WINDOW = 128
"""Bytes of one window of text: one inference of a language model."""

LARGE = 192
"""Width of the larger language model: 1.4 million weights over bytes, 5.2 million over 10,000 words."""

Builder = Callable[[Dataset, bool], nn.Module]
"""From `(dataset, spiking)` to a model with fresh weights."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network that can be compared.

    Args:
        name: Name for people and for caches.
        build: Makes it.
        task: What it can learn.
        time_steps: Times that its spiking form presents the input.
    """

    name: str
    build: Builder
    task: str
    time_steps: int = 1


def _image(dataset: Dataset) -> tuple[int, int, int]:
    channels, height, width = dataset.train.inputs.shape[1:]
    return int(channels), int(height), int(width)


NETWORKS = {
    "cnn": Network(
        name="cnn",
        build=lambda dataset, spiking: cnn.small(_image(dataset), dataset.classes, spiking=spiking)[0],
        task="classification",
        time_steps=4,
    ),
    "mlp": Network(
        name="mlp",
        build=lambda dataset, spiking: mlp.small(_image(dataset), dataset.classes, spiking=spiking)[0],
        task="classification",
        time_steps=4,
    ),
    "speech": Network(
        name="speech",
        build=lambda dataset, spiking: speech.small(_image(dataset), dataset.classes, spiking=spiking)[0],
        task="classification",
    ),
    "rwkv": Network(
        name="rwkv",
        build=lambda dataset, spiking: rwkv.Rwkv(symbols=dataset.classes, spiking=spiking),
        task="language",
    ),
    "rwkv_large": Network(
        name="rwkv_large",
        build=lambda dataset, spiking: rwkv.Rwkv(
            LARGE, heads=4, symbols=dataset.classes, dropout=0.2 if dataset.classes > 256 else 0.0, spiking=spiking
        ),
        task="language",
    ),
}
"""Networks by name; `cnn` and `rwkv` are the defaults of their tasks."""


def network(name: str | None, dataset: Dataset) -> Network:
    """The network of that name, the default of the dataset's task, or the user's own `module:function`.

    A function of one's own takes `(dataset, spiking)` and returns a module.

    Raises:
        ValueError: When there is no such network, or it is for another task.
    """
    chosen = name or ("cnn" if dataset.task == "classification" else "rwkv")
    if ":" in chosen:
        return Network(name=chosen, build=_own(chosen), task=dataset.task)
    if chosen not in NETWORKS:
        raise ValueError(f"unknown network {chosen!r}: use one of {', '.join(NETWORKS)}, or module:function")
    if NETWORKS[chosen].task != dataset.task:
        fitting = ", ".join(n for n, item in NETWORKS.items() if item.task == dataset.task)
        raise ValueError(f"network {chosen} is for {NETWORKS[chosen].task}, {dataset.name} needs one of: {fitting}")
    return NETWORKS[chosen]


def _own(name: str) -> Builder:
    module_name, _, function_name = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        builder: Builder = getattr(import_module(module_name), function_name)
    except Exception as error:  # the module runs a user's code
        raise ValueError(f"network {name!r} cannot be imported ({_reason(error)}): give module:function") from error

    @wraps(builder)
    def build(dataset: Dataset, spiking: bool) -> nn.Module:
        where = f"network {name!r} with spiking={spiking}"
        try:
            model = builder(dataset, spiking)
            found = _tried(model, dataset)
        except Exception as error:
            raise ValueError(f"{where} failed on two examples ({_reason(error)}): correct it") from error
        axis = (WINDOW,) if dataset.task == "language" else ()
        if found != (2, *axis, dataset.classes):
            raise ValueError(f"{where} answers {found} to two examples, must be logits {(2, *axis, dataset.classes)}")
        return model

    return build


def _tried(model: nn.Module, dataset: Dataset) -> tuple[int, ...]:
    """Shape of what a model makes of two examples, before hours of training."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"it is {type(model).__name__}, must be torch.nn.Module")
    inputs = examples(dataset, dataset.train, WINDOW, 2)[0]
    with torch.random.fork_rng(devices=[]), torch.no_grad(), evaluating(model):
        return tuple(model(inputs).shape)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One of the ways in which a network is trained.

    Args:
        key: Its stable name.
        label: Its name for people.
        code: What crosses the boundaries; `None` for the network that spikes everywhere.
        neurons: Neurons at a boundary for each channel of the tensor; 0 sends the channels themselves.
        has_target: Whether the traffic objective holds it at the target.
    """

    key: str
    label: str
    code: Code | None
    neurons: float = 0.0
    has_target: bool = False

    def boundary(self, features: int, channel_axis: int) -> Boundary:
        """A boundary for a tensor of that many channels."""
        if self.code is None:
            raise ValueError(f"variant {self.key} has no boundary")
        neurons = max(1, round(self.neurons * features)) if self.neurons else 0
        return Boundary(features, neurons, self.code, channel_axis)


VARIANTS = {
    variant.key: variant
    for variant in (
        Variant(key="ann", label="ANN, packed 8-bit boundary", code=Integer(8)),
        Variant(key="snn", label="SNN, spiking everywhere", code=None),
        Variant(key="hybrid", label="Hybrid, graded spikes", code=Graded(3), neurons=0.3, has_target=True),
        Variant(key="low_rank", label="Control: low-rank int8", code=Integer(8), neurons=1 / 8),
        Variant(key="one_bit", label="Control: dense 1-bit", code=Integer(1), neurons=1.0),
    )
}
"""The three forms and the two controls, in the order of the table."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How long and how fast to train; every variant gets the same number of steps.

    Args:
        dense: Training of the dense network from which the boundaries start.
        boundary: Training with boundaries, after it.
        spiking: Training of the spiking network, as long as both together.
        target: Bits per boundary element that the hybrid is held at.
        test_examples: Examples or windows of the test split that quality is measured on.
        traced: Examples of the test split that activity is measured on.
    """

    dense: TrainingSettings
    boundary: TrainingSettings
    spiking: TrainingSettings
    target: float
    test_examples: int
    traced: int


def recipe(dataset: Dataset, *, quick: bool) -> Recipe:
    """The recipe of a dataset's task; `quick` is for demonstrations on two cores."""
    if dataset.task == "language":
        steps = (400, 450) if quick else (600, 1200)
        training = TrainingSettings(
            steps=steps[0], batch=8, window=WINDOW, learning_rate=4e-3, evaluate_every=50, validation_examples=128
        )
        return _recipe(training, replace(training, steps=steps[1]), traced=16)
    if len(dataset.train) < FEW_EXAMPLES:
        steps = (400, 300) if quick else (600, 500)
    else:
        steps = (600, 400) if quick else (2500, 1500)
    training = TrainingSettings(steps=steps[0], learning_rate=4e-3, evaluate_every=50, validation_examples=2000)
    return _recipe(training, replace(training, steps=steps[1], learning_rate=2e-3), traced=64)


def _recipe(dense: TrainingSettings, boundary: TrainingSettings, *, traced: int) -> Recipe:
    return Recipe(
        dense=dense,
        boundary=boundary,
        spiking=replace(dense, steps=dense.steps + boundary.steps),
        target=0.97,
        test_examples=10_000,
        traced=traced,
    )
