"""Who is told how a comparison goes on."""

from __future__ import annotations

from typing import Protocol

from axonal.training import Point

__all__ = ["Silent", "Watcher"]


class Watcher(Protocol):
    """Told how a comparison goes on; several tasks may be under way at once."""

    def begin(self, title: str, steps: int) -> None:
        """A training run, or another long task, begins."""
        ...

    def step(self, title: str, step: int, point: Point | None) -> None:
        """A step of it is done, perhaps with a new evaluation."""
        ...

    def say(self, text: str) -> None:
        """Something a person should know."""
        ...


class Silent:
    """A watcher that keeps everything to itself."""

    def begin(self, title: str, steps: int) -> None:
        """Nothing."""

    def step(self, title: str, step: int, point: Point | None) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""
