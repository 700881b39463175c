"""`axonal noc`: what it answers, what it refuses, and what an interruption leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import axonal, keep_inside

from axonal.cli.noc_watching import Watch
from axonal.simulation.network.points import Point
from axonal.simulation.network.setting import Study

BAD_INPUT, INTERRUPTED = 2, 130
SMALL = ("--mesh", "4x4", "--warmup", "200", "--cycles", "500")

POINT_NAMES = {
    "packet_latency_cycles",
    "network_latency_cycles",
    "routers_traversed",
    "accepted_flits_per_node_cycle",
    "offered_flits_per_node_cycle",
    "makespan_cycles",
    "saturated",
    "cycles",
    "cpu_s",
}
NAMES = {*POINT_NAMES, "saturation_load", "links", "mesh", "parameters", "schema_version"}


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_inside(tmp_path, monkeypatch)


def found(*words: str) -> dict[str, Any]:
    answer = axonal("noc", *words, "--json")
    assert answer.status == 0, answer.err
    result: dict[str, Any] = json.loads(answer.out)
    return result


def test_one_load_stands_at_the_top_of_the_answer() -> None:
    answer = found(*SMALL, "--rate", "0.1", "--packet-flits", "2")
    assert set(answer) >= NAMES
    assert "points" not in answer
    assert answer["mesh"] == {"columns": 4, "rows": 4}
    assert answer["offered_flits_per_node_cycle"] == 0.1
    assert answer["packet_latency_cycles"] == pytest.approx(5 * answer["routers_traversed"] + 3, rel=0.1)
    assert answer["makespan_cycles"] is answer["saturation_load"] is None
    assert len(answer["links"]) == 48
    assert set(answer["links"][0]) == {"source", "target", "kind", "flits_per_cycle", "utilization"}


def test_a_sweep_has_a_point_for_each_load() -> None:
    answer = found(*SMALL, "--sweep", "0.1:0.9:0.4")
    assert [point["offered_flits_per_node_cycle"] for point in answer["points"]] == [0.1, 0.5, 0.9]
    assert all(set(point) >= POINT_NAMES for point in answer["points"])
    latencies = [point["packet_latency_cycles"] for point in answer["points"]]
    assert latencies == sorted(latencies)
    assert answer["cycles"] == sum(point["cycles"] for point in answer["points"])


def test_the_defaults_are_said_in_the_help_and_used() -> None:
    parameters = found()["parameters"]
    assert parameters == {
        "topology": "8x8 mesh",
        "traffic": "uniform",
        "routing": "xy",
        "vcs": 4,
        "buffer_flits": 8,
        "pipeline_cycles": [1, 1, 1, 1],
        "speculative": False,
        "credit_delay_cycles": 0,
        "link_latency_cycles": 1,
        "die_boundaries": [],
        "seed": 0,
        "packet_flits": 1,
        "warmup_cycles": 5000,
        "measured_cycles": 15000,
    }
    assert "0.1 when not given" in " ".join(axonal("noc", "--help").out.split())


def test_a_burst_over_a_die_boundary_takes_exactly_what_booksim_measured() -> None:
    words = ["--traffic", "bitcomp", "--packet-flits", "4", "--burst", "16", "--d2d-after-column", "3"]
    answer = found(*words, "--d2d-latency", "20", "--d2d-cycles-per-flit", "8")
    assert answer["makespan_cycles"] == 2099
    assert answer["packet_latency_cycles"] == pytest.approx(1089.59, abs=0.005)
    assert answer["network_latency_cycles"] == pytest.approx(1054.42, abs=0.005)
    assert answer["routers_traversed"] == 9
    assert sum(link["kind"] == "d2d" for link in answer["links"]) == 16


@pytest.mark.parametrize(
    ("words", "latency"),
    [
        (("--pipeline", "0,1,1,1", "--speculative"), 3 * 7 + 2),
        (("--pipeline", "0,1,1,1"), 4 * 7 + 2),
        ((), 5 * 7 + 2),
        (("--pipeline", "1,1,1,2"), 6 * 7 + 2),
        (("--link-latency", "3"), 7 * 7 + 2 - 2),
        (("--d2d-after-column", "0,2", "--d2d-latency", "10"), 5 * 7 + 2 + 2 * 9),
        (("--routing", "yx"), 5 * 7 + 2),
        (("--routing", "west-first"), 5 * 7 + 2),
        (("--routing", "o1turn"), 5 * 7 + 2),
        (("--torus",), 5 * 3 + 2),
    ],
)
def test_a_recorded_packet_that_is_alone_takes_what_its_stages_and_links_take(
    words: tuple[str, ...], latency: int, tmp_path: Path
) -> None:
    (tmp_path / "one.csv").write_text("cycle,source,target,flits\n7,0,15,1\n")
    answer = found("--mesh", "4x4", "--traffic", "trace:one.csv", *words)
    assert answer["packet_latency_cycles"] == latency
    assert answer["makespan_cycles"] == latency + 1


def test_saturation_is_found_and_said() -> None:
    answer = found(*SMALL, "--traffic", "hotspot:5", "--find-saturation")
    assert 0.02 < answer["saturation_load"] < 1 / 16 * 1.1
    assert answer["offered_flits_per_node_cycle"] == 0.1
    assert "SATURATES AT" in axonal("noc", *SMALL, "--traffic", "hotspot:5", "--find-saturation").out


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        (("--rate", "0.1"), "KEEPS UP"),
        (("--sweep", "0.1:1:0.9"), "SATURATED"),
        (("--burst", "3"), "DONE"),
        (("--mesh", "1x1", "--find-saturation"), "NEVER SATURATES"),
    ],
)
def test_people_are_told_in_one_line_what_it_comes_to(words: tuple[str, ...], verdict: str) -> None:
    answer = axonal("noc", *SMALL, *words)
    assert answer.status == 0, answer.err
    assert len([line for line in answer.out.splitlines() if line.startswith(verdict)]) == 1
    assert "offered" in answer.out


def test_out_gets_the_page_and_the_numbers(tmp_path: Path) -> None:
    answer = axonal("noc", *SMALL, "--sweep", "0.1:0.3:0.1", "--out", "deep/er")
    assert answer.status == 0, answer.err
    assert {path.name for path in (tmp_path / "deep" / "er").iterdir()} == {"noc.html", "noc.json"}
    kept = json.loads((tmp_path / "deep" / "er" / "noc.json").read_text())
    assert set(kept) == {
        "schema_version",
        "parameters",
        "mesh",
        "points",
        "saturation_load",
        "analytical",
        "links",
    }
    assert len(kept["points"]) == 3
    assert str(Path("deep/er/noc.html")) in answer.out


def test_equal_calls_give_equal_numbers() -> None:
    def numbers() -> dict[str, Any]:
        answer = found(*SMALL, "--traffic", "weights:5=9", "--rate", "0.2")
        del answer["cpu_s"]
        return answer

    assert numbers() == numbers()


def test_an_interrupted_sweep_keeps_its_finished_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Watch, study: Study, point: Point) -> None:
        plain(self, study, point)
        if len(study.points) == 2:
            raise KeyboardInterrupt

    plain = Watch.found
    monkeypatch.setattr(Watch, "found", interrupt)
    answer = axonal("noc", *SMALL, "--sweep", "0.1:0.5:0.1", "--out", "kept")
    assert answer.status == INTERRUPTED
    assert answer.complaint.endswith("stopped: 2 of 5 points are finished and are in kept")
    assert len(json.loads((tmp_path / "kept" / "noc.json").read_text())["points"]) == 2
    assert (tmp_path / "kept" / "noc.html").is_file()


WRONG = {
    "rate zero": (("--rate", "0"), ("--rate", "is 0", "> 0")),
    "rate high": (("--rate", "1.5"), ("--rate", "1.5", "<= 1")),
    "rate not a number": (("--rate", "nan"), ("--rate", "nan")),
    "mesh flat": (("--mesh", "0x8"), ("--mesh", "'0x8'", "1x1")),
    "mesh in words": (("--mesh", "eight"), ("--mesh", "'eight'", "for example 8x8")),
    "mesh huge": (("--mesh", "300x8"), ("--mesh", "'300x8'", "256x256")),
    "no virtual channel": (("--vcs", "0"), ("--vcs", "is 0", "1 to 62")),
    "no buffer": (("--buffer", "0"), ("--buffer", "is 0", "1 to")),
    "buffers too large": (("--mesh", "256x256", "--buffer", "4096"), ("--buffer 4096", "must be <=", "--mesh")),
    "packet empty": (("--packet-flits", "0"), ("--packet-flits", "is 0", "1 to 4096")),
    "packet long": (("--packet-flits", "5000"), ("--packet-flits", "5000", "1 to 4096")),
    "pipeline of 3": (("--pipeline", "1,1,1"), ("--pipeline", "'1,1,1'", "3 numbers", "must be 4")),
    "pipeline in words": (("--pipeline", "a"), ("--pipeline", "'a'", "whole numbers")),
    "allocation at once": (("--pipeline", "1,0,1,1"), ("--pipeline", "VC allocation is 0", "must be 1")),
    "speculation on long": (("--speculative", "--pipeline", "1,2,1,1"), ("--speculative", "1,2,1,1")),
    "credits from the future": (("--credit-delay", "-1"), ("--credit-delay", "-1", "0 to")),
    "link from the future": (("--link-latency", "-1"), ("--link-latency", "-1", "0 to")),
    "traffic unknown": (("--traffic", "unifrom"), ("--traffic", "'unifrom'", "did you mean 'uniform'")),
    "spot outside": (("--traffic", "hotspot:64"), ("--traffic", "node 64", "0 to 63")),
    "weight of nobody": (("--traffic", "weights:70=2"), ("--traffic", "node 70", "0 to 63")),
    "trace missing": (("--traffic", "trace:none.csv"), ("none.csv", "does not exist")),
    "trace without name": (("--traffic", "trace:"), ("--traffic", "trace:FILE")),
    "trace malformed": (("--traffic", "trace:bad.csv"), ("bad.csv, line 2", "target is 64", "0 to 63")),
    "boundary outside": (("--d2d-after-column", "7"), ("--d2d-after-column", "is 7", "0 to 6")),
    "boundary twice": (("--d2d-after-column", "3,3"), ("--d2d-after-column", "3,3", "different")),
    "boundary in words": (("--d2d-after-column", "x"), ("--d2d-after-column", "'x'", "whole numbers")),
    "boundary of one column": (("--mesh", "1x8", "--d2d-after-column", "0"), ("1 column", "--mesh")),
    "link between no dies": (("--d2d-latency", "5"), ("--d2d-latency", "--d2d-after-column")),
    "link at once": (("--d2d-after-column", "3", "--d2d-latency", "0"), ("--d2d-latency", "is 0", "1 to")),
    "link too fast": (
        ("--d2d-after-column", "3", "--d2d-cycles-per-flit", "0"),
        ("--d2d-cycles-per-flit", "is 0", "0.001"),
    ),
    "lane of too many": (("--d2d-after-column", "3", "--rows-per-lane", "9"), ("--rows-per-lane", "is 9", "1 to 8")),
    "routing unknown": (("--routing", "westfirst"), ("--routing", "'westfirst'", "did you mean 'west-first'")),
    "routing on a torus": (("--torus", "--routing", "o1turn"), ("--routing o1turn", "--torus", "xy or yx")),
    "channels of a torus": (("--torus", "--vcs", "1"), ("--vcs", "is 1", ">= 2", "--torus")),
    "channels of two orders": (("--routing", "o1turn", "--vcs", "1"), ("--vcs", "is 1", ">= 2", "o1turn")),
    "sweep short": (("--sweep", "0.1"), ("--sweep", "'0.1'", "FIRST:LAST:STEP")),
    "sweep backwards": (("--sweep", "0.5:0.1:0.1"), ("--sweep", "must rise")),
    "sweep from nothing": (("--sweep", "0:0.5:0.1"), ("--sweep", "is 0", "> 0")),
    "sweep endless": (("--sweep", "0.1:0.9:1e-9"), ("--sweep", "1000 loads")),
    "sweep and rate": (("--sweep", "0.1:0.2:0.1", "--rate", "0.1"), ("--rate 0.1", "--sweep")),
    "burst empty": (("--burst", "0"), ("--burst", "is 0", "must be 1")),
    "burst too large": (("--burst", "9999999"), ("--burst", "packets", "must be <=")),
    "burst and sweep": (("--burst", "4", "--sweep", "0.1:0.2:0.1"), ("--sweep", "--burst 4")),
    "burst and saturation": (("--burst", "4", "--find-saturation"), ("--find-saturation", "--burst 4")),
    "burst and trace": (("--burst", "4", "--traffic", "trace:bad.csv"), ("--burst 4", "trace:bad.csv")),
    "seed negative": (("--seed", "-1"), ("--seed", "-1", "0 to")),
    "period empty": (("--cycles", "0"), ("--cycles", "is 0", "must be 1")),
    "too much traffic": (("--cycles", "100000000"), ("--cycles", "packets", "must be <=")),
    "nothing sent": (("--cycles", "3", "--warmup", "0", "--rate", "0.00001"), ("no packet", "raise the rate")),
}


@pytest.mark.parametrize(("words", "expected"), WRONG.values(), ids=WRONG)
def test_a_wrong_option_is_refused_in_one_line(
    words: tuple[str, ...], expected: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("cycle,source,target,flits\n0,1,64,1\n")
    answer = axonal("noc", *words, "--out", "never")
    assert answer.status == BAD_INPUT
    assert answer.out == ""
    assert [part for part in expected if part not in answer.complaint] == []
    assert not (tmp_path / "never").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_the_simulation(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    answer = axonal("noc", "--out", "file/below")
    assert answer.status == BAD_INPUT
    assert "--out" in answer.complaint


def test_a_load_that_is_not_used_is_said_to_be_so() -> None:
    answer = axonal("noc", *SMALL, "--burst", "2", "--rate", "0.3")
    assert answer.status == 0
    assert "--rate 0.3 is not used" in answer.err


WITHOUT = """
import sys
from axonal.cli.app import _status
sys.argv = ["axonal", "noc", "--help"]
assert _status() == 0
assert not {"torch", "numba"} & set(sys.modules)
sys.argv = ["axonal", "noc", "--mesh", "2x2", "--burst", "1"]
assert _status() == 0
assert "torch" not in sys.modules
"""


def test_neither_help_nor_simulation_loads_torch_and_help_no_compiler() -> None:
    ended = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
