"""The outbox gives each message out in its turn, and forgets none."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.core.model import Severity
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.store import outbox
from marginwatch.store.store import Store
from marginwatch.store.types import Attempt, AttemptResult, OutboxStatus, ReceiverHealth
from support.records import NOON, after, commit, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from marginwatch.core.state import Message
    from marginwatch.store.types import OutboxRow

LEASE = timedelta(minutes=1)
ROOM = {"desk": 4, "mail": 4}
DELIVERED = AttemptResult(AttemptOutcome.DELIVERED, "HTTP 200")
REFUSED = AttemptResult(AttemptOutcome.PERMANENT, "HTTP 404")


def again(seconds: float, outcome: AttemptOutcome = AttemptOutcome.RETRYABLE) -> AttemptResult:
    """A failure to be tried again at that time."""
    return AttemptResult(outcome, "HTTP 503", after(seconds))


def claim(store: Store, seconds: float = 0, **room: int) -> list[OutboxRow]:
    """What may be sent then."""
    return store.outbox.claim_due(after(seconds), room or ROOM, LEASE)


def named(rows: Sequence[OutboxRow]) -> list[tuple[str, str, int]]:
    """Alert, receiver and number of each."""
    return [(row.message.alert_id, row.message.receiver, row.message.number) for row in rows]


def queue(store: Store, *messages: Message, seconds: float = 0) -> None:
    """Commit the messages."""
    store.commit(commit(seconds, messages=messages))


def test_a_message_is_given_out_once_with_its_words(store: Store) -> None:
    """A claimed message is on record as being sent before anybody sends it, and is not given out again."""
    queue(store, message(title="Margin usage", body="85 %"))
    (row,) = claim(store, 1)

    assert row.message == message(title="Margin usage", body="85 %")
    assert (row.status, row.attempts, row.created_at, row.due_at) == (OutboxStatus.SENDING, 1, NOON, after(61))
    assert store.outbox.attempts(row.id) == [Attempt(1, after(1), None, None, "")]
    assert claim(store, 1) == []


def test_messages_of_one_alert_keep_their_order(store: Store) -> None:
    """The next one of the same alert and receiver waits until the one before is delivered, however often it fails."""
    queue(store, message(number=1), message(number=2), message(receiver="mail", number=1))
    first, other = claim(store)
    assert named([first, other]) == [("a1b2c3", "desk", 1), ("a1b2c3", "mail", 1)]

    store.outbox.record_attempt(first.id, again(5), after(1))
    assert claim(store, 2) == []
    (retried,) = claim(store, 5)
    assert (retried.id, retried.attempts) == (first.id, 2)
    store.outbox.record_attempt(first.id, DELIVERED, after(6))

    assert named(claim(store, 6)) == [("a1b2c3", "desk", 2)]


def test_episodes_of_one_alert_keep_their_order(store: Store) -> None:
    """A new episode waits for what is still to be told of the one before, worse or not; other receivers do not."""
    queue(store, message("one", topic="t"), message("one", number=2, topic="t"), message("one", "mail", topic="t"))
    queue(store, message("two", topic="t", severity=Severity.CRITICAL), message("two", "mail", topic="t"), seconds=1)
    first, mail = claim(store, 2)
    assert named([first, mail]) == [("one", "desk", 1), ("one", "mail", 1)]

    store.outbox.record_attempt(mail.id, DELIVERED, after(3))
    store.outbox.record_attempt(first.id, again(5, AttemptOutcome.AMBIGUOUS), after(3))
    assert named(claim(store, 4)) == [("two", "mail", 1)]
    for number in (1, 2):
        (row,) = claim(store, 5)
        assert named([row]) == [("one", "desk", number)]
        store.outbox.record_attempt(row.id, DELIVERED, after(5))

    assert named(claim(store, 5)) == [("two", "desk", 1)]


@pytest.mark.parametrize("second", ["a1b2c3", "two"])
def test_a_dead_letter_blocks_nothing(store: Store, second: str) -> None:
    """After a message is given up, the next one of its alert is sent, be it of the same episode or a later one."""
    queue(store, message(topic="t"), message(second, number=2, topic="t"))
    (first,) = claim(store)
    assert store.outbox.record_attempt(first.id, REFUSED, after(1)) is OutboxStatus.DEAD

    assert named(claim(store, 1)) == [(second, "desk", 2)]


def test_a_message_that_is_never_taken_lets_a_later_episode_pass(store: Store) -> None:
    """Once it failed for long enough, and only while it waits for its next try; its own episode keeps its order."""
    queue(store, message("one", topic="t"), message("one", number=2, topic="t"), message("two", topic="t"))
    (first,) = claim(store)
    store.outbox.record_attempt(first.id, again(400), after(1))

    assert named(claim(store, 299)) == []
    assert named(claim(store, 400)) == [("one", "desk", 1)]
    assert claim(store, 400) == []
    store.outbox.record_attempt(first.id, again(500), after(401))
    assert named(claim(store, 402)) == [("two", "desk", 1)]


def test_the_worst_goes_first_and_then_the_oldest(store: Store) -> None:
    """Between alerts, a critical message overtakes older warnings; equals keep their order."""
    queue(store, message("old"), message("older", severity=Severity.INFO))
    queue(store, message("bad", severity=Severity.CRITICAL), message("young"), seconds=1)

    assert [name for name, _, _ in named(claim(store, 2, desk=3))] == ["bad", "old", "young"]


def test_a_receiver_gets_no_more_than_it_has_room_for(store: Store) -> None:
    """Room counts per receiver; one that has none, or is not named, gets nothing and delays nobody."""
    queue(store, *(message(f"a{number}", receiver) for number in range(5) for receiver in ("desk", "mail", "ntfy")))

    assert [receiver for _, receiver, _ in named(claim(store, desk=2, mail=0, ntfy=1))] == ["desk", "desk", "ntfy"]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (DELIVERED, OutboxStatus.DELIVERED),
        (REFUSED, OutboxStatus.DEAD),
        (again(9), OutboxStatus.PENDING),
        (again(9, AttemptOutcome.AMBIGUOUS), OutboxStatus.PENDING),
        (AttemptResult(AttemptOutcome.RETRYABLE, "HTTP 503"), OutboxStatus.DEAD),
        (AttemptResult(AttemptOutcome.AMBIGUOUS, "HTTP 503"), OutboxStatus.DEAD),
        (AttemptResult(AttemptOutcome.PERMANENT, "HTTP 503", after(9)), OutboxStatus.DEAD),
    ],
)
def test_an_outcome_decides_where_the_message_is(store: Store, result: AttemptResult, status: OutboxStatus) -> None:
    """Delivered and dead are the end of a message; all else waits for its next try. The attempt says how it went."""
    queue(store, message())
    (row,) = claim(store)

    assert store.outbox.record_attempt(row.id, result, after(3)) is status
    (found,) = store.outbox.rows()
    assert (found.status, found.detail) == (status, result.detail)
    assert found.settled_at == (None if status is OutboxStatus.PENDING else after(3))
    assert store.outbox.attempts(row.id) == [Attempt(1, NOON, after(3), result.outcome, result.detail)]


def test_a_lease_that_ran_out_makes_the_message_due_again(store: Store) -> None:
    """A sender that never reports loses its claim, and the attempt is on record as of unknown outcome."""
    queue(store, message())
    (row,) = claim(store)
    (second,) = claim(store, 60)
    first, _ = store.outbox.attempts(row.id)

    assert (second.id, second.attempts) == (row.id, 2)
    assert (first.outcome, first.ended_at) == (AttemptOutcome.AMBIGUOUS, after(60))


def test_what_was_delivered_stays_delivered(store: Store) -> None:
    """A late report of failure does not send a delivered message again; a late delivery settles a failed one."""
    queue(store, message(), message("other"))
    first, second = claim(store)
    store.outbox.record_attempt(first.id, DELIVERED, after(1))
    store.outbox.record_attempt(second.id, REFUSED, after(1))

    assert store.outbox.record_attempt(first.id, again(2), after(2)) is OutboxStatus.DELIVERED
    assert store.outbox.record_attempt(second.id, DELIVERED, after(2)) is OutboxStatus.DELIVERED
    assert claim(store, 99) == []


def test_a_new_owner_sends_what_the_last_one_was_sending(url: str) -> None:
    """Claims of a process that is gone are due at once, whatever their lease; their attempts stay on record."""
    first = Store.open(url)
    first.own()
    queue(first, message())
    (row,) = claim(first, 1)
    first.close()
    second = Store.open(url)
    second.own()
    (again_,) = claim(second, 2)
    before, now = second.outbox.attempts(row.id)
    second.close()

    assert (again_.id, again_.attempts) == (row.id, 2)
    assert (before.outcome, before.ended_at) == (AttemptOutcome.AMBIGUOUS, None)
    assert "process ended" in before.detail
    assert (now.outcome, now.started_at) == (None, after(2))


def test_next_due_is_when_something_can_be_claimed(store: Store) -> None:
    """It names the earliest moment of a message that no earlier one holds back; None when all is settled."""
    assert store.outbox.next_due() is None
    queue(store, message(number=1), message(number=2), message(receiver="mail"), seconds=7)
    assert store.outbox.next_due() == after(7)
    held, mail = claim(store, 7)
    store.outbox.record_attempt(held.id, again(30), after(8))
    assert store.outbox.next_due() == after(30)
    assert store.outbox.next_due({"mail"}) == mail.due_at == after(67)
    assert store.outbox.next_due(set()) is None


def test_messages_to_receivers_that_left_the_config_show_as_dead(store: Store) -> None:
    """They are given up with a reason instead of waiting unseen; the others are untouched."""
    queue(store, message(), message(receiver="gone"))

    assert store.outbox.give_up_unknown({"desk"}, after(1)) == 1
    (dead,) = store.outbox.rows(statuses=[OutboxStatus.DEAD])
    assert (dead.message.receiver, dead.settled_at) == ("gone", after(1))
    assert "not configured" in dead.detail
    assert store.outbox.give_up_unknown({"desk"}, after(1)) == 0


def test_a_clock_set_back_delays_no_retry(store: Store) -> None:
    """Retries planned by the old clock can be made due by the new one."""
    queue(store, message())
    (row,) = claim(store)
    store.outbox.record_attempt(row.id, again(3600), NOON)
    assert store.outbox.make_due(after(1)) == 1

    assert [found.id for found in claim(store, 1)] == [row.id]
    assert store.outbox.make_due(after(1)) == 0


def test_health_says_how_each_receiver_does(store: Store) -> None:
    """Backlog, dead letters, last good and failing since, until a delivery clears the failure."""
    queue(store, message("x"), message("y"), message("z", "mail"), seconds=1)
    first, second = claim(store, 2, desk=2)
    store.outbox.record_attempt(first.id, again(9), after(3))
    store.outbox.record_attempt(second.id, REFUSED, after(4))

    assert store.outbox.receivers() == {
        "desk": ReceiverHealth("desk", 1, after(1), 1, None, after(2), 2, "HTTP 404"),
        "mail": ReceiverHealth("mail", 1, after(1), 0, None, None, 0, ""),
    }
    (third,) = claim(store, 9, desk=2)
    store.outbox.record_attempt(third.id, DELIVERED, after(10))
    assert store.outbox.receivers()["desk"] == ReceiverHealth("desk", 0, None, 1, after(10), None, 0, "")


def test_rows_can_be_picked(store: Store) -> None:
    """By status, receiver and alert, newest first, no more than asked for."""
    queue(store, message("x"), message("y"), message("x", "mail"))
    claim(store, 0, mail=1)

    assert named(store.outbox.rows()) == [("x", "mail", 1), ("y", "desk", 1), ("x", "desk", 1)]
    assert named(store.outbox.rows(statuses=[OutboxStatus.PENDING], alert_id="x")) == [("x", "desk", 1)]
    assert named(store.outbox.rows(receiver="desk", limit=1)) == [("y", "desk", 1)]


def test_claiming_reads_only_what_is_unsettled(tmp_path: Path) -> None:
    """The query uses the index over unsettled rows, so a long history costs nothing."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    store.own()
    seen: list[str] = []
    sa.event.listen(store._database.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    claim(store)
    asked = next(statement for statement in seen if "earlier" in statement)
    with store._database.raw() as raw:
        plan = [str(row[3]) for row in raw.execute(f"EXPLAIN QUERY PLAN {asked}", (0,) * asked.count("?"))]
    store.close()

    assert "SEARCH outbox USING INDEX ix_outbox_open (receiver=?)" in plan
    held = "USING INDEX ix_outbox_topic (receiver=? AND topic=? AND id<?)"
    assert f"SEARCH earlier {held}" in plan
    assert f"SEARCH still_earlier {held}" in plan
    assert not [step for step in plan if "TEMP B-TREE" in step]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples; each uses alerts of its own."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('outbox')}/store.db")
    opened.own()
    yield opened
    opened.close()


NUMBERS = itertools.count()
OUTCOMES = st.sampled_from([DELIVERED, REFUSED, again(0), again(0, AttemptOutcome.AMBIGUOUS), None])
STEPS = st.lists(st.tuples(st.integers(0, 4), OUTCOMES, st.booleans()), max_size=12)


@given(STEPS)
@settings(max_examples=40)  # many transactions each
def test_every_message_is_settled_in_order(shared: Store, steps: list[tuple[int, AttemptResult | None, bool]]) -> None:
    """Whatever fails, hangs or crashes on the way: each receiver hears in order of each alert's episodes, of all."""
    topics = [f"topic {next(NUMBERS):06}" for _ in range(2)]
    for topic, receiver in itertools.product(topics, ROOM):
        told = [(f"{topic}, {episode}", number) for episode in (1, 2) for number in (1, 2)]
        queue(shared, *(message(name, receiver, number, topic=topic) for name, number in told))
    moment: datetime = NOON
    taken: list[tuple[str, str, int]] = []
    for free, result, crash in [*steps, *([(4, DELIVERED, False)] * 8)]:
        moment += timedelta(seconds=2)  # past every lease, and all of it before a message gives way
        rows = shared.outbox.claim_due(moment, {"desk": free, "mail": 1}, timedelta(seconds=1))
        for row in rows:
            if result is not None:
                shared.outbox.record_attempt(row.id, result, moment)
            if result in {DELIVERED, REFUSED}:
                taken += named([row])
        if crash:
            with shared._database.write() as connection:
                outbox.requeue(connection)

    for topic, receiver in itertools.product(topics, ROOM):
        heard = [(name, number) for name, whom, number in taken if whom == receiver and name.startswith(topic)]
        assert heard == [(f"{topic}, {episode}", number) for episode in (1, 2) for number in (1, 2)]
