"""The verb `axonal pareto`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from axonal.cli.complaints import complaining
from axonal.cli.parsing import integers, names, pair, reals, reject_unwritable

__all__ = ["pareto"]


@complaining
def pareto(  # noqa: PLR0913, PLR0917 - one parameter for each option
    data: Annotated[
        str | None, typer.Argument(help="A dataset, as of `axonal compare`; only --list does without.")
    ] = None,
    model: Annotated[str | None, typer.Argument(help="A network, or your own module:function.")] = None,
    codes: Annotated[str | None, typer.Option(help="Codes, comma-separated (see --list); all when not given.")] = None,
    targets: Annotated[
        str | None, typer.Option(help="Bits per boundary element, comma-separated, for example 0.5,0.25.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, comma-separated.")] = "0,1,2",
    system: Annotated[
        str | None,
        typer.Option(help="A preset (see `axonal systems`) or a YAML file; two dies that hold it when not given."),
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Trained dense network; it is trained when not given.")] = None,
    steps: Annotated[
        str | None,
        typer.Option(metavar="DENSE,BOUNDARY", help="Training steps of the dense network and of each target."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter training, for a first look.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with dataset files; also AXONAL_DATA.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for trained weights; also AXONAL_CACHE.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that train at once, a seed each.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for DATA.json (points), DATA.svg and DATA.html.")] = Path(
        "results/pareto"
    ),
    draw: Annotated[
        bool, typer.Option("--draw", help="Train nothing: show and draw again what is in DATA.json of --out.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the codes and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the answer (the list of points) as JSON on standard output.")
    ] = False,
) -> None:
    """Train many boundary codes from one dense network and weigh quality against [bold]really coded bits[/].

    Points are added to DATA.json after each code: run an interrupted command again and it goes on from there.
    Points of another dense network, which do not compare, are moved aside to DATA.before.json.
    """
    from axonal.cli.pareto_running import Kept, run  # noqa: PLC0415 - torch only when a verb needs it
    from axonal.cli.pareto_showing import codes_json, codes_view  # noqa: PLC0415
    from axonal.study.cache import default_folder  # noqa: PLC0415
    from axonal.study.front import FAMILIES, FrontRequest  # noqa: PLC0415

    if listed:
        if as_json:
            typer.echo(json.dumps(codes_json()))
        else:
            Console(emoji=False).print(codes_view())
        return
    if data is None:
        raise ValueError("DATA is missing, must be the name of a dataset: for example `axonal pareto digits`")
    kept = Kept(data=data, folder=out)
    reject_unwritable("--out", out)
    if draw:
        kept.draw()
    else:
        request = FrontRequest(
            data=data,
            network=model,
            codes=tuple(FAMILIES) if codes is None else names(codes),
            targets=None if targets is None else reals("--targets", targets, "0.5,0.25"),
            seeds=integers("--seeds", seeds, "0,1,2"),
            system=system,
            start=start,
            steps=pair("--steps", steps),
            quick=quick,
            data_dir=data_dir,
            cache=cache,
            workers=workers,
        )
        if start is not None and not start.is_file():
            raise FileNotFoundError(f"--start {start} is no file: name weights of a trained network, or leave it out")
        reject_unwritable("--cache", cache or default_folder())
        console = Console(stderr=True, emoji=False)
        console.print(f"[bold]axonal pareto[/] {escape(data)}, {len(request.codes)} codes")
        run(request, kept, console)
    if as_json:
        typer.echo(json.dumps(kept.points()))
        return
    kept.show(Console(emoji=False))
    Console(soft_wrap=True, emoji=False).print(
        f"\npage:    {escape(str(kept.page))}\npicture: {escape(str(kept.picture))}\npoints:  {escape(str(kept.path))}"
    )
