"""Bits, energies and the report add up, and a constant of the links changes the links only."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from study_runs import ENERGY_PARTS, Run, asked, base_run, ran
from torch import Tensor, nn

from axonal import wire
from axonal.data import load as load_data
from axonal.hardware import load
from axonal.spiking import Encoder
from axonal.study import VARIANTS
from axonal.study.measure import Measured, Subject
from axonal.tracing import trace
from axonal.training import examples
from axonal.views import write
from axonal.views.variants import lookup

TRACED = 64
EVERY = tuple(VARIANTS)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return base_run(tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("variant", EVERY)
def test_counted_bits_equal_packed_bytes_up_to_the_padding(base: Run, variant: str) -> None:
    boundaries = base.result["variants"][variant]["boundaries"]
    assert len(boundaries) >= 3
    for item in boundaries:
        assert 0 <= item["wire_bytes"] * 8 - item["packed_bits"] < 8


@pytest.mark.parametrize("variant", EVERY)
def test_what_a_second_look_at_the_model_sees_crossing_is_what_was_counted(base: Run, variant: str) -> None:
    for subject, measured in base.of(variant):
        edges = measured.placement.partition.boundaries
        for edge, symbols, item in zip(edges, _sent(subject, measured), measured.report.boundaries, strict=True):
            rows = symbols.reshape(len(symbols), -1)
            packet_format = wire.cheapest(edge)
            frames = [packet_format.pack(row) for row in rows]
            assert all((packet_format.unpack(f, row.size) == row).all() for f, row in zip(frames, rows, strict=True))
            assert rows.shape == (TRACED, item.elements)
            assert np.count_nonzero(rows) / TRACED == pytest.approx(item.events, abs=1e-9)
            padding = 8 * np.mean([len(frame) for frame in frames]) - item.packed_bits
            assert 0 <= padding < 8


def _sent(subject: Subject, measured: Measured) -> list[Any]:
    """What left each boundary's encoder (or spiking layer) for the traced inputs, seen by hooks of torch alone."""
    names = [edge.source for edge in measured.placement.partition.boundaries]
    seen: list[Tensor] = []

    def see(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        seen.append(output.detach())

    encoders: list[nn.Module] = [module for module in subject.model.modules() if isinstance(module, Encoder)]
    sources = encoders or [subject.model.get_submodule(name) for name in names]
    hooks = [module.register_forward_hook(see) for module in sources]
    subject.model.eval()
    data = load_data("digits")
    with torch.no_grad():
        subject.model(examples(data, data.test, 0, TRACED)[0])
    for hook in hooks:
        hook.remove()
    return [tensor.round().to(torch.int32).numpy() for tensor in seen]


def test_a_second_trace_of_the_same_weights_gives_the_same_workload(base: Run) -> None:
    ((subject, measured),) = base.of("hybrid")
    data = load_data("digits")
    assert trace(subject.model, examples(data, data.test, 0, TRACED)[0]) == measured.workload


@pytest.mark.parametrize("variant", EVERY)
def test_bits_of_boundaries_bits_on_links_and_their_sum_agree(base: Run, variant: str) -> None:
    system = load(base.request.system)
    found = base.result["variants"][variant]
    packed, packetised, energy_pj = [], [], []
    for _, measured in base.of(variant):
        report = measured.report
        loads = [item.bits for item in report.links if item.kind == "d2d"]
        packed.append(sum(item.packed_bits * item.link_hops for item in report.boundaries))
        packetised.append(sum(item.packetised_bits * item.link_hops for item in report.boundaries))
        energy_pj.append(sum(loads) * system.links[0].energy_pj_per_bit)
        # Frames are predicted, whole flits simulated: the last one of each tile may be part empty.
        predicted = [item.bits for item in measured.predicted.links if item.kind == "d2d"]
        assert sum(predicted) == pytest.approx(packed[-1], rel=1e-12)
        assert sum(loads) >= packed[-1] * (1 - 1e-12)
        assert all(bits % system.chips[0].noc.flit_bits == 0 for bits in loads)
    assert found["link_bits_packed"] == pytest.approx(np.mean(packed), rel=1e-12)
    assert found["link_bits_packetised"] == pytest.approx(np.mean(packetised), rel=1e-12)
    assert found["energy_pj"]["d2d"] == pytest.approx(np.mean(energy_pj), rel=1e-12)


@pytest.mark.parametrize("variant", EVERY)
def test_energy_is_the_sum_of_its_parts(base: Run, variant: str) -> None:
    energy = base.result["variants"][variant]["energy_pj"]
    assert energy.keys() == {"total", *ENERGY_PARTS}
    assert energy["total"] == pytest.approx(sum(energy[part] for part in ENERGY_PARTS), rel=1e-12)


class Numbers(HTMLParser):
    """Numbers of a page that say which number of the result they are."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        said = dict(attrs)
        if said.get("data-key"):
            self.found.append((str(said["data-key"]), str(said["data-value"])))


def test_numbers_of_the_report_are_those_of_the_result(base: Run, tmp_path: Path) -> None:
    written = write(base.result, tmp_path)
    result = json.loads(written.result.read_text(encoding="utf-8"))
    page = Numbers()
    page.feed(written.report.read_text(encoding="utf-8"))
    assert result == base.result
    for key, value in page.found:
        assert json.loads(value) == lookup(result, key), key
    shown = {key for key, _ in page.found}
    figures = ["link_bits_packed", "latency_ns", "quality.value", *(f"energy_pj.{part}" for part in ENERGY_PARTS)]
    assert {f"variants.{variant}.{figure}" for variant in EVERY for figure in figures} <= shown


@pytest.fixture(scope="module")
def costlier(base: Run) -> Run:
    """The same on links of ten times the energy."""
    assert base.request.cache is not None
    return ran(asked(base.request.cache, variants=("ann", "hybrid"), overrides=LINKS))


LINKS = (("links.ucie.energy", "5 pJ/bit"),)


def test_other_links_train_nothing_again(base: Run, costlier: Run) -> None:
    assert base.watcher.steps
    assert costlier.watcher.steps == []


@pytest.mark.parametrize("variant", ["ann", "hybrid"])
def test_energy_of_the_links_changes_their_energy_and_nothing_else(base: Run, costlier: Run, variant: str) -> None:
    old, new = (dict(run.result["variants"][variant]) for run in (base, costlier))
    before, after = old.pop("energy_pj"), new.pop("energy_pj")
    for found in (old, new):
        del found["profiles"]
        found["analytical"] = {key: value for key, value in found["analytical"].items() if key != "energy_pj"}
    assert new == old
    assert after["d2d"] == pytest.approx(10 * before["d2d"], rel=1e-12)
    assert after["total"] - before["total"] == pytest.approx(after["d2d"] - before["d2d"], rel=1e-9)
    assert {part: after[part] for part in after if part not in ("d2d", "total")} == {
        part: before[part] for part in before if part not in ("d2d", "total")
    }


def test_energy_of_the_links_changes_the_ratio_of_energies_only(base: Run, costlier: Run) -> None:
    old, new = (dict(run.result["ratios"]["hybrid_over_ann"]) for run in (base, costlier))
    assert new.pop("energy") < old.pop("energy")
    assert new == old
