"""Whether memory and database stay as they are: a day of polling once a minute, in virtual time.

12 accounts of the three venues under 25 rules; in every hour each of them is in breach for ten minutes, so alerts fire
and resolve all day. What the tick loop, the outbox and the pruning do is done with a real SQLite store and `now` as an
argument, one process and one thread; every message is claimed and recorded as delivered. Kept are one hour of
observations and four hours of all else, so that most of the day is a time in which as much goes as comes.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, publish
from fleet import KINDS, NOON, Login, account, account_ids, breached, parts_of, write_config
from marginwatch.core.model import CycleEnd
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.ops.logs import configure_logging
from marginwatch.store.retention import Retention
from marginwatch.store.store import Store
from marginwatch.store.types import AttemptResult
from marginwatch.tick import Ticker
from processes import resident_megabytes
from sites import site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marginwatch.app.build import Parts
    from marginwatch.simulator.world import SimAccount
    from marginwatch.tick import Arrival

RULES = 25
EVERY = timedelta(minutes=1)
HOUR = 60
BREACH_MINUTES = 10
KEPT = Retention(keep=timedelta(hours=4), keep_observations=timedelta(hours=1))
LEASE = timedelta(minutes=5)
RECEIVER = "receiver-0"
WARM_HOURS = 2
"""Hours until memory must be what it will be."""
FULL_HOURS = 8
"""Hours until the database must be as large as it will be: as much as is kept, twice."""
GROWS = 1.05
"""The most that counts as the same."""


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """Memory and database at the end of the day beside those of its morning."""
    accounts, hours, minutes = (3, 9, 2) if quick else (12, 24, HOUR)
    logins = [Login(kind, account_ids(accounts)[place :: len(KINDS)]) for place, kind in enumerate(KINDS)]
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        configure_logging(stream=nowhere, as_json=True)
        config = write_config(Path(folder), logins, rules=RULES, receivers=["json://127.0.0.1:9"])
        with closing(Store.open(f"sqlite:///{folder}/bench.db")) as store:
            store.own()
            day = _Day(parts_of(config), store, logins)
            memory, disk = [], []
            for hour in range(hours):
                day.hour(hour, minutes)
                memory.append(resident_megabytes("VmRSS"))
                disk.append(sum(file.stat().st_size for file in Path(folder).glob("bench.db*")) / 1e6)
    name = f"{hours} h of {accounts} accounts x {RULES} rules, {day.messages:,} messages"
    return [
        _row(f"{name}: memory", memory, WARM_HOURS),
        _row(f"{name}: database", disk, FULL_HOURS),
    ]


def _row(name: str, megabytes: Sequence[float], since: int) -> Figure:
    """What it is at the end beside what it was after so many hours."""
    before, after = megabytes[since - 1], megabytes[-1]
    return Figure(name, after, "MB", most=round(before * GROWS, 1), baseline=before, baseline_name=f"after {since} h")


class _Day:
    """Plays the hours of a day."""

    def __init__(self, parts: Parts, store: Store, logins: Sequence[Login]) -> None:
        self.messages = 0
        """Delivered so far."""
        self._store = store
        self._logins = logins
        self._ticker = Ticker(store, parts.ruling, {venue.name: venue.normalise for venue in parts.venues})
        self._ticker.start(NOON)

    def hour(self, number: int, minutes: int) -> None:
        """Poll every minute, deliver what is due, and prune at the end."""
        sites = {kind: site(kind) for kind in KINDS}  # afresh, for a simulator remembers every login
        now = NOON + number * HOUR * EVERY
        for minute in range(HOUR - minutes, HOUR):
            now = NOON + (number * HOUR + minute) * EVERY
            for login in self._logins:
                moved = [_account(login.kind, each, number * HOUR + minute) for each in login.accounts]
                batch: list[Arrival] = [answer for part in sites[login.kind].cycle(moved, now) for answer in part]
                batch.append(CycleEnd(login.kind, now, now, attempted=0, failed=0))
                self._ticker.tick(batch, now)
            self._deliver(now)
        self._store.prune(now, KEPT)

    def _deliver(self, now: datetime) -> None:
        outbox = self._store.outbox
        while rows := outbox.claim_due(now, {RECEIVER: 4}, LEASE):
            for row in rows:
                outbox.record_attempt(row.id, AttemptResult(AttemptOutcome.DELIVERED, ""), now)
            self.messages += len(rows)


def _account(kind: str, account_id: str, minute: int) -> SimAccount:
    healthy = account(kind, account_id, moved=minute)
    return breached(healthy) if (minute + int(account_id)) % HOUR < BREACH_MINUTES else healthy


if __name__ == "__main__":
    publish(measure, __doc__)
