"""`advise`: predictions in closed form, when spikes pay, and codecs that change without flapping."""

from __future__ import annotations

import io
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from test_probing import PROBE
from torch import Tensor, fx, nn

from axonal.runtime.advise_measuring import Candidate, measured
from axonal.runtime.advise_predicting import Cost, HopCost, Setting, pays_below, predicted
from axonal.runtime.advising import Advice, AdviseSettings, advise, weighed
from axonal.runtime.crossing import Crossing
from axonal.runtime.stages import FLOAT_CODECS, SYMBOL_CODECS, Stage
from axonal.views.advice import advice_view, probe_view
from axonal.wire import MESSAGE_BYTES

SLOW, FAST = 0.02, 10.0
"""Rates in bits/ns."""

SYMBOLS = Crossing(name="s", shape=(8, 32), levels=1, codecs=SYMBOL_CODECS)
VALUES = Crossing(name="v", shape=(8, 32), codecs=FLOAT_CODECS)


class Firing(nn.Module):
    """Ones where a value is large."""

    def forward(self, value: Tensor) -> Tensor:
        return (value > 1.5).to(torch.float32)


class Shifted(nn.Module):
    def forward(self, value: Tensor) -> Tensor:
        return value + 0.5


def stages(between: Crossing, count: int = 2) -> tuple[Stage, ...]:
    ends = Crossing(name="x", shape=(8, 32), codecs=("fp32",))
    found = []
    for index in range(count):
        module = Firing() if between.levels and index == 0 else Shifted() if not between.levels else nn.Identity()
        graph = fx.Graph()
        source = graph.placeholder("x")
        graph.output((graph.call_module("step", (source,)),))
        found.append(
            Stage(
                fx.GraphModule({"step": module}, graph),
                (ends if index == 0 else between,),
                (ends if index == count - 1 else between,),
                layout="test",
                index=index,
                stages=count,
            )
        )
    return tuple(found)


DENSE_STAGES, SPIKE_STAGES = stages(VALUES), stages(SYMBOLS)


def dense(codec: str, quality: float | None = None) -> Candidate:
    return Candidate(name=codec, stages=DENSE_STAGES, codecs={"v": codec}, quality=quality)


def spikes(codec: str, quality: float | None = None) -> Candidate:
    name = f"spikes, {codec}"
    return Candidate(name=name, stages=SPIKE_STAGES, codecs={"s": codec}, quality=quality, spikes=True)


def cost(compute_ms: Sequence[float], size: int, encode_ms: float = 0.0, decode_ms: float = 0.0) -> Cost:
    hop = HopCost(message_bytes=size, frame_bytes=size - MESSAGE_BYTES, encode_ms=encode_ms, decode_ms=decode_ms)
    return Cost(compute_ms=tuple(compute_ms), hops=(hop,) * (len(compute_ms) - 1))


FP16, BITMAP = cost((5.0, 5.0), 1_000_000), cost((5.5, 5.5), 60_000, 0.5, 0.5)


def test_the_slowest_of_ranks_and_links_sets_the_period() -> None:
    taken = cost((3.0, 4.0, 2.0), 125_000, encode_ms=1.0, decode_ms=0.5)
    at_ease = predicted(taken, Setting(rate_bits_per_ns=1.0, round_trip_ns=2e6))
    assert (at_ease.period_ms, at_ease.bound) == (5.5, "rank 1")
    assert at_ease.latency_ms == pytest.approx(9 + 2 * 1.5 + 2 * 1.0 + 2 * 1.0)
    slow = predicted(taken, Setting(rate_bits_per_ns=0.1))
    assert (slow.period_ms, slow.bound) == (10.0, "link 0->1")


def test_shared_cores_bound_the_period() -> None:
    taken = cost((3.0, 3.0, 3.0), 1000)
    assert predicted(taken, Setting(rate_bits_per_ns=1.0)).period_ms == 3.0
    shared = predicted(taken, Setting(rate_bits_per_ns=1.0, shared_cores=2))
    assert (shared.period_ms, shared.bound) == (4.5, "shared cores")
    assert predicted(taken, Setting(rate_bits_per_ns=1.0, shared_cores=64)).period_ms == 3.0


def test_without_overlap_a_transfer_adds_to_its_receiver() -> None:
    taken = cost((1.0, 4.0), 125_000)
    found = predicted(taken, Setting(rate_bits_per_ns=1.0, round_trip_ns=5e5, overlaps=False))
    assert (found.period_ms, found.bound) == (5.5, "rank 1")


def test_each_message_costs_the_engine_something_at_both_ends() -> None:
    assert FP16.work_ms(0.25) == (5.25, 5.25)
    assert cost((1.0, 1.0, 1.0), 100, 0.5, 0.25).work_ms() == (1.5, 1.75, 1.25)


def test_spikes_pay_below_the_rate_at_which_the_dense_link_takes_as_long_as_their_rank() -> None:
    anywhere = Setting(rate_bits_per_ns=1.0)
    assert pays_below(BITMAP, FP16, anywhere) == pytest.approx(8e6 / 6.0 / 1e6, rel=1e-6)
    with_margin = pays_below(BITMAP, FP16, anywhere, margin=0.5)
    assert with_margin == pytest.approx(8e6 / 9.0 / 1e6, rel=1e-6)


def test_spikes_never_pay_where_they_are_longer_and_always_where_they_cost_nothing() -> None:
    anywhere = Setting(rate_bits_per_ns=1.0)
    assert pays_below(cost((9.0, 9.0), 2_000_000), FP16, anywhere) == 0
    assert math.isinf(pays_below(cost((4.0, 4.0), 60_000), FP16, anywhere))


@pytest.mark.parametrize("rate", [1e-4, 0.02, 0.3, 1.3, 1.4, 10.0, 1e3])
def test_the_crossover_agrees_with_the_predictions(rate: float) -> None:
    setting = Setting(rate_bits_per_ns=rate)
    pays = predicted(BITMAP, setting).period_ms < predicted(FP16, setting).period_ms
    assert pays == (rate < pays_below(BITMAP, FP16, setting))


def test_a_cost_has_one_hop_less_than_stages() -> None:
    with pytest.raises(ValueError, match="hops has 0 items, must have 1"):
        Cost(compute_ms=(1.0, 1.0), hops=())
    with pytest.raises(ValueError, match="encode_ms is -1"):
        replace(FP16.hops[0], encode_ms=-1.0)


@pytest.mark.parametrize(("name", "value"), [("rate_bits_per_ns", 0.0), ("round_trip_ns", -1.0), ("shared_cores", 0)])
def test_a_setting_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        Setting(**{"rate_bits_per_ns": 1.0, name: value})  # type: ignore[arg-type]


def weigh(pairs: Sequence[tuple[Candidate, Cost]], rate: float, settings: AdviseSettings | None = None) -> Advice:
    settings = settings or AdviseSettings()
    return weighed([c for c, _ in pairs], [c for _, c in pairs], 16, Setting(rate_bits_per_ns=rate), settings)


def test_advice_says_use_spikes_where_the_link_is_slow() -> None:
    found = weigh([(dense("fp16"), FP16), (spikes("bitmap"), BITMAP)], SLOW)
    assert found.use_spikes
    assert found.best == "spikes, bitmap"
    assert found.candidates[1].gain == pytest.approx(1_000_000 / 60_000)
    assert found.candidates[0].examples_per_s == pytest.approx(16e3 / 400)
    assert found.verdict.startswith("use spikes, bitmap: ")
    assert "16.67 times" in found.verdict


def test_advice_says_do_not_where_it_is_fast_and_when_they_would_pay() -> None:
    found = weigh([(dense("fp16"), FP16), (spikes("bitmap"), BITMAP)], FAST)
    assert not found.use_spikes
    assert found.best == "fp16"
    assert found.verdict.startswith("do not use spikes here: at 10 Gb/s spikes, bitmap would do ")
    assert "spikes begin to pay below 1.27 Gb/s (spikes, bitmap against fp16)" in found.verdict


def test_advice_says_when_they_never_pay() -> None:
    found = weigh([(dense("fp16"), FP16), (spikes("bitmap"), cost((9.0, 9.0), 2_000_000))], SLOW)
    assert "begin to pay at no rate, for fp16 is as fast or faster" in found.verdict


def test_the_best_dense_rival_counts_not_the_reference() -> None:
    four = cost((5.0, 5.0), 50_000)
    found = weigh([(dense("fp16"), FP16), (dense("int4"), four), (spikes("bitmap"), BITMAP)], SLOW)
    assert not found.use_spikes
    assert found.best == "int4"
    assert found.reference == "fp16"


def test_a_coding_that_costs_quality_is_no_rival_and_no_answer() -> None:
    four, good = cost((5.0, 5.0), 50_000), dense("fp16", 0.95)
    found = weigh([(good, FP16), (dense("int4", 0.80), four), (spikes("bitmap", 0.94), BITMAP)], SLOW)
    assert found.best == "spikes, bitmap"
    assert [item.good_enough for item in found.candidates] == [True, False, True]
    assert [item.comparable for item in found.crossovers] == [True, False]
    poor = weigh([(good, FP16), (spikes("bitmap", 0.80), BITMAP)], SLOW)
    assert not poor.use_spikes
    assert "none of them is about as good" in poor.verdict


def test_of_some_qualities_the_lower_is_the_better() -> None:
    pairs = [
        (replace(dense("fp16"), quality=2.0, lower_is_better=True), FP16),
        (replace(spikes("bitmap"), quality=1.5, lower_is_better=True), BITMAP),
        (replace(spikes("range"), quality=2.5, lower_is_better=True), BITMAP),
    ]
    assert [item.good_enough for item in weigh(pairs, SLOW).candidates] == [True, True, False]


def test_a_gain_within_the_margin_is_no_reason_for_spikes() -> None:
    slightly = cost((4.9, 4.9), 1000)
    pairs = [(dense("fp16"), FP16), (spikes("bitmap"), slightly)]
    assert not weigh(pairs, FAST).use_spikes
    assert weigh(pairs, FAST, AdviseSettings(margin=0.0)).use_spikes


def test_candidates_have_names_of_their_own_and_a_dense_one() -> None:
    with pytest.raises(ValueError, match="fp16 is given twice"):
        weigh([(dense("fp16"), FP16), (dense("fp16"), FP16)], SLOW)
    with pytest.raises(ValueError, match="no dense one"):
        weigh([(spikes("bitmap"), BITMAP)], SLOW)


def test_a_candidate_names_codecs_of_what_crosses() -> None:
    with pytest.raises(ValueError, match="'w', which does not cross: use v"):
        Candidate(name="a", stages=DENSE_STAGES, codecs={"w": "fp16"})
    with pytest.raises(ValueError, match="'gap' does not carry v"):
        Candidate(name="a", stages=DENSE_STAGES, codecs={"v": "gap"})
    with pytest.raises(ValueError, match="1 stages, must have at least 2"):
        Candidate(name="a", stages=DENSE_STAGES[:1])


def test_frames_are_really_made_and_times_are_those_of_the_clock() -> None:
    ticks = itertools.count(step=1_000_000)
    inputs = torch.randn(4, 8, 32, generator=torch.Generator().manual_seed(0))
    found = measured(
        [dense("fp16"), dense("fp32"), spikes("bitmap"), spikes("range")], inputs, rounds=2, clock=lambda: next(ticks)
    )
    elements = 4 * 8 * 32
    assert [item.hops[0].frame_bytes for item in found[:3]] == [2 * elements + 8, 4 * elements + 8, elements // 8 + 8]
    assert all(item.hops[0].message_bytes == item.hops[0].frame_bytes + MESSAGE_BYTES for item in found)
    assert all(item.compute_ms == (1.0, 1.0) for item in found)
    assert all((item.hops[0].encode_ms, item.hops[0].decode_ms) == (1.0, 1.0) for item in found)


def test_each_hop_of_a_longer_pipeline_is_measured() -> None:
    three = Candidate(name="a", stages=stages(VALUES, 3))
    (found,) = measured([three], torch.randn(2, 8, 32), rounds=1)
    assert (len(found.compute_ms), len(found.hops)) == (3, 2)
    assert all(ms > 0 for ms in found.compute_ms)
    with pytest.raises(ValueError, match="rounds is 0"):
        measured([three], torch.randn(2, 8, 32), rounds=0)


def test_advice_is_the_same_for_people_and_programs() -> None:
    candidates = [dense("fp16"), dense("int8"), spikes("bitmap"), spikes("range", 0.5)]
    found = advise(candidates, torch.randn(4, 8, 32), PROBE, AdviseSettings(rounds=1, shared_cores=2))
    data = json.loads(found.to_json())
    assert data["schema"] == "axonal-advice-1"
    assert data["link"] == "edge:7700"
    assert data["setting"]["rate_bits_per_ns"] == PROBE.rate_bits_per_ns
    assert [item["name"] for item in data["candidates"]] == [item.name for item in candidates]
    assert len(data["crossovers"]) == 4
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(advice_view(data))
    shown = console.export_text()
    assert data["verdict"][:40] in shown
    assert "10.0 Mb/s" in shown


def test_a_busy_machine_is_said_to_be_one() -> None:
    wall, processor = itertools.count(step=10**9), itertools.count(step=1_000)
    settings = AdviseSettings(rounds=1, wall=wall.__next__, clock=processor.__next__)
    found = advise([dense("fp16"), spikes("bitmap")], torch.randn(4, 8, 32), PROBE, settings)
    assert "this machine is busy" in found.notes[0]


def test_ranks_of_one_machine_share_its_cores() -> None:
    alone = replace(PROBE, link=replace(PROBE.link, loopback=True))
    assert AdviseSettings().on(alone).shared_cores == PROBE.machine.cores
    assert AdviseSettings(shared_cores=1).on(alone).shared_cores == 1
    assert AdviseSettings().on(PROBE).shared_cores is None
    assert AdviseSettings().on(alone.at(0.02)).shared_cores is None


def test_rates_without_end_are_no_numbers_in_json() -> None:
    found = weigh([(dense("fp16"), FP16), (spikes("bitmap"), cost((1.0, 1.0), 100))], FAST).to_dict()
    assert found["crossovers"][0]["at_every_rate"] is True
    assert found["crossovers"][0]["below_bits_per_ns"] is None
    json.dumps(found, allow_nan=False)


def test_a_probe_is_shown_with_its_codecs() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(probe_view(json.loads(PROBE.to_json())))
    shown = console.export_text()
    assert "20.0 Mb/s" in shown
    assert "gap" in shown
