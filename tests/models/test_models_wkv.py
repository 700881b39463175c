from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from axonal.models.rwkv import wkv, wkv_recurrent


def inputs(length: int, seed: int, *, heads: int = 2, features: int = 3) -> tuple[Tensor, ...]:
    source = torch.Generator().manual_seed(seed)
    r, k, v = (torch.randn(2, heads, length, features, generator=source, dtype=torch.float64) for _ in range(3))
    decay = torch.rand(heads, generator=source, dtype=torch.float64) * 0.98 + 0.01
    bonus = torch.randn(heads, features, generator=source, dtype=torch.float64)
    return tuple(tensor.requires_grad_() for tensor in (r, k, v, decay, bonus))


@given(length=st.integers(1, 20), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_parallel_and_recurrent_forms_agree_in_values_and_gradients(length: int, seed: int) -> None:
    given_ = inputs(length, seed)
    parallel, recurrent = wkv(*given_), wkv_recurrent(*given_)
    torch.testing.assert_close(parallel, recurrent, rtol=1e-9, atol=1e-10)
    weights = torch.linspace(-1, 1, parallel.numel(), dtype=torch.float64).view_as(parallel)
    used = given_ if length > 1 else (*given_[:3], given_[4])
    ours, slow = (torch.autograd.grad((form * weights).sum(), used) for form in (parallel, recurrent))
    for one, other in zip(ours, slow, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("decay", [0.0, 1e-45, 1e-20, 1.0])
def test_extreme_decays_stay_finite_and_agree(decay: float) -> None:
    r, k, v, _, bonus = (tensor.detach().float() for tensor in inputs(12, seed=1))
    forget = torch.full((2,), decay, requires_grad=True)
    parallel = wkv(r, k, v, forget, bonus)
    torch.testing.assert_close(parallel, wkv_recurrent(r, k, v, forget, bonus), rtol=1e-4, atol=1e-5)
    (gradient,) = torch.autograd.grad(parallel.sum(), forget)
    assert bool(torch.isfinite(gradient).all())
