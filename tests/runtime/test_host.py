"""`host_system`: processes as a system on which models are cut evenly and simulated."""

from __future__ import annotations

import pytest
from test_probing import PROBE
from torch import nn

from axonal.hardware import System
from axonal.mapping import partition, place
from axonal.models import cnn, rwkv
from axonal.runtime.host import HostLink, host_system
from axonal.simulation import simulate
from axonal.tracing import trace
from axonal.workload import Workload


@pytest.fixture(scope="module", params=[cnn, rwkv], ids=["cnn", "rwkv"])
def workload(request: pytest.FixtureRequest) -> Workload:
    model, example = request.param.small()
    assert isinstance(model, nn.Module)
    return trace(model, example)


@pytest.mark.parametrize("stages", [2, 3, 4])
def test_models_are_cut_into_as_many_stages_as_there_are_ranks(workload: Workload, stages: int) -> None:
    system = host_system(stages)
    cut = partition(workload, system)
    assert cut.chips == tuple(f"rank{number}" for number in range(stages))
    loads = [sum(layer.operations for layer in workload.layers if cut.chip_of(layer.name) == c) for c in cut.chips]
    assert min(loads) > 0.3 * sum(loads) / stages
    report = simulate(workload, place(workload, cut, system), system)
    assert report.valid
    assert report.link_bits_packed > 0
    assert report.energy is not None
    assert report.energy.total_pj == 0


def test_what_a_probe_measured_is_in_the_system_with_its_source() -> None:
    system = host_system(3, PROBE)
    assert [(link.a, link.b) for link in system.links] == [("rank0", "rank1"), ("rank1", "rank2")]
    assert all(link.bits_per_ns == 0.01 and link.latency_ns == 2e6 for link in system.links)
    core = system.chips[0].core
    assert core.lanes * core.clock_ghz == pytest.approx(PROBE.macs_per_ns)
    assert "measured by axonal probe on 2026-01-02T03:04:05+00:00 with edge:7700" in source(system, "tcp.bandwidth")
    assert "half of the round trip" in source(system, "tcp.latency")
    assert "product of 32-bit matrices" in source(system, "core.clock")


def test_every_number_has_a_source_and_energy_is_not_modelled() -> None:
    for system in (host_system(2), host_system(2, PROBE)):
        sources = [constant.source for constant in system.constants]
        assert all(text.startswith(("assumed: ", "measured ", "not modelled: ", "half of ")) for text in sources)
        assert all("not modelled" in item.source for item in system.constants if "energy" in item.key)
        assert len({constant.key for constant in system.constants}) == len(system.constants)


def test_a_link_can_be_given_apart_from_the_probe() -> None:
    link = HostLink(rate_bits_per_ns=0.5, round_trip_ns=1e6, source="assumed: an office network")
    system = host_system(2, PROBE, link=link)
    assert (system.links[0].bits_per_ns, system.links[0].latency_ns) == (0.5, 5e5)
    assert source(system, "tcp.bandwidth") == link.source


def test_a_single_rank_has_no_link() -> None:
    assert host_system(1).links == ()


@pytest.mark.parametrize("stages", [0, -1, 1025])
def test_the_number_of_ranks_is_bounded(stages: int) -> None:
    with pytest.raises(ValueError, match=f"stages is {stages}"):
        host_system(stages)


@pytest.mark.parametrize(
    ("name", "value"), [("rate_bits_per_ns", 0.0), ("round_trip_ns", float("inf")), ("source", " ")]
)
def test_a_link_that_is_none_is_refused(name: str, value: object) -> None:
    fields: dict[str, object] = {"rate_bits_per_ns": 1.0, "round_trip_ns": 1.0, "source": "assumed: x", name: value}
    with pytest.raises(ValueError, match=f"{name} is"):
        HostLink(**fields)  # type: ignore[arg-type]


def source(system: System, ending: str) -> str:
    return next(constant.source for constant in system.constants if constant.key.endswith(ending))
