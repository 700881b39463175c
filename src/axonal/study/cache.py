"""A cache by content: what went in names what came out."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

import axonal
from axonal.data import Dataset
from axonal.study.recipes import Network
from axonal.training import Point, Trained, TrainingSettings, load_checkpoint, save_checkpoint, train
from axonal.training.loop import Watch

__all__ = ["Cache", "content_key", "default_folder", "network_key", "source_key"]

TRAINING_ROOMS = ("data", "kernels", "models", "spiking", "training", "wire")
"""The rooms whose code decides what training yields."""


def default_folder() -> Path:
    """`AXONAL_CACHE`, else `axonal` in the user's cache folder."""
    chosen = os.environ.get("AXONAL_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(chosen) if chosen else Path(base) / "axonal"


def content_key(facts: Mapping[str, Any]) -> str:
    """A short name for a JSON value: equal values, equal names."""
    text = json.dumps(facts, sort_keys=True, default=str, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@lru_cache
def source_key(rooms: tuple[str, ...] = ()) -> str:
    """Digest of the package's own code (of some rooms), so that changed code never meets old results."""
    root = Path(axonal.__file__).parent
    files = sorted(
        path for room in rooms or ("",) for path in (root / room).rglob("*") if path.suffix in (".py", ".yaml")
    )
    digest = hashlib.sha256(f"{torch.__version__} {sys.version_info[:2]}".encode())
    for path in files:
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def network_key(network: Network) -> str:
    """Name of a network, with the code of the user's own and of what it imports from its folder."""
    if ":" not in network.name:
        return network.name
    try:
        file = Path(inspect.getsourcefile(inspect.unwrap(network.build)) or "").resolve(strict=True)
    except (OSError, TypeError):
        return network.name
    code = b"".join(path.read_bytes() for path in sorted({file, *_imported_from(file.parent)}))
    return f"{network.name} {hashlib.sha256(code).hexdigest()[:16]}"


def _imported_from(folder: Path) -> Iterator[Path]:
    """Files below a folder that are imported, but for those of installed packages and of this one."""
    for name, module in list(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "/").resolve()
        installed = "site-packages" in path.parts or name.partition(".")[0] == "axonal"
        # Some modules name a file that does not exist (`torch.ops`).
        if path.is_relative_to(folder) and not installed and path.is_file():
            yield path


class Cache:
    """Trained weights and finished results in one folder.

    Args:
        folder: Where; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def trained(
        self,
        key: str,
        model: nn.Module,
        dataset: Dataset,
        settings: TrainingSettings,
        watch: Watch | None,
        *,
        teacher: nn.Module | None = None,
    ) -> Trained:
        """Train a model, or load what the same training yielded before, or resume where it was interrupted."""
        finished, partial = self.folder / f"{key}.safetensors", self.folder / f"{key}.partial.safetensors"
        if finished.exists():
            weights, facts = load_checkpoint(finished)
            try:
                model.load_state_dict(weights)
                return _trained(facts)
            except (RuntimeError, KeyError, TypeError) as error:
                raise ValueError(f"checkpoint {finished} is of another model: delete it to train again") from error
        trained = train(model, dataset, settings, teacher=teacher, checkpoint=partial, watch=watch)
        save_checkpoint(finished, model.state_dict(), asdict(trained))
        partial.unlink(missing_ok=True)
        return trained

    def result(self, key: str) -> dict[str, Any] | None:
        """A finished result, if there is one; a damaged file counts as none, as it can be made again from weights."""
        try:
            found = json.loads((self.folder / f"{key}.result.json").read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def keep(self, key: str, result: Mapping[str, Any]) -> None:
        """Keep a finished result."""
        path = self.folder / f"{key}.result.json"
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(result, allow_nan=False))
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise OSError(f"cannot write {path}: {error}; choose another folder (--cache)") from error


def _trained(facts: Mapping[str, Any]) -> Trained:
    return Trained(
        **{
            **facts,
            "curve": tuple(Point(**point) for point in facts["curve"]),
            "best": Point(**facts["best"]),
            "warnings": tuple(facts["warnings"]),
        }
    )
