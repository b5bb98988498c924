"""A commit is one durable transaction, and what it wrote comes back exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from marginwatch.core.alert import Flaps, Status
from marginwatch.core.digest import Gathering
from marginwatch.core.model import AccountKey, FailureKind
from marginwatch.core.result import AlertKey
from marginwatch.core.state import Prior, VenueState, Withheld
from marginwatch.store import tables
from marginwatch.store.errors import DatabaseFailedError, EpochLostError, NotOwnedError
from marginwatch.store.retention import Retention
from marginwatch.store.store import Store
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
    from marginwatch.core.alert import Alert
    from marginwatch.core.state import Commit


def count(store: Store, table: sa.Table) -> int:
    """Rows of a table."""
    with store._database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def full_commit() -> Commit:
    """A commit with something of everything that `load_prior` gives back."""
    return commit(
        observations=(seen(observation()),),
        accounts=(account_state(observation(), blind={"margin-usage": NOON}),),
        venues=(VenueState("futures", 1, NOON, NOON, None, failure(body=b"<html>"), listed=True),),
        alerts=(alert(), alert("b", status=Status.PENDING), alert("c", status=Status.RESOLVED)),
        transitions=(transition(),),
        messages=(message(), message(receiver="mail")),
    )


def test_the_next_process_starts_where_the_last_one_stopped(url: str) -> None:
    """Accounts, venues and open alerts come back equal in another process's store; ended alerts do not."""
    written = full_commit()
    first = Store.open(url)
    first.own()
    first.commit(written)
    first.close()
    second = Store.open(url)
    prior = second.load_prior()
    second.close()

    lately = Gathering(told=(written.at,))
    assert prior == Prior(
        accounts={ACCOUNT: written.accounts[0]},
        venues={"futures": written.venues[0]},
        alerts=written.alerts[:2],
        gathered={"desk": lately, "mail": lately},
    )


def test_of_what_ended_lately_the_firings_are_known(store: Store) -> None:
    """Of each key the latest that ended: not one that was closed since, counts nothing, or is long over."""
    flaps = Flaps((NOON,))

    def over(name: str, subject: str, seconds: float = 0, **how: object) -> Alert:
        given = {"status": Status.RESOLVED, "ended_at": after(seconds), "flaps": flaps, **how}
        return replace(alert(name), key=AlertKey("usage", ACCOUNT, subject), **given)  # type: ignore[arg-type]  # given are an alert's own fields

    two_days = timedelta(days=2).total_seconds()
    fine, later = over("b", "twice", two_days), over("h", "pending", two_days, status=Status.INACTIVE)
    ended = (
        over("a", "twice", 10),
        fine,
        over("c", "closed", 10),
        over("d", "closed", 20, status=Status.CLOSED),
        over("e", "uncounted", 10, flaps=None),
        over("f", "long ago", -1),
        later,
    )
    store.commit(commit(two_days, alerts=ended))

    assert store.load_prior().lately == (fine, later)


def test_an_empty_store_has_no_past(store: Store) -> None:
    """The very first start begins with nothing."""
    assert store.load_prior() == Prior()


def test_a_commit_says_what_it_did(store: Store) -> None:
    """Ticks are numbered, and the receivers with new messages are named."""
    first, second = store.commit(full_commit()), store.commit(commit(1))

    assert (first.tick, first.receivers) == (1, frozenset({"desk", "mail"}))
    assert (second.tick, second.receivers) == (2, frozenset())


def test_a_failed_commit_leaves_nothing(store: Store) -> None:
    """When the last row is refused, the first is not there either, and the same work can be committed again."""
    good = full_commit()
    bad = replace(good, messages=(message(number=None),))  # type: ignore[arg-type]  # a row that the database refuses

    with pytest.raises(DatabaseFailedError):
        store.commit(bad)

    assert [count(store, table) for table in (tables.ticks, tables.accounts, tables.alerts, tables.transitions)] == [
        0
    ] * 4
    assert store.commit(good).tick == 1
    assert len(store.outbox.rows()) == 2


def test_the_same_notification_is_never_queued_twice(store: Store) -> None:
    """A second row for the same alert, receiver and number is impossible; the first one's words stay."""
    store.commit(commit(messages=(message(title="first"),)))
    store.commit(commit(1, messages=(message(title="second"), message(number=2))))

    assert [(row.message.number, row.message.title) for row in store.outbox.rows()] == [
        (2, "Margin usage"),
        (1, "first"),
    ]


def test_a_commit_that_got_through_in_spite_of_an_error_is_not_written_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the connection breaks after the database committed, giving the same commit again changes nothing."""
    written = full_commit()

    def breaks(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr("marginwatch.store.staging.Staged.remember", breaks)
        with pytest.raises(ConnectionResetError):
            store.commit(written)
    again = store.commit(written)

    assert again.tick == 1
    assert [count(store, table) for table in (tables.ticks, tables.transitions, tables.outbox)] == [1, 1, 2]
    assert store.commit(full_commit()).tick == 2


def test_only_the_latest_owner_commits(url: str) -> None:
    """A process that was replaced while it slept can write nothing any more, and its work is not half there."""
    old = Store.open(url)
    old.own()
    assert old._owner is not None
    old._owner.release()
    new = Store.open(url)
    new.own()

    with pytest.raises(EpochLostError, match="took over"):
        old.commit(full_commit())
    with pytest.raises(EpochLostError):
        old.outbox.claim_due(NOON, {"desk": 1}, timedelta(minutes=1))

    assert new.load_prior() == Prior()
    old._owner = None
    old.close()
    new.close()


def test_writing_needs_ownership(url: str) -> None:
    """Before a process owns the database, and after it gave it up, it writes nothing as the daemon."""
    opened = Store.open(url)
    with pytest.raises(NotOwnedError, match="does not own the database"):
        opened.commit(commit())
    opened.own()
    opened.close()
    with pytest.raises(NotOwnedError):
        opened.prune(NOON, Retention(timedelta(1), timedelta(1)))
    with pytest.raises(NotOwnedError):
        opened.outbox.claim_due(NOON, {"desk": 1}, timedelta(minutes=1))
    opened.close()


def test_times_of_an_account_are_kept_without_writing_all_of_it(store: Store) -> None:
    """An observation that changed nothing moves the account's times; its remembered values are written once."""
    for second in range(3):
        store.commit(commit(second, accounts=(account_state(observation(second)),)))
    with store._database.read() as connection:
        body: str = connection.scalars(sa.select(tables.accounts.c.body)).one()

    assert store.load_prior().accounts[ACCOUNT] == account_state(observation(2))
    assert after(0).isoformat()[:19] in body


def test_a_forgotten_account_is_not_loaded_again(store: Store) -> None:
    """Its state goes, its history stays, and seen again it starts anew; forgetting wins within a tick."""
    store.commit(commit(observations=(seen(observation()),), accounts=(account_state(observation()),)))
    store.commit(commit(1, forgotten=(ACCOUNT, AccountKey("futures", "never seen"))))

    assert store.load_prior().accounts == {}
    assert len(list(store.history.observations(ACCOUNT, NOON, after(1)))) == 1
    store.commit(commit(2, accounts=(account_state(observation(2)),), forgotten=(ACCOUNT,)))
    assert store.load_prior().accounts == {}
    store.commit(commit(3, accounts=(account_state(observation(3)),)))
    assert store.load_prior().accounts == {ACCOUNT: account_state(observation(3))}


def test_what_is_held_back_waits_until_it_is_released(store: Store) -> None:
    """It survives a restart, and goes when the tick that told it is committed; what waits on is withheld anew."""
    made = store.operators.add_silence(silence())
    first = Withheld(transition(), alert(), f"silence:{made.id}", ("desk", "pager"), made.ends_at)
    second = Withheld(transition(alert_id="another"), alert(alert_id="another"), "outage:x", ("desk",))
    store.commit(commit(withheld=(first, second)))
    assert store.load_prior().withheld == (first, second)
    assert store.load_prior().silences == (made,)

    left = replace(first, hold="quiet:desk", receivers=("desk",))
    store.commit(commit(4000, settled=(made.id,), released=(alert().alert_id,), withheld=(left,)))
    assert store.load_prior().silences == ()
    assert store.load_prior().withheld == (second, left)

    store.commit(commit(4001, released=(alert().alert_id, "another")))
    assert store.load_prior() == Prior()


def test_equal_failures_in_a_row_are_one_run(store: Store) -> None:
    """A run counts how often and until when; another kind, or a success in between, begins a new one."""
    key = AccountKey("futures", "A-2")
    for second in range(3):
        store.commit(commit(second, failures=(failure(second), failure(second, account=key))))
    store.commit(commit(3, failures=(failure(3, kind=FailureKind.REFUSED),)))
    store.commit(commit(4, observations=(seen(observation(4, account=key)),)))
    store.commit(commit(5, failures=(failure(5, account=key),)))
    runs = store.history.failures(NOON)

    assert [(run.account, run.kind, run.times, run.first_at, run.last_at) for run in runs] == [
        (key, FailureKind.TIMED_OUT, 1, after(5), after(5)),
        (ACCOUNT, FailureKind.REFUSED, 1, after(3), after(3)),
        (key, FailureKind.TIMED_OUT, 3, after(0), after(2)),
        (ACCOUNT, FailureKind.TIMED_OUT, 3, after(0), after(2)),
    ]


def test_the_raw_answer_is_kept_when_it_was_malformed(store: Store) -> None:
    """The start of the first bad answer of a run is there for diagnosis; of no other failure."""
    bad = failure(kind=FailureKind.BAD_ANSWER, where="data.x", body=b"x" * 9000)
    store.commit(commit(failures=(bad, failure(call="other", body=b"secret"))))
    store.commit(commit(1, failures=(replace(bad, at=after(1), body=b"y"),)))
    found = {run.call: run.body for run in store.history.failures(NOON)}

    assert found == {"summary": b"x" * 4096, "other": None}


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_no_text_of_a_venue_stops_a_commit(url: str, bad: str) -> None:
    """Ids, names, values and failures that the database cannot hold are kept with U+FFFD in place of what it cannot."""
    key, twin = AccountKey("futures", f"A{bad}"), AccountKey("futures", "A\ufffd")
    observed = observation(account=key, fields={"trader": f"j{bad}"}, positions=({"symbol": f"E{bad}"},))
    wrong = failure(account=key, call=f"c{bad}", where=f"w{bad}", detail=f"d{bad}", trace_id="t")
    about: dict[str, Any] = {"key": AlertKey(f"r{bad}", key, f"E{bad}"), "title": f"t{bad}"}
    store = Store.open(url)
    for start in (0, 10):  # as it is known to the process that made it, and to the next
        store.own()
        store.commit(
            commit(
                start,
                observations=(seen(observed), seen(observation(account=twin))),
                failures=(wrong,),
                accounts=(account_state(observed), account_state(observation(account=twin))),
                alerts=(alert(**about),),
                transitions=(transition(**about),),
                messages=(message(number=start, title=f"t{bad}", body=f"b{bad}", topic=f"r{bad}"),),
            )
        )
        store.close()
        store = Store.open(url)
    store.own()
    (state,) = store.history.account_states()
    words = [row.message.body for row in store.outbox.rows()]
    store.close()

    assert state.account.key in {key, twin}
    assert words == ["b\ufffd"] * 2


def test_absurd_values_do_not_stop_a_commit(store: Store) -> None:
    """A value no NUMERIC holds is kept exactly in the alert, and left out of the column."""
    huge = alert(value=Decimal("1E+5000"))
    store.commit(commit(alerts=(huge,)))

    assert store.history.alerts() == [huge]
