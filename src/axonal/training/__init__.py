"""Training: one loop for dense, spiking and hybrid models, with traffic targets and checkpoints."""

from axonal.training.checkpoints import load_checkpoint, save_checkpoint
from axonal.training.settings import TrainingSettings
from axonal.training.tasks import Quality, evaluate, examples, metric
from axonal.training.train import Point, Trained, train

__all__ = [
    "Point",
    "Quality",
    "Trained",
    "TrainingSettings",
    "evaluate",
    "examples",
    "load_checkpoint",
    "metric",
    "save_checkpoint",
    "train",
]
