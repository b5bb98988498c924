"""Imports one account's history: the stretches that are missing, each page kept as soon as it is in."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch import clock
from marginwatch.app.backfill.request import Outcome
from marginwatch.core.model import FailureKind
from marginwatch.store.imported import Span
from marginwatch.venues.discretion import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from marginwatch.app.backfill.request import Request
    from marginwatch.core.model import Account, Observation, VenueFailure
    from marginwatch.store.imported import Imports
    from marginwatch.venues.http.budget import RateBudget
    from marginwatch.venues.protocol import Archive

PAUSES: Final = (2.0, 8.0, 32.0)
"""Seconds before the venue is asked again after a failure that may pass, while none of these brings anything."""
MAY_PASS: Final = frozenset(
    {FailureKind.UNREACHABLE, FailureKind.TIMED_OUT, FailureKind.RATE_LIMITED, FailureKind.SERVER_ERROR}
)
SETTLED: Final = timedelta(days=1)
"""The latest snapshots may not be there yet: no time younger than this counts as whole without one after it."""
_MOMENT: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class Filling:
    """One account's import."""

    archive: Archive
    imports: Imports
    account: Account
    request: Request
    budget: RateBudget
    """Keeps the pace of calls at the venue."""
    advanced: Callable[[float], None]
    """Told how much is done, from 0 to 1."""
    imported: int = 0
    pages: int = 0
    unread: list[VenueFailure] = field(default_factory=list)
    """Rows that cannot be read; their pages are asked for again by the next run."""

    async def run(self) -> Outcome:
        """Import what is missing."""
        failure = await self._patiently()
        trouble = "" if failure is None else without_secrets(failure).told
        if self.unread and not trouble:
            first = without_secrets(self.unread[0]).told
            rows = "1 row" if len(self.unread) == 1 else f"{len(self.unread):,} rows"
            trouble = f"{rows} of its history cannot be read, the first: {first}"
        there = self.imports.count(self.account.key, self.request.span)
        return Outcome(self.account.key.venue, self.account, self.imported, there, trouble)

    async def _patiently(self) -> VenueFailure | None:
        """Goes on after failures that pass; gives the one that did not."""
        pauses = iter(PAUSES)
        while True:
            before = self.pages
            failure = await self._missing()
            if failure is None or failure.kind not in MAY_PASS:
                return failure
            pauses = iter(PAUSES) if self.pages > before else pauses
            pause = next(pauses, None)
            if pause is None:
                return failure
            await asyncio.sleep(pause)

    async def _missing(self) -> VenueFailure | None:
        self.unread.clear()
        for gap in self.imports.missing(self.account.key, self.request.step, self.request.span):
            failure = await self._gap(gap)
            if failure is not None:
                return failure
        return None

    async def _gap(self, gap: Span) -> VenueFailure | None:
        """Newest first; after each page all from its oldest row on is there, so that the next run begins below."""
        settled = min(gap.until, clock.now() - SETTLED)
        before = gap.until
        await self._wait()
        async for page in self.archive.past(self.account.key, gap.since, gap.until, self.request.step):
            rows = [each for each in page.observations if each.as_of and gap.since <= each.as_of < before]
            if not rows and page.failures:
                return page.failures[0]
            times = [each.observed_at for each in rows]
            end = max([settled, *(at + _MOMENT for at in times)]) if before == gap.until else before
            self.unread += page.failures
            self._keep(rows, Span(min(times, default=end), end) if not page.failures else None)
            before = min(times, default=before)
            self._show(before)
            await self._wait()
        self._keep((), Span(gap.since, settled if before == gap.until else before))
        self._show(gap.since)
        return None

    def _keep(self, rows: Sequence[Observation], whole: Span | None) -> None:
        self.pages += bool(rows)
        self.imported += self.imports.add(self.account, self.request.step, rows, whole, clock.now())

    def _show(self, before: datetime) -> None:
        span = self.request.span
        self.advanced(1 - (before - span.since) / (span.until - span.since))

    async def _wait(self) -> None:
        await asyncio.sleep(self.budget.reserve(math.inf) or 0)
