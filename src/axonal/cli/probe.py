"""The verb `axonal probe`."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from axonal.cli.complaints import complaining
from axonal.cli.parsing import reject_unwritable

__all__ = ["probe"]


@complaining
def probe(  # noqa: PLR0913, PLR0917 - one parameter for each option
    peer: Annotated[
        str | None,
        typer.Argument(
            metavar="HOST:PORT", help="Where `axonal probe --listen` runs; this machine alone when not given."
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Answer probes there, without TLS, until interrupted; measures nothing."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long to measure the rate of the link.")] = 1.0,
    timeout: Annotated[float, typer.Option(help="Longest time for the link, in seconds.")] = 30.0,
    codecs: Annotated[bool, typer.Option("--codecs/--no-codecs", help="Also measure what codecs take.")] = True,
    out: Annotated[
        Path | None, typer.Option(help="Also write what was measured to this file, for `axonal advise --probe`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")] = False,
) -> None:
    """Measure the link to another machine (rate, round trip), this machine, and what the [bold]codecs[/] take.

    On one machine `axonal probe --listen 0.0.0.0:7700`, on the other `axonal probe HOST:7700`.
    """
    from axonal.runtime.probing import probe as measure  # noqa: PLC0415 - torch only when a verb needs it
    from axonal.views.advice import probe_view  # noqa: PLC0415

    if listen is not None:
        if peer is not None:
            raise ValueError(f"--listen is {listen!r} beside {peer!r}, must be one of both: listen here or probe there")
        _listen(listen, timeout)
        return
    if out is not None:
        reject_unwritable("--out", out.parent)
    found = measure(peer, seconds=seconds, timeout_s=timeout, codecs=codecs)
    text = found.to_json()
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    if as_json:
        typer.echo(text)
    else:
        Console(emoji=False).print(probe_view(json.loads(text)))


def _listen(address: str, timeout_s: float) -> None:
    from axonal.runtime.probe_link import listen, serve_link  # noqa: PLC0415

    console = Console(stderr=True, emoji=False)
    with closing(listen(address)) as door:
        host, port, *_ = door.getsockname()
        console.print(
            f"listening on {escape(str(host))}:{port} without TLS: whoever reaches it can use up the link. Ctrl-C ends"
        )
        try:
            serve_link(
                door, timeout_s=max(timeout_s, 60.0), heard=lambda peer, end: console.print(escape(f"{peer}: {end}"))
            )
        except KeyboardInterrupt:
            console.print("stopped")
