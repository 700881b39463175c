"""A network under load: its curves, the map of its links and its page."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from test_views_html import HOSTILE, read
from views_noc import SATURATION, curve, links, noc

from axonal.views import link_map, noc_curves, noc_curves_page, noc_page, write_noc
from axonal.views.loads import COLOURS
from axonal.views.saturation import CLIP

SVG = "{http://www.w3.org/2000/svg}"


def tree(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - written by the code under test


def named(svg: str, css: str) -> list[ElementTree.Element]:
    return [element for element in tree(svg).iter() if css in element.get("class", "").split()]


def heights(path: ElementTree.Element) -> list[float]:
    return [float(y) for _, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path.get("d", ""))]


@pytest.mark.parametrize("svg", [noc_curves([curve()]), link_map({"columns": 8, "rows": 8, "links": links()})])
def test_pictures_stand_alone_with_colours_for_light_and_dark(svg: str) -> None:
    root = tree(svg)
    assert root.tag == f"{SVG}svg"
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
    assert not re.search(r"url\(|@import|href=|<script", svg)


def test_every_simulated_point_is_marked_and_tells_its_values() -> None:
    svg = noc_curves([curve()])
    titles = [title.text or "" for title in tree(svg).iter(f"{SVG}title")]
    simulated = len(curve()["points"])
    assert sum("cycles at" in title for title in titles) == simulated
    assert sum("accepted" in title and "of" in title for title in titles) >= simulated


def test_saturated_points_are_open_in_both_panels() -> None:
    saturated = sum(point["saturated"] for point in curve()["points"])
    in_legend = 1
    assert saturated > 0
    assert len(named(noc_curves([curve()]), "open")) == 2 * saturated + in_legend


def test_latency_beyond_the_clip_stays_inside_the_frame() -> None:
    item = curve()
    floor = min(point["packet_latency_cycles"] for point in item["points"])
    assert max(point["packet_latency_cycles"] for point in item["points"]) > 2 * CLIP * floor
    svg = noc_curves([item])
    frame = [float(line.get("y1", "")) for line in named(svg, "grid") if line.get("x1") == line.get("x2")]
    _legend, latency, _accepted = named(svg, "mean-line")
    assert min(heights(latency)) == pytest.approx(min(frame))


def test_flat_curve_is_not_squeezed_to_the_ground() -> None:
    item = {"label": "calm", "points": curve()["points"][:3]}
    svg = noc_curves([item])
    assert "up to" not in svg
    lowest = float(named(svg, "axis")[0].get("y1", ""))
    assert max(heights(named(svg, "mean-line")[1])) < lowest - 50


def test_prediction_is_dashed_and_faint_outside_its_range() -> None:
    svg = noc_curves([curve()])
    assert len(named(svg, "dashed-line")) == len(named(svg, "faint-line")) == 2
    plain = noc_curves([{**curve(), "analytical": []}])
    assert not named(plain, "dashed-line")
    assert not named(plain, "faint-line")


def test_prediction_that_is_never_valid_is_never_dashed() -> None:
    item = curve()
    for point in item["analytical"]:
        point["valid"] = False
    assert not named(noc_curves([item]), "dashed-line")


def test_each_network_has_its_colour_its_marker_and_its_saturation() -> None:
    svg = noc_curves([curve("one", 0.4), curve("two", 0.3)])
    assert {"v0", "v1"} <= {element.get("class") for element in tree(svg).iter(f"{SVG}g")}
    assert "one (saturates at 0.400)" in svg
    assert "two (saturates at 0.300)" in svg


def test_points_with_nothing_but_a_latency_are_enough() -> None:
    points = [{"offered_flits_per_node_cycle": 0.1, "packet_latency_cycles": 20.0}]
    assert "not counted" in noc_curves([{"label": "bare", "points": points, "saturation_load": None}])


@pytest.mark.parametrize("curves", [[], [{"label": "none", "points": []}]])
def test_curves_without_a_point_are_refused(curves: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="curves have 0 points, must be at least 1"):
        noc_curves(curves)


def test_hotter_links_have_higher_colours_and_the_hottest_is_named() -> None:
    found = [link | {"utilization": 0.1} for link in links()]
    found[5]["utilization"] = 0.97
    svg = link_map({"columns": 8, "rows": 8, "links": found})
    assert len(named(svg, f"l{COLOURS - 1}")) == 2  # the link and its field of the legend
    source, target = (",".join(map(str, found[5][end])) for end in ("source", "target"))
    assert f"busiest: ({source})→({target}), 97 % of its time" in svg


def test_dies_lie_apart_and_links_between_them_are_arrows() -> None:
    mesh: dict[str, Any] = {"columns": 8, "rows": 8, "links": links()}
    svg = link_map(mesh)
    assert len(named(svg, "die")) == 4
    assert len(named(svg, "across")) == sum(link["kind"] == "d2d" for link in mesh["links"])
    alone = link_map({**mesh, "links": [link | {"kind": "noc"} for link in mesh["links"]]})
    assert len(named(alone, "die")) == 1
    assert not named(alone, "across")


def test_channels_around_a_torus_leave_the_mesh_and_stay_in_the_picture() -> None:
    svg = link_map({"columns": 8, "rows": 8, "links": links(wrapped=True)})
    left, top, width, height = map(float, tree(svg).get("viewBox", "").split())
    box = named(svg, "die")[0]
    strokes = [line for line in tree(svg).iter(f"{SVG}line") if re.fullmatch(r"l\d", line.get("class", ""))]
    for line in strokes:
        assert left <= min(float(line.get(name, "")) for name in ("x1", "x2"))
        assert max(float(line.get(name, "")) for name in ("x1", "x2")) <= left + width
        assert top <= min(float(line.get(name, "")) for name in ("y1", "y2"))
        assert max(float(line.get(name, "")) for name in ("y1", "y2")) <= top + height
    assert min(float(line.get("x2", "")) for line in strokes) < float(box.get("x", ""))


def test_link_outside_of_the_mesh_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ends outside of a mesh of 4 columns and 8 rows"):
        link_map({"columns": 4, "rows": 8, "links": links()})


def test_idle_mesh_says_so() -> None:
    found = [link | {"utilization": 0.0} for link in links()]
    assert "no channel carries anything" in link_map({"columns": 8, "rows": 8, "links": found})


def test_page_holds_both_pictures_the_parameters_and_every_point() -> None:
    page = read(noc_page(noc()))
    assert len(page.named("svg")) == 4  # curves in two sizes, the map and its legend
    for index, point in enumerate(noc()["points"]):
        key = f"points.{index}.packet_latency_cycles"
        assert page.numbers[key] == {repr(point["packet_latency_cycles"])}
    assert page.numbers["saturation_load"] == {repr(SATURATION)}
    assert "virtual channels" in page.text
    assert not page.named("script")


def test_page_without_links_or_saturation_leaves_them_out() -> None:
    bare = {"points": noc()["points"][:4]}
    text = noc_page(bare)
    assert "Where it is hot" not in text
    assert "does not saturate" in text


def test_page_of_several_curves_names_where_each_saturates() -> None:
    text = "".join(read(noc_curves_page([curve("one", 0.4), curve("two", 0.3)])).text)
    assert "one at 0.400; two at 0.300" in text
    assert "Simulated points" not in text


def test_markup_in_names_of_a_network_stays_text() -> None:
    result = noc()
    result["parameters"] = {HOSTILE: HOSTILE, "topology": HOSTILE}
    assert not read(noc_page(result)).named("script")
    assert tree(noc_curves([curve(HOSTILE)])).tag == f"{SVG}svg"


def test_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_noc(noc(), tmp_path / "new")
    assert path == tmp_path / "new" / "noc.html"
    assert path.read_text(encoding="utf-8") == noc_page(noc())
    old = path.read_bytes()

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"is not writable .No space left"):
        write_noc({**noc(), "saturation_load": None}, tmp_path / "new")
    assert path.read_bytes() == old
    assert [found.name for found in path.parent.iterdir()] == ["noc.html"]
