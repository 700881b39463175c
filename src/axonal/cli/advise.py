"""The verb `axonal advise`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from axonal.cli.complaints import complaining

if TYPE_CHECKING:
    from axonal.runtime.probing import Probe

__all__ = ["advise"]


@complaining
def advise(  # noqa: PLR0913, PLR0917 - one parameter for each option
    model: Annotated[
        str, typer.Argument(help="digits, pydocs or another dataset with its network, or your own module:function.")
    ],
    stages: Annotated[int, typer.Option(help="Ranks that the model is cut into.")] = 2,
    peer: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Probe the link to `axonal probe --listen` there."),
    ] = None,
    probe: Annotated[Path | None, typer.Option(help="Use what `axonal probe --out` wrote.")] = None,
    rate: Annotated[float | None, typer.Option(help="Suppose a link of so many Mb/s, whatever was probed.")] = None,
    micro_batch: Annotated[int, typer.Option(help="Examples of a micro-batch.")] = 16,
    cores: Annotated[
        int | None,
        typer.Option(help="Cores that all ranks share; without a peer those of this machine, else one for each rank."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="By how much the quality of a coding may be worse than that of fp16.")
    ] = 0.02,
    seed: Annotated[int, typer.Option(help="Seed of training.")] = 0,
    full: Annotated[bool, typer.Option("--full", help="Train as long as `axonal compare` does.")] = False,
    target: Annotated[float | None, typer.Option(help="Bits per boundary element for the spikes.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with dataset files; also AXONAL_DATA.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for trained weights; also AXONAL_CACHE.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")] = False,
) -> None:
    """Say which coding a model should use over [bold]this link[/], and whether spikes pay here at all.

    Stages and codecs are really run on this machine; the pipeline is predicted from them and from the link.
    """
    from axonal.runtime.advising import AdviseSettings  # noqa: PLC0415 - torch only when a verb needs it
    from axonal.runtime.advising import advise as weigh  # noqa: PLC0415
    from axonal.study.executing import Execution, candidates  # noqa: PLC0415
    from axonal.views.advice import advice_view  # noqa: PLC0415

    settings = AdviseSettings(tolerance=tolerance, shared_cores=cores)
    execution = Execution(
        model=model, stages=stages, seed=seed, full=full, target=target, data_dir=data_dir, cache=cache
    )
    console = Console(stderr=True, emoji=False)
    console.print(f"[bold]axonal advise[/] {escape(model)}, {stages} stages")
    link = _link(peer, probe, rate)
    found, inputs = candidates(execution, micro_batch)  # the one place where candidates come from
    advice = weigh(found, inputs, link, settings)
    if as_json:
        typer.echo(advice.to_json())
    else:
        Console(emoji=False).print(advice_view(advice.to_dict()))


def _link(peer: str | None, file: Path | None, rate_mbit_per_s: float | None) -> Probe:
    found = _probe(peer, file)
    if rate_mbit_per_s is None:
        return found
    if not 0 < rate_mbit_per_s < float("inf"):
        raise ValueError(f"--rate is {rate_mbit_per_s}, must be finite and > 0: Mb/s")
    return found.at(rate_mbit_per_s / 1e3)


def _probe(peer: str | None, file: Path | None) -> Probe:
    from axonal.runtime.probing import Probe, probe  # noqa: PLC0415

    if file is None:
        return probe(peer, codecs=False)
    if peer is not None:
        raise ValueError(f"--probe is {file} beside --peer {peer}, must be one of both")
    if not file.is_file():
        raise FileNotFoundError(f"--probe {file} does not exist: write it with `axonal probe HOST:PORT --out {file}`")
    return Probe.from_json(file.read_text(encoding="utf-8"))
