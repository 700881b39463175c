"""Ranks as real processes, forked from one that has loaded torch and the runtime already: a group starts at once."""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch._C._distributed_c10d import TCPStore

from axonal.runtime.errors import Refused

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["axonal.runtime.running", "axonal.models.cnn", "axonal.models.rwkv", "axonal.tracing"])

DEADLINE_S = 100.0
"""A group that takes longer hangs: whatever runs here takes some seconds, on a busy machine too."""

Act = Callable[..., Any]
"""What a rank does: a function of its number and of what the test gives."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a rank ended.

    Args:
        value: What it answered.
        fault: Name of the exception that ended it; empty when it answered.
        text: Of the exception.
        reason: Of a refusal.
        exit_code: 0 after an answer, 1 after an exception, below 0 by a signal; `None` when it had to be ended here.
        ended_s: When, of `time.monotonic`.
    """

    value: Any = None
    fault: str = ""
    text: str = ""
    reason: str = ""
    exit_code: int | None = None
    ended_s: float = 0.0

    @property
    def named(self) -> bool:
        """Whether it ended by an exception of its own, neither by a signal nor by the deadline."""
        return bool(self.fault) and self.exit_code == 1


def ranks(number: int, act: Act, *shared: Any, own: Sequence[Any] = (), deadline_s: float = DEADLINE_S) -> list[Ending]:
    """Run `act(rank, *shared)` in so many processes; with `own`, each gets its item last."""
    with Group(number, act, *shared, own=own) as group:
        return group.endings(deadline_s)


class Group:
    """Ranks that run; ended with the block, whatever they do.

    Args:
        number: How many.
        act: What each does.
        shared: What all are given.
        own: What each is given after that.
        store: That of a group before this one; a new one when `None`.
    """

    def __init__(
        self, number: int, act: Act, *shared: Any, own: Sequence[Any] = (), store: TCPStore | None = None
    ) -> None:
        self.store = store or TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        self.processes, self._ends = [], list[Connection]()
        for rank in range(number):
            here, there = FORKS.Pipe(duplex=False)
            # Pickled here: what `multiprocessing` pickles of a tensor is its memory, which all ranks would share.
            given = pickle.dumps((act, (*shared, own[rank]) if own else shared))
            process = FORKS.Process(target=_as_rank, args=(rank, number, self.store.port, given, there), daemon=True)
            process.start()
            there.close()
            self.processes.append(process)
            self._ends.append(here)

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join()

    def signal(self, rank: int, number: signal.Signals) -> None:
        """Send a signal to one rank."""
        pid = self.processes[rank].pid
        assert pid is not None
        os.kill(pid, number)

    def endings(self, deadline_s: float = DEADLINE_S, of: Sequence[int] | None = None) -> list[Ending]:
        """How ranks end; those that have not at the deadline are ended."""
        until = time.monotonic() + deadline_s
        found: dict[int, Ending] = {}
        wanted = set(range(len(self.processes)) if of is None else of)
        while wanted - found.keys() and time.monotonic() < until:
            waiting = {self._ends[rank]: rank for rank in wanted - found.keys()}
            for end in connection.wait(list(waiting), timeout=0.5):
                found[waiting[end]] = self._ending(waiting[end])
        return [found.get(rank, Ending(fault="Hung", ended_s=time.monotonic())) for rank in sorted(wanted)]

    def _ending(self, rank: int) -> Ending:
        try:
            told = self._ends[rank].recv()
        except EOFError:
            told = {}
        self.processes[rank].join(timeout=20)
        return Ending(**told, exit_code=self.processes[rank].exitcode, ended_s=time.monotonic())


def _as_rank(rank: int, size: int, port: int, given: bytes, told: Connection) -> None:
    os.environ.update(
        RANK=str(rank),
        WORLD_SIZE=str(size),
        LOCAL_RANK=str(rank),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        TORCHELASTIC_USE_AGENT_STORE="True",
    )
    torch.set_num_threads(1)
    act, arguments = pickle.loads(given)  # noqa: S301 - from the test itself
    try:
        ending, status = {"value": act(rank, *arguments)}, 0
    except Exception as error:  # whatever it is, the test is told
        reason = error.reason if isinstance(error, Refused) else ""
        ending, status = {"fault": type(error).__name__, "text": str(error), "reason": reason}, 1
    told.send(ending)
    told.close()
    os._exit(status)
