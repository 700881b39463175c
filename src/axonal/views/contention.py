"""What bounds a variant, and who waits for whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axonal.views.cells import Number, number
from axonal.views.loads import percent
from axonal.views.numbers import NS, is_number
from axonal.views.svg import Svg, drawing, rectangle
from axonal.views.variants import Variant

__all__ = ["Contention", "Stall", "contention"]

MOST_WAITS = 10
MOST_NAMED = 3
WIDTH, HEIGHT = 120.0, 12.0


@dataclass(frozen=True, kw_only=True)
class Stall:
    """One row of the table of waits: who waits, for what, how long, and the share of the latency as a bar."""

    waiter: str
    holder: str
    duration: Number
    share: str
    bar: Svg


@dataclass(frozen=True, kw_only=True)
class Contention:
    """What keeps one variant from being faster.

    Args:
        bottleneck: Sentences that name what bounds the throughput.
        stalls: The longest waits.
        left_out: How many shorter waits there are, and how long they take together; empty where there is none.
    """

    bottleneck: str
    stalls: tuple[Stall, ...]
    left_out: str


def contention(result: Mapping[str, Any], variant: Variant) -> Contention | None:
    """Bottleneck and waits of a variant; `None` where waits were not counted."""
    waits = list(enumerate(variant.data.get("waits") or ()))
    if not waits:
        return None
    waits.sort(key=lambda item: -item[1]["duration_ns"])
    shorter = [wait["duration_ns"] for _, wait in waits[MOST_WAITS:]]
    longest = waits[0][1]["duration_ns"]
    return Contention(
        bottleneck=_bottleneck(variant),
        stalls=tuple(_stall(result, variant, index, longest) for index, _ in waits[:MOST_WAITS]),
        left_out=f"{len(shorter)} shorter ones take {NS.text(sum(shorter))} together" if shorter else "",
    )


def _arrows(text: Any) -> str:
    return str(text).replace("->", "→")


def _stall(result: Mapping[str, Any], variant: Variant, index: int, longest_ns: float) -> Stall:
    key = f"variants.{variant.key}.waits.{index}"
    wait = variant.data["waits"][index]
    duration_ns, latency_ns = wait["duration_ns"], variant.data.get("latency_ns")
    return Stall(
        waiter=_arrows(wait["waiter"]),
        holder=_arrows(wait["holder"]),
        duration=number(result, f"{key}.duration_ns", NS.text, NS.exact) or Number(text="", title=""),
        share=percent(duration_ns / latency_ns) if is_number(latency_ns) and latency_ns > 0 else "",
        bar=drawing(
            (WIDTH, HEIGHT),
            NS.text(duration_ns),
            rectangle((0, 1), (WIDTH * duration_ns / (longest_ns or 1.0), HEIGHT - 2), "wait-bar"),
            css="tiny",
        ),
    )


def _bottleneck(variant: Variant) -> str:
    """`c0→c1, a link between dies, bounds the throughput: ...`, as far as the result knows it."""
    name = str(variant.data.get("bottleneck") or "")
    if not name:
        return ""
    kind, occupied = _occupied(variant, name)
    # `c0 core 1` is not meant by `c0 core 12`.
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    waits = [wait for wait in variant.data.get("waits") or () if whole.search(str(wait["holder"]))]
    waits.sort(key=lambda wait: -wait["duration_ns"])
    words = f"{_arrows(name)}{kind} bounds the throughput{occupied}."
    if not waits:
        return f"{words} Nothing waits for it in a single inference."
    named = [f"{_arrows(wait['waiter'])} ({NS.text(wait['duration_ns'])})" for wait in waits[:MOST_NAMED]]
    more = f" and {len(waits) - MOST_NAMED} more" if len(waits) > MOST_NAMED else ""
    return f"{words} Waiting for it: {', '.join(named)}{more}."


def _occupied(variant: Variant, name: str) -> tuple[str, str]:
    """What the bottleneck is, and how much of the inference it is occupied."""
    latency_ns = variant.data.get("latency_ns")
    if not is_number(latency_ns) or latency_ns <= 0:
        return "", ""
    link = next((link for link in variant.data.get("links") or () if link["name"] == name), None)
    if link is not None:
        kind = ", a link between dies," if link["kind"] == "d2d" else ", a channel of the network on chip,"
        peak = max(link.get("utilization") or (0.0,))
        interval_ns = variant.data.get("interval_ns") or 0.0
        most = f", {percent(min(peak, 1.0))} in its busiest interval of {interval_ns:g} ns" if peak else ""
        return kind, f": it is occupied {percent(link['busy_ns'] / latency_ns)} of a single inference{most}"
    spans = variant.data.get("timeline") or ()
    busy_ns = sum(span["duration_ns"] for span in spans if span["resource"] == name and span["kind"] == "compute")
    return "", f": it works {percent(busy_ns / latency_ns)} of a single inference" if busy_ns else ""
