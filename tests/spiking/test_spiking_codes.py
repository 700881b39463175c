from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from axonal import wire
from axonal.spiking import Code, Graded, Integer, Rate
from axonal.spiking.traffic import symbol_traffic

CODES = st.one_of(
    st.integers(0, 8).map(lambda bits: Graded(bits, signed=False)),
    st.integers(1, 8).map(Graded),
    st.integers(1, 8).map(Rate),
    st.integers(1, 16).map(Integer),
)


@given(code=CODES, seed=st.integers(0, 99), spread=st.sampled_from([0.1, 3.0, 1e4]))
@settings(deadline=None, max_examples=120)
def test_symbols_are_whole_numbers_that_the_code_declares_and_the_wire_carries(
    code: Code, seed: int, spread: float
) -> None:
    source = torch.Generator().manual_seed(seed)
    current = torch.randn(2, 3, 5, generator=source) * spread
    symbols = code.encode(current, torch.rand(5, generator=source) + 0.5, torch.rand(5, generator=source))
    assert symbols.shape == ((2, code.time_steps, 3, 5) if code.time_steps > 1 else (2, 3, 5))
    assert torch.equal(symbols, symbols.round())
    assert float(symbols.abs().max()) <= code.levels
    assert code.signed or float(symbols.min()) >= 0
    for row in symbols.to(torch.int32):
        events = int(torch.count_nonzero(row))
        packet_format = wire.cheapest(symbol_traffic(tuple(row.shape), code, events))
        assert packet_format.unpack(packet_format.pack(row.numpy()), row.numel()).tolist() == row.flatten().tolist()


def test_all_levels_of_a_code_are_used() -> None:
    current = torch.linspace(-20, 20, 4001)
    for code, expected in ((Graded(3), range(-4, 5)), (Graded(2, signed=False), range(5)), (Integer(3), range(-4, 4))):
        symbols = code.encode(current, torch.ones(1), torch.zeros(1))
        assert sorted(set(symbols.int().tolist())) == list(expected)


def test_a_rate_grows_with_the_current_and_stops_at_one_spike_a_step() -> None:
    current = torch.linspace(-1, 3, 41)
    rates = Rate(16).encode(current.unsqueeze(0), torch.ones(1), torch.full((1,), 0.9)).mean(1).squeeze(0)
    assert bool((rates.diff() >= 0).all())
    assert (float(rates[0]), float(rates[-1])) == (0, 1)
    assert len(set(rates.tolist())) > 8


@pytest.mark.parametrize("make", [lambda: Graded(0), lambda: Graded(9), lambda: Graded(-1, signed=False)])
def test_events_of_impossible_widths_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"value_bits is .*, must be . to 8"):
        make()  # type: ignore[operator]


def test_other_impossible_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="time_steps is 0, must be 1 to 64"):
        Rate(0)
    with pytest.raises(ValueError, match=r"value_bits is 17, must be 1 to 16"):
        Integer(17)
