"""What codes put on the wire: whole numbers of a declared span and shape, the same every time."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spiking_codes import ALL, NEURONS, WHOLE, currents, sent

from axonal import wire
from axonal.spiking import (
    BitPlane,
    Bottleneck,
    Burst,
    Categorical,
    Code,
    Encoder,
    FewSpikes,
    Graded,
    Integer,
    Latency,
    Noise,
    Rate,
    SigmaDelta,
    TopK,
    arranged,
    span,
    ternary,
)
from axonal.spiking.traffic import symbol_traffic

GRADED = st.integers(0, 8).map(lambda bits: Graded(bits, signed=False)) | st.integers(1, 8).map(Graded)

CODES: st.SearchStrategy[Code] = st.one_of(
    GRADED,
    st.integers(1, 8).map(Rate),
    st.integers(1, 8).map(lambda steps: Rate(steps, leaky=False)),
    st.integers(1, 16).map(Integer),
    st.integers(2, 8).map(FewSpikes),
    st.integers(2, 8).map(BitPlane),
    st.builds(Latency, st.sampled_from([1, 2, 4, 8, 16, 32, 64]), st.booleans()),
    GRADED.map(SigmaDelta),
    st.builds(Burst, GRADED, st.integers(2, 7)),
    st.builds(TopK, st.integers(1, 7), st.integers(2, 8)),
    st.integers(1, 127).map(Bottleneck),
)


@given(code=CODES, seed=st.integers(0, 99), spread=st.sampled_from([0.1, 3.0, 1e4]))
@settings(deadline=None, max_examples=150)
def test_symbols_are_whole_numbers_that_the_code_declares_and_the_wire_carries(
    code: Code, seed: int, spread: float
) -> None:
    source = torch.Generator().manual_seed(seed)
    current = torch.randn(2, 3, 5, generator=source) * spread
    symbols = code.encode(current, torch.rand(5, generator=source) + 0.5, torch.rand(5, generator=source))
    assert symbols.shape == ((2, code.time_steps, 3, 5) if code.time_steps > 1 else (2, 3, 5))
    assert torch.equal(symbols, symbols.round())
    low, high = span(code)
    assert low <= float(symbols.min()) <= float(symbols.max()) <= high
    assert high == code.levels
    assert code.signed == (low < 0)
    for row in symbols.to(torch.int32):
        events = int(torch.count_nonzero(row))
        packet_format = wire.cheapest(symbol_traffic(tuple(row.shape), code, events))
        assert packet_format.unpack(packet_format.pack(row.numpy()), row.numel()).tolist() == row.flatten().tolist()


@pytest.mark.parametrize("code", WHOLE, ids=repr)
@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 4)], ids=str)
def test_arranged_symbols_stand_in_positions_and_channels_within_the_span(code: Code, shape: tuple[int, ...]) -> None:
    symbols = sent(code, currents(0, *shape))
    values = arranged(symbols, code)
    words = code.words if isinstance(code, Categorical) else 1
    positions = int(torch.tensor(shape[1:]).prod())
    assert values.shape == (2, positions, NEURONS * code.time_steps // words)
    low, high = span(code)
    assert torch.equal(values, values.round())
    assert low <= float(values.min()) <= float(values.max()) <= high


def test_the_steps_of_a_neuron_are_channels_of_its_position() -> None:
    code = FewSpikes(3)
    symbols = sent(code, currents(1, 2, 5))
    values = arranged(symbols, code)
    for step in range(3):
        assert torch.equal(values[..., step * NEURONS : (step + 1) * NEURONS], symbols[:, step])


@pytest.mark.parametrize("code", ALL, ids=repr)
def test_evaluation_sends_the_same_each_time_and_each_example_for_itself(code: Code) -> None:
    encoder, value = Encoder(NEURONS, 0, code).eval(), currents(2, 4, 3)
    with torch.no_grad():
        encoder.log_threshold.copy_(torch.linspace(-0.5, 0.5, NEURONS))
        symbols = encoder(value)
        assert torch.equal(encoder(value), symbols)
        assert torch.equal(encoder(value[1:2]), symbols[1:2])


@pytest.mark.parametrize(
    "code",
    [Graded(3, surrogate=Noise()), Bottleneck(5, noise=Noise()), *(c for c in WHOLE if c != Graded(3))],
    ids=repr,
)
def test_only_training_with_noise_sends_anything_else_than_symbols(code: Code) -> None:
    encoder, value = Encoder(NEURONS, 0, code), currents(3)
    noisy = any(isinstance(getattr(code, name, None), Noise) for name in ("noise", "surrogate"))
    with torch.no_grad():
        symbols = encoder.eval()(value)
        trained = encoder.train()(value)
        assert torch.equal(encoder.eval()(value), symbols)
    assert torch.equal(symbols, symbols.round())
    assert torch.equal(trained, symbols) == (not noisy)
    assert torch.equal(trained, trained.round()) == (not noisy)


def test_all_levels_of_a_code_are_used() -> None:
    current = torch.linspace(-20, 20, 4001).unsqueeze(-1)
    expected: tuple[tuple[Code, range], ...] = (
        (Graded(3), range(-4, 5)),
        (Graded(2, signed=False), range(5)),
        (Integer(3), range(-4, 4)),
        (ternary(), range(-1, 2)),
        (Latency(4), range(-4, 5)),
        (Latency(2, signed=False), range(3)),
        (Bottleneck(3), range(-3, 4)),
        (TopK(1, 3), range(-4, 4)),
    )
    for code, levels in expected:
        assert sorted(set(sent(code, current).flatten().int().tolist())) == list(levels), code


def test_a_rate_grows_with_the_current_and_stops_at_one_spike_a_step() -> None:
    current = torch.linspace(-1, 3, 41)
    rates = Rate(16).encode(current.unsqueeze(0), torch.ones(1), torch.full((1,), 0.9)).mean(1).squeeze(0)
    assert bool((rates.diff() >= 0).all())
    assert (float(rates[0]), float(rates[-1])) == (0, 1)
    assert len(set(rates.tolist())) > 8


@given(k=st.integers(1, 14), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_no_more_than_k_neurons_of_a_position_speak_and_they_are_the_largest(k: int, seed: int) -> None:
    current = currents(seed, 3, 4)
    symbols = sent(TopK(k), current)
    assert int(torch.count_nonzero(symbols, dim=-1).max()) <= k
    least = torch.where(symbols != 0, current.abs(), torch.inf).amin(-1)
    assert int((current.abs() > least[..., None]).sum(-1).max()) < k


@given(group=st.integers(2, 13), seed=st.integers(0, 99), spread=st.sampled_from([0.7, 1.0, 1.3]))
@settings(deadline=None, max_examples=60)
def test_a_group_speaks_when_its_mean_square_reaches_one_and_else_is_silent_altogether(
    group: int, seed: int, spread: float
) -> None:
    current = currents(seed, spread=spread)
    inner = Graded(2)
    symbols, alone = sent(Burst(inner, group), current), sent(inner, current)
    for mine, theirs, ratio in zip(*(x.split(group, dim=-1) for x in (symbols, alone, current)), strict=True):
        speaks = ratio.square().mean(-1) >= 1
        assert torch.equal(mine, theirs * speaks[..., None])
        assert bool(mine.any(-1)[speaks].all())


@pytest.mark.parametrize("words", [2, 4, 12])
def test_exactly_one_neuron_of_a_group_speaks_and_it_is_the_largest(words: int) -> None:
    current = currents(4, 3, 5)
    groups = sent(Categorical(words), current).view(3, 5, -1, words)
    assert bool((groups.sum(-1) == 1).all())
    assert bool(((groups == 0) | (groups == 1)).all())
    assert torch.equal(groups.argmax(-1), current.view(3, 5, -1, words).argmax(-1))


def test_a_stream_without_a_time_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="needs axes batch, time, neuron, not 2 axes: use another code"):
        sent(SigmaDelta(), torch.zeros(2, NEURONS))


@pytest.mark.parametrize("make", [lambda: Graded(0), lambda: Graded(9), lambda: Graded(-1, signed=False)])
def test_events_of_impossible_widths_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"value_bits is .*, must be . to 8"):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rate(0), "time_steps is 0, must be 1 to 64"),
        (lambda: Rate(65), "time_steps is 65, must be 1 to 64"),
        (lambda: FewSpikes(1), "time_steps is 1, must be 2 to 8"),
        (lambda: FewSpikes(9), "time_steps is 9, must be 2 to 8"),
        (lambda: BitPlane(1), "bits is 1, must be 2 to 8"),
        (lambda: BitPlane(9), "bits is 9, must be 2 to 8"),
        (lambda: Latency(3), "slots is 3, must be a power of two, 1 to 64"),
        (lambda: Latency(128), "slots is 128, must be a power of two, 1 to 64"),
        (lambda: Integer(0), "value_bits is 0, must be 1 to 16"),
        (lambda: Integer(17), "value_bits is 17, must be 1 to 16"),
        (lambda: Bottleneck(0), "levels is 0, must be 1 to 127"),
        (lambda: Bottleneck(128), "levels is 128, must be 1 to 127"),
        (lambda: TopK(0), "k is 0, must be >= 1"),
        (lambda: TopK(2, 1), "value_bits is 1, must be 2 to 8"),
        (lambda: Burst(Graded(2), 1), "group is 1, must be >= 2"),
        (lambda: Categorical(1), "words is 1, must be 2 to 256"),
        (lambda: Categorical(257), "words is 257, must be 2 to 256"),
        (lambda: Categorical(4, temperature=0.0), "temperature is 0.0, must be > 0 and finite"),
        (lambda: Graded(2, surrogate=Noise(0.0)), "width is 0.0, must be > 0 and finite"),
    ],
)
def test_other_impossible_codes_are_refused_with_value_and_bound(make: Callable[[], Code], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
