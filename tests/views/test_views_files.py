"""Files are whole: either the old one or the new one."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from axonal.views import html, perfetto, write

NAMES = ["report.html", "result.json", "trace.json"]


def test_folder_holds_the_result_its_report_and_its_trace(result: dict[str, Any], tmp_path: Path) -> None:
    written = write(result, tmp_path / "new" / "folder")
    assert sorted(path.name for path in written.result.parent.iterdir()) == NAMES
    assert json.loads(written.result.read_text(encoding="utf-8")) == result
    assert written.report.read_text(encoding="utf-8") == html(result)
    assert json.loads(written.trace.read_text(encoding="utf-8")) == perfetto(result, "hybrid")


def test_trace_is_that_of_another_variant_when_hybrid_is_missing(result: dict[str, Any], tmp_path: Path) -> None:
    result["variants"] = {"snn": result["variants"]["snn"]}
    trace = json.loads(write(result, tmp_path).trace.read_text(encoding="utf-8"))
    assert trace["otherData"]["variant"] == "snn"


def test_failing_replacement_leaves_the_old_file_and_no_debris(
    result: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write(result, tmp_path).result.read_bytes()
    result["elapsed_s"] = 1.0

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=f"folder {tmp_path} is not writable .No space left"):
        write(result, tmp_path)
    assert (tmp_path / "result.json").read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_that_json_cannot_hold_is_refused_by_its_place(
    result: dict[str, Any], tmp_path: Path, value: float
) -> None:
    old = write(result, tmp_path).result.read_bytes()
    result["variants"]["hybrid"]["boundaries"][1]["events"] = value
    with pytest.raises(ValueError, match=r"variants\.hybrid\.boundaries\.1\.events is .*, must be finite"):
        write(result, tmp_path)
    assert (tmp_path / "result.json").read_bytes() == old


def test_folder_that_is_a_file_is_refused_by_name(result: dict[str, Any], tmp_path: Path) -> None:
    occupied = tmp_path / "out"
    occupied.write_text("mine")
    with pytest.raises(OSError, match=f"folder {occupied} is not writable"):
        write(result, occupied)
    assert occupied.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission_is_refused_by_name(result: dict[str, Any], tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match=f"folder {tmp_path} is not writable"):
        write(result, tmp_path)
