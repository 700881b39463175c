from __future__ import annotations

import pickle

import numpy as np
import numpy.typing as npt
import pytest
import wire_ranged_plain as slow
from hypothesis import given
from hypothesis import strategies as st
from wire_cases import quick
from wire_ranged_cases import KINDS, Case, cases, random_table, sparse, trained

from axonal.wire import (
    HEADER_BITS,
    MAX_ELEMENTS,
    PRECISION_BITS,
    Contexts,
    Packer,
    Ranged,
    fitted,
    pack,
    quantised,
    rans,
    unpack,
)

each_kind = pytest.mark.parametrize("kind", KINDS)
each_order = pytest.mark.parametrize("order", [0, 1, 3])
each_model = pytest.mark.parametrize("adaptive", [False, True], ids=["static", "adaptive"])

LONE = Contexts(parents=((),), positions=1)


@quick
@given(cases())
def test_what_is_packed_is_unpacked_exactly(case: Case) -> None:
    fmt, symbols = case
    received = fmt.unpack(fmt.pack(symbols), symbols.size)
    assert received.dtype == np.int32
    np.testing.assert_array_equal(received, symbols.ravel())


@quick
@given(cases())
def test_packed_bytes_equal_those_of_the_plain_coder(case: Case) -> None:
    fmt, symbols = case
    assert fmt.pack(symbols) == slow.pack(fmt, symbols.ravel().tolist())


@quick
@given(cases())
def test_unpacked_symbols_equal_those_of_the_plain_coder(case: Case) -> None:
    fmt, symbols = case
    frame = slow.pack(fmt, symbols.ravel().tolist())
    assert fmt.unpack(frame, symbols.size).tolist() == slow.unpack(fmt, frame, symbols.size)


@quick
@given(cases())
def test_cost_is_the_sum_of_the_logarithms_of_the_shares(case: Case) -> None:
    fmt, symbols = case
    parts = [PRECISION_BITS - np.log2(frequency) for _, frequency in slow.intervals(fmt, symbols.ravel().tolist())]
    assert fmt.cost_bits(symbols) == pytest.approx(sum(parts))


@quick
@given(cases())
def test_no_frame_is_longer_than_the_worst_case(case: Case) -> None:
    fmt, symbols = case
    width = (fmt.alphabet_size - 1).bit_length()
    assert fmt.worst_case_bits(symbols.size) == HEADER_BITS + 8 * int(np.ceil(symbols.size * width / 8))
    assert 8 * len(fmt.pack(symbols)) <= fmt.worst_case_bits(symbols.size)


@each_kind
@each_order
@each_model
def test_any_alphabet_and_order_survives_the_round_trip(kind: str, order: int, adaptive: bool) -> None:
    fmt, symbols = trained(kind, order, adaptive)
    np.testing.assert_array_equal(fmt.unpack(fmt.pack(symbols), symbols.size), symbols.ravel())


@pytest.mark.parametrize("kind", ["binary", "graded", "signed", "wide"])
@each_model
@pytest.mark.parametrize("activity", [0.0, 0.0005, 0.05, 0.5])
def test_a_payload_is_as_long_as_its_ideal_cost(kind: str, adaptive: bool, activity: float) -> None:
    fmt, symbols = trained(kind, 1, adaptive, shape=(4_992, 4), activity=activity)
    frame = fmt.pack(symbols)
    payload_bits = 8 * len(frame) - HEADER_BITS
    assert payload_bits == pytest.approx(fmt.cost_bits(symbols), rel=0.005, abs=64)
    assert payload_bits > fmt.cost_bits(symbols) or frame[0] % 16 == slow.UNRANGED


@quick
@given(cases())
def test_an_adaptive_format_starts_from_the_static_tables(case: Case) -> None:
    fmt, symbols = case
    first = symbols[: fmt.contexts.positions]
    fixed, moving = (Ranged.of(fmt.table, fmt.low, fmt.contexts, adaptive) for adaptive in (False, True))
    once = next(slow.intervals(moving, first.ravel().tolist()), None)
    assert once == next(slow.intervals(fixed, first.ravel().tolist()), None)


@pytest.mark.parametrize("size", [2, 3, 40])
def test_tables_that_adapt_stay_whole(size: int) -> None:
    model = slow.Model(Ranged.of(random_table(1, size, seed=1), 0, LONE, adaptive=True))
    rng = np.random.default_rng(1)
    for code in [*[0] * 3000, *[size - 1] * 3000, *rng.integers(0, size, 3000).tolist()]:
        model.take(code)
        starts = model.starts()
        assert starts[0] == 0
        assert starts[-1] == 2**PRECISION_BITS
        assert min(np.diff(starts)) >= 1


def test_adapting_pays_where_the_tables_are_of_other_data() -> None:
    rng = np.random.default_rng(2)
    expected, found = (sparse(rng, (4000, 2), activity, [-1, 1]) for activity in (0.3, 0.02))
    where = Contexts(parents=((), ()), positions=40)
    static, adaptive = (Ranged.of(fitted(expected, -1, 3, where), -1, where, a) for a in (False, True))
    own = Ranged.of(fitted(found, -1, 3, where), -1, where)
    assert own.cost_bits(found) < adaptive.cost_bits(found) < 0.6 * static.cost_bits(found)
    assert len(adaptive.pack(found)) < 0.6 * len(static.pack(found))


@each_model
def test_noise_with_a_wrong_table_costs_no_more_than_a_fixed_width(adaptive: bool) -> None:
    table = quantised(np.array([[1.0, 0, 0, 0, 0, 0, 0, 0]]))
    fmt = Ranged.of(table, 0, LONE, adaptive)
    noise = np.random.default_rng(3).integers(0, 8, (3000, 1))
    frame = fmt.pack(noise)
    assert 8 * len(frame) == HEADER_BITS + 3000 * 3 == fmt.worst_case_bits(3000)
    np.testing.assert_array_equal(fmt.unpack(frame, 3000), noise.ravel())


@quick
@given(divisor=st.integers(1, 2**14), quotient=st.integers(0, 2**31 - 1), offset=st.integers(-2, 2))
def test_states_are_divided_exactly(divisor: int, quotient: int, offset: int) -> None:
    entry = int(rans.divisors()[divisor])
    near = min(max(quotient // divisor * divisor + offset, 0), 2**31 - 1)
    for state in (quotient, near, 2**31 - 1):
        assert state * (entry >> 6) >> (entry & 63) == state // divisor
        assert state * (entry >> 6) < 2**63


GOLDEN = {
    False: "15400000 7c153c87 010d282d b09c",
    True: "16400000 815e5aae 82446e33 1a8e",
}


@each_model
def test_the_bytes_of_a_known_frame_never_change(adaptive: bool) -> None:
    table = np.array([[384, 15000, 1000], [8000, 8000, 384], [400, 8000, 7984]] * 2, dtype=np.uint16)
    where = Contexts(parents=(((1, 1),), ((0, 0),)), positions=8)
    symbols = np.zeros((32, 2), dtype=np.int8)
    symbols[[3, 3, 4, 17], [0, 1, 1, 0]] = [1, 1, -1, -1]
    assert Ranged.of(table, -1, where, adaptive).pack(symbols).hex() == GOLDEN[adaptive].replace(" ", "")


@each_model
def test_a_tensor_is_packed_in_c_order_whatever_its_shape_memory_and_type(adaptive: bool) -> None:
    fmt, symbols = trained("graded", 2, adaptive)
    frame = fmt.pack(symbols)
    for same in (np.asfortranarray(symbols), symbols.ravel(), symbols.reshape(-1, 32, 4), symbols.astype(">i2")):
        assert fmt.pack(same) == frame
    for dtype in (np.uint8, np.int8, np.uint64):
        assert fmt.pack(symbols.astype(dtype)) == frame


@each_model
def test_an_empty_tensor_is_a_header(adaptive: bool) -> None:
    fmt, symbols = trained("binary", 1, adaptive)
    frame = fmt.pack(symbols[:0])
    assert 8 * len(frame) == HEADER_BITS == fmt.worst_case_bits(0)
    assert fmt.unpack(frame, 0).size == 0
    assert fmt.cost_bits(symbols[:0]) == 0


def test_it_goes_through_the_doors_of_every_format() -> None:
    fmt, symbols = trained("graded", 1, adaptive=False)
    assert isinstance(fmt, Packer)
    np.testing.assert_array_equal(unpack(fmt, pack(fmt, symbols), symbols.size), symbols.ravel())


def test_formats_of_equal_tables_are_equal_and_survive_a_copy() -> None:
    one, other, adaptive = (trained("signed", 1, adaptive)[0] for adaptive in (False, False, True))
    assert one == other
    assert len({one, other, adaptive}) == 2
    copy = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own bytes
    assert copy == one
    assert str(one) == "entropy code of 16 symbols in 3 contexts"
    assert str(adaptive) == "adaptive entropy code of 16 symbols in 3 contexts"
    assert (one.channels, one.alphabet_size, one.table.shape) == (4, 16, (12, 16))
    assert not one.table.flags.writeable


@pytest.mark.parametrize(
    ("symbols", "reason"),
    [
        (np.full((32, 4), -1), "symbol -1 is below 0.*clip the values or change low"),
        (np.full((32, 4), 8), "symbol 8 is above 7.*clip the values or change low"),
        (np.zeros((32, 3), dtype=int), "3 channels, must have 4"),
        (
            np.zeros((33, 4), dtype=int),
            "elements is 132, must be a multiple of 128, those of 32 positions of 4 channels",
        ),
        (np.zeros(127, dtype=int), "elements is 127, must be a multiple of 128"),
        (np.zeros(MAX_ELEMENTS + 1, dtype=bool), "split the tensor"),
    ],
)
def test_symbols_that_do_not_fit_are_refused_with_the_lever(symbols: npt.NDArray[np.int64], reason: str) -> None:
    fmt, _ = trained("graded", 1, adaptive=False)
    for refused in (fmt.pack, fmt.cost_bits):
        with pytest.raises(ValueError, match=reason):
            refused(symbols)


def test_values_that_are_not_integers_are_refused() -> None:
    fmt, _ = trained("graded", 1, adaptive=False)
    for refused in (fmt.pack, fmt.cost_bits):
        with pytest.raises(TypeError, match="float32, must be integers"):
            refused(np.zeros((32, 4), dtype=np.float32))


def test_a_number_of_elements_that_no_frame_has_is_refused() -> None:
    fmt, _ = trained("graded", 1, adaptive=False)
    with pytest.raises(ValueError, match="elements is 130, must be a multiple of 128"):
        fmt.unpack(b"", 130)
    for refused in (lambda: fmt.unpack(b"", MAX_ELEMENTS + 1), lambda: fmt.worst_case_bits(MAX_ELEMENTS + 1)):
        with pytest.raises(ValueError, match="split the tensor"):
            refused()


@pytest.mark.parametrize(
    ("table", "low", "reason"),
    [
        ([[8192, 8191]], 0, r"frequencies\[0\] sum to 16383, must sum to 16384"),
        ([[16384, 0]], 0, "frequencies are 0 to 16384, must be 1 to 16384"),
        ([[8192, 8192]] * 2, 0, r"shape \(2, 2\), must have \(1, alphabet\)"),
        ([[]], 0, "frequencies have 0 bytes, must be a positive multiple of 2"),
        ([[4] * 4096 + [1]], 0, "alphabet has 4097 symbols, must be <= 4096"),
        ([[8192, 8192]], 2**31 - 1, "symbols are 2147483647 to 2147483648"),
    ],
)
def test_tables_that_are_none_are_refused(table: list[list[int]], low: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Ranged.of(np.array(table, dtype=np.int64).reshape(len(table), -1), low, LONE)


def test_bytes_that_are_no_table_are_refused() -> None:
    with pytest.raises(ValueError, match=r"frequencies\[0\] hold a 0"):
        Ranged(frequencies=bytes(4), low=0, contexts=LONE)
    with pytest.raises(ValueError, match="frequencies have 3 bytes"):
        Ranged(frequencies=bytes(3), low=0, contexts=LONE)
