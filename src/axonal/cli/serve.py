"""The verbs `axonal serve` and `axonal call`: a model in two places, with a link between them."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from axonal.cli.complaints import complaining

__all__ = ["call", "serve"]

MEBIBYTE = 1 << 20

Model = Annotated[str, typer.Argument(help="digits, pydocs, or your own module:function.")]
Stages = Annotated[int, typer.Option(help="Parts into which the model is cut.")]
TokenFile = Annotated[
    Path | None, typer.Option(help="File with the token that both ends know; the variable AXONAL_TOKEN without it.")
]
Insecure = Annotated[bool, typer.Option("--insecure", help="No TLS; only between programs of this machine.")]
Cache = Annotated[Path | None, typer.Option(help="Folder for trained weights; also AXONAL_CACHE.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")]


@complaining
def serve(  # noqa: PLR0913, PLR0917 - one parameter for each option
    model: Model,
    listen: Annotated[str, typer.Option(help="Address and port; port 0 lets the system choose.")] = "127.0.0.1:7700",
    stages: Stages = 2,
    part: Annotated[int, typer.Option(help="Which part is served, from 0.")] = 1,
    certificate: Annotated[Path | None, typer.Option(help="PEM certificate that clients trust.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM key of the certificate.")] = None,
    token_file: TokenFile = None,
    insecure: Insecure = False,
    clients: Annotated[int, typer.Option(help="Clients at once, at most.")] = 128,
    memory: Annotated[int, typer.Option(help="MiB for all requests in flight.")] = 256,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Serve one part of a model until Ctrl-C; `axonal call` and `RemotePart` use it from elsewhere."""
    from axonal.runtime.serving import serve as run  # noqa: PLC0415 - torch only when a verb needs it
    from axonal.runtime.serving_turns import ServeLimits  # noqa: PLC0415
    from axonal.runtime.tls import Credentials, parse_address, read_token, server_context  # noqa: PLC0415

    # The one place where a model becomes a part.
    from axonal.study.executing import part_of  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

    credentials = Credentials(token=read_token(token_file), certificate=certificate, key=key, insecure=insecure)
    # Before a model is trained, not after.
    parse_address(listen, insecure=insecure)
    server_context(credentials)
    memory_bytes = memory * MEBIBYTE
    limits = ServeLimits(
        clients=clients, memory_bytes=memory_bytes, request_bytes=min(memory_bytes, ServeLimits.request_bytes)
    )
    console = Console(stderr=True, soft_wrap=True, emoji=False)
    logging.basicConfig(format="%(message)s")

    def ready(address: str) -> None:
        how = "without TLS" if insecure else "with TLS"
        console.print(
            f"[bold]axonal serve[/] {escape(model)}, part {part} of {stages}, on {address} {how}; Ctrl-C ends"
        )

    counts = run(
        part_of(model, stages=stages, part=part, cache=cache),
        listen=listen,
        credentials=credentials,
        limits=limits,
        ready=ready,
    )
    if as_json:
        typer.echo(json.dumps(asdict(counts)))
    else:
        console.print(f"answered {counts.requests} requests of {counts.clients} clients, refused {counts.refusals}")


@complaining
def call(  # noqa: PLR0913, PLR0917 - one parameter for each option
    address: Annotated[str, typer.Argument(help="HOST:PORT of the server.")],
    model: Model,
    stages: Stages = 2,
    part: Annotated[int, typer.Option(help="Which part is called, from 0; those before it run here.")] = 1,
    codec: Annotated[str | None, typer.Option(help="How tensors cross; what suits each when not given.")] = None,
    examples: Annotated[int, typer.Option(help="Test examples.")] = 256,
    batch: Annotated[int, typer.Option(help="Examples of a call.")] = 16,
    certificate: Annotated[Path | None, typer.Option(help="The server's PEM certificate, or its authority's.")] = None,
    server_name: Annotated[str | None, typer.Option(help="Name in the certificate, where HOST is none.")] = None,
    token_file: TokenFile = None,
    insecure: Insecure = False,
    timeout: Annotated[float, typer.Option(help="Seconds that a call may take.")] = 60.0,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Run the first part of a model here and the next one where it is served; weigh quality, bytes and latency."""
    from axonal.cli.serve_calling import called, called_view  # noqa: PLC0415 - torch only when a verb needs it
    from axonal.runtime.crossing import Agreement  # noqa: PLC0415
    from axonal.runtime.remote import RemotePart  # noqa: PLC0415
    from axonal.runtime.tls import Credentials, client_context, parse_address, read_token  # noqa: PLC0415

    # The one place where a model becomes a part and a trial of it.
    from axonal.study.executing import (  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
        part_of,
        trial_of,
    )

    credentials = Credentials(
        token=read_token(token_file), certificate=certificate, server_name=server_name, insecure=insecure
    )
    # Before a model is trained, not after.
    parse_address(address, insecure=insecure)
    client_context(credentials)
    agreement = Agreement.of(part_of(model, stages=stages, part=part, cache=cache))
    trial = trial_of(model, stages=stages, part=part, examples=examples, batch=batch, cache=cache)
    with RemotePart(address, agreement=agreement, credentials=credentials, codec=codec, timeout_s=timeout) as remote:
        found = called(trial, remote)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        Console(emoji=False).print(called_view(found))
