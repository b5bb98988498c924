"""A program that commits without end and is killed, again and again; prints every commit that was acknowledged.

    python -m support.crashing DATABASE_URL KILLS

It forks, so that what is killed need not be started from nothing each time.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time

from marginwatch.store.store import Store
from support.records import commit, message, observation, seen, transition

RECEIVERS = ("desk", "mail", "ntfy")
OBSERVATIONS = 20
LONGEST_START = 30.0
"""Seconds until a life has committed once, on the busiest machine."""


def main(url: str, kills: int) -> None:
    """Kill so many processes at random instants: every other from its start on, the others once they are at work."""
    chance = random.Random(20260302)
    Store.open(url).close()
    for life in range(kills):
        reading, writing = os.pipe()
        victim = os.fork()
        if victim == 0:
            _commit_for_ever(url, writing)
        os.close(writing)
        if life % 2:
            select.select([reading], [], [], LONGEST_START)
        time.sleep(chance.uniform(0.02, 0.25))
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        with os.fdopen(reading, "rb") as acknowledged:
            sys.stdout.buffer.write(acknowledged.read())


def _commit_for_ever(url: str, acknowledge: int) -> None:
    store = Store.open(url)
    epoch = store.own()
    number = 0
    while True:
        number += 1
        name = f"{epoch}-{number}"
        store.commit(
            commit(
                number,
                observations=tuple(
                    seen(observation(number, {"text": f"{name} {index}"})) for index in range(OBSERVATIONS)
                ),
                transitions=(transition(name),),
                messages=tuple(message(name, receiver) for receiver in RECEIVERS),
            )
        )
        os.write(acknowledge, f"{name}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
