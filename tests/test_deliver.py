"""The delivery loop over a real store and real servers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from marginwatch import clock, deliver
from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.model import Severity
from marginwatch.core.outbox import AttemptOutcome, Kind
from marginwatch.core.route import Receiver as Route
from marginwatch.core.state import Commit
from marginwatch.deliver import Delivery
from marginwatch.notify.receiver import Receiver
from marginwatch.store.errors import DatabaseFullError, EpochLostError
from marginwatch.store.store import Store
from marginwatch.store.types import OutboxStatus
from support.desk import Desk, call_rule, ruling, usage_rule
from support.notices import message, transition
from support.records import alert
from support.sinks import PATIENCE, Close, Hang, HttpSink, Reply, SmtpSink, refusing_port
from support.stores import owned
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from marginwatch.core.alert import Transition
    from marginwatch.core.outbox import AttemptOutcome as Outcome
    from marginwatch.core.state import Message
    from marginwatch.notify.outcome import Answer
    from marginwatch.notify.receiver import Draw
    from marginwatch.store.types import Ended, OutboxRow

T = TypeVar("T")
WHERE = "m.db"


class Writer:
    """The one thread that writes."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)

    async def call(self, work: Callable[[], T], /) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of our own."""
    with owned(tmp_path, "m.db") as opened:
        yield opened


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A server that takes messages."""
    with HttpSink() as running:
        yield running


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come as soon as they are due at all, and only what wakes the loop wakes it."""
    monkeypatch.setattr(deliver, "next_try", soon)
    monkeypatch.setattr("marginwatch.notify.lane.LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(deliver, "STORE_AGAIN", 0.01)
    monkeypatch.setattr(deliver, "IDLE", PATIENCE)


def soon(_attempts: int, _created_at: datetime, now: datetime, outcome: Outcome, _jitter: float) -> datetime | None:
    """The schedule of retries, without the waiting."""
    return None if outcome in {AttemptOutcome.DELIVERED, AttemptOutcome.PERMANENT} else now


def commit(store: Store, *messages: Message, at: datetime | None = None, told: tuple[Transition, ...] = ()) -> None:
    """Put messages into the outbox."""
    store.commit(Commit(at=at or clock.now(), revision="r1", messages=messages, transitions=told))


def to(name: str, url: str) -> Receiver:
    """A receiver behind that URL."""
    return Receiver(name, SecretStr(url))


@asynccontextmanager
async def delivering(store: Store, *receivers: Receiver) -> AsyncIterator[Delivery]:
    """The loop, running."""
    writer = Writer()
    delivery = Delivery(store, receivers, writer.call)
    running = asyncio.create_task(delivery.run())
    try:
        yield delivery
    finally:
        await delivery.stop(PATIENCE)
        await running
        writer.pool.shutdown()


async def settled(store: Store, count: int, status: OutboxStatus = OutboxStatus.DELIVERED) -> list[OutboxRow]:
    """Wait until so many messages are settled so; oldest first."""
    await until(lambda: len(store.outbox.rows(statuses=[status])) >= count)
    return store.outbox.rows(statuses=[status])[::-1]


def outcomes(store: Store, row: OutboxRow) -> list[Outcome | None]:
    """How the attempts of that message ended."""
    return [attempt.outcome for attempt in store.outbox.attempts(row.id)]


async def test_each_message_arrives_once_and_is_on_record(store: Store, sink: HttpSink) -> None:
    """What is committed before and after the start goes out once each, and the outbox is empty then."""
    commit(store, message(alert_id="a1"), message(alert_id="a2"))
    async with delivering(store, to("desk", sink.url())) as delivery:
        await settled(store, 2)
        commit(store, message(alert_id="a3"))
        delivery.wake()
        rows = await settled(store, 3)

    assert sorted(post.json["alert_id"] for post in sink.posts) == ["a1", "a2", "a3"]
    assert [outcomes(store, row) for row in rows] == [[AttemptOutcome.DELIVERED]] * 3
    assert store.outbox.next_due() is None


async def test_a_retry_repeats_words_and_ids(store: Store, sink: HttpSink) -> None:
    """A message that was refused twice is sent a third time as it was, and then no more."""
    sink.script(Reply(500), Reply(429))
    commit(store, message())
    async with delivering(store, to("desk", sink.url())):
        [row] = await settled(store, 1)

    assert len(sink.posts) == 3
    assert sink.posts[0] == sink.posts[1] == sink.posts[2]
    assert outcomes(store, row) == [AttemptOutcome.RETRYABLE, AttemptOutcome.RETRYABLE, AttemptOutcome.DELIVERED]


async def test_messages_of_one_alert_keep_their_order(store: Store, sink: HttpSink) -> None:
    """While the first is refused, the second of the same alert waits."""
    sink.script(Reply(500), Close())
    commit(store, message(number=1), message(number=2, state=State.RESOLVED))
    async with delivering(store, to("desk", sink.url())):
        await settled(store, 2)

    assert [post.headers["idempotency-key"] for post in sink.posts] == ["k3f9.1.desk"] * 3 + ["k3f9.2.desk"]


async def test_an_alert_that_fires_again_during_a_slow_send_is_told_in_order(store: Store, sink: HttpSink) -> None:
    """Its end and its next beginning wait until the receiver has taken the first message; other alerts do not."""
    sink.script(Hang())
    desk = Desk(ruling(usage_rule(), call_rule(), receivers=(Route("desk", Severity.WARNING),)), store)
    desk.see(0)
    desk.see(10, "0.85")
    async with delivering(store, to("desk", sink.url("/?rto=20"))) as delivery:
        await sink.arrived(1)
        desk.see(20, "0.5")
        desk.see(30, "0.95", in_margin_call=True)
        delivery.wake()
        await sink.arrived(2)
        sink.release()
        await settled(store, 4)

    heard = [(post.json["rule"], post.json["state"], post.json["severity"]) for post in sink.posts]
    assert heard[1] == ("call", "firing", "critical")
    assert [each[1:] for each in heard if each[0] == "usage"] == [
        ("firing", "warning"),
        ("resolved", "warning"),
        ("firing", "critical"),
    ]


async def test_a_dead_receiver_delays_no_other(store: Store, sink: HttpSink) -> None:
    """While one receiver hangs on every send, another gets all of its messages."""
    with HttpSink() as dead:
        dead.always = Hang()
        alerts = [f"a{place}" for place in range(20)]
        commit(store, *(message(name, alert_id=alert) for alert in alerts for name in ("dead", "well")))
        async with delivering(store, to("dead", dead.url("/?rto=20")), to("well", sink.url())):
            await dead.arrived(4)
            rows = await settled(store, 20)

            assert {row.message.receiver for row in rows} == {"well"}
            assert len(dead.posts) == 4
            dead.release()


async def test_an_ambiguous_send_is_recorded_as_such_and_repeated_with_its_id(store: Store, sink: HttpSink) -> None:
    """A receiver that took the message and did not answer gets it again, recognizably."""
    sink.script(Hang())
    commit(store, message())
    async with delivering(store, to("desk", sink.url("/?rto=1"))):
        [row] = await settled(store, 1)

    assert outcomes(store, row) == [AttemptOutcome.AMBIGUOUS, AttemptOutcome.DELIVERED]
    assert len({post.headers["idempotency-key"] for post in sink.posts}) == 1


async def test_what_is_refused_for_good_is_a_dead_letter(store: Store, sink: HttpSink) -> None:
    """It is tried once, stays visible with the reason, and holds up nothing."""
    sink.script(Reply(400))
    commit(store, message(number=1), message(number=2))
    async with delivering(store, to("desk", sink.url())):
        await settled(store, 1)
        [dead] = await settled(store, 1, OutboxStatus.DEAD)

    assert (dead.message.number, dead.detail) == (1, "HTTP 400 (bad request)")
    assert len(sink.posts) == 2


async def test_a_receiver_that_comes_back_gets_everything(store: Store) -> None:
    """Messages wait while nobody listens, and all go out once somebody does."""
    commit(store, *(message(alert_id=f"a{place}") for place in range(6)))
    with refusing_port() as port:
        async with delivering(store, to("desk", f"json://127.0.0.1:{port}/")):
            await until(lambda: store.outbox.receivers()["desk"].failed_attempts >= 3)
    with HttpSink(port) as sink:
        async with delivering(store, to("desk", f"json://127.0.0.1:{port}/")):
            rows = await settled(store, 6)

    assert len(sink.posts) == 6
    assert {row.detail for row in rows} == {""}


async def test_a_late_message_says_what_became_of_it(store: Store, sink: HttpSink) -> None:
    """A message that waited begins with how late it is and how the alert stands since."""
    then = clock.now() - timedelta(hours=3)
    end = transition(State.RESOLVED, Reason.CLEARED, at=then + timedelta(minutes=20), after=Status.RESOLVED)
    quiet = transition(None, Reason.BECAME_TRUE, at=then + timedelta(minutes=30))
    commit(store, message(), message(alert_id="other"), at=then)
    commit(store, at=end.at, told=(end,))
    commit(store, at=quiet.at, told=(quiet,))
    async with delivering(store, to("desk", sink.url())):
        await settled(store, 2)

    bodies = {post.json["alert_id"]: post.json["message"] for post in sink.posts}
    assert bodies["k3f9"].startswith("Delayed 3 h; since then resolved at ")
    assert bodies["k3f9"].endswith(f".\n{message().body}")
    assert bodies["other"] == f"Delayed 3 h.\n{message().body}"


async def test_a_late_digest_says_what_became_of_its_alerts(store: Store, sink: HttpSink) -> None:
    """How many of those that were open ended since."""
    then = clock.now() - timedelta(hours=3)
    name = message().alert_id
    commit(store, message(digest="d1"), message(alert_id="d1", topic="d1", kind=Kind.DIGEST), at=then)
    over = replace(alert(), alert_id=name, status=Status.RESOLVED, ended_at=then + timedelta(minutes=20))
    store.commit(Commit(over.ended_at or then, "rules-1", alerts=(over,)))
    async with delivering(store, to("desk", sink.url())):
        await settled(store, 2)

    assert sink.posts[0].json["message"].startswith("Delayed 3 h; of 1 open then, 1 resolved since.\n")


async def test_a_late_message_goes_out_even_if_the_past_cannot_be_read(
    store: Store, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happened since is a courtesy; the message is not."""

    def full(**_: object) -> list[Transition]:
        raise DatabaseFullError(WHERE)

    monkeypatch.setattr(store.history, "transitions", full)
    commit(store, message(), at=clock.now() - timedelta(minutes=5))
    async with delivering(store, to("desk", sink.url())):
        await settled(store, 1)

    assert sink.posts[0].json["message"].startswith("Delayed 5 min")


async def test_stop_lets_a_send_finish(store: Store, sink: HttpSink) -> None:
    """A send in flight ends and is recorded; nothing new begins."""
    sink.script(Hang())
    commit(store, message(number=1))
    async with delivering(store, to("desk", sink.url("/?rto=20"))) as delivery:
        await sink.arrived(1)
        stopping = asyncio.create_task(delivery.stop(PATIENCE))
        await asyncio.sleep(0)
        commit(store, message(alert_id="later"))
        sink.release()
        await stopping

    assert [row.message.alert_id for row in store.outbox.rows(statuses=[OutboxStatus.DELIVERED])] == ["k3f9"]
    assert [row.message.alert_id for row in store.outbox.rows(statuses=[OutboxStatus.PENDING])] == ["later"]


async def test_what_does_not_finish_in_time_is_sent_again_at_the_next_start(
    store: Store, sink: HttpSink, tmp_path: Path
) -> None:
    """A send cut off by the stop is ambiguous, and the next owner repeats it at once with the same id."""
    sink.script(Hang())
    commit(store, message())
    async with delivering(store, to("desk", sink.url("/?rto=20"))) as delivery:
        await sink.arrived(1)
        await delivery.stop(0.01)
    store.close()

    again = Store.open(f"sqlite:///{tmp_path}/m.db")
    again.own()
    async with delivering(again, to("desk", sink.url("/?rto=20"))):
        [row] = await settled(again, 1)

    assert outcomes(again, row) == [AttemptOutcome.AMBIGUOUS, AttemptOutcome.DELIVERED]
    assert sink.posts[0] == sink.posts[1]
    again.close()


async def test_a_store_that_fails_for_a_while_costs_no_duplicate(
    store: Store, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When claims or outcomes cannot be written, what was delivered is recorded later and not sent again."""
    record, claim = store.outbox.record_attempts, store.outbox.claim_due
    failures = iter(range(6))

    def fail() -> None:
        if next(failures, None) is not None:
            raise DatabaseFullError(WHERE)

    def recording(ended: Sequence[Ended]) -> dict[int, OutboxStatus]:
        fail()
        return record(ended)

    def claiming(now: datetime, room: dict[str, int], lease: timedelta) -> list[OutboxRow]:
        found = claim(now, room, lease)
        if not found:
            fail()
        return found

    monkeypatch.setattr(store.outbox, "record_attempts", recording)
    monkeypatch.setattr(store.outbox, "claim_due", claiming)
    commit(store, message())
    async with delivering(store, to("desk", sink.url())):
        await settled(store, 1)

    assert len(sink.posts) == 1


@pytest.mark.parametrize("method", ["claim_due", "record_attempts"])
async def test_a_replaced_process_sends_no_more(
    store: Store, sink: HttpSink, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Once another process owns the database the loop ends with its error."""

    def lost(*_: object) -> None:
        raise EpochLostError(WHERE)

    monkeypatch.setattr(store.outbox, method, lost)
    commit(store, message())
    writer = Writer()
    with pytest.raises(EpochLostError):
        await Delivery(store, [to("desk", sink.url())], writer.call).run()
    writer.pool.shutdown()


async def test_messages_to_nobody_are_dead_letters(store: Store, sink: HttpSink) -> None:
    """A receiver that left the config leaves no message waiting unseen."""
    commit(store, message("gone"))
    async with delivering(store, to("desk", sink.url())):
        [dead] = await settled(store, 1, OutboxStatus.DEAD)

    assert dead.detail == "its receiver is not configured any more"


async def test_a_store_that_fails_at_the_start_is_asked_again(
    store: Store, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop outlives a full disk at its very first turn."""
    bury, turns = store.outbox.give_up_unknown, iter([True])

    def burying(known: set[str], now: datetime) -> int:
        if next(turns, False):
            raise DatabaseFullError(WHERE)
        return bury(known, now)

    monkeypatch.setattr(store.outbox, "give_up_unknown", burying)
    commit(store, message())
    async with delivering(store, to("desk", sink.url())):
        await settled(store, 1)


async def test_a_fault_in_recording_is_logged_and_stops_nothing(
    store: Store, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message whose outcome cannot be handled leaves the others alone, and is sent again when its lease is over."""
    record = store.outbox.record_attempts
    faults = [LookupError()]

    def recording(ended: Sequence[Ended]) -> dict[int, OutboxStatus]:
        alone = len(ended) == 1
        if faults and ended[0].row_id == 1:
            raise (faults.pop() if alone else faults[0])
        return record(ended)

    monkeypatch.setattr(store.outbox, "record_attempts", recording)
    monkeypatch.setattr(deliver, "LEASE", timedelta(milliseconds=50))
    commit(store, message(alert_id="a1"), message(alert_id="a2"))
    with capture_logs() as lines:
        async with delivering(store, to("desk", sink.url())):
            await settled(store, 2)

    assert sorted(post.json["alert_id"] for post in sink.posts) == ["a1", "a1", "a2"]
    [line] = [line for line in lines if line["log_level"] == "error"]
    assert line["event"].startswith("an outcome was not recorded")


class Faulty(Receiver):
    """Has a fault of ours in it."""

    def send(self, sent: Message, attempt: int = 1, draw: Draw | None = None) -> Answer:
        if attempt == 1:
            raise ValueError(self._url.get_secret_value())
        return super().send(sent, attempt, draw)


async def test_a_fault_of_ours_costs_one_attempt(store: Store, sink: HttpSink) -> None:
    """An unexpected error is logged with its place and without its text, and the message is sent again."""
    commit(store, message())
    with capture_logs() as lines:
        async with delivering(store, Faulty("desk", SecretStr(sink.url("/hunter2")))):
            [row] = await settled(store, 1)

    assert outcomes(store, row) == [AttemptOutcome.RETRYABLE, AttemptOutcome.DELIVERED]
    assert store.outbox.attempts(row.id)[0].detail == "the send failed (ValueError)"
    [line] = [line for line in lines if line["log_level"] == "error"]
    assert "test_deliver.py" in line["where"]
    assert "hunter2" not in str(lines)


async def test_a_send_without_end_is_given_up_and_keeps_its_place(
    store: Store, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that never ends is recorded as ambiguous while its thread lives on; other receivers go on."""
    monkeypatch.setattr(deliver, "LONGEST_SEND", 0.05)
    sink.script(Hang())
    commit(store, message())
    async with delivering(store, to("desk", sink.url("/?rto=20"))) as delivery:
        await until(lambda: store.outbox.receivers()["desk"].failed_attempts == 1)
        [row] = store.outbox.rows()

        assert outcomes(store, row) == [AttemptOutcome.AMBIGUOUS]
        assert delivery._lanes["desk"].in_flight == 1
        sink.release()
        await settled(store, 1)


async def test_a_lease_that_runs_out_early_sends_nothing_twice(
    store: Store, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that jumps ahead ends leases, but what this process is still sending is not sent beside it."""
    monkeypatch.setattr(deliver, "LEASE", timedelta(milliseconds=20))
    sink.script(Hang())
    commit(store, message())
    async with delivering(store, to("desk", sink.url("/?rto=20"))):
        await sink.arrived(1)
        await until(lambda: store.outbox.rows()[0].attempts >= 3)
        sink.release()
        await settled(store, 1)

    assert len(sink.posts) == 1


async def test_mail_is_delivered_like_the_rest(store: Store) -> None:
    """The loop knows no channel."""
    with SmtpSink() as mail:
        commit(store, message())
        async with delivering(store, to("desk", mail.url())):
            await settled(store, 1)

        assert [letter["X-Alert-Id"] for letter in mail.mails] == ["k3f9"]


async def test_another_receiver_of_the_name_takes_over_what_waits(
    store: Store, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, however long a retry by the way of before would have waited; one that did not change goes on."""
    monkeypatch.setattr(deliver, "next_try", lambda *_: clock.now() + timedelta(hours=1))
    sink.script(Reply(503))
    commit(store, message("desk"))
    other = to("other", sink.url("/other"))
    async with delivering(store, to("desk", sink.url("/old")), other) as delivery:
        await until(lambda: all(row.status is OutboxStatus.PENDING and row.attempts for row in store.outbox.rows()))
        lane = delivery._lanes["other"]
        delivery.use((to("desk", sink.url("/new")), other))
        (row,) = await settled(store, 1)

    assert [post.path for post in sink.posts] == ["/old", "/new"]
    assert outcomes(store, row) == [AttemptOutcome.RETRYABLE, AttemptOutcome.DELIVERED]
    assert delivery._lanes["other"] is lane


async def test_a_send_under_way_ends_with_the_receiver_it_was_begun_with(store: Store, sink: HttpSink) -> None:
    """It is not sent a second time by the new way, and what comes later takes the new way."""
    sink.script(Hang())
    commit(store, message("desk", number=1))
    async with delivering(store, to("desk", sink.url("/old"))) as delivery:
        await sink.arrived(1)
        delivery.use((to("desk", sink.url("/new")),))
        commit(store, message("desk", number=2))
        delivery.wake()
        sink.release()
        rows = await settled(store, 2)

    assert [post.path for post in sink.posts] == ["/old", "/new"]
    assert [outcomes(store, row) for row in rows] == [[AttemptOutcome.DELIVERED]] * 2


async def test_what_waits_for_a_receiver_that_is_dropped_is_given_up(store: Store, sink: HttpSink) -> None:
    """What is under way to it may still arrive; the rest becomes dead letters when that has ended, and is counted."""
    sink.script(Hang())
    commit(store, message("gone", number=1), message("gone", number=2))
    async with delivering(store, to("gone", sink.url("/gone")), to("desk", sink.url("/desk"))) as delivery:
        await sink.arrived(1)
        delivery.use((to("desk", sink.url("/desk")),))
        commit(store, message("desk", alert_id="a2"))
        delivery.wake()
        await sink.arrived(2)
        assert [row.status for row in store.outbox.rows(receiver="gone")] == [
            OutboxStatus.PENDING,
            OutboxStatus.SENDING,
        ]
        sink.release()
        await settled(store, 1, OutboxStatus.DEAD)
        await until(lambda: bool(delivery.given_up))

    late, first = store.outbox.rows(receiver="gone")
    assert (first.status, late.status) == (OutboxStatus.DELIVERED, OutboxStatus.DEAD)
    assert late.detail == "its receiver is not configured any more"
    assert delivery.given_up == {"gone": 1}


async def test_a_receiver_that_is_added_gets_what_is_meant_for_it(store: Store, sink: HttpSink) -> None:
    """From the moment it is there."""
    async with delivering(store, to("desk", sink.url("/desk"))) as delivery:
        delivery.use((to("desk", sink.url("/desk")), to("new", sink.url("/new"))))
        commit(store, message("new"))
        delivery.wake()
        await settled(store, 1)

    assert [post.path for post in sink.posts] == ["/new"]
