"""A router of the plain twin: what is inside it, and what it does in a cycle."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from math import floor

__all__ = ["Branch", "Calendar", "Flit", "Input", "InputChannel", "Lane", "Output", "OutputChannel", "Packet", "Router"]


@dataclass(eq=False, kw_only=True)
class Packet:
    """A packet, and what has become of it."""

    source: int
    target: int
    tree: dict[int, list[int]] | None  # of a multicast: outputs by router
    flits: int
    flavour: int
    message: int
    created: int
    copies: int  # tails that are still to arrive
    injected: int = -1
    arrived: int = -1
    hops: int = 0
    descends: bool = False  # second phase of table routing


@dataclass(frozen=True, kw_only=True)
class Flit:
    """One of the flits of a packet."""

    packet: Packet
    index: int

    @property
    def tail(self) -> bool:
        """Whether it is the last one."""
        return self.index + 1 == self.packet.flits


@dataclass(eq=False)
class Lane:
    """Wires that one or several links share. A flit waits until they are free, and then occupies them."""

    service: Fraction
    free: Fraction = Fraction(0)

    def leave(self, tick: int) -> int:
        """When a flit that is there at a tick leaves."""
        leaves = max(tick, floor(self.free))
        self.free = max(self.free, Fraction(tick)) + self.service
        return leaves


@dataclass(eq=False, kw_only=True)
class OutputChannel:
    """A virtual channel as its sender sees it: who holds it, and how many places it has free."""

    number: int  # among those of all outputs
    credit: int
    busy: bool = False
    pointer: int = 0  # of its arbiter
    leads_to: tuple[Router, InputChannel] | None = None


@dataclass(eq=False, kw_only=True)
class Output:
    """An output of the switch, and the link behind it."""

    port: int
    channels: list[OutputChannel]
    link_ticks: int = 0
    lane: Lane | None = None
    descends: bool = False  # packets are in the second phase of table routing after it
    pointer: int = 0
    flits: int = 0


class Stage(Enum):
    """What a branch does."""

    ASKS = "asks for a virtual channel"
    ALLOCATES = "waits for the end of the allocation of a virtual channel"
    ACTIVE = "has a virtual channel, and asks for the switch when it has a flit"
    SWITCHES = "waits for the end of the allocation of the switch"


@dataclass(eq=False, kw_only=True)
class Branch:
    """The way of the packet in front of an input virtual channel through one output; a multicast has several."""

    packet: Packet
    channel: InputChannel
    output: Output
    allowed: list[OutputChannel]
    stage: Stage = Stage.ASKS
    ends: int = -1  # of an allocation
    way: OutputChannel | None = None
    sent: int = 0

    @property
    def flit(self) -> Flit | None:
        """The next flit that it sends, None while that is not there."""
        ahead = self.sent - self.channel.gone
        return (
            self.channel.buffer[ahead] if self.sent < self.packet.flits and ahead < len(self.channel.buffer) else None
        )

    @property
    def has_credit(self) -> bool:
        """Whether there is a place for a flit at the other end of the link."""
        return self.way is not None and self.way.credit > 0


@dataclass(eq=False, kw_only=True)
class InputChannel:
    """A virtual channel as its receiver sees it: a buffer, with one packet at a time in front of it."""

    number: int  # among those of all inputs
    vc: int
    feeder: OutputChannel
    buffer: deque[Flit] = field(default_factory=deque)
    branches: list[Branch] = field(default_factory=list)
    gone: int = 0  # flits of the packet in front that have left the buffer
    routed_at: int | None = None  # end of the route stage
    pointer: int = 0


@dataclass(eq=False, kw_only=True)
class Input:
    """An input of the switch."""

    port: int
    channels: list[InputChannel]
    credit_ticks: int  # from the grant of the switch to a flit until its credit can be used where it came from
    pointer: int = 0
    turn: int = 0  # virtual channel that comes first in asking for an output


class Calendar:
    """What happens when: credits that come home, flits that arrive."""

    def __init__(self) -> None:
        self.credits: defaultdict[int, list[OutputChannel]] = defaultdict(list)
        self.arrivals: defaultdict[int, list[tuple[Router, InputChannel, Flit]]] = defaultdict(list)

    def send(self, tick: int, flit: Flit, channel: OutputChannel) -> None:
        """Let a flit arrive at the other end of a channel, at the receiver's first clock edge from a tick on."""
        assert channel.leads_to is not None
        router, entry = channel.leads_to
        self.arrivals[-(-tick // router.period) * router.period].append((router, entry, flit))


@dataclass(eq=False, kw_only=True)
class Router:
    """A virtual-channel router; all times are in ticks. `ways` gives the outputs and channels for a packet."""

    number: int
    period: int
    routing: int
    vc_allocation: int
    switch_allocation: int
    traversal: int
    credit_delay: int
    speculative: bool
    inputs: list[Input]
    outputs: list[Output]
    calendar: Calendar
    ways: Callable[[Router, Packet], Iterable[tuple[int, Sequence[int]]]]
    deliver: Callable[[Packet, int], None]
    switched: dict[int, list[Branch]] = field(default_factory=dict)  # grants of the switch by the end of the allocation

    @property
    def channels(self) -> list[InputChannel]:
        """Virtual channels of all inputs."""
        return [channel for entry in self.inputs for channel in entry.channels]

    @property
    def resting(self) -> bool:
        """Whether it holds no flit."""
        return not any(channel.buffer for channel in self.channels)

    def receive(self, channel: InputChannel, flit: Flit, tick: int) -> None:
        """A flit arrives."""
        channel.buffer.append(flit)
        if len(channel.buffer) == 1 and not channel.branches:
            self._begin(channel, tick)
            if self.routing == 0:
                self._route(channel)

    def cycle(self, tick: int) -> None:
        """Decide on what is there, then do it."""
        branches = [branch for channel in self.channels for branch in channel.branches]
        asking = [branch for branch in branches if branch.stage is Stage.ASKS]
        ready = [branch for branch in branches if branch.stage is Stage.ACTIVE and branch.flit]
        bids = [branch for branch in ready if branch.has_credit]
        if self.speculative:
            bids += [b for b in asking if any(not channel.busy and channel.credit for channel in b.allowed)]
        offers = self._allocate_channels(asking)
        self.switched[tick + self.switch_allocation - self.period] = self._allocate_switch(bids)
        for branch in asking:
            branch.stage, branch.ends = Stage.ALLOCATES, tick + self.vc_allocation - self.period
            branch.way = offers.get(branch)
        for branch in ready:
            branch.stage, branch.ends = Stage.SWITCHES, tick + self.switch_allocation - self.period
        for branch in branches:
            if branch.ends == tick:
                _end_allocation(branch)
        self._route_due(tick)
        for branch in self.switched.pop(tick, []):
            if branch.stage is Stage.ACTIVE and branch.has_credit:
                self._send(branch, tick)
        self._route_due(tick)  # with look-ahead, of what has come to the front just now

    def _route_due(self, tick: int) -> None:
        for channel in self.channels:
            if channel.routed_at == tick:
                self._route(channel)

    def _begin(self, channel: InputChannel, tick: int) -> None:
        """A head is in front from a tick on. It is routed at the end of its last cycle of the route stage."""
        channel.routed_at = tick + self.routing - self.period

    def _route(self, channel: InputChannel) -> None:
        channel.routed_at = None
        packet = channel.buffer[0].packet
        for port, vcs in self.ways(self, packet):
            output = self.outputs[port]
            allowed = [output.channels[vc] for vc in vcs]
            channel.branches.append(Branch(packet=packet, channel=channel, output=output, allowed=allowed))

    def _allocate_channels(self, asking: list[Branch]) -> dict[Branch, OutputChannel]:
        """One iteration of iSLIP between input and output virtual channels."""
        requests: defaultdict[OutputChannel, list[Branch]] = defaultdict(list)
        for branch in asking:
            for way in branch.allowed:
                if not way.busy:
                    requests[way].append(branch)
        size = len(self.channels)
        offers: defaultdict[InputChannel, list[tuple[OutputChannel, Branch]]] = defaultdict(list)
        for way, askers in requests.items():
            branch = min(askers, key=lambda asker: (asker.channel.number - way.pointer) % size)
            offers[branch.channel].append((way, branch))
        accepted = {}
        for channel, ways in offers.items():
            way, branch = min(ways, key=lambda offer: (offer[0].number - channel.pointer) % size)
            accepted[branch] = way
            way.pointer = (channel.number + 1) % size
            channel.pointer = (way.number + 1) % size
        return accepted

    def _allocate_switch(self, bids: list[Branch]) -> list[Branch]:
        """One iteration of iSLIP between inputs and outputs. A flit of a multicast may go through several at once."""
        size = len(self.inputs)
        grants: dict[Output, Branch] = {}
        for output in self.outputs:
            askers = [self._speaker(entry, output, bids) for entry in self.inputs]
            present = [asker for asker in askers if asker]
            if present:
                grants[output] = min(present, key=lambda asker: (self._entry(asker).port - output.pointer) % size)
        winners: list[Branch] = []
        for entry in self.inputs:
            mine = [branch for branch in grants.values() if self._entry(branch) is entry]
            mine.sort(key=lambda branch: (branch.output.port - entry.pointer) % size)
            same = [branch for branch in mine if branch.channel is mine[0].channel and branch.sent == mine[0].sent]
            if same:
                entry.turn = (same[0].channel.vc + 1) % len(entry.channels)
                entry.pointer = (same[0].output.port + 1) % size
            for branch in same:
                branch.output.pointer = (entry.port + 1) % size
            winners += same
        return winners

    def _speaker(self, entry: Input, output: Output, bids: list[Branch]) -> Branch | None:
        """Which of the virtual channels of an input asks for an output: one that is sure of its own, by turns."""
        askers = [branch for branch in bids if self._entry(branch) is entry and branch.output is output]
        vcs = len(entry.channels)
        return min(
            askers,
            key=lambda asker: (asker.stage is Stage.ASKS, (asker.channel.vc - entry.turn) % vcs),
            default=None,
        )

    def _entry(self, branch: Branch) -> Input:
        return self.inputs[branch.channel.number // len(self.inputs[0].channels)]

    def _send(self, branch: Branch, tick: int) -> None:
        """A flit passes the switch; where it was the last branch that needed it, its place is free."""
        flit, way, output, channel = branch.flit, branch.way, branch.output, branch.channel
        assert flit is not None
        assert way is not None
        packet = branch.packet
        branch.sent += 1
        output.flits += 1
        way.credit -= 1
        if flit.index == 0:
            packet.hops += 1
            packet.descends |= output.descends
        if flit.tail:
            way.busy = False
        leaves = tick + self.traversal
        if way.leads_to is None:
            self._eject(flit, way, leaves + 2 * self.period)
        else:
            if output.lane:
                leaves = output.lane.leave(leaves)
            self.calendar.send(leaves + output.link_ticks + self.period, flit, way)
        if all(other.sent > channel.gone for other in channel.branches):
            channel.buffer.popleft()
            channel.gone += 1
            self.calendar.credits[tick + self._entry(branch).credit_ticks].append(channel.feeder)
            if channel.gone == packet.flits:
                channel.branches, channel.gone = [], 0
                if channel.buffer:
                    self._begin(channel, tick + self.period)

    def _eject(self, flit: Flit, way: OutputChannel, tick: int) -> None:
        """The core takes a flit, and its credit travels back."""
        self.calendar.credits[tick + 2 * self.period + self.credit_delay].append(way)
        if flit.tail:
            flit.packet.copies -= 1
            flit.packet.arrived = max(flit.packet.arrived, tick)
            self.deliver(flit.packet, tick)


def _end_allocation(branch: Branch) -> None:
    """Look at what came of an allocation; a virtual channel may have been taken while the allocation ran."""
    if branch.stage is Stage.ALLOCATES:
        granted = branch.way is not None and not branch.way.busy
        branch.stage = Stage.ACTIVE if granted else Stage.ASKS
        if granted and branch.way:
            branch.way.busy = True
    elif branch.stage is Stage.SWITCHES:
        branch.stage = Stage.ACTIVE
