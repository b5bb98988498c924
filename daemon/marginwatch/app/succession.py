"""Other parts take the place of those that run, while all that did not change goes on.

parts             assembled on those that run: what the edit left alone is the very same object
windows           filled with what is stored; the old rules go on meanwhile
venues that left  begin no further cycle, the running one ends
rules             are in force between two ticks; all that came before is read and decided by the old ones
receivers         take over what waits; a send under way ends by the one before
venues that came  are polled from now on

A fault on the way leaves everything of before as it was.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

import structlog

from marginwatch.app.polling import pollings_of
from marginwatch.ops.threads import in_thread
from marginwatch.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from datetime import datetime

    from marginwatch.app.build import Parts
    from marginwatch.app.polling import News, Schedule, VenuePolling
    from marginwatch.app.pump import Pump
    from marginwatch.core.model import AccountKey, Observation
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.seeding import Seeding
    from marginwatch.deliver import Delivery

log = structlog.get_logger(__name__)

Past: TypeAlias = "Callable[[Container[AccountKey], datetime, datetime], Iterable[Observation]]"
"""(accounts, since, until) to what was committed of these accounts in that time; see `Store.observations`."""

CYCLES_WITHIN = 10.0
"""Seconds the running cycle of a venue that was edited or dropped may hold up a reload."""


class Succession:
    """Holds the parts that run, and lets others follow them."""

    def __init__(self, parts: Parts, pump: Pump, past: Past, put: Callable[[News], None]) -> None:
        """`past` reads what was observed; `put` takes what comes of polling."""
        self.parts = parts
        self.pollings = pollings_of(parts, put)
        self._pump = pump
        self._put = put
        self._past = past

    async def follow(self, parts: Parts, schedule: Schedule, delivery: Delivery) -> None:
        """Let these run in the place of the present ones, as a whole or not at all.

        Raises:
            Exception: They cannot; those of before go on.
        """
        pollings = pollings_of(parts, self._put, self.pollings)
        prepared = await self._prepare(parts.ruling)
        leaving = [polling for polling in self.pollings if polling not in pollings]
        await schedule.drop(leaving, CYCLES_WITHIN)
        try:
            await self._pump.reload(parts.ruling, prepared, parts.normalisers)
        except Exception:  # whatever it was: those that were dropped go on, and the caller tells why
            schedule.add(leaving)
            raise
        coming = [polling for polling in pollings if polling not in self.pollings]
        ended = {polling.venue.name: polling.last_end for polling in leaving}
        for polling in coming:
            polling.last_end = ended.get(polling.venue.name)
        self.parts, self.pollings = parts, pollings
        delivery.use(parts.receivers)
        schedule.add(coming)
        await _close(leaving)

    async def _prepare(self, ruling: Ruling) -> Seeding:
        """Windows that look far back take long to fill: the old rules go on meanwhile."""
        prepared = await self._pump.prepare(ruling)

        def read() -> StoreError | None:
            try:
                prepared.take(self._past(prepared.accounts, prepared.since, prepared.before))
            except StoreError as error:
                return error
            return None

        if prepared.accounts:
            failure = await in_thread(read, "reload")  # one that a stop need not wait for
            if failure is not None:
                raise failure
        return prepared


async def _close(pollings: Iterable[VenuePolling]) -> None:
    closing = (polling.venue.aclose() for polling in pollings)
    for error in await asyncio.gather(*closing, return_exceptions=True):
        if isinstance(error, Exception):  # a plug-in's; what took its place works all the same
            log.warning("a connection that is not used any more cannot be closed", error=type(error).__name__)
