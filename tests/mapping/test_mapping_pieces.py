from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonal.mapping.pieces import pieces

Weights = list[int]
LAYOUTS = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=9).filter(any), min_size=1, max_size=3)


def exact(weights: Weights) -> list[Fraction]:
    return [Fraction(weight, sum(weights)) for weight in weights]


def rounded(weights: Weights) -> list[float]:
    return [float(share) for share in exact(weights)]


def ranges(weights: Weights) -> list[tuple[Fraction, Fraction]]:
    ends = list(accumulate(exact(weights)))
    return list(zip([Fraction(0), *ends], ends, strict=False))


@given(LAYOUTS)
def test_pieces_are_the_overlaps_of_one_tile_of_each_layout(layouts: list[Weights]) -> None:
    found = list(pieces(*(rounded(weights) for weights in layouts)))
    assert len({tiles for _, tiles in found}) == len(found)
    for size, tiles in found:
        held = [ranges(weights)[tile] for weights, tile in zip(layouts, tiles, strict=True)]
        overlap = min(end for _, end in held) - max(start for start, _ in held)
        assert size == pytest.approx(float(overlap))


@given(LAYOUTS)
def test_pieces_of_each_tile_sum_to_its_share(layouts: list[Weights]) -> None:
    found = list(pieces(*(rounded(weights) for weights in layouts)))
    for index, weights in enumerate(layouts):
        for tile, share in enumerate(rounded(weights)):
            assert sum(size for size, tiles in found if tiles[index] == tile) == pytest.approx(share)


@given(st.integers(1, 64), st.integers(1, 64))
def test_ends_that_are_equal_but_for_rounding_cut_off_no_sliver(coarse: int, factor: int) -> None:
    fine = coarse * factor
    found = list(pieces([1 / coarse] * coarse, [1 / fine] * fine))
    assert [tiles for _, tiles in found] == [(tile // factor, tile) for tile in range(fine)]


@given(LAYOUTS)
def test_tile_without_share_holds_nothing(layouts: list[Weights]) -> None:
    for _, tiles in pieces(*(rounded(weights) for weights in layouts)):
        assert all(weights[tile] > 0 for weights, tile in zip(layouts, tiles, strict=True))
