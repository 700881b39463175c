"""Wrong input ends in one line that names what was wrong, and in an exit status; never in a traceback."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from cli_runs import SYSTEM, TINY, Answer, axonal, edited, keep_inside

from axonal.data.checksums import CHECKSUMS, Checksum

BAD_INPUT, DOES_NOT_FIT = 2, 3


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_inside(tmp_path, monkeypatch)


def compared(*words: str, data: str = "digits") -> Answer:
    """A tiny comparison with these options instead of or beside the usual ones."""
    return axonal("compare", data, *TINY, *words)


WRONG_OPTIONS = {
    "system unknown": (("--system", "quad_chiplt"), ("'quad_chiplt'", "did you mean 'quad_chiplet'?")),
    "system file missing": (("--system", "nowhere.yaml"), ("nowhere.yaml", "there is no such file")),
    "system is a folder": (("--system", "/"), ("'/'", "quad_chiplet")),
    "constant unknown": (("--set", "links.ucie.enrgy=1 pJ/bit"), ("links.ucie.enrgy", "'links.ucie.energy'")),
    "constant without value": (("--set", "links.ucie.energy"), ("'links.ucie.energy'", "KEY=QUANTITY")),
    "constant empty": (("--set", "links.ucie.energy= "), ("'links.ucie.energy= '", "KEY=QUANTITY")),
    "constant of another unit": (("--set", "links.ucie.energy=5 ns"), ("links.ucie.energy", "'5 ns'", "pJ/bit")),
    "constant without unit": (("--set", "links.ucie.energy=5"), ("links.ucie.energy", "'5'", "needs a unit")),
    "constant negative": (("--set", "links.ucie.bandwidth=-3 Gb/s"), ("bandwidth", "'-3 Gb/s'", "must be > 0")),
    "constant twice": (
        ("--set", "links.ucie.energy=1 pJ/bit", "--set", "links.ucie.energy=2 pJ/bit"),
        ("links.ucie.energy", "twice", "'1 pJ/bit'", "'2 pJ/bit'"),
    ),
    "mesh flat": (("--set", "dies.compute.mesh=0x8"), ("dies.compute.mesh", "'0x8'", "1x1 to 64x64")),
    "seeds in words": (("--seeds", "one"), ("--seeds", "'one'", "whole numbers")),
    "seeds broken": (("--seeds", "0.5"), ("--seeds", "'0.5'", "whole numbers")),
    "seeds none": (("--seeds", ""), ("--seeds", "whole numbers")),
    "seeds twice": (("--seeds", "1,1"), ("seeds", "1, 1", "different")),
    "seeds negative": (("--seeds=-1",), ("seeds", "-1", "0 to")),
    "seeds huge": (("--seeds", str(2**70)), ("seeds", str(2**70), "0 to")),
    "steps none": (("--steps", "0,1"), ("steps", "0, 1", ">= 1")),
    "steps of one kind": (("--steps", "5"), ("--steps", "'5'", "two whole numbers")),
    "steps of three kinds": (("--steps", "5,5,5"), ("--steps", "'5,5,5'", "two whole numbers")),
    "steps in words": (("--steps", "a,b"), ("--steps", "'a,b'", "500,900")),
    "variant unknown": (("--variants", "ann,hybird"), ("'hybird'", "hybrid")),
    "variant twice": (("--variants", "ann,hybrid,ann"), ("ann, hybrid, ann", "different")),
    "variants none": (("--variants", ","), ("variants are none", "hybrid")),
    "network unknown": (("--network", "cnnn"), ("'cnnn'", "cnn", "module:function")),
    "network of another task": (("--network", "rwkv"), ("rwkv", "language", "digits", "mlp")),
    "network not there": (("--network", "no_such_file:build"), ("'no_such_file:build'", "cannot be imported")),
    "target nothing": (("--target", "0"), ("target", "0.0", "> 0")),
    "target negative": (("--target", "-1"), ("target", "-1.0", "> 0")),
    "target not a number": (("--target", "nan"), ("target", "nan", "> 0")),
    "target endless": (("--target", "inf"), ("target", "inf", "finite")),
    "workers none": (("--workers", "0"), ("workers", "0", ">= 1")),
}


@pytest.mark.parametrize(("words", "expected"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS)
def test_a_wrong_option_is_refused(words: tuple[str, ...], expected: tuple[str, ...], tmp_path: Path) -> None:
    answer = compared(*words)
    assert answer.status == BAD_INPUT
    assert [part for part in expected if part not in answer.complaint] == []
    assert not (tmp_path / "cache").exists(), "nothing was trained"
    assert not (tmp_path / "results").exists(), "no empty folder is left behind"


@pytest.mark.parametrize("data", ["digitz", "Digits", "../digits", ""])
def test_an_unknown_dataset_is_refused_with_the_name_that_was_meant(data: str, tmp_path: Path) -> None:
    answer = compared(data=data)
    assert answer.status == BAD_INPUT
    assert repr(data) in answer.complaint
    assert "digits" in answer.complaint.replace(repr(data), "")
    assert not list(tmp_path.iterdir())


WRONG_SYSTEMS = {
    "empty": ("", ("is empty",)),
    "only a comment": ("# nothing\n", ("is empty",)),
    "not YAML": ("schema: 1\nname: [a\n", ("is not YAML",)),
    "not a mapping": ("- a\n- b\n", ("must be a mapping",)),
    "key unknown": (edited("    bandwidth:", "    bandwith:"), ("bandwith", "did you mean 'bandwidth'?")),
    "unit missing": (edited("256 Gb/s", "256"), ("links.ucie.bandwidth", "'256'", "needs a unit")),
    "bandwidth negative": (edited("256 Gb/s", "-256 Gb/s"), ("links.ucie.bandwidth", "'-256 Gb/s'", "> 0")),
    "mesh flat": (edited("mesh: 8x8", "mesh: 0x8"), ("dies.compute.mesh", "'0x8'", "1x1 to 64x64")),
    "key twice": (edited("name: quad_chiplet", "name: a\nname: b"), ("name", "given twice", "lines 4 and 5")),
    "source missing": (
        edited("latency:\n      value: 2 ns\n      source", "latency:\n      value: 2 ns\n      # source").replace(
            "        UCIe: at most 2 ns", "        # UCIe: at most 2 ns"
        ),
        ("links.ucie.latency", "needs a source"),
    ),
    "chip unknown": (edited("- [c0, c1]", "- [c0, c9]"), ("links.ucie.between", "'c9'")),
}


@pytest.mark.parametrize(("text", "expected"), WRONG_SYSTEMS.values(), ids=WRONG_SYSTEMS)
def test_a_wrong_system_file_is_refused_with_file_and_line(
    text: str, expected: tuple[str, ...], tmp_path: Path
) -> None:
    text = text.replace("        https://dev.convergedigest.com/?p=104749\n    energy", "    energy")
    (tmp_path / "mine.yaml").write_text(text)
    answer = compared("--system", "mine.yaml")
    assert answer.status == BAD_INPUT
    assert "mine.yaml:" in answer.complaint
    assert [part for part in expected if part not in answer.complaint] == []


def test_a_system_of_one_chip_has_no_boundary_to_compare(tmp_path: Path) -> None:
    (tmp_path / "single.yaml").write_text(single_chip())
    answer = compared("--system", "single.yaml")
    assert answer.status == BAD_INPUT
    assert all(part in answer.complaint for part in ("quad_chiplet", "1 chip", "must be >= 2", "several chips"))
    assert not (tmp_path / "cache").exists(), "it is said before training"


def single_chip() -> str:
    lines = SYSTEM.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(tuple(f"  - {{name: c{n}" for n in (1, 2, 3)))]
    text = "".join(kept)
    return text[: text.index("links:")]


def test_a_network_that_does_not_fit_is_told_demand_bound_gap_and_lever(tmp_path: Path) -> None:
    answer = compared("--set", "dies.compute.core.sram=1 KiB")
    assert answer.status == DOES_NOT_FIT
    for part in ("Mbit of memory needed", "available", "short", "raise `sram`"):
        assert part in answer.complaint
    assert not (tmp_path / "cache").exists(), "it is said before training"


@pytest.mark.parametrize("words", [(), ("--data-dir", "nowhere")])
def test_missing_data_is_told_with_names_places_and_source(words: tuple[str, ...]) -> None:
    answer = compared(*words, data="mnist")
    assert answer.status == BAD_INPUT
    for part in ("mnist", "train-images-idx3-ubyte", "http", "--data-dir", *words[1:]):
        assert part in answer.complaint


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("mnist/train-images-idx3-ubyte.gz", gzip.compress(b"no pictures at all")[:-4], "complete gz file"),
        ("mnist/train-images-idx3-ubyte.gz", gzip.compress(b"no pictures at all"), "expected IDX magic"),
        ("mnist/train-images-idx3-ubyte.gz", b"", "IDX header"),
        ("tiny_shakespeare/input.txt", b"Other words.", "sha256"),
        ("ptb/ptb.train.txt", b"\xff\xfe", "sha256"),
    ],
)
def test_a_corrupt_data_file_is_named(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    data = name.partition("/")[0]
    others = ["train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "ptb.valid.txt"]
    for other in [*others, "ptb.test.txt"]:
        (tmp_path / data).mkdir(exist_ok=True)
        (tmp_path / data / other).write_bytes(b"")
    (tmp_path / name).write_bytes(content)
    answer = compared("--data-dir", ".", "--network", "mlp" if data == "mnist" else "rwkv", data=data)
    assert answer.status == BAD_INPUT
    assert name in answer.complaint
    assert words in answer.complaint


def test_a_text_that_is_too_short_for_one_window_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"To be, or not. " * 60
    (tmp_path / "input.txt").write_bytes(content)
    monkeypatch.setitem(CHECKSUMS, "tiny_shakespeare/input.txt", Checksum.of(content))
    answer = compared("--data-dir", ".", "--network", "rwkv", data="tiny_shakespeare")
    assert answer.status == BAD_INPUT
    for part in ("tiny_shakespeare", "90 bytes", ">= 129"):
        assert part in answer.complaint
    assert not (tmp_path / "cache").exists(), "it is said before training"


@pytest.mark.parametrize("option", ["--out", "--cache"])
@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_folder_that_cannot_be_written_is_refused_before_training(option: str, below: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    folder = tmp_path / "file" / below
    answer = compared(option, str(folder))
    assert answer.status == BAD_INPUT
    assert f"{option} {folder}" in answer.complaint
    assert "choose another folder" in answer.complaint
    assert (tmp_path / "file").read_text() == "mine"


WRONG_RESULTS = {
    "empty": "",
    "not JSON": "<html>",
    "not a mapping": "[1, 2]",
    "another schema": json.dumps({"schema_version": 99, "variants": {}}),
    "no schema": json.dumps({"variants": {}}),
    "no variants": json.dumps({"schema_version": 1, "variants": {}}),
    "damaged": json.dumps({"schema_version": 1, "variants": {"ann": {"quality": 5, "links": 7, "timeline": "x"}}}),
    "not finite": '{"schema_version": 1, "variants": {"ann": {"latency_ns": NaN}}}',
}


@pytest.mark.parametrize("text", WRONG_RESULTS.values(), ids=WRONG_RESULTS)
def test_what_is_no_result_is_not_reported(text: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(text)
    for name in ("result.json", "."):
        answer = axonal("report", name)
        assert answer.status == BAD_INPUT
        assert "result.json" in answer.complaint
        assert "axonal compare" in answer.complaint
    assert (tmp_path / "result.json").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize("name", ["nowhere", "nowhere/result.json", "."])
def test_a_report_of_nothing_is_refused(name: str) -> None:
    answer = axonal("report", name)
    assert answer.status == BAD_INPUT
    assert "does not exist" in answer.complaint
    assert name in answer.complaint


def test_check_lists_every_mistake_with_its_line(tmp_path: Path) -> None:
    text = edited("256 Gb/s", "-256 Gb/s", edited("mesh: 8x8", "mesh: 0x8", edited("0.1 mW", "0.1")))
    (tmp_path / "mine.yaml").write_text(text)
    answer = axonal("check", "mine.yaml")
    assert answer.status == BAD_INPUT
    lines = answer.err.splitlines()
    assert len(lines) == 3
    for key in ("dies.compute.mesh", "dies.compute.core.leakage", "links.ucie.bandwidth"):
        assert sum(key in line and line.startswith("mine.yaml:") for line in lines) == 1
    found = json.loads(axonal("check", "mine.yaml", "--json").out)
    assert sorted(item["line"] for item in found) == [int(line.split(":")[1]) for line in lines]


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_check_of_no_file_is_refused(name: str) -> None:
    answer = axonal("check", name)
    assert answer.status == BAD_INPUT
    assert name in answer.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("comparre", "digits"), "comparre"),
        (("compare",), "data"),
        (("compare", "digits", "--nope"), "--nope"),
        (("compare", "digits", "--target", "much"), "--target"),
        (("compare", "digits", "--workers", "two"), "--workers"),
        (("compare", "digits", "mnist"), "mnist"),
        (("check",), "file"),
        (("systems", "--nope"), "--nope"),
        (("report",), "result"),
    ],
)
def test_a_call_that_is_no_call_shows_the_usage(words: tuple[str, ...], named: str) -> None:
    answer = axonal(*words)
    assert answer.status == BAD_INPUT
    assert "Usage: axonal" in answer.err
    assert named in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("name", ["quad_chiplt", "nowhere.yaml", "chips/nowhere"])
def test_a_system_that_is_not_there_is_not_shown(name: str) -> None:
    answer = axonal("systems", name)
    assert answer.status == BAD_INPUT
    assert name in answer.complaint
