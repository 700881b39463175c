"""Train several variants at once, each in a process with one thread.

Networks of this size gain little from a second thread and a lot from a second
process; and with one thread the numbers are the same on any number of cores.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from typing import Any

import torch

from axonal.study.watching import Watcher
from axonal.training import Point

__all__ = ["Job", "Trainer", "one_thread", "run_jobs"]

Job = tuple[int, str | None]
"""Seed and variant; no variant means the dense network that the seed's boundaries start from."""

Trainer = Callable[[int, str | None], Any]
"""Does a job; what comes before it has to be in the cache already."""

_trainer: list[Trainer] = []
"""The trainer of this process, when it is a worker."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside the block, torch uses one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Posting:
    """A `Watcher` in a worker: sends what it is told to the main process."""

    def __init__(self, events: SimpleQueue[Any]) -> None:
        self.events = events

    def begin(self, title: str, steps: int) -> None:
        self.events.put(("begin", title, steps))

    def step(self, title: str, step: int, point: Point | None) -> None:
        self.events.put(("step", title, step, point))

    def say(self, text: str) -> None:
        self.events.put(("say", text))


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes that are started inside the block never hear an interrupt: the main process ends them itself.

    They inherit that from here because they would otherwise hear it while they import.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _become_worker(make: Callable[[Watcher], Trainer], events: SimpleQueue[Any]) -> None:
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _trainer.append(make(_Posting(events)))


def _leave_with_parent() -> None:
    """A main process that was killed cannot end its workers: they see to it themselves."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(job: Job) -> Any:
    return _trainer[0](*job)


@dataclass(kw_only=True)
class _Pool:
    """Jobs under way and what came of them."""

    executor: ProcessPoolExecutor
    waiting: dict[Future[Any], Job] = field(default_factory=dict)
    done: dict[Job, Any] = field(default_factory=dict)

    def submit(self, jobs: Sequence[Job]) -> None:
        with _deaf_children():
            for job in jobs:
                self.waiting[self.executor.submit(_do, job)] = job

    def collect(self, follow: Callable[[Job], Sequence[Job]]) -> None:
        """Wait a little, take up what is finished and submit what may follow it."""
        finished, _ = wait(self.waiting, timeout=0.2, return_when=FIRST_COMPLETED)
        for future in finished:
            job = self.waiting.pop(future)
            measured = future.result()
            if measured is not None:
                self.done[job] = measured
            self.submit(follow(job))


def run_jobs(
    first: Sequence[Job],
    follow: Callable[[Job], Sequence[Job]],
    make: Callable[[Watcher], Trainer],
    workers: int,
    watcher: Watcher,
) -> dict[Job, Any]:
    """Do jobs in worker processes.

    Args:
        first: Jobs that may start at once.
        follow: Jobs that may start when a job is done.
        make: Makes the trainer of a worker; pickled, like all jobs and answers.
        workers: Processes at most.
        watcher: Told of the progress of all.

    Raises:
        OSError: A worker was killed.
    """
    context = multiprocessing.get_context("spawn")
    events: SimpleQueue[Any] = context.SimpleQueue()
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(workers, context, _become_worker, (make, events))
    pool = _Pool(executor=executor)
    try:
        pool.submit(first)
        while pool.waiting:
            _relay(events, watcher)
            pool.collect(follow)
        _relay(events, watcher)
    except BrokenProcessPool as error:
        raise OSError(
            "a training process was killed (out of memory?): run the same command again to go on, "
            f"with fewer --workers than {workers} if it happens again"
        ) from error
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return pool.done


def _relay(events: SimpleQueue[Any], watcher: Watcher) -> None:
    """Pass on what the workers posted."""
    while not events.empty():
        name, *values = events.get()
        getattr(watcher, name)(*values)
