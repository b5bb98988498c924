"""The worst case: one rule fires on every one of 2,000 accounts at once, each of them under 100 rules.

Timed is what the tick loop does with their normalised answers, in lists of 1,000 as a busy daemon takes them: decide,
make the words of every message, commit observations, account states, alerts, transitions and messages to SQLite
(`synchronous=FULL`), and log every step. Beside it the least that storing them can cost: the very same rows given
straight to sqlite3's executemany, one transaction a list.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from figures import Figure, median, publish
from fleet import KINDS, NOON, Login, account, account_ids, breached, parts_of, write_config
from marginwatch.core.alert import State
from marginwatch.ops.logs import configure_logging
from marginwatch.store.columns import to_micros
from marginwatch.store.staging import Memory, stage
from marginwatch.store.store import Store
from marginwatch.tick import MOST, Ticker
from sites import site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marginwatch.app.build import Parts
    from marginwatch.core.model import Normalised
    from marginwatch.core.state import Commit
    from marginwatch.store.engine import Database
    from marginwatch.store.types import Committed
    from marginwatch.venues.protocol import Fetched

RULES = 100
EVERY = timedelta(seconds=10)
WANTED = 1000.0
STORMS = 3
"""One more within the hour, and the alerts would be taken to flap."""

Rows: TypeAlias = "dict[str, list[tuple[object, ...]]]"


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds."""

    wall: float
    cpu: float


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """Elapsed and processor time of one storm."""
    accounts, storms = (90, 1) if quick else (2_000, STORMS)
    logins = [Login(kind, account_ids(accounts)[place :: len(KINDS)]) for place, kind in enumerate(KINDS)]
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        configure_logging(stream=nowhere, as_json=True)
        config = write_config(Path(folder), logins, rules=RULES, receivers=["json://127.0.0.1:9"])
        with closing(_Recording.open(f"sqlite:///{folder}/bench.db")) as store:
            assert isinstance(store, _Recording)
            store.own()
            weather = _Weather(parts_of(config), store, logins)
            ours = [weather.storm(number) for number in range(storms)]
        with closing(_bare(Path(folder))) as connection:
            bare = [_timed(partial(_insert, connection, batches)) for batches in weather.stored]
    name = f"one rule fires on {accounts:,} accounts x {RULES} rules"
    return [
        Figure(
            f"{name}: {what}",
            median([getattr(one, key) for one in ours]),
            "ms",
            most=WANTED,
            baseline=median([getattr(one, key) for one in bare]),
            baseline_name="bare inserts",
        )
        for what, key in (("elapsed", "wall"), ("processor", "cpu"))
    ]


class _Recording(Store):
    """A store that also keeps what it was given."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.commits: list[Commit] = []

    def commit(self, commit: Commit) -> Committed:
        self.commits.append(commit)
        return super().commit(commit)


class _Weather:
    """Lets all accounts go into breach and out of it again; keeps the rows of each time they went in."""

    def __init__(self, parts: Parts, store: _Recording, logins: Sequence[Login]) -> None:
        self.stored: list[list[Rows]] = []
        """By storm: the rows of each of its commits."""
        self._logins = logins
        self._store = store
        self._normalise = {venue.name: venue.normalise for venue in parts.venues}
        self._read: dict[int, Normalised] = {}
        """By answer."""
        self._ticker = Ticker(store, parts.ruling, dict.fromkeys(KINDS, lambda fetched: self._read[id(fetched)]))
        self._sites = {kind: site(kind) for kind in KINDS}
        self._now = NOON
        self._ticker.start(NOON)
        self._settle(self._answers(is_breached=False))

    def storm(self, number: int) -> Spent:
        """One storm and its end; gives what the storm took."""
        answers = self._answers(is_breached=True)
        self._store.commits.clear()
        gc.collect()
        spent = _timed(lambda: self._settle(answers))
        self._check()
        memory = Memory(next_id={"ticks": number * 100 + 1})
        self.stored.append([_plain_rows(commit, memory) for commit in self._store.commits])
        self._settle(self._answers(is_breached=False))
        return spent

    def _answers(self, *, is_breached: bool) -> list[Fetched]:
        self._now += EVERY
        found: list[Fetched] = []
        for login in self._logins:
            accounts = [account(login.kind, each) for each in login.accounts]
            moved = [breached(each) for each in accounts] if is_breached else accounts
            found += [answer for batch in self._sites[login.kind].cycle(moved, self._now) for answer in batch]
        self._read = {id(answer): self._normalise[answer.venue](answer) for answer in found}
        return found

    def _settle(self, answers: Sequence[Fetched]) -> None:
        for start in range(0, len(answers), MOST):
            self._ticker.tick(answers[start : start + MOST], self._now)

    def _check(self) -> None:
        """That every account fired once, and nothing else did."""
        fired = [step.key.account for commit in self._store.commits for step in commit.transitions if step.state]
        messages = [message for commit in self._store.commits for message in commit.messages]
        accounts = sum(len(login.accounts) for login in self._logins)
        states = {message.state for message in messages}
        if (len(fired), len(set(fired)), len(messages), states) != (accounts, accounts, accounts, {State.FIRING}):
            raise NoStormError(len(fired), len(messages))


class NoStormError(Exception):
    """Not every account fired once."""

    def __init__(self, fired: int, messages: int) -> None:
        super().__init__(f"transitions: {fired}, messages: {messages}")


def _timed(work: Callable[[], object]) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu))


def _plain_rows(commit: Commit, memory: Memory) -> Rows:
    """Every row of a commit, its values as sqlite3 takes them."""
    staged = stage(commit, memory)
    staged.remember(memory)
    return {table: [_plain(row) for row in found] for table, found in staged.rows.items() if found}


def _plain(row: Mapping[str, object]) -> tuple[object, ...]:
    simple = (to_micros(value) if isinstance(value, datetime) else value for value in row.values())
    return tuple(str(value) if isinstance(value, Decimal) else value for value in simple)


def _bare(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _insert(connection: sqlite3.Connection, batches: Sequence[Rows]) -> None:
    for batch in batches:
        connection.execute("BEGIN IMMEDIATE")
        for table, found in batch.items():
            columns = [f"c{number}" for number in range(len(found[0]))]
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(columns)})")
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", found)
        connection.execute("COMMIT")


if __name__ == "__main__":
    publish(measure, __doc__)
