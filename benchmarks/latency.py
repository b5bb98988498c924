"""How long it takes from a venue's answer to the first attempt to tell: the real daemon, SQLite and HTTP.

1,000 accounts under 50 rules, each polled every 10 seconds, the calls spread evenly over that time. In every cycle 10
accounts breach and those of the cycle before recover. The clock starts when the venue has written the last byte of
the account's answer, in its process, and stops when the receiver has read the message, in its own.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from figures import Figure, median, percentile, publish
from fleet import HELIO, Login, account_ids, write_config
from processes import Beside, Watching

BREACHES = 10
WANTED = 100.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much."""

    accounts: int
    every: int
    cycles: int


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """Median and 99th percentile in milliseconds."""
    plan = Plan(100, 1, 2) if quick else Plan(1_000, 10, 10)
    with (
        tempfile.TemporaryDirectory() as folder,
        Beside("venue.py", HELIO, plan.accounts, 1) as venue,
        Beside("sink.py") as sink,
    ):
        login = Login(
            HELIO,
            account_ids(plan.accounts),
            f"http://127.0.0.1:{venue.port}/api/v1",
            every=f"{plan.every}s",
            calls_per_second=2 * plan.accounts // plan.every,
        )
        receiver = f"json://127.0.0.1:{sink.port}/"
        config = write_config(Path(folder), [login], rules=50, receivers=[receiver])
        with Watching(config):
            time.sleep(2 * plan.every)  # the first cycle is the baseline
            delays = _delays(plan, venue, sink)
    name = f"answer to first send, {plan.accounts:,} accounts x 50 rules, {len(delays)} sends"
    return [
        Figure(f"{name}: median", median(delays), "ms"),
        Figure(f"{name}: 99th percentile", percentile(delays, 0.99), "ms", most=WANTED),
    ]


def _delays(plan: Plan, venue: Beside, sink: Beside) -> list[float]:
    """Milliseconds of every breach and of every recovery."""
    before: list[str] = []
    for cycle in range(plan.cycles):
        ids = [f"{place * plan.accounts // BREACHES + cycle:08d}" for place in range(BREACHES)]
        venue.tell(breach=ids, heal=before)
        before = ids
        time.sleep(plan.every)
    time.sleep(plan.every + 3)  # what is longer on its way is an error
    answered = {(line["account"], line["breached"]): line["at"] for line in venue.said()}
    received = {(line["account"], line["state"] == "firing"): line["at"] for line in sink.said()}
    if received.keys() != answered.keys():
        raise NotToldError(answered.keys() ^ received.keys())
    return [1000 * (at - answered[what]) for what, at in received.items()]


class NotToldError(Exception):
    """Something else was told than happened."""

    def __init__(self, which: object) -> None:
        super().__init__(f"told and not happened, or not told: {which}")


if __name__ == "__main__":
    publish(measure, __doc__)
