from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_cases import NEVER, package, random_packets, with_multicasts

from axonal.hardware import Router
from axonal.simulation.network import plain
from axonal.simulation.network.fabric import Boundary, Draft, Fabric, grid
from axonal.simulation.network.packets import Packets
from axonal.simulation.network.plain_router import Flit, InputChannel
from axonal.simulation.network.plain_router import Router as PlainRouter
from axonal.simulation.network.routes import Routing
from axonal.simulation.network.running import Deadlock, Run

EXAMPLES = settings(deadline=None, max_examples=40, derandomize=True)

SMALL = Router(vcs=2, buffer_flits=2)
RING = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)]
IRREGULAR = [*RING, (1, 3), (4, 5), (5, 6), (0, 6)]
FABRICS = {
    "xy": grid(4, 4, SMALL),
    "yx": grid(4, 4, replace(SMALL, vcs=1), routing=Routing.YX),
    "west_first": grid(4, 4, replace(SMALL, vcs=1), routing=Routing.WEST_FIRST),
    "o1turn": grid(4, 4, SMALL, routing=Routing.O1TURN),
    "torus_xy": grid(4, 4, SMALL, wraps=True),
    "torus_yx": grid(5, 3, replace(SMALL, vcs=3), routing=Routing.YX, wraps=True),
    "table": package(IRREGULAR, replace(SMALL, vcs=1)),
    "boundary": grid(4, 4, Router.of(3), boundaries=[Boundary(after_column=1, link_cycles=9, cycles_per_flit=1.7)]),
}
EACH = pytest.mark.parametrize("fabric", FABRICS.values(), ids=FABRICS)


def with_a_straggler(packets: Packets) -> Packets:
    """One more packet, so late that all that the others did has come to rest before."""
    late = Packets.of(np.zeros(1, int), np.zeros(1, int), 1, np.array([2 * NEVER]))
    return packets.joined(late)


@EACH
@EXAMPLES
@given(count=st.integers(1, 200), longest=st.integers(1, 8), seed=st.integers(0, 1 << 20))
def test_when_all_has_arrived_every_credit_and_every_place_is_free_again(
    fabric: Fabric, count: int, longest: int, seed: int
) -> None:
    packets = with_a_straggler(random_packets(fabric.routers, count, seed, longest=longest, within=30))
    fresh, run = Run(fabric, packets).state, Run(fabric, packets)
    assert not run.advance(NEVER)
    state = run.state
    assert (state.arrived[:-1] > state.injected[:-1]).all()
    for name in ("credit", "room", "busy", "count", "gone", "branches", "stage", "working", "taken", "copies"):
        expected = getattr(fresh, name).copy()
        if name == "copies":
            expected[:-1] = 0
        np.testing.assert_array_equal(getattr(state, name), expected, err_msg=name)
    assert run.flits_inside == 0
    assert len(_free_events(run)) == len(_free_events(Run(fabric, packets)))
    assert run.advance()


def _free_events(run: Run) -> set[int]:
    free, event = set(), int(run.state.clock[3])
    while event < len(run.state.event_next):
        free.add(event)
        event = int(run.state.event_next[event])
    return free


@EACH
@EXAMPLES
@given(count=st.integers(1, 200), longest=st.integers(1, 8), seed=st.integers(0, 1 << 20))
def test_each_flit_comes_out_where_its_packet_goes_and_crosses_each_router_once(
    fabric: Fabric, count: int, longest: int, seed: int
) -> None:
    packets = random_packets(fabric.routers, count, seed, longest=longest)
    run = Run(fabric, packets)
    assert run.advance()
    out = run.state.flits.reshape(fabric.routers, -1)
    np.testing.assert_array_equal(out[:, -1], np.bincount(packets.target, packets.flits, fabric.routers))
    assert run.flit_hops == (run.state.hops * packets.flits).sum()


@EXAMPLES
@given(count=st.integers(1, 60), seed=st.integers(0, 1 << 20), routing=st.sampled_from((Routing.XY, Routing.O1TURN)))
def test_a_multicast_reaches_every_core_of_its_tree_and_crosses_no_link_twice(
    count: int, seed: int, routing: Routing
) -> None:
    packets = with_multicasts(random_packets(12, count, seed, longest=4), 4, 3, seed, longest=SMALL.buffer_flits)
    run = Run(grid(4, 3, SMALL, routing=routing), packets)
    assert run.advance()
    expected = np.zeros((12, 5), np.int64)
    for number in np.flatnonzero(packets.target < 0):
        tree = packets.trees[-1 - packets.target[number]]
        for router, outputs in zip(tree.routers, tree.outputs, strict=True):
            expected[router] += [packets.flits[number] * (outputs >> port & 1) for port in range(5)]
        assert run.state.hops[number] == sum(outputs.bit_count() for outputs in tree.outputs)
    plain_ones = packets.target >= 0
    expected[:, -1] += np.bincount(packets.target[plain_ones], packets.flits[plain_ones], 12).astype(int)
    np.testing.assert_array_equal(run.state.flits.reshape(12, 5)[:, -1], expected[:, -1])
    assert (run.state.flits.reshape(12, 5) >= expected).all()


@pytest.mark.parametrize("routing", [Routing.XY, Routing.YX, Routing.TABLE])
@EXAMPLES
@given(count=st.integers(2, 200), longest=st.integers(1, 5), seed=st.integers(0, 1 << 20))
def test_packets_of_a_flow_stay_in_order_on_one_path_with_one_virtual_channel(
    routing: Routing, count: int, longest: int, seed: int
) -> None:
    router = replace(SMALL, vcs=1)
    fabric = FABRICS["table"] if routing == Routing.TABLE else grid(3, 3, router, routing=routing)
    packets = random_packets(fabric.routers, count, seed, longest=longest, within=10)
    run = Run(fabric, packets)
    assert run.advance()
    flows = defaultdict(list)
    for number in range(count):
        flows[int(packets.source[number]), int(packets.target[number])].append(run.state.arrived[number])
    for arrivals in flows.values():
        assert (np.diff(arrivals) > 0).all()


def test_packets_of_a_flow_may_overtake_each_other_with_several_virtual_channels() -> None:
    overtaken = 0
    for seed in range(20):
        crowd = random_packets(9, 200, seed, longest=6, within=10)
        run = Run(
            grid(3, 3, replace(SMALL, vcs=4)), replace(crowd, source=crowd.source // 3, target=crowd.target % 2 + 7)
        )
        run.advance()
        flow = (run.packets.source == 0) & (run.packets.target == 8)
        overtaken += int((np.diff(run.state.arrived[flow]) < 0).sum())
    assert overtaken > 0


@pytest.mark.parametrize("name", ["xy", "west_first", "o1turn", "torus_xy", "table", "boundary"])
def test_flits_of_a_packet_pass_each_virtual_channel_in_order_with_nothing_between(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: defaultdict[InputChannel, list[Flit]] = defaultdict(list)
    receive = PlainRouter.receive

    def noting(self: PlainRouter, channel: InputChannel, flit: Flit, tick: int) -> None:
        passed[channel].append(flit)
        receive(self, channel, flit, tick)

    monkeypatch.setattr(PlainRouter, "receive", noting)
    fabric = FABRICS[name]
    assert plain.simulate(fabric, random_packets(fabric.routers, 150, 7, longest=5, within=20), until=5000).finished
    for flits in passed.values():
        heads = [number for number, flit in enumerate(flits) if flit.index == 0]
        for start, end in zip(heads, [*heads[1:], len(flits)], strict=True):
            assert [flit.index for flit in flits[start:end]] == list(range(flits[start].packet.flits))
            assert {flit.packet for flit in flits[start:end]} == {flits[start].packet}


@EACH
def test_the_same_packets_give_the_same_bits_also_when_paused_and_extended(fabric: Fabric) -> None:
    first, second = (random_packets(fabric.routers, 300, seed, longest=4, within=100) for seed in (1, 2))
    later = replace(second, created=second.created + 100)
    whole = Run(fabric, first.joined(later), watched=True)
    assert whole.advance()
    pieces = Run(fabric, first, watched=True)
    for until in range(0, 97, 3):
        pieces.advance(until)
    pieces.extend(later)
    while not pieces.advance(pieces.now + 7):
        pass
    again = Run(fabric, first.joined(later), watched=True)
    again.advance()
    for name in whole.state._fields:
        np.testing.assert_array_equal(getattr(whole.state, name), getattr(again.state, name), err_msg=name)
    for name in ("injected", "arrived", "hops", "flits"):
        np.testing.assert_array_equal(getattr(whole.state, name), getattr(pieces.state, name), err_msg=name)


@EACH
def test_a_million_packets_in_all_arrive_however_much_is_offered(fabric: Fabric) -> None:
    each = 1_000_000 // len(FABRICS)
    run = Run(fabric, random_packets(fabric.routers, each, 11, longest=2))
    assert run.advance()
    assert (run.state.arrived >= 0).all()


@pytest.mark.parametrize(("routing", "wraps"), [(Routing.XY, False), (Routing.XY, True), (Routing.O1TURN, False)])
def test_multicasts_among_other_packets_all_arrive(routing: Routing, wraps: bool) -> None:
    for seed in range(10):
        packets = with_multicasts(random_packets(16, 3000, seed, longest=2), 4, 4, seed, longest=2)
        assert Run(grid(4, 4, SMALL, routing=routing, wraps=wraps), packets).advance()


def test_routes_around_a_ring_deadlock_and_the_error_says_so() -> None:
    draft = Draft(4, 3, 1)
    for number in range(4):
        draft.place(number, number, 0, Router(vcs=1, buffer_flits=1))
    for number in range(4):
        draft.join((number, 0), ((number + 1) % 4, 1), 1)
    table = np.zeros((2, 4, 4), np.int8)
    source = np.arange(4)
    packets = Packets.of(source, (source + 2) % 4, 8, np.zeros(4, int))
    run = Run(draft.done(Routing.TABLE, table=table), packets)
    with pytest.raises(Deadlock, match=r"flits stand still at tick \d+ and 4 packets have not arrived"):
        run.advance()
    assert run.flits_inside > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": np.array([4])}, "source of a packet is 4, must be 0 to 3"),
        ({"source": np.array([-1])}, "source of a packet is -1, must be 0 to 3"),
        ({"target": np.array([4])}, "target of a packet is 4, must be 0 to 3"),
        ({"target": np.array([-1])}, "target of a packet is -1, must be 0 to 3"),
        ({"flits": np.array([0])}, "flits of a packet is 0, must be 1 to"),
        ({"created": np.array([-1])}, "created of a packet is -1, must be 0 to"),
        ({"flavour": np.array([2])}, "flavour of a packet is 2, must be 0 to 1"),
    ],
)
def test_a_packet_that_does_not_fit_the_network_is_refused(change: dict[str, np.ndarray], message: str) -> None:
    good = Packets.of(np.array([0]), np.array([3]), 1, np.array([0]))
    for engine in (
        lambda packets: Run(grid(2, 2, SMALL), packets),
        lambda p: plain.simulate(grid(2, 2, SMALL), p, until=1),
    ):
        with pytest.raises(ValueError, match=message):
            engine(replace(good, **change))


def test_a_multicast_longer_than_a_buffer_is_refused() -> None:
    packets = with_multicasts(Packets.of(np.array([0]), np.array([3]), 9, np.array([0])), 2, 2, 0, longest=9)
    with pytest.raises(ValueError, match=r"a multicast packet has 9 flits, must be <= 8"):
        Run(grid(2, 2, replace(SMALL, buffer_flits=8)), packets)
