from __future__ import annotations

import torch

import axonal
from axonal.hardware import load
from axonal.models import cnn
from axonal.spiking import Boundary, Graded, calibrate, insert_boundaries


def test_boundaries_of_patches_are_traced_and_cross_as_events() -> None:
    torch.manual_seed(0)
    model, _ = cnn.small()
    images = torch.rand(4, 1, 8, 8)
    part = axonal.partition(axonal.trace(model.eval(), images), load("snap_4x4_2"))
    hybrid = insert_boundaries(
        model, images, part.boundaries, lambda features, axis: Boundary(features, features, Graded(2), axis, patch=2)
    )
    calibrate(hybrid, images)
    workload = axonal.trace(hybrid, images)
    kinds = {layer.kind for layer in workload.layers}
    crossing = part.extended(workload).boundaries
    assert {"encode", "decode"} <= kinds
    assert [edge.symbols for edge in crossing] == ["event"] * len(part.boundaries)
