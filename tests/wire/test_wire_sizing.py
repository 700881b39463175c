from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_cases import NAMED, AnyFormat, names, quick, random_symbols

from axonal import wire
from axonal.wire import AddressEvent, Bitmap, Dense, bits, cheapest, packetised_bits
from axonal.workload import Traffic


def traffic(**changes: Any) -> Traffic:
    fields = {"source": "a", "target": "b", "tensors": ("x",), "shape": (4, 16, 128), "group": 128, "events": 0.0}
    return Traffic(**{**fields, **changes})


@st.composite
def event_traffic(draw: st.DrawFn) -> Traffic:
    group = draw(st.integers(1, 300))
    shape = (draw(st.integers(1, 8)), draw(st.integers(1, 20)), group)
    signed = draw(st.booleans())
    return traffic(
        shape=shape,
        group=draw(st.sampled_from([1, group, shape[1] * group])),
        element_bits=draw(st.integers(1, 32)),
        symbols="event",
        value_bits=draw(st.integers(int(signed), 32)),
        signed=signed,
        events=draw(st.floats(0, 1)) * np.prod(shape, dtype=int),
    )


@quick
@given(event_traffic())
def test_cheapest_never_needs_more_bits_than_a_format_that_can_carry_the_events(edge: Traffic) -> None:
    needed = bits(cheapest(edge), edge)
    rivals: list[AnyFormat] = [Bitmap(value_bits=edge.value_bits, signed=edge.signed)]
    for group in (edge.group, edge.elements):
        rivals += [AddressEvent(group=group, value_bits=edge.value_bits, signed=edge.signed)]
    if edge.element_bits > edge.value_bits:
        rivals.append(Dense(element_bits=edge.element_bits, signed=edge.signed))
    assert needed <= min(bits(fmt, edge) for fmt in rivals)


@quick
@given(edge=event_traffic(), seed=st.integers(0, 99))
def test_cheapest_carries_every_level_of_the_events(edge: Traffic, seed: int) -> None:
    levels = Bitmap(value_bits=edge.value_bits, signed=edge.signed)
    symbols = random_symbols(levels, edge.elements, edge.activity, seed)
    symbols[:1], symbols[-1:] = levels.alphabet.low, levels.alphabet.high
    fmt = cheapest(edge)
    np.testing.assert_array_equal(wire.unpack(fmt, wire.pack(fmt, symbols), edge.elements), symbols)


@quick
@given(element_bits=st.integers(1, 32), signed=st.booleans(), activity=st.floats(0, 1))
def test_dense_traffic_is_sent_dense_whatever_its_activity(element_bits: int, signed: bool, activity: float) -> None:
    edge = traffic(element_bits=element_bits, signed=signed, events=activity * 8192)
    assert cheapest(edge) == Dense(element_bits=element_bits, signed=signed)
    assert bits(cheapest(edge), edge) == 64 + 8192 * element_bits


@pytest.mark.parametrize(
    ("activity", "expected"),
    [
        (0.0001, AddressEvent(group=8192, value_bits=7)),
        (0.02, AddressEvent(group=128, value_bits=7)),
        (0.5, Bitmap(value_bits=7)),
        (1.0, Dense(element_bits=8)),
    ],
)
def test_cheapest_goes_from_addresses_over_a_bitmap_to_dense_as_activity_grows(
    activity: float, expected: AnyFormat
) -> None:
    edge = traffic(symbols="event", value_bits=7, events=activity * 8192)
    assert cheapest(edge) == expected


def test_at_equal_size_dense_comes_before_a_bitmap_and_a_bitmap_before_addresses() -> None:
    spikes = traffic(symbols="event", element_bits=1, group=1, events=4000)
    assert cheapest(spikes) == Dense(element_bits=1)
    graded = traffic(symbols="event", element_bits=8, value_bits=2, group=1, events=2000)
    assert bits(AddressEvent(group=1, value_bits=2), graded) == bits(Bitmap(value_bits=2), graded)
    assert cheapest(graded) == Bitmap(value_bits=2)


@pytest.mark.parametrize(("signed", "value_bits"), [(False, 0), (False, 4), (True, 1), (True, 4)])
def test_dense_is_a_candidate_only_where_its_elements_hold_the_values(signed: bool, value_bits: int) -> None:
    full = {"symbols": "event", "value_bits": value_bits, "signed": signed, "events": 8192}
    wide = traffic(**full, element_bits=value_bits + 1)
    assert cheapest(wide) == Dense(element_bits=value_bits + 1, signed=signed)
    if value_bits:
        narrow = traffic(**full, element_bits=value_bits)
        assert cheapest(narrow) == Bitmap(value_bits=value_bits, signed=signed)


def test_signed_events_without_value_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="value_bits is 0, must be 1 to 32 when signed"):
        cheapest(traffic(symbols="event", signed=True))


def test_traffic_that_no_frame_can_count_is_refused_with_the_lever() -> None:
    for symbols in ("dense", "event"):
        edge = traffic(symbols=symbols, shape=(2**24,), group=2**10)
        with pytest.raises(ValueError, match="split the tensor"):
            bits(cheapest(edge), edge)


@pytest.mark.parametrize("fmt", NAMED, ids=names)
def test_the_doors_do_what_the_format_does(fmt: AnyFormat) -> None:
    symbols = random_symbols(fmt, 8192, 0.1, seed=2)
    edge = traffic(symbols="event", events=int(np.count_nonzero(symbols)))
    frame = wire.pack(fmt, symbols)
    assert frame == fmt.pack(symbols)
    assert 0 <= 8 * len(frame) - bits(fmt, edge) <= 7
    assert np.array_equal(wire.unpack(fmt, frame, 8192), symbols)


@quick
@given(edge=event_traffic(), header_bits=st.integers(0, 128))
def test_packets_cost_a_header_for_each_event_or_each_dense_value(edge: Traffic, header_bits: int) -> None:
    expected_bits = edge.events * header_bits + edge.events * edge.value_bits
    assert packetised_bits(edge, header_bits) == pytest.approx(expected_bits)
    dense = traffic(element_bits=edge.element_bits, events=0)
    assert packetised_bits(dense, header_bits) == 8192 * header_bits + 8192 * edge.element_bits


def test_a_negative_packet_header_is_refused() -> None:
    with pytest.raises(ValueError, match="header_bits is -1, must be >= 0"):
        packetised_bits(traffic(), -1)


def test_public_names_are_sorted_and_exist() -> None:
    ordered = sorted(wire.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert wire.__all__ == ordered
    assert all(hasattr(wire, name) for name in wire.__all__)
