"""How `axonal run` shows its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

__all__ = ["run_view"]


def run_view(found: Mapping[str, Any]) -> RenderableType:
    """The figures of a run for people."""
    facts = Table(show_header=False)
    quality = "not judged" if found["quality"] is None else f"{found['quality']:.4g} ({found['metric']})"
    codecs = ", ".join(f"{name} {frames}" for name, frames in found["frames_by_codec"].items())
    facts.add_row("pipeline", f"{found['stages']} stages on {found['ranks']} ranks, {found['schedule']}")
    facts.add_row("answers", f"{found['examples']} examples, quality {quality}")
    facts.add_row("frames forward", f"{found['frames']} ({codecs}), {found['bytes_forward']:,} bytes")
    facts.add_row("bits per boundary element", f"{found['bits_per_element']:.3f}")
    facts.add_row("predicted", _predicted(found))
    facts.add_row("headers", f"{found['bytes_headers']:,} bytes")
    facts.add_row("throughput", f"{found['throughput_per_s']:,.1f} examples/s")
    facts.add_row("latency of one micro-batch", f"{found['latency_ms']:.2f} ms")
    facts.add_row(
        "encode, decode, wait", f"{found['encode_ms']:.1f}, {found['decode_ms']:.1f}, {found['wait_ms']:.1f} ms"
    )
    said = found["simulated"]
    simulated_ms, measured_ms = said["latency_ns"] / 1e6, said["measured_latency_ns"] / 1e6
    facts.add_row("an inference, simulated", f"{simulated_ms:.3f} ms, {measured_ms:.3f} ms in a micro-batch")
    training = found["training"]
    if training["steps"]:
        facts.add_row(
            "training",
            f"{training['steps']} steps ({training['first_step']} of them before), loss {training['loss']:.4f}; "
            f"{training['bytes_forward']:,} bytes forward, {training['bytes_backward']:,} backward",
        )
    return Group(facts, _rivals(found))


def _predicted(found: Mapping[str, Any]) -> str:
    predicted = found["predicted_bytes_forward"]
    if predicted is None:
        return "not by the simulator's packet formats: the codec has none, or stages learned elsewhere"
    same = "as counted" if predicted == found["bytes_forward"] else "NOT what was counted: please report this"
    return f"{predicted:,} bytes, {same}"


def _rivals(found: Mapping[str, Any]) -> Table:
    table = Table(title="without boundaries, the same tensors would have cost")
    table.add_column("codec")
    table.add_column("bytes forward", justify="right")
    table.add_column("of what was sent", justify="right")
    for name, size in found["baseline_bytes_forward"].items():
        table.add_row(name, f"{size:,}", f"{size / max(1, found['bytes_forward']):.1f}x")
    return table
