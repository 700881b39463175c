"""The figure that answers: would it pay on another link?"""

from __future__ import annotations

from typing import Any

import pytest

from axonal.views import html
from axonal.views.sweep import sweep


@pytest.fixture
def swept(result: dict[str, Any]) -> dict[str, Any]:
    return {
        **result,
        "sweeps": {
            "link_energy_pj_per_bit": [0.1, 1.0, 10.0, 100.0],
            "energy_ratio": [1.05, 1.02, 0.9, 0.5],
            "pays_above_pj_per_bit": 1.47,
            "link_bits_per_ns": [1.0, 10.0, 100.0, 1000.0],
            "latency_ratio": [0.2, 0.6, 0.98, 1.1],
            "pays_below_bits_per_ns": 14.3,
        },
    }


def test_result_without_sweeps_has_no_figure_and_still_a_report(result: dict[str, Any]) -> None:
    plain = {key: value for key, value in result.items() if key != "sweeps"}
    assert sweep(plain) is None
    assert "another link" not in html(plain)


def test_both_crossings_are_named_in_both_sizes_of_the_figure(swept: dict[str, Any]) -> None:
    figure = sweep(swept)
    assert figure is not None
    for drawn in (figure.wide, figure.narrow):
        assert "even at 1.47" in drawn
        assert "even at 14.3" in drawn
    assert "Would it pay on another link?" in html(swept)


def test_ratio_that_never_reaches_one_has_no_crossing(swept: dict[str, Any]) -> None:
    swept["sweeps"] |= {"pays_above_pj_per_bit": None, "energy_ratio": [1.4, 1.3, 1.2, 1.1]}
    figure = sweep(swept)
    assert figure is not None
    assert figure.wide.count("even-point") == 1
    assert "even at 14.3" in figure.wide


def test_links_that_differ_have_no_single_place_on_the_axis(swept: dict[str, Any]) -> None:
    links = swept["system"]["links"]
    links[0] = {**links[0], "energy_pj_per_bit": 7 * links[0]["energy_pj_per_bit"]}
    figure = sweep(swept)
    assert figure is not None
    assert figure.wide.count(">here ") == 1
