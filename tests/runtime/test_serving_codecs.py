"""The codecs of the wire between both ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from serving_parts import INSECURE, Raw
from torch import Tensor

from axonal.runtime.crossing import Agreement, Crossing
from axonal.runtime.lanes import codec_for
from axonal.runtime.remote import RemotePart
from axonal.runtime.serving import serving
from axonal.wire import Message, MessageKind

SYMBOLS = ("bitmap", "address", "dense", "gap", "bitmap_zstd", "range")
SPIKES = Crossing(name="spikes", shape=(4, 8, 64), levels=3, signed=True, codecs=SYMBOLS)
TOKENS = Crossing(name="tokens", shape=(8,), levels=50_000, codecs=("dense",))
LOGITS = Crossing(name="logits", shape=(10,), codecs=("fp32", "fp16"))


class Spiking:
    """Takes events and tokens."""

    layout = "spikes, then a sum"
    inputs = (SPIKES, TOKENS)
    outputs = (LOGITS,)

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        spikes, tokens = tensors
        return (spikes.flatten(1)[:, :10] * 0.1 + tokens.sum(1, keepdim=True),)


def _inputs(batch: int) -> tuple[Tensor, Tensor]:
    chance = torch.Generator().manual_seed(batch)
    spikes = torch.randint(-3, 4, (batch, *SPIKES.shape), generator=chance).float()
    spikes *= torch.rand(spikes.shape, generator=chance) < 0.1
    return spikes, torch.randint(0, 50_001, (batch, 8), generator=chance).float()


def _remote(address: str, codec: str | None = None) -> RemotePart:
    return RemotePart(address, agreement=Agreement.of(Spiking()), credentials=INSECURE, codec=codec, timeout_s=60)


@pytest.mark.parametrize("codec", SYMBOLS)
def test_events_and_tokens_cross_exactly_in_every_codec_of_symbols(codec: str) -> None:
    with serving(Spiking(), credentials=INSECURE) as server, _remote(server.address, codec) as remote:
        inputs = _inputs(5)
        assert torch.equal(remote(*inputs)[0], Spiking()(*inputs)[0])
        rows = inputs[0].reshape(-1, 64).numpy()
        frames = [codec_for(codec, SPIKES).encode(rows), codec_for("dense", TOKENS).encode(inputs[1].numpy())]
        assert remote.counts.sent_frame_bytes == sum(map(len, frames))


def test_floats_may_come_back_rounded_where_the_client_asks_for_it() -> None:
    with serving(Spiking(), credentials=INSECURE) as server, _remote(server.address, "fp16") as remote:
        spikes, tokens = _inputs(2)
        tokens /= tokens.amax()
        wanted = Spiking()(spikes, tokens.round())[0]
        assert torch.equal(remote(spikes, tokens.round())[0], wanted.half().float())


def test_frames_that_are_garbled_below_right_checksums_are_refused_and_the_server_lives() -> None:
    agreement = Agreement.of(Spiking())
    chance = np.random.default_rng(0)
    spikes, tokens = _inputs(1)
    refused = 0
    with serving(Spiking(), credentials=INSECURE) as server:
        with Raw(server.address) as raw:
            hello = raw.hello(layout=agreement.number, inputs=("bitmap", "dense"), outputs=("fp32",))
            raw.send(hello.seal())
            raw.session = raw.message()[0].session
            for turn in range(300):
                for index, (crossing, tensor) in enumerate(zip(agreement.inputs, (spikes, tokens), strict=True)):
                    used = codec_for(crossing.codecs[turn % len(crossing.codecs)], crossing)
                    frame = bytearray(used.encode(tensor.reshape(-1, crossing.channels).numpy()))
                    if index == 0:
                        frame[int(chance.integers(len(frame)))] ^= 1 << int(chance.integers(8))
                        frame = frame[: int(chance.integers(len(frame) + 1))] if turn % 3 == 0 else frame
                    header = Message(
                        kind=MessageKind.REQUEST,
                        codec=used.number,
                        session=raw.session,
                        boundary=index,
                        elements=tensor.numel(),
                        layout=agreement.number,
                    )
                    raw.send(header.seal(frame))
                refused += raw.refusal().reason == "request"
        with _remote(server.address) as remote:
            assert torch.equal(remote(spikes, tokens)[0], Spiking()(spikes, tokens)[0])
    assert refused == 300
