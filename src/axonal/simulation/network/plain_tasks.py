"""The tasks of the plain twin: what runs on the cores, and which packets it releases when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from axonal.simulation.network.plain_router import Packet
from axonal.simulation.network.tasks import Tasks

__all__ = ["Message", "Schedule", "Task"]


@dataclass(eq=False)
class Task:
    """A task, and when it ran."""

    core: int
    ticks: int
    missing: int  # messages that it still waits for
    streams: bool
    packets: list[int]
    sends: list[int]
    ready: int = 0
    start: int = -1
    end: int = -1


@dataclass(eq=False)
class Message:
    """A message: some packets that are sent by one task and awaited by others."""

    awaited_by: list[int]
    missing: int = 0  # arrivals of packets
    start: int = -1
    end: int = -1


@dataclass(eq=False)
class Core:
    """What a core has to do, in that order."""

    todo: deque[Task] = field(default_factory=deque)
    free: int = 0


class Schedule:
    """All tasks. `release` is called with a packet when the time of its creation is known."""

    def __init__(self, tasks: Tasks, packets: list[Packet], release: Callable[[Packet], None]) -> None:
        self.packets, self.release, self.share = packets, release, tasks.share
        self.tasks = [
            Task(
                core=int(tasks.core[number]),
                ticks=int(tasks.ticks[number]),
                missing=int(tasks.left[number]),
                streams=bool(tasks.streams[number]),
                packets=[] if tasks.first[number] < 0 else list(range(tasks.first[number], tasks.last[number] + 1)),
                sends=tasks.out_message[tasks.out_start[number] : tasks.out_start[number + 1]].tolist(),
            )
            for number in range(len(tasks.core))
        ]
        self.messages = [
            Message(tasks.in_task[tasks.in_start[number] : tasks.in_start[number + 1]].tolist())
            for number in range(tasks.messages)
        ]
        for packet in packets:
            if packet.message >= 0:
                self.messages[packet.message].missing += packet.copies
        self.cores = [
            Core(
                deque(self.tasks[task] for task in tasks.core_task[tasks.core_start[core] : tasks.core_start[core + 1]])
            )
            for core in range(len(tasks.core_start) - 1)
        ]

    def begin(self) -> None:
        """Run what waits for nothing."""
        for core in self.cores:
            self._run(core)

    def deliver(self, packet: Packet, tick: int) -> None:
        """A copy of a packet arrives."""
        if packet.message >= 0:
            message = self.messages[packet.message]
            message.missing -= 1
            message.end = max(message.end, tick)
            self._complete(message)

    def _complete(self, message: Message) -> None:
        """Where a message is there as a whole, tasks may start."""
        if message.missing:
            return
        for task in (self.tasks[number] for number in message.awaited_by):
            task.missing -= 1
            task.ready = max(task.ready, message.end)
            self._run(self.cores[task.core])

    def _run(self, core: Core) -> None:
        while core.todo and core.todo[0].missing == 0:
            task = core.todo.popleft()
            task.start = max(task.ready, core.free)
            task.end = core.free = task.start + task.ticks
            for number in task.packets:
                packet = self.packets[number]
                packet.created = task.start + int(self.share[number] * task.ticks) if task.streams else task.end
                self.release(packet)
            for message in (self.messages[number] for number in task.sends):
                message.start = task.end
                if message.missing == 0:
                    message.end = max(message.end, task.end)
                    self._complete(message)
