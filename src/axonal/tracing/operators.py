"""What each ATen operator computes: multiply-accumulates, additions, other arithmetic.

Counts are for the whole batch that the shapes describe. An operator that is not in
these tables is refused by name rather than guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from axonal.workload import LayerKind

__all__ = [
    "ANCHORS",
    "Count",
    "Counter",
    "counter",
    "factors",
    "is_free",
    "is_shaped",
    "keeps_symbols",
    "renames",
    "selects",
]


@dataclass(frozen=True, kw_only=True)
class Count:
    """Operations of one operator call."""

    macs: float = 0.0
    accumulates: float = 0.0
    elementwise_ops: float = 0.0


Counter = Callable[[Sequence[Any], Any], Count]
"""From the evaluated arguments and the result to the operations."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FREE = _names(
    "_assert_scalar _assert_tensor_metadata _unsafe_view alias arange as_strided broadcast_tensors broadcast_to cat "
    "chunk clone column_stack concat constant_pad_nd contiguous copy detach diag diagonal dropout dstack expand "
    "expand_as eye feature_dropout fill flatten flip full full_like getitem hstack index index_put index_select "
    "lift_fresh lift_fresh_copy linspace meshgrid moveaxis movedim narrow new_empty new_full new_ones new_zeros ones "
    "ones_like pad permute repeat reshape roll scalar_tensor select select_scatter slice slice_scatter split "
    "split_with_sizes squeeze stack swapaxes swapdims sym_size t tile to transpose tril triu type_as unbind "
    "unflatten unfold unsafe_chunk unsafe_split unsqueeze view view_as vstack zero zeros zeros_like _to_copy empty "
    "empty_like sym_constrain_range_for_size sym_numel gather upsample_nearest1d upsample_nearest2d "
    "upsample_nearest3d pixel_shuffle pixel_unshuffle channel_shuffle repeat_interleave mT mH numpy_T adjoint"
)
"""Moves or renames data: no arithmetic."""

REPEATS = _names("broadcast_to expand expand_as repeat repeat_interleave tile")

RENAMES = REPEATS | _names(
    "alias clone contiguous detach dropout flatten moveaxis movedim permute reshape squeeze swapaxes swapdims t "
    "transpose unflatten unsqueeze view view_as _unsafe_view mT mH numpy_T adjoint"
)
"""The same elements in another shape, or repeated: for the wire, the same tensor."""

SELECTS = _names(
    "chunk diagonal gather index index_select narrow select slice split split_with_sizes unbind unsafe_chunk "
    "unsafe_split"
)
"""Takes a part of the elements."""

MAKES = _names("arange copy fill full index_put scalar_tensor select_scatter slice_scatter")

SHAPED = _names("empty_like full_like new_empty new_full new_ones new_zeros ones_like zeros_like")
"""Takes the shape of a tensor and none of its values."""

KEEPS_SYMBOLS = (FREE | {"max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool2d"}) - MAKES
"""Symbols that go in come out as symbols."""

ELEMENTWISE = {
    1: "abs clamp clamp_max clamp_min eq exp floor ge gt hardtanh le log log2 logical_and logical_not logical_or lt "
    "masked_fill max maximum min minimum mul ne neg prelu reciprocal relu relu6 round rsqrt sign sqrt "
    "square threshold trunc where ceil div floor_divide remainder sigmoid tanh leaky_relu sin cos erf expm1 log1p "
    "pow bitwise_and bitwise_or bitwise_not bitwise_xor isnan isinf amax amin argmax argmin topk sort "
    "hardsigmoid atan fmod max_pool1d max_pool2d max_pool3d adaptive_max_pool2d adaptive_max_pool1d",
    2: "silu elu celu selu hardswish softplus mish logsigmoid softsign log_sigmoid glu cumprod prod",
    3: "gelu lerp softmax log_softmax _softmax _log_softmax logsumexp addcmul addcdiv nan_to_num",
    4: "norm linalg_vector_norm var std var_mean std_mean",
    6: "layer_norm native_layer_norm group_norm native_group_norm rms_norm instance_norm cosine_similarity normalize",
}
"""Operations for each element of the largest operand; transcendental functions count as one."""

ACCUMULATES = frozenset(
    [
        "add",
        "add_",
        "sub",
        "sub_",
        "rsub",
        "sum",
        "mean",
        "cumsum",
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "adaptive_avg_pool1d",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool3d",
        "scatter_add",
        "index_add",
        "logcumsumexp",
    ]
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


SPARSE = frozenset(name for name, kind in ANCHORS.items() if kind in ("linear", "convolution", "matmul")) - _names(
    "gru_cell lstm_cell rnn_tanh_cell rnn_relu_cell gru lstm rnn_tanh rnn_relu scaled_dot_product_attention"
)
"""A zero of any operand leaves out its products; cells and attention multiply dense values within them as well."""


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


def _axes(term: str, dims: int) -> tuple[str, ...]:
    """The axes of an operand; those of an ellipsis are numbered from the right, as they broadcast."""
    before, _, after = term.partition("...")
    hidden = dims - len(before) - len(after)
    return (*before, *(str(number) for number in range(hidden, 0, -1)), *after)


def _einsum(args: Sequence[Any], result: Tensor) -> Count:
    """Contracted from left to right; an axis of one operand alone is summed before the product.

    A product that sums over nothing is no multiply-accumulate.
    """
    inputs, arrow, output = args[0].replace(" ", "").partition("->")
    operands = [_axes(term, value.dim()) for term, value in zip(inputs.split(","), args[1], strict=True)]
    pairs = [
        pair for axes, value in zip(operands, args[1], strict=True) for pair in zip(axes, value.shape, strict=True)
    ]
    size = {axis: max(n for name, n in pairs if name == axis) for axis, _ in pairs}
    once = {axis for axis in size if sum(axis in axes for axes in operands) == 1 or axis.isdigit()}
    kept = set(_axes(output, result.dim())) if arrow else once
    left, macs, products = set(operands[0]), 0, 0
    for number, right in enumerate(operands[1:], start=2):
        both, later = left & set(right), kept.union(*operands[number:])
        operations = math.prod(size[axis] for axis in left | set(right) if axis in later | both)
        macs += operations if both - later else 0
        products += 0 if both - later else operations
        left = (left | set(right)) & later
    return Count(macs=macs, elementwise_ops=products, accumulates=0 if len(operands) > 1 else args[1][0].numel())


def _recurrent(args: Sequence[Any], result: Any) -> Count:
    """Cells and whole sequences: each matrix is used once for each vector that comes in."""
    matrices = args[2] if isinstance(args[2], list | tuple) else args[2:4]
    weights = sum(matrix.numel() for matrix in matrices if matrix.dim() == 2)
    return Count(macs=float(args[0].shape[:-1].numel() * weights), elementwise_ops=6.0 * _numel(result))


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


def is_shaped(name: str) -> bool:
    """Whether an operator takes the shape of a tensor and none of its values."""
    return name in SHAPED


def selects(name: str) -> bool:
    """Whether an operator takes a part of the elements."""
    return name in SELECTS


def factors(name: str, sources: Sequence[Any]) -> Sequence[Any]:
    """Those of an operator's inputs whose zeros leave out multiply-accumulates."""
    if name in ("addmm", "baddbmm"):
        return sources[1:]
    return sources if name in SPARSE else ()
