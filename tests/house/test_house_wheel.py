from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from house_paths import PACKAGE, ROOT

import axonal

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("build", "hatchling", "pip")),
    reason="build, hatchling or pip is not installed (extra `test`)",
)


def _clean() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    made = subprocess.run(command, check=False, env=_clean(), cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_whole_package_and_its_licence(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {f"axonal/{path.relative_to(PACKAGE).as_posix()}" for path in files} <= inside
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    assert {name.split("/")[0] for name in inside} == {"axonal", f"axonal-{axonal.__version__}.dist-info"}


def test_the_wheel_leaves_the_newest_torch_to_its_user(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"axonal-{axonal.__version__}.dist-info/METADATA").decode()
    torch = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: torch")]
    assert len(torch) == 1
    assert "<" not in torch[0]
    assert "==" not in torch[0]


def test_the_installed_wheel_runs_and_finds_its_data(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    # The dependencies come from here, without their .pth files: an editable install of the package stays out.
    place = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True)
    (Path(place.strip()) / "outer.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*install, "--force-reinstall", str(wheel)], env=_clean(), cwd=tmp_path, check=True)

    def run(*words: str | Path) -> str:
        return subprocess.check_output([str(word) for word in words], env=_clean(), cwd=tmp_path, text=True)

    assert run(venv / "bin" / "axonal", "--version").strip() == f"axonal {axonal.__version__}"
    code = "import axonal, axonal.hardware as h; print(axonal.__file__); [h.load(name) for name in h.presets()]"
    assert Path(run(python, "-c", code).strip()).is_relative_to(venv)
