"""What releases packets: `Tasks` that run on cores, wait for messages and send others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tasks"]

I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """A graph of tasks; lists of lists are flat, list i being `values[start[i]:start[i + 1]]`.

    Args:
        core: Core that runs each task.
        ticks: How long each takes.
        left: Messages that each waits for.
        first: First packet that each releases, -1 for none; its packets follow each other.
        last: Last packet that each releases.
        streams: 1 where packets leave while the task runs, 0 where they leave at its end.
        core_start: Lists of tasks of each core, in the order in which it runs them.
        core_task: Their values.
        out_start: Lists of messages that each task sends.
        out_message: Their values.
        in_start: Lists of tasks that wait for each message.
        in_task: Their values.
        message: Message of each packet, -1 without tasks.
        share: Part of the task that has run when a streamed packet leaves.
    """

    core: I32
    ticks: I64
    left: I32
    first: I32
    last: I32
    streams: I8
    core_start: I32
    core_task: I32
    out_start: I32
    out_message: I32
    in_start: I32
    in_task: I32
    message: I32
    share: NDArray[np.float64]

    @classmethod
    def none(cls, packets: int) -> Tasks:
        """No tasks: packets have times of creation of their own."""
        nothing, start = np.zeros(0, np.int32), np.zeros(1, np.int32)
        return cls(
            core=nothing,
            ticks=np.zeros(0, np.int64),
            left=nothing,
            first=nothing,
            last=nothing,
            streams=np.zeros(0, np.int8),
            core_start=start,
            core_task=nothing,
            out_start=start,
            out_message=nothing,
            in_start=start,
            in_task=nothing,
            message=np.full(packets, -1, np.int32),
            share=np.ones(packets),
        )

    @property
    def messages(self) -> int:
        """Number of messages."""
        return len(self.in_start) - 1

    def parts(self, packet_copies: NDArray[np.int64]) -> I32:
        """What makes each message whole: its packets, copies counted each, and the ends of the tasks that send it."""
        ours = self.message >= 0
        counts = np.bincount(self.message[ours], weights=packet_copies[ours], minlength=self.messages)
        senders = np.bincount(self.out_message, minlength=self.messages)
        return np.asarray(counts[: self.messages] + senders[: self.messages], np.int32)
