"""Every way in which a receiver can be in trouble, with digests and without: real servers, and virtual hours.

Whatever it is: nothing is lost, of each alert everything is heard in order, and a healthy receiver is not delayed.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import pytest
from pydantic import SecretStr

from marginwatch import deliver
from marginwatch.core.digest import Digesting
from marginwatch.core.model import AccountKey, Severity
from marginwatch.core.outbox import AttemptOutcome, Kind
from marginwatch.core.route import Receiver as Hearer
from marginwatch.deliver import Delivery
from marginwatch.notify.backoff import next_try
from marginwatch.notify.lane import Lane
from marginwatch.notify.receiver import Receiver
from marginwatch.store.types import AttemptResult, OutboxStatus
from support.desk import VENUE, Desk, after, answer, cycle_end, fields, ruling, seen, usage_rule
from support.sinks import PATIENCE, Close, Hang, HttpSink, Post, Reply, Reset, Truncate, refusing_port
from support.stores import owned
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from marginwatch.core.outbox import AttemptOutcome as Outcome
    from marginwatch.store.store import Store
    from marginwatch.store.types import OutboxRow
    from support.sinks import Behaviour

T = TypeVar("T")
Told = tuple[str, int]
"""An alert and the number of a message about it."""

NAMES = [AccountKey(VENUE, f"a{number}") for number in range(8)]
TROUBLES: dict[str, Behaviour | None] = {
    "down": None,
    "slow": Hang(),
    "rate limiting": Reply(429, headers={"Retry-After": "1"}),
    "failing": Reply(503),
    "hanging up": Close(),
    "resetting": Reset(),
    "rejecting": Reply(400),
    "accepting and then timing out": Hang(),
    "answering half": Truncate(),
}
REPEATS = {"slow", "hanging up", "resetting", "accepting and then timing out", "answering half"}
"""Troubles in which a message may have arrived, so that it comes again."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of our own."""
    with owned(tmp_path, "m.db") as opened:
        yield opened


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come as soon as they are due at all."""
    monkeypatch.setattr(deliver, "next_try", _soon)
    monkeypatch.setattr("marginwatch.notify.lane.LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(deliver, "IDLE", 0.05)


def _soon(_attempts: int, _created: datetime, now: datetime, outcome: Outcome, _jitter: float) -> datetime | None:
    return None if outcome in {AttemptOutcome.DELIVERED, AttemptOutcome.PERMANENT} else now


def tell(desk: Desk) -> None:
    """A storm of warnings, two of which become critical; all of them end."""
    look(desk, 1, "0.5")
    look(desk, 10, "0.85")
    look(desk, 12, "0.95", NAMES[:2])
    look(desk, 14, "0.5")
    desk.tick(60)


def look(desk: Desk, seconds: float, usage: str, names: Sequence[AccountKey] = NAMES) -> None:
    """One good cycle in which these accounts stand so."""
    observed = [seen(seconds, fields(usage), account) for account in names]
    desk.tick(seconds, answer(*observed, listing=NAMES), cycle_end(seconds))


def desk_of(store: Store, *, digests: bool) -> Desk:
    """Two receivers of the same, with digests or without."""
    policy = {"sick": Digesting(after=3), "well": Digesting(after=3)} if digests else {}
    hearers = (Hearer("sick", Severity.INFO), Hearer("well", Severity.INFO))
    return Desk(replace(ruling(usage_rule(), receivers=hearers), digests=policy), store)


@asynccontextmanager
async def delivering(store: Store, *receivers: Receiver) -> AsyncIterator[None]:
    """The loop, running."""
    pool = ThreadPoolExecutor(1)

    async def on_writer(work: Callable[[], T], /) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    delivery = Delivery(store, receivers, on_writer)
    running = asyncio.create_task(delivery.run())
    try:
        yield
    finally:
        await delivery.stop(PATIENCE)
        await running
        pool.shutdown()


def rows(store: Store, receiver: str) -> list[OutboxRow]:
    """Everything for that receiver, oldest first."""
    return store.outbox.rows(receiver=receiver, limit=10_000)[::-1]


def settled(store: Store, receiver: str) -> bool:
    """Whether nothing waits for it any more."""
    return all(row.status in {OutboxStatus.DELIVERED, OutboxStatus.DEAD} for row in rows(store, receiver))


def told_by(store: Store, receiver: str) -> dict[str, list[Told]]:
    """By the id of a message, what it tells of: of a digest everything in it, in order."""
    found: dict[str, list[Told]] = defaultdict(list)
    for row in rows(store, receiver):
        message = row.message
        one = (message.alert_id, message.number)
        if message.kind is Kind.ALERT:
            found[message.digest or f"{message.alert_id}.{message.number}"].append(one)
    return found


def heard(store: Store, receiver: str, posts: Sequence[Post]) -> list[Told]:
    """What a receiver heard, in order, each the first time it came."""
    tells = told_by(store, receiver)
    keys = [post.headers["idempotency-key"].rpartition(".")[0] for post in posts]
    alone = {key for key in keys if key in tells}
    return [one for key in dict.fromkeys(keys) for one in tells[key if key in alone else key.rpartition(".")[0]]]


def in_order(told: Sequence[Told]) -> bool:
    """Whether of each alert the messages count up."""
    by_alert: dict[str, list[int]] = defaultdict(list)
    for alert, number in told:
        by_alert[alert].append(number)
    return all(numbers == sorted(numbers) for numbers in by_alert.values())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("digests", [True, False], ids=["digests", "one by one"])
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_nothing_is_lost_and_nobody_else_waits(store: Store, trouble: str, *, digests: bool) -> None:
    """While one receiver is in trouble the other hears everything; then the first does, in order."""
    tell(desk_of(store, digests=digests))
    with ExitStack() as running:
        well = running.enter_context(HttpSink())
        port = (refusing := ExitStack()).enter_context(refusing_port())
        sick = None if trouble == "down" else _opened(running, refusing, port, TROUBLES[trouble])
        address = f"form://127.0.0.1:{port}/hook" + ("?rto=0.2" if trouble.startswith("accepting") else "")
        urls = {"sick": address, "well": f"form://{well.address}/hook"}
        async with delivering(store, *(Receiver(name, SecretStr(url)) for name, url in urls.items())):
            await until(lambda: settled(store, "well"))
            if trouble != "rejecting":
                assert not settled(store, "sick")
            before = 0 if sick is None else len(sick.posts)
            sick = sick or _opened(running, refusing, port, None)
            sick.always = Reply()
            sick.release()
            await until(lambda: settled(store, "sick"))

    everything = [one for told in told_by(store, "well").values() for one in told]
    assert len(everything) == 2 * len(NAMES) + 2
    for name, posts in (("well", well.posts), ("sick", sick.posts)):
        found = heard(store, name, posts)
        assert sorted(found) == sorted(everything)
        assert in_order(found)
    assert len(well.posts) == (4 if digests else len(everything))  # a digest, two critical ones, a digest
    keys = [post.headers["idempotency-key"] for post in sick.posts[before:]]
    assert trouble in REPEATS or len(keys) == len(set(keys))
    dead = store.outbox.receivers()["sick"].dead
    assert dead == (len(everything) if trouble == "rejecting" else 0)


def _opened(running: ExitStack, refusing: ExitStack, port: int, behaviour: Behaviour | None) -> HttpSink:
    """The server of that port, which nobody could be reached at before."""
    refusing.close()
    sink = running.enter_context(HttpSink(port))
    sink.always = behaviour or Reply()
    return sink


@pytest.mark.parametrize("digests", [True, False], ids=["digests", "one by one"])
@pytest.mark.parametrize("trouble", ["down", "rate limiting", "ambiguous"])
def test_an_hour_of_trouble_in_virtual_time(store: Store, trouble: str, *, digests: bool) -> None:
    """With the real pace of tries: the healthy one hears everything within a second, the other soon after the hour."""
    tell(desk_of(store, digests=digests))
    began, ends = 60.0, 3660.0
    lanes = {name: Lane(1.0 if name == "sick" else 0.0, began) for name in ("sick", "well")}
    taken: dict[str, list[tuple[float, str]]] = {"sick": [], "well": []}
    seconds = began
    while not (settled(store, "sick") and settled(store, "well")):
        assert seconds < ends + 300
        room = {name: free for name, lane in lanes.items() if (free := lane.room(seconds))}
        claimed = store.outbox.claim_due(after(seconds), room, timedelta(minutes=5))
        for row in claimed:
            name = row.message.receiver
            lanes[name].start(seconds)
            outcome = _outcome(trouble) if name == "sick" and seconds < ends else AttemptOutcome.DELIVERED
            if outcome is AttemptOutcome.DELIVERED:
                taken[name].append((seconds, f"{row.message.alert_id}.{row.message.number}"))
                lanes[name].taken()
            else:
                lanes[name].failed(seconds)
            lanes[name].end()
            due = next_try(row.attempts, row.created_at, after(seconds), outcome, 0.5)
            store.outbox.record_attempt(row.id, AttemptResult(outcome, "", due), after(seconds))
        seconds = seconds if claimed else _next_look(store, lanes, seconds)

    assert max(at for at, _ in taken["well"]) <= began + 1
    assert min(at for at, _ in taken["sick"]) >= ends
    for name, found in taken.items():
        tells = told_by(store, name)
        told = [one for _, key in found for one in tells.get(key) or tells[key.rpartition(".")[0]]]
        assert sorted(told) == sorted(one for each in tells.values() for one in each)
        assert in_order(told)


@pytest.mark.parametrize("digests", [True, False], ids=["digests", "one by one"])
@pytest.mark.parametrize("outcome", [AttemptOutcome.DELIVERED, AttemptOutcome.PERMANENT], ids=["slow", "rejecting"])
def test_a_slow_or_rejecting_one_in_virtual_time(store: Store, outcome: AttemptOutcome, *, digests: bool) -> None:
    """Each answer takes 25 seconds: four at once, each message once and in order, and nobody waits for it."""
    tell(desk_of(store, digests=digests))
    seconds = began = 60.0
    lanes = {name: Lane(0.0, began) for name in ("sick", "well")}
    sending: list[tuple[float, OutboxRow]] = []
    ended: dict[str, list[tuple[float, str]]] = {"sick": [], "well": []}
    while sending or not (settled(store, "sick") and settled(store, "well")):
        assert seconds < began + 300
        room = {name: free for name, lane in lanes.items() if (free := lane.room(seconds))}
        for row in store.outbox.claim_due(after(seconds), room, timedelta(minutes=5)):
            lanes[row.message.receiver].start(seconds)
            sending.append((seconds + (25 if row.message.receiver == "sick" else 0), row))
        assert sum(row.message.receiver == "sick" for _, row in sending) <= 4
        if not sending:
            seconds += 1
            continue
        seconds, row = sending.pop(min(range(len(sending)), key=lambda place: sending[place][0]))
        name = row.message.receiver
        found = outcome if name == "sick" else AttemptOutcome.DELIVERED
        lanes[name].taken()  # who rejects answers, too
        lanes[name].end()
        ended[name].append((seconds, f"{row.message.alert_id}.{row.message.number}"))
        store.outbox.record_attempt(row.id, AttemptResult(found, "", None), after(seconds))

    assert max(at for at, _ in ended["well"]) <= began + 1
    for name, all_of_it in ended.items():
        tells = told_by(store, name)
        told = [one for _, key in all_of_it for one in tells.get(key) or tells[key.rpartition(".")[0]]]
        assert sorted(told) == sorted(one for each in tells.values() for one in each)
        assert in_order(told)
    dead = store.outbox.receivers()["sick"].dead
    assert dead == (len(told) if outcome is AttemptOutcome.PERMANENT else 0)


def _outcome(trouble: str) -> AttemptOutcome:
    return AttemptOutcome.AMBIGUOUS if trouble == "ambiguous" else AttemptOutcome.RETRYABLE


def _next_look(store: Store, lanes: dict[str, Lane], seconds: float) -> float:
    """When something may be sent next, as the loop works it out; half a second on when that is not known."""
    due = store.outbox.next_due()
    waits = [wait for lane in lanes.values() if (wait := lane.ready_in(seconds))]
    soonest = min(waits, default=0.5)
    if due is not None:
        soonest = max(soonest, (due - after(seconds)).total_seconds())
    return seconds + max(0.05, soonest)
