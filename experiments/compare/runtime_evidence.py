"""What the committed results of the runtime's experiments and benchmarks say."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["advice", "codecs", "interface_bytes", "kills", "links"]

RUNTIME = "experiments/runtime/results"
CODECS = "benchmarks/wire/codecs.json"


def _networks(root: Path) -> dict[str, Any]:
    paths = sorted((root / RUNTIME).glob("links_*.json"))
    return {path.stem.removeprefix("links_"): json.loads(path.read_text(encoding="utf-8")) for path in paths}


def _weighing(root: Path) -> Any:
    """The arithmetic of the experiment itself."""
    folder = str(root / "experiments" / "runtime")
    if folder not in sys.path:
        sys.path.append(folder)
    import weighing  # noqa: PLC0415 - lies beside the experiment

    return weighing


def links(root: Path) -> str:
    """The best spikes and the best dense coding over fp16, at each rate."""
    weighing = _weighing(root)
    parts = []
    for name, result in _networks(root).items():
        for rate in weighing.rates(result):
            said = []
            for words, spikes in (("spikes", True), ("dense", False)):
                best = weighing.best(result, rate, spikes=spikes)
                said.append(f"{words} {weighing.speed(result, best, rate).gain:.1f}x" if best else f"{words} none")
            parts.append(f"{name} at {rate:g} Mbit/s: {', '.join(said)}")
    return "<br>".join(parts)


def interface_bytes(root: Path) -> str:
    """How far the interface's payload is from the runtime's count."""
    off = [
        row["interface_payload_bytes"] / row["bytes_sent"] - 1
        for result in _networks(root).values()
        for row in result["rows"]
    ]
    return f"{len(off)} runs, the interface counts {100 * min(off):.2f} to {100 * max(off):.2f} % more"


def advice(root: Path) -> str:
    """Median error of the predicted speed."""
    weighing = _weighing(root)
    parts = []
    for name, result in _networks(root).items():
        for rate in weighing.rates(result):
            errors = [
                abs(error)
                for coding in weighing.codings(result)
                if (error := weighing.speed(result, coding, rate).error()) is not None
            ]
            within = sum(error <= 0.2 for error in errors)
            parts.append(f"{name} at {rate:g} Mbit/s: {within} of {len(errors)} codings within 20 %")
    return "<br>".join(parts)


def codecs(root: Path) -> str:
    """Speed of the bitmap, and the shortest codec, at 5 % activity."""
    lines = json.loads((root / CODECS).read_text(encoding="utf-8"))["lines"]
    parts = []
    for group in dict.fromkeys(line["group"] for line in lines if "channels" in line["group"]):
        here = [line for line in lines if line["group"] == group and line["tensor"] == "5%"]
        bitmap = next(line for line in here if line["codec"] == "bitmap")
        best = min(here, key=lambda line: line["times_bound"])
        parts.append(
            f"{group} at 5 %: bitmap {bitmap['encode_gb_per_s_best']:.1f} / {bitmap['decode_gb_per_s_best']:.1f} GB/s, "
            f"{best['codec']} {best['times_bound']:.2f}x the entropy"
        )
    return "<br>".join(parts)


def kills(root: Path) -> str:
    """How many killed runs ended like the unbroken one."""
    path = root / RUNTIME / "faults.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    return f"{found['same']} of {found['kills']} kills ended in the same losses and weights"
