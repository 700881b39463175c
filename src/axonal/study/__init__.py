"""The main job: train one network five ways, map, simulate and compare."""

from axonal.study.comparing import Request, compare
from axonal.study.recipes import NETWORKS, VARIANTS
from axonal.study.watching import Watcher

__all__ = ["NETWORKS", "VARIANTS", "Request", "Watcher", "compare"]
