"""What the compiled kernel reads and writes: flat arrays, gathered in named tuples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CLOCK", "Load", "Machine", "State", "Work"]

NOW, INSIDE, PENDING, FREE_EVENT, LEFT, STILL, SHIFT, WATCHED = range(8)
CLOCK = 8
"""Scalars: the tick; flits in buffers; events on their way; first unused event; copies of packets that are still to
arrive; ticks without a move; log2 of the profile's interval in ticks; whether waiting and loads over time are kept."""

IDLE, ROUTING, ASKING, ALLOCATING, ACTIVE, SWITCHING = range(6)
"""Stages of a unit: nothing, route stage, asks for a virtual channel, the same in a longer allocation, has one, in a
longer switch allocation."""

I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


class Machine(NamedTuple):
    """The fabric, read only. R routers of P ports (the last one leads to the core) with V virtual channels.

    Times are in ticks; a cycle of router r lasts `period[r]` ticks.
    """

    routers: int
    ports: int
    vcs: int
    routing: int  # number of the routing function, see `routes`
    neighbour: I32  # (R, P) router that an output leads to, -1 where there is none
    entry: I32  # (R, P) input port there
    before: I32  # (R, P) router that feeds an input, -1 where there is none
    exit: I32  # (R, P) output port there
    link_ticks: I64  # (R, P) latency of the link behind an output
    lane: I32  # (R, P) lane that the link shares with others, -1 where it has its own wires
    lane_service: F64  # (lanes,) ticks that a flit occupies the lane
    period: I64  # (R,)
    stages: I64  # (R, 5) ticks: routing, VC allocation, switch allocation, traversal, extra credit delay
    speculative: I8  # (R,)
    depth: I32  # (R, P) flits of buffer of each virtual channel of an input
    base: I64  # (R * P * V + 1,) first place of the buffer of each input virtual channel
    column: I32  # (R,) position in the grid of all routers
    row: I32  # (R,)
    columns: int
    rows: int
    wraps: int  # 1: the grid is a torus
    split: int  # virtual channels below are for the first phase of a multicast and for all other packets
    table: I8  # (2, R, R) next output of a table-routed packet in its first and second phase, or (0, 0, 0)
    turns: I8  # (R, P) 1: after this output a table-routed packet is in its second phase
    # Where things belong, for divisions are slow; these tables are those of one router. A channel is an input virtual
    # channel, `(router * P + port) * V + vc`; a unit is a channel with one of the outputs, `channel * P + output`.
    output_of: I32  # (P * V * P,)
    channel_of: I32  # (P * V * P,)
    port_of: I32  # (P * V,)
    vc_of: I32  # (P * V,)
    first_of: I8  # (2 ** P,) smallest member of a set of ports


class Load(NamedTuple):
    """The packets, and the tasks that release them, read only."""

    source: I32  # (packets,) router
    target: I32  # (packets,) router, or -1 - tree
    flits: I32  # (packets,)
    flavour: I8  # (packets,) which of two orders of dimensions O1TURN takes
    message: I32  # (packets,) message that it is a part of, -1 without tasks
    tree_start: I32  # (trees + 1,)
    tree_router: I32  # routers of each tree, ascending
    tree_outputs: I32  # set of outputs there
    tree_may: I64  # set of virtual channels that it may take there
    task_core: I32  # (tasks,)
    task_ticks: I64  # (tasks,)
    task_first: I32  # (tasks,) first packet of its chain, -1 without
    task_last: I32  # (tasks,)
    task_streams: I8  # (tasks,) 1: packets leave while it runs, 0: at its end
    share: F64  # (packets,) part of the task that must have run before a streamed packet leaves
    core_start: I32  # (cores + 1,)
    core_task: I32  # tasks of each core in the order in which it runs them
    out_start: I32  # (tasks + 1,)
    out_message: I32  # messages that a task sends
    in_start: I32  # (messages + 1,)
    in_task: I32  # tasks that wait for a message


class State(NamedTuple):
    """Everything that changes. `clock` holds the scalars, see `CLOCK`."""

    clock: I64
    after: I32  # (packets,) next packet in the queue of the source, -1 at its end
    created: I64  # (packets,)
    injected: I64  # (packets,) -1 before
    arrived: I64  # (packets,) last ejection of a tail, -1 before
    copies: I32  # (packets,) ejections that are still to come
    hops: I32  # (packets,) routers that its head has left
    phase_of: I8  # (packets,) of table routing
    queue: I32  # (R,) first packet of the source queue
    queue_end: I32  # (R,)
    queue_sent: I32  # (R,) flits of it that are sent
    queue_vc: I32  # (R,) its virtual channel, -1 before it has one
    queue_last: I32  # (R,) virtual channel of the packet before
    room: I32  # (R, V) credits of the injection port
    taken: I8  # (R, V)
    buffer: I32  # (places,) packets of the flits
    front: I32  # (R * P * V,)
    held: I32  # (R * P * V,) flits in the buffer
    gone: I32  # (R * P * V,) flits of the packet in front that have left
    branches: I32  # (R * P * V,) set of outputs of the packet in front
    credit: I32  # (R * P * V,) of each output virtual channel
    free: I64  # (R * P,) set of virtual channels of each output that no packet holds
    grant_vc: I32  # (R * P * V,) round-robin pointer of each output virtual channel
    accept_vc: I32  # (R * P * V,) and of each input virtual channel
    grant_port: I32  # (R * P,) of each output of the switch
    accept_port: I32  # (R * P,) of each input
    turn_vc: I32  # (R * P,) virtual channel whose turn it is at an input
    stage: I8  # (units,) what a unit waits for
    out_vc: I32  # (units,)
    sent: I32  # (units,) flits of the packet in front that have gone this way
    ready: I64  # (units,) end of the stage it is in
    may: I64  # (units,) set of virtual channels that it may take
    work: I32  # (R, P * V * P) units that wait for something
    working: I32  # (R,) number of them
    awake: I8  # (R,) 0: nothing can happen here before something arrives
    lane_free: F64  # (lanes,) when each is free again
    last: I64  # (R * P,) last arrival behind an output that leads to a lane or another clock
    wheel_flit: I32  # (slots,) first event of a tick
    wheel_credit: I32  # (slots,)
    event_next: I32
    event_where: I32
    event_packet: I32
    task_left: I32  # (tasks,) messages that are still to come
    task_ready: I64  # (tasks,)
    task_start: I64  # (tasks,) -1 before
    task_end: I64  # (tasks,)
    core_next: I32  # (cores,) position in its list
    core_free: I64  # (cores,)
    message_left: I32  # (messages,) packets, copies counted each, that are still to come
    message_start: I64  # (messages,)
    message_end: I64  # (messages,)
    flits: I64  # (R * P,) that each output has sent
    stalled: I64  # (R * P,) ticks that packets stood in front of it
    crossed: I64  # (messages, lanes, 2) first and last tick at which a flit started over a lane, or (0, 0, 0)
    profile: I32  # (intervals, R * P) flits of each output over time, or (0, 0)
    blame: I32  # (messages, R * P) ticks that a message stood in front of an output, or (0, 0)


class Work(NamedTuple):
    """Scratch arrays of one router's cycle."""

    best: I64  # (P * V,) smallest key of the requests for an output virtual channel
    asker: I32  # (P * V,)
    touched: I32  # (P * V,)
    choice: I64  # (P * V,) smallest key of the offers to an input virtual channel
    chosen: I32  # (P * V,)
    offered: I32  # (P * V,)
    unit_of: I32  # (P * V,)
    wish: I32  # (P * P,) unit that asks for an output at an input
    wish_key: I64  # (P * P,)
    asked: I64  # (P,) set of inputs that ask for an output
    offers: I64  # (P,) set of outputs that grant to an input
    fresh: I32  # units that ask for a virtual channel
    bids: I32  # units that ask for the switch
    routed: I32  # units that end their route stage
    heads: I32  # (P * V,) input virtual channels whose next packet begins
    stack: I32  # (cores + 1,) cores that may start a task
