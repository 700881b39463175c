"""Calibration from tensors that are not kind to a solver."""

from __future__ import annotations

import pytest
import torch

from axonal.spiking import Boundary, Graded


@pytest.mark.parametrize("seed", range(20))
def test_calibration_stays_finite_when_most_channels_are_silent(seed: int) -> None:
    torch.manual_seed(seed)
    value = torch.randn(64, 256) @ torch.randn(256, 256)
    value = torch.where(torch.rand(256) < 0.6, torch.zeros(()), value).relu()
    boundary = Boundary(256, 64, Graded(3))
    boundary.calibrate(value)
    assert all(torch.isfinite(parameter).all() for parameter in boundary.parameters())
    assert torch.isfinite(boundary(value)).all()


def test_calibration_of_a_constant_tensor_reproduces_it() -> None:
    value = torch.full((8, 4), 3.0)
    boundary = Boundary(4, 4, Graded(2))
    boundary.calibrate(value)
    assert torch.allclose(boundary(value), value, atol=1e-4)
