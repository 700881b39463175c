"""What a boundary costs: real frames of its symbols, and their charge on a link."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from axonal import wire
from axonal.hardware import System
from axonal.hardware import load as load_system
from axonal.spiking import Boundary, Categorical, Code, Counted, Density, FewSpikes, Float, Graded, Integer, span
from axonal.study.front.charging import charge
from axonal.study.front.coding import Coded, Symbols, Weighed, coder_of, contexts_of, sent_by, weigh

SYSTEM = load_system("snap_4x4_2")
FEATURES, NEURONS, POSITIONS = 32, 8, 10


def coded(**changes: Any) -> Coded:
    usual: dict[str, Any] = {
        "coder": "static",
        "real": 100.0,
        "estimated": 95.0,
        "static": 110.0,
        "single": 150.0,
        "packets": 300.0,
        "events": 20.0,
        "symbols": POSITIONS * NEURONS,
        "elements": POSITIONS * FEATURES,
        "alphabet": 5,
    }
    return Coded(**(usual | changes))


def linked(**changes: Any) -> System:
    return replace(SYSTEM, links=(replace(SYSTEM.links[0], **changes),))


def charged(item: Coded, *, entropy_coded: bool, system: System = SYSTEM, neurons: int = NEURONS) -> Any:
    return charge(item, system, features=FEATURES, neurons=neurons, entropy_coded=entropy_coded)


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.booleans())
def test_energy_and_time_on_the_link_are_linear_in_its_bits(one: float, other: float, entropy_coded: bool) -> None:
    slow = linked(bits_per_ns=1e-6)
    first, second, both = (
        charged(coded(single=bits, packets=bits), entropy_coded=entropy_coded, system=slow)
        for bits in (one, other, one + other)
    )
    assert both.link_pj == pytest.approx(first.link_pj + second.link_pj)
    assert first.transform_pj == both.transform_pj
    rest = charged(coded(single=0.0, packets=0.0), entropy_coded=False, system=slow).latency_ns
    assert both.latency_ns - rest == pytest.approx(first.latency_ns + second.latency_ns - 2 * rest)


def test_an_entropy_coder_sends_fewer_bits_and_takes_more_arithmetic() -> None:
    ranged, packets = (charged(coded(), entropy_coded=way) for way in (True, False))
    assert ranged.link_pj < packets.link_pj
    assert ranged.coder_pj > 0 == packets.coder_pj
    assert ranged.energy_pj - ranged.link_pj > packets.energy_pj - packets.link_pj
    assert ranged.energy_pj == ranged.link_pj + ranged.transform_pj + ranged.coder_pj


@pytest.mark.parametrize(("bits_per_ns", "bound"), [(1e6, True), (1e-3, False)])
def test_a_fast_link_waits_for_the_coder_and_a_slow_one_does_not(bits_per_ns: float, bound: bool) -> None:
    system = linked(bits_per_ns=bits_per_ns)
    found = charged(coded(), entropy_coded=True, system=system)
    assert found.coder_bound == bound
    assert not charged(coded(), entropy_coded=False, system=system).coder_bound
    sender = SYSTEM.by_name[SYSTEM.links[0].a]
    pace = coded().symbols / sender.core.clock_ghz if bound else coded().single / bits_per_ns
    assert found.latency_ns > pace


def test_more_symbols_of_a_larger_alphabet_take_more_coding() -> None:
    base = charged(coded(), entropy_coded=True).coder_pj
    assert charged(coded(symbols=160), entropy_coded=True).coder_pj == pytest.approx(2 * base)
    assert charged(coded(alphabet=255), entropy_coded=True).coder_pj > base


def test_the_receiver_reads_rows_of_events_and_the_sender_all_positions() -> None:
    none, few, many = (charged(coded(events=n), entropy_coded=False).transform_pj for n in (0.0, 3.0, 6.0))
    energy = SYSTEM.by_name[SYSTEM.links[0].a].core.energy
    assert none >= POSITIONS * FEATURES * NEURONS * energy.mac_pj
    assert many - few == pytest.approx(few - none, rel=1e-6)
    assert charged(coded(), entropy_coded=False, neurons=0).transform_pj < 0.1 * few


def test_a_gain_for_each_position_is_one_more_row_for_the_sender() -> None:
    plain, wider = (charged(coded(), entropy_coded=False, neurons=count) for count in (NEURONS, NEURONS + 1))
    gained = charge(coded(), SYSTEM, features=FEATURES, neurons=NEURONS, entropy_coded=False, adaptive=True)
    assert plain.transform_pj < gained.transform_pj <= wider.transform_pj
    assert gained.latency_ns == wider.latency_ns


def test_looking_up_what_tokens_say_costs_on_both_dies() -> None:
    plain, told = (charged(coded(side=side), entropy_coded=False).transform_pj for side in (0, 80))
    energy = SYSTEM.by_name[SYSTEM.links[0].a].core.energy
    looked_up = 2 * 3 * POSITIONS * FEATURES * (8 * energy.sram_read_pj_per_bit + energy.accumulate_pj)
    assert told - plain == pytest.approx(looked_up)


def test_a_system_without_links_is_refused() -> None:
    alone = replace(SYSTEM, links=(), chips=SYSTEM.chips[:1])
    with pytest.raises(ValueError, match="has no link: choose one of at least two dies"):
        charged(coded(), entropy_coded=True, system=alone)


# Real bytes.


class Cut(nn.Module):
    """A boundary by itself."""

    def __init__(self, code: Code, neurons: int, *, tokens: int = 0) -> None:
        super().__init__()
        self.boundary = Boundary(6, neurons, code, tokens=tokens)

    def forward(self, value: Tensor) -> Tensor:
        result: Tensor = self.boundary(value)
        return result


def three(code: Code, *, neurons: int = 6, density: bool = False, tokens: int = 0) -> list[Symbols]:
    """Symbols of a calibrated boundary on three samples of one source that remembers."""
    torch.manual_seed(0)
    model = Cut(code, neurons, tokens=tokens)
    mix, samples = torch.randn(6, 6), []
    for _ in range(3):
        value = torch.randn(150, 12, 6) @ mix
        for step in range(1, 12):
            value[:, step] = 0.8 * value[:, step - 1] + 0.6 * value[:, step]
        samples.append(value)
    model.boundary.calibrate(samples[0])
    encoder = model.boundary.encoder
    words = code.words if isinstance(code, Categorical) else 1
    channels = encoder.channels * code.time_steps // words
    if code.levels:
        encoder.charge_by((Density if density else Counted)(channels, *span(code)))
    found = [sent_by(model, value)[0] for value in samples]
    if isinstance(encoder.prior, Density):
        encoder.prior.refit(found[0].values)
    return found


@pytest.mark.parametrize(
    "code", [Graded(2), FewSpikes(3), Integer(4), Categorical(4), Graded(0, signed=False)], ids=repr
)
@pytest.mark.parametrize("parents", [0, 2])
def test_frames_weigh_what_their_model_expects_and_a_header(code: Code, parents: int) -> None:
    fit, choose, test = three(code, neurons=12)
    found = weigh(fit, choose, test, parents=parents, frame=50)
    assert found.estimated * 0.97 < found.real < 1.03 * found.estimated + (wire.HEADER_BITS + 40) / 50
    assert found.real < found.single
    assert found.symbols == test.values[0].numel()
    assert found.elements == 12 * 6
    assert found.coder in (("static", "conditional") if parents else ("static",))


def test_what_stands_in_contexts_is_cheaper_where_a_source_remembers() -> None:
    fit, choose, test = three(Graded(2))
    alone, known = (weigh(fit, choose, test, parents=parents, frame=50) for parents in (0, 2))
    assert known.coder == "conditional"
    assert known.real < 0.97 * alone.real
    assert known.static == alone.static == alone.real


def test_the_coder_is_chosen_on_other_symbols_than_it_is_weighed_on() -> None:
    fit, choose, test = three(Graded(2))
    noise = replace(test, values=torch.randint(-2, 3, test.values.shape).float())
    found = weigh(fit, choose, noise, parents=2, frame=50)
    assert found.coder == "conditional"
    assert found.real > weigh(fit, choose, test, parents=2, frame=50).real


def test_a_learned_density_competes_and_can_code() -> None:
    fit, choose, test = three(Integer(4), density=True)
    coder = coder_of(fit, "learned", 0)
    rows = test.values.flatten(0, 1).int().numpy()
    assert coder.packer.cost_bits(rows) == pytest.approx(coder.estimate(test.values), rel=0.02)
    assert weigh(fit, choose, test, parents=0, frame=50).coder in ("static", "learned")
    with pytest.raises(ValueError, match="no learned density: use static or conditional"):
        coder_of(three(Graded(2))[0], "learned", 0)


def test_one_event_of_each_group_is_counted_whichever_it_is() -> None:
    fit, choose, test = three(Categorical(4), neurons=12)
    found = weigh(fit, choose, test, parents=0, frame=50)
    assert found.events == found.symbols == 12 * 3
    assert found.packets == wire.HEADER_BITS + 12 * 3 * 2


def test_half_precision_is_not_coded() -> None:
    fit, choose, test = three(Float(), neurons=0)
    found = weigh(fit, choose, test, parents=2, frame=50)
    assert found.coder == "none"
    assert found.real == 16 * 72 + wire.HEADER_BITS / 50
    assert found.single == found.packets == 16 * 72 + wire.HEADER_BITS
    assert found.estimated == 16 * 72


@pytest.mark.parametrize("code", [Graded(2), Float()], ids=repr)
def test_tokens_cross_in_every_way_of_sending(code: Code) -> None:
    parts = three(code, neurons=6)
    plain = weigh(*parts, parents=2, frame=50)
    told = weigh(*(replace(part, side=12 * 4) for part in parts), parents=2, frame=50)
    for name in ("real", "estimated", "static", "single", "packets"):
        assert getattr(told, name) == pytest.approx(getattr(plain, name) + 48)
    assert told.side == 48
    assert three(Graded(2), tokens=16)[0].side == 48


def test_a_model_is_seen_batch_by_batch_and_left_in_its_mode() -> None:
    model = Cut(Graded(2), 4).train()
    value, answers = torch.randn(300, 3, 6), []
    symbols = sent_by(model, value, answers.append)[0]
    assert model.training
    assert symbols.values.shape == (300, 3, 4)
    assert [len(answer) for answer in answers] == [128, 128, 44]
    assert symbols.row == 0
    assert contexts_of(symbols, 0) is None


def test_an_image_has_neighbours_above_it() -> None:
    torch.manual_seed(0)
    rows = torch.randint(-1, 2, (200, 1, 5, 2)).float().expand(-1, 4, -1, -1)
    symbols = Symbols(
        values=rows.reshape(200, 20, 2), shape=(4, 5, 2), elements=40, code=Graded(1), prior=Counted(2, -1, 1), row=5
    )
    contexts = contexts_of(symbols, 1)
    assert contexts is not None
    assert contexts.parents == (((5, 0),), ((5, 1),))


def test_costs_of_boundaries_add_up() -> None:
    both = Weighed(boundaries=(coded(), coded(real=300.0, elements=960)))
    assert both.total("real") == 400
    assert both.per_element("real") == pytest.approx(400 / 1280)
    assert math.isclose(both.per_element("elements"), 1)
