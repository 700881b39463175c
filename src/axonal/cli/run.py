"""The verb `axonal run`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from axonal.cli.complaints import complaining
from axonal.cli.parsing import reject_unwritable

__all__ = ["run"]


@complaining
def run(  # noqa: PLR0913, PLR0917 - one parameter for each option
    model: Annotated[str, typer.Argument(help="digits, pydocs, another dataset, or your own module:function.")],
    stages: Annotated[int, typer.Option(help="Pieces that the model is cut into.")] = 2,
    ranks: Annotated[int | None, typer.Option(help="Processes; one for each stage when not given.")] = None,
    variant: Annotated[str, typer.Option(help="hybrid, dense, low_rank, ann or one_bit.")] = "hybrid",
    codec: Annotated[
        str | None,
        typer.Option(help="How tensors cross; `auto` adapts to the link; the simulator's choice when not given."),
    ] = None,
    gradient: Annotated[str, typer.Option(help="How gradients cross: int8, fp16 or fp32.")] = "int8",
    schedule: Annotated[str, typer.Option(help="gpipe, 1f1b, interleaved_1f1b, looped_bfs or zero_bubble.")] = "1f1b",
    micro_batch: Annotated[int, typer.Option(help="Examples of a message.")] = 8,
    micro_batches: Annotated[int, typer.Option(help="Messages of a batch.")] = 4,
    examples: Annotated[int, typer.Option(help="Test examples.")] = 256,
    train: Annotated[int, typer.Option(help="Steps of distributed training before the answers.")] = 0,
    learning_rate: Annotated[float, typer.Option(help="Peak of that training's schedule.")] = 1e-3,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of that training's checkpoints; a run that finds some goes on.")
    ] = None,
    every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 50,
    max_restarts: Annotated[int, typer.Option(help="How often lost processes are started again.")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds that a process waits for another that is alive.")] = 60.0,
    probe: Annotated[
        Path | None, typer.Option(help="What `axonal probe --out` wrote: link and machine, for the simulator.")
    ] = None,
    target: Annotated[float | None, typer.Option(help="Bits per boundary element for the hybrid.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of training.")] = 0,
    full: Annotated[bool, typer.Option("--full", help="Prepare the model as thoroughly as `axonal compare`.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder with dataset files; also AXONAL_DATA.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for trained weights; also AXONAL_CACHE.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the result as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")] = False,
) -> None:
    """Run a partitioned model in real processes with packed frames between them, and count the bytes.

    On one machine it starts the processes itself. On several, start it on each with
    `torchrun --nnodes 2 --nproc-per-node 1 --rdzv-endpoint HOST:PORT --rdzv-backend c10d -m axonal run MODEL ...`.
    """
    from axonal.cli.run_starting import as_rank, started  # noqa: PLC0415 - torch only when a verb needs it
    from axonal.cli.run_view import run_view  # noqa: PLC0415
    from axonal.study.executing import Execution  # noqa: PLC0415
    from axonal.study.running import Plan  # noqa: PLC0415

    plan = Plan(
        execution=Execution(
            model=model,
            stages=stages,
            variant=variant,
            seed=seed,
            full=full,
            target=target,
            data_dir=data_dir,
            cache=cache,
        ),
        ranks=stages if ranks is None else ranks,
        codec=codec,
        gradient=gradient,
        schedule=schedule,
        micro_batch=micro_batch,
        micro_batches=micro_batches,
        examples=examples,
        train=train,
        learning_rate=learning_rate,
        checkpoint=checkpoint,
        every=every,
        timeout_s=timeout,
        probe=probe,
    )
    if out is not None:
        reject_unwritable("--out", out.parent)
    if checkpoint is not None:
        reject_unwritable("--checkpoint", checkpoint)
    if "RANK" in os.environ:
        as_rank(plan, out)
        return
    found = started(plan, max_restarts, Console(stderr=True, emoji=False))
    if out is not None:
        out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(found))
    else:
        Console(emoji=False).print(run_view(found))
