"""What the receiver knows without being told: a guess from the tokens that the model itself was given.

The tokens of a language model are small beside its activations. When they cross, too, both dies can look up what
the tensor is on average, given the last few tokens, and only the rest has to be sent.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Known"]

REACH = 3
"""Tokens that the guess is made of, the present one first."""

RANK = 64
"""Width of the tables of large alphabets."""

LARGE = 1024
"""Alphabet from which on the tables are factorised."""

SHRINK = 4.0
"""Times that the overall mean is thought to have been seen beside each token."""


class Known(nn.Module):
    """The mean of a tensor given the last few tokens, as a sum of tables, learned further in training.

    Args:
        tokens: Size of the alphabet.
        features: Channels of the tensor.
        reach: Tokens that are looked up, the present one among them.
    """

    def __init__(self, tokens: int, features: int, reach: int = REACH) -> None:
        super().__init__()
        self.size = tokens
        width = min(RANK, features) if tokens > LARGE else features
        self.tables = nn.ModuleList(nn.Embedding(tokens, width) for _ in range(reach))
        self.spread = nn.Linear(width, features, bias=False) if width < features else nn.Identity()

    @property
    def token_bits(self) -> int:
        """Bits of a token, as it crosses."""
        return math.ceil(math.log2(self.size))

    def forward(self, tokens: Tensor) -> Tensor:
        """The guess, shape `batch token feature`, for tokens `batch token`."""
        found = [table(_before(tokens, back)) for back, table in enumerate(self.tables)]
        guess: Tensor = self.spread(torch.stack(found).sum(0))
        return guess

    @torch.no_grad()
    def fit(self, tokens: Tensor, value: Tensor) -> None:
        """Set the tables to means of a tensor, each to those of what the tables before it leave.

        Args:
            tokens: Shape `batch token`.
            value: Shape `batch token feature`.
        """
        rest = value.flatten(0, 1) - value.flatten(0, 1).mean(0)
        found = []
        for back in range(len(self.tables)):
            index = _before(tokens, back).flatten()
            found.append(_means(index, rest, self.size))
            rest = rest - functional.embedding(index, found[-1])
        if isinstance(self.spread, nn.Linear):
            _, _, axes = torch.linalg.svd(torch.cat(found), full_matrices=False)
            kept = axes[: self.spread.in_features]
            self.spread.weight.copy_(kept.T)
            found = [means @ kept.T for means in found]
        for table, means in zip(self.tables, found, strict=True):
            table.get_parameter("weight").copy_(means)


def _before(tokens: Tensor, back: int) -> Tensor:
    """The token so many places before; the first of a window stands for those before it."""
    length = tokens.shape[1]
    return torch.cat([tokens[:, :1].expand(-1, min(back, length)), tokens[:, : max(0, length - back)]], dim=1)


def _means(index: Tensor, value: Tensor, size: int) -> Tensor:
    """Mean of the values of each index, shrunk towards zero where there are few."""
    sums = value.new_zeros(size, value.shape[1]).index_add_(0, index, value)
    return sums / (torch.bincount(index, minlength=size) + SHRINK)[:, None]
