"""The tick loop on bad days: arrivals that cannot be taken, a store that refuses, a clock that is set."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from marginwatch.app import pump as pump_module
from marginwatch.app.pump import Pump, Writer
from marginwatch.core.engine import Answer
from marginwatch.core.hours import WeekHours, parse_hours
from marginwatch.core.model import Severity
from marginwatch.core.quiet import Quiet
from marginwatch.core.route import Receiver
from marginwatch.core.routing import Route, Routes, Rung
from marginwatch.store.errors import DatabaseBusyError, EpochLostError, StoreError
from support.desk import ONE, TWO, Desk, Paper, after, answer, cycle_end, fields, ruling, seen, usage_rule, wrap
from support.manual_clock import START, ManualClock
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import Commit
    from marginwatch.store.types import Committed
    from marginwatch.tick import Arrival, Normalisers, Ticked


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The desk's time, pushed by hand; the store is asked again at once."""
    manual = ManualClock()
    manual.rule(monkeypatch)
    assert after(0) == START
    monkeypatch.setattr(pump_module, "RETRY", 0)
    return manual


@asynccontextmanager
async def pumping(desk: Desk) -> AsyncIterator[tuple[Pump, list[Ticked]]]:
    """A pump that works when it is told to, and what it did."""
    done: list[Ticked] = []
    writer = Writer()
    try:
        yield Pump(desk.ticker, writer, done.append), done
    finally:
        writer.close()


def put(pump: Pump, *arrivals: Answer | Arrival) -> None:
    """Everything at once, so that it is one batch."""
    for arrival in arrivals:
        pump.put(wrap(arrival) if isinstance(arrival, Answer) else arrival)


def unfit(seconds: float) -> Arrival:
    """An answer of the second account with a time of a type that none can have."""
    observation = replace(seen(seconds, fields(), TWO), as_of=cast("datetime", "noon"))
    return replace(wrap(answer(observation)), account=TWO)


@pytest.mark.parametrize("turns", range(8))
async def test_a_stop_at_the_instant_of_an_arrival_is_a_stop(turns: int) -> None:
    """However far the arrival has come in the loop's turns, the cancellation is not forgotten for it."""
    async with pumping(Desk(ruling(usage_rule()))) as (pump, _):
        ticking = asyncio.create_task(pump.run())
        for _ in range(5):
            await asyncio.sleep(0)
        put(pump, cycle_end(0))
        for _ in range(turns):
            await asyncio.sleep(0)
        ticking.cancel()
        await asyncio.wait([ticking], timeout=5)
        assert ticking.cancelled()


async def test_one_answer_that_cannot_be_taken_costs_no_other(clock: ManualClock) -> None:
    """The rest of its batch is decided, and the account it was about is told of as one without data."""
    desk = Desk(ruling(usage_rule()))
    async with pumping(desk) as (pump, _):
        put(pump, answer(seen(0, fields()), seen(0, fields(), TWO), listing=[ONE, TWO]), cycle_end(0))
        await pump.drain()
        for second in range(10, 80, 10):
            clock.push(10)
            put(pump, unfit(second), answer(seen(second, fields("0.95"))), cycle_end(second))
            began = clock.monotonic()
            await pump.drain()

    assert desk.told()[0] == "usage:firing:critical"
    assert set(desk.told()[1:]) == {"answer-malformed:firing:warning", "data-stale:firing:critical"}
    assert pump.last_tick > began


async def test_news_of_no_known_kind_is_left_out() -> None:
    """Whatever it is, the loop goes on without it."""
    desk = Desk(ruling(usage_rule()))
    async with pumping(desk) as (pump, done):
        put(pump, cast("Arrival", object()), answer(seen(0, fields("0.95")), listing=[ONE]))
        await pump.drain()

    assert desk.told() == ["usage:firing:critical"]
    assert sum(ticked.messages for ticked in done) == len(desk.rules.receivers)


async def test_a_tick_that_always_fails_is_not_taken_for_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """When even a tick without news fails, none is counted: the watchdog sees it."""
    desk = Desk(ruling(usage_rule()))

    def fail(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(desk.ticker, "tick", fail)
    async with pumping(desk) as (pump, done):
        made = pump.last_tick
        put(pump, answer(seen(0, fields("0.95"))))
        await pump.drain()
        await pump.drain()

    assert (pump.last_tick, done) == (made, [])


class Refusing(Paper):
    """A ledger that refuses a number of times."""

    times = 2
    error: StoreError = DatabaseBusyError(where="there")

    def commit(self, commit: Commit) -> Committed:
        """Keep it, or not."""
        if self.times:
            self.times -= 1
            raise self.error
        return Paper.commit(self, commit)


async def test_a_store_that_refuses_is_asked_until_it_commits() -> None:
    """What arrived is told once, and the trouble is over with it."""
    desk = Desk(ruling(usage_rule()), ledger=Refusing())
    async with pumping(desk) as (pump, _):
        put(pump, answer(seen(0, fields("0.95")), listing=[ONE]))
        await pump.drain()

    assert desk.told() == ["usage:firing:critical"]
    assert pump.trouble == ""


async def test_who_cannot_wait_hears_that_the_store_refuses() -> None:
    """A single run ends with the store's own sentence instead of trying for ever."""
    async with pumping(Desk(ruling(usage_rule()), ledger=Refusing())) as (pump, _):
        put(pump, answer(seen(0, fields("0.95")), listing=[ONE]))
        with pytest.raises(DatabaseBusyError):
            await pump.drain(patient=False)


async def test_a_lost_database_ends_the_loop() -> None:
    """Another process has it: nothing is tried again."""
    ledger = Refusing()
    ledger.error = EpochLostError("there")
    async with pumping(Desk(ruling(usage_rule()), ledger=ledger)) as (pump, _):
        put(pump, answer(seen(0, fields("0.95")), listing=[ONE]))
        with pytest.raises(EpochLostError):
            await pump.run()


async def test_a_clock_set_forward_raises_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tick that comes before the next answers knows that the hour between never was."""
    desk = Desk(ruling(usage_rule()))
    async with pumping(desk) as (pump, _):
        put(pump, answer(seen(0, fields("0.95")), listing=[ONE]), cycle_end(0))
        await pump.drain()
        monkeypatch.setattr("marginwatch.clock.now", lambda: START + timedelta(hours=1))
        await pump.drain()

    assert desk.told() == ["usage:firing:critical"]


async def test_a_clock_set_back_holds_nothing_back_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was a day ahead: quiet hours end today, and the ladder's clock starts now."""

    def be(seconds: float) -> None:
        monkeypatch.setattr("marginwatch.clock.now", lambda: after(seconds))

    day = timedelta(days=1).total_seconds()
    night = Quiet(WeekHours(UTC, parse_hours("13:00-14:01")))
    way = Route("all", ("all", "night"), escalate=(Rung(timedelta(seconds=40), ("lead",)),))
    receivers = tuple(Receiver(name, Severity.INFO) for name in ("all", "night", "lead"))
    rules = replace(ruling(usage_rule(), receivers=receivers), quiet={"night": night}, routes=Routes([way]))
    desk = Desk(rules)
    async with pumping(desk) as (pump, _):
        be(day)
        put(pump, answer(seen(day, fields("0.82")), listing=[ONE]), cycle_end(day))
        await pump.drain()
        assert (desk.told(), desk.told("night")) == (["usage:firing:warning"], [])
        for second in (10, 51, 60):
            be(second)
            put(pump, answer(seen(second, fields("0.82")), listing=[ONE]), cycle_end(second))
            await pump.drain()

    assert desk.told("lead") == ["usage:reminder:warning"]
    assert desk.told("night") == ["usage:firing:warning"]


async def test_reminders_go_on_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was a day ahead when the alert fired: nobody waits a day to be reminded of it."""
    day = timedelta(days=1).total_seconds()
    desk = Desk(ruling(replace(usage_rule(), remind_every=timedelta(seconds=30))))
    async with pumping(desk) as (pump, _):
        for second in (day, 10, 35, 45, 60, 75):
            monkeypatch.setattr("marginwatch.clock.now", lambda at=second: after(at))
            put(pump, answer(seen(second, fields("0.92")), listing=[ONE]), cycle_end(second))
            await pump.drain()

    assert desk.told() == ["usage:firing:critical", "usage:reminder:critical", "usage:reminder:critical"]


async def test_the_loop_ticks_when_something_comes_and_when_time_is_up(clock: ManualClock) -> None:
    """News wake it at once, and so does a timer that has run out."""
    rule = replace(usage_rule(), remind_every=timedelta(seconds=30))
    desk = Desk(ruling(rule))
    async with pumping(desk) as (pump, _):
        running = asyncio.create_task(pump.run())
        put(pump, answer(seen(0, fields("0.95")), listing=[ONE]))
        await until(lambda: len(desk.told()) >= 1)
        clock.push(30)
        await until(lambda: len(desk.told()) >= 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert desk.told() == ["usage:firing:critical", "usage:reminder:critical"]


async def test_other_rules_are_in_force_between_two_batches() -> None:
    """What had arrived before is read and decided as before, what arrives after by them, though all waited alike."""
    desk = Desk(ruling(usage_rule()))
    others = ruling(usage_rule(id="other"), revision="r2")
    readers: Normalisers = dict(desk.ticker.normalisers)
    async with pumping(desk) as (pump, _):
        put(pump, answer(seen(0, fields("0.95")), listing=[ONE]))
        waiting = asyncio.create_task(pump.reload(others, normalisers=readers))
        await asyncio.sleep(0)
        put(pump, answer(seen(0, fields("0.95"))))
        await pump.drain()
        await waiting

    assert desk.told() == ["usage:firing:critical", "usage:closed:critical", "other:firing:critical"]
    assert desk.ticker.normalisers is readers


async def test_a_reload_nobody_waits_for_any_more_is_left_out() -> None:
    """Whoever asked for it stops: what is left to decide is decided by the rules in force."""
    desk = Desk(ruling(usage_rule()))
    async with pumping(desk) as (pump, _):
        waiting = asyncio.create_task(pump.reload(ruling(revision="r2")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        put(pump, answer(seen(0, fields("0.95")), listing=[ONE]))
        await pump.drain()

    assert desk.told() == ["usage:firing:critical"]
    assert desk.ticker.ruling is desk.rules


async def test_other_rules_wait_for_a_store_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are in force as soon as that is on record, and not before."""
    desk = Desk(ruling(usage_rule()))
    refusals = iter([True, True, False])
    reload = desk.ticker.reload

    def refuse(others: Ruling, now: datetime, _: object) -> Ticked:
        if next(refusals, False):
            raise DatabaseBusyError(where="there")
        return reload(others, now)

    monkeypatch.setattr(desk.ticker, "reload", refuse)
    async with pumping(desk) as (pump, _):
        waiting = asyncio.create_task(pump.reload(ruling(revision="r2")))
        await asyncio.sleep(0)
        await pump.drain()
        await waiting

    assert desk.ticker.ruling.revision == "r2"


async def test_rules_that_cannot_be_taken_leave_those_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours reaches whoever reloads, and ends nothing."""
    desk = Desk(ruling(usage_rule()))

    def fail(*_: object) -> Ticked:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.ticker, "reload", fail)
    async with pumping(desk) as (pump, _):
        waiting = asyncio.create_task(pump.reload(ruling(revision="r2")))
        await asyncio.sleep(0)
        put(pump, answer(seen(0, fields("0.95")), listing=[ONE]))
        await pump.drain()
        with pytest.raises(ZeroDivisionError):
            await waiting

    assert desk.told() == ["usage:firing:critical"]


async def test_an_answer_for_all_accounts_is_a_batch_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take several transactions, which a fault in something else must not make it go through twice."""
    desk = Desk(ruling(usage_rule()))
    batches: list[tuple[int, bool]] = []
    tick = desk.ticker.tick

    def counted(batch: Sequence[Arrival], now: datetime, *, crowded: bool) -> Ticked:
        batches.append((len(batch), crowded))
        return tick(batch, now, crowded=crowded)

    monkeypatch.setattr(desk.ticker, "tick", counted)
    async with pumping(desk) as (pump, done):
        alone = [replace(wrap(answer(seen(second, fields()))), account=ONE) for second in (0, 1, 2)]
        put(pump, *alone[:2], wrap(answer(seen(3, fields()))), cycle_end(3), alone[2])
        await pump.drain()

    assert batches == [(2, True), (1, True), (2, False)]
    assert len(done) == len(batches)


async def test_what_has_arrived_is_committed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the writer is busy answers gather: one transaction for all of them, up to so many."""
    monkeypatch.setattr(pump_module, "MOST", 3)
    desk = Desk(ruling(usage_rule()), Paper())
    desk.tick(0, answer(seen(0, fields()), listing=[ONE]), cycle_end(0))
    assert isinstance(desk.ledger, Paper)
    before = len(desk.ledger.commits)
    async with pumping(desk) as (pump, done):
        put(pump, *(replace(wrap(answer(seen(second, fields()))), account=ONE) for second in range(10, 80, 10)))
        await pump.drain()

    assert [len(commit.observations) for commit in desk.ledger.commits[before:]] == [3, 3, 1]
    assert len(done) == 3


async def test_nobody_hears_that_an_answer_is_missing_which_has_arrived(clock: ManualClock) -> None:
    """After an outage of the database the answers of that time are decided on before its timers are looked at."""
    desk = Desk(ruling(usage_rule()), Paper())
    desk.tick(0, answer(seen(0, fields("0.95")), seen(0, fields(), TWO), listing=[ONE, TWO]), cycle_end(0))
    clock.push(600)
    async with pumping(desk) as (pump, _):
        put(pump, answer(seen(600, fields(), TWO)), answer(seen(600, fields("0.95"))), cycle_end(600))
        await pump.drain()

    assert isinstance(desk.ledger, Paper)
    assert crowded(desk.ledger)[-3:] == [True, True, False]
    assert desk.told() == ["usage:firing:critical"]


async def test_timers_do_not_wait_for_ever(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more comes than can be decided on, what is missing is told all the same."""
    monkeypatch.setattr(pump_module, "CROWDED", 2)
    desk = Desk(ruling(usage_rule()), Paper())
    desk.tick(0, answer(seen(0, fields("0.95")), listing=[ONE]), cycle_end(0))
    clock.push(600)
    async with pumping(desk) as (pump, _):
        put(pump, *(answer(seen(600, fields(f"0.9{number}"), TWO)) for number in range(4)))
        await pump.drain()

    assert isinstance(desk.ledger, Paper)
    assert crowded(desk.ledger)[-4:] == [True, True, False, False]


def crowded(ledger: Paper) -> list[bool]:
    """Of each tick on record, whether its timers waited."""
    return [commit.seen is not None and commit.seen.crowded for commit in ledger.commits]
