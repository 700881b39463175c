"""The front of boundary codes: every code is drawn and told apart, and the picture needs nothing else."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from test_views_html import HOSTILE, read
from views_front import SEEDS, TARGETS, Made, made

from axonal.study.front import FAMILIES
from axonal.views import print_front, write_front
from axonal.views.front import front_view
from axonal.views.front_chart import front_svg
from axonal.views.front_page import front_files

SVG = "{http://www.w3.org/2000/svg}"
FEW = ("graded", "ternary", "int8", "int2", "bottleneck")


def svg_of(found: Made) -> ElementTree.Element:
    return ElementTree.fromstring(front_svg(front_view(*found)))  # noqa: S314 - written by the code under test


def named(root: ElementTree.Element, css: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if css in element.get("class", "").split()]


def titles(root: ElementTree.Element) -> list[str]:
    return [title.text or "" for title in root.iter(f"{SVG}title")]


def printed(found: Made, width: int = 100) -> str:
    stream = io.StringIO()
    print_front(*found, Console(file=stream, width=width))
    return stream.getvalue()


def page(found: Made) -> str:
    return front_files(*found, "front")["front.html"]


@pytest.mark.parametrize("codes", [FEW, tuple(FAMILIES)], ids=["few codes", "all codes"])
def test_every_code_and_target_is_in_picture_page_and_table(codes: tuple[str, ...]) -> None:
    found = made(codes)
    _, rows, _ = found
    points, text = titles(svg_of(found)), printed(found, 140)
    for row in rows:
        assert any(title.startswith(f"{row['code']} at target {row['target']:g}:") for title in points)
        assert re.search(rf"[ ●★c]{row['code']} ", text)
    assert page(found).count('<th scope="row">') == len(rows)


def test_dominated_points_are_open_and_their_rows_marked() -> None:
    found = made(FEW)
    beaten = sum(row["dominated"] for row in found[1])
    assert 0 < beaten < len(found[1])
    in_legend, charts = 1, 3
    assert len(named(svg_of(found), "open")) == charts * beaten + in_legend
    assert len(re.findall(r'<tr class="dominated', page(found))) == beaten
    assert sum("●" in line for line in printed(found).splitlines()) == len(found[1]) - beaten + in_legend


def test_spread_bars_are_those_of_several_seeds() -> None:
    several, alone = (svg_of(made(FEW, seeds=seeds)) for seeds in (SEEDS, SEEDS[:1]))
    assert len(named(several, "whisker")) >= 3 * 3 * len(FEW)
    assert named(alone, "whisker") == []


def test_controls_are_dashed_and_spikes_are_not() -> None:
    root = svg_of(made(("graded", "low_rank")))
    charts, in_legend = 3, 1
    assert len(named(root, "dashed-line")) == len(named(root, "mean-line")) == charts + in_legend


def test_beside_many_codes_only_some_have_a_colour_and_the_leaders_are_among_them() -> None:
    found = made()
    view = front_view(*found)
    coloured = {item.code for item in view.series if item.slot is not None}
    assert len(coloured) == len({item.css for item in view.series}) - 1
    leaders = {found[2][name]["code"] for name in ("spikes", "controls") if found[2][name]}
    assert leaders <= coloured < set(FAMILIES)
    assert len(view.series) == len(FAMILIES)


def test_few_codes_all_have_a_colour_and_their_name_in_the_legend() -> None:
    view = front_view(*made(FEW))
    assert all(item.slot is not None for item in view.series)
    words = {element.text for element in svg_of(made(FEW)).iter(f"{SVG}text")}
    assert set(FEW) <= words


@pytest.mark.parametrize("code", ["graded", "fp16", "bottleneck"])
@pytest.mark.parametrize("metric", ["accuracy", "bits_per_byte"])
def test_one_point_is_a_front(code: str, metric: str) -> None:
    found = made((code,), TARGETS[:1], SEEDS[:1], metric)
    root = svg_of(found)
    assert len([title for title in titles(root) if title.startswith(code)]) == 3
    assert code in printed(found)
    assert code in page(found)


def test_no_point_is_no_front() -> None:
    with pytest.raises(ValueError, match="0 points, must be at least 1"):
        front_view([], [], {"loss": 0.005})


@pytest.mark.parametrize("metric", ["accuracy", "bits_per_byte"])
def test_the_dense_network_lies_above_the_tolerance(metric: str) -> None:
    (dense, *_), (tolerance, *_) = (
        [line for line in named(svg_of(made(FEW, metric=metric)), css) if line.findtext(f"{SVG}title")]
        for css in ("even", "finish")
    )
    assert float(dense.get("y1", "")) < float(tolerance.get("y1", ""))


def test_everything_that_is_drawn_lies_inside_the_picture() -> None:
    points, rows, said = made(FEW)
    rows = [{**row, "quality": 0.1, "loss": 0.83} if row["code"] == "int2" else row for row in rows]
    root = svg_of((points, rows, said))
    left, top, width, height = map(float, root.get("viewBox", "").split())
    for element in root.iter():
        for x in (element.get(name) for name in ("x", "cx", "x1", "x2")):
            assert x is None or left <= float(x) <= left + width
        for y in (element.get(name) for name in ("y", "cy", "y1", "y2")):
            assert y is None or top <= float(y) <= top + height


def test_packed_int8_is_drawn_where_its_bits_are_in_range() -> None:
    assert named(svg_of(made(("graded", "fp16"))), "here")
    assert named(svg_of(made(("graded",))), "here") == []


def test_a_cost_that_was_not_measured_is_left_out() -> None:
    points, rows, said = made(FEW)
    rows = [{**row, "energy_pj": float("inf"), "packets": float("nan")} for row in rows]
    assert "not measured" in front_svg(front_view(points, rows, said))
    assert "inf" not in re.findall(r"\w+", printed((points, rows, said)))
    assert "nan" not in re.findall(r"\w+", page((points, rows, said)))


def test_a_target_that_is_not_heeded_is_not_named() -> None:
    points, rows, said = made(("int8", "graded"))
    rows = [{**row, "target": None} if row["code"] == "int8" else row for row in rows]
    assert any(title.startswith("int8: ") for title in titles(svg_of((points, rows, said))))
    assert "int8 at target" not in page((points, rows, said))


@pytest.mark.parametrize("name", ["front.svg", "front.html"])
def test_files_need_nothing_else(name: str) -> None:
    text = front_files(*made(FEW), "front")[name]
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"url\(|@import|<script|src=", text)
    assert not re.search(r'href="(?!data:|#)', text)


def test_a_hostile_name_stays_text() -> None:
    points, rows, said = made(("graded",))
    points = [{**point, "data": HOSTILE, "commit": HOSTILE, "warnings": [HOSTILE]} for point in points]
    rows = [{**row, "code": HOSTILE, "label": HOSTILE} for row in rows]
    assert read(page((points, rows, said))).named("script") == []
    assert HOSTILE in "".join(svg_of((points, rows, said)).itertext())


def test_the_page_says_how_it_came_about() -> None:
    found = made(FEW)
    text = page(found)
    for word in ("digits", "cnn", "snap_4x4_2", "abc1234", "0, 1, 2"):
        assert word in text


def sentences(found: Made, **changes: Any) -> str:
    points, rows, said = found
    return " ".join(front_view(points, rows, {**said, **changes}).sentences())


def test_sentences_compare_at_equal_quality() -> None:
    said = sentences(
        made(FEW),
        spikes={"code": "graded", "bits": 0.1},
        controls={"code": "int2", "bits": 0.5},
        bottleneck={"code": "bottleneck", "bits": 0.05},
        int8_over_spikes=80.0,
        controls_over_spikes=5.0,
        bottleneck_over_spikes=0.5,
    )
    assert "at most 0.5 points" in said
    assert "spikes need 0.100 bits an element (graded, between its targets)" in said
    assert "80.0 times fewer bits than packed int8, 5.00 times fewer bits than the best dense control" in said
    assert "2.00 times more bits than the entropy bottleneck" in said


def test_bits_that_were_measured_are_not_said_to_lie_between_targets() -> None:
    found = made(FEW)
    row = next(row for row in found[1] if row["code"] == "graded")
    assert f"{row['bits']:.3g} bits an element (graded)," in sentences(
        found, spikes={"code": "graded", "bits": row["bits"]}
    )


def test_sentences_say_who_fails_but_not_of_those_that_were_not_run() -> None:
    said = sentences(made(("graded", "int2")), spikes=None, controls=None, int8_over_spikes=None)
    assert "no spikes stay within it" in said
    assert "no dense control stays within it" in said
    assert "bottleneck" not in said
    assert "0.02 bits per byte" in sentences(made(("graded",), metric="bits_per_byte"))


def test_the_cheapest_row_of_equal_quality_leads() -> None:
    view = front_view(*made(FEW))
    leads = [row for row in view.rows if view.best(row)]
    assert leads
    for row in leads:
        cheaper = [other for other in view.rows if other["code"] == row["code"] and other["bits"] < row["bits"]]
        assert row["loss"] <= view.tolerance < min((other["loss"] for other in cheaper), default=1.0)


def test_the_table_fits_a_terminal_of_eighty_characters() -> None:
    text = printed(made(FEW, metric="bits_per_byte"), 80)
    assert "…" not in text
    assert re.search(r"●★? +graded +0\.06 ", text)
    assert re.search(r"energy +latency", text)


def test_picture_and_page_are_written_and_nothing_else(tmp_path: Path) -> None:
    picture, other = write_front(*made(FEW), tmp_path / "new", "digits")
    assert (picture.name, other.name) == ("digits.svg", "digits.html")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["digits.html", "digits.svg"]
