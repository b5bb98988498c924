"""When venues are polled: one scheduler job a venue, its pace as chosen, and a guard against a clock that jumps."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from marginwatch import clock
from marginwatch.app.build import deadline_of
from marginwatch.core.model import CycleEnd, FailureKind, VenueFailure
from marginwatch.core.pace import limited
from marginwatch.venues.protocol import Fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Sequence

    from apscheduler.job import Job

    from marginwatch.app.build import Parts
    from marginwatch.core.pace import Pace
    from marginwatch.core.state import VenueState
    from marginwatch.venues.protocol import Venue

log = structlog.get_logger(__name__)

News: TypeAlias = Fetched | VenueFailure | CycleEnd
"""What polling hands to the tick loop."""

OVERRUN = timedelta(seconds=5)
"""Grace beyond an adapter's own deadline before its cycle is given up."""
JUMP = timedelta(seconds=5)
"""A wall clock that moves this much against the monotonic one has been set."""
_GUARD_EVERY = 1


class VenuePolling:
    """One venue's cycles. Knows how to run one; does not decide when."""

    def __init__(
        self,
        venue: Venue,
        every: timedelta,
        deadline: timedelta,
        put: Callable[[News], None],
        *,
        slowest: timedelta | None = None,
        confirm: bool = True,
    ) -> None:
        """`every` is the usual pace and, where none is given, the slowest; `confirm` allows cycles out of turn."""
        self.venue = venue
        self.every = every
        self.slowest = slowest or every
        self.deadline = deadline
        self.confirm = confirm
        self.pace = every
        """The pace that is kept."""
        self.limited_at: datetime | None = None
        """When the venue last asked for fewer calls."""
        self.since = clock.now()
        """When it was taken up."""
        self.last_end: datetime | None = None
        """When the latest cycle ended; at first, that of the connection whose place this one took."""
        self._put = put
        self._running: asyncio.Task[None] | None = None
        self._started = self.since
        self._started_steady = clock.monotonic()
        self._confirmed: float | None = None
        self._given_up = False
        self._retired = False

    def recall(self, state: VenueState) -> None:
        """Go on as of that state: an earlier process may have chosen a pace."""
        self.limited_at = state.limited_at
        self.pace = self.chosen(state.pace)

    def chosen(self, pace: Pace | None) -> timedelta:
        """How long from one cycle to the next at such a pace."""
        return self.every if pace is None else min(pace.every, self.slowest)

    async def cycle(self) -> None:
        """Run one full cycle, unless it is retired; every way it can end leaves a recorded outcome."""
        if self._retired:
            return  # it was due in the same instant
        self._running = asyncio.current_task()
        started = self._started = clock.now()
        self._started_steady = clock.monotonic()
        try:
            await self._gather()
        except asyncio.CancelledError:
            if not self._given_up:
                raise
            return  # the stop would not wait for it any longer, which is no error
        except Exception as error:  # the loop edge: a plug-in's surprise must not stop other venues
            log.exception("poll failed", venue=self.venue.name)
            self._put(self._surprise(f"the {self.venue.name} adapter failed: {type(error).__name__}"))
        finally:
            self._running = None
        self.last_end = clock.now()
        self._put(CycleEnd(self.venue.name, started, self.last_end, attempted=0, failed=0))

    def due_in(self, pace: timedelta) -> timedelta:
        """How long until the next cycle at such a pace, by a clock that nobody sets."""
        return max(pace - timedelta(seconds=clock.monotonic() - self._started_steady), timedelta(0))

    @property
    def running(self) -> bool:
        """Whether a cycle is under way."""
        return self._running is not None

    def may_confirm(self) -> bool:
        """Take a cycle out of turn, where one is allowed: once in `every` at most, and none that the venue minds."""
        now = clock.monotonic()
        lately = self._confirmed is not None and now - self._confirmed < self.every.total_seconds()
        if lately or not self.confirm or limited(self.limited_at, clock.now()):
            return False
        self._confirmed = now
        return True

    async def _gather(self) -> None:
        # The adapter keeps its own deadline; cancelling a client call is the last resort because it can
        # poison a connection pool.
        limit = (self.deadline + OVERRUN).total_seconds()
        bound = asyncio.timeout(limit)
        try:
            async with bound:
                async for item in self.venue.poll():
                    self._put(item)
        except TimeoutError:
            if not bound.expired():
                raise
            self._put(self._surprise(f"the cycle was given up after {limit:.0f} s", FailureKind.TIMED_OUT))

    def _surprise(self, detail: str, kind: FailureKind = FailureKind.SERVER_ERROR) -> VenueFailure:
        return VenueFailure(self.venue.name, kind, clock.now(), detail)

    async def stop(self, within: float) -> None:
        """Let a running cycle end, or give it up after `within` seconds."""
        task, self._given_up = self._running, False
        if task is None:
            return
        _, pending = await asyncio.wait([task], timeout=within)
        self._given_up = bool(pending)
        for unfinished in pending:
            unfinished.cancel()
        if pending:
            await asyncio.wait(pending, timeout=within)

    def resume(self) -> None:
        """Be polled, also after `retire`."""
        self._retired = False

    async def retire(self, within: float) -> None:
        """As `stop`, while the daemon goes on: what came of a cycle that is given up counts as a cycle of its own."""
        self._retired = True
        await self.stop(within)
        if self._given_up:
            self._put(CycleEnd(self.venue.name, self._started, clock.now(), attempted=0, failed=0))


def pollings_of(
    parts: Parts, put: Callable[[News], None], before: Sequence[VenuePolling] = ()
) -> tuple[VenuePolling, ...]:
    """One for each venue, with its pace and deadline; the one of `before` where the venue is the very same."""
    settings = {venue.name: venue for venue in parts.settings.venues}
    kept = {polling.venue.name: polling for polling in before}
    found = []
    for venue in parts.venues:
        earlier, given = kept.get(venue.name), settings[venue.name]
        if earlier is None or earlier.venue is not venue:
            deadline = deadline_of(given.every)
            earlier = VenuePolling(venue, given.every, deadline, put, slowest=given.slowest, confirm=given.confirm)
        found.append(earlier)
    return tuple(found)


class Schedule:
    """Runs every venue's cycles at its own pace until stopped."""

    def __init__(
        self, pollings: Iterable[VenuePolling], jumped: Callable[[datetime, datetime, timedelta], None]
    ) -> None:
        # It warns at every turn that a slow venue misses, which is no news: what is late is told by its age.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        self._jumped = jumped
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._jobs: dict[VenuePolling, Job] = {}
        self._unconfirmed: set[VenuePolling] = set()
        """To be asked again as soon as no cycle runs."""
        self._dropped: set[VenuePolling] = set()
        """Whose last cycle may be running."""
        self._guard: asyncio.Task[None] | None = None
        self._first = tuple(pollings)
        self._begins = False
        """Cycles begin."""

    def start(self) -> None:
        """Begin; first cycles are spread over a second so that they do not burst."""
        self.add(self._first)
        self._scheduler.start()
        self._begins = True
        self._guard = asyncio.create_task(self._watch_clock(), name="clock guard")

    def add(self, pollings: Collection[VenuePolling]) -> None:
        """Run these, too, from now on."""
        for polling, first in zip(pollings, _first_runs(len(pollings)), strict=True):
            polling.resume()
            self._jobs[polling] = self._scheduler.add_job(
                polling.cycle, "interval", seconds=polling.pace.total_seconds(), next_run_time=first
            )

    async def drop(self, pollings: Iterable[VenuePolling], within: float) -> None:
        """Begin no further cycle of these, and let running ones end within so many seconds."""
        dropped = set(pollings)
        for polling in dropped & self._jobs.keys():
            self._jobs.pop(polling).remove()
        self._dropped |= dropped
        self._unconfirmed -= dropped
        await asyncio.gather(*(polling.retire(within) for polling in dropped))
        self._dropped -= dropped

    def follow(self, venues: Iterable[VenueState], breached: Container[str]) -> None:
        """Go on at the paces that were chosen, and ask again at once where a rule began to hold."""
        if not self._begins:
            return
        states = {state.venue: state for state in venues}
        now = clock.now()
        for polling, job in self._jobs.items():
            name = polling.venue.name
            state = states.get(name)
            if state is not None:
                polling.limited_at = state.limited_at
                _keep_pace(polling, job, state.pace, now)
            if name in breached:
                self._unconfirmed.add(polling)
            if polling in self._unconfirmed and not polling.running:
                self._unconfirmed.discard(polling)
                if polling.may_confirm():
                    log.info("asking again at once: a rule began to hold", venue=name)
                    job.modify(next_run_time=now)

    async def _watch_clock(self) -> None:
        wall, steady = clock.now(), clock.monotonic()
        while True:
            await asyncio.sleep(_GUARD_EVERY)
            wall_now, steady_now = clock.now(), clock.monotonic()
            before, passed = wall, timedelta(seconds=steady_now - steady)
            wall, steady = wall_now, steady_now
            jump = wall_now - before - passed
            if abs(jump) > JUMP:
                log.warning("clock jumped", seconds=round(jump.total_seconds(), 1))
                self._reschedule()
                self._jumped(before, wall_now, passed)

    def _reschedule(self) -> None:
        # The scheduler plans on the wall clock: set back by an hour, it would sleep for that hour.
        for job, first in zip(self._jobs.values(), _first_runs(len(self._jobs)), strict=True):
            job.modify(next_run_time=first)

    async def stop(self, within: float) -> None:
        """Start no new cycle and let running ones end within so many seconds."""
        self._begins = False
        if self._guard is not None:
            self._guard.cancel()
        if self._scheduler.running:
            self._scheduler.pause()
            await asyncio.gather(*(polling.stop(within) for polling in (*self._jobs, *self._dropped)))
            self._scheduler.shutdown(wait=False)


def _keep_pace(polling: VenuePolling, job: Job, pace: Pace | None, now: datetime) -> None:
    chosen = polling.chosen(pace)
    if chosen == polling.pace:
        return
    polling.pace = chosen
    why = pace.why if pace is not None else ""
    log.info("pace changed", venue=polling.venue.name, every=chosen.total_seconds(), why=why or None)
    trigger = IntervalTrigger(seconds=chosen.total_seconds(), timezone=UTC)
    job.modify(trigger=trigger, next_run_time=now + polling.due_in(chosen))


def _first_runs(count: int) -> list[datetime]:
    return [clock.now() + timedelta(seconds=place / max(count, 1)) for place in range(count)]
