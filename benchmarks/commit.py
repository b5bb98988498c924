"""How long a commit takes, against the bare inserts it cannot do without.

The worst case: one rule fires on every one of 2,000 accounts at once, in batches of 1,000 as the daemon commits them.
The bare figure is the very same rows given straight to sqlite3's executemany, one transaction a batch.
"""

from __future__ import annotations

import contextlib
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from marginwatch.core.alert import Alert, LevelTimer, Reason, State, Status, Transition
from marginwatch.core.model import Account, AccountKey, Observation, Severity
from marginwatch.core.result import AlertKey
from marginwatch.core.state import AccountState, Commit, Message, StoredObservation
from marginwatch.store.columns import to_micros
from marginwatch.store.staging import Memory, stage
from marginwatch.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
Taken: TypeAlias = tuple[float, float]
"""Seconds: wall, CPU."""
ACCOUNTS, BATCH, REPEATS = 2000, 1000, 5
START = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)


def main() -> None:
    """Print milliseconds for all 2,000 accounts, medians of several runs on fresh databases."""
    print(f"{ACCOUNTS} accounts in batches of {BATCH}, medians of {REPEATS} runs, milliseconds")
    print("    wall      CPU")
    measures: list[tuple[str, Callable[[Path], Taken]]] = [
        ("every account fires: observations, account states, alerts, transitions, messages", _firing),
        ("the same rows, ready made, by bare executemany", _bare),
        ("nothing changed: unchanged observations and their times", _unchanged),
    ]
    for name, measure in measures:
        taken = [_fresh(measure) for _ in range(REPEATS)]
        wall, cpu = (statistics.median(column) * 1000 for column in zip(*taken, strict=True))
        print(f"{wall:8.1f} {cpu:8.1f}  {name}")


def _fresh(measure: Callable[[Path], Taken]) -> Taken:
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder))


def _firing(folder: Path) -> Taken:
    with contextlib.closing(Store.open(f"sqlite:///{folder}/bench.db")) as store:
        store.own()
        return _timed(store.commit, _commits(changed=True, fires=True))


def _unchanged(folder: Path) -> Taken:
    with contextlib.closing(Store.open(f"sqlite:///{folder}/bench.db")) as store:
        store.own()
        _timed(store.commit, _commits(changed=True, fires=False))
        return _timed(store.commit, _commits(changed=False, fires=False))


def _bare(folder: Path) -> Taken:
    with contextlib.closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        batches = [_ready_made(commit) for commit in _commits(changed=True, fires=True)]
        for table, found in batches[0].items():
            columns = ", ".join(f"c{number}" for number in range(len(found[0])))
            connection.execute(f"CREATE TABLE {table} ({columns})")

        def insert(batch: dict[str, list[tuple[object, ...]]]) -> None:
            connection.execute("BEGIN IMMEDIATE")
            for table, found in batch.items():
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(found[0]))})", found)
            connection.execute("COMMIT")

        return _timed(insert, batches)


def _timed(work: Callable[[T], object], batches: Iterable[T]) -> Taken:
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        work(batch)
    return time.perf_counter() - wall, time.process_time() - cpu


def _ready_made(commit: Commit) -> dict[str, list[tuple[object, ...]]]:
    staged = stage(commit, Memory())
    return {table: [_plain(row) for row in found] for table, found in staged.rows.items() if found}


def _plain(row: dict[str, object]) -> tuple[object, ...]:
    simple = (to_micros(value) if isinstance(value, datetime) else value for value in row.values())
    return tuple(str(value) if isinstance(value, Decimal) else value for value in simple)


def _commits(*, changed: bool, fires: bool) -> list[Commit]:
    return [_commit(range(start, start + BATCH), changed=changed, fires=fires) for start in range(0, ACCOUNTS, BATCH)]


def _commit(batch: range, *, changed: bool, fires: bool) -> Commit:
    at = START if changed else START + timedelta(seconds=10)
    keys = [AccountKey("bench", f"{number:08}") for number in batch]
    seen = [_observation(key, at) for key in keys]
    return Commit(
        at=at,
        revision="bench",
        observations=tuple(StoredObservation(observation, unchanged=not changed) for observation in seen),
        accounts=tuple(_state(observation, at) for observation in seen),
        alerts=tuple(map(_alert, keys)) if fires else (),
        transitions=tuple(map(_transition, keys)) if fires else (),
        messages=tuple(map(_message, keys)) if fires else (),
    )


def _observation(key: AccountKey, at: datetime) -> Observation:
    fields = {f"field_{number}": Decimal(f"{number}12345.67") for number in range(40)}
    return Observation(key, at, at - timedelta(milliseconds=300), fields, positions=())


def _state(observation: Observation, at: datetime) -> AccountState:
    key = observation.account
    return AccountState(Account(key, f"Account {key.id}"), START, observation.fields, at, at)


def _alert(key: AccountKey) -> Alert:
    return Alert(
        alert_id=f"bench-{key.id}",
        key=AlertKey("margin-usage", key),
        title="Margin usage",
        status=Status.FIRING,
        level=1,
        severity=Severity.CRITICAL,
        timers=tuple(LevelTimer(severity, timedelta(minutes=1)) for severity in (Severity.WARNING, Severity.CRITICAL)),
        count=3,
        active_at=START,
        observed_at=START,
        known_at=START,
        fired_at=START,
        value=Decimal("0.9312"),
        told={"desk": 1},
    )


def _transition(key: AccountKey) -> Transition:
    return Transition(
        alert_id=f"bench-{key.id}",
        key=AlertKey("margin-usage", key),
        title="Margin usage",
        at=START,
        before=Status.PENDING,
        after=Status.FIRING,
        reason=Reason.HELD,
        state=State.FIRING,
        severity=Severity.CRITICAL,
        observed_at=START,
        fetched_at=START,
        value=Decimal("0.9312"),
        limit=Decimal("0.9"),
        operator=">",
    )


def _message(key: AccountKey) -> Message:
    return Message(
        alert_id=f"bench-{key.id}",
        receiver="desk",
        number=1,
        state=State.FIRING,
        severity=Severity.CRITICAL,
        title=f"CRITICAL {key}: margin usage",
        body=f"{key}: margin usage 93.1%, 6,880 USD left. " * 4,
        payload={"alert_id": f"bench-{key.id}", "rule": "margin-usage", "state": "firing", "account": key.id},
        topic=f"margin-usage {key}",
    )


if __name__ == "__main__":
    main()
