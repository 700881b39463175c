from __future__ import annotations

import numpy as np
import pytest
import wire_ranged_plain as slow
from hypothesis import given
from hypothesis import strategies as st
from wire_cases import quick
from wire_ranged_cases import Case, cases, trained

from axonal.wire import MAX_ELEMENTS, Contexts, CorruptFrame, Ranged, quantised

each_model = pytest.mark.parametrize("adaptive", [False, True], ids=["static", "adaptive"])


def mutated(frame: bytes, rng: np.random.Generator) -> bytes:
    """A frame of which bits were flipped, bytes changed, cut off, put in or put at its end."""
    broken = bytearray(frame)
    place = int(rng.integers(0, len(frame)))
    some = rng.bytes(int(rng.integers(1, 9)))
    match int(rng.integers(0, 6)):
        case 0:
            broken[place] ^= 1 << int(rng.integers(0, 8))
        case 1:
            broken[place : place + len(some)] = some
        case 2:
            del broken[place:]
        case 3:
            broken += some
        case 4:
            broken[place:place] = some
        case _:
            broken = bytearray(rng.bytes(int(rng.integers(0, 2 * len(frame)))))
    return bytes(broken)


def check_well_formed(fmt: Ranged, frame: bytes, elements: int) -> bool:
    """Whether a frame is accepted, in which case its symbols are some that `pack` takes."""
    try:
        received = fmt.unpack(frame, elements)
    except CorruptFrame:
        return False
    assert received.shape == (elements,)
    assert fmt.alphabet.low <= received.min() <= received.max() <= fmt.alphabet.high
    assert fmt.cost_bits(received) >= 0
    return True


@each_model
def test_of_many_mutations_of_a_frame_none_passes(adaptive: bool) -> None:
    fmt, symbols = trained("graded", 2, adaptive, shape=(64, 4), activity=0.2)
    frame = fmt.pack(symbols)
    rng = np.random.default_rng(1)
    for _ in range(10_000):
        broken = mutated(frame, rng)
        if broken == frame:
            np.testing.assert_array_equal(fmt.unpack(broken, symbols.size), symbols.ravel())
            continue
        with pytest.raises(CorruptFrame):
            fmt.unpack(broken, symbols.size)


@each_model
@pytest.mark.parametrize("kind", ["binary", "graded", "wide"])
def test_a_mutated_payload_with_a_sound_checksum_is_refused_or_well_formed(kind: str, adaptive: bool) -> None:
    fmt, symbols = trained(kind, 2, adaptive, shape=(64, 4), activity=0.3)
    frame = fmt.pack(symbols)
    rng = np.random.default_rng(2)
    own = frame[0] % 16
    accepted = 0
    for _ in range(3000):
        payload = mutated(frame[8:], rng)
        accepted += check_well_formed(fmt, slow.envelope(own, symbols.size, payload), symbols.size)
    assert accepted < 300


@quick
@given(case=cases(), payload=st.binary(max_size=60), plain=st.booleans())
def test_random_payloads_with_a_sound_checksum_are_refused_or_well_formed(
    case: Case, payload: bytes, plain: bool
) -> None:
    fmt, symbols = case
    own = slow.ADAPTIVE if fmt.adaptive else slow.RANGED
    frame = slow.envelope(slow.UNRANGED if plain else own, symbols.size, payload)
    try:
        received = fmt.unpack(frame, symbols.size)
    except CorruptFrame:
        return
    # A coder gives one payload for each tensor, but leaves open whether a fixed width would have been shorter.
    remade = slow.fixed_width(fmt, received.tolist()) if plain else slow.coded(fmt, received.tolist())
    assert remade == payload


@quick
@given(case=cases(), other=st.integers(0, 6))
def test_a_frame_of_another_number_of_elements_is_refused(case: Case, other: int) -> None:
    fmt, symbols = case
    elements = (other + (other >= len(symbols) // fmt.contexts.positions)) * fmt.contexts.positions * fmt.channels
    with pytest.raises(CorruptFrame, match=f"declares {symbols.size} elements, must be {elements}"):
        fmt.unpack(fmt.pack(symbols), elements)


@each_model
def test_a_frame_of_another_kind_is_refused(adaptive: bool) -> None:
    fmt, symbols = trained("graded", 1, adaptive)
    payload = fmt.pack(symbols)[8:]
    own = slow.ADAPTIVE if adaptive else slow.RANGED
    for kind in set(range(16)) - {own, slow.UNRANGED}:
        with pytest.raises(CorruptFrame, match=f"format kind {kind}, must be {own}"):
            fmt.unpack(slow.envelope(kind, symbols.size, payload), symbols.size)


FLAT = Ranged.of(quantised(np.ones((1, 3))), 0, Contexts(parents=((),), positions=1))


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        (slow.RANGED, b"", "payload has 0 bytes, needs at least 3"),
        (slow.RANGED, b"\0", "payload has 1 bytes, needs at least 3"),
        (slow.RANGED, b"\0\0", "payload has 2 bytes, needs at least 3"),
        (slow.RANGED, bytes([255, 127, 0]), "starts with state 32767, must be 32768 to 2147483647"),
        (slow.RANGED, bytes([255, 255, 255, 0]), "starts with state 16777215, must be 16777216 to"),
        (slow.RANGED, bytes([0, 0, 0, 128]), "starts with state 2147483648, must be 16777216 to 2147483647"),
        (slow.RANGED, bytes([0, 0, 1]), "ends after 0 words, before its 40 symbols do"),
        (slow.RANGED, bytes([0, 0, 1, *[0] * 8]), "payload has 11 bytes, must have fewer than 10"),
        (slow.UNRANGED, bytes(9), "payload has 9 bytes, must have 10"),
        (slow.UNRANGED, bytes(11), "payload has 11 bytes, must have 10"),
        (slow.UNRANGED, bytes([3, *[0] * 9]), "payload holds the code 3, must be below 3"),
    ],
)
def test_an_impossible_payload_with_a_sound_checksum_is_refused(kind: int, payload: bytes, reason: str) -> None:
    with pytest.raises(CorruptFrame, match=reason):
        FLAT.unpack(slow.envelope(kind, 40, payload), 40)


@each_model
def test_a_coder_that_ends_elsewhere_than_it_began_is_refused(adaptive: bool) -> None:
    fmt, symbols = trained("binary", 1, adaptive, activity=0.0)
    frame = fmt.pack(symbols)
    state = int.from_bytes(frame[8:], "little") + 1
    own = slow.ADAPTIVE if adaptive else slow.RANGED
    with pytest.raises(CorruptFrame, match="must end in 32768"):
        fmt.unpack(slow.envelope(own, symbols.size, state.to_bytes(3, "little")), symbols.size)
    with pytest.raises(CorruptFrame, match="payload has 1 words, must have 0"):
        fmt.unpack(slow.envelope(own, symbols.size, frame[8:] + bytes(2)), symbols.size)


@each_model
def test_a_small_frame_that_declares_much_is_refused_soon(adaptive: bool) -> None:
    table = quantised(np.array([[1.0, 0.0]]))
    fmt = Ranged.of(table, 0, Contexts(parents=((),), positions=1), adaptive)
    own = slow.ADAPTIVE if adaptive else slow.RANGED
    with pytest.raises(CorruptFrame, match="payload ends after 4 words"):
        fmt.unpack(slow.envelope(own, MAX_ELEMENTS, bytes([0, 0, 0, 1] + [0] * 8)), MAX_ELEMENTS)
