"""The closed form of the network, held against the cycle-level engine and against itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axonal.hardware import Router
from axonal.simulation.network.fabric import Boundary, Fabric, grid
from axonal.simulation.network.flows import Flows, Paths
from axonal.simulation.network.lonely import alone
from axonal.simulation.network.packets import Packets
from axonal.simulation.network.queueing import burst, predict, predict_many
from axonal.simulation.network.routes import Routing
from axonal.simulation.network.running import Run

routers = st.builds(
    Router,
    routing_cycles=st.integers(0, 2),
    vc_allocation_cycles=st.integers(1, 2),
    traversal_cycles=st.integers(1, 2),
    link_cycles=st.integers(1, 3),
    vcs=st.sampled_from([1, 2, 4]),
    buffer_flits=st.integers(1, 9),
    credit_cycles=st.integers(0, 3),
)
boundaries = st.lists(
    st.builds(
        Boundary,
        after_column=st.just(1),
        link_cycles=st.integers(1, 12),
        cycles_per_flit=st.sampled_from([1.0, 1.5, 2.5, 8.0]),
        rows_per_lane=st.integers(1, 3),
    ),
    max_size=1,
)


def uniform(count: int, flits_per_cycle: float, flits: int) -> Flows:
    return Flows.of(np.full((count, count), flits_per_cycle / count / flits), flits)


def arrivals(fabric: Fabric, packets: Packets, cycles: int = 1 << 60) -> np.ndarray:
    """Ticks of arrival, none skipped: the count of flits inside lets the engine skip stages of idle routers."""
    run = Run(fabric, packets)
    run.state.clock[1] = 1 << 40
    run.advance(cycles)
    return run.state.arrived


def simulated_latency(fabric: Fabric, flows: Flows, cycles: int) -> float:
    """Mean packet latency of Bernoulli sources, freed of the luck of which pairs were drawn."""
    random = np.random.default_rng(5)
    chance = np.bincount(flows.source, flows.packets_per_cycle, minlength=fabric.routers)
    created, source = np.nonzero(random.random((cycles, fabric.routers)) < chance)
    flow = np.empty(len(source), np.int64)
    for node in range(fabric.routers):
        mine = np.flatnonzero(flows.source == node)
        rates = flows.packets_per_cycle[mine]
        flow[source == node] = random.choice(mine, (source == node).sum(), p=rates / rates.sum())
    packets = Packets.of(source, flows.target[flow], flows.flits[flow], created)
    empty = alone(fabric, flows, Paths.of(fabric, flows)).cycles
    counted = (created > cycles // 5) & (created < cycles - 500)
    waits = arrivals(fabric, packets) - packets.created - empty[flow]
    return float((empty * flows.packets_per_cycle).sum() / flows.packets_per_cycle.sum() + waits[counted].mean())


@settings(max_examples=25, deadline=None)
@given(router=routers, cuts=boundaries, flits=st.integers(1, 12), speculative=st.booleans(), seed=st.integers(0, 99))
def test_without_load_the_latency_is_exactly_the_simulated_one(
    router: Router, cuts: list[Boundary], flits: int, speculative: bool, seed: int
) -> None:
    if speculative:
        router = Router(speculative=True, buffer_flits=router.buffer_flits, vcs=router.vcs)
    fabric = grid(4, 3, router, boundaries=cuts)
    source, target = np.random.default_rng(seed).integers(fabric.routers, size=(2, 8))
    flows = Flows(source=source, target=target, packets_per_cycle=0.0, flits=flits)
    packets = Packets.of(source, target, flits, np.arange(8) * 1000)
    expected = arrivals(fabric, packets) - packets.created
    assert (alone(fabric, flows, Paths.of(fabric, flows)).cycles == expected).all()
    assert (predict(fabric, flows).flow_latency_cycles == expected).all()


@settings(max_examples=15, deadline=None)
@given(router=routers, cuts=boundaries, flits=st.integers(1, 6))
def test_latency_rises_with_the_load(router: Router, cuts: list[Boundary], flits: int) -> None:
    fabric = grid(4, 4, router, boundaries=cuts)
    flows = uniform(16, 0.1, flits)
    limit = predict(fabric, flows).saturation_scale
    latency = predict_many(fabric, flows, np.linspace(0.05, 0.8, 6) * limit).packet_latency_cycles
    assert (np.diff(latency) > 0).all()


def test_the_load_of_all_channels_is_that_of_the_flows_times_their_hops() -> None:
    fabric = grid(5, 3, Router())
    random = np.random.default_rng(3)
    flows = Flows(
        source=random.integers(15, size=40),
        target=random.integers(15, size=40),
        packets_per_cycle=random.random(40) * 1e-3,
        flits=random.integers(1, 9, size=40),
    )
    hops = Paths.of(fabric, flows).hops
    load = predict(fabric, flows).channel_flits_per_cycle
    assert load.sum() == pytest.approx((flows.packets_per_cycle * flows.flits * hops).sum())
    ejected = np.bincount(flows.target, flows.packets_per_cycle * flows.flits, minlength=15)
    assert load[:, -1] == pytest.approx(ejected)


def test_the_mean_latency_is_that_of_the_flows() -> None:
    fabric = grid(4, 4, Router(vcs=2, buffer_flits=4), boundaries=[Boundary(after_column=1, cycles_per_flit=2.0)])
    flows = uniform(16, 0.1, 4)
    prediction = predict(fabric, flows)
    mean = (prediction.flow_latency_cycles * flows.packets_per_cycle).sum() / flows.packets_per_cycle.sum()
    assert prediction.packet_latency_cycles == pytest.approx(mean)


@pytest.mark.parametrize(
    ("fabric", "flits"),
    [
        (grid(4, 4, Router(vcs=4)), 1),
        (grid(4, 4, Router(vcs=4)), 4),
        (grid(4, 4, Router(vcs=1)), 1),
        (grid(4, 4, Router(vcs=2, routing_cycles=0)), 3),
        (grid(4, 4, Router(), boundaries=[Boundary(after_column=1, link_cycles=10, cycles_per_flit=4)]), 4),
    ],
    ids=["short", "long", "one channel", "look-ahead", "two dies"],
)
def test_under_load_the_latency_is_near_the_simulated_one(fabric: Fabric, flits: int) -> None:
    flows = uniform(16, 0.1, flits)
    limit = predict(fabric, flows).saturation_scale
    for fraction, error in ((0.3, 0.015), (0.6, 0.05)):
        scaled = uniform(16, 0.1 * limit * fraction, flits)
        simulated = simulated_latency(fabric, scaled, 12000)
        prediction = predict(fabric, scaled)
        assert prediction.valid
        assert prediction.packet_latency_cycles == pytest.approx(simulated, rel=error)


def test_one_virtual_channel_saturates_at_a_third_of_what_four_do() -> None:
    load = [predict(grid(8, 8, Router(vcs=vcs)), uniform(64, 0.01, 1)).saturation_scale / 100 for vcs in (1, 4)]
    assert load == pytest.approx([0.1418, 0.4155], rel=0.15)  # BookSim2


def test_a_prediction_near_saturation_is_not_valid_and_says_why() -> None:
    fabric = grid(4, 4, Router())
    flows = uniform(16, 0.1, 4)
    limit = predict(fabric, flows).saturation_scale
    beyond = predict(fabric, uniform(16, 0.1 * limit * 0.9, 4))
    assert not beyond.valid
    assert "must be <= 0.85" in beyond.reason
    assert predict(fabric, uniform(16, 0.1 * limit * 0.8, 4)).valid


def test_what_the_equations_do_not_cover_is_not_valid() -> None:
    flows = uniform(16, 0.01, 1)
    assert "west_first" in predict(grid(4, 4, Router(), routing=Routing.WEST_FIRST), flows).reason
    assert "torus" in predict(grid(4, 4, Router(), wraps=True), flows).reason


def test_many_points_are_those_of_one_by_one() -> None:
    fabrics = [grid(4, 4, Router(vcs=vcs, buffer_flits=depth)) for vcs in (1, 4) for depth in (2, 8)]
    flows = uniform(16, 0.1, 4)
    many = predict_many(fabrics, flows, [0.5, 1.0, 1.5, 2.0])
    for place, (fabric, scale) in enumerate(zip(fabrics, (0.5, 1.0, 1.5, 2.0), strict=True)):
        one = predict(fabric, uniform(16, 0.1 * scale, 4))
        assert many.packet_latency_cycles[place] == pytest.approx(one.packet_latency_cycles, rel=1e-3)
        assert many.network_latency_cycles[place] == pytest.approx(one.network_latency_cycles, rel=1e-3)
        assert many.saturation_scale[place] == pytest.approx(one.saturation_scale, rel=1e-2)
        assert many.valid[place] == one.valid


def test_lists_of_points_that_do_not_fit_each_other_are_refused() -> None:
    fabric = grid(3, 3, Router())
    with pytest.raises(ValueError, match="give one, or one for each point"):
        predict_many([fabric] * 2, uniform(9, 0.1, 1), [0.1, 0.2, 0.3])


def test_a_burst_over_a_slow_die_to_die_link_takes_as_long_as_simulated() -> None:
    fabric = grid(6, 4, Router(), boundaries=[Boundary(after_column=2, link_cycles=10, cycles_per_flit=4)])
    random = np.random.default_rng(2)
    source, target = np.repeat(np.arange(24), 48), random.integers(24, size=24 * 48)
    simulated = arrivals(fabric, Packets.of(source, target, 4, np.zeros(len(source), np.int64))).max()
    pairs, packets = np.unique(source * 24 + target, return_counts=True)
    flows = Flows(source=pairs // 24, target=pairs % 24, packets_per_cycle=0.0, flits=4)
    result = burst(fabric, flows, packets)
    assert result.busiest == "lane"
    assert result.work_cycles < simulated
    assert 1 / 1.25 < result.makespan_cycles / simulated < 1.25


def test_flows_refuse_what_is_out_of_bounds() -> None:
    with pytest.raises(ValueError, match="flits of a flow is 0, must be >= 1"):
        Flows(source=[0], target=[1], packets_per_cycle=[0.1], flits=[0])
    with pytest.raises(ValueError, match="give one value for each flow"):
        Flows(source=[0], target=[1, 2], packets_per_cycle=[0.1], flits=[1])
    with pytest.raises(ValueError, match="target of a flow is 9, must be 0 to 8"):
        predict(grid(3, 3, Router()), Flows(source=[0], target=[9], packets_per_cycle=[0.1], flits=[1]))
