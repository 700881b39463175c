"""Nothing is trained twice, an interrupted comparison goes on, and equal seeds give equal numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_runs import RUN_ONLY, Counting, Run, asked, base_run, ran, two_seeds, without

from axonal.study.cache import Cache, content_key

PAIR = ("ann", "hybrid")
STEPS = (60, 3)
"""Weights are kept every 50 steps."""


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return base_run(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return two_seeds(tmp_path_factory.getbasetemp())


def test_the_second_run_trains_nothing_and_gives_the_equal_result(base: Run) -> None:
    again = ran(base.request)
    assert len(base.watcher.steps) == 2 + 4 + 4 * 2
    assert again.watcher.steps == []
    assert again.measured == ()
    assert again.result == base.result


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ran(asked(tmp_path_factory.mktemp("unbroken"), steps=STEPS, variants=PAIR))


def test_an_interrupted_run_goes_on_where_it_was_and_ends_in_the_same_result(unbroken: Run, tmp_path: Path) -> None:
    request = asked(tmp_path, steps=STEPS, variants=PAIR)
    first, second, third = Counting(interrupt_at=55), Counting(interrupt_at=12), Counting()
    with pytest.raises(KeyboardInterrupt):
        ran(request, first)
    with pytest.raises(KeyboardInterrupt):
        ran(request, second)
    resumed = ran(request, third)
    dense, ann, hybrid = (f"{name} · seed 0" for name in ("dense", *PAIR))
    assert first.steps == [(dense, step) for step in range(1, 56)]
    assert second.steps == [*((dense, step) for step in range(51, 61)), (ann, 1), (ann, 2)]
    assert third.steps == [(title, step) for title in (ann, hybrid) for step in (1, 2, 3)]
    assert without(resumed.result, *RUN_ONLY) == without(unbroken.result, *RUN_ONLY)


def test_partial_weights_are_gone_when_a_run_is_done(unbroken: Run) -> None:
    assert unbroken.request.cache is not None
    names = sorted(path.name for path in unbroken.request.cache.iterdir())
    assert [name.partition(".")[2] for name in names if not name.startswith(".")].count("safetensors") == 3
    assert not [name for name in names if "partial" in name or name.startswith(".")]


@pytest.mark.parametrize("variant", PAIR)
def test_a_seed_gives_the_same_numbers_in_another_cache_and_in_other_company(
    base: Run, seeds: Run, variant: str
) -> None:
    assert base.request.cache != seeds.request.cache
    ((_, expected),), (_, (_, found)) = base.of(variant), seeds.of(variant)
    assert found.seed == expected.seed == 0
    assert found.report == expected.report
    assert found.workload == expected.workload
    assert found.quality == expected.quality
    assert found.trained.curve == expected.trained.curve


def test_different_seeds_give_different_weights(seeds: Run) -> None:
    (_, first), (_, second) = seeds.of("hybrid")
    assert first.trained.curve != second.trained.curve


def test_another_target_trains_the_hybrid_again_and_nothing_else(base: Run) -> None:
    assert base.request.cache is not None
    changed = ran(asked(base.request.cache, target=3.0, variants=("hybrid",)))
    assert changed.watcher.steps == [("hybrid · seed 0", 1), ("hybrid · seed 0", 2)]


def test_a_lost_result_is_gathered_from_the_weights(base: Run, tmp_path: Path) -> None:
    assert base.request.cache is not None
    shutil.copytree(base.request.cache, tmp_path, dirs_exist_ok=True)
    for kept in tmp_path.glob("*.result.json"):
        kept.write_text(kept.read_text()[:1000])
    again = ran(asked(tmp_path, variants=("ann",)))
    assert again.watcher.steps == []
    assert len(again.measured) == 1
    assert again.result["variants"]["ann"] == base.result["variants"]["ann"]
    assert ran(again.request).result == again.result


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"text"'])
def test_a_damaged_result_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "key.result.json").write_text(text)
    assert Cache(tmp_path).result("key") is None


@given(facts=st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())), name=st.text())
def test_changed_facts_have_another_key_and_equal_ones_the_same(facts: dict[str, object], name: str) -> None:
    turned = dict(reversed(facts.items()))
    assert content_key(turned) == content_key(facts)
    assert content_key({**facts, name: {"changed": True}}) != content_key(facts)
