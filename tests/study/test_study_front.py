"""A tiny front, drawn for real: sound points, weighed in real bytes, and never trained twice."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from front_points import CODES, TARGETS, Drawn, asked, base_front, drawn
from study_runs import Counting

from axonal import wire
from axonal.data import Dataset
from axonal.study.front import FAMILIES, FrontRequest, merged, read_points, write_points
from axonal.study.front.recipes import FrontRecipe, front_recipe
from axonal.study.front.results import REQUIRED

SPENT = ("seconds", "commit")
"""What may differ between two ways to the same point."""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return base_front(tmp_path_factory.getbasetemp())


def timeless(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in point.items() if name not in SPENT} for point in points]


def test_codes_come_in_order_each_with_its_targets_falling(base: Drawn) -> None:
    found = [(point["code"], point["target"]) for point in base.points]
    # What no target holds is trained once, and stands at its own width.
    expected = {"int2": (2.0,), "fp16": (16.0,)}
    assert found == [(code, target) for code in CODES for target in expected.get(code, TARGETS)]


def test_every_point_has_all_names_and_sound_numbers(base: Drawn) -> None:
    for point in base.points:
        assert set(REQUIRED) <= point.keys()
        assert 0 <= point["quality"] <= 1
        assert point["quality_metric"] == "accuracy"
        assert point["control"] == FAMILIES[point["code"]].control
        assert point["label"] == FAMILIES[point["code"]].label
        assert 0 <= point["events"] <= point["symbols"]
        for name in ("energy_pj_coded", "energy_pj_packets", "latency_ns_coded", "latency_ns_packets"):
            assert point[name] > 0
        assert point["link_pj_coded"] < point["energy_pj_coded"]
    assert len({point["dense_quality"] for point in base.points}) == 1
    assert len({point["elements"] for point in base.points}) == 1


def test_real_bits_are_the_expected_ones_and_what_a_frame_adds(base: Drawn) -> None:
    for point in base.points:
        # The tests of digits make three frames, the last of them shorter.
        frame = (wire.HEADER_BITS + 40) / (point["elements"] * 100)
        real, expected = point["bits_per_element"], point["estimated_bits_per_element"]
        assert 0.97 * expected <= real <= 1.03 * expected + frame


def test_frames_of_one_inference_cost_more_than_frames_of_many(base: Drawn) -> None:
    for point in base.points:
        assert point["bits_per_element_single"] > point["bits_per_element"]
        assert point["bits_per_element_static"] > 0.99 * point["bits_per_element"]


def test_entropy_coding_costs_no_more_than_packets_where_symbols_are_skewed(base: Drawn) -> None:
    for point in base.of("graded") + base.of("bottleneck"):
        assert point["bits_per_element"] < point["bits_per_element_packets"]
    (half,) = base.of("fp16")
    frame = wire.HEADER_BITS / half["elements"]
    assert half["bits_per_element_packets"] == pytest.approx(16 + frame)
    assert half["bits_per_element"] == pytest.approx(16 + frame / half["frame_inferences"])
    assert (half["coders"], half["coder_pj"] > 0) == (["none"], True)


def test_traffic_starts_at_its_target_or_below(base: Drawn) -> None:
    for code in ("graded", "low_rank", "bottleneck"):
        bits = [point["bits_per_element"] for point in base.of(code)]
        assert bits[0] > 0.9 * bits[1]
    assert base.of("low_rank")[0]["neurons"] > base.of("low_rank")[1]["neurons"]


def test_a_second_drawing_trains_nothing_and_gives_equal_points(base: Drawn) -> None:
    assert base.watcher.steps
    again = drawn(base.request)
    assert again.watcher.steps == []
    assert again.points == base.points
    assert again.keys == base.keys


def test_other_codes_and_targets_leave_what_is_known_as_it_was(base: Drawn) -> None:
    assert base.request.cache is not None
    found = drawn(asked(base.request.cache, codes=("fp16", "graded"), targets=(0.5, 0.2, 0.1)))
    assert {title for title, _ in found.watcher.steps} == {"graded · 0.1 bits · seed 0"}
    assert [p for p in found.points if p["target"] > 0.1] == base.of("fp16") + base.of("graded")


def test_an_interrupted_front_goes_on_and_ends_in_the_same_points(base: Drawn, tmp_path: Path) -> None:
    request = asked(tmp_path, codes=("graded", "bottleneck"))
    with pytest.raises(KeyboardInterrupt):
        drawn(request, Counting(interrupt_at=20))
    resumed = drawn(request)
    assert 0 < len(resumed.watcher.steps) < len(base.watcher.steps)
    assert timeless(resumed.points) == timeless(base.of("graded") + base.of("bottleneck"))


def test_another_process_would_look_for_the_same_names_in_the_cache(base: Drawn, tmp_path: Path) -> None:
    names = [*base.keys, *drawn(asked(tmp_path, codes=("top_k", "product"), targets=(0.2,), steps=(1, 1))).keys]
    assert [key for key in names if re.search(r" at 0x[0-9a-f]+", key)] == []


def test_controls_that_are_sized_count_the_channels_of_a_patch(tmp_path: Path) -> None:
    found = drawn(asked(tmp_path, network="cnn", codes=("low_rank",), targets=(0.12, 0.06), steps=(1, 1)))
    assert [point["neurons"] for point in found.points] == [[3], [1]]


def test_codes_whose_neurons_follow_from_the_target_are_trained_for_each_and_held_at_it(tmp_path: Path) -> None:
    found = drawn(asked(tmp_path, network="cnn", codes=("graded_block",), targets=(0.12, 0.06), steps=(1, 2)))
    assert [point["neurons"] for point in found.points] == [[31], [15]]
    # Each is a chain of its own, whose first target takes twice the steps.
    trained = {title: steps for title, steps in found.watcher.totals.items() if title != "dense"}
    assert trained == {f"graded_block · {target:g} bits · seed 0": 4 for target in (0.12, 0.06)}
    assert all(point["estimated_bits_per_element"] < 1.3 * point["target"] for point in found.points)


def test_a_boundary_whose_target_is_chosen_is_trained_once_and_costs_less_at_lower_targets(tmp_path: Path) -> None:
    found = drawn(asked(tmp_path, network="cnn", codes=("graded_chosen",)))
    assert [point["target"] for point in found.points] == list(TARGETS)
    bits = [point["bits_per_element"] for point in found.points]
    assert bits == sorted(bits, reverse=True)
    assert len(set(bits)) == len(bits)
    assert {title for title, *_ in found.watcher.steps if title != "dense"} == {"graded_chosen · seed 0"}


def test_tokens_that_cross_are_paid_for(tmp_path: Path) -> None:
    pair = ("graded", "graded_residual")
    request = asked(tmp_path, data="pydocs", network="rwkv", codes=pair, targets=(0.25,), steps=(1, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("axonal.study.front.running.front_recipe", short)
        plain, residual = drawn(request).points
    assert residual["quality_metric"] == "bits_per_byte"
    for name in ("bits_per_element", "estimated_bits_per_element", "bits_per_element_packets"):
        assert residual[name] > 8 / 96
    assert residual["neurons"] == plain["neurons"] == [48]


def short(dataset: Dataset, *, quick: bool = False) -> FrontRecipe:
    """The recipe, with few examples."""
    plan = front_recipe(dataset, quick=quick)
    dense, boundary = (
        replace(part, validation_examples=4, batch=2, bfloat16=False) for part in (plan.dense, plan.boundary)
    )
    return replace(
        plan, dense=dense, boundary=boundary, calibration=16, counting=16, fit_examples=16, test_examples=16, frame=4
    )


def test_codes_that_need_what_the_data_has_not_are_left_out_and_it_is_said(base: Drawn) -> None:
    assert base.request.cache is not None
    watcher = Counting()
    found = drawn(asked(base.request.cache, codes=("sigma_delta", "graded_residual", "fp16")), watcher)
    assert found.points == base.of("fp16")
    assert watcher.said[:2] == [
        "sigma_delta: what network mlp sends has no axis of time, left out",
        "graded_residual: digits has no tokens, left out",
    ]


def test_a_network_that_fits_on_one_chip_has_nothing_to_cross(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"runs on 1 chip .* there is no boundary; use a system of several chips"):
        drawn(asked(tmp_path, network="front_points:single"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codes": ()}, "codes are none, must be different ones, at least one"),
        ({"codes": ("graded", "graded")}, "codes are graded, graded, must be different"),
        ({"codes": ("gradde",)}, "unknown code 'gradde': use some of graded"),
        ({"seeds": ()}, r"seeds are \(\), must be different whole numbers >= 0"),
        ({"seeds": (1, -1)}, r"seeds are \(1, -1\)"),
        ({"targets": ()}, "targets must be different, at least one"),
        ({"targets": (0.5, 0.5)}, "targets must be different"),
        ({"targets": (0.0,)}, "target is 0.0 bits per boundary element, must be finite and > 0"),
        ({"targets": (float("nan"),)}, "target is nan bits"),
        ({"steps": (0, 1)}, r"steps are \(0, 1\), both must be >= 1"),
        ({"workers": 0}, "workers is 0, must be >= 1"),
    ],
)
def test_fronts_that_cannot_be_drawn_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrontRequest(data="digits", **changes)


# The file of points.


def test_points_are_written_and_read_as_they_are(base: Drawn, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "points.json"
    assert read_points(path) == []
    write_points(base.points, path)
    assert read_points(path) == base.points
    assert [item.name for item in path.parent.iterdir()] == ["points.json"]


def test_merging_replaces_equal_places_keeps_other_seeds_and_drops_what_does_not_compare(base: Drawn) -> None:
    first = base.points[0]
    other_seed, elsewhere = {**first, "seed": 7}, {**first, "seed": 8, "dense_quality": 0.123}
    found = merged([{**first, "quality": -1.0}, other_seed, elsewhere], base.points)
    assert len(found) == len(base.points) + 1
    assert other_seed in found
    assert first in found
    assert [point["control"] for point in found] == sorted(point["control"] for point in found)
    assert merged(found, base.points) == found
    assert merged(found, []) == found


@pytest.mark.parametrize("name", ["data", "network", "system", "dense_quality"])
def test_points_of_another_network_data_or_cut_are_dropped(base: Drawn, name: str) -> None:
    old = [{**base.points[0], "seed": 7, name: "another"}]
    assert len(merged(old, base.points)) == len(base.points)


@pytest.mark.parametrize("text", ["{", "7", "{}", "[1]", '["code"]', '[{"code": "graded"}]'])
def test_a_file_that_is_no_list_of_points_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "points.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"points\.json is no .*: move it away"):
        read_points(path)


def test_numbers_that_are_not_finite_never_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "points.json"
    write_points([], path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_points([{"quality": float("nan")}], path)
    assert read_points(path) == []
