"""Before any tensor moves: all ranks say who they are, and those that do not fit are refused by name."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version

import torch
from torch.distributed.distributed_c10d import Store

from axonal.runtime.errors import PeerTimeout, Refused
from axonal.wire import CODECS
from axonal.wire.message import VERSION, layout_hash

__all__ = ["agree", "hello"]

_LEVERS = {
    "axonal": "install one release everywhere",
    "wire": "install one release everywhere",
    "torch": "install one release everywhere",
    "layout": "start every rank with the same model, weights' shapes, system and stages",
    "weights": "give every rank the same weights: copy the cache folder from one machine to the others",
    "codecs": "allow the same codecs everywhere",
    "schedule": "start every rank with the same schedule and micro-batches",
    "ranks": "start as many ranks as the model has stages, or a divisor of it",
}


def hello(*, layout: str, weights: str, schedule: str, ranks: int) -> dict[str, str]:
    """What a rank says of itself; all have to say the same."""
    return {
        "axonal": version("axonal"),
        "wire": str(VERSION),
        "torch": torch.__version__,
        "layout": layout,
        "weights": weights,
        "codecs": ",".join(CODECS),
        "schedule": schedule,
        "ranks": str(ranks),
    }


def agree(store: Store, rank: int, size: int, mine: Mapping[str, str], *, timeout_s: float = 60.0) -> int:
    """Exchange what all ranks say; the session's number, the same for all.

    Args:
        store: The rendezvous store.
        rank: This rank.
        size: Ranks of the run.
        mine: What this rank says; see `hello`.
        timeout_s: How long to wait for the others.

    Raises:
        Refused: A rank says something else; `reason` is the field.
        PeerTimeout: A rank says nothing.
    """
    # A restarted run meets what the run before it has left in the store.
    turn = store.add(f"axonal/hello/turn/{rank}", 1)
    store.set(f"axonal/hello/{turn}/{rank}", json.dumps(dict(mine)))
    session = layout_hash(json.dumps(dict(mine), sort_keys=True) + f"/{turn}")
    for other in range(size):
        theirs = _heard(store, f"axonal/hello/{turn}/{other}", other, timeout_s)
        for field, value in mine.items():
            if theirs.get(field) != value:
                raise Refused(
                    field,
                    f"rank {other} has {field} {theirs.get(field)!r}, rank {rank} has {value!r}: "
                    f"{_LEVERS.get(field, 'make them equal')}",
                )
    return session


def _heard(store: Store, key: str, other: int, timeout_s: float) -> dict[str, str]:
    started = time.monotonic()
    try:
        store.wait([key], timedelta(seconds=timeout_s))
        found: dict[str, str] = json.loads(store.get(key))
    except (RuntimeError, ValueError) as error:
        waited = time.monotonic() - started
        raise PeerTimeout(
            f"rank {other} did not say hello within {waited:.0f} s ({' '.join(str(error).split())[:120]}): "
            "is it running, and can it reach the store?"
        ) from error
    return found
