"""The verbs of `axonal`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

import axonal
from axonal.cli.advise import advise
from axonal.cli.complaints import complaining
from axonal.cli.noc import noc
from axonal.cli.pareto import pareto
from axonal.cli.parsing import assignments, integers, names, pair, reject_unwritable
from axonal.cli.probe import probe
from axonal.cli.run import run
from axonal.cli.serve import call, serve

__all__ = ["app", "main"]

app = typer.Typer(
    name="axonal",
    help="Dense computation inside each die, learnable sparse spikes between dies: does it pay on your link?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=QUANTITY", help="Replace a constant of the system; may be given several times."),
]


def main() -> None:
    """Run the command line; every foreseen failure is one line and a non-zero exit status.

    0 fine, 2 bad input, 3 does not fit, 4 run-time fault, 130 interrupted.
    """
    sys.exit(_status())


def _status() -> int:
    try:
        app(prog_name="axonal")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _version(value: bool) -> None:
    if value:
        typer.echo(f"axonal {axonal.__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options that come before the verb."""
    del version


@app.command()
@complaining
def compare(  # noqa: PLR0913, PLR0917 - one parameter for each option
    data: Annotated[
        str,
        typer.Argument(
            help="digits and pydocs are built in; mnist, fashion_mnist, ptb, enwik8 and "
            "tiny_shakespeare come from files."
        ),
    ],
    system: Annotated[str, typer.Option(help="A preset (see `axonal systems`) or a YAML file.")] = "quad_chiplet",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for report.html, result.json and trace.json; results/DATA when not given."),
    ] = None,
    network: Annotated[str | None, typer.Option(help="cnn, mlp, rwkv, or your own module:function.")] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, comma-separated.")] = "0,1,2",
    variants: Annotated[str, typer.Option(help="Which variants, comma-separated.")] = "ann,snn,hybrid,low_rank,one_bit",
    target: Annotated[float | None, typer.Option(help="Bits per boundary element for the hybrid.")] = None,
    steps: Annotated[
        str | None,
        typer.Option(metavar="DENSE,BOUNDARY", help="Training steps before and after the boundaries are inserted."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter training, for a first look.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with dataset files; also AXONAL_DATA.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for trained weights; also AXONAL_CACHE.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that train at once; one for each core when not given.")
    ] = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Train one network as ANN, SNN and hybrid (and two controls), map, simulate and [bold]compare[/].

    Weights and results are cached by content: a second run is instant, an interrupted one resumes.
    """
    from axonal.cli.progress import Bars  # noqa: PLC0415 - torch only when a verb needs it
    from axonal.study import Request  # noqa: PLC0415
    from axonal.study import compare as compared  # noqa: PLC0415
    from axonal.study.cache import default_folder  # noqa: PLC0415
    from axonal.views import print_result, write  # noqa: PLC0415

    folder = out or Path("results") / data
    request = Request(
        data=data,
        system=system,
        network=network,
        seeds=integers("--seeds", seeds, "0,1,2"),
        variants=names(variants),
        quick=quick,
        target=target,
        steps=pair("--steps", steps),
        data_dir=data_dir,
        cache=cache,
        overrides=assignments(sets or []),
        workers=os.cpu_count() or 1 if workers is None else workers,
    )
    reject_unwritable("--out", folder)
    reject_unwritable("--cache", cache or default_folder())
    console = Console(stderr=True, emoji=False)
    console.print(f"[bold]axonal compare[/] {escape(data)} on {escape(system)}, seeds {seeds}")
    with Bars(console) as bars:
        result = compared(request, bars)
    written = write(result, folder)
    if as_json:
        typer.echo(json.dumps(result))
        return
    print_result(result, Console(emoji=False))
    Console(soft_wrap=True, emoji=False).print(
        f"\nreport: {escape(str(written.report))}\nresult: {escape(str(written.result))}\n"
        f"trace:  {escape(str(written.trace))} (open it in ui.perfetto.dev)"
    )


for verb in (noc, pareto, run, probe, advise, serve, call):
    app.command()(verb)


@app.command()
@complaining
def systems(
    name: Annotated[str | None, typer.Argument(help="Show this preset; all are listed without a name.")] = None,
    as_json: Json = False,
) -> None:
    """List the system presets, or show one with every constant and its source."""
    from axonal.cli.showing import system_json, system_list, system_view  # noqa: PLC0415
    from axonal.hardware import load, presets  # noqa: PLC0415

    if name is None:
        found = [load(preset) for preset in presets()]
        _answer([system_json(item) for item in found], system_list(found), as_json)
    else:
        found_one = load(name)
        _answer(system_json(found_one), system_view(found_one), as_json)


@app.command()
@complaining
def check(file: Annotated[Path, typer.Argument(help="A system description (YAML).")], as_json: Json = False) -> None:
    """Check a system file and explain every mistake with file, line, key, value and bound."""
    from dataclasses import asdict  # noqa: PLC0415

    from axonal.hardware import check as problems_of  # noqa: PLC0415

    problems = problems_of(file)
    if as_json:
        typer.echo(json.dumps([asdict(problem) for problem in problems], default=str))
    elif problems:
        for problem in problems:
            typer.echo(str(problem), err=True)
    else:
        typer.echo(f"{file}: fine")
    raise typer.Exit(2 if problems else 0)


@app.command()
@complaining
def report(
    result: Annotated[Path, typer.Argument(help="A result.json, or the folder that holds it.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write to; where the result is when not given.")] = None,
) -> None:
    """Draw report.html and trace.json again from a result.json."""
    from axonal.cli.parsing import read_result  # noqa: PLC0415
    from axonal.views import print_result, write  # noqa: PLC0415

    path = result / "result.json" if result.is_dir() else result
    found = read_result(path)
    if out is not None:
        reject_unwritable("--out", out)
    try:
        written = write(found, out or path.parent)
        print_result(found, Console(emoji=False))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} is no whole result ({reason}): run `axonal compare` again") from error
    Console(soft_wrap=True, emoji=False).print(f"\nreport: {escape(str(written.report))}")


@app.command()
@complaining
def doctor(as_json: Json = False) -> None:
    """Say what this machine has: versions, threads, caches, datasets that were found."""
    from axonal.cli.showing import health, health_table  # noqa: PLC0415

    found = health()
    _answer(found, health_table(found), as_json)


def _answer(value: Any, view: Any, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(value))
    else:
        Console(emoji=False).print(view)
