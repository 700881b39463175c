"""The toy, served by a process of its own: `python serving_alone.py SECONDS_OF_A_REQUEST`."""

from __future__ import annotations

import sys
import time

from serving_parts import INSECURE, TOY, Toy, plain_codec
from torch import Tensor

from axonal.runtime.serving import serve


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Slow(Toy):
    """Takes its time."""

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        say("working")
        time.sleep(float(sys.argv[1]))
        return TOY(*tensors)


if __name__ == "__main__":
    counts = serve(
        Slow(),
        listen="127.0.0.1:0",
        credentials=INSECURE,
        codec_of=plain_codec,
        ready=say,
    )
    say(f"ended after {counts.requests}")
