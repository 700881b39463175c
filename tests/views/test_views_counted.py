"""What a cycle-level engine counts is shown: loads over time, waits, predictions beside figures, profiles."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from test_views_html import read

from axonal.views import html, print_result
from axonal.views.contention import contention
from axonal.views.heat import MOST_ROWS, Heat, binned, heat
from axonal.views.intervals import Interval, united
from axonal.views.loads import COLOURS, UTILIZATION, percent
from axonal.views.numbers import TIMES
from axonal.views.prediction import predictions
from axonal.views.profiles import profiles
from axonal.views.svg import hatched
from axonal.views.timeline import timeline
from axonal.views.variants import chosen, lookup

SECTIONS = ("prediction", "loads", "waits", "profiles")


def tree(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - written by the code under test


def drawn(result: dict[str, Any], name: str = "hybrid") -> Heat:
    found = heat(chosen(result, name))
    assert found is not None
    return found


def classes(svg: str) -> list[str]:
    return [element.get("class", "") for element in tree(svg).iter()]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_new_part_is_on_the_page(cycle_level: dict[str, Any], section: str) -> None:
    assert f'<section id="{section}">' in html(cycle_level)


@pytest.mark.parametrize("section", SECTIONS)
def test_parts_of_an_older_result_that_has_not_counted_are_left_out(result: dict[str, Any], section: str) -> None:
    assert f'<section id="{section}">' not in html(result)


@pytest.mark.parametrize("key", ["engine", "interval_ns", "links", "waits", "profiles", "report_notes", "analytical"])
def test_page_does_without_any_one_of_the_new_keys(cycle_level: dict[str, Any], key: str) -> None:
    for variant in cycle_level["variants"].values():
        del variant[key]
    assert "Hybrid" in html(cycle_level)


def test_every_tied_number_of_a_counted_page_is_the_number_of_the_result(cycle_level: dict[str, Any]) -> None:
    numbers = read(html(cycle_level)).numbers
    wanted = {"variants.hybrid.analytical.latency_ns", "variants.snn.analytical.energy_pj.total"}
    wanted |= {"variants.hybrid.waits.0.duration_ns", "variants.ann.profiles.1.energy_pj.total"}
    assert wanted <= numbers.keys()
    for key, values in numbers.items():
        assert values == {repr(lookup(cycle_level, key))}, key


def test_counted_page_loads_nothing_and_its_figures_are_numbered_without_gaps(cycle_level: dict[str, Any]) -> None:
    text = html(cycle_level)
    assert "url(" not in text
    assert not read(text).named("script")
    for kind in ("Figure", "Table"):
        found = [int(number) for number in re.findall(rf"<b>{kind} (\d+)\.</b>", text)]
        assert found == list(range(1, len(found) + 1))


def test_heat_map_is_well_formed_and_has_a_row_for_each_channel_it_counts(cycle_level: dict[str, Any]) -> None:
    found = drawn(cycle_level)
    for picture in (found.figure.wide, found.figure.narrow):
        assert classes(picture).count("heat-row") == found.rows == MOST_ROWS
    assert found.rows + found.left_out == len(cycle_level["variants"]["hybrid"]["links"])


def test_links_between_dies_are_rows_even_when_every_channel_is_busier(cycle_level: dict[str, Any]) -> None:
    links = cycle_level["variants"]["hybrid"]["links"]
    across = [link for link in links if link["kind"] == "d2d"]
    for link in across:
        link["busy_ns"] = 0.0
    words = [text.text for text in tree(drawn(cycle_level).figure.wide).iter("text")]
    assert {link["name"].replace("->", "→") for link in across} <= set(words)


def test_a_thousand_busy_links_leave_rows_for_channels_and_say_what_they_leave_out(cycle_level: dict[str, Any]) -> None:
    variant = cycle_level["variants"]["hybrid"]
    link = next(link for link in variant["links"] if link["kind"] == "d2d")
    variant["links"] += [link | {"name": f"x{n}->y{n}"} for n in range(1000)]
    found = drawn(cycle_level)
    assert found.rows == MOST_ROWS
    assert found.links_left_out > 900
    assert f"{found.left_out} less busy ones left out" in html(cycle_level)


def test_occupied_interval_has_the_highest_colour_and_idle_ones_have_none(cycle_level: dict[str, Any]) -> None:
    variant = cycle_level["variants"]["hybrid"]
    link = next(link for link in variant["links"] if link["kind"] == "d2d")
    variant["links"] = [link]
    link["utilization"] = [0.0] * 10
    assert not [css for css in classes(drawn(cycle_level).figure.wide) if css.endswith("fill")]
    link["utilization"][3] = 1.0
    assert f"l{COLOURS - 1} fill" in classes(drawn(cycle_level).figure.wide)


@pytest.mark.parametrize("most", [1, 3, 7, 100])
def test_binning_keeps_the_load_and_never_exceeds_the_room(most: int) -> None:
    shares = [index % 5 / 4 for index in range(60)]
    means, size = binned(shares, most)
    assert len(means) <= most
    counts = [len(shares[start : start + size]) for start in range(0, len(shares), size)]
    assert sum(mean * count for mean, count in zip(means, counts, strict=True)) == pytest.approx(sum(shares))


def test_bottleneck_is_named_with_its_utilization_and_what_waits_for_it(cycle_level: dict[str, Any]) -> None:
    variant = cycle_level["variants"]["hybrid"]
    link = next(link for link in variant["links"] if link["name"] == variant["bottleneck"])
    link["busy_ns"] = variant["latency_ns"] / 4
    variant["waits"] = [{"waiter": "mix", "holder": f"link {link['name']}", "duration_ns": 42.0}]
    found = contention(cycle_level, chosen(cycle_level, "hybrid"))
    assert found is not None
    assert found.bottleneck.startswith(f"{link['name']}, a link between dies,".replace("->", "→"))
    assert "occupied 25 % of a single inference" in found.bottleneck
    assert found.bottleneck.endswith("Waiting for it: mix (42.0 ns).")


def test_wait_for_another_core_is_none_for_the_bottleneck(cycle_level: dict[str, Any]) -> None:
    variant = cycle_level["variants"]["hybrid"]
    variant["bottleneck"] = "c0 core 1"
    variant["waits"] = [{"waiter": "mix", "holder": "c0 core 12", "duration_ns": 42.0}]
    found = contention(cycle_level, chosen(cycle_level, "hybrid"))
    assert found is not None
    assert "Nothing waits for it" in found.bottleneck


def test_only_the_ten_longest_waits_are_rows_and_the_others_are_added_up(cycle_level: dict[str, Any]) -> None:
    waits = [{"waiter": f"w{n}", "holder": "h", "duration_ns": float(n)} for n in range(1, 13)]
    cycle_level["variants"]["hybrid"]["waits"] = waits
    found = contention(cycle_level, chosen(cycle_level, "hybrid"))
    assert found is not None
    assert [stall.waiter for stall in found.stalls] == [f"w{n}" for n in range(12, 2, -1)]
    assert found.left_out == "2 shorter ones take 3.00 ns together"


def test_ratio_of_prediction_and_simulation_stands_beside_both(cycle_level: dict[str, Any]) -> None:
    rows = {row.variant.key: row for row in predictions(cycle_level)}
    assert len(rows) == len(cycle_level["variants"])
    ratios = [side.ratio.text.removesuffix(TIMES) for side in rows["snn"].sides if side.ratio]
    assert ratios == ["0.710", "1.04", "0.998"]


def test_reason_of_a_prediction_outside_its_range_is_told_on_page_and_terminal(cycle_level: dict[str, Any]) -> None:
    reason = cycle_level["variants"]["snn"]["analytical"]["reason"]
    assert [row.variant.key for row in predictions(cycle_level) if row.reason] == ["snn"]
    assert reason in "".join(read(html(cycle_level)).text)
    console = Console(width=200, force_terminal=False, color_system=None)
    with console.capture() as capture:
        print_result(cycle_level, console)
    assert f"outside its range: {reason}" in capture.get()


def test_every_profile_has_the_ratio_of_hybrid_and_ann(cycle_level: dict[str, Any]) -> None:
    found = profiles(cycle_level)
    assert found is not None
    for index, row in enumerate(found.rows):
        hybrid, ann = (cycle_level["variants"][v]["profiles"][index]["energy_pj"]["total"] for v in ("hybrid", "ann"))
        assert row.ratio is not None
        assert float(row.ratio.text[:-1]) == pytest.approx(hybrid / ann, rel=0.005)


def test_profile_that_a_variant_lacks_leaves_its_cell_empty(cycle_level: dict[str, Any]) -> None:
    missing = cycle_level["variants"]["ann"]["profiles"].pop(0)
    found = profiles(cycle_level)
    assert found is not None
    row = next(row for row in found.rows if row.name == missing["name"])
    assert row.ratio is None
    assert [cell.main is None for cell in row.totals] == [column.key == "ann" for column in found.columns]


def test_note_of_all_reports_is_told_once_with_their_names(cycle_level: dict[str, Any]) -> None:
    text = "".join(read(html(cycle_level)).text)
    assert text.count("Multicast is sent as unicasts.") == 1
    assert "Hybrid, ANN, SNN, Low-rank, 1-bit:" in text


def test_waits_are_hatched_and_never_drawn_as_work(cycle_level: dict[str, Any], result: dict[str, Any]) -> None:
    counted, plain = timeline(cycle_level), timeline(result)
    assert counted is not None
    assert plain is not None
    assert "hatch" in classes(counted.wide)
    assert "hatch" not in classes(plain.wide)
    for css in ("e-compute", "e-noc", "e-d2d"):
        assert classes(counted.wide).count(css) == classes(plain.wide).count(css)


def test_hatching_stays_within_its_box() -> None:
    for width, height in ((0.8, 5), (3, 5), (100, 5), (12, 12)):
        lines = tree(hatched((10, 20), (width, height))).find("path")
        steps = re.findall(r"[ML]([\d.]+) ([\d.]+)", lines.get("d", "") if lines is not None else "")
        assert all(10 <= float(x) <= 10 + width + 0.01 and 20 <= float(y) <= 20 + height + 0.01 for x, y in steps)


def test_united_waits_do_not_touch_each_other() -> None:
    waits = [Interval(name="n", kind="wait", start_ns=s, end_ns=s + length) for s, length in ((0, 9), (1, 1), (12, 3))]
    found = united(waits)
    assert all(before.end_ns < after.start_ns for before, after in pairwise(found))
    assert [one.count for one in found] == [2, 1]


@pytest.mark.parametrize(("share", "words"), [(0.0, "0 %"), (0.05, "5 %"), (0.041, "4.1 %"), (0.375, "38 %")])
def test_share_is_told_in_percent(share: float, words: str) -> None:
    assert percent(share) == words


def test_scale_of_shares_is_the_same_on_every_page() -> None:
    assert [UTILIZATION.step(share) for share in (0.0, 0.06, 0.5, 0.89, 0.9, 1.0)] == [0, 1, 5, 6, 7, 7]
