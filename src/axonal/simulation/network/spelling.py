"""Traffic as people write it, `hotspot:27,28`, as a `Pattern`, or as the packets of a trace."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from axonal.simulation.network.patterns import PERMUTATIONS, Pattern, hotspot, named, uniform, weights

__all__ = ["TRACE", "known_traffic", "pattern_of", "trace_path"]

TRACE = "trace:"


def known_traffic() -> tuple[str, ...]:
    """What may be written, the values after a colon as an example."""
    return ("uniform", *PERMUTATIONS, "hotspot:27,28,35,36", "weights:27=9", f"{TRACE}FILE")


def trace_path(text: str) -> Path | None:
    """The file of `trace:FILE`; none for a pattern.

    Example:
        >>> trace_path("trace:a.csv")
        PosixPath('a.csv')
    """
    return Path(text.removeprefix(TRACE)) if text.startswith(TRACE) and text != TRACE else None


def pattern_of(text: str, columns: int, rows: int) -> Pattern:
    """The pattern for a grid.

    Example:
        >>> pattern_of("weights:1=3", 2, 1).shares().tolist()
        [[0.25, 0.75], [0.25, 0.75]]

    Raises:
        ValueError: There is none of that name, or it does not fit the grid.
    """
    name, colon, values = text.partition(":")
    if name in PERMUTATIONS and not colon:
        return named(name, columns, rows)
    if text == "uniform":
        return uniform(columns, rows)
    if name == "hotspot" and values:
        return hotspot(columns, rows, tuple(_node(text, part) for part in values.split(",")))
    if name == "weights" and values:
        return weights(columns, rows, _weights(text, values))
    raise ValueError(f"traffic is {text!r}, must be one of {', '.join(known_traffic())}{_meant(name)}")


def _meant(name: str) -> str:
    stems = {known.partition(":")[0]: known for known in known_traffic()}
    close = get_close_matches(name.casefold(), stems, n=1)
    return f": did you mean {stems[close[0]]!r}?" if close else ""


def _node(text: str, part: str) -> int:
    try:
        return int(part)
    except ValueError:
        raise ValueError(f"traffic is {text!r}: {part!r} must be the number of a node, for example 27") from None


def _weights(text: str, values: str) -> dict[int, float]:
    heavy: dict[int, float] = {}
    for part in values.split(","):
        node, _, weight = part.partition("=")
        try:
            number, value = int(node), float(weight)
        except ValueError:
            raise ValueError(f"traffic is {text!r}: {part!r} must be NODE=WEIGHT, for example 27=9") from None
        if number in heavy:
            raise ValueError(f"traffic {text} gives node {number} twice: remove one")
        heavy[number] = value
    return heavy
