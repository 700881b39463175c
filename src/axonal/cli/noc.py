"""The verb `axonal noc`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from axonal.cli.complaints import complaining
from axonal.cli.parsing import reject_unwritable

__all__ = ["noc"]


@complaining
def noc(  # noqa: PLR0913, PLR0917 - one parameter for each option
    mesh: Annotated[str, typer.Option(metavar="COLUMNSxROWS", help="Routers in x and y.")] = "8x8",
    traffic: Annotated[
        str,
        typer.Option(
            help="uniform, transpose, neighbor, bitcomp, tornado, hotspot:27,28 (all to these nodes), "
            "weights:27=9 (node 27 nine times as often as each other), or trace:FILE (CSV: cycle,source,target,flits)."
        ),
    ] = "uniform",
    rate: Annotated[float | None, typer.Option(help="Offered flits per node and cycle; 0.1 when not given.")] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="FIRST:LAST:STEP", help="Several loads, for example 0.05:0.5:0.05.")
    ] = None,
    find_saturation: Annotated[
        bool,
        typer.Option("--find-saturation", help="Find the load at which packets take three times as long as at 0.005."),
    ] = False,
    burst: Annotated[
        int | None, typer.Option(help="Every node sends so many packets as fast as it can; no --rate.")
    ] = None,
    packet_flits: Annotated[int, typer.Option(help="Flits of a packet.")] = 1,
    vcs: Annotated[int, typer.Option(help="Virtual channels of each input.")] = 4,
    buffer: Annotated[int, typer.Option(help="Flits of buffer of each virtual channel.")] = 8,
    pipeline: Annotated[
        str,
        typer.Option(
            metavar="RC,VA,SA,ST",
            help="Cycles of routing (0 with look-ahead), VC allocation, switch allocation and traversal.",
        ),
    ] = "1,1,1,1",
    speculative: Annotated[
        bool, typer.Option("--speculative", help="Both allocations in one cycle; with 0,1,1,1 a hop takes 3 cycles.")
    ] = False,
    credit_delay: Annotated[int, typer.Option(help="Cycles that a credit takes longer than its channel.")] = 0,
    link_latency: Annotated[int, typer.Option(help="Cycles of a channel inside a die.")] = 1,
    routing: Annotated[str, typer.Option(help="xy, yx, west-first or o1turn.")] = "xy",
    torus: Annotated[bool, typer.Option("--torus", help="Join opposite sides.")] = False,
    d2d_after_column: Annotated[
        str | None, typer.Option(metavar="K[,K...]", help="Die boundaries: the links east of these columns.")
    ] = None,
    d2d_latency: Annotated[int | None, typer.Option(help="Cycles of a link between dies; 10 when not given.")] = None,
    d2d_cycles_per_flit: Annotated[
        float | None, typer.Option(help="Cycles that a flit occupies such a link; 1 when not given.")
    ] = None,
    rows_per_lane: Annotated[int | None, typer.Option(help="Rows that share one such link; 1 when not given.")] = None,
    warmup: Annotated[int, typer.Option(help="Cycles before anything is measured.")] = 5000,
    cycles: Annotated[int, typer.Option(help="Cycles of each of the three measured periods.")] = 5000,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for noc.html and noc.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")] = False,
) -> None:
    """Simulate a mesh of routers cycle by cycle: one load, a sweep, a burst, a trace, or the search for saturation.

    Dies may meet between columns of the mesh: their links have a latency and a rate of their own.
    """
    from axonal.cli.noc_options import Words, chosen  # noqa: PLC0415 - keeps `--help` fast
    from axonal.cli.noc_showing import noc_json, noc_view  # noqa: PLC0415
    from axonal.cli.noc_watching import Watch  # noqa: PLC0415
    from axonal.simulation.network.setting import explore  # noqa: PLC0415

    words = Words(
        mesh=mesh,
        traffic=traffic,
        routing=routing,
        torus=torus,
        rate=rate,
        sweep=sweep,
        find_saturation=find_saturation,
        burst=burst,
        packet_flits=packet_flits,
        vcs=vcs,
        buffer=buffer,
        pipeline=pipeline,
        speculative=speculative,
        credit_delay=credit_delay,
        link_latency=link_latency,
        d2d_after_column=d2d_after_column,
        d2d_latency=d2d_latency,
        d2d_cycles_per_flit=d2d_cycles_per_flit,
        rows_per_lane=rows_per_lane,
        warmup=warmup,
        cycles=cycles,
        seed=seed,
    )
    setting, rates = chosen(words)
    if out is not None:
        reject_unwritable("--out", out)
    console = Console(stderr=True)
    if rate is not None and (burst is not None or traffic.startswith("trace:")):
        console.print(
            f"[yellow]note:[/] this traffic has a load of its own: --rate {rate:g} is not used", highlight=False
        )
    with Watch(console, out) as watch:
        study = explore(setting, rates, watch, find_saturation=find_saturation)
    watch.keep(study)
    if as_json:
        typer.echo(json.dumps(noc_json(study, swept=sweep is not None), allow_nan=False))
        return
    Console().print(noc_view(study))
    if out is not None:
        Console(soft_wrap=True).print(
            f"\npage:   {escape(str(out / 'noc.html'))}\nresult: {escape(str(out / 'noc.json'))}"
        )
