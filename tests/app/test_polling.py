"""Cycles go on whatever an adapter or the clock does, and the stop lets them end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from marginwatch import clock
from marginwatch.app import polling as module
from marginwatch.app.polling import News, Schedule, VenuePolling
from marginwatch.core.model import CycleEnd, FailureKind, VenueFailure
from marginwatch.core.pace import Mood, Pace
from marginwatch.core.state import VenueState
from support.scripted_venue import ScriptedVenue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SHORT = timedelta(milliseconds=30)
LONG = timedelta(hours=1)


def polling(
    venue: ScriptedVenue, every: timedelta = LONG, deadline: timedelta = LONG
) -> tuple[VenuePolling, list[News]]:
    """Cycles of the venue, and what they hand on."""
    news: list[News] = []
    return VenuePolling(venue, every, deadline, news.append), news


@asynccontextmanager
async def scheduled(
    *pollings: VenuePolling, jumped: Callable[[datetime, datetime, timedelta], None] | None = None
) -> AsyncIterator[None]:
    """A schedule that runs for the time of the block."""
    schedule = Schedule(pollings, jumped or (lambda *_: None))
    schedule.start()
    try:
        yield
    finally:
        await schedule.stop(1)


async def test_a_cycle_hands_on_what_comes_and_that_it_ended() -> None:
    """Each answer as it arrives, then the end with its times."""
    cycles, news = polling(ScriptedVenue())
    before = clock.now()
    await cycles.cycle()

    answer, end = news
    assert isinstance(answer, VenueFailure)
    assert isinstance(end, CycleEnd)
    assert (answer.detail, end.venue) == ("cycle 1", "futures")
    assert before <= end.started_at <= answer.at <= end.ended_at == cycles.last_end


async def test_an_adapter_that_fails_is_an_answer() -> None:
    """An adapter's surprise is a failure of its venue that names the kind of error and never its words."""
    venue = ScriptedVenue()
    venue.error = RuntimeError("https://user:hunter2@venue.example.com")
    cycles, news = polling(venue)
    with capture_logs() as logs:
        await cycles.cycle()

    failure, end = news
    assert isinstance(failure, VenueFailure)
    assert (failure.kind, failure.account) == (FailureKind.SERVER_ERROR, None)
    assert failure.detail == "the futures adapter failed: RuntimeError"
    assert isinstance(end, CycleEnd)
    assert [(entry["event"], entry["venue"]) for entry in logs] == [("poll failed", "futures")]


async def test_an_adapter_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its deadline and some grace the cycle has timed out, and the next one may begin."""
    monkeypatch.setattr(module, "OVERRUN", SHORT)
    venue = ScriptedVenue()
    venue.held = asyncio.Event()
    cycles, news = polling(venue, deadline=SHORT)
    await cycles.cycle()
    failure, end = news

    assert isinstance(failure, VenueFailure)
    assert failure.kind is FailureKind.TIMED_OUT
    assert failure.detail.startswith("the cycle was given up after ")
    assert isinstance(end, CycleEnd)

    venue.held.set()
    await cycles.cycle()
    assert len(news) == 4


async def test_a_time_limit_of_the_adapters_own_is_not_ours() -> None:
    """An adapter that lets a timeout escape has failed; its cycle was not given up."""
    venue = ScriptedVenue()
    venue.error = TimeoutError()
    cycles, news = polling(venue)
    with capture_logs():
        await cycles.cycle()

    failure = news[0]
    assert isinstance(failure, VenueFailure)
    assert failure.detail == "the futures adapter failed: TimeoutError"


async def test_each_venue_is_polled_at_its_pace() -> None:
    """One that fails, and one that hangs, hold up no other."""
    good, broken, hanging = ScriptedVenue("good"), ScriptedVenue("broken"), ScriptedVenue("hanging")
    broken.error = RuntimeError()
    hanging.held = asyncio.Event()
    with capture_logs():
        async with scheduled(*(polling(venue, SHORT)[0] for venue in (good, broken, hanging))):
            await asyncio.gather(good.polled(4), broken.polled(4), hanging.polled(1))

    assert hanging.begun == 1


async def test_a_venue_slower_than_its_pace_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """Turns that fall into a running cycle are left out without a word."""
    slow = ScriptedVenue()
    slow.held = asyncio.Event()
    quick = ScriptedVenue("quick")
    with caplog.at_level(logging.WARNING):
        async with scheduled(polling(slow, SHORT)[0], polling(quick, SHORT)[0]):
            await quick.polled(5)
            slow.held.set()
            await slow.polled(2)

    assert caplog.records == []


async def test_a_stop_lets_a_cycle_end() -> None:
    """What is under way is finished and handed on; nothing new begins."""
    venue = ScriptedVenue()
    venue.held = asyncio.Event()
    cycles, news = polling(venue, SHORT)
    schedule = Schedule((cycles,), lambda *_: None)
    schedule.start()
    await venue.polled(1)
    stopping = asyncio.create_task(schedule.stop(20))
    await asyncio.sleep(0)
    venue.held.set()
    await stopping

    assert [type(item) for item in news] == [VenueFailure, CycleEnd]
    assert venue.begun == 1


async def test_a_stop_gives_up_a_cycle_that_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    """After its patience the stop goes on, and that is no error."""
    venue = ScriptedVenue()
    venue.held = asyncio.Event()
    cycles, news = polling(venue, SHORT)
    schedule = Schedule((cycles,), lambda *_: None)
    with caplog.at_level(logging.WARNING):
        schedule.start()
        await venue.polled(1)
        await schedule.stop(0.01)

    assert news == []
    assert cycles.last_end is None
    assert caplog.records == []


async def test_a_cycle_cancelled_by_others_stays_cancelled() -> None:
    """Only the stop's own cancelling is swallowed."""
    venue = ScriptedVenue()
    venue.held = asyncio.Event()
    cycles, _ = polling(venue)
    running = asyncio.create_task(cycles.cycle())
    await venue.polled(1)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_schedule_that_never_ran_stops() -> None:
    """A start that fails half way stops what it had not begun."""
    await Schedule((polling(ScriptedVenue())[0],), lambda *_: None).stop(1)


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)])
async def test_a_clock_that_is_set_does_not_stop_polling(monkeypatch: pytest.MonkeyPatch, jump: timedelta) -> None:
    """The jump is noticed and reported, and every venue is asked at once instead of an hour later."""
    monkeypatch.setattr(module, "_GUARD_EVERY", 0.01)
    real, offset = clock.now, timedelta(0)
    monkeypatch.setattr(clock, "now", lambda: real() + offset)
    jumps: list[tuple[datetime, datetime, timedelta]] = []
    seen = asyncio.Event()

    def jumped(before: datetime, after: datetime, passed: timedelta) -> None:
        jumps.append((before, after, passed))
        seen.set()

    venue = ScriptedVenue()
    with capture_logs() as logs:
        async with scheduled(polling(venue)[0], jumped=jumped):
            await venue.polled(1)
            offset = jump
            await asyncio.wait_for(seen.wait(), 20)
            if jump < timedelta(0):  # the scheduler reads the machine's own clock, by which the other is an hour ahead
                await venue.polled(2)

    (before, after, passed) = jumps[0]
    assert abs(after - before - passed - jump) < timedelta(seconds=5)
    assert len(jumps) == 1
    assert [entry["event"] for entry in logs] == ["clock jumped"]


async def test_a_cycle_that_was_due_as_its_venue_was_dropped_does_not_begin() -> None:
    """What takes the venue's place must not meet answers of the connection before; taken back, it is polled again."""
    venue = ScriptedVenue()
    cycles, news = polling(venue)
    schedule = Schedule((), lambda *_: None)
    schedule.add((cycles,))
    await schedule.drop((cycles,), 1)
    await cycles.cycle()
    assert (venue.begun, news) == (0, [])
    schedule.add((cycles,))
    await cycles.cycle()
    assert venue.begun == 1


def chosen(every: timedelta, *, limited_at: datetime | None = None) -> VenueState:
    """The venue at such a pace."""
    at = clock.now()
    return VenueState("futures", limited_at=limited_at, pace=Pace(Mood.FAST, every, "it is near", at, at))


async def test_a_pace_that_is_chosen_is_kept_and_told_of() -> None:
    """From the next cycle on; the same again is no news, and without a choice it is the usual one again."""
    venue = ScriptedVenue()
    cycles, _ = polling(venue)
    schedule = Schedule((cycles,), lambda *_: None)
    schedule.start()
    try:
        await venue.polled(1)
        with capture_logs() as logs:
            schedule.follow([chosen(SHORT)], ())
            schedule.follow([chosen(SHORT)], ())
            await venue.polled(4)
            assert cycles.pace == SHORT
            schedule.follow([VenueState("futures"), VenueState("fx")], ())
        assert cycles.pace == LONG
    finally:
        await schedule.stop(1)
    assert [(entry["event"], entry["every"], entry["why"]) for entry in logs] == [
        ("pace changed", SHORT.total_seconds(), "it is near"),
        ("pace changed", LONG.total_seconds(), None),
    ]


async def test_a_pace_outlives_a_restart() -> None:
    """It is kept, and shown, from the first cycle on, as is that the venue asked for fewer calls."""
    venue = ScriptedVenue()
    cycles, _ = polling(venue)
    cycles.recall(chosen(SHORT, limited_at=clock.now()))
    assert (cycles.pace, cycles.may_confirm()) == (SHORT, False)
    schedule = Schedule((cycles,), lambda *_: None)
    schedule.start()
    await venue.polled(3)
    await schedule.stop(1)


async def test_no_pace_is_slower_than_the_slowest() -> None:
    """As one may be that an earlier config allowed."""
    cycles, _ = polling(ScriptedVenue())
    schedule = Schedule((cycles,), lambda *_: None)
    schedule.start()
    schedule.follow([chosen(2 * LONG)], ())
    await schedule.stop(1)
    assert cycles.pace == LONG


async def test_a_breach_is_looked_at_again_at_once() -> None:
    """Once a turn at most, and only where it began."""
    venue, other = ScriptedVenue(), ScriptedVenue("fx")
    schedule = Schedule((polling(venue)[0], polling(other)[0]), lambda *_: None)
    schedule.start()
    try:
        await asyncio.gather(venue.polled(1), other.polled(1))
        with capture_logs() as logs:
            schedule.follow((), {"futures"})
            await venue.polled(2)
            schedule.follow((), {"futures"})
    finally:
        await schedule.stop(1)
    assert [entry["event"] for entry in logs] == ["asking again at once: a rule began to hold"]
    assert (venue.begun, other.begun) == (2, 1)


async def test_a_breach_seen_in_a_cycle_is_looked_at_again_after_it() -> None:
    """Never while one runs: what comes at its end lets the next one begin."""
    venue = ScriptedVenue()
    venue.held = asyncio.Event()
    cycles, _ = polling(venue)
    schedule = Schedule((cycles,), lambda *_: None)
    schedule.start()
    try:
        await venue.polled(1)
        schedule.follow((), {"futures"})
        assert cycles.running
        venue.held.set()
        await cycles.stop(20)
        schedule.follow([chosen(LONG)], ())
        await venue.polled(2)
    finally:
        await schedule.stop(1)


@pytest.mark.parametrize("confirm", [False, True])
async def test_a_breach_is_not_looked_at_again_where_that_is_unwelcome(*, confirm: bool) -> None:
    """The config turns it off, or the venue asked for fewer calls lately."""
    venue = ScriptedVenue()
    cycles = VenuePolling(venue, LONG, LONG, lambda _: None, confirm=confirm)
    schedule = Schedule((cycles,), lambda *_: None)
    schedule.start()
    try:
        await venue.polled(1)
        limited_at = clock.now() if confirm else None
        with capture_logs() as logs:
            schedule.follow([chosen(LONG, limited_at=limited_at)], {"futures"})
    finally:
        await schedule.stop(1)
    assert logs == []
    assert not cycles.may_confirm()


async def test_after_the_stop_nothing_is_followed() -> None:
    """What is committed last moves no cycle any more."""
    cycles, _ = polling(ScriptedVenue())
    schedule = Schedule((cycles,), lambda *_: None)
    schedule.start()
    await schedule.stop(1)
    schedule.follow([chosen(SHORT)], {"futures"})
    assert cycles.pace == LONG


async def test_a_venue_that_is_dropped_is_not_looked_at_again() -> None:
    """A breach that waited for the end of its cycle is forgotten."""
    venue = ScriptedVenue()
    venue.held = asyncio.Event()
    cycles, _ = polling(venue)
    schedule = Schedule((cycles,), lambda *_: None)
    schedule.start()
    try:
        await venue.polled(1)
        schedule.follow((), {"futures"})
        venue.held.set()
        await schedule.drop((cycles,), 1)
        schedule.follow([chosen(SHORT)], {"futures"})
    finally:
        await schedule.stop(1)
    assert venue.begun == 1
