"""Fabrics, packets and tasks for the tests of the network engine."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from axonal.hardware import Router
from axonal.simulation.network.fabric import Draft, Fabric
from axonal.simulation.network.packets import Packets, Tree
from axonal.simulation.network.plain import Outcome
from axonal.simulation.network.routes import EAST, NORTH, SOUTH, WEST, Routing
from axonal.simulation.network.running import Run
from axonal.simulation.network.tasks import Tasks

At = TypeVar("At")

NEVER = 1 << 40
"""A tick by which every case has ended that ever ends."""


def xy_tree(columns: int, source: int, targets: Iterable[int], *, core: int = 4) -> Tree:
    """A multicast that takes the paths of dimension order, x first, to all targets."""
    outputs: defaultdict[int, int] = defaultdict(int)
    copies = sorted(set(targets))
    for target in copies:
        at, to = source % columns, target % columns
        row, last_row = source // columns, target // columns
        while (at, row) != (to, last_row):
            port = (EAST if to > at else WEST) if at != to else (SOUTH if last_row > row else NORTH)
            outputs[row * columns + at] |= 1 << port
            at += (port == EAST) - (port == WEST)
            row += (port == SOUTH) - (port == NORTH)
        outputs[target] |= 1 << core
    routers = tuple(sorted(outputs))
    return Tree(routers=routers, outputs=tuple(outputs[router] for router in routers), copies=len(copies))


def reclocked(fabric: Fabric, periods: tuple[int, ...]) -> Fabric:
    """The fabric with routers whose cycles last so many ticks, by turns."""
    machine = fabric.machine
    period = np.resize(periods, fabric.routers).astype(np.int64)
    return replace(fabric, machine=machine._replace(period=period, stages=machine.stages * period[:, None]))


def package(
    edges: list[tuple[int, int]],
    router: Router,
    *,
    ticks: int = 1,
    periods: tuple[int, ...] = (1,),
    services: tuple[float, ...] = (),
) -> Fabric:
    """A package that is no grid, with up*/down* tables. Both links of edge i share lane i where it has a service."""
    routers = max(max(edge) for edge in edges) + 1
    used: defaultdict[int, int] = defaultdict(int)
    degree = max(sum(router in edge for edge in edges) for router in range(routers))
    draft = Draft(routers, degree + 1, router.vcs)
    for number in range(routers):
        draft.place(number, number, 0, router, periods[number % len(periods)], die=number)
    port_to: dict[tuple[int, int], int] = {}
    for number, (one, other) in enumerate(edges):
        ends = []
        for here in (one, other):
            ends.append((here, used[here]))
            used[here] += 1
        lane = draft.new_lane(services[number]) if number < len(services) else -1
        draft.join(ends[0], ends[1], ticks, lane)
        draft.join(ends[1], ends[0], ticks, lane)
        port_to[one, other], port_to[other, one] = ends[0][1], ends[1][1]
    table, turns = up_down(routers, degree + 1, port_to)
    return draft.done(Routing.TABLE, table=table, turns=turns)


def up_down(routers: int, ports: int, port_to: dict[tuple[int, int], int]) -> tuple[np.ndarray, np.ndarray]:
    """Tables of shortest paths that go up, then down; up is closer to router 0, or as close with a lower number."""
    near = _distances({0}, lambda at: [b for a, b in port_to if a == at])
    rank = {router: (near[router], router) for router in near}
    table = np.full((2, routers, routers), -1, np.int8)
    turns = np.zeros((routers, ports), np.int8)
    for (here, there), port in port_to.items():
        turns[here, port] = rank[there] > rank[here]

    def before(state: tuple[int, int]) -> list[tuple[int, int]]:
        phase, there = state
        return [
            (former, a)
            for a, b in port_to
            if b == there
            for former in (0, 1)
            if (rank[b] < rank[a] and former == phase == 0) or (rank[b] > rank[a] and phase == 1)
        ]

    for target in range(routers):
        far = _distances({(0, target), (1, target)}, before)
        for (here, there), port in sorted(port_to.items()):
            for phase in (0, 1):
                down = rank[there] > rank[here]
                if phase == 1 and not down:
                    continue
                ours, theirs = far.get((phase, here)), far.get((int(down), there))
                if here != target and ours is not None and theirs is not None and theirs + 1 == ours:
                    table[phase, here, target] = port
    return table, turns


def _distances(starts: set[At], neighbours: Callable[[At], Iterable[At]]) -> dict[At, int]:
    distance = dict.fromkeys(starts, 0)
    todo = deque(starts)
    while todo:
        at = todo.popleft()
        for other in neighbours(at):
            if other not in distance:
                distance[other] = distance[at] + 1
                todo.append(other)
    return distance


def random_packets(routers: int, count: int, seed: int, *, longest: int = 1, within: int = 1) -> Packets:
    """Packets from anywhere to anywhere at random times."""
    rng = np.random.default_rng(seed)
    source, target = rng.integers(routers, size=(2, count))
    flits, flavour = rng.integers(1, longest + 1, size=count), rng.integers(2, size=count)
    return Packets.of(source, target, flits, rng.integers(within, size=count), flavour=flavour)


def with_multicasts(packets: Packets, columns: int, rows: int, seed: int, *, longest: int) -> Packets:
    """The packets, every third of them turned into a multicast of its source, and not longer than `longest`."""
    rng = np.random.default_rng(seed)
    target, flits, trees = packets.target.copy(), packets.flits.copy(), []
    for number in range(0, len(packets), 3):
        copies = rng.integers(columns * rows, size=int(rng.integers(1, 6)))
        trees.append(xy_tree(columns, int(packets.source[number]), copies.tolist()))
        target[number], flits[number] = -len(trees), min(int(flits[number]), longest)
    return replace(packets, target=target, flits=flits, trees=tuple(trees))


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """A message in the making."""

    sender: int
    receivers: list[int]


def task_graph(columns: int, rows: int, count: int, seed: int, *, longest: int = 1) -> tuple[Packets, Tasks]:
    """Random tasks on a mesh that wait only for earlier ones, each core in that order; messages to all that wait."""
    cores = columns * rows
    rng = np.random.default_rng(seed)
    core = rng.integers(cores, size=count)
    sent = []
    for sender in range(count):
        for _ in range(int(rng.integers(3)) if sender + 1 < count else 0):
            later = rng.integers(sender + 1, count, size=int(rng.integers(1, 4)))
            sent.append(_Sent(sender=sender, receivers=sorted(set(later.tolist()))))
    rows_of_packets, trees = [], []
    for number, one in enumerate(sent):
        here, there = int(core[one.sender]), {int(core[receiver]) for receiver in one.receivers}
        goals = sorted(there - {here} if rng.integers(2) else there)  # a core may, but need not, send to itself
        if goals and rng.integers(3) == 0:
            trees.append(xy_tree(columns, here, goals))
            goals = [-len(trees)]
        rows_of_packets += [(one.sender, here, goal, number) for goal in goals for _ in range(int(rng.integers(1, 4)))]
    sender, source, target, message = np.array(rows_of_packets, np.int64).reshape(-1, 4).T
    total = len(source)
    first, last = np.searchsorted(sender, range(count)), np.searchsorted(sender, range(count), side="right") - 1
    first, last = np.where(first <= last, first, -1), np.where(first <= last, last, -1)
    packets = Packets(
        source=source,
        target=target,
        flits=rng.integers(1, longest + 1, size=total),
        created=np.zeros(total, np.int64),
        flavour=rng.integers(2, size=total),
        trees=tuple(trees),
    )
    core_start, core_task = _flat([[task for task in range(count) if core[task] == one] for one in range(cores)])
    out_start, out_message = _flat([[n for n, one in enumerate(sent) if one.sender == task] for task in range(count)])
    in_start, in_task = _flat([one.receivers for one in sent])
    return packets, Tasks(
        core=core.astype(np.int32),
        ticks=rng.integers(0, 40, size=count),
        left=np.bincount(in_task, minlength=count).astype(np.int32),
        first=first.astype(np.int32),
        last=last.astype(np.int32),
        streams=rng.integers(2, size=count).astype(np.int8),
        core_start=core_start,
        core_task=core_task,
        out_start=out_start,
        out_message=out_message,
        in_start=in_start,
        in_task=in_task,
        message=message.astype(np.int32),
        share=_rising_shares(rng, first, last, total),
    )


def _rising_shares(rng: np.random.Generator, first: np.ndarray, last: np.ndarray, total: int) -> np.ndarray:
    share = np.ones(total)
    for one, other in zip(first, last, strict=True):
        if one >= 0:
            share[one : other + 1] = np.sort(rng.random(other + 1 - one))
    return share


def _flat(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Starts and values of lists."""
    starts = np.cumsum([0, *(len(values) for values in lists)])
    return starts.astype(np.int32), np.array([value for values in lists for value in values], np.int32)


def outcome_of(run: Run) -> Outcome:
    """What the compiled engine says in the words of the plain one."""
    state = run.state
    return Outcome(
        finished=int(state.clock[4]) == 0,
        created=state.created,
        injected=state.injected,
        arrived=state.arrived,
        hops=state.hops,
        flits=state.flits.reshape(run.fabric.routers, -1),
        task_start=state.task_start,
        task_end=state.task_end,
        message_start=state.message_start,
        message_end=state.message_end,
    )


def differences(one: Outcome, other: Outcome) -> dict[str, list[tuple[int, int, int]]]:
    """Fields that differ: place, this and that."""
    found = {}
    for name in vars(one):
        a, b = np.ravel(getattr(one, name)), np.ravel(getattr(other, name))
        if not np.array_equal(a, b):
            found[name] = [(int(i), int(a[i]), int(b[i])) for i in np.flatnonzero(a != b)[:5]]
    return found
