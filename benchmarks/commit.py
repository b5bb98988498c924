"""How long a commit takes, against the bare inserts it cannot do without.

The worst case: one rule fires on every one of 2,000 accounts at once, in batches of 1,000 as the daemon commits them.
The bare figure is the same bytes given straight to sqlite3's executemany, one transaction a batch.
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
from typing import TYPE_CHECKING

from marginwatch.core.alert import Alert, LevelTimer, Reason, State, Status, Transition
from marginwatch.core.model import Account, AccountKey, Observation, Severity
from marginwatch.core.result import AlertKey
from marginwatch.core.state import AccountState, Commit, Message, StoredObservation
from marginwatch.store import rows
from marginwatch.store.columns import to_micros
from marginwatch.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNTS, BATCH, REPEATS = 2000, 1000, 5
START = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)


def main() -> None:
    """Print milliseconds for all 2,000 accounts, median of several runs on fresh databases."""
    print(f"{ACCOUNTS} accounts, batches of {BATCH}, median of {REPEATS} runs, milliseconds")
    measures: list[tuple[str, Callable[[Path], float]]] = [
        ("every account fires: observations, alerts, transitions, messages", _firing),
        ("the same alerts, transitions and messages, bare executemany", _bare),
        ("nothing changed: unchanged observations and their times", _unchanged),
    ]
    for name, measure in measures:
        print(f"{statistics.median(_fresh(measure) for _ in range(REPEATS)) * 1000:8.1f}  {name}")


def _fresh(measure: Callable[[Path], float]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder))


def _firing(folder: Path) -> float:
    with contextlib.closing(Store.open(f"sqlite:///{folder}/bench.db")) as store:
        store.own()
        return _timed(store, [_commit(batch, changed=True, fires=True) for batch in _batches()])


def _unchanged(folder: Path) -> float:
    with contextlib.closing(Store.open(f"sqlite:///{folder}/bench.db")) as store:
        store.own()
        _timed(store, [_commit(batch, changed=True, fires=False) for batch in _batches()])
        return _timed(store, [_commit(batch, changed=False, fires=False) for batch in _batches()])


def _timed(store: Store, commits: list[Commit]) -> float:
    began = time.perf_counter()
    for commit in commits:
        store.commit(commit)
    return time.perf_counter() - began


def _bare(folder: Path) -> float:
    prepared = [_bare_rows(batch) for batch in _batches()]
    with contextlib.closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        for table, row in prepared[0].items():
            connection.execute(f"CREATE TABLE {table} ({', '.join(f'c{number}' for number in range(len(row[0])))})")
        began = time.perf_counter()
        for batch in prepared:
            connection.execute("BEGIN IMMEDIATE")
            for table, found in batch.items():
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(found[0]))})", found)
            connection.execute("COMMIT")
        return time.perf_counter() - began


def _bare_rows(batch: range) -> dict[str, list[tuple[object, ...]]]:
    commit = _commit(batch, changed=True, fires=True)
    return {
        "alerts": [_plain(rows.alert_row(alert, commit.at)) for alert in commit.alerts],
        "transitions": [_plain(rows.transition_row(step, 1)) for step in commit.transitions],
        "outbox": [_plain(rows.outbox_row(message, commit.at)) for message in commit.messages],
    }


def _plain(row: dict[str, object]) -> tuple[object, ...]:
    simple = (to_micros(value) if isinstance(value, datetime) else value for value in row.values())
    return tuple(str(value) if isinstance(value, Decimal) else value for value in simple)


def _batches() -> list[range]:
    return [range(start, start + BATCH) for start in range(0, ACCOUNTS, BATCH)]


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
    )


if __name__ == "__main__":
    main()
