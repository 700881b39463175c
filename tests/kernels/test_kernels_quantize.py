from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from kernels_unrolled import gradients, quantize_unrolled, quick

from axonal.kernels import quantize


@given(bits=st.integers(2, 16), seed=st.integers(0, 1000))
@quick
def test_integers_are_the_nearest_within_the_range_of_the_bits(bits: int, seed: int) -> None:
    source = torch.Generator().manual_seed(seed)
    value = torch.randn(50, generator=source, dtype=torch.float64) * 2**bits
    scale = torch.rand(1, generator=source, dtype=torch.float64) + 0.5
    integers = quantize(value, scale, bits=bits)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    assert torch.equal(integers, integers.round())
    assert float(integers.min()) >= low
    assert float(integers.max()) <= high
    nearest = (value.clamp(float(low * scale), float(high * scale)) - integers * scale).abs()
    assert float(nearest.max()) <= 0.5 * float(scale) + 1e-9


def test_range_is_used_up_to_its_ends() -> None:
    assert quantize(torch.tensor([-9.0, 9.0]), torch.ones(1), bits=3).tolist() == [-4, 3]


def test_one_bit_is_the_sign() -> None:
    assert quantize(torch.tensor([-2.0, -0.1, 0.0, 0.1, 2.0]), torch.ones(1), bits=1).tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("shape", [(1,), (6,), (5, 6)])
def test_gradient_equals_autograd_through_the_straight_through_twin(bits: int, shape: tuple[int, ...]) -> None:
    source = torch.Generator().manual_seed(bits)
    value = (torch.randn(5, 6, generator=source, dtype=torch.float64) * 2 ** (bits - 1)).requires_grad_()
    scale = (torch.rand(shape, generator=source, dtype=torch.float64) + 0.5).requires_grad_()
    fast, slow = (function(value, scale, bits=bits) for function in (quantize, quantize_unrolled))
    assert torch.equal(fast.detach(), slow.detach())
    for ours, autograd in zip(gradients(fast, (value, scale)), gradients(slow, (value, scale)), strict=True):
        torch.testing.assert_close(ours, autograd, rtol=1e-9, atol=1e-12)
        assert ours.any()


def test_gradient_is_that_of_lsq_inside_the_range_and_zero_outside() -> None:
    value = torch.tensor([0.3, -0.7, 100.0, -100.0], requires_grad=True)
    scale = torch.tensor([0.5], requires_grad=True)
    quantize(value, scale, bits=3).sum().backward()
    assert value.grad is not None
    assert scale.grad is not None
    torch.testing.assert_close(value.grad, torch.tensor([2.0, 2.0, 0.0, 0.0]))
    torch.testing.assert_close(scale.grad, torch.tensor([-(0.3 - 0.7) / 0.25]))


@pytest.mark.parametrize("bits", [1, 4])
def test_quantize_passes_the_checks_of_torch_for_custom_operators(bits: int) -> None:
    value, scale = torch.randn(3, 4, requires_grad=True), torch.full((4,), 0.5, requires_grad=True)
    results = torch.library.opcheck(torch.ops.axonal.quantize.default, (value, scale, bits))
    assert set(results.values()) == {"SUCCESS"}


@pytest.mark.parametrize("bits", [0, 17])
def test_quantize_refuses_widths_that_no_code_has(bits: int) -> None:
    with pytest.raises(ValueError, match=f"bits is {bits}, must be 1 to 16"):
        quantize(torch.ones(2), torch.ones(1), bits=bits)
