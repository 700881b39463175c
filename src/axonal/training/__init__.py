"""Training: one loop for dense, spiking and hybrid models, with traffic targets and checkpoints."""

from axonal.training.checkpoints import load_checkpoint, save_checkpoint
from axonal.training.loop import CLIP_NORM, Trained, Watch, parameter_groups, train
from axonal.training.progress import Point
from axonal.training.settings import TrainingSettings
from axonal.training.tasks import Judge, Quality, batch_at, evaluate, examples, loss_of, metric

__all__ = [
    "CLIP_NORM",
    "Judge",
    "Point",
    "Quality",
    "Trained",
    "TrainingSettings",
    "Watch",
    "batch_at",
    "evaluate",
    "examples",
    "load_checkpoint",
    "loss_of",
    "metric",
    "parameter_groups",
    "save_checkpoint",
    "train",
]
