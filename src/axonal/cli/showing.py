"""Tables for the smaller verbs."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Column, Table

import axonal
from axonal.hardware import System

__all__ = ["health", "health_table", "system_json", "system_list", "system_view"]

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pydantic", "ruamel.yaml", "safetensors", "typer", "rich")


def system_json(system: System) -> dict[str, Any]:
    """A system as JSON values."""
    return asdict(system)


def system_list(found: Sequence[System]) -> Table:
    """One row for each preset."""
    table = Table("preset", "dies", "cores", "links", "what it is", box=None, header_style="bold")
    for system in found:
        kinds = ", ".join(dict.fromkeys(f"{link.kind} {link.bits_per_ns:g} Gb/s" for link in system.links))
        cores = sum(chip.cores for chip in system.chips)
        table.add_row(system.name, str(len(system.chips)), str(cores), kinds, system.description)
    return table


def system_view(system: System) -> Group:
    """Every constant of a system with its source, those of its profiles last."""
    key = Column("key (for --set)", overflow="fold")
    table = Table(key, "value", "source", box=None, header_style="bold")
    for constant in system.constants:
        table.add_row(constant.key, constant.text, constant.source)
    for profile in system.profiles:
        for constant in profile.constants:
            table.add_row(f"profiles.{profile.name}.{constant.key}", constant.text, constant.source)
    return Group(system_list([system]), "", table)


def health() -> dict[str, Any]:
    """What `doctor` says, as JSON values."""
    import torch  # noqa: PLC0415 - torch only when a verb needs it

    from axonal.data import describe, load, names  # noqa: PLC0415
    from axonal.study.cache import default_folder  # noqa: PLC0415

    data = {}
    for name in names():
        try:
            data[name] = f"found: {load(name).source}"
        except (ValueError, OSError) as error:
            data[name] = f"not found: {describe(name).summary}" if isinstance(error, FileNotFoundError) else str(error)
    cache = default_folder()
    return {
        "axonal": axonal.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "torch_threads": torch.get_num_threads(),
        "cuda": torch.cuda.is_available(),
        "packages": {name: _version(name) for name in PACKAGES},
        "cache": f"{cache} ({_megabytes(cache):.1f} MB)",
        "data_folder": os.environ.get("AXONAL_DATA", "not set (AXONAL_DATA or --data-dir)"),
        "data": data,
    }


def health_table(found: Mapping[str, Any]) -> Table:
    """What `doctor` says, for people."""
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for key, value in found.items():
        if isinstance(value, Mapping):
            for name, text in value.items():
                table.add_row(f"{key}: {name}", str(text))
        else:
            table.add_row(key, str(value))
    return table


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("*")) / 1e6 if folder.is_dir() else 0.0
