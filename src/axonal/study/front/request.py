"""Which front to draw, checked when it is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from axonal.study.front.families import FAMILIES, family

__all__ = ["FrontRequest"]


@dataclass(frozen=True, kw_only=True)
class FrontRequest:
    """Which front to draw.

    Args:
        data: Name of the dataset.
        network: Name of the network, or `module:function`; the default of the data when `None`.
        codes: Names of the codes, of `FAMILIES`.
        targets: Bits per boundary element, falling; those of the recipe when `None`.
        seeds: Seeds of the boundaries' training.
        system: Preset or YAML file; it decides where the network is cut, and the link that is charged; that of the
            recipe when `None`.
        start: Checkpoint of the trained dense network; it is trained when `None`.
        steps: Training steps of the dense network and of each target; those of the recipe when `None`.
        quick: Shorter training, for demonstrations.
        data_dir: Folder with datasets.
        cache: Folder for trained weights; the user's cache folder when `None`.
        workers: Processes that train at once; results do not depend on it.
    """

    data: str
    network: str | None = None
    codes: tuple[str, ...] = tuple(FAMILIES)
    targets: tuple[float, ...] | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    system: str | None = None
    start: Path | None = None
    steps: tuple[int, int] | None = None
    quick: bool = False
    data_dir: Path | None = None
    cache: Path | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        for name in self.codes:
            family(name)
        if not self.codes or len(set(self.codes)) < len(self.codes):
            raise ValueError(f"codes are {', '.join(self.codes) or 'none'}, must be different ones, at least one")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"seeds are {self.seeds}, must be different whole numbers >= 0, at least one")
        for target in self.targets or ():
            if not 0 < target < math.inf:
                raise ValueError(f"target is {target} bits per boundary element, must be finite and > 0")
        if self.targets is not None and (not self.targets or len(set(self.targets)) < len(self.targets)):
            raise ValueError("targets must be different, at least one")
        if self.steps is not None and min(self.steps) < 1:
            raise ValueError(f"steps are {self.steps}, both must be >= 1")
        if self.workers < 1:
            raise ValueError(f"workers is {self.workers}, must be >= 1")
