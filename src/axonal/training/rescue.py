"""Boundaries that fell silent, or shout all the time, are brought back and never in silence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from axonal.spiking import Sent

__all__ = ["Rescue"]

PATIENCE = 10
"""Steps in a row after which a boundary counts as lost."""

LOUD = 0.98
"""Share of symbols at the end of their range from which on a boundary carries hardly anything."""

FACTOR = 2.0
"""By which thresholds are lowered, or raised."""


@dataclass(kw_only=True)
class Rescue:
    """Watches what the encoders send; lowers the thresholds of a silent one, raises those of a saturated one.

    Args:
        silent: Steps in a row for which each boundary sent nothing.
        loud: Steps in a row for which each was saturated.
        notes: What was done, for people.
    """

    silent: list[int] = field(default_factory=list)
    loud: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def watch(self, sent: Sequence[Sent], step: int) -> None:
        """Look at one step's symbols, and change thresholds where a boundary is lost."""
        self.silent = self.silent or [0] * len(sent)
        self.loud = self.loud or [0] * len(sent)
        for number, item in enumerate(sent):
            if item.code.levels == 0:
                continue
            self.silent[number] = self.silent[number] + 1 if item.events == 0 else 0
            if item.code.symbols == "dense" and item.events:
                self._mute(item, number, step)
            # One-bit and one-hot codes are at the end of their range by nature.
            shouts = item.code.symbols == "event" and item.saturated >= LOUD
            self.loud[number] = self.loud[number] + 1 if shouts else 0
            if self.silent[number] >= PATIENCE:
                self._change(item, number, step, "sent nothing", 1 / FACTOR)
                self.silent[number] = 0
            if self.loud[number] >= PATIENCE:
                self._change(item, number, step, "was saturated", FACTOR)
                self.loud[number] = 0

    def _mute(self, item: Sent, number: int, step: int) -> None:
        """Say so, once, where a dense boundary always sends the same: no threshold helps it."""
        says = f"boundary {number} sends the same symbol everywhere"
        if bool((item.symbols == item.symbols.flatten()[0]).all()) and not any(n.startswith(says) for n in self.notes):
            self.notes.append(f"{says} at step {step}: give it neurons of its own")

    def _change(self, item: Sent, number: int, step: int, what: str, factor: float) -> None:
        if item.encoder is None:
            return
        with torch.no_grad():
            item.encoder.log_threshold.add_(math.log(factor))
        verb = "lowered" if factor < 1 else "raised"
        self.notes.append(
            f"boundary {number} {what} for {PATIENCE} steps at step {step}: thresholds {verb} x{factor:g}"
        )
