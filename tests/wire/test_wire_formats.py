from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import wire_bit_by_bit as slow
from hypothesis import given
from hypothesis import strategies as st
from wire_cases import NAMED, AnyFormat, cases, formats, names, quick, random_symbols

from axonal.wire import HEADER_BITS, MAX_ELEMENTS, AddressEvent, Bitmap, Dense, Format

Case = tuple[AnyFormat, npt.NDArray[np.int64]]

each_named = pytest.mark.parametrize("fmt", NAMED, ids=names)


@quick
@given(cases())
def test_frame_has_the_bits_that_were_promised_and_less_than_a_byte_more(case: Case) -> None:
    fmt, symbols = case
    padding = 8 * len(fmt.pack(symbols)) - fmt.bits(symbols.size, int(np.count_nonzero(symbols)))
    assert 0 <= padding <= 7


@quick
@given(cases())
def test_what_is_packed_is_unpacked_exactly(case: Case) -> None:
    fmt, symbols = case
    received = fmt.unpack(fmt.pack(symbols), symbols.size)
    assert received.dtype == np.int32
    np.testing.assert_array_equal(received, symbols)


@quick
@given(cases())
def test_packed_bytes_equal_those_made_bit_by_bit(case: Case) -> None:
    fmt, symbols = case
    assert fmt.pack(symbols) == slow.pack(fmt, symbols.tolist())


@quick
@given(cases())
def test_unpacked_symbols_equal_those_read_bit_by_bit(case: Case) -> None:
    fmt, symbols = case
    frame = slow.pack(fmt, symbols.tolist())
    assert fmt.unpack(frame, symbols.size).tolist() == slow.unpack(fmt, frame, symbols.size)


@each_named
@pytest.mark.parametrize("activity", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("elements", [1, 7, 128, 4099])
def test_any_activity_and_size_survives_the_round_trip(fmt: AnyFormat, activity: float, elements: int) -> None:
    symbols = random_symbols(fmt, elements, activity, seed=elements)
    np.testing.assert_array_equal(fmt.unpack(fmt.pack(symbols), elements), symbols)


@each_named
def test_a_tensor_of_only_the_extremes_survives_the_round_trip(fmt: AnyFormat) -> None:
    symbols = np.tile([fmt.alphabet.low, fmt.alphabet.high], 50)
    np.testing.assert_array_equal(fmt.unpack(fmt.pack(symbols), 100), symbols)


@given(fmt=formats(), elements=st.integers(1, 5000), counts=st.data())
@quick
def test_bits_of_mean_events_are_the_mean_of_the_bits(fmt: AnyFormat, elements: int, counts: st.DataObject) -> None:
    events = counts.draw(st.lists(st.integers(0, elements), min_size=1, max_size=8))
    mean_bits = np.mean([fmt.bits(elements, count) for count in events])
    assert fmt.bits(elements, float(np.mean(events))) == pytest.approx(mean_bits, rel=1e-12)


@each_named
def test_mean_length_of_real_frames_is_bits_of_mean_events_up_to_padding(fmt: AnyFormat) -> None:
    tensors = [random_symbols(fmt, 600, activity, seed=3) for activity in (0.0, 0.1, 0.2, 0.9)]
    mean_length_bits = np.mean([8 * len(fmt.pack(symbols)) for symbols in tensors])
    expected_bits = fmt.bits(600, float(np.mean([np.count_nonzero(symbols) for symbols in tensors])))
    assert 0 <= mean_length_bits - expected_bits < 8


@each_named
def test_a_tensor_is_packed_in_c_order_whatever_its_shape_and_memory(fmt: AnyFormat) -> None:
    flat = random_symbols(fmt, 2 * 3 * 20, 0.4, seed=1)
    shaped = flat.reshape(2, 3, 20)
    assert fmt.pack(shaped) == fmt.pack(np.asfortranarray(shaped)) == fmt.pack(flat)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8, ">i2", np.int32, np.uint64])
@each_named
def test_the_type_that_holds_the_symbols_does_not_change_the_frame(fmt: AnyFormat, dtype: npt.DTypeLike) -> None:
    spikes = (np.arange(77) % 3 == 0) & (fmt.alphabet.high > 0)
    assert fmt.pack(spikes.astype(dtype)) == fmt.pack(spikes.astype(np.int64))


@each_named
def test_an_empty_tensor_is_a_header(fmt: AnyFormat) -> None:
    frame = fmt.pack(np.zeros(0, dtype=np.int8))
    assert 8 * len(frame) == HEADER_BITS == fmt.bits(0, 0)
    assert fmt.unpack(frame, 0).size == 0


def test_the_bytes_of_known_frames_never_change() -> None:
    symbols = np.array([0, 0, 3, 0, 1, 0])
    known: dict[AnyFormat, str] = {
        Dense(element_bits=8): "11060000 85655253 000003000100",
        Bitmap(value_bits=2): "12060000 8db8b165 9400",
        AddressEvent(group=3, value_bits=2): "13060000 f8da444d 6502",
    }
    for fmt, frame in known.items():
        assert fmt.pack(symbols) == bytes.fromhex(frame)


@quick
@given(value_bits=st.integers(0, 32), elements=st.integers(0, 1000), data=st.data())
def test_groups_of_one_cost_as_much_as_a_bitmap(value_bits: int, elements: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, elements))
    one, bitmap = AddressEvent(group=1, value_bits=value_bits), Bitmap(value_bits=value_bits)
    assert one.bits(elements, events) == bitmap.bits(elements, events)


@pytest.mark.parametrize(
    ("fmt", "value"),
    [
        (Dense(element_bits=4), 16),
        (Dense(element_bits=4), -1),
        (Dense(element_bits=4, signed=True), 8),
        (Dense(element_bits=4, signed=True), -9),
        (Bitmap(), 2),
        (Bitmap(value_bits=2), 5),
        (Bitmap(value_bits=2), -1),
        (AddressEvent(group=4, value_bits=2, signed=True), 3),
        (AddressEvent(group=4, value_bits=2, signed=True), -3),
        (Bitmap(value_bits=32), 2**31),
    ],
    ids=str,
)
def test_a_value_outside_is_refused_with_bound_and_lever(fmt: AnyFormat, value: int) -> None:
    bound = fmt.alphabet.high if value > 0 else fmt.alphabet.low
    nearest = np.array([0, bound])
    np.testing.assert_array_equal(fmt.unpack(fmt.pack(nearest), 2), nearest)
    with pytest.raises(ValueError, match=rf"symbol {value} is (above|below) {bound},.* raise (element|value)_bits"):
        fmt.pack(np.array([0, value]))


@pytest.mark.parametrize(
    ("value_bits", "signed", "levels"),
    [(0, False, {1}), (1, False, {1, 2}), (1, True, {-1, 1}), (2, False, {1, 2, 3, 4}), (2, True, {-2, -1, 1, 2})],
)
def test_event_values_use_every_code_and_spend_none_on_zero(value_bits: int, signed: bool, levels: set[int]) -> None:
    fmt = Bitmap(value_bits=value_bits, signed=signed)
    assert set(range(fmt.alphabet.low, fmt.alphabet.high + 1)) - {0} == levels
    assert len(levels) == 2**value_bits
    np.testing.assert_array_equal(fmt.unpack(fmt.pack(np.array([*levels])), len(levels)), [*levels])


@each_named
def test_values_that_are_not_integers_are_refused(fmt: AnyFormat) -> None:
    with pytest.raises(TypeError, match="float32, must be integers"):
        fmt.pack(np.ones(4, dtype=np.float32))


@each_named
def test_more_elements_than_the_header_can_count_are_refused_with_the_lever(fmt: AnyFormat) -> None:
    for refused in (
        lambda: fmt.bits(MAX_ELEMENTS + 1, 0),
        lambda: fmt.pack(np.zeros(MAX_ELEMENTS + 1, dtype=np.bool_)),
        lambda: fmt.unpack(b"", MAX_ELEMENTS + 1),
    ):
        with pytest.raises(ValueError, match=f"elements is {MAX_ELEMENTS + 1}, .* {MAX_ELEMENTS}: split the tensor"):
            refused()


def test_the_largest_tensor_that_a_header_can_count_survives_the_round_trip() -> None:
    spikes = np.zeros(MAX_ELEMENTS, dtype=np.bool_)
    spikes[[0, 12345, -1]] = True
    for fmt in (Dense(element_bits=1), AddressEvent(group=MAX_ELEMENTS)):
        assert np.array_equal(fmt.unpack(fmt.pack(spikes), MAX_ELEMENTS), spikes)


@pytest.mark.parametrize("events", [-1.0, 11.0, float("nan"), float("inf")])
@each_named
def test_impossible_numbers_of_events_are_refused(fmt: AnyFormat, events: float) -> None:
    with pytest.raises(ValueError, match=r"events is .*, must be 0 to 10"):
        fmt.bits(10, events)


@pytest.mark.parametrize("width", [0, 33])
def test_dense_elements_have_1_to_32_bits(width: int) -> None:
    with pytest.raises(ValueError, match=f"element_bits is {width}, must be 1 to 32"):
        Dense(element_bits=width)


@pytest.mark.parametrize(("value_bits", "signed"), [(-1, False), (33, False), (0, True), (33, True)])
def test_events_have_0_to_32_value_bits_and_one_at_least_for_a_sign(value_bits: int, signed: bool) -> None:
    with pytest.raises(ValueError, match=f"value_bits is {value_bits}, must be {int(signed)} to 32"):
        Bitmap(value_bits=value_bits, signed=signed)
    with pytest.raises(ValueError, match=f"value_bits is {value_bits}, must be {int(signed)} to 32"):
        AddressEvent(group=2, value_bits=value_bits, signed=signed)


@pytest.mark.parametrize("group", [0, -3, MAX_ELEMENTS + 1])
def test_a_group_has_at_least_one_element_and_at_most_a_tensor(group: int) -> None:
    with pytest.raises(ValueError, match=f"group is {group}, must be 1 to {MAX_ELEMENTS}"):
        AddressEvent(group=group)


@each_named
def test_each_format_satisfies_the_seam_and_prints_its_name(fmt: AnyFormat) -> None:
    assert isinstance(fmt, Format)
    assert str(fmt) == fmt.name


def test_names_are_readable() -> None:
    assert Dense(element_bits=8).name == "dense 8 bit"
    assert Bitmap(value_bits=2).name == "bitmap + 2-bit values"
    assert Bitmap().name == "bitmap"
    assert AddressEvent(group=128, value_bits=2).name == "address events in groups of 128 + 2-bit values"
