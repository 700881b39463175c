"""Progress of `axonal noc`, and its finished points on disk whatever happens."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import TaskID

from axonal.cli.progress import bars
from axonal.simulation.network.points import Point
from axonal.simulation.network.setting import Study
from axonal.views import write_noc

__all__ = ["Watch"]


class Watch:
    """A `Follower` that draws a bar, or plain lines where nobody watches, and keeps what is finished in a folder.

    Args:
        console: Where progress is shown.
        folder: Where `noc.json` is kept up to date after each point, and `noc.html` at the end; none for nowhere.
    """

    def __init__(self, console: Console, folder: Path | None) -> None:
        self.console, self.folder = console, folder
        self.study: Study | None = None
        self.steps: int | None = None
        self.task: TaskID | None = None
        self.progress = bars(console, transient=True)

    def __enter__(self) -> Watch:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        if kind is not None and self.study is not None:
            self.keep(self.study)
        if kind is KeyboardInterrupt:
            raise KeyboardInterrupt(self._stopped()) from error

    def begin(self, title: str, steps: int | None) -> None:
        """A sweep of so many loads, or a search of unknown length, begins."""
        self.steps = steps
        if self.task is not None:
            self.progress.remove_task(self.task)
        self.task = self.progress.add_task(title, total=steps, note="")

    def found(self, study: Study, point: Point) -> None:
        """There is one more point."""
        if study != self.study:
            self.study = study
            if self.folder is not None:
                self._write_json(study, self.folder)
        note = f"load {point.offered_flits_per_node_cycle:.4g}: {point.packet_latency_cycles:.1f} cycles"
        note += ", saturated" if point.saturated else ""
        if self.task is not None:
            self.progress.update(self.task, advance=1, note=note)
        if not self.console.is_terminal and self.steps != 1:
            self.console.print(escape(note), highlight=False)

    def keep(self, study: Study) -> None:
        """Write what was found.

        Raises:
            OSError: The folder cannot be written.
        """
        if self.folder is not None and study.points:
            self._write_json(study, self.folder)
            write_noc(study.document(), self.folder)

    def _write_json(self, study: Study, folder: Path) -> None:
        text = json.dumps(study.document(), indent=1, allow_nan=False) + "\n"
        partial = folder / ".noc.json.partial"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / "noc.json")
        except OSError as error:
            reason = error.strerror or str(error)
            raise OSError(error.errno, f"--out {folder} cannot be written ({reason}): name another folder") from error

    def _stopped(self) -> str:
        points = len(self.study.points) if self.study else 0
        of = f" of {self.steps}" if self.steps else ""
        kept = (
            f"are in {self.folder}" if self.folder is not None and points else "are not kept (--out FOLDER keeps them)"
        )
        return f"stopped: {points}{of} points are finished and {kept}" if points else "stopped: no point is finished"
