"""A small RWKV-style language model over bytes, dense or spiking.

Token shift, receptance-key-value mixing with a decay for each head (as in RWKV-5
before its decays became a vector, Peng et al. 2024) and squared-ReLU channel
mixing. Training uses the parallel form; `wkv_recurrent` is its slow twin.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from axonal.spiking import LIF

__all__ = ["Rwkv", "small", "wkv", "wkv_recurrent"]


def wkv(receptance: Tensor, key: Tensor, value: Tensor, decay: Tensor, bonus: Tensor) -> Tensor:
    """y[t] = sum over s < t of (r[t] . k[s]) decay^(t-1-s) v[s] + (r[t] . (bonus k[t])) v[t].

    Args:
        receptance: r, shape `batch head token feature`.
        key: k, same shape.
        value: v, same shape.
        decay: Share of the state kept each token, shape `head`, in (0, 1).
        bonus: Weight of the present token, shape `head feature`.
    """
    length = receptance.shape[2]
    position = torch.arange(length, device=decay.device)
    distance = (position[:, None] - position[None, :] - 1).clamp(min=0)
    past = (position[:, None] > position[None, :]).to(decay.dtype)
    # A decay that underflows to zero must not become zero times minus infinity.
    kernel = decay.clamp(min=torch.finfo(decay.dtype).tiny).log()[:, None, None].mul(distance).exp() * past
    scores = torch.matmul(receptance, key.transpose(-1, -2)) * kernel
    present = (receptance * key * bonus[:, None, :]).sum(-1, keepdim=True)
    return torch.matmul(scores, value) + present * value


def wkv_recurrent(receptance: Tensor, key: Tensor, value: Tensor, decay: Tensor, bonus: Tensor) -> Tensor:
    """The same as `wkv`, token by token with a state of `feature x feature` for each head."""
    batch, heads, length, features = receptance.shape
    state = receptance.new_zeros(batch, heads, features, features)
    outputs = []
    for token in range(length):
        r, k, v = receptance[:, :, token], key[:, :, token], value[:, :, token]
        outer = k.unsqueeze(-1) * v.unsqueeze(-2)
        outputs.append(torch.einsum("bhi,bhij->bhj", r, state + bonus[:, :, None] * outer))
        state = decay[:, None, None] * state + outer
    return torch.stack(outputs, dim=2)


def shifted(value: Tensor) -> Tensor:
    """Each token sees the one before it; the first sees zeros. Shape `batch token feature`."""
    return functional.pad(value, (0, 0, 1, -1))


class TimeMix(nn.Module):
    """Mix tokens: receptance, key, value and gate read the input or, spiking, its spikes."""

    def __init__(self, features: int, heads: int, *, spiking: bool) -> None:
        super().__init__()
        self.heads = heads
        self.mix = None if spiking else nn.Parameter(torch.linspace(0.2, 0.8, features).repeat(4, 1))
        self.receptance, self.key, self.value, self.gate, self.output = (
            nn.Linear(features, features, bias=False) for _ in range(5)
        )
        self.decay = nn.Parameter(torch.linspace(-5.0, -0.5, heads))
        self.bonus = nn.Parameter(torch.full((heads, features // heads), 0.5))
        self.norm = nn.GroupNorm(heads, features)
        self.spike = LIF(features) if spiking else None

    def forward(self, value: Tensor) -> Tensor:
        """`batch token feature`."""
        if self.mix is None:
            inputs = [value] * 4
        else:
            before = shifted(value)
            inputs = [torch.lerp(before, value, weight) for weight in self.mix]
        r, k, v = (
            projection(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projection, x in zip((self.receptance, self.key, self.value), inputs, strict=False)
        )
        mixed = wkv(r, k / k.shape[-1] ** 0.5, v, torch.exp(-self.decay.exp()), self.bonus)
        mixed = self.norm(mixed.transpose(1, 2).flatten(0, 1).flatten(1)).unflatten(0, value.shape[:2])
        gated = mixed * functional.silu(self.gate(inputs[3]))
        result: Tensor = self.output(gated if self.spike is None else self.spike(gated))
        return result


class ChannelMix(nn.Module):
    """Mix channels with squared ReLU, or with spikes."""

    def __init__(self, features: int, hidden: int, *, spiking: bool) -> None:
        super().__init__()
        self.mix = None if spiking else nn.Parameter(torch.linspace(0.2, 0.8, features))
        self.key = nn.Linear(features, hidden, bias=False)
        self.value = nn.Linear(hidden, features, bias=False)
        self.spike = LIF(hidden) if spiking else None

    def forward(self, value: Tensor) -> Tensor:
        """`batch token feature`."""
        if self.spike is not None:
            value = self.spike(self.key(value))
        elif self.mix is not None:
            value = self.key(torch.lerp(shifted(value), value, self.mix)).relu().square()
        result: Tensor = self.value(value)
        return result


class Block(nn.Module):
    """Time mixing, then channel mixing, around a residual stream.

    Dense: each mixes the normalised stream. Spiking: each reads the stream, which is a
    small whole number, and adds the spikes of its normalised output to it (as SpikeGPT,
    Zhu et al. 2023).
    """

    def __init__(self, features: int, heads: int, hidden: int, *, spiking: bool) -> None:
        super().__init__()
        self.time_norm, self.channel_norm = nn.LayerNorm(features), nn.LayerNorm(features)
        self.time_mix = TimeMix(features, heads, spiking=spiking)
        self.channel_mix = ChannelMix(features, hidden, spiking=spiking)
        self.spikes = nn.ModuleList([LIF(features), LIF(features)]) if spiking else None

    def forward(self, stream: Tensor) -> Tensor:
        """`batch token feature`."""
        result: Tensor
        if self.spikes is None:
            result = stream + self.time_mix(self.time_norm(stream))
            result = result + self.channel_mix(self.channel_norm(result))
        else:
            result = stream + self.spikes[0](self.time_norm(self.time_mix(stream)))
            result = result + self.spikes[1](self.channel_norm(self.channel_mix(result)))
        return result


class Rwkv(nn.Module):
    """Embedding, blocks, read-out over byte values.

    Args:
        features: Width of the stream.
        blocks: Number of blocks.
        heads: Heads of the time mixing.
        symbols: Size of the alphabet.
        dropout: Share of the stream's elements that training leaves out after the embedding and after each block.
        spiking: LIF neurons whose time axis is the token axis.
    """

    def __init__(
        self,
        features: int = 96,
        blocks: int = 4,
        heads: int = 3,
        symbols: int = 256,
        *,
        dropout: float = 0.0,
        spiking: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, features)
        self.spike = LIF(features) if spiking else nn.Identity()
        self.norm = nn.LayerNorm(features)
        self.dropout = nn.Dropout(dropout)
        layers = [Block(features, heads, 2 * features, spiking=spiking) for _ in range(blocks)]
        self.blocks = nn.Sequential(
            *(nn.Sequential(layer, nn.Dropout(dropout)) for layer in layers) if dropout else layers
        )
        self.head_norm = nn.Identity() if spiking else nn.LayerNorm(features)
        self.head = nn.Linear(features, symbols, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits `batch token symbol` of the next byte for tokens `batch token`."""
        stream = self.spike(self.norm(self.dropout(self.embedding(tokens))))
        logits: Tensor = self.head(self.head_norm(self.blocks(stream)))
        return logits


def small(length: int = 128, *, spiking: bool = False) -> tuple[Rwkv, Tensor]:
    """The network of `axonal compare pydocs` and an example batch of token windows.

    Args:
        length: Bytes of one window.
        spiking: LIF neurons everywhere.
    """
    return Rwkv(spiking=spiking), torch.zeros(2, length, dtype=torch.int64)
