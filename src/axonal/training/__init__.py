"""Training: one loop for dense, spiking and hybrid models, with traffic targets and checkpoints."""

from axonal.training.checkpoints import load_checkpoint, save_checkpoint
from axonal.training.loop import Trained, Watch, train
from axonal.training.progress import Point
from axonal.training.settings import TrainingSettings
from axonal.training.tasks import Judge, Quality, evaluate, examples, metric

__all__ = [
    "Judge",
    "Point",
    "Quality",
    "Trained",
    "TrainingSettings",
    "Watch",
    "evaluate",
    "examples",
    "load_checkpoint",
    "metric",
    "save_checkpoint",
    "train",
]
