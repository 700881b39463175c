from __future__ import annotations

import pytest
import torch
from models_cases import NETWORKS, SMALL, built
from torch import Tensor, nn

from axonal.models import cnn, mlp, rwkv, speech
from axonal.spiking import LIF
from axonal.tracing import trace

both = pytest.mark.parametrize("spiking", [False, True], ids=["dense", "spiking"])


@both
@pytest.mark.parametrize("name", NETWORKS)
def test_logits_have_one_row_for_each_example(name: str, spiking: bool) -> None:
    model, example = built(name, spiking)
    logits = model(example)
    assert logits.shape == ((4, 7, 16) if name == "rwkv" else (4, 3))
    assert bool(torch.isfinite(logits).all())
    assert model.eval()(example[:1]).shape == (1, *logits.shape[1:])


@both
@pytest.mark.parametrize("name", NETWORKS)
def test_examples_of_a_batch_do_not_mix(name: str, spiking: bool) -> None:
    model, example = built(name, spiking)
    with torch.no_grad():
        together, alone = model.eval()(example), model(example[2:3])
    torch.testing.assert_close(together[2:3], alone, rtol=1e-4, atol=1e-5)


@both
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_reach_every_parameter(name: str, spiking: bool) -> None:
    model, example = built(name, spiking)
    logits = model(example)
    (logits * torch.linspace(-1, 1, logits.numel()).view_as(logits)).sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.any(), key


@pytest.mark.parametrize("name", NETWORKS)
def test_spiking_networks_pass_on_nothing_but_spikes_and_their_sums(name: str) -> None:
    model, example = built(name, True)
    fired: dict[str, Tensor] = {}
    read: dict[str, Tensor] = {}
    for key, module in model.named_modules():
        if isinstance(module, LIF):
            module.register_forward_hook(lambda _, __, result, key=key: fired.update({key: result.detach()}))
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_pre_hook(lambda _, args, key=key: read.update({key: args[0].detach()}))
    model.eval()(example)
    assert len(fired) == sum(isinstance(module, LIF) for module in model.modules()) > 0
    for key, spikes in fired.items():
        assert set(spikes.unique().tolist()) <= {0.0, 1.0}, key
    assert any(0 < float(spikes.mean()) < 1 for spikes in fired.values())
    # Who reads the image or the sound itself, or the mean over all frames.
    other = {"mlp": ["blocks.0.linear"], "cnn": ["blocks.0.convolution"], "speech": ["input", "head"]}.get(name, [])
    for key, value in read.items():
        if key not in other:
            assert torch.equal(value, value.round()), key
            assert float(value.min()) >= 0, key


@both
@pytest.mark.parametrize("name", SMALL)
def test_builders_make_networks_that_can_be_traced(name: str, spiking: bool) -> None:
    model, example = SMALL[name](spiking)
    assert len(example) == 2
    workload = trace(model, example)
    assert workload.weights == sum(parameter.numel() for parameter in model.parameters())
    assert any(layer.kind == "spike" for layer in workload.layers) == spiking
    assert any(layer.event_driven and layer.dense_macs for layer in workload.layers) == spiking


@pytest.mark.parametrize("name", SMALL)
def test_dense_and_spiking_forms_have_the_same_weight_matrices(name: str) -> None:
    shapes = []
    for spiking in (False, True):
        model = SMALL[name](spiking)[0]
        shapes.append({key: p.shape for key, p in model.named_parameters() if p.dim() > 1 and key[-3:] != "mix"})
    assert shapes[0] == shapes[1]


@both
def test_networks_take_other_images(spiking: bool) -> None:
    for small in (cnn.small, mlp.small):
        model, example = small((1, 12, 12), 5, spiking=spiking)
        assert model(example).shape == (2, 5)


@pytest.mark.parametrize("image", [(1, 8, 12), (1, 10, 10)])
def test_images_that_cannot_be_halved_twice_are_refused(image: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=f"image is {image[1]}x{image[2]}: height must equal width"):
        cnn.small(image)


@both
@pytest.mark.parametrize("changed", [1, 4, 6])
def test_a_later_byte_never_changes_an_earlier_logit(spiking: bool, changed: int) -> None:
    model, tokens = built("rwkv", spiking)
    other = tokens.clone()
    other[:, changed:] = (tokens[:, changed:] + 5) % 16
    with torch.no_grad():
        before, after = model.eval()(tokens), model(other)
    assert torch.equal(before[:, :changed], after[:, :changed])
    assert not torch.allclose(before[:, changed], after[:, changed])


def test_an_earlier_byte_is_remembered() -> None:
    model, tokens = built("rwkv", False)
    other = tokens.clone()
    other[:, 0] = (tokens[:, 0] + 5) % 16
    with torch.no_grad():
        assert not torch.allclose(model(tokens)[:, -1], model(other)[:, -1], rtol=1e-4)


def test_windows_of_any_length_are_read() -> None:
    model = rwkv.Rwkv(8, 1, 2, 16)
    tokens = torch.randint(0, 16, (2, 9))
    with torch.no_grad():
        torch.testing.assert_close(model(tokens[:, :4]), model(tokens)[:, :4])


@both
@pytest.mark.parametrize("changed", [1, 4, 6])
def test_a_later_frame_never_changes_an_earlier_state_of_the_stream(spiking: bool, changed: int) -> None:
    model, sound = built("speech", spiking)
    states: list[Tensor] = []
    model.eval().blocks.register_forward_hook(lambda _, __, stream: states.append(stream))  # type: ignore[union-attr]
    other = sound.clone()
    other[:, :, changed:] = 1 - sound[:, :, changed:]
    with torch.no_grad():
        before, after = model(sound), model(other)
    assert torch.equal(states[0][:, :changed], states[1][:, :changed])
    assert not torch.equal(states[0][:, changed:], states[1][:, changed:])
    assert not torch.equal(before, after)


def test_an_answer_to_a_sound_is_read_from_the_mean_of_its_frames() -> None:
    model, sound = built("speech", False)
    states: list[Tensor] = []
    model.eval().head_norm.register_forward_hook(lambda _, __, stream: states.append(stream))  # type: ignore[union-attr]
    with torch.no_grad():
        logits = model(sound)
        torch.testing.assert_close(model.head(states[0].mean(1)), logits)  # type: ignore[operator]
        assert model(sound[:, :, :3]).shape == logits.shape


def test_dropout_is_for_training_alone() -> None:
    for name in ("speech", "rwkv"):
        torch.manual_seed(0)
        model = speech.Speech(5, 3, 8, 1, 2, dropout=0.5) if name == "speech" else rwkv.Rwkv(8, 2, 2, 16, dropout=0.5)
        example = NETWORKS[name](False)[1]
        assert not torch.equal(model(example), model(example))
        model.eval()
        assert torch.equal(model(example), model(example))


def test_a_sound_of_several_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="sound has 2 channels, must have 1: mix them down"):
        speech.small((2, 64, 32))
