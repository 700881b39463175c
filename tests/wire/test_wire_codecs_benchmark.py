from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from axonal.wire import CODECS

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "wire" / "codecs.py"


def test_the_benchmark_writes_figures_of_every_codec_and_the_tables_of_its_page(tmp_path: Path) -> None:
    np.savez(tmp_path / "boundaries.npz", digits=np.eye(40, dtype=np.int8))
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- begin codecs -->\nold\n<!-- end codecs -->\nafter\n")
    command = [sys.executable, SCRIPT, "--quick", "--out", tmp_path, "--recorded", tmp_path / "boundaries.npz"]
    subprocess.run(command, check=True, capture_output=True)
    result = json.loads((tmp_path / "codecs.json").read_text())
    assert {line["codec"] for line in result["lines"]} == set(CODECS)
    assert {"commit", "machine", "versions"} <= set(result["provenance"])
    assert all(line["times_bound"] > 0.98 for line in result["lines"] if line["group"].startswith(("binary", "graded")))
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| digits | 2.5% |" in text
    assert "old" not in text
