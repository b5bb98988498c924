"""A program that runs `marginwatch run` and kills it, again and again.

    python -m support.dying CONFIG LIVES SEED

Each life is a process of its own, forked from this one, which has all modules loaded: so a life that is not longer
than a second is spent at work. `$LIFE` is its number, for the config to refer to. Lives end by SIGKILL at random
instants, from before the config is read to after some cycles. One that ends by itself is printed with its status.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from apprise import Apprise

from marginwatch.app import start
from marginwatch.cli import main as marginwatch
from marginwatch.venues.architect import assembly
from marginwatch.venues.helio import client as helio
from marginwatch.venues.stonex import client as stonex

LOADED = (start, assembly, helio, stonex)
SHORTEST, LONGEST = 0.02, 1.5
"""Seconds of a life; a first cycle of all venues takes less than one."""


def main(config: str, lives: int, seed: int) -> None:
    """Start and kill so many."""
    Apprise.instantiate("json://localhost")
    chance = random.Random(seed)
    for life in range(lives):
        child = os.fork()
        if child == 0:
            os.environ["LIFE"] = str(life)
            marginwatch(["run", "--config", config])
        time.sleep(chance.uniform(SHORTEST, LONGEST))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            print(f"life {life} ended by itself with status {status}", flush=True)  # noqa: T201  (because it is a program's output)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
