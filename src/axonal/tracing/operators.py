"""What each ATen operator computes: multiply-accumulates, additions, other arithmetic.

Counts are for the whole batch that the shapes describe. An operator that is not in
these tables is refused by name rather than guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from axonal.workload import LayerKind

__all__ = ["ANCHORS", "Count", "counter", "is_free", "keeps_symbols", "renames"]


@dataclass(frozen=True, kw_only=True)
class Count:
    """Operations of one operator call."""

    macs: float = 0.0
    accumulates: float = 0.0
    elementwise_ops: float = 0.0


Counter = Callable[[Sequence[Any], Any], Count]
"""From the evaluated arguments and the result to the operations."""

FREE = frozenset(
    "_assert_scalar _assert_tensor_metadata _unsafe_view alias arange as_strided broadcast_tensors cat chunk clone "
    "concat constant_pad_nd contiguous copy detach detach_ dropout dropout_ expand expand_as feature_dropout "
    "flatten flip full full_like getitem index index_select lift_fresh lift_fresh_copy movedim narrow new_empty "
    "new_full new_ones new_zeros ones ones_like pad permute repeat reshape roll select slice split "
    "split_with_sizes squeeze stack swapaxes sym_size t tile to transpose tril triu type_as unbind unflatten unfold "
    "unsqueeze view view_as zeros zeros_like _to_copy empty empty_like sym_constrain_range_for_size "
    "sym_numel gather upsample_nearest1d upsample_nearest2d upsample_nearest3d pixel_shuffle channel_shuffle "
    "repeat_interleave".split()
)
"""Moves or renames data: no arithmetic."""

RENAMES = frozenset(
    "alias clone contiguous detach flatten movedim permute reshape squeeze swapaxes t transpose unflatten unsqueeze "
    "view view_as _unsafe_view dropout".split()
)
"""The same elements in another shape: for the wire, the same tensor."""

KEEPS_SYMBOLS = (FREE | {"max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool2d"}) - {"full", "ones", "zeros"}
"""Symbols that go in come out as symbols."""

ELEMENTWISE = {
    1: "abs clamp clamp_max clamp_min eq exp floor ge gt hardtanh le log log2 logical_and logical_not logical_or lt "
    "masked_fill max maximum min minimum mul ne neg prelu reciprocal relu relu_ relu6 round rsqrt sign sqrt "
    "square threshold trunc where ceil div floor_divide remainder sigmoid tanh leaky_relu sin cos erf expm1 log1p "
    "pow bitwise_and bitwise_or bitwise_not bitwise_xor isnan isinf amax amin argmax argmin topk sort "
    "hardsigmoid atan fmod max_pool1d max_pool2d max_pool3d adaptive_max_pool2d adaptive_max_pool1d",
    2: "silu elu celu selu hardswish softplus mish logsigmoid softsign log_sigmoid glu silu_ cumprod prod",
    3: "gelu lerp softmax log_softmax _softmax _log_softmax logsumexp addcmul addcdiv",
    4: "norm linalg_vector_norm var std var_mean std_mean",
    6: "layer_norm native_layer_norm group_norm native_group_norm rms_norm instance_norm cosine_similarity normalize",
}
"""Operations for each element of the largest operand; transcendental functions count as one."""

ACCUMULATES = frozenset(
    "add add_ sub sub_ rsub sum mean cumsum avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d "
    "adaptive_avg_pool2d adaptive_avg_pool3d scatter_add index_add logcumsumexp".split()
)

ANCHORS: dict[str, LayerKind] = {
    **dict.fromkeys(("linear", "addmm", "gru_cell", "lstm_cell", "rnn_tanh_cell", "rnn_relu_cell"), "linear"),
    **dict.fromkeys(("gru", "lstm", "rnn_tanh", "rnn_relu"), "linear"),
    **dict.fromkeys(("matmul", "mm", "bmm", "baddbmm", "mv", "dot", "einsum"), "matmul"),
    "scaled_dot_product_attention": "matmul",
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), "convolution"),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), "convolution"),
    "embedding": "embedding",
    "fire": "spike",
    "quantize": "encode",
    **dict.fromkeys(("layer_norm", "group_norm", "rms_norm", "native_layer_norm", "native_group_norm"), "elementwise"),
}
"""Operators that begin a layer of their own, and its kind."""


def _numel(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.numel()
    return sum(_numel(item) for item in value) if isinstance(value, list | tuple) else 0


def _largest(args: Sequence[Any], result: Any) -> int:
    return max([_numel(result), *(_numel(arg) for arg in args)])


def _linear(args: Sequence[Any], result: Tensor) -> Count:
    bias = args[2] if len(args) > 2 else None
    return Count(macs=result.numel() * args[1].shape[-1], accumulates=result.numel() if bias is not None else 0)


def _addmm(args: Sequence[Any], result: Tensor) -> Count:
    return Count(macs=result.numel() * args[1].shape[-1], accumulates=result.numel())


def _matmul(args: Sequence[Any], result: Tensor) -> Count:
    return Count(macs=result.numel() * args[0].shape[-1])


def _convolution(args: Sequence[Any], result: Tensor) -> Count:
    bias = args[2] if len(args) > 2 else None
    return Count(macs=result.numel() * args[1][0].numel(), accumulates=result.numel() if bias is not None else 0)


def _general_convolution(args: Sequence[Any], result: Tensor) -> Count:
    return _transposed(args, result) if args[6] else _convolution(args, result)


def _transposed(args: Sequence[Any], result: Tensor) -> Count:
    bias = args[2] if len(args) > 2 else None
    return Count(macs=args[0].numel() * args[1][0].numel(), accumulates=result.numel() if bias is not None else 0)


def _attention(args: Sequence[Any], result: Tensor) -> Count:
    query, key = args[0], args[1]
    scores = query.shape[:-1].numel() * key.shape[-2]
    return Count(macs=scores * (query.shape[-1] + result.shape[-1]), elementwise_ops=3 * scores)


def _einsum(args: Sequence[Any], result: Tensor) -> Count:
    del result
    terms = args[0].replace(" ", "").split("->")[0].split(",")
    sizes = {axis: n for term, value in zip(terms, args[1], strict=True) for axis, n in zip(term, value.shape, strict=True)}
    return Count(macs=math.prod(sizes.values()) * max(1, len(terms) - 1))


def _recurrent(args: Sequence[Any], result: Any) -> Count:
    """Cells and whole sequences: each matrix is used once for each vector that comes in."""
    vectors = args[0].shape[:-1].numel()
    matrices = [p for arg in args[1:] for p in (arg if isinstance(arg, list | tuple) else [arg])]
    weights = sum(p.numel() for p in matrices if isinstance(p, torch.nn.Parameter) and p.dim() == 2)
    return Count(macs=float(vectors * weights), elementwise_ops=6.0 * _numel(result))


def _embedding(args: Sequence[Any], result: Tensor) -> Count:
    del args
    return Count(accumulates=result.numel())


def _fire(args: Sequence[Any], result: tuple[Tensor, Tensor]) -> Count:
    """Leak and reset for each step after the first; as many comparisons as the symbol has bits."""
    steps, elements, levels = args[0].shape[0], result[0].numel(), args[3]
    carried = elements * (steps - 1) / steps
    return Count(macs=carried, accumulates=carried, elementwise_ops=elements * (1 + math.log2(levels)))


def _quantize(args: Sequence[Any], result: Tensor) -> Count:
    del args
    return Count(elementwise_ops=2 * result.numel())


def _accumulate(args: Sequence[Any], result: Any) -> Count:
    return Count(accumulates=_largest(args, result))


def _elementwise(operations: int) -> Counter:
    return lambda args, result: Count(elementwise_ops=operations * _largest(args, result))


COUNTERS: dict[str, Counter] = {
    **{name: _elementwise(cost) for cost, names in ELEMENTWISE.items() for name in names.split()},
    **dict.fromkeys(ACCUMULATES, _accumulate),
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot"), _matmul),
    **dict.fromkeys(("addmm", "baddbmm"), _addmm),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    **dict.fromkeys(("gru_cell", "lstm_cell", "rnn_tanh_cell", "rnn_relu_cell"), _recurrent),
    **dict.fromkeys(("gru", "lstm", "rnn_tanh", "rnn_relu"), _recurrent),
    # In evaluation mode BatchNorm is one scale and one shift for each element.
    "batch_norm": _elementwise(2),
    "convolution": _general_convolution,
    "einsum": _einsum,
    "embedding": _embedding,
    "fire": _fire,
    "linear": _linear,
    "quantize": _quantize,
    "scaled_dot_product_attention": _attention,
}


def counter(name: str) -> Counter:
    """The counter of an operator; KeyError when there is none."""
    return COUNTERS[name]


def is_free(name: str) -> bool:
    """Whether an operator only moves or renames data."""
    return name in FREE


def renames(name: str) -> bool:
    """Whether the result of an operator is its input in another shape."""
    return name in RENAMES


def keeps_symbols(name: str) -> bool:
    """Whether symbols stay symbols through an operator."""
    return name in KEEPS_SYMBOLS
