"""Old things go, in small steps; nothing that is still needed does."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.core.alert import Status
from marginwatch.core.model import AccountKey, CycleEnd
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.store import retention, tables
from marginwatch.store.retention import Retention
from marginwatch.store.store import Store
from marginwatch.store.types import AttemptResult, OutboxStatus
from support.records import (
    ACCOUNT,
    NOON,
    account_state,
    after,
    alert,
    commit,
    failure,
    message,
    observation,
    seen,
    silence,
    transition,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from marginwatch.core.model import Observation

DAY = 86400
KEEP = Retention(keep=timedelta(days=400), keep_observations=timedelta(days=14))
LATER = after(401 * DAY)
OTHER = AccountKey("futures", "A-2")
EVER = after(10**9)


def observe(store: Store, *entries: tuple[float, AccountKey, int]) -> None:
    """Commit one observation a tick: second, account and what it says; saying the same again is unchanged."""
    latest: dict[AccountKey, int] = {}
    for second, account, value in entries:
        made = observation(second, {"equity": Decimal(value)}, account=account)
        store.commit(commit(second, observations=(seen(made, unchanged=latest.get(account) == value),)))
        latest[account] = value


def told(store: Store, account: AccountKey = ACCOUNT) -> list[tuple[float, int]]:
    """Second and value of each observation that can still be read."""
    found = store.history.observations(account, NOON, EVER)
    return [(second(item.observation), int(item.observation.fields["equity"])) for item in found]  # type: ignore[arg-type]  # always a Decimal here


def second(made: Observation) -> float:
    """Seconds after noon at which it was in."""
    return (made.fetched_at - NOON).total_seconds()


def count(store: Store, *wanted: sa.Table) -> list[int]:
    """Rows of each table."""
    with store._database.read() as connection:
        return [connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in wanted]


def test_old_observations_are_thinned_to_one_a_minute(store: Store) -> None:
    """Of each minute the last change stays; what said the same again goes; the newest days keep everything."""
    new = 15 * DAY
    observe(
        store,
        *((0, ACCOUNT, 1), (10, ACCOUNT, 2), (20, ACCOUNT, 2), (59, ACCOUNT, 3), (60, ACCOUNT, 4), (200, ACCOUNT, 4)),
        *((new, ACCOUNT, 4), (new + 1, ACCOUNT, 5), (new + 2, ACCOUNT, 5)),
    )

    store.prune(after(new + 60), KEEP)

    assert told(store) == [(59, 3), (60, 4), (new, 4), (new + 1, 5), (new + 2, 5)]
    assert [tick.thinned for tick in store.history.ticks(NOON, EVER)] == [True, True, False, False, False]
    assert store.prune(after(new + 60), KEEP) == 0


def test_what_an_unchanged_observation_repeats_is_never_dropped(store: Store) -> None:
    """An account that has said the same for years can still be read."""
    year = 365 * DAY
    observe(store, (0, ACCOUNT, 7), (0, OTHER, 1), (10, OTHER, 2), (2 * year, ACCOUNT, 7), (2 * year, OTHER, 2))

    store.prune(after(2 * year + 10), KEEP)

    assert told(store) == [(0, 7), (2 * year, 7)]
    assert told(store, OTHER) == [(10, 2), (2 * year, 2)]


ENTRIES = st.lists(
    st.tuples(st.integers(1, 40), st.sampled_from([ACCOUNT, OTHER]), st.integers(1, 3)), min_size=1, max_size=15
)


@given(ENTRIES, st.lists(st.integers(0, 400), min_size=1, max_size=2))
@settings(max_examples=30)  # a database each
def test_pruning_never_changes_what_is_left(
    made: Path, entries: list[tuple[int, AccountKey, int]], prunings: list[int]
) -> None:
    """Whenever it ran: the days to be kept read as before, and what is older holds only what was observed."""
    path = made.with_name("pruned.db")
    shutil.copy(made, path)
    store = Store.open(f"sqlite:///{path}")
    store.own()
    second = 0
    said = []
    for gap, account, value in entries:
        second += gap
        said.append((second, account, value))
    observe(store, *said)
    for now in sorted(prunings):
        store.prune(after(now), Retention(timedelta(seconds=300), timedelta(seconds=100)))
        for account in (ACCOUNT, OTHER):
            before = [(float(at), value) for at, whose, value in said if whose == account]
            read = told(store, account)
            assert set(read) <= set(before)
            assert [entry for entry in read if entry[0] >= now - 100] == [
                entry for entry in before if entry[0] >= now - 100
            ]
    store.close()


def test_large_backlogs_are_pruned_in_chunks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than one transaction takes are all thinned, chunk by chunk."""
    monkeypatch.setattr(retention, "CHUNK", 3)
    observe(store, *((number, ACCOUNT, number) for number in range(70)))

    store.prune(after(20 * DAY), KEEP)

    assert told(store) == [(59, 59), (69, 69)]
    assert count(store, tables.ticks, tables.observations) == [2, 2]


def settle(store: Store, outcome: AttemptOutcome) -> None:
    """Deliver, or give up, everything that waits."""
    for row in store.outbox.claim_due(after(1), {"desk": 99}, timedelta(minutes=1)):
        store.outbox.record_attempt(row.id, AttemptResult(outcome, "said"), after(2))


def test_ended_alerts_go_with_all_that_was_said_of_them(store: Store) -> None:
    """Transitions, messages, attempts and acknowledgements go with their episode; runs and old silences go too."""
    store.commit(
        commit(
            alerts=(alert(),),
            transitions=(transition(),),
            messages=(message(), message(number=2)),
            failures=(failure(),),
            cycles=(CycleEnd("futures", NOON, NOON, 1, 0),),
            accounts=(account_state(observation()),),
        )
    )
    store.operators.acknowledge("a1b2c3", by="ann", note="", now=NOON)
    request = store.operators.forget(ACCOUNT, by="ann", now=NOON)
    made = store.operators.add_silence(silence())
    ended = alert(status=Status.RESOLVED, ended_at=after(9))
    store.commit(commit(9, alerts=(ended,), settled=(made.id,), requests=(request,)))
    settle(store, AttemptOutcome.DELIVERED)
    settle(store, AttemptOutcome.PERMANENT)

    store.prune(after(399 * DAY), KEEP)
    everything = (tables.alerts, tables.transitions, tables.outbox, tables.attempts, tables.acknowledgements)
    runs = (tables.failures, tables.cycles, tables.silences, tables.requests)
    assert count(store, *everything, *runs) == [1, 1, 2, 2, 1, 1, 1, 1, 1]

    store.prune(after(402 * DAY), KEEP)
    assert count(store, *everything, *runs) == [0] * 9


def test_open_alerts_and_unsettled_messages_stay_for_ever(store: Store) -> None:
    """Whatever their age: an open alert with its whole story, and a message that reached nobody yet."""
    over = alert("over", status=Status.RESOLVED)
    store.commit(
        commit(
            alerts=(alert(), over),
            transitions=(transition(), transition("over")),
            messages=(message(), message("over")),
        )
    )
    rows = store.outbox.claim_due(after(1), {"desk": 1}, timedelta(minutes=1))
    store.outbox.record_attempt(rows[0].id, AttemptResult(AttemptOutcome.DELIVERED, ""), after(1))

    store.prune(after(5000 * DAY), KEEP)

    assert store.history.alerts(open_only=False) == [alert(), over]
    assert [step.alert_id for step in store.history.transitions()] == ["a1b2c3"]
    assert {(row.message.alert_id, row.status) for row in store.outbox.rows()} == {
        ("a1b2c3", OutboxStatus.DELIVERED),
        ("over", OutboxStatus.PENDING),
    }


def test_commits_go_on_after_everything_was_pruned(store: Store) -> None:
    """Numbering does not begin again, and an account's remembered state survives its history."""
    store.commit(commit(accounts=(account_state(observation()),)))
    store.commit(commit(1))
    store.prune(LATER, KEEP)

    assert count(store, tables.ticks) == [0]
    assert store.commit(replace(commit(), at=LATER)).tick == 3
    assert store.load_prior().accounts == {ACCOUNT: account_state(observation())}


def test_free_pages_go_back_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a large pruning the file is smaller; a few pages are spared for what comes next."""
    monkeypatch.setattr(retention, "_SPARE_PAGES", 10)
    path = tmp_path / "store.db"
    store = Store.open(f"sqlite:///{path}")
    store.own()
    big: dict[str, Any] = {"noise": "".join(map(str, range(20000)))}
    for number in range(60):
        store.commit(commit(number, observations=(seen(observation(number, {**big, "n": Decimal(number)})),)))
    store.prune(after(20 * DAY), KEEP)
    with store._database.raw() as raw:
        (spare,) = raw.execute("PRAGMA freelist_count").fetchone()
    store.close()

    assert spare <= 10
    assert path.stat().st_size < 500_000


def test_commits_go_on_while_pruning(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pruning in another thread lets every commit through, and takes nothing of them."""
    monkeypatch.setattr(retention, "CHUNK", 5)
    observe(store, *((number, ACCOUNT, number) for number in range(60)))
    start = 30 * DAY
    with ThreadPoolExecutor(1) as pool:
        pruning = pool.submit(store.prune, after(start), KEEP)
        observe(store, *((start + number, ACCOUNT, number) for number in range(60)))
        assert pruning.result() > 0

    assert told(store) == [(59, 59), *((start + number, number) for number in range(60))]
