"""Two real comparisons for every test that only reads them: all variants of a seed, and two variants of two seeds."""

from __future__ import annotations

import pytest
from study_runs import Run, asked, ran


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ran(asked(tmp_path_factory.mktemp("base") / "cache"))


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ran(asked(tmp_path_factory.mktemp("seeds") / "cache", seeds=(1, 0), variants=("ann", "hybrid")))
