"""One real comparison, of two seeds and all variants, for every test that only reads it."""

from __future__ import annotations

import pytest
from study_runs import Run, asked, ran


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ran(asked(tmp_path_factory.mktemp("study") / "cache", seeds=(0, 1)))
