"""Where the analytical engine is within its range, and who takes over where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulation_cases import Case, by_hand, edge, grid
from simulation_engines import QUICK, closed, cycle, noc, pair, shaped

from axonal.hardware import Router
from axonal.simulation import HandOver, simulate
from axonal.simulation.schedule import pace
from axonal.workload import Layer, Workload

HAND_OVER = HandOver(thorough=QUICK)


def taken(case: Case) -> str:
    """Which engine answers."""
    return simulate(case.workload, case.placement, case.system, HAND_OVER).engine


def test_within_its_range_the_analytical_engine_answers() -> None:
    assert taken(pair(64, grid(2, 1), ("c0", 0), ("c1", 0))) == "analytical"


@pytest.mark.parametrize(
    "changes", [{"topology": "torus"}, {"routing": "yx"}, {"router": replace(Router.of(2), vcs=1, buffer_flits=1)}]
)
def test_outside_of_it_the_cycle_level_engine_takes_over(changes: dict[str, object]) -> None:
    case = pair(64, noc(grid(1, 1, mesh=(4, 4)), **changes), ("c0", 0), ("c0", 5))
    assert not closed(case).valid
    assert taken(case) == "cycle-level"


def test_what_neither_can_simulate_is_answered_with_a_note() -> None:
    system = noc(grid(2, 1), routing="yx")
    first, second = system.chips
    unlike = replace(system, chips=(first, replace(second, noc=replace(second.noc, flit_bits=64))))
    case = pair(64, unlike, ("c0", 0), ("c1", 0))
    report = simulate(case.workload, case.placement, case.system, HAND_OVER)
    assert report.engine == "analytical"
    assert not report.valid
    assert "flit_bits of the dies is 32, 64" in report.notes[-1]


def test_several_rows_of_dies_need_a_second_virtual_channel() -> None:
    case = pair(64, noc(grid(1, 2), router=replace(Router.of(2), vcs=1)), ("c0", 0), ("c1", 0))
    with pytest.raises(ValueError, match="vcs is 1, must be >= 2 where dies stand in several rows"):
        cycle(case)


@pytest.mark.parametrize("router", [Router.of(2), Router.of(5), Router.of(7), replace(Router.of(5), vcs=1)])
def test_a_tensor_alone_keeps_the_pace_that_credits_and_channels_allow(router: Router) -> None:
    system = noc(grid(1, 1, mesh=(4, 1)), router=router, hop_cycles=router.hop_cycles)
    case = pair(6400, system, ("c0", 0), ("c0", 3))
    computing = 2 * 2 / 0.5
    cycles = cycle(case).latency_ns - computing
    assert cycles == pytest.approx(1600 / pace(router, router.vcs), rel=0.05)
    assert closed(case).latency_ns - computing == pytest.approx(cycles, rel=0.05)


def four_rows() -> Case:
    """One tensor in each of four rows, over a link that has room for all of them."""
    names = [f"a{row}" for row in range(4)], [f"b{row}" for row in range(4)]
    layers = tuple(Layer(name=name, kind="linear", macs=8, neurons=8) for side in names for name in side)
    traffic = tuple(edge(a, b, elements=640) for a, b in zip(*names, strict=True))
    workload = Workload(name="rows", layers=layers, traffic=traffic)
    tiles = [(name, f"c{die}", row, 1.0) for die, side in enumerate(names) for row, name in enumerate(side)]
    system = shaped(grid(2, 1, mesh=(1, 4)), bits_per_ns=128.0)
    return Case(workload=workload, placement=by_hand(workload, tiles), system=system)


def test_rows_that_share_a_link_with_room_for_all_do_not_wait_for_each_other() -> None:
    case = four_rows()
    assert closed(case).latency_ns == pytest.approx(cycle(case).latency_ns, rel=0.1)


def test_a_slow_link_is_shown_busy_when_it_is_busy() -> None:
    report = cycle(pair(64, grid(4, 1), ("c0", 0), ("c3", 0)))
    starts = []
    for name in ("c0->c1", "c1->c2", "c2->c3"):
        load = next(load for load in report.links if load.name == name)
        span = next(span for span in report.timeline if span.resource == name)
        assert sum(load.utilization) * report.interval_ns == pytest.approx(load.busy_ns)
        assert span.duration_ns == pytest.approx(load.busy_ns, rel=0.05)
        starts.append(span.start_ns)
    assert starts == sorted(set(starts))


def spiking() -> Case:
    layers = tuple(Layer(name=name, kind="spike", accumulates=64, neurons=64, state_bits=64) for name in "ab")
    workload = Workload(name="w", layers=layers, traffic=(edge("a", "b", elements=640, events=64),))
    placement = by_hand(workload, [("a", "c0", 0, 1.0), ("b", "c1", 0, 1.0)])
    return Case(workload=workload, placement=placement, system=grid(2, 1))


@pytest.mark.parametrize("events", [0, 7, 640])
def test_a_replay_is_reported_with_the_events_that_were_recorded(events: int) -> None:
    symbols = np.zeros(640, np.int8)
    symbols[:events] = 1
    report = cycle(spiking(), replace(QUICK, symbols={"a": symbols}))
    (boundary,) = report.boundaries
    (load,) = [load for load in report.links if load.kind == "d2d"]
    assert boundary.events == events
    assert 0 <= load.bits - report.link_bits_packed < 32


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ({"a": np.full(640, np.nan)}, "symbols of 'a' hold a value that is not finite"),
        ({"nobody": np.ones(640)}, "symbols of 'nobody' are recorded, must be of event traffic, one of: a"),
    ],
)
def test_symbols_that_cannot_be_replayed_are_refused(symbols: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cycle(spiking(), replace(QUICK, symbols=symbols))


def test_both_engines_charge_the_same_messages() -> None:
    case = spiking()
    dear = replace(
        case,
        system=replace(
            case.system,
            chips=tuple(
                replace(chip, core=replace(chip.core, energy=replace(chip.core.energy, packet_pj=1000.0)))
                for chip in case.system.chips
            ),
        ),
    )
    extra = [engine(dear).energy.noc_pj - engine(case).energy.noc_pj for engine in (closed, cycle)]  # type: ignore[union-attr]
    assert extra == pytest.approx([64_000, 64_000])
