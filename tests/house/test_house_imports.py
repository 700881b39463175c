from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from house_paths import PYPROJECT, ROOT, environment

TORCH_FREE = next(
    contract["source_modules"]
    for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
    if contract["type"] == "forbidden"
)


@pytest.mark.skipif(find_spec("importlinter") is None, reason="import-linter is not installed (extra `check`)")
def test_import_contracts_hold() -> None:
    command = Path(sys.executable).parent / "lint-imports"
    found = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, env=environment(), check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout


def test_the_simulator_side_starts_without_torch() -> None:
    modules = ["axonal", *TORCH_FREE, "axonal.cli"]
    assert {"axonal.simulation", "axonal.mapping", "axonal.hardware", "axonal.wire", "axonal.views"} <= set(modules)
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=environment(), check=False).returncode == 0
