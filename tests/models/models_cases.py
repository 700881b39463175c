"""Reference networks, small enough for tests."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from axonal.models import cnn, mlp, rwkv, speech

torch.set_num_threads(1)  # the tensors are tiny: more threads would only wait for each other

NETWORKS: dict[str, Callable[[bool], tuple[nn.Module, Tensor]]] = {
    "mlp": lambda spiking: (mlp.Mlp(9, 6, 3, time_steps=3 * spiking), torch.rand(4, 1, 3, 3)),
    "cnn": lambda spiking: (cnn.Cnn(1, 8, 3, width=2, time_steps=3 * spiking), torch.rand(4, 1, 8, 8)),
    "rwkv": lambda spiking: (rwkv.Rwkv(8, 2, 2, 16, spiking=spiking), torch.randint(0, 16, (4, 7))),
    "speech": lambda spiking: (speech.Speech(5, 3, 8, 2, 2, spiking=spiking), torch.rand(4, 1, 7, 5)),
}

SMALL: dict[str, Callable[[bool], tuple[nn.Module, Tensor]]] = {
    "mlp": lambda spiking: mlp.small(spiking=spiking),
    "cnn": lambda spiking: cnn.small(spiking=spiking),
    "rwkv": lambda spiking: rwkv.small(8, spiking=spiking),
    "speech": lambda spiking: speech.small((1, 8, 32), spiking=spiking),
}
"""The builders that studies call."""


def built(name: str, spiking: bool) -> tuple[nn.Module, Tensor]:
    """A network with fixed weights, whose neurons fire, and an example batch."""
    torch.manual_seed(3)
    model, example = NETWORKS[name](spiking)
    for key, parameter in model.named_parameters():
        if key.endswith("log_threshold"):
            nn.init.constant_(parameter, -2.0)
    return model, example
