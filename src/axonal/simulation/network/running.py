"""A simulation under way: `Run` holds the state of a fabric with its packets, and moves it on in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from axonal.simulation.network import kernel
from axonal.simulation.network.arrays import (
    CLOCK,
    INSIDE,
    LEFT,
    NOW,
    SHIFT,
    WATCHED,
    Load,
    Machine,
    State,
    Work,
)
from axonal.simulation.network.fabric import Fabric
from axonal.simulation.network.packets import Packets
from axonal.simulation.network.tasks import Tasks

__all__ = ["Deadlock", "Run"]

INTERVALS = 256
"""Rows of the load over time; must be even, for intervals are merged two by two when time goes on."""


class Deadlock(RuntimeError):  # noqa: N818 - the word of the field
    """Flits stand still for good."""


class Run:
    """Packets on a fabric.

    Args:
        fabric: The network.
        packets: What is sent, in the order in which each source sends it.
        tasks: What releases the packets; without, their times of creation do.
        watched: Whether load over time and waiting are counted, which takes some time and memory.

    Raises:
        ValueError: A packet does not fit the network.
    """

    def __init__(self, fabric: Fabric, packets: Packets, tasks: Tasks | None = None, *, watched: bool = False) -> None:
        machine = fabric.machine
        self.fabric = fabric
        self.packets = packets.checked(machine.routers, int(machine.depth.min()))
        self.tasks = tasks or Tasks.none(len(packets))
        self.load = _load(self.packets, self.tasks)
        self.state = _state(fabric, self.packets, self.tasks, watched)
        self.work = _work(machine, self.tasks)
        if tasks is None:
            _enqueue(self.state, self.packets, 0)
        else:
            self.state.after[:-1] = np.arange(1, len(packets))
            kernel.begin(self.load, self.state, self.work)

    @property
    def now(self) -> int:
        """The next tick to be simulated."""
        return int(self.state.clock[NOW])

    @property
    def flit_hops(self) -> int:
        """Flits that have left a router, summed over routers."""
        return int(self.state.flits.sum())

    @property
    def flits_inside(self) -> int:
        """Flits in buffers."""
        return int(self.state.clock[INSIDE])

    def advance(self, until: int = 1 << 61) -> bool:
        """Simulate up to a tick, or until all packets have arrived; whether they have.

        Raises:
            Deadlock: Flits stand still for good.
        """
        status = kernel.advance(self.fabric.machine, self.load, self.state, self.work, until)
        if status == kernel.BLOCKED:
            raise Deadlock(
                f"{self.flits_inside} flits stand still at tick {self.now} and {int(self.state.clock[LEFT])} packets "
                "have not arrived: routing or tasks wait for each other in a circle"
            )
        return bool(status == kernel.DONE)

    def extend(self, later: Packets) -> None:
        """More packets, created no earlier than those that each source has."""
        first = len(self.packets)
        self.packets = self.packets.joined(later.checked(self.fabric.routers, int(self.fabric.machine.depth.min())))
        self.tasks = Tasks.none(len(self.packets))
        self.load = _load(self.packets, self.tasks)
        fresh = _packet_state(later)
        grown = {name: np.concatenate([getattr(self.state, name), array]) for name, array in fresh.items()}
        self.state = self.state._replace(**grown)
        self.state.clock[LEFT] += int(later.copies().sum())
        _enqueue(self.state, self.packets, first)

    @property
    def interval_ticks(self) -> int:
        """Length of the intervals of the load over time."""
        return 1 << int(self.state.clock[SHIFT])


def _enqueue(state: State, packets: Packets, first: int) -> None:
    """Chain packets from `first` on to the queues of their sources."""
    sources = packets.source[first:]
    order = np.argsort(sources, kind="stable") + first
    same = packets.source[order[1:]] == packets.source[order[:-1]]
    state.after[order[:-1][same]] = order[1:][same]
    starts = order[np.concatenate([[True], ~same])] if len(order) else order
    ends = order[np.concatenate([~same, [True]])] if len(order) else order
    for start, end in zip(starts, ends, strict=True):
        router = packets.source[start]
        if state.queue[router] < 0:
            state.queue[router] = start
        else:
            state.after[state.queue_end[router]] = start
        state.queue_end[router] = end


def _load(packets: Packets, tasks: Tasks) -> Load:
    trees = packets.trees
    sizes = [len(tree.routers) for tree in trees]
    return Load(
        source=packets.source.astype(np.int32),
        target=packets.target.astype(np.int32),
        flits=packets.flits.astype(np.int32),
        flavour=packets.flavour.astype(np.int8),
        message=tasks.message.astype(np.int32),
        tree_start=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int32),
        tree_router=np.array([router for tree in trees for router in tree.routers] or [0], np.int32),
        tree_outputs=np.array([outputs for tree in trees for outputs in tree.outputs] or [0], np.int32),
        tree_may=np.array([channels for tree in trees for channels in tree.channels] or [0], np.int64),
        task_core=tasks.core,
        task_ticks=tasks.ticks,
        task_first=tasks.first,
        task_last=tasks.last,
        task_streams=tasks.streams,
        share=tasks.share,
        core_start=tasks.core_start,
        core_task=tasks.core_task,
        out_start=tasks.out_start,
        out_message=tasks.out_message,
        in_start=tasks.in_start,
        in_task=tasks.in_task,
    )


def _packet_state(packets: Packets) -> dict[str, Any]:
    count = len(packets)
    return {
        "after": np.full(count, -1, np.int32),
        "created": packets.created.copy(),
        "injected": np.full(count, -1, np.int64),
        "arrived": np.full(count, -1, np.int64),
        "copies": packets.copies().astype(np.int32),
        "hops": np.zeros(count, np.int32),
        "phase_of": np.zeros(count, np.int8),
    }


def _credit_state(machine: Machine) -> dict[str, Any]:
    """Credits of outputs and injection ports, and the events that bring them back and flits along."""
    routers, ports, vcs = machine.routers, machine.ports, machine.vcs
    credit = np.zeros((routers, ports, vcs), np.int32)
    joined = machine.neighbour >= 0
    credit[joined] = machine.depth[machine.neighbour[joined], machine.entry[joined]][:, None]
    credit[:, ports - 1] = machine.depth[:, ports - 1, None]
    room = np.repeat(machine.depth[:, ports - 1, None], vcs, axis=1).astype(np.int32)
    # A place in a buffer is free, taken, or on its way as a flit or a credit.
    events = int(credit.sum() + room.sum()) + 1
    return {
        "room": room,
        "credit": credit.reshape(-1),
        "event_next": np.arange(1, events + 1, dtype=np.int32),
        "event_where": np.zeros(events, np.int32),
        "event_packet": np.zeros(events, np.int32),
    }


def _task_state(tasks: Tasks, packets: Packets) -> dict[str, Any]:
    count, cores, messages = len(tasks.core), len(tasks.core_start) - 1, tasks.messages
    return {
        "task_left": tasks.left.copy(),
        "task_ready": np.zeros(count, np.int64),
        "task_start": np.full(count, -1, np.int64),
        "task_end": np.full(count, -1, np.int64),
        "core_next": np.zeros(cores, np.int32),
        "core_free": np.zeros(cores, np.int64),
        "message_left": tasks.parts(packets.copies()),
        "message_start": np.full(messages, -1, np.int64),
        "message_end": np.full(messages, -1, np.int64),
    }


def _router_state(machine: Machine) -> dict[str, Any]:
    """Source queues, buffers, arbiters and units."""
    routers, ports, vcs = machine.routers, machine.ports, machine.vcs
    links, channels = routers * ports, routers * ports * vcs
    units = channels * ports
    numbers = {
        **dict.fromkeys(("queue_sent", "working"), routers),
        **dict.fromkeys(("front", "held", "gone", "branches", "grant_vc", "accept_vc"), channels),
        **dict.fromkeys(("grant_port", "accept_port", "turn_vc"), links),
        **dict.fromkeys(("out_vc", "sent", "work"), units),
    }
    nothing = dict.fromkeys(("queue", "queue_end", "queue_vc", "queue_last"), routers)
    return {
        **{name: np.zeros(size, np.int32) for name, size in numbers.items()},
        **{name: np.full(size, -1, np.int32) for name, size in nothing.items()},
        "taken": np.zeros((routers, vcs), np.int8),
        "buffer": np.zeros(int(machine.base[-1]), np.int32),
        "free": np.full(links, (1 << vcs) - 1, np.int64),
        "stage": np.zeros(units, np.int8),
        "ready": np.zeros(units, np.int64),
        "may": np.zeros(units, np.int64),
        "awake": np.ones(routers, np.int8),
        "flits": np.zeros(links, np.int64),
        "stalled": np.zeros(links, np.int64),
        "last": np.full(links, -(1 << 30), np.int64),
    }


def _state(fabric: Fabric, packets: Packets, tasks: Tasks, watched: bool) -> State:
    machine = fabric.machine
    links = machine.routers * machine.ports
    slots = 1 << max(4, int(fabric.longest_event_ticks + 1).bit_length())
    clock = np.zeros(CLOCK, np.int64)
    clock[LEFT] = packets.copies().sum()
    clock[WATCHED] = watched
    return State(
        clock=clock,
        **_packet_state(packets),
        **_router_state(machine),
        **_credit_state(machine),
        **_task_state(tasks, packets),
        lane_free=np.zeros(len(machine.lane_service)),
        wheel_flit=np.full(slots, -1, np.int32),
        wheel_credit=np.full(slots, -1, np.int32),
        crossed=np.full((tasks.messages, len(machine.lane_service), 2) if watched else (0, 0, 0), -1, np.int64),
        profile=np.zeros((INTERVALS, links) if watched else (0, 0), np.int32),
        blame=np.zeros((tasks.messages, links) if watched else (0, 0), np.int32),
    )


def _work(machine: Machine, tasks: Tasks) -> Work:
    size, ports = machine.ports * machine.vcs, machine.ports
    return Work(
        best=np.zeros(size, np.int64),
        asker=np.full(size, -1, np.int32),
        touched=np.zeros(size, np.int32),
        choice=np.zeros(size, np.int64),
        chosen=np.full(size, -1, np.int32),
        offered=np.zeros(size, np.int32),
        unit_of=np.zeros(size, np.int32),
        wish=np.full(ports * ports, -1, np.int32),
        wish_key=np.zeros(ports * ports, np.int64),
        asked=np.zeros(ports, np.int64),
        offers=np.zeros(ports, np.int64),
        fresh=np.zeros(size * ports, np.int32),
        bids=np.zeros(size * ports, np.int32),
        routed=np.zeros(size * ports, np.int32),
        heads=np.zeros(size, np.int32),
        stack=np.zeros(len(tasks.core) + len(tasks.core_start) + 1, np.int32),
    )
