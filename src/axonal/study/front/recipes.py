"""How fronts are trained: one dense network for each kind of data, then boundaries from it in minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from axonal.data import Dataset
from axonal.study.recipes import WINDOW
from axonal.training import TrainingSettings

__all__ = ["FrontRecipe", "front_recipe"]


@dataclass(frozen=True, kw_only=True)
class FrontRecipe:
    """How a front is trained.

    Args:
        network: Name of the network.
        system: Preset of two dies that the network is cut for.
        dense: Training of the dense network.
        boundary: Training at each target, twice as long at the first.
        targets: Bits per boundary element, falling.
        calibration: Examples that boundaries start from.
        counting: Examples that symbols are counted on before training.
        fit_examples: Examples of the training split that the coder's tables are learned from.
        test_examples: Examples or windows of the test split.
        frame: Inferences of a frame.
    """

    network: str
    system: str
    dense: TrainingSettings
    boundary: TrainingSettings
    targets: tuple[float, ...]
    calibration: int
    counting: int
    fit_examples: int
    test_examples: int
    frame: int


_IMAGES = FrontRecipe(
    network="cnn",
    system="snap_4x4_2",
    dense=TrainingSettings(
        steps=8000, learning_rate=4e-3, evaluate_every=400, validation_examples=6000, patience=100, bfloat16=True
    ),
    boundary=TrainingSettings(
        steps=600,
        learning_rate=2e-3,
        evaluate_every=600,  # some thousand images cannot tell weights that are not annealed yet from the last ones
        validation_examples=2000,
        patience=100,
        traffic_weight=0.1,
        traffic_rate=0.03,
        traffic_limit=1.0,
        distillation=1.0,
        bfloat16=True,
    ),
    targets=(0.5, 0.25, 0.12, 0.06),
    calibration=512,
    counting=128,
    fit_examples=2048,
    test_examples=10_000,
    frame=128,
)

# The network for sound mixes precisions that bfloat16 would not let it mix.
_SOUND = replace(
    _IMAGES,
    network="speech",
    dense=replace(
        _IMAGES.dense, steps=1500, learning_rate=3e-3, evaluate_every=100, validation_examples=300, bfloat16=False
    ),
    boundary=replace(
        _IMAGES.boundary,
        steps=120,
        batch=32,
        learning_rate=1e-3,
        evaluate_every=120,
        validation_examples=300,
        distillation=0.0,
        bfloat16=False,
    ),
    targets=(0.25, 0.12, 0.06, 0.03),
)

_BYTES = FrontRecipe(
    network="rwkv_large",
    system="snap_4x4_2",
    dense=TrainingSettings(
        steps=5000,
        batch=16,
        window=WINDOW,
        learning_rate=3e-3,
        evaluate_every=250,
        validation_examples=200,
        patience=100,
        bfloat16=True,
    ),
    boundary=TrainingSettings(
        steps=250,
        batch=16,
        window=WINDOW,
        learning_rate=1.5e-3,
        evaluate_every=125,
        validation_examples=64,
        patience=100,
        traffic_weight=0.1,
        traffic_rate=0.03,
        traffic_limit=1.0,
        bfloat16=True,
    ),
    targets=(1.0, 0.5, 0.25),
    calibration=1024,  # tables of tokens need to have seen them
    counting=64,
    fit_examples=200,
    test_examples=800,
    frame=16,
)

# Tables of 10,000 words need the memory of larger dies.
_WORDS = replace(
    _BYTES,
    system="snap_8x8_2",
    dense=replace(_BYTES.dense, steps=3500, batch=8, learning_rate=2e-3, weight_decay=0.1),
    boundary=replace(_BYTES.boundary, batch=8, learning_rate=1e-3, weight_decay=0.1),
    targets=(0.5, 0.25),
)

BYTE_VALUES = 256
"""Alphabets beyond it are words."""


def front_recipe(dataset: Dataset, *, quick: bool = False) -> FrontRecipe:
    """The recipe of a front on a dataset; `quick` is for demonstrations."""
    if dataset.task == "language":
        plan = _WORDS if dataset.classes > BYTE_VALUES else _BYTES
    else:
        plan = _SOUND if dataset.name == "fsdd" else _IMAGES
    if not quick:
        return plan
    return replace(
        plan,
        dense=replace(plan.dense, steps=max(1, plan.dense.steps // 10), evaluate_every=100),
        boundary=replace(plan.boundary, steps=max(2, plan.boundary.steps // 4)),
    )
