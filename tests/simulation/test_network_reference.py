"""The network engine gives the very numbers of BookSim2 where no random number is involved."""

from __future__ import annotations

import json

import pytest
from simulation_reference import FOLDER, ROOT, SOME_GOLDEN, experiment, rows_of

exact, rows, run = experiment("exact"), experiment("rows"), experiment("run")

needs_files = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"reference files are not at {FOLDER}")


def name_of(row: dict[str, str]) -> str:
    return rows.label(row).replace(" ", "_")


@pytest.mark.parametrize("row", rows_of(SOME_GOLDEN), ids=name_of)
def test_a_burst_takes_exactly_as_long_as_in_booksim(row: dict[str, str]) -> None:
    found = exact.golden_row(row)
    assert found["equal"], found


@needs_files
def test_every_deterministic_burst_of_the_reference_is_met_exactly() -> None:
    found = exact.golden(FOLDER)
    assert [row for row in found["rows"] if not row["equal"]] == []
    assert found["of"] == 29


@needs_files
def test_a_lone_packet_takes_as_long_as_in_the_reference_over_any_number_of_routers() -> None:
    found = exact.zero_load(FOLDER)
    assert [row for row in found["rows"] if not row["equal"]] == []
    assert found["of"] == 75


@pytest.mark.parametrize(
    ("pipeline", "speculative", "hop_cycles"),
    [("1,1,1,1", 0, 5), ("0,1,1,1", 0, 4), ("0,1,1,1", 1, 3), ("1,1,1,2", 0, 6), ("1,2,1,1", 0, 6)],
)
@pytest.mark.parametrize("routers", [1, 2, 7, 14])
def test_a_lone_flit_takes_its_hops_and_two_cycles_to_be_injected(
    pipeline: str, speculative: int, hop_cycles: int, routers: int
) -> None:
    names = ("routing_delay", "vc_alloc_delay", "sw_alloc_delay", "switch_traversal")
    row = {
        **dict(zip(names, pipeline.split(","), strict=True)),
        "router": "",
        "speculative": str(speculative),
        "link_latency": "1",
        "h_routers_traversed": str(routers),
        "latency_1flit_cycles_observed_min": str(hop_cycles * routers + 2),
    }
    assert exact.zero_load_row(row)["equal"]


def test_the_page_of_the_validation_says_what_the_committed_results_say() -> None:
    assert run.main(["--check"]) == 0


def test_the_committed_results_hold_what_the_engine_promises() -> None:
    found = json.loads(run.RESULTS.read_text(encoding="utf-8"))
    assert found["golden"]["equal"] == found["golden"]["of"] == 29
    assert found["zero_load"]["equal"] == found["zero_load"]["of"] == 75


def test_without_the_reference_files_the_experiment_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    before = run.RESULTS.read_bytes()
    assert run.main(["--reference", str(ROOT / "nowhere")]) == 0
    assert "skipped" in capsys.readouterr().out
    assert run.RESULTS.read_bytes() == before
