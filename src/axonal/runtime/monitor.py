"""Heartbeats through the store: who is alive, who has failed and why, so that nobody waits for the dead."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from torch.distributed.distributed_c10d import PrefixStore, Store

from axonal.runtime.errors import PeerLost, PeerTimeout, RuntimeFault

__all__ = ["Monitor"]

HEARTBEAT_S = 2.0
"""Time between two beats of a rank."""

PATIENCE_BEATS = 4
"""Beats that may be missing before a rank counts as lost: a busy machine is late now and then."""


@dataclass(kw_only=True)
class _Peer:
    beat: str = ""
    changed_s: float = field(default_factory=time.monotonic)
    finished: bool = False


class Monitor:
    """Beats for this rank and watches the others, in a thread of its own.

    Args:
        store: The rendezvous store; a connection of its own is made.
        rank: This rank.
        size: Ranks of the run.
        session: Number of the run, so that beats of an earlier one in the same store are not heard.
        heartbeat_s: Time between beats.
        timeout_s: Longest wait for anything that does come in the end.
    """

    def __init__(
        self,
        store: Store,
        rank: int,
        size: int,
        *,
        session: int = 0,
        heartbeat_s: float = HEARTBEAT_S,
        timeout_s: float = 60.0,
    ) -> None:
        self.store = PrefixStore(f"axonal/beat/{session:016x}", store.clone())  # type: ignore[attr-defined]
        self.store.set_timeout(timedelta(seconds=max(1.0, heartbeat_s * PATIENCE_BEATS)))
        self.rank, self.size, self.timeout_s, self.heartbeat_s = rank, size, timeout_s, heartbeat_s
        self.fault: RuntimeFault | None = None
        self._peers = {other: _Peer() for other in range(size) if other != rank}
        self._stop = threading.Event()
        self._beat("alive", 0)
        self._thread = threading.Thread(target=self._watch, name="axonal-heartbeat", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what is known to have gone wrong.

        Raises:
            PeerLost: A rank stopped beating, said that it failed, or the store is gone.
        """
        if self.fault is not None:
            raise self.fault

    def settle(self) -> None:
        """After a connection broke, wait a moment for what the other side says of it."""
        until = time.monotonic() + self.heartbeat_s
        while self.fault is None and time.monotonic() < until:
            time.sleep(0.05)

    def expired(self, since_s: float, what: str) -> None:
        """PeerTimeout when a wait that began at `since_s` (of `time.monotonic`) has lasted too long."""
        if time.monotonic() - since_s > self.timeout_s:
            raise PeerTimeout(
                f"rank {self.rank} waited {self.timeout_s:g} s for {what}, although its peer is alive: "
                "is a stage much slower than the others? raise --timeout"
            )

    def failed(self, error: BaseException) -> None:
        """Tell the others why this rank ends."""
        self._stop.set()
        self._try(lambda: self._beat("failed", 0, f"{type(error).__name__}: {' '.join(str(error).split())}"))

    def finished(self) -> None:
        """Tell the others that this rank has done its part; it no longer beats."""
        self._stop.set()
        self._thread.join(timeout=self.heartbeat_s * PATIENCE_BEATS)
        self._try(lambda: self._beat("finished", 0))

    def _beat(self, state: str, number: int, reason: str = "") -> None:
        self.store.set(_key(self.rank), json.dumps({"state": state, "number": number, "reason": reason}))

    def _try(self, act: Any) -> None:
        try:
            act()
        except (RuntimeError, OSError):
            return  # the store went first: whoever listens to it knows

    def _watch(self) -> None:
        number = 0
        while not self._stop.wait(self.heartbeat_s / 2):
            number += 1
            try:
                self._beat("alive", number)
                for other, peer in self._peers.items():
                    self._look(other, peer)
            except (RuntimeError, OSError) as error:
                reason = f"rank {self.rank} lost the rendezvous store ({_line(error)})"
                self._say(PeerLost(f"{reason}: the launcher or rank 0 ended"))
            if self.fault is not None:
                return

    def _look(self, other: int, peer: _Peer) -> None:
        if peer.finished:
            return
        seen = self.store.get(_key(other)).decode() if self.store.check([_key(other)]) else ""
        now = time.monotonic()
        if seen != peer.beat:
            peer.beat, peer.changed_s = seen, now
            told = json.loads(seen)
            peer.finished = told["state"] == "finished"
            if told["state"] == "failed":
                self._say(PeerLost(f"rank {other} failed: {told['reason']}"))
        elif now - peer.changed_s > self.heartbeat_s * PATIENCE_BEATS:
            self._say(
                PeerLost(
                    f"rank {other} has not been heard of for {now - peer.changed_s:.0f} s: "
                    "it was killed, stopped or cut off; start again to resume from the last checkpoint"
                )
            )

    def _say(self, fault: RuntimeFault) -> None:
        if self.fault is None:
            self.fault = fault


def _key(rank: int) -> str:
    return str(rank)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
