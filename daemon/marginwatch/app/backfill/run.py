"""Runs one backfill: venues that keep a history, their accounts, and for each what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from marginwatch import clock
from marginwatch.app.backfill.filling import Filling
from marginwatch.app.backfill.request import NoHistoryError, NoSuchStepError, NoSuchVenueError, Outcome
from marginwatch.app.backtest.request import picks
from marginwatch.app.build import connect
from marginwatch.core.model import VenueFailure
from marginwatch.store.store import Store
from marginwatch.venues.discretion import without_secrets
from marginwatch.venues.http.budget import RateBudget
from marginwatch.venues.protocol import Archive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marginwatch.app.backfill.request import Request
    from marginwatch.app.build import Configured
    from marginwatch.core.model import Account

Progress: TypeAlias = Callable[[str, float], None]
"""Told whose history is being imported, and how much of all is done, from 0 to 1."""

PAGES_PER_SECOND: Final = 2.0
"""A daemon with the same login keeps itself to half of what Architect lets a user call; this is well below the rest."""


def backfill(
    configured: Configured, request: Request, progress: Progress = lambda _label, _done: None
) -> list[Outcome]:
    """Import what is missing, one account after the other. What is in stays, whatever comes after it.

    The daemon may run meanwhile. Nothing that it decides by is touched.

    Raises:
        MarginwatchError: What is asked for cannot be done, or the store cannot be opened.
    """
    venues = _venues(configured, request)
    store = Store.open(configured.settings.store.url.get_secret_value())
    try:
        return asyncio.run(_Backfill(store, request, progress).run(venues))
    finally:
        store.close()


def _venues(configured: Configured, request: Request) -> list[Archive]:
    """Those asked for that keep a history."""
    settings = [each for each in configured.settings.venues if request.venue in {None, each.name}]
    if request.venue is not None and not settings:
        raise NoSuchVenueError(request.venue, [each.name for each in configured.settings.venues])
    connected = (connect(each, configured.kinds[each.kind]) for each in settings)
    archives = [each for each in connected if isinstance(each, Archive)]
    if not archives:
        raise NoHistoryError([(each.name, each.kind) for each in settings])
    for each in archives:
        if request.step not in each.steps:
            raise NoSuchStepError(each.name, request.step, tuple(each.steps))
    return archives


@dataclass(slots=True)
class _Backfill:
    store: Store
    request: Request
    progress: Progress

    async def run(self, venues: Sequence[Archive]) -> list[Outcome]:
        try:
            outcomes: list[Outcome] = []
            for number, venue in enumerate(venues):
                accounts = await self._accounts(venue)
                if isinstance(accounts, str):
                    outcomes.append(Outcome(venue.name, None, trouble=accounts))
                    continue
                budget = RateBudget(PAGES_PER_SECOND, clock.monotonic, burst=1)
                for place, account in enumerate(accounts):
                    share = 1 / len(venues) / len(accounts)
                    done = number / len(venues) + place * share
                    outcomes.append(await self._fill(venue, account, budget, (done, share)))
            return outcomes
        finally:
            await asyncio.gather(*(venue.aclose() for venue in venues))

    async def _fill(self, venue: Archive, account: Account, budget: RateBudget, part: tuple[float, float]) -> Outcome:
        """`part`: how much of all was done before, and how much of all this is."""
        done, share = part

        def advanced(fraction: float) -> None:
            self.progress(f"{venue.name}/{account.name}", done + share * fraction)

        advanced(0)
        return await Filling(venue, self.store.imports, account, self.request, budget, advanced).run()

    async def _accounts(self, venue: Archive) -> list[Account] | str:
        """Those asked for whose numbers the login may see, or why there are none."""
        failures: list[VenueFailure] = []
        listing: tuple[Account, ...] = ()
        async for fetched in venue.poll():
            if isinstance(fetched, VenueFailure):
                failures.append(fetched)
                continue
            said = venue.normalise(fetched)
            listing += said.listing or ()
            failures += said.failures
        picked = picks(self.request.accounts, lambda _: True)
        found = [each for each in listing if each.viewable and picked(each)]
        if found:
            return found
        if failures and not listing:
            return without_secrets(failures[0]).told
        names = ", ".join(each.name for each in listing if each.viewable)
        globs = " or ".join(self.request.accounts)
        return f"no account fits {globs}; there are {names}" if names and globs else "the venue lists no account to see"
