"""Digests from the tick to the outbox: over storms, restarts, refused commits and absences of ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.digest import Digesting
from marginwatch.core.model import AccountKey, Severity
from marginwatch.core.outbox import AttemptOutcome, Kind
from marginwatch.core.route import Receiver
from marginwatch.store.errors import DatabaseFullError
from marginwatch.store.store import Store
from marginwatch.store.types import AttemptResult, OutboxStatus
from support.desk import VENUE, Desk, after, answer, call_rule, cycle_end, fields, ruling, seen, usage_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.state import Message
    from marginwatch.store.types import Committed

POLICY = Digesting(after=3, gather=timedelta(seconds=30))
RULES = replace(
    ruling(usage_rule(), call_rule(), receivers=(Receiver("desk", Severity.INFO), Receiver("hook", Severity.INFO))),
    digests={"desk": POLICY},
)
WHERE = "m.db"
NAMES = [AccountKey(VENUE, f"a{number:02}") for number in range(20)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of our own."""
    opened = Store.open(f"sqlite:///{tmp_path}/m.db")
    opened.own()
    yield opened
    opened.close()


def see(
    desk: Desk, seconds: float, usage: str, accounts: Sequence[AccountKey] = NAMES, *, called: bool = False
) -> None:
    """One good cycle in which these accounts stand so, and the others are not asked."""
    values = fields(usage, in_margin_call=called)
    observed = [seen(seconds, values, account) for account in accounts]
    desk.tick(seconds, answer(*observed, listing=NAMES), cycle_end(seconds))


def watched(store: Store) -> Desk:
    """A desk whose accounts were all seen, well."""
    desk = Desk(RULES, store)
    see(desk, 1, "0.5")
    return desk


def again(desk: Desk, seconds: float, store: Store) -> Store:
    """Another process takes over then, with a store that it opened itself."""
    url = str(store._database.engine.url)
    store.close()
    desk.ledger = Store.open(url)
    desk.ledger.own()
    desk.start(seconds)
    return desk.ledger


def messages(store: Store, receiver: str = "desk", kind: Kind | None = None) -> list[Message]:
    """Everything in the outbox, oldest first."""
    rows = [row.message for row in store.outbox.rows(receiver=receiver)[::-1]]
    return [each for each in rows if kind is None or each.kind is kind]


def sent(store: Store, seconds: float, receiver: str = "desk") -> list[str]:
    """Deliver whatever is due then; gives what it is: an alert's account, or how many alerts a digest tells of."""
    found: list[str] = []
    while rows := store.outbox.claim_due(after(seconds), {receiver: 50}, timedelta(minutes=1)):
        for row in rows:
            store.outbox.record_attempt(row.id, AttemptResult(AttemptOutcome.DELIVERED, ""), after(seconds))
            told = [each for each in messages(store, receiver) if each.digest == row.message.alert_id]
            alone = row.message.topic.split("/")[1] if row.message.kind is Kind.ALERT else row.message.kind.value
            found.append(f"{alone} of {len(told)}" if row.message.kind is not Kind.ALERT else alone)
    return found


def test_a_storm_is_one_message(store: Store, snapshot: SnapshotAssertion) -> None:
    """Twenty accounts breach in one tick: one digest, counted and with the worst first; machines hear of each."""
    desk = watched(store)
    see(desk, 10, "0.85", NAMES[:15])
    see(desk, 11, "0.95", NAMES[15:], called=True)

    assert sent(store, 12) == ["digest of 10", "digest of 15"]
    assert len(sent(store, 12, "hook")) == 25
    assert [(each.title, each.body) for each in messages(store, kind=Kind.DIGEST)] == snapshot


def test_a_storm_over_several_ticks_is_few_messages(store: Store) -> None:
    """What follows the first digest goes out together when `gather` is over, without anything else happening."""
    desk = watched(store)
    for number in range(4):
        see(desk, 10 + 5 * number, "0.85", NAMES[5 * number : 5 * number + 5])
    assert desk.ticker.next_timer() == after(40)
    assert sent(store, 39) == ["digest of 5"]
    desk.tick(40)

    assert sent(store, 40) == ["digest of 15"]


def test_endings_close_what_a_digest_told(store: Store) -> None:
    """Alerts that a digest told of count as told: their ends are told as well."""
    desk = watched(store)
    see(desk, 10, "0.85")
    see(desk, 50, "0.5")

    assert sent(store, 60) == ["digest of 20", "digest of 20"]
    assert messages(store, kind=Kind.DIGEST)[1].title == "RESOLVED: 20 alerts at once"


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a restart at every step"])
def test_a_restart_changes_nothing(tmp_path: Path, *, restarts: bool) -> None:
    """What is held, and until when, is in the store: a process that takes over sends the same at the same time."""
    url = f"sqlite:///{tmp_path}/m.db"
    store = Store.open(url)
    store.own()
    desk = watched(store)
    heard: list[list[str]] = []
    for seconds, usage, names in [(10, "0.85", NAMES[:5]), (14, "0.85", NAMES[5:9]), (20, "0.95", NAMES[5:6])]:
        see(desk, seconds, usage, names)
        heard.append(sent(store, seconds))
        if restarts:
            store = again(desk, seconds, store)
    heard.append(sent(store, 39))
    desk.tick(40)
    heard.append(sent(store, 40))
    store.close()

    assert heard == [["digest of 5"], [], ["a05", "a05"], [], ["digest of 3"]]


def test_a_refused_commit_holds_nothing_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store refuses, nothing is remembered as held; then it is committed as it was decided."""
    desk = watched(store)
    see(desk, 10, "0.85", NAMES[:5])
    commit = store.commit

    def refuse(_: object) -> Committed:
        raise DatabaseFullError(WHERE)

    monkeypatch.setattr(store, "commit", refuse)
    with pytest.raises(DatabaseFullError):
        see(desk, 12, "0.85", NAMES[5:9])
    monkeypatch.setattr(store, "commit", commit)
    desk.tick(13)
    desk.tick(40)

    assert sent(store, 41) == ["digest of 5", "digest of 4"]


def test_a_process_that_ends_lets_go_of_what_it_holds(store: Store) -> None:
    """Before a stop nothing is left waiting for a digest."""
    desk = watched(store)
    see(desk, 10, "0.85", NAMES[:5])
    see(desk, 12, "0.85", NAMES[5:7])
    assert sent(store, 12) == ["digest of 5"]
    desk.ticker.release(after(13))

    assert sent(store, 13) == ["a05", "a06"]
    assert not store.outbox.rows(statuses=[OutboxStatus.HELD])


def test_a_receiver_whose_digests_are_turned_off_gets_what_was_held(store: Store) -> None:
    """After a reload without digests what was held goes out at once, each by itself."""
    desk = watched(store)
    see(desk, 10, "0.85", NAMES[:5])
    see(desk, 12, "0.85", NAMES[5:7])
    desk.reload(13, replace(RULES, digests={"desk": Digesting(on=False)}))

    assert sent(store, 13) == ["digest of 5", "a05", "a06"]


def test_a_receiver_that_is_gone_is_forgotten(store: Store) -> None:
    """What was held for a receiver that left the config is not moved any more."""
    desk = watched(store)
    see(desk, 10, "0.85", NAMES[:5])
    see(desk, 12, "0.85", NAMES[5:7])
    desk.reload(13, replace(RULES, receivers=RULES.receivers[1:], digests={}))
    desk.tick(45)

    assert len(store.outbox.rows(statuses=[OutboxStatus.HELD])) == 2


def away(store: Store) -> Desk:
    """A process that told of two breaches, and one that begins an hour later."""
    desk = watched(store)
    see(desk, 10, "0.85", NAMES[:2])
    sent(store, 11)
    desk.start(3700)
    return desk


def test_after_an_absence_one_message_says_how_things_stand(store: Store, snapshot: SnapshotAssertion) -> None:
    """After an hour without a process: from when to when, what is open now, what ended; machines hear nothing of it."""
    desk = away(store)
    assert sent(store, 3700) == []
    desk.tick(3705, answer(seen(3705, fields("0.5"), NAMES[0]), listing=NAMES))
    see(desk, 3710, "0.85", NAMES[1:])

    assert sent(store, 3712) == ["summary of 19"]
    assert [(each.title, each.body) for each in messages(store, kind=Kind.SUMMARY)] == snapshot
    assert not messages(store, "hook", Kind.SUMMARY)


def test_what_follows_a_summary_is_gathered_also_by_the_next_process(store: Store) -> None:
    """A summary is a digest: what is found right after it waits for the next one, whoever runs by then."""
    desk = away(store)
    see(desk, 3710, "0.85", NAMES[:10])
    store = again(desk, 3712, store)
    see(desk, 3715, "0.85", NAMES[10:12])
    first = sent(store, 3715)
    desk.tick(3740)
    second = sent(store, 3740)
    store.close()

    assert (first, second) == (["summary of 8"], ["digest of 2"])


def test_a_little_that_was_found_after_an_absence_is_told_by_itself(store: Store) -> None:
    """Up to `after` findings of the first look are messages of their own, beside the summary."""
    desk = away(store)
    see(desk, 3710, "0.85", NAMES[:3])

    assert sorted(sent(store, 3710)) == ["a02", "summary of 0"]


def test_what_is_critical_is_told_before_the_summary(store: Store) -> None:
    """The first look waits for every venue; what is critical does not wait for that."""
    desk = away(store)
    desk.tick(3705, answer(seen(3705, fields("0.95"), NAMES[7]), listing=NAMES))
    assert sent(store, 3705) == ["a07"]
    desk.tick(3706, cycle_end(3706))

    assert sent(store, 3706) == ["summary of 0"]


def test_a_venue_that_does_not_come_back_is_not_waited_for(store: Store) -> None:
    """After two minutes the summary is sent with what is known."""
    desk = away(store)
    assert desk.ticker.next_timer() is not None
    desk.tick(3819)
    assert not messages(store, kind=Kind.SUMMARY)
    desk.tick(3820)

    assert messages(store, kind=Kind.SUMMARY)


def test_a_restart_within_the_first_look_loses_no_summary(tmp_path: Path) -> None:
    """What the absence was, and what was held in its first look, is in the store."""
    url = f"sqlite:///{tmp_path}/m.db"
    store = Store.open(url)
    store.own()
    desk = away(store)
    observed = [seen(3705, fields("0.85"), account) for account in NAMES]
    desk.tick(3705, answer(*observed, listing=NAMES))
    store = again(desk, 3708, store)
    see(desk, 3710, "0.85")
    found = sent(store, 3710)
    said = messages(store, kind=Kind.SUMMARY)[0].body.splitlines()[0]
    store.close()

    assert found == ["summary of 18"]
    assert said == "marginwatch did not run from 14:00:10 UTC to 15:01:48 UTC; nobody watched."


@pytest.mark.parametrize("gap", [30, 3600], ids=["short stop", "nothing open"])
def test_otherwise_a_start_says_nothing(store: Store, gap: float) -> None:
    """A short restart sends no message, nor does a long one when nothing was open and nothing happened."""
    desk = watched(store)
    if gap < 60:
        see(desk, 10, "0.85", NAMES[:2])
    sent(store, 11)
    desk.start(10 + gap)
    see(desk, 12 + gap, "0.5", NAMES[2:])

    assert sent(store, 14 + gap) == []
    assert not messages(store, kind=Kind.SUMMARY)


def test_a_single_cycle_by_hand_is_no_return(store: Store) -> None:
    """A process that is not meant to watch on says nothing of the time before it."""
    desk = watched(store)
    see(desk, 10, "0.85", NAMES[:2])
    sent(store, 11)
    desk.ticker.start(after(9000), continuous=False)
    see(desk, 9001, "0.85", NAMES)

    assert sent(store, 9002) == ["digest of 18"]
