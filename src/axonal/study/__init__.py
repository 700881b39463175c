"""The main job: train one network five ways, map, simulate and compare."""

from axonal.study.comparing import Request, Watcher, compare
from axonal.study.recipes import NETWORKS, VARIANTS

__all__ = ["NETWORKS", "VARIANTS", "Request", "Watcher", "compare"]
