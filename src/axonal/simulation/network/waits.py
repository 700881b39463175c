"""What packets wait for, turn by turn and channel by channel: `Waits`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from axonal.simulation.network.offered import Offered

__all__ = ["Waits"]

F64 = NDArray[np.float64]


class Waits(NamedTuple):
    """Ticks of waiting, what `solve` finds."""

    turn: F64  # (turns,) for the output, head
    stretch: F64  # (turns,) of the tail behind its head, for sharing the output
    queue: F64  # (channels,) for packets before it in the virtual channel of the input
    credit: F64  # (channels,) for credits of the output
    lane: F64  # (channels,) behind the switch, for the lane
    source: F64  # (routers,)
    busy: F64  # (channels,) utilisation of the virtual channels of an input
    service: F64  # (channels,) of a packet in front of an input
    quick: F64  # (channels,) the same behind another packet, whose wait lets flits that are far apart close up
    delay: F64  # (channels,) the part of it that an empty network does not have
    block: F64  # (channels,) the part of that which keeps packets that go another way from passing
    order: F64  # (channels,) packets that have waited to be in one line behind an output
    lanes: F64  # (2, lanes) of a packet; share of pairs of packets that come by the same turn
    sums: F64  # (5, channels) scratch

    @classmethod
    def none(cls, demand: Offered) -> Waits:
        """No waits, from which the fixed point starts."""
        turns, channels = len(demand.entry), len(demand.out_rate)
        return cls(
            turn=np.zeros(turns),
            stretch=np.zeros(turns),
            queue=np.zeros(channels),
            credit=np.zeros(channels),
            lane=np.zeros(channels),
            source=np.zeros(len(demand.source_rate)),
            busy=np.zeros(channels),
            service=demand.in_service.copy(),
            quick=demand.in_quick.copy(),
            delay=np.zeros(channels),
            block=np.zeros(channels),
            order=np.zeros(channels),
            lanes=np.zeros((2, len(demand.lane_service))),
            sums=np.zeros((5, channels)),
        )
