"""Where a figure is from: commit, versions, machine."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import torch

import axonal

__all__ = ["commit", "machine", "provenance", "versions"]


def provenance() -> dict[str, Any]:
    """All of it, for a file of results."""
    return {"commit": commit(), "versions": versions(), "machine": machine()}


def machine() -> str:
    """Class of this machine."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "axonal": axonal.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def commit() -> str:
    """Commit of the code, when it runs from a checkout."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607 - git from PATH
            cwd=Path(axonal.__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip() or "unknown"
