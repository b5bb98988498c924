"""The audit trail holds everything that was decided, said, sent and done, in order, and nobody changes it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from marginwatch.core.alert import Reason
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.store import audit
from marginwatch.store.audit import Entry, Kind, Wanted
from marginwatch.store.deeds import Deed, Via, deeds
from marginwatch.store.retention import Retention
from marginwatch.store.tables import transitions
from marginwatch.store.types import AttemptResult
from support.records import (
    ACCOUNT,
    NOON,
    account_state,
    after,
    alert,
    commit,
    message,
    observation,
    silence,
    transition,
)

if TYPE_CHECKING:
    from marginwatch.store.store import Store

ALL = Wanted(since=NOON, until=after(3_600))


def trail(store: Store, wanted: Wanted = ALL) -> list[Entry]:
    """All of it that is wanted."""
    return list(store.audit.entries(wanted))


def live_a_little(store: Store) -> None:
    """An alert is told of and acknowledged; a silence comes and is ended; an account is given up."""
    known = account_state(observation())
    store.commit(commit(1, alerts=(alert(),), transitions=(transition(at=after(1)),), accounts=(known,)))
    store.commit(commit(2, messages=(message(),)))
    (row,) = store.outbox.claim_due(after(3), {"desk": 1}, timedelta(minutes=1))
    store.outbox.record_attempt(row.id, AttemptResult(AttemptOutcome.RETRYABLE, "busy", after(5)), after(4))
    (row,) = store.outbox.claim_due(after(5), {"desk": 1}, timedelta(minutes=1))
    store.outbox.record_attempt(row.id, AttemptResult(AttemptOutcome.DELIVERED, "200"), after(6))
    store.operators.acknowledge("a1b2c3", by="ann", note="on it", now=after(7), until=after(67), via=Via.LINK)
    made = store.operators.add_silence(silence(100, 200, rule="thin", groups=("desk",)), after(8), via=Via.PAGE)
    store.operators.end_silence(made.id, after(9), by="bob")
    store.operators.forget(ACCOUNT, by="eve", now=after(10))


def test_the_trail_is_in_the_order_of_time(store: Store) -> None:
    """Who was told what, when, on which data, what the receiver answered, and who did what by which way."""
    live_a_little(store)
    found = trail(store)

    assert [(entry.kind, entry.what) for entry in found] == [
        (Kind.STEP, transition().reason.value),
        (Kind.MESSAGE, message().state.value),
        (Kind.ATTEMPT, "retryable"),
        (Kind.ATTEMPT, "delivered"),
        (Kind.DEED, Deed.ACKNOWLEDGED),
        (Kind.DEED, Deed.SILENCED),
        (Kind.DEED, Deed.SILENCE_ENDED),
        (Kind.DEED, Deed.FORGOTTEN),
    ]
    assert [entry.at for entry in found] == sorted(entry.at for entry in found)
    step, told, busy, _, acknowledged, silenced, ended, forgotten = found
    assert (step.value, step.limit, step.fetched_at) == (
        transition().value,
        transition().limit,
        transition().fetched_at,
    )
    assert (told.receiver, told.number, told.text) == ("desk", 1, f"{message().title}\n{message().body}")
    assert (busy.attempt, busy.text, busy.rule, busy.ended_at) == (1, "busy", alert().key.rule, after(4))
    assert (acknowledged.by, acknowledged.via, acknowledged.text) == ("ann", Via.LINK, "on it")
    assert (acknowledged.until, acknowledged.alert_id) == (after(67), "a1b2c3")
    assert (silenced.at, silenced.since, silenced.until, silenced.via) == (after(8), after(100), after(200), Via.PAGE)
    assert (ended.by, ended.until) == ("bob", after(9))
    assert (forgotten.account, forgotten.by) == (ACCOUNT.id, "eve")


def test_only_what_is_asked_for(store: Store) -> None:
    """By time, by alert, by rule and by account."""
    live_a_little(store)
    other = transition("other1", at=after(1), reason=Reason.CLEARED)
    store.commit(commit(20, transitions=(other,)))

    assert {entry.alert_id for entry in trail(store, Wanted(since=NOON, until=after(99), alert_id="other1"))} == {
        "other1"
    }
    assert trail(store, Wanted(since=after(11), until=after(99))) == []
    assert trail(store, Wanted(since=NOON, until=after(99), rule="none")) == []
    spoken = trail(store, Wanted(since=NOON, until=after(99), account=ACCOUNT))
    assert len([entry for entry in spoken if entry.kind is Kind.ATTEMPT]) == 2


def test_any_number_of_rows_is_read_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is left out and none comes twice where a page ends."""
    monkeypatch.setattr(audit, "_PAGE", 3)
    steps = tuple(transition(f"alert{number}", at=after(number)) for number in range(10))
    store.commit(commit(10, transitions=steps))

    assert [entry.alert_id for entry in trail(store)] == [step.alert_id for step in steps]


@pytest.mark.parametrize("table", [deeds, transitions], ids=lambda table: table.name)
def test_nobody_changes_the_trail(store: Store, url: str, table: sa.Table) -> None:
    """The database itself refuses to change what people did or what was decided, whoever asks."""
    live_a_little(store)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with pytest.raises(sa.exc.DatabaseError, match="never changed"), engine.begin() as connection:
        connection.execute(table.update().values(rule="another"))
    engine.dispose()


def test_old_deeds_are_dropped_with_the_rest(store: Store) -> None:
    """`keep` bounds the trail as it does everything else."""
    live_a_little(store)
    store.prune(after(500 * 86_400), Retention(timedelta(days=400), timedelta(days=14)))

    assert [entry for entry in trail(store) if entry.kind is Kind.DEED] == []
