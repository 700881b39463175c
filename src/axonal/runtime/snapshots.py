"""Checkpoints of a pipeline: a file for each stage, and a manifest that is written last.

```
FOLDER/step-00000120/stage-0.safetensors   weights and optimiser of a stage
FOLDER/step-00000120/manifest-0.json       what all stages of that step hold, by each rank
```

A step counts only where the manifest is there and the files are those that it names. Ranks on machines without a common
file system have a manifest each.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from axonal.runtime.errors import Refused
from axonal.runtime.pipeline import Pipeline
from axonal.training import load_checkpoint, save_checkpoint

__all__ = ["restore", "snapshot"]

KEPT = 2
"""Steps whose files are kept: the newest may be incomplete."""


def snapshot(
    folder: Path, pipeline: Pipeline, optimizer: torch.optim.Optimizer, step: int, facts: Mapping[str, Any]
) -> None:
    """Write the state of this rank after a step, and the manifest once all ranks have written theirs.

    Args:
        folder: Folder of the run.
        pipeline: This rank's stages.
        optimizer: Of the pipeline's parameters.
        step: Steps that were done.
        facts: What else a resumed run needs; those of the last rank, which knows the losses, are kept.

    Raises:
        OSError: A file cannot be written; earlier checkpoints stay.
        PeerTimeout: Another rank did not write its files.
    """
    here = folder / _name(step)
    mine = {}
    for stage in pipeline.stages:
        path = here / f"stage-{stage.index}.safetensors"
        tensors = _state(stage.graph.state_dict(), dict(stage.graph.named_parameters()), optimizer)
        save_checkpoint(path, tensors, {"step": step, "layout": stage.layout, "stage": stage.index})
        mine[str(stage.index)] = _digest(path)
    told = [json.loads(text) for text in pipeline.exchange(f"snapshot/{step}", json.dumps([mine, dict(facts)]))]
    hashes = {index: digest for files, _ in told for index, digest in files.items()}
    # All manifests say the same, for that of a rank that is killed now may be another's.
    manifest = {"step": step, "layout": pipeline.stages[0].layout, "stages": hashes, "facts": told[-1][1]}
    path = here / f"manifest-{pipeline.rank}.json"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    temporary.replace(path)
    for old in sorted(folder.glob("step-*"))[:-KEPT]:
        if old < here:
            shutil.rmtree(old, ignore_errors=True)


def restore(folder: Path, pipeline: Pipeline, optimizer: torch.optim.Optimizer) -> tuple[int, dict[str, Any]]:
    """Put the newest state that every rank has whole into the pipeline.

    Returns:
        Steps that were done, 0 without a checkpoint, and the facts of `snapshot`.

    Raises:
        Refused: The checkpoints are of another model or partition.
    """
    found = dict(_whole(folder, pipeline))
    told = [set(json.loads(text)) for text in pipeline.exchange("restore", json.dumps(sorted(found)))]
    common = set.intersection(*told)
    if not common:
        return 0, {}
    step = max(common)
    manifest = found[step]
    for stage in pipeline.stages:
        tensors, _ = load_checkpoint(folder / _name(step) / f"stage-{stage.index}.safetensors")
        weights = {name: value for name, value in tensors.items() if not name.startswith(_MOMENTS)}
        stage.graph.load_state_dict(weights)
        for name, parameter in stage.graph.named_parameters():
            moments = {
                key: tensors[f"{_MOMENTS}{key}/{name}"]
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"{_MOMENTS}{key}/{name}" in tensors
            }
            if moments:
                optimizer.state[parameter] = moments
    facts: dict[str, Any] = manifest["facts"]
    return step, facts


_MOMENTS = "optimizer/"
"""Prefix of the optimiser's tensors."""


def _state(
    weights: Mapping[str, Tensor], parameters: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    # Parameters that are one in memory must not be one in the file.
    found = {name: value.clone() for name, value in weights.items()}
    for name, parameter in parameters.items():
        for key, value in optimizer.state.get(parameter, {}).items():
            found[f"{_MOMENTS}{key}/{name}"] = value.clone() if isinstance(value, Tensor) else torch.tensor(value)
    return found


def _whole(folder: Path, pipeline: Pipeline) -> Iterator[tuple[int, dict[str, Any]]]:
    """Steps of which this rank has its files and a manifest, as they were written."""
    for here in sorted(folder.glob("step-*"), reverse=True):
        manifest = _manifest(here, pipeline.rank)
        if manifest is None:
            continue
        layout = pipeline.stages[0].layout
        if manifest["layout"] != layout:
            raise Refused(
                "layout",
                f"checkpoint {here} is of another model or partition ({manifest['layout']}, this is {layout}): "
                "choose another folder",
            )
        if _matches(here, manifest["stages"], (stage.index for stage in pipeline.stages)):
            yield int(manifest["step"]), manifest


def _manifest(here: Path, rank: int) -> dict[str, Any] | None:
    """What this rank wrote of a step; where it wrote nothing (there were fewer ranks), what another did."""
    for path in sorted(here.glob("manifest-*.json"), key=lambda path: (path.stem != f"manifest-{rank}", path.name)):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if {"step", "layout", "stages", "facts"} <= found.keys():
                return found
    return None


def _matches(here: Path, hashes: Mapping[str, str], indices: Iterable[int]) -> bool:
    for index in indices:
        path = here / f"stage-{index}.safetensors"
        if not path.exists() or _digest(path) != hashes.get(str(index)):
            return False
    return True


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _name(step: int) -> str:
    return f"step-{step:08d}"
