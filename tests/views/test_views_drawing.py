"""Scales keep order, labels keep their distance, lanes keep spans apart."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axonal.views.axes import Axis, Complement, Linear, Logarithmic
from axonal.views.curves import mean_curve
from axonal.views.intervals import Interval, lanes, merged
from axonal.views.loads import COLOURS, load_scale
from axonal.views.package import package
from axonal.views.svg import element, label, spread
from axonal.views.variants import Variant

AXES = [
    Linear(low=0.1, high=0.97, start=300, end=20),
    Logarithmic(low=0.1, high=0.97, start=300, end=20),
    Complement(low=0.1, high=0.97, start=300, end=20),
]
SPANS = st.lists(
    st.builds(
        lambda name, start, length: Interval(name=name, kind="compute", start_ns=start, end_ns=start + length),
        st.sampled_from("abc"),
        st.integers(0, 50),
        st.integers(1, 20),
    ),
    max_size=30,
)


@pytest.mark.parametrize("axis", AXES)
def test_axis_runs_from_end_to_end_in_order(axis: Axis) -> None:
    pixels = [axis(0.1 + 0.87 * step / 20) for step in range(21)]
    assert pixels[0] == pytest.approx(300)
    assert pixels[-1] == pytest.approx(20)
    assert pixels == sorted(pixels, reverse=True)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("count", [2, 5, 9])
def test_ticks_are_distinct_ascending_and_on_the_axis(axis: Axis, count: int) -> None:
    ticks = axis.ticks(count)
    assert ticks
    assert ticks == sorted(set(ticks))
    assert all(19.9 <= axis(tick) <= 300.1 for tick in ticks)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 10))
def test_linear_ticks_stay_near_the_wished_number(low: float, width: float, count: int) -> None:
    axis = Linear(low=low, high=low + width, start=0, end=100)
    assert count / 3 - 1 <= len(axis.ticks(count)) <= 1.25 * count + 1


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=8))
def test_labels_keep_their_distance_and_their_order(positions: list[float]) -> None:
    placed = spread(positions, 17, 0, 1000)
    in_order = [place for _, place in sorted(zip(positions, placed, strict=True), key=lambda pair: pair[0])]
    assert all(after - before >= 17 - 1e-6 for before, after in pairwise(sorted(placed)))
    assert all(-1e-6 <= place <= 1000 + 1e-6 for place in placed)
    if len(set(positions)) == len(positions):
        assert in_order == sorted(placed)


@given(st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=20))
def test_more_load_never_gets_a_lower_colour(loads: list[float]) -> None:
    scale = load_scale(loads)
    steps = [scale.step(load) for load in sorted(loads)]
    assert steps == sorted(steps)
    assert steps[-1] == COLOURS - 1
    assert steps[0] >= 0


@given(SPANS)
def test_no_two_spans_of_a_lane_overlap(spans: list[Interval]) -> None:
    lane_of = lanes(spans)
    for lane in set(lane_of):
        members = sorted((s.start_ns, s.end_ns) for s, found in zip(spans, lane_of, strict=True) if found == lane)
        assert all(before[1] <= after[0] for before, after in pairwise(members))


@given(SPANS)
def test_merging_keeps_every_part_and_all_busy_time(spans: list[Interval]) -> None:
    pieces = merged(spans)
    assert sum(piece.count for piece in pieces) == len(spans)
    for name in "abc":
        before = {t for s in spans if s.name == name for t in range(int(s.start_ns), int(s.end_ns))}
        after = [t for s in pieces if s.name == name for t in range(int(s.start_ns), int(s.end_ns))]
        assert sorted(before) == sorted(after)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_text_of_a_drawing_survives_a_round_trip(content: str) -> None:
    content = content.replace("\ufffe", "").replace("\uffff", "")
    root = ElementTree.fromstring(label((1, 2), content))  # noqa: S314 - written by the line under test
    assert (root.text or "") == content


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_attribute_of_a_drawing_survives_a_round_trip(content: str) -> None:
    content = content.replace("\ufffe", "").replace("\uffff", "")
    root = ElementTree.fromstring(element("g", aria_label=content))  # noqa: S314 - written by the line under test
    assert root.get("aria-label", "") == content


def test_mean_curve_ends_where_the_first_seed_stops() -> None:
    curve = mean_curve([[(10, 0.2), (20, 0.4), (30, 0.9)], [(10, 0.4), (20, 0.6)]])
    assert [step for step, _ in curve] == [10, 20]
    assert [value for _, value in curve] == pytest.approx([0.3, 0.5])


def drawn(system: dict[str, Any], loads: list[dict[str, Any]]) -> ElementTree.Element:
    variant = Variant(key="hybrid", name="Hybrid", label="Hybrid", slot=0, data={"links": loads})
    return ElementTree.fromstring(package(system, variant, load_scale([1000.0])))  # noqa: S314 - our own drawing


def chain(dies: int, *, down: bool) -> dict[str, Any]:
    chips = [
        {"name": f"c{n}", "column": 0 if down else n, "row": n if down else 0, "mesh_columns": 4, "mesh_rows": 4}
        for n in range(dies)
    ]
    return {"chips": chips, "links": [{"a": f"c{n}", "b": f"c{(n + 1) % dies}"} for n in range(dies)]}


def points(path: str) -> list[tuple[float, float]]:
    pairs = [point.split() for point in path.removeprefix("M").split("L")]
    return [(float(x), float(y)) for x, y in pairs]


@pytest.mark.parametrize("down", [False, True])
def test_link_between_distant_dies_goes_around_those_in_between(down: bool) -> None:
    root = drawn(chain(4, down=down), [])
    boxes = [
        tuple(float(rect.get(name, "0")) for name in ("x", "y", "width", "height"))
        for rect in root.iter("rect")
        if rect.get("class") == "die"
    ]
    ways = [points(path.get("d", "")) for path in root.iter("path") if path.get("class") == "idle-link"]
    around = [way for way in ways if len(way) > 2]
    assert len(around) == 2
    width, height = map(float, root.get("viewBox", "").split()[2:])
    for way in around:
        (x1, y1), (x2, y2) = way[1:3]
        assert max(x1, x2) <= width
        assert max(y1, y2) <= height
        for x, y, wide, high in boxes:
            assert min(x1, x2) > x + wide or max(x1, x2) < x or min(y1, y2) > y + high or max(y1, y2) < y


def test_die_to_die_loads_of_a_direction_are_summed() -> None:
    load = {"kind": "d2d", "chip": "c0", "source": [0, 0], "target": [1, 0], "bits": 300.0, "busy_ns": 1.0}
    root = drawn(chain(2, down=False), [load, load])
    assert "600 bit" in [text.text for text in root.iter("text")]
