"""What a capability is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from figures import Result

__all__ = ["Capability", "Figure", "tests"]

Figure = Callable[[Result], str]
"""What one run says."""

Evidence = Callable[[Path], str]
"""What the committed results of another experiment say."""


@dataclass(frozen=True, kw_only=True)
class Capability:
    """Something that Axonal can do.

    Args:
        claim: What, in a sentence without a number.
        proofs: Test functions (`path::name`) or folders of experiments, relative to the checkout.
        figure: The measured figure of one run, for capabilities that have one.
        evidence: The measured figure of another experiment, read from the checkout.
    """

    claim: str
    proofs: tuple[str, ...]
    figure: Figure | None = None
    evidence: Evidence | None = None


def tests(file: str, *names: str) -> tuple[str, ...]:
    """Test functions of a file, as proofs."""
    return tuple(f"tests/{file}.py::test_{name}" for name in names)
