"""Who gets a virtual channel of the next router, and who the switch; compiled.

One iteration of iSLIP (McKeown, IEEE/ACM Transactions on Networking, 1999); round-robin
pointers move past a partner only when he accepts.
"""

from __future__ import annotations

from axonal.simulation.network.arrays import ASKING, Machine, State, Work
from axonal.simulation.network.compiled import inlined

__all__ = ["allocate_channels", "allocate_switch", "may_speculate"]

_FAR = 1 << 62


@inlined
def allocate_channels(machine: Machine, state: State, work: Work, router: int, fresh: int) -> None:  # noqa: C901
    """One iteration of iSLIP between the units that ask and the output virtual channels that are free.

    Leaves in `out_vc` what a unit got, -1 without.
    """
    ports, vcs = machine.ports, machine.vcs
    size = ports * vcs
    base = router * size
    touched = 0
    for number in range(fresh):
        unit = work.fresh[number]
        state.out_vc[unit] = -1
        own, out = machine.channel_of[unit - base * ports], machine.output_of[unit - base * ports]
        may = state.may[unit] & state.free[router * ports + out]
        over = out * vcs
        while may != 0:
            if may & 1:
                key = own - state.grant_vc[base + over]
                if key < 0:
                    key += size
                if work.asker[over] < 0:
                    work.touched[touched] = over
                    touched += 1
                    work.best[over] = key
                    work.asker[over] = unit
                elif key < work.best[over]:
                    work.best[over] = key
                    work.asker[over] = unit
            may >>= 1
            over += 1
    offered = 0
    for number in range(touched):
        over = work.touched[number]
        unit = work.asker[over]
        work.asker[over] = -1
        own = machine.channel_of[unit - base * ports]
        key = over - state.accept_vc[base + own]
        if key < 0:
            key += size
        if work.chosen[own] < 0:
            work.offered[offered] = own
            offered += 1
            work.choice[own] = _FAR
        if key < work.choice[own]:
            work.choice[own] = key
            work.chosen[own] = over
            work.unit_of[own] = unit
    for number in range(offered):
        own = work.offered[number]
        over = work.chosen[own]
        work.chosen[own] = -1
        state.out_vc[work.unit_of[own]] = machine.vc_of[over]
        state.grant_vc[base + over] = own + 1 if own + 1 < size else 0
        state.accept_vc[base + own] = over + 1 if over + 1 < size else 0


@inlined
def _first(machine: Machine, chosen: int, pointer: int) -> int:
    """The first member of a set of ports that is not before the pointer, else the first of all."""
    beyond = chosen >> pointer
    if beyond != 0:
        return pointer + int(machine.first_of[beyond])
    return int(machine.first_of[chosen])


@inlined
def allocate_switch(  # noqa: C901, PLR0915
    machine: Machine, state: State, work: Work, router: int, bids: int
) -> int:
    """One iteration of iSLIP between the inputs and the outputs of the switch; winners go to the front of `bids`.

    Of the virtual channels of an input that ask for one output, those that are sure of theirs come before those that
    speculate, then round robin. An input accepts one output, and with it others that the same flit must take, too.
    """
    ports, vcs = machine.ports, machine.vcs
    base = router * ports
    first_unit = base * vcs * ports
    outputs = 0
    for number in range(bids):
        unit = work.bids[number]
        own, out = machine.channel_of[unit - first_unit], machine.output_of[unit - first_unit]
        entry = machine.port_of[own]
        key = machine.vc_of[own] - state.turn_vc[base + entry]
        if key < 0:
            key += vcs
        if state.stage[unit] == ASKING:
            key += vcs
        place = entry * ports + out
        if outputs >> out & 1 == 0:
            outputs |= 1 << out
            work.asked[out] = 0
        if work.asked[out] >> entry & 1 == 0:
            work.asked[out] |= 1 << entry
            work.wish[place] = unit
            work.wish_key[place] = key
        elif key < work.wish_key[place]:
            work.wish[place] = unit
            work.wish_key[place] = key
    inputs = 0
    while outputs != 0:
        out = machine.first_of[outputs]
        outputs &= outputs - 1
        entry = _first(machine, work.asked[out], state.grant_port[base + out])
        if inputs >> entry & 1 == 0:
            inputs |= 1 << entry
            work.offers[entry] = 0
        work.offers[entry] |= 1 << out
    winners = 0
    while inputs != 0:
        entry = machine.first_of[inputs]
        inputs &= inputs - 1
        offers = work.offers[entry]
        out = _first(machine, offers, state.accept_port[base + entry])
        unit = work.wish[entry * ports + out]
        own = machine.channel_of[unit - first_unit]
        vc = machine.vc_of[own]
        state.turn_vc[base + entry] = vc + 1 if vc + 1 < vcs else 0
        state.accept_port[base + entry] = out + 1 if out + 1 < ports else 0
        state.grant_port[base + out] = entry + 1 if entry + 1 < ports else 0
        work.bids[winners] = unit
        winners += 1
        others = offers & state.branches[base * vcs + own] & ~(1 << out)
        while others != 0:
            out = machine.first_of[others]
            others &= others - 1
            other = work.wish[entry * ports + out]
            if machine.channel_of[other - first_unit] == own and state.sent[other] == state.sent[unit]:
                state.grant_port[base + out] = entry + 1 if entry + 1 < ports else 0
                work.bids[winners] = other
                winners += 1
    return winners


@inlined
def may_speculate(machine: Machine, state: State, router: int, unit: int) -> bool:
    """Whether the output has a free virtual channel with a credit that the unit may take."""
    ports, vcs = machine.ports, machine.vcs
    link = router * ports + machine.output_of[unit - router * ports * vcs * ports]
    may = state.may[unit] & state.free[link]
    over = link * vcs
    while may != 0:
        if may & 1 and state.credit[over] > 0:
            return True
        may >>= 1
        over += 1
    return False
