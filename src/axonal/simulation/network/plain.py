"""The slow twin of the compiled engine: the same network in plain objects, the specification in code.

A tick is: credits come home, flits arrive, cores inject; then each router decides on what is there, and does it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.fabric import Fabric
from axonal.simulation.network.packets import Packets
from axonal.simulation.network.plain_router import (
    Calendar,
    Flit,
    Input,
    InputChannel,
    Lane,
    Output,
    OutputChannel,
    Packet,
    Router,
)
from axonal.simulation.network.plain_routes import lower, upper, ways_of
from axonal.simulation.network.plain_tasks import Schedule
from axonal.simulation.network.routes import Routing
from axonal.simulation.network.tasks import Tasks

__all__ = ["Outcome", "simulate"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the packets and tasks; -1 stands for what has not happened.

    Args:
        finished: Whether all packets have arrived.
        created: Tick from which each packet may be sent.
        injected: Tick at which its head left the core.
        arrived: Tick at which its last tail was taken by a core.
        hops: Routers that its head has left, through each output counted once.
        flits: Flits that each output has sent, shape `(routers, ports)`.
        task_start: Of each task.
        task_end: Of each task.
        message_start: End of the task that sends each message.
        message_end: Arrival of its last packet.
    """

    finished: bool
    created: Ints
    injected: Ints
    arrived: Ints
    hops: Ints
    flits: Ints
    task_start: Ints
    task_end: Ints
    message_start: Ints
    message_end: Ints


class Source:
    """A core that sends its packets one after the other, at most a flit in a cycle."""

    def __init__(self, period: int, channels: list[OutputChannel], halves: bool) -> None:
        self.period, self.channels = period, channels
        every = range(len(channels))
        self.allowed = (lower(len(every)), upper(len(every))) if halves else (every, every)
        self.queue: deque[Packet] = deque()
        self.last = -1
        self.sent = 0

    def inject(self, tick: int, calendar: Calendar) -> None:
        """Send a flit, if there is one and a place for it."""
        if not self.queue or self.queue[0].created > tick or tick % self.period:
            return
        packet = self.queue[0]
        vc = self.last if self.sent else self._choice(packet)
        if vc is None or self.channels[vc].credit == 0:
            return
        if self.sent == 0:
            packet.injected = tick
            self.last = vc
        self.channels[vc].credit -= 1
        calendar.send(tick + 2 * self.period, Flit(packet=packet, index=self.sent), self.channels[vc])
        self.sent += 1
        if self.sent == packet.flits:
            self.queue.popleft()
            self.sent = 0

    def _choice(self, packet: Packet) -> int | None:
        """The next virtual channel in turn that has a place; only the lowest where the last one is not among them."""
        allowed = self.allowed[packet.flavour]
        if self.last not in allowed:
            order = [allowed[0]]
        else:
            turn = allowed.index(self.last) + 1
            order = [*allowed[turn:], *allowed[:turn]]
        return next((vc for vc in order if self.channels[vc].credit), None)


class Network:
    """Routers and sources, joined as a fabric says."""

    def __init__(self, fabric: Fabric, packets: list[Packet], tasks: Tasks) -> None:
        self.calendar, self.packets = Calendar(), packets
        self.schedule = Schedule(tasks, packets, lambda packet: self.sources[packet.source].queue.append(packet))
        self.routers = [self._router(fabric, number) for number in range(fabric.routers)]
        self.sources: list[Source] = []
        self._join(fabric)

    def _router(self, fabric: Fabric, number: int) -> Router:
        machine = fabric.machine
        routing, vc_allocation, switch_allocation, traversal, credit_delay = map(int, machine.stages[number])
        core = machine.ports - 1
        outputs = []
        for port in range(machine.ports):
            beyond = int(machine.neighbour[number, port])
            depth = machine.depth[beyond, machine.entry[number, port]] if beyond >= 0 else machine.depth[number, core]
            channels = [OutputChannel(number=port * machine.vcs + vc, credit=int(depth)) for vc in range(machine.vcs)]
            turns = bool(machine.turns[number, port]) and machine.routing == Routing.TABLE
            ticks = int(machine.link_ticks[number, port])
            outputs.append(Output(port=port, channels=channels, link_ticks=ticks, descends=turns))
        return Router(
            number=number,
            period=int(machine.period[number]),
            routing=routing,
            vc_allocation=vc_allocation,
            switch_allocation=switch_allocation,
            traversal=traversal,
            credit_delay=credit_delay,
            speculative=bool(machine.speculative[number]),
            inputs=[],
            outputs=outputs,
            calendar=self.calendar,
            ways=ways_of(fabric),
            deliver=self.schedule.deliver,
        )

    def _join(self, fabric: Fabric) -> None:
        """Give routers their inputs, which lead back to what feeds them."""
        machine = fabric.machine
        lanes = [Lane(Fraction(float(service)).limit_denominator(1 << 20)) for service in machine.lane_service]
        core = machine.ports - 1
        for router in self.routers:
            depth = int(machine.depth[router.number, core])
            own = [OutputChannel(number=vc, credit=depth) for vc in range(machine.vcs)]
            self.sources.append(Source(router.period, own, machine.routing == Routing.O1TURN))
            for port in range(machine.ports):
                before, exit_ = machine.before[router.number, port], machine.exit[router.number, port]
                feeders, credit_ticks = own, 2 * router.period
                if port != core and before >= 0:
                    output = self.routers[before].outputs[exit_]
                    feeders = output.channels
                    credit_ticks = output.link_ticks + router.period + self.routers[before].credit_delay
                    if machine.lane[before, exit_] >= 0:
                        output.lane = lanes[machine.lane[before, exit_]]
                channels = [
                    InputChannel(number=port * machine.vcs + vc, vc=vc, feeder=feeders[vc]) for vc in range(machine.vcs)
                ]
                for channel in channels if port == core or before >= 0 else ():
                    channel.feeder.leads_to = (router, channel)
                router.inputs.append(Input(port=port, channels=channels, credit_ticks=credit_ticks))

    def run(self, until: int) -> bool:
        """Run to a tick, or until all packets have arrived; whether they have."""
        tick, calendar = 0, self.calendar
        while tick < until and any(packet.copies for packet in self.packets):
            for way in calendar.credits.pop(tick, []):
                way.credit += 1
            for router, channel, flit in calendar.arrivals.pop(tick, []):
                router.receive(channel, flit, tick)
            for source in self.sources:
                source.inject(tick, calendar)
            for router in self.routers:
                if tick % router.period == 0 and not router.resting:
                    router.cycle(tick)
            tick += 1
            if not calendar.credits and not calendar.arrivals and all(router.resting for router in self.routers):
                tick = max(
                    tick, min((source.queue[0].created for source in self.sources if source.queue), default=until)
                )
        return not any(packet.copies for packet in self.packets)


def simulate(fabric: Fabric, packets: Packets, tasks: Tasks | None = None, *, until: int) -> Outcome:
    """Send packets through a fabric, slowly and plainly.

    Args:
        fabric: The network.
        packets: What is sent, in the order in which each source sends it.
        tasks: What releases the packets; without, their times of creation do.
        until: Tick before which it ends, whatever has arrived.

    Raises:
        ValueError: A packet does not fit the network.
    """
    packets = packets.checked(fabric.routers, int(fabric.machine.depth.min()))
    moving = _packets(packets, tasks)
    network = Network(fabric, moving, tasks or Tasks.none(len(packets)))
    if tasks is None:
        for packet in moving:
            network.sources[packet.source].queue.append(packet)
    else:
        network.schedule.begin()
    finished = network.run(until)
    done, sent = network.schedule.tasks, network.schedule.messages
    return Outcome(
        finished=finished,
        created=_ints(packet.created for packet in moving),
        injected=_ints(packet.injected for packet in moving),
        arrived=_ints(packet.arrived for packet in moving),
        hops=_ints(packet.hops for packet in moving),
        flits=np.array([[output.flits for output in router.outputs] for router in network.routers], np.int64),
        task_start=_ints(task.start for task in done),
        task_end=_ints(task.end for task in done),
        message_start=_ints(message.start for message in sent),
        message_end=_ints(message.end for message in sent),
    )


def _packets(packets: Packets, tasks: Tasks | None) -> list[Packet]:
    copies = packets.copies()
    trees = [
        {
            router: [port for port in range(bits.bit_length()) if bits >> port & 1]
            for router, bits in zip(tree.routers, tree.outputs, strict=True)
        }
        for tree in packets.trees
    ]
    return [
        Packet(
            source=int(packets.source[number]),
            target=int(packets.target[number]),
            tree=trees[-1 - packets.target[number]] if packets.target[number] < 0 else None,
            flits=int(packets.flits[number]),
            flavour=int(packets.flavour[number]),
            message=-1 if tasks is None else int(tasks.message[number]),
            created=int(packets.created[number]),
            copies=int(copies[number]),
        )
        for number in range(len(packets))
    ]


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), np.int64)
