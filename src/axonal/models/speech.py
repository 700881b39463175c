"""A small network over frames of sound: RWKV blocks between a linear map and a mean over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from axonal.models.rwkv import Block
from axonal.spiking import LIF

__all__ = ["Speech", "small"]


class Speech(nn.Module):
    """Blocks that look back only, so that a stream can be followed frame by frame.

    Args:
        bands: Energies of a frame.
        classes: Classes to tell apart.
        features: Width of the stream.
        blocks: Number of blocks.
        heads: Heads of the time mixing.
        dropout: Share of the elements that training leaves out after the input and before the read-out.
        spiking: LIF neurons whose time axis is the frame axis.
    """

    def __init__(  # noqa: PLR0913 - the sizes of a network
        self,
        bands: int,
        classes: int,
        features: int = 96,
        blocks: int = 4,
        heads: int = 3,
        *,
        dropout: float = 0.2,
        spiking: bool = False,
    ) -> None:
        super().__init__()
        self.input = nn.Linear(bands, features)
        self.norm = nn.LayerNorm(features)
        self.spike = LIF(features) if spiking else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*(Block(features, heads, 2 * features, spiking=spiking) for _ in range(blocks)))
        self.head_norm = nn.Identity() if spiking else nn.LayerNorm(features)
        self.head = nn.Linear(features, classes)

    def forward(self, sound: Tensor) -> Tensor:
        """Logits `batch class` of energies `batch 1 frame band`."""
        stream = self.dropout(self.spike(self.norm(self.input(sound.squeeze(1)))))
        logits: Tensor = self.head(self.dropout(self.head_norm(self.blocks(stream)).mean(dim=1)))
        return logits


def small(
    sound: tuple[int, int, int] = (1, 64, 32), classes: int = 10, *, spiking: bool = False
) -> tuple[Speech, Tensor]:
    """The network for spoken digits and an example batch.

    Args:
        sound: Channels (one), frames and bands.
        classes: Classes to tell apart.
        spiking: LIF neurons everywhere.

    Raises:
        ValueError: When there is more than one channel.
    """
    channels, _, bands = sound
    if channels != 1:
        raise ValueError(f"sound has {channels} channels, must have 1: mix them down")
    return Speech(bands, classes, spiking=spiking), torch.zeros(2, *sound)
