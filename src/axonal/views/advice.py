"""What a probe measured and what advice follows from it, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from axonal.views.numbers import DASH, TIMES, significant

__all__ = ["advice_view", "probe_view"]

LOW_BITS_PER_NS = 0.1
"""Below this, rates read better in Mb/s."""


def advice_view(advice: Mapping[str, Any]) -> Group:
    """The verdict, each candidate, and below which rate spikes beat which dense coding.

    Args:
        advice: As `Advice.to_dict` gives it.
    """
    setting = advice["setting"]
    cores = setting["shared_cores"]
    where = "a core for each rank" if cores is None else f"ranks share {cores} core{'s' if cores > 1 else ''}"
    link = Text(
        f"link: {rate(setting['rate_bits_per_ns'])}, round trip {significant(setting['round_trip_ns'] / 1e6)} ms "
        f"({advice['link']}); {where}; {advice['examples']} examples a micro-batch",
        style="dim",
    )
    parts: list[Any] = [
        Text(advice["verdict"], style="bold green" if advice["use_spikes"] else "bold yellow"),
        link,
        Text(""),
        _candidates(advice),
    ]
    if advice["crossovers"]:
        parts += [
            Text("\nspikes (rows) are faster than a dense coding (columns) below so many Mb/s", style="dim"),
            _crossovers(advice),
        ]
    if not all(item["good_enough"] for item in advice["candidates"]):
        parts.append(Text("in brackets: answers not as good as the reference's", style="dim"))
    parts += [Text(f"note: {note}", style="dim") for note in advice["notes"]]
    return Group(*parts)


def probe_view(probe: Mapping[str, Any]) -> Group:
    """Link, machine and codecs.

    Args:
        probe: As `Probe.to_json` writes it.
    """
    link, machine = probe["link"], probe["machine"]
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_row("link", Text(link["peer"]))
    facts.add_row("  there", rate(link["rate_bits_per_ns"]))
    facts.add_row("  back", rate(link["back_bits_per_ns"]))
    trip = (
        f"{significant(link['round_trip_ns'] / 1e3)} µs, 95 % within {significant(link['round_trip_p95_ns'] / 1e3)} µs"
    )
    facts.add_row("  round trip", trip)
    facts.add_row("machine", Text(f"{machine['name']}, {machine['cores']} cores, torch {machine['torch']}"))
    facts.add_row("  one thread", f"{significant(probe['macs_per_ns'])} MAC/ns (32-bit matrices)")
    facts.add_row("  all threads", f"{significant(probe['macs_per_ns_all'])} MAC/ns")
    return Group(facts, Text(""), _speeds(probe["codecs"])) if probe["codecs"] else Group(facts)


def rate(bits_per_ns: float) -> str:
    """A link rate for people.

    Example:
        >>> rate(9.412), rate(0.0196)
        ('9.41 Gb/s', '19.6 Mb/s')
    """
    if bits_per_ns < LOW_BITS_PER_NS:
        return f"{significant(bits_per_ns * 1e3)} Mb/s"
    return f"{significant(bits_per_ns)} Gb/s"


def _candidates(advice: Mapping[str, Any]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    shown.add_column("coding", no_wrap=True)
    titles = (
        "quality",
        "kB",
        "compute\nms",
        "code\nms",
        "examples\n/s",
        "gain",
        "latency\nms",
        "bound by",
    )
    for title in titles:
        shown.add_column(Text(title), justify="left" if title == "bound by" else "right", no_wrap=True)
    for item in advice["candidates"]:
        cost, prediction = item["cost"], item["prediction"]
        name = item["name"] if item["good_enough"] else f"({item['name']})"
        style = "bold" if item["name"] == advice["best"] else "cyan" if item["spikes"] else ""
        shown.add_row(
            Text(name),
            DASH if item["quality"] is None else significant(item["quality"]),
            significant(sum(hop["message_bytes"] for hop in cost["hops"]) / 1e3),
            significant(sum(cost["compute_ms"])),
            significant(sum(hop["encode_ms"] + hop["decode_ms"] for hop in cost["hops"])),
            significant(item["examples_per_s"]),
            f"{item['gain']:.2f}{TIMES}",
            significant(prediction["latency_ms"]),
            Text(prediction["bound"]),
            style=style,
        )
    return shown


def _crossovers(advice: Mapping[str, Any]) -> Table:
    found = advice["crossovers"]
    weak = {item["name"] for item in advice["candidates"] if not item["good_enough"]}
    columns, rows = (list(dict.fromkeys(item[key] for item in found)) for key in ("dense", "spikes"))
    cells = {(item["spikes"], item["dense"]): item for item in found}
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    shown.add_column("")
    for name in columns:
        shown.add_column(Text(_bracketed(name, weak).replace(" + ", "\n+ ")), justify="right")
    for name in rows:
        shown.add_row(Text(_bracketed(name, weak)), *(_below(cells.get((name, column))) for column in columns))
    return shown


def _bracketed(name: str, weak: set[str]) -> str:
    return f"({name})" if name in weak else name


def _below(item: Mapping[str, Any] | None) -> str:
    if item is None:
        return ""
    if item["at_every_rate"]:
        return "always"
    return significant(item["below_bits_per_ns"] * 1e3) if item["below_bits_per_ns"] else "never"


def _speeds(speeds: Sequence[Mapping[str, Any]]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("codec", "activity", "bits an element", "encode ns", "decode ns"):
        shown.add_column(title, justify="left" if title == "codec" else "right")
    for item in speeds:
        shown.add_row(
            Text(item["codec"]),
            f"{100 * item['activity']:g} %",
            significant(8 * item["frame_bytes"] / item["elements"]),
            significant(item["encode_ns_per_element"]),
            significant(item["decode_ns_per_element"]),
        )
    return shown
