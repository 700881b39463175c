"""Where things are in the checkout, and how a fresh Python finds the package."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "axonal"
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def environment() -> dict[str, str]:
    """The environment of this process, in which a new Python imports the package from the checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def sources(folder: Path) -> list[Path]:
    """Python files below a folder of the checkout."""
    return sorted(path for path in folder.rglob("*.py") if "_build" not in path.parts)
