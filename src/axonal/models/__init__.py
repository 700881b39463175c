"""Reference networks, dense and spiking; none of them knows a chip.

Each builder is `small(..., spiking=False) -> (model, example)`.
"""

from axonal.models import cnn, mlp, rwkv, speech

__all__ = ["cnn", "mlp", "rwkv", "speech"]
