"""The tick loop: hands what has arrived to the ticker, on the one thread that writes."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog

from marginwatch import clock
from marginwatch.ops.logs import log_surprise
from marginwatch.store.errors import EpochLostError, StoreError
from marginwatch.tick import MOST, unusable
from marginwatch.venues.protocol import Fetched

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from marginwatch.core.ruling import Ruling
    from marginwatch.core.seeding import Seeding
    from marginwatch.tick import Arrival, Normalisers, Ticked, Ticker

log = structlog.get_logger(__name__)

T = TypeVar("T")

PULSE = 1.0
"""Seconds at most between two ticks, so that an operator's acknowledgement or silence is seen at once."""
RETRY = 2.0
"""Seconds between attempts to commit while the store refuses."""
JUMP = 5.0
"""Seconds the wall clock may gain on the monotonic one between two ticks; more, and it was set or we were asleep."""
BACKLOG = 20_000
"""Arrivals kept while the store refuses; beyond that the oldest go, for newer ones say the same better."""
CROWDED = 30
"""Ticks in a row at most in which timers wait for what has arrived: more than a full inbox takes."""


class Writer:
    """The one thread on which the store is written and ticks are decided."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="writer")

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` there and give its result. It is done even when nobody waits for it any more."""
        # Shielded: a caller that is cancelled at the stop must not take a batch out of the queue that only it holds.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._pool, work))

    def close(self) -> None:
        """Wait for what runs, accept nothing more."""
        self._pool.shutdown(wait=True)


@dataclass(slots=True)
class _Next:
    """What is to be in force after the present tick, and who waits for it."""

    ruling: Ruling
    prepared: Seeding | None
    normalisers: Normalisers | None
    behind: int
    """Arrivals that came before."""
    done: asyncio.Future[None]

    def settle(self, error: Exception | None = None) -> None:
        """Tell whoever waits for it, if anybody still does."""
        if self.done.cancelled():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Pump:
    """Collects arrivals and ticks: at once when the writer is idle, together when it was busy."""

    def __init__(self, ticker: Ticker, writer: Writer, ticked: Callable[[Ticked], None]) -> None:
        self.last_tick = clock.monotonic()
        """When the latest tick was done, good or not, on the clock that nobody sets; at first, when this was made."""
        self.trouble: str = ""
        """Why the store refuses; empty while it does not."""
        self._ticker = ticker
        self._writer = writer
        self._ticked = ticked
        self._crowded = 0
        """Ticks in a row in which timers waited."""
        self._inbox: deque[Arrival] = deque(maxlen=BACKLOG)
        self._arrived = asyncio.Event()
        self._timer: datetime | None = None
        self._next: _Next | None = None
        """What is to be in force after the present tick."""
        self._offset: float | None = None
        """Seconds the wall clock was ahead of the monotonic one at the latest tick."""

    def put(self, arrival: Arrival) -> None:
        """Take one thing in. Call it on the loop."""
        self._inbox.append(arrival)
        self._arrived.set()

    async def prepare(self, ruling: Ruling) -> Seeding:
        """The windows that other rules ask for, to be filled with what is stored before it was begun."""
        return await self._writer.call(lambda: self._ticker.prepare(ruling, clock.now()))

    async def reload(
        self, ruling: Ruling, prepared: Seeding | None = None, normalisers: Normalisers | None = None
    ) -> None:
        """Decide by other rules from the next tick on, and read other venues; returns when that is on record.

        What was put before is read and decided as before.

        Raises:
            Exception: A fault of ours; the rules of before stay in force.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next = _Next(ruling, prepared, normalisers, len(self._inbox), done)
        self._arrived.set()
        await done

    async def run(self) -> None:
        """Tick for ever.

        Raises:
            EpochLostError: Another process took the database over; nothing may be written any more.
        """
        while True:
            await self._wait()
            await self.drain()

    async def drain(self, *, patient: bool = True) -> None:
        """Tick until everything that has arrived is committed; at least once.

        Raises:
            StoreError: The store refuses, and `patient` does not ask to try until it commits.
        """
        while True:
            await self._turn_over(patient=patient)
            await self._tick(self._take(MOST), patient=patient)
            if not self._inbox:
                return

    def _take(self, most: int) -> list[Arrival]:
        """What came first. An answer for all accounts of a venue comes alone: it may take several transactions."""
        batch: list[Arrival] = []
        while self._inbox and len(batch) < most:
            alone = isinstance(self._inbox[0], Fetched) and self._inbox[0].account is None
            if alone and batch:
                break
            batch.append(self._inbox.popleft())
            if alone:
                break
        return batch

    async def _wait(self) -> None:
        self._arrived.clear()
        if self._inbox or self._next is not None:
            return
        pause = PULSE
        if self._timer is not None:
            pause = min(pause, max(0.0, (self._timer - clock.now()).total_seconds()))
        # No wait_for: until Python 3.12 it forgets a cancellation that comes together with what it waits for.
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._arrived.wait()

    async def _turn_over(self, *, patient: bool) -> None:
        following = self._next
        if following is None or following.done.cancelled():  # whoever waited for it stops
            return
        while following.behind and self._inbox:
            batch = self._take(min(following.behind, MOST))
            following.behind -= len(batch)
            await self._tick(batch, patient=patient)
        try:
            await self._commit(
                lambda: self._ticker.reload(following.ruling, clock.now(), following.prepared), patient=patient
            )
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  (the loop edge: what watches must not end by what it is to do next)
            following.settle(error)
        else:
            if following.normalisers is not None:
                self._ticker.normalisers = following.normalisers
            following.settle()
        self._next = None

    async def _tick(self, batch: list[Arrival], *, patient: bool = True) -> None:
        crowded = bool(self._inbox) and self._crowded < CROWDED
        try:
            await self._commit(lambda: self._once(batch, crowded=crowded), patient=patient)
            self._crowded = self._crowded + 1 if crowded else 0
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  (the loop edge: one arrival's surprise must not stop the others)
            await self._isolate(batch, error, patient=patient)

    async def _commit(self, work: Callable[[], Ticked], *, patient: bool) -> None:
        """Do the work on the writer, again and again while the store refuses."""
        while True:
            try:
                ticked, self._timer = await self._writer.call(lambda: (work(), self._ticker.next_timer()))
            except EpochLostError:
                raise
            except StoreError as error:
                if not patient:
                    raise
                self._refused(str(error))
                await asyncio.sleep(RETRY)
            else:
                self._accepted()
                self._ticked(ticked)
                return

    async def _isolate(self, batch: list[Arrival], error: Exception, *, patient: bool) -> None:
        """Take each arrival by itself; one that cannot be taken is left out, and somebody hears that it is missing."""
        if len(batch) > 1:
            for arrival in batch:
                await self._tick([arrival], patient=patient)
            return
        what = type(batch[0]).__name__ if batch else "nothing but time"
        log_surprise(log, "a tick failed unexpectedly", error, taken=what)
        if not batch:
            await asyncio.sleep(RETRY)  # not counted as a tick: if it goes on, the watchdog is to see it
        elif isinstance(batch[0], Fetched):
            await self._tick([unusable(batch[0], error, clock.now())], patient=patient)

    def _once(self, batch: list[Arrival], *, crowded: bool) -> Ticked:
        now = clock.now()
        jump = self._jump(now)
        if jump > JUMP:
            self._ticker.look_anew(now)
        elif jump < -JUMP:
            self._ticker.look_again()
        return self._ticker.tick(batch, now, crowded=crowded)

    def _jump(self, now: datetime) -> float:
        """By how many seconds more the wall clock went forward than time passed since the last tick."""
        before, self._offset = self._offset, now.timestamp() - clock.monotonic()
        return 0.0 if before is None else self._offset - before

    def _refused(self, why: str) -> None:
        if why != self.trouble:
            log.error("the store refuses to commit; nothing is lost, trying again", error=why)
        self.trouble = why
        self.last_tick = clock.monotonic()

    def _accepted(self) -> None:
        if self.trouble:
            log.info("the store commits again")
        self.trouble = ""
        self.last_tick = clock.monotonic()
