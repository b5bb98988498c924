"""The running daemon: starts its parts in order, keeps them going, stops them in reverse."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING

import structlog

from marginwatch import clock
from marginwatch.app.build import assemble
from marginwatch.app.charting import Charts
from marginwatch.app.heartbeat import Heartbeat
from marginwatch.app.meters import Gauges, Meters
from marginwatch.app.phrasing import wording_of
from marginwatch.app.polling import Schedule
from marginwatch.app.pump import Pump, Writer
from marginwatch.app.receivers import ReceiverWatch
from marginwatch.app.reload import Reloading
from marginwatch.app.reports import Reporting
from marginwatch.app.succession import Succession
from marginwatch.app.vitals import Vitals
from marginwatch.config.rulebook import rulebook
from marginwatch.core.engine import ClockJump
from marginwatch.core.health import RULES
from marginwatch.deliver import Delivery
from marginwatch.ops.threads import in_thread
from marginwatch.store.errors import StoreError
from marginwatch.store.retention import Retention
from marginwatch.tick import Ticked, Ticker
from marginwatch.web.metrics import metrics_route
from marginwatch.web.page import Page
from marginwatch.web.snapshot import taken

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime, timedelta

    from marginwatch.app.build import Configured, Parts
    from marginwatch.app.polling import News, VenuePolling
    from marginwatch.notify.wording import Wording
    from marginwatch.ops.sd_notify import Systemd
    from marginwatch.store.store import Store

log = structlog.get_logger(__name__)

POLLS_WITHIN = 2.0
"""Seconds a running cycle may hold up the stop."""
SENDS_WITHIN = 5.0
"""Seconds sends in flight may hold up the stop."""
LOOK_EVERY = 2.0
"""Seconds between looks at how delivery goes."""
PRUNE_EVERY = 3_600.0
LOADS_FOR = 20.0
"""Seconds after which, again and again, systemd is asked to wait on while windows of time are filled."""


class Daemon:
    """Watches the accounts from `start` to `stop`."""

    def __init__(
        self,
        configured: Configured,
        parts: Parts,
        store: Store,
        systemd: Systemd,
        set_level: Callable[[str], None] | None = None,
    ) -> None:
        """`parts` are those of `configured`, which a reload reads anew.

        `set_level` sets how much is logged, where that is the config's to say.
        """
        self._configured = configured
        self._set_level = set_level
        self._store = store
        self._systemd = systemd
        self._writer = Writer()
        self._ticker = Ticker(store, parts.ruling, parts.normalisers)
        self.meters = Meters()
        self.pump = Pump(self._ticker, self._writer, self._ticked)
        self._running = Succession(parts, self.pump, store.observations, self._put)
        self.delivery = Delivery(store, parts.receivers, self._writer.call, self.meters.attempted)
        self.delivery.draw = Charts(store.history, self._ticker).draw
        self._schedule = Schedule(self.pollings, self._jumped)
        self.reloading = Reloading(configured, self.pump, systemd, self._follow, self._in_force)
        self._vitals = Vitals(self.pump, self.pollings, self.reloading.in_words, {})
        self.meters.show(Gauges(self._vitals, self.reloading, store.history))
        self.receivers = ReceiverWatch(store, self._writer, self.delivery, self._vitals, lambda: self._parts)
        self._heartbeat = self._new_heartbeat()
        self._reporting = Reporting(store, lambda: (self._parts.settings, self._parts.ruling.rules))
        self._loops: list[asyncio.Task[None]] = []
        self._page: Page | None = None

    @property
    def pollings(self) -> tuple[VenuePolling, ...]:
        """The cycles of every venue."""
        return self._running.pollings

    @property
    def _parts(self) -> Parts:
        return self._running.parts

    @property
    def address(self) -> str | None:
        """Where the page is, `host:port` or `unix:/path`; None when it is turned off."""
        return None if self._page is None else self._page.address

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set, then end within ten seconds.

        Raises:
            MarginwatchError: It cannot start, or another process took the database over.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self._writer.close)
            await self._take_up()
            await self._serve(stack)
            stack.push_async_callback(self._close_venues)
            self._start_loops(stack)
            self._schedule.start()
            stack.push_async_callback(self._stop_polling)
            self._announce()
            await self._until(stop)
            self._systemd.stopping("stopping")
            log.info("stopping")
        log.info("stopped")

    async def _take_up(self) -> None:
        """Go on where the last process stopped, as of when all of that is read."""

        def load_and_begin() -> None:
            self._word(wording_of(self._parts, self._store))
            self._ticker.load(clock.now())
            self._ticker.begin(clock.now())
            self._record(self._configured)

        asking = asyncio.create_task(self._ask_for_patience())
        try:
            await self._writer.call(load_and_begin)
        finally:
            asking.cancel()
        for polling in self.pollings:
            state = self._ticker.memory.venues.get(polling.venue.name)
            if state is not None:
                polling.recall(state)

    async def _ask_for_patience(self) -> None:
        while True:
            await asyncio.sleep(LOADS_FOR)
            self._systemd.patience(3 * LOADS_FOR)

    async def _follow(self, configured: Configured) -> None:
        """Go on by another config; what only it says of itself follows at once."""
        before, parts = self._parts.settings, assemble(configured, self._parts)
        wording = await self._writer.call(partial(wording_of, parts, self._store))
        await self._running.follow(parts, self._schedule, self.delivery)
        await self._writer.call(partial(self._word, wording))
        self._vitals.pollings = self.pollings
        settings = parts.settings
        if settings.heartbeat != before.heartbeat:
            self._heartbeat = self._new_heartbeat()
        if settings.log != before.log and self._set_level is not None:
            self._set_level(settings.log.level)

    def _word(self, wording: Wording) -> None:
        """Word messages so from now on. Between two ticks only, on their thread."""
        self._ticker.wording = wording

    def _new_heartbeat(self) -> Heartbeat | None:
        url = self._parts.settings.heartbeat.url
        return None if url is None else Heartbeat(url.get_secret_value(), self._vitals)

    async def _beat(self) -> None:
        if self._heartbeat is not None:
            await self._heartbeat.step()

    async def _in_force(self, configured: Configured) -> None:
        """Other rules are."""
        await self._writer.call(lambda: self._record(configured))

    def _record(self, configured: Configured) -> None:
        self._store.rulebooks.record(rulebook(configured.rules, configured.settings), clock.now())

    async def _serve(self, stack: AsyncExitStack) -> None:
        web = self._parts.settings.web
        if web.listen:
            key = await self._writer.call(self._store.keys.signing)
            self._page = Page(
                self._store,
                web,
                key,
                health=lambda: self._vitals.health(clock.now()),
                trouble=lambda: self.pump.trouble,
                more=[metrics_route(self.meters.page, web.token)],
            )
            self._page.start()
            self._show(self._page)
            stack.push_async_callback(self._page.stop)
            log.info("listening", address=self._page.address)

    def _show(self, page: Page) -> None:
        """Let the page show how things are now. Between two ticks only: they change what is copied."""
        page.live.take(taken(self._ticker.memory, self._ticker.ruling, clock.now(), self._vitals.receivers))

    def _start_loops(self, stack: AsyncExitStack) -> None:
        loops: dict[str, Coroutine[None, None, None]] = {
            "tick": self.pump.run(),
            "deliver": self.delivery.run(),
            "receivers": self._every(LOOK_EVERY, self.receivers.look),
            "prune": self._every(PRUNE_EVERY, self._prune),
            "reload": self.reloading.run(),
            "heartbeat": self._every(LOOK_EVERY, self._beat),
            "reports": self._every(LOOK_EVERY, self._report),
        }
        if self._systemd.watchdog is not None:
            loops["watchdog"] = self._every(self._systemd.watchdog.total_seconds() / 3, self._alive)
        self._loops = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]
        stack.push_async_callback(self._stop_loops)

    def _announce(self) -> None:
        for polling in self.pollings:
            log.info("watching", venue=polling.venue.name, every=polling.every.total_seconds())
        venues, receivers = len(self.pollings), len(self._parts.receivers)
        self._systemd.ready(f"watching; venues: {venues}, receivers: {receivers}")
        rules = len(self._parts.ruling.rules.keys() - RULES.keys())  # as `check` counts them
        log.info("ready", venues=venues, rules=rules, receivers=receivers)

    async def _until(self, stop: asyncio.Event) -> None:
        """Wait for the stop, or for a loop that cannot go on."""
        stopped = asyncio.create_task(stop.wait(), name="stop")
        done, _ = await asyncio.wait([stopped, *self._loops], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done - {stopped}:
            await task

    async def _stop_polling(self) -> None:
        await self._schedule.stop(POLLS_WITHIN)

    async def _stop_loops(self) -> None:
        await self.delivery.stop(SENDS_WITHIN)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        with suppress(StoreError, TimeoutError):
            await asyncio.wait_for(self.pump.drain(), 1.0)

    async def _close_venues(self) -> None:
        await asyncio.gather(*(venue.aclose() for venue in self._parts.venues))

    def _put(self, news: News) -> None:
        self.meters.arrived(news)
        self.pump.put(news)

    def _ticked(self, ticked: Ticked) -> None:
        self.meters.ticked(ticked)
        self._schedule.follow(ticked.venues, ticked.breached)
        if ticked.messages:
            self.delivery.wake()
        if self._page is not None and self._page.live.wants(news=bool(ticked.transitions)):
            self._show(self._page)  # the pump begins no tick before this returns

    def _jumped(self, before: datetime, after: datetime, passed: timedelta) -> None:
        self.pump.put(ClockJump(before, after, passed))
        self.receivers.set_back |= after - before < passed

    async def _every(self, seconds: float, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do `work` again and again; a store that refuses is asked again at the next turn."""
        while True:
            try:
                await work()
            except StoreError as error:
                log.warning("a housekeeping step failed", why=str(error))
            await asyncio.sleep(seconds)

    async def _prune(self) -> None:
        store = self._parts.settings.store
        kept = Retention(keep=store.keep, keep_observations=store.keep_observations)

        def work() -> int | StoreError:
            try:
                return self._store.prune(clock.now(), kept)
            except StoreError as error:
                return error

        # A thread that the stop need not wait for: it works in small transactions and may be cut off at any.
        dropped = await in_thread(work, "prune")
        if isinstance(dropped, StoreError):
            raise dropped
        if dropped:
            log.info("pruned", rows=dropped)

    async def _report(self) -> None:
        now = clock.now()
        for report in self._reporting.due(now):
            messages = await asyncio.to_thread(self._reporting.messages, report, now)
            await self._writer.call(partial(self._reporting.send, report, messages, now))
            self.delivery.wake()

    async def _alive(self) -> None:
        if self._vitals.alive():
            self._systemd.alive()
