"""Digests in the outbox: their turn, what is settled with them, and what the next process knows of them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.core.alert import Status
from marginwatch.core.digest import Gathering
from marginwatch.core.model import Severity
from marginwatch.core.outbox import AttemptOutcome, Kind
from marginwatch.core.state import Absence, Moved
from marginwatch.store.retention import Retention
from marginwatch.store.store import Store
from marginwatch.store.types import AttemptResult, OutboxStatus
from support.records import after, alert, commit, message
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.core.state import Message
    from marginwatch.store.types import OutboxRow

LEASE = timedelta(minutes=1)
DELIVERED = AttemptResult(AttemptOutcome.DELIVERED, "HTTP 200")
REFUSED = AttemptResult(AttemptOutcome.PERMANENT, "HTTP 400 (bad request)")


def again(seconds: float) -> AttemptResult:
    """A failure to be tried again at that time."""
    return AttemptResult(AttemptOutcome.RETRYABLE, "HTTP 503", after(seconds))


def digest(name: str = "d1", receiver: str = "desk") -> Message:
    """The digest itself."""
    payload = {"kind": "digest", "alert_id": name}
    return message(
        name, receiver, 1, topic=name, kind=Kind.DIGEST, severity=Severity.CRITICAL, title="40 alerts", payload=payload
    )


def part(alert_id: str, of: str = "d1", number: int = 1) -> Message:
    """What it tells of."""
    return message(alert_id, "desk", number, digest=of, line=f"WARNING: {alert_id}", body=f"WARNING: {alert_id}")


def held(alert_id: str, until: float, number: int = 1) -> Message:
    """What waits for one."""
    return message(alert_id, "desk", number, held_until=after(until), line=f"WARNING: {alert_id}")


def test_what_became_of_the_alerts_of_a_digest(store: Store) -> None:
    """Of those that were open when it was written; of the others it told how they are."""
    told = [part(name) for name in ("a", "b", "c", "d")]
    alerts = [alert(alert_id=name, key=replace(alert().key, subject=name)) for name in "abcde"]
    alerts[3] = replace(alerts[3], status=Status.RESOLVED, ended_at=after(10))
    store.commit(commit(10, alerts=tuple(alerts), messages=(*told, digest())))
    (row,) = store.outbox.rows(alert_id="d1")
    assert store.outbox.became(row) == {"open": 3}

    ended = [
        replace(alerts[0], status=Status.RESOLVED, ended_at=after(20)),
        replace(alerts[1], status=Status.CLOSED, ended_at=after(20)),
        replace(alerts[4], status=Status.CLOSED, ended_at=after(20)),
    ]
    store.commit(commit(20, alerts=tuple(ended)))
    assert store.outbox.became(row) == {"open": 1, "resolved": 1, "closed": 1}


def claim(store: Store, seconds: float, free: int = 9) -> list[str]:
    """Who may be sent then."""
    return [row.message.alert_id for row in _claimed(store, seconds, free)]


def _claimed(store: Store, seconds: float, free: int = 9) -> list[OutboxRow]:
    return store.outbox.claim_due(after(seconds), {"desk": free}, LEASE)


def statuses(store: Store) -> dict[str, str]:
    """How each message stands, by alert."""
    return {f"{row.message.alert_id}/{row.message.number}": row.status.value for row in store.outbox.rows()}


def test_only_the_digest_is_sent(store: Store) -> None:
    """What a digest tells of is never claimed itself, and is delivered when the digest is."""
    store.commit(commit(0, messages=(part("a"), part("b"), digest())))
    (row,) = _claimed(store, 1)
    assert row.message == digest()
    assert statuses(store) == {"a/1": "digested", "b/1": "digested", "d1/1": "sending"}
    store.outbox.record_attempt(row.id, DELIVERED, after(2))

    assert set(statuses(store).values()) == {"delivered"}
    assert [row.settled_at for row in store.outbox.rows(alert_id="a")] == [after(2)]
    assert store.outbox.rows(alert_id="a")[0].message == part("a")
    assert store.outbox.next_due() is None


def test_a_dead_digest_counts_as_all_its_alerts(store: Store) -> None:
    """A digest that is given up leaves a dead letter for everything that it told of."""
    store.commit(commit(0, messages=(part("a"), part("b"), digest())))
    assert store.outbox.receivers()["desk"].waiting == 2
    (row,) = _claimed(store, 1)
    store.outbox.record_attempt(row.id, REFUSED, after(2))

    assert set(statuses(store).values()) == {"dead"}
    health = store.outbox.receivers()["desk"]
    assert (health.dead, health.waiting) == (2, 0)
    assert {row.detail for row in store.outbox.rows()} == {"HTTP 400 (bad request)"}


def test_a_later_message_does_not_overtake_a_digest(store: Store) -> None:
    """What comes later of an alert in the digest waits until that is settled; other alerts do not."""
    store.commit(commit(0, messages=(part("a"), part("b"), digest())))
    store.commit(commit(1, messages=(message("a", number=2), message("c"))))
    assert claim(store, 2) == ["d1", "c"]
    row = next(row for row in store.outbox.rows() if row.message.alert_id == "d1")
    store.outbox.record_attempt(row.id, again(10), after(3))
    assert claim(store, 4) == []
    assert claim(store, 10) == ["d1"]
    store.outbox.record_attempt(row.id, DELIVERED, after(11))

    assert claim(store, 11) == ["a"]


def test_a_digest_does_not_overtake_an_earlier_message(store: Store) -> None:
    """A digest waits for what was sent before of anything that it tells of."""
    store.commit(commit(0, messages=(message("a"),)))
    store.commit(commit(1, messages=(part("a", number=2), part("b"), digest())))
    assert claim(store, 2) == ["a"]
    assert claim(store, 3) == []
    assert store.outbox.next_due() == after(62)
    (row,) = [row for row in store.outbox.rows() if row.status is OutboxStatus.SENDING]
    store.outbox.record_attempt(row.id, DELIVERED, after(4))

    assert claim(store, 4) == ["d1"]


def test_digests_keep_their_order(store: Store) -> None:
    """Of two digests about the same alert the second waits for the first; about others it does not."""
    store.commit(commit(0, messages=(part("a"), digest("d1"))))
    store.commit(commit(1, messages=(part("a", "d2", 2), digest("d2"), part("z", "d3"), digest("d3"))))
    assert claim(store, 2) == ["d1", "d3"]
    (row,) = [row for row in store.outbox.rows() if row.message.alert_id == "d1"]
    store.outbox.record_attempt(row.id, again(900), after(3))
    assert claim(store, 800) == ["d3"]  # its lease ran out
    store.outbox.record_attempt(row.id, DELIVERED, after(900))

    assert "d2" in claim(store, 901)


def test_a_digest_that_is_never_taken_lets_later_episodes_pass(store: Store) -> None:
    """After five minutes a new alert of the topic is told between the tries of the digest, as of a single message."""
    store.commit(commit(0, messages=(part("a"), digest())))
    (row,) = _claimed(store, 1)
    store.outbox.record_attempt(row.id, again(1000), after(2))
    store.commit(commit(3, messages=(message("new", topic="a"),)))

    assert claim(store, 100) == []
    assert claim(store, 400) == ["new"]


def test_what_is_held_waits_and_goes_its_way(store: Store) -> None:
    """A held message is sent when it is let go, or told of by the digest that took it in."""
    store.commit(commit(0, messages=(held("a", 30), held("b", 30), held("c", 30))))
    assert claim(store, 60) == []
    assert store.outbox.receivers()["desk"].waiting == 3
    store.commit(commit(61, moved=(Moved("a", "desk", 1, ""),)))
    assert claim(store, 62) == ["a"]
    moved = tuple(Moved(name, "desk", 1, "d1") for name in "bc")
    store.commit(commit(63, moved=moved, messages=(digest(),)))

    assert claim(store, 64) == ["d1"]
    assert statuses(store) == {"a/1": "sending", "b/1": "digested", "c/1": "digested", "d1/1": "sending"}


def test_the_next_process_knows_what_was_held_and_told(tmp_path: Path) -> None:
    """What is held, when the latest digest went out, and what went out lately come back as they were."""
    with owned(tmp_path) as store:
        store.commit(commit(0, messages=(message("old"),)))
        store.commit(commit(200, messages=(part("a"), digest(), message("mail1", "mail"))))
        store.commit(commit(210, messages=(held("b", 230), held("c", 230), message("x"))))
    with owned(tmp_path) as store:
        assert store.load_prior().gathered == {
            "desk": Gathering((held("b", 230), held("c", 230)), (after(200), after(210)), after(200)),
            "mail": Gathering((), (after(200),), None),
        }


def test_messages_held_for_a_receiver_that_is_gone_show_as_dead(store: Store) -> None:
    """What was held or in a digest for a receiver that left the config is given up, and never comes back to life."""
    store.commit(commit(0, messages=(held("a", 30), part("b"), digest())))
    assert store.outbox.give_up_unknown(["mail"], after(1)) == 3
    store.commit(commit(2, moved=(Moved("a", "desk", 1, ""),)))

    assert set(statuses(store).values()) == {"dead"}


def test_an_absence_is_remembered_until_it_is_told(tmp_path: Path) -> None:
    """A time without watching, and what ended since, come back until a commit says that they were told."""
    absence = Absence(after(0), after(100))
    over = alert("gone", status=Status.RESOLVED, fired_at=after(-50), ended_at=after(110))
    before = alert("before", status=Status.RESOLVED, fired_at=after(-50), ended_at=after(-1))
    with owned(tmp_path) as store:
        store.commit(commit(100, absence=absence))
        store.commit(commit(110, alerts=(over, before)))
    with owned(tmp_path) as store:
        prior = store.load_prior()
        assert (prior.absence, prior.ended) == (absence, (over,))
        store.commit(commit(120, absence_told=True))
        assert store.load_prior().absence is None


def test_old_absences_go(store: Store) -> None:
    """One that was told is dropped with everything else of its age; one that was not stays."""
    store.commit(commit(100, absence=Absence(after(0), after(100))))
    kept = Retention(keep=timedelta(days=1), keep_observations=timedelta(days=1))
    store.prune(after(10 * 86_400), kept)
    assert store.load_prior().absence is not None
    store.commit(commit(120, absence_told=True))

    assert store.prune(after(10 * 86_400), kept)
    assert store.load_prior().absence is None


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples; each uses alerts of its own."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('digests')}/store.db")
    opened.own()
    yield opened
    opened.close()


NUMBERS = itertools.count()
TELLINGS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4), min_size=1, max_size=6)
OUTCOMES = st.lists(st.sampled_from([DELIVERED, again(0), None]), max_size=12)


@given(TELLINGS, OUTCOMES)
@settings(max_examples=40)  # many transactions each
def test_every_alert_is_heard_in_order(
    shared: Store, tellings: list[list[int]], outcomes: list[AttemptResult | None]
) -> None:
    """Single messages and digests mixed, whatever fails or hangs: of each alert a receiver hears in order, of all."""
    run = next(NUMBERS)
    counts: dict[int, int] = {}
    expected: list[tuple[str, int]] = []
    inside: dict[str, list[tuple[str, int]]] = {}
    for place, names in enumerate(tellings):
        told = []
        for name in names:
            counts[name] = counts.get(name, 0) + 1
            told.append((f"{run}-{name}", counts[name]))
        expected += told
        if len(told) == 1:
            messages = [message(told[0][0], "desk", told[0][1])]
        else:
            wide = f"{run}-d{place}"
            inside[wide] = told
            messages = [*(part(alert_id, wide, number) for alert_id, number in told), digest(wide)]
        shared.commit(commit(place, messages=tuple(messages)))
    heard: list[tuple[str, int]] = []
    seconds = 100.0
    for outcome in [*outcomes, *[DELIVERED] * 20]:
        seconds += 2  # past every lease
        for row in shared.outbox.claim_due(after(seconds), {"desk": 2}, timedelta(seconds=1)):
            if outcome is not None:
                shared.outbox.record_attempt(row.id, outcome, after(seconds))
            if outcome is DELIVERED:
                heard += inside.get(row.message.alert_id, [(row.message.alert_id, row.message.number)])

    assert sorted(heard) == sorted(expected)
    for name in counts:
        numbers = [number for alert_id, number in heard if alert_id == f"{run}-{name}"]
        assert numbers == sorted(numbers)
