"""The report: its numbers are those of the result, it loads nothing, and it executes nothing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest

from axonal.views import html
from axonal.views.variants import lookup

HOSTILE = "</svg></title><script>alert('x')</script>&\"'"


@dataclass
class Page:
    """What a browser would see: elements with their attributes, text, and the numbers tied to the result."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for _, attributes in self.elements:
            if "data-key" in attributes:
                found.setdefault(attributes["data-key"], set()).add(attributes["data-value"])
        return found

    def named(self, name: str) -> list[dict[str, str]]:
        return [attributes for found, attributes in self.elements if found == name]


class Reader(HTMLParser):
    VOID = frozenset({"meta", "link", "input", "br", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.page.text.append(data)


def read(text: str) -> Page:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader.page


def test_every_tied_number_of_the_page_is_the_number_of_the_result(result: dict[str, Any]) -> None:
    numbers = read(html(result)).numbers
    assert len(numbers) > 100
    for key, values in numbers.items():
        assert values == {repr(lookup(result, key))}, key


def test_every_measure_of_every_variant_is_on_the_page(result: dict[str, Any]) -> None:
    shown = read(html(result)).numbers
    measures = ["activity", "bits_per_boundary_element", "link_bits_packed", "link_bits_packetised", "latency_ns"]
    measures += ["throughput_per_s", "quality.value", "quality.spread"]
    measures += [f"energy_pj.{part}" for part in ("total", "compute", "memory", "noc", "d2d", "static")]
    wanted = {f"variants.{variant}.{measure}" for variant in result["variants"] for measure in measures}
    wanted |= {f"ratios.{name}.{field}" for name, fields in result["ratios"].items() for field in fields}
    assert wanted <= shown.keys()


def test_page_loads_nothing_and_runs_nothing(result: dict[str, Any]) -> None:
    text = html(result)
    page = read(text)
    assert not page.named("script")
    for name, attributes in page.elements:
        assert not any(attribute.startswith("on") for attribute in attributes)
        for attribute in ("src", "href", "xlink:href", "data", "poster", "action"):
            address = attributes.get(attribute, "data:")
            assert address.startswith(("data:", "#")) or (name == "a" and address.startswith("https://"))
    assert "@import" not in text
    assert "url(" not in text


def test_addresses_of_sources_can_be_followed_without_their_punctuation(result: dict[str, Any]) -> None:
    addresses = [attributes["href"] for attributes in read(html(result)).named("a")]
    assert "https://doi.org/10.1038/s41928-024-01126-y" in addresses
    assert "https://example.org/notes" in addresses


def test_address_that_is_not_of_the_web_stays_text(result: dict[str, Any]) -> None:
    result["notes"] = ["see javascript:alert(1) and data:text/html,x"]
    addresses = [attributes["href"] for attributes in read(html(result)).named("a")]
    assert not [address for address in addresses if not address.startswith("https://")]


def poisoned(value: Any) -> Any:
    """The same document with hostile text in every string that does not steer the layout."""
    if isinstance(value, dict):
        steering = {"kind", "metric", "chip", "name", "a", "b", "source_chip", "target_chip"}
        return {key: inner if key in steering else poisoned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner) for inner in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_markup_in_any_text_of_the_result_stays_text(result: dict[str, Any]) -> None:
    clean = read(html(result))
    result = poisoned(result)
    for variant in result["variants"].values():
        for span in variant["timeline"]:
            span["name"] += HOSTILE
    page = read(html(result))
    assert not page.named("script")
    assert HOSTILE in "".join(page.text)
    assert len(page.named("svg")) == len(clean.named("svg"))


def test_markup_in_names_of_chips_and_variants_stays_text(result: dict[str, Any]) -> None:
    for chip in result["system"]["chips"]:
        chip["name"] += HOSTILE
    result["variants"][HOSTILE] = result["variants"].pop("one_bit")
    page = read(html(result))
    assert not page.named("script")
    assert HOSTILE in page.text


@pytest.mark.parametrize(
    ("kept", "absent"),
    [(("hybrid",), "ANN"), (("ann", "snn"), "Hybrid"), (("one_bit",), "Hybrid"), (("hybrid", "ann"), "SNN")],
)
def test_report_of_a_subset_of_variants_shows_those(result: dict[str, Any], kept: tuple[str, ...], absent: str) -> None:
    result["variants"] = {name: result["variants"][name] for name in kept}
    result["ratios"] = {}
    result["verdict"] = {"pays": None, "sentence": ""}
    page = read(html(result))
    heads = "".join(page.text)
    assert {key.split(".")[1] for key in page.numbers if key.startswith("variants.")} == set(kept)
    assert f"{absent} packed" not in heads
    assert "No verdict" in heads


def test_report_needs_nothing_but_a_variant() -> None:
    page = read(html({"variants": {"hybrid": {}}}))
    assert "Hybrid" in page.text
    assert not page.numbers


def test_result_without_variants_is_refused() -> None:
    with pytest.raises(ValueError, match="0 variants, must have at least 1"):
        html({"variants": {}})


@pytest.mark.parametrize(("pays", "mark"), [(True, "✓ Pays"), (False, "✕ Does not pay")])
def test_verdict_is_marked(result: dict[str, Any], pays: bool, mark: str) -> None:
    result["verdict"]["pays"] = pays
    page = read(html(result))
    assert mark in page.text
    assert result["verdict"]["sentence"] in page.text


def test_hybrid_and_ann_are_shown_before_anything_is_chosen(result: dict[str, Any]) -> None:
    boxes = [attributes for attributes in read(html(result)).named("input") if attributes["id"].startswith("package-")]
    assert ["checked" in box for box in boxes] == [True, True, False, False, False]


def test_each_busy_channel_is_a_stroke_of_its_picture(result: dict[str, Any]) -> None:
    busy = sum(link["kind"] == "noc" for variant in result["variants"].values() for link in variant["links"])
    strokes = [line for line in read(html(result)).named("line") if re.fullmatch(r"l\d", line.get("class", ""))]
    assert len(strokes) == busy


def test_nothing_is_drawn_outside_of_its_picture(result: dict[str, Any]) -> None:
    width = height = 0.0
    for name, attributes in read(html(result)).elements:
        if name == "svg":
            width, height = map(float, attributes["viewbox"].split()[2:])
        elif name in {"text", "rect"}:
            x, y = float(attributes["x"]), float(attributes["y"])
            assert 0 <= x <= x + float(attributes.get("width", 0)) <= width + 0.1
            assert 0 <= y <= y + float(attributes.get("height", 0)) <= height + 0.1


def test_no_number_of_a_drawing_is_infinite_or_missing(result: dict[str, Any]) -> None:
    result["variants"]["hybrid"]["links"] = []
    result["variants"]["hybrid"]["quality"]["spread"] = None
    result["variants"]["snn"]["energy_pj"] = None
    result["variants"]["snn"]["latency_ns"] = math.nan
    text = html(result)
    for drawing in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL):
        assert not re.search(r'="[^"]*\b(nan|inf|None)\b', drawing)
