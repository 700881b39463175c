"""Networks of one's own: `module:function` in the working folder, tried out before hours of training."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from study_runs import Run, asked, ran

from axonal.data import load
from axonal.study import compare
from axonal.study.cache import network_key
from axonal.study.recipes import network

NUMBERS = count()

OWN = """
from torch import nn

from axonal.spiking import LIF

{imports}

class Repeat(nn.Module):
    def forward(self, image):
        return image.flatten(1).unsqueeze(1).expand(-1, 2, -1)

class Mean(nn.Module):
    def forward(self, logits):
        return logits.mean(dim=1)

def build(dataset, spiking):
    widths = [dataset.train.inputs[0].numel(), 24, 24, 24, 24]
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), LIF(outputs) if spiking else nn.ReLU()]
    ends = (Repeat(), Mean()) if spiking else (nn.Flatten(), nn.Identity())
    return nn.Sequential(ends[0], *layers, nn.Linear(24, dataset.classes), ends[1])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def written(folder: Path, text: str) -> str:
    """Name of a module that no test has imported before."""
    name = f"own_network_{next(NUMBERS)}"
    (folder / f"{name}.py").write_text(text)
    return name


def test_an_own_network_is_compared_like_any_other(folder: Path) -> None:
    name = f"{written(folder, OWN.format(imports=''))}:build"
    run: Run = ran(asked(folder / "cache", network=name, variants=("snn", "hybrid")))
    assert run.result["workload"]["network"] == name
    assert all(len(run.result["variants"][name]["boundaries"]) >= 3 for name in ("snn", "hybrid"))
    assert run.result["variants"]["hybrid"]["bits_per_boundary_element"] < 8
    assert ran(run.request).watcher.steps == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def build(dataset, spiking):\n    return 5\n", "it is int, must be torch.nn.Module"),
        ("def build(dataset):\n    return None\n", "takes 1 positional argument but 2 were given"),
        ("def build(dataset, spiking):\n    raise RuntimeError('no such layer')\n", "RuntimeError: no such layer"),
        ("build = 7\n", "'int' object is not callable"),
        ("from torch import nn\ndef build(d, s):\n    return nn.Flatten()\n", "answers (2, 64) to two examples"),
        ("from torch import nn\ndef build(d, s):\n    return nn.Linear(9, 10)\n", "cannot be multiplied"),
        ("other = 7\n", "has no attribute 'build'"),
        ("def build(:\n", "SyntaxError"),
        ("import no_such_package\n", "No module named 'no_such_package'"),
        ("1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_a_wrong_network_is_refused_in_one_line_before_training(folder: Path, text: str, words: str) -> None:
    name = f"{written(folder, text)}:build"
    with pytest.raises(ValueError, match="network") as caught:
        compare(asked(folder / "cache", network=name))
    message = str(caught.value)
    assert name in message
    assert words in message
    assert "\n" not in message
    assert not (folder / "cache").exists()


@pytest.mark.parametrize("name", ["no_such_module_at_all:build", ":build", "json:", ".json:loads", "a:b:c"])
def test_a_name_that_leads_nowhere_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be imported") as caught:
        network(name, load("digits"))
    assert repr(name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_changed_code_of_an_own_network_or_of_its_neighbours_meets_no_old_weights(folder: Path) -> None:
    digits = load("digits")
    layers = written(folder, "WIDTH = 24\n")
    module = written(folder, OWN.format(imports=f"import {layers}"))
    before = network_key(network(f"{module}:build", digits))
    assert network_key(network(f"{module}:build", digits)) == before
    (folder / f"{layers}.py").write_text("WIDTH = 25\n")
    between = network_key(network(f"{module}:build", digits))
    (folder / f"{module}.py").write_text(OWN.format(imports=f"import {layers}  # changed"))
    assert len({before, between, network_key(network(f"{module}:build", digits))}) == 3


def test_trying_an_own_network_leaves_the_random_numbers_of_training_alone(folder: Path) -> None:
    import torch  # noqa: PLC0415

    dropping = "from torch import nn\ndef build(d, s):\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
    built = network(f"{written(folder, dropping)}:build", load("digits"))
    torch.manual_seed(3)
    built.build(load("digits"), False)
    after = torch.rand(1)
    torch.manual_seed(3)
    torch.nn.Linear(64, 10)
    assert torch.equal(after, torch.rand(1))


@pytest.mark.parametrize(("name", "data"), [("cnn", "pydocs"), ("rwkv", "digits")])
def test_a_network_of_another_task_is_refused(name: str, data: str) -> None:
    with pytest.raises(ValueError, match=rf"network {name} is for .*, {data} needs one of"):
        network(name, load(data))
