from __future__ import annotations

import pytest
import torch
from hypothesis import given
from kernels_unrolled import neurons, quick
from torch import Tensor

from axonal.kernels.scan import backward, backward_plain, forward, forward_plain


@given(neurons())
@quick
def test_compiled_and_plain_forward_loops_agree_exactly(case: tuple[Tensor, Tensor, Tensor, int, bool]) -> None:
    for ours, plain in zip(forward(*case), forward_plain(*case), strict=True):
        assert torch.equal(ours, plain)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_compiled_and_plain_backward_loops_agree(dtype: torch.dtype, steps: int) -> None:
    source = torch.Generator().manual_seed(steps)
    through, current = (torch.randn(steps, 4, 3, generator=source, dtype=dtype) for _ in range(2))
    leak, threshold = (
        torch.rand(3, generator=source, dtype=dtype),
        torch.rand(4, 1, generator=source, dtype=dtype) + 0.2,
    )
    symbols, ratios = forward_plain(current, leak, threshold, 2, True)
    ours = backward(through, symbols, ratios, leak, threshold)
    plain = backward_plain(through, symbols, ratios, leak, threshold)
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other)
        assert one.any() or steps == 1


def test_loops_take_tensors_of_any_strides_and_answer_contiguous_ones() -> None:
    source = torch.Generator().manual_seed(0)
    current, through = (torch.randn(3, 4, 5, generator=source).transpose(1, 2) for _ in range(2))
    leak, threshold = torch.rand(4, generator=source), torch.rand(4, generator=source) + 0.2
    symbols, ratios = forward(current, leak, threshold, 2, True)
    expected = forward(current.contiguous(), leak, threshold, 2, True)
    assert torch.equal(symbols, expected[0])
    assert torch.equal(ratios, expected[1])
    strided = (through, *(tensor.mT.contiguous().mT for tensor in (symbols, ratios)))
    gradients = backward(*strided, leak, threshold)
    for one, other in zip(gradients, backward(through.contiguous(), symbols, ratios, leak, threshold), strict=True):
        assert torch.equal(one, other)
        assert one.is_contiguous()


def test_the_gradient_operator_passes_the_checks_of_torch_for_custom_operators() -> None:
    through = torch.randn(3, 2, 4)
    leak, threshold = torch.rand(4), torch.rand(4) + 0.2
    symbols, ratios = forward(torch.randn(3, 2, 4), leak, threshold, 2, True)
    arguments = (through.transpose(1, 2).contiguous().transpose(1, 2), symbols, ratios, leak, threshold)
    assert set(torch.library.opcheck(torch.ops.axonal.fire_gradients.default, arguments).values()) == {"SUCCESS"}
